"""Where models are: zones by their addresses, residency by their regions and by where the router is."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.places import doubtful_claim, is_loopback_host, known_code, satisfies, wider, zone_of
from proxy.resources import RESIDENCY_RULES, ZONES, Model, Residency, ResidencyRule, SecretRef, SecretSource

_OPENAI = "https://api.openai.com/v1"
_PUBLIC = "https://llm.example.com"
_HERE = "http://127.0.0.1:11434"
_NEAR = "http://192.168.1.20:8000"


def _model(*regions: str, region: str | None = None, local: bool = False, base_url: str | None = _PUBLIC) -> Model:
    return Model(
        name="m",
        provider="vllm",
        model="m",
        regions=regions,
        region=region,
        local=local,
        base_url=base_url,
        zone="vendor",
    )


# --- zones ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        None,
        "http://localhost:11434",
        "http://LOCALHOST:11434",
        "http://localhost.:11434",
        "http://models.localhost",
        "http://ip6-localhost",
        "http://127.0.0.1",
        "http://127.8.9.10:1",
        "http://[::1]:8080",
        "http://[::ffff:127.0.0.1]",
        "http://0.0.0.0:11434",
        "http://[::]:11434",
    ],
)
def test_this_machine_is_the_device(url: str | None) -> None:
    assert zone_of(url) == "device", url


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3:8000",
        "http://172.31.0.1",
        "http://192.168.1.20",
        "http://169.254.1.1",
        "http://[fd00::1]:8000",
        "http://[fe80::1%25eth0]",
        "http://[::ffff:10.0.0.1]",
        "http://ollama:11434",
        "http://gpu_box",
        "https://models.local",
        "https://models.local.",
        "http://host.docker.internal:11434",
        "http://gpu.lan",
        "http://nas.home.arpa",
    ],
)
def test_private_addresses_and_names_of_home_are_the_network(url: str) -> None:
    assert zone_of(url) == "network", url


@pytest.mark.parametrize(
    "url",
    [
        _OPENAI,
        "https://8.8.8.8",
        "http://172.32.0.1",
        "http://192.169.0.1",
        "http://100.64.0.1",  # a carrier's network, or an overlay: the operator says which
        "http://[2606:4700::1111]",
        "http://[64:ff9b::10.0.0.1]",  # through somebody's translator
        "http://127.evil.example",
        "http://localhost.example.com",
        "http://notlocal.example",
        "http://134744072",  # 8.8.8.8 to whoever reads numbers as addresses
        "http://0x08080808",
        "http://127.1",
        "http://api%2Eopenai%2Ecom",
        "http://api\u3002openai\u3002com",
        "http://xn--a.com",
        "http://com.",
        "http://10.0.0.1.example.com",
        "http://[::1",
        "",
    ],
)
def test_everything_else_is_a_vendor(url: str) -> None:
    assert zone_of(url) == "vendor", url


def test_an_address_out_of_a_secret_may_be_anywhere() -> None:
    assert zone_of(None, hidden=True) == "vendor"
    assert zone_of(_HERE, hidden=True) == "vendor"


def test_zones_are_ordered_from_the_device_outward() -> None:
    for one in range(len(ZONES)):
        for other in range(len(ZONES)):
            assert wider(ZONES[one], ZONES[other]) is (one > other), (ZONES[one], ZONES[other])


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "a.localhost", "Localhost"])
def test_loopback_hosts_are_known(host: str) -> None:
    assert is_loopback_host(host)


@pytest.mark.parametrize(
    "host",
    ["0.0.0.0", "::", "", "10.0.0.1", "127.evil.example", "localhost.evil.example", "evil%2e.localhost", ".localhost"],
)
def test_what_listens_elsewhere_or_everywhere_is_no_loopback(host: str) -> None:
    assert not is_loopback_host(host)


# --- residency: regions --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("EU", "eu"),
        ("EU", "EU-Central-1"),
        ("EU", "europe-west1"),
        ("EU", "swedencentral"),
        ("EU", "sovereign-eu"),
        ("US", "us-east-1"),
        ("US", "eastus2"),
        ("UK", "europe-west2"),
        ("CH", "eu-central-2"),
        ("CA", "canadaeast"),
        ("AU", "ap-southeast-2"),
        ("JP", "asia-northeast1"),
        ("IN", "ap-south-1"),
        ("SG", "southeastasia"),
    ],
)
def test_regions_of_a_code_satisfy_it(code: str, region: str) -> None:
    for model in (_model(region), _model(region=region)):
        verdict = satisfies(model, code, Residency())
        assert verdict.ok, verdict.detail
        assert verdict.region == region
        assert verdict.detail == f"{region} is in {code}"


@pytest.mark.parametrize(
    ("code", "region"),
    [
        ("EU", "us-east-1"),
        ("EU", "europe-west2"),  # London
        ("EU", "EU-WEST-2"),
        ("EU", "europe-west6"),  # Zurich
        ("EU", "global"),
        ("EU", "euro"),
        ("US", "us-gov-west-1"),
        ("US", "australiaeast"),
        ("SG", "ap-southeast-2"),
    ],
)
def test_regions_outside_a_code_do_not(code: str, region: str) -> None:
    verdict = satisfies(_model(region), code, Residency())
    assert not verdict.ok
    assert verdict.region == region
    assert verdict.detail == f"{region} is outside {code}"


def test_an_unknown_region_satisfies_nothing() -> None:
    for code in RESIDENCY_RULES:
        verdict = satisfies(_model(), code, Residency())
        assert (verdict.ok, verdict.region) == (False, "unknown"), verdict.detail
        assert "unknown" in verdict.detail


def test_codes_are_compared_without_case_and_unknown_ones_are_satisfied_by_nobody() -> None:
    assert satisfies(_model("eu"), "eu", Residency()).ok
    assert known_code("eU", Residency()) == "EU"
    assert known_code("Mars", Residency()) is None
    verdict = satisfies(_model("eu", local=True, base_url=_HERE), "Mars", Residency())
    assert not verdict.ok
    assert "Mars" in verdict.detail


def test_the_region_of_the_endpoint_decides_alone() -> None:
    assert not satisfies(_model("eu", region="us-east-1"), "EU", Residency()).ok
    assert satisfies(_model("us", region="eu"), "EU", Residency()).ok
    local = _model("on-prem", region="us-east-1", local=True, base_url=_HERE)
    assert not satisfies(local, "EU", Residency(locality="eu-central")).ok


def test_one_region_is_enough_unless_the_rule_asks_for_all() -> None:
    mixed = _model("us-east-1", "eu-west-1")
    verdict = satisfies(mixed, "EU", Residency())
    assert (verdict.ok, verdict.region) == (True, "eu-west-1")
    rules = {"EU": replace(RESIDENCY_RULES["EU"], match="all")}
    verdict = satisfies(mixed, "EU", Residency(rules=rules))
    assert (verdict.ok, verdict.region) == (False, "us-east-1")
    assert satisfies(_model("eu-west-1", "eu"), "EU", Residency(rules=rules)).ok


def test_a_rule_of_ones_own_denies_before_it_allows() -> None:
    residency = Residency(rules={"HQ": ResidencyRule(allow=("rack-*",), deny=("rack-9",))})
    assert satisfies(_model("rack-1"), "hq", residency).ok
    assert not satisfies(_model("rack-9"), "hq", residency).ok
    assert not satisfies(_model("eu"), "EU", residency).ok


# --- residency: here -----------------------------------------------------------------------------------------------


def test_a_local_model_is_where_the_router_is() -> None:
    local = _model("on-prem", local=True, base_url=_HERE)
    verdict = satisfies(local, "EU", Residency(locality="eu-central"))
    assert (verdict.ok, verdict.region) == (True, "eu-central")
    assert "where this router does" in verdict.detail
    assert not satisfies(local, "EU", Residency(locality="us-east-1")).ok
    assert not satisfies(local, "EU", Residency(locality="europe-west2")).ok


@pytest.mark.parametrize("word", ["on-prem", "local", "On-Prem"])
def test_a_region_called_on_premises_is_where_the_router_is(word: str) -> None:
    assert satisfies(_model(word), "EU", Residency(locality="eu-central")).ok
    assert satisfies(_model(region=word), "EU", Residency(locality="eu-central")).ok
    assert not satisfies(_model(word), "EU", Residency(locality="us-east-1")).ok
    assert not satisfies(_model(word), "EU", Residency()).ok, "the address is on the internet"


@pytest.mark.parametrize(
    ("url", "word"), [(_HERE, "host"), (None, "host"), (_NEAR, "network"), ("http://gpu", "network")]
)
def test_without_a_locality_data_that_stays_near_satisfies_every_code(url: str | None, word: str) -> None:
    for code in RESIDENCY_RULES:
        verdict = satisfies(_model("on-prem", local=True, base_url=url), code, Residency())
        assert verdict.ok, verdict.detail
        assert verdict.detail == f"data does not leave this {word}"
        assert verdict.region == "on-prem"
    assert not satisfies(_model(local=True, base_url=url), "EU", Residency(trust_local=False)).ok


def test_a_local_model_at_an_address_elsewhere_is_not_trusted_by_its_word() -> None:
    assert not satisfies(_model("on-prem", local=True), "EU", Residency()).ok
    secret = SecretRef(name="address", source=SecretSource(type="env", location="ADDRESS"))
    hidden = replace(_model("on-prem", local=True, base_url=None), base_url_secret=secret)
    assert not satisfies(hidden, "EU", Residency()).ok


# --- residency: claims that are not credible -----------------------------------------------------------------------


@pytest.mark.parametrize("claim", ["eu", "EU-west-1", "europe-west1", "eea"])
def test_a_claim_for_openais_default_host_counts_unless_strict(claim: str) -> None:
    for model in (_model(claim, base_url=_OPENAI), _model(region=claim, base_url=_OPENAI)):
        assert doubtful_claim(model) == claim
        assert satisfies(model, "EU", Residency()).ok
        verdict = satisfies(model, "EU", Residency(strict=True))
        assert not verdict.ok
        assert "api.openai.com" in verdict.detail


def test_strict_leaves_credible_claims_alone() -> None:
    strict = Residency(strict=True)
    assert satisfies(_model("eu", base_url="https://eu.api.openai.com/v1"), "EU", strict).ok
    assert satisfies(_model("us", base_url=_OPENAI), "US", strict).ok
    assert satisfies(_model("eu"), "EU", strict).ok
    assert doubtful_claim(_model("eu", region="us", base_url=_OPENAI)) is None
    assert doubtful_claim(_model("us", base_url=_OPENAI)) is None
    assert doubtful_claim(_model("eu", base_url=None)) is None


# --- laws ----------------------------------------------------------------------------------------------------------

_REGIONS = st.sampled_from(
    ["eu", "eu-west-1", "us-east-1", "europe-west2", "on-prem", "local", "global", "Sovereign-EU"]
)
_MODELS = st.builds(
    _model,
    _REGIONS,
    _REGIONS,
    region=st.none() | _REGIONS,
    local=st.booleans(),
    base_url=st.sampled_from([None, _HERE, _NEAR, _PUBLIC, _OPENAI]),
)
_RESIDENCIES = st.builds(
    Residency, strict=st.booleans(), trust_local=st.booleans(), locality=st.none() | st.sampled_from(["eu", "us-1"])
)


@given(_MODELS, st.sampled_from(["EU", "US", "UK", "Mars"]), _RESIDENCIES)
def test_being_stricter_never_admits_anybody(model: Model, code: str, residency: Residency) -> None:
    verdict = satisfies(model, code, residency)
    assert verdict.detail
    assert verdict.region
    for stricter in (
        replace(residency, strict=True),
        replace(residency, trust_local=False),
        replace(residency, rules={name: replace(rule, match="all") for name, rule in residency.rules.items()}),
    ):
        assert verdict.ok or not satisfies(model, code, stricter).ok, stricter


@given(_MODELS, _RESIDENCIES)
def test_the_order_of_regions_decides_nothing(model: Model, residency: Residency) -> None:
    turned = replace(model, regions=model.regions[::-1])
    assert satisfies(model, "EU", residency).ok == satisfies(turned, "EU", residency).ok


@given(st.text(max_size=30))
def test_any_text_has_a_zone(text: str) -> None:
    assert zone_of(text) in ZONES
    assert zone_of(f"http://{text}") in ZONES
