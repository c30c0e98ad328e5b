"""What a record takes from the catalogue, and what it keeps."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from proxy.catalog import find, informed
from proxy.pricing import cost_of
from proxy.resources import Model, Pricing, Tier
from translators.canonical import Usage

D = Decimal


def model(provider: str, identity: str, **fields: Any) -> Model:
    return Model(name="m", provider=provider, model=identity, **fields)


def price_of(record: Model) -> Pricing:
    pricing = informed(record).pricing
    assert pricing is not None
    return pricing


def test_a_record_that_says_nothing_takes_all_there_is() -> None:
    found = informed(model("openai", "gpt-5.4"))
    assert (found.flags["vision"], found.flags["audio"]) == (True, False)
    assert set(found.flag_sources.values()) == {"catalog"}
    assert found.features["reasoningEfforts"] == ["none", "low", "medium", "high", "xhigh"]
    assert (found.context_window, found.max_output) == (1_050_000, 128_000)
    assert found.pricing is not None
    assert (found.pricing.source, found.pricing.as_of) == ("catalog", "2026-11-22")
    assert not found.declares


def test_a_record_that_declares_one_flag_declares_what_it_can_do() -> None:
    declared = model("openai", "gpt-5", flags={"audio": True}, flag_sources={"audio": "declared"})
    found = informed(declared)
    assert (found.flags, found.flag_sources, found.features) == ({"audio": True}, {"audio": "declared"}, {})
    assert found.declares
    assert found.context_window == 400_000  # limits and prices are another matter


def test_what_an_endpoint_told_stays() -> None:
    probed = model("ollama", "qwen3:8b", origin="discovered", flags={"vision": True}, flag_sources={"vision": "probed"})
    found = informed(probed)
    assert (found.flags["vision"], found.flag_sources["vision"]) == (True, "probed")
    assert (found.flags["audio"], found.flag_sources["audio"]) == (False, "catalog")


def test_what_is_written_wins_one_by_one() -> None:
    found = informed(model("openai", "gpt-5", context_window=1000, features={"stop": True}))
    assert (found.context_window, found.max_output) == (1000, 128_000)
    assert (found.features["stop"], found.features["logprobs"]) == (True, False)


def test_an_unknown_model_stays_as_it_is() -> None:
    unknown = model("openai", "gpt-9")
    assert informed(unknown) is unknown


def test_to_be_informed_twice_changes_nothing() -> None:
    once = informed(model("anthropic", "claude-opus-5-5"))
    assert informed(once) == once
    declared = informed(model("openai", "gpt-5.4", pricing=Pricing(input=D(1), output=D(2))))
    assert informed(declared) == declared


def test_a_deployment_is_what_its_base_model_is() -> None:
    deployed = model("microsoft", "prod-eu", features={"baseModel": "gpt-5.4"})
    assert informed(model("microsoft", "prod-eu")).pricing is None
    assert price_of(deployed).input == D("2.5")
    assert informed(deployed).features["baseModel"] == "gpt-5.4"


def test_a_model_of_the_users_own_machine_keeps_its_price() -> None:
    free = Pricing(input=D(0), output=D(0), source="local")
    assert price_of(model("vllm", "Qwen/Qwen3-8B", local=True, pricing=free)) is free


def test_a_declared_price_has_the_discounts_of_the_list_price() -> None:
    # 3 / 0.3 / 3.75 / 6 / 15 by the list; the contract says half of it.
    own = Pricing(input=D("1.5"), output=D("7.5"), as_of="2026-10-01")
    found = price_of(model("anthropic", "claude-sonnet-4-6", pricing=own))
    assert (found.cached_input, found.cache_write, found.cache_write_1h) == (D("0.15"), D("1.875"), D(3))
    assert (found.source, found.as_of, found.reasoning) == ("model", "2026-10-01", None)
    usage = Usage(input=1000, cached=600, cache_write=300, cache_write_1h=100, output=10, reasoning=5)
    # 100 x 1.5 + 600 x 0.15 + 200 x 1.875 + 100 x 3 + 10 x 7.5
    assert cost_of(found, usage).usd == D("0.00099")


def test_what_a_declared_price_says_is_not_changed() -> None:
    own = Pricing(input=D(1), cached_input=D("0.9"), output=D(2), service_tiers={"flex": D("0.8")})
    found = price_of(model("openai", "gpt-5.4", pricing=own))
    assert (found.input, found.cached_input, found.output) == (D(1), D("0.9"), D(2))
    assert found.service_tiers == {"flex": D("0.8")}
    assert found.tiers == ()  # a declared price is flat unless it says otherwise
    tiers = (Tier(above=10, input=D(9)),)
    assert price_of(model("openai", "gpt-5.4", pricing=replace(own, tiers=tiers))).tiers == tiers


def test_a_declared_price_without_multipliers_has_the_lists() -> None:
    own = Pricing(input=D(1), output=D(2))
    assert price_of(model("openai", "gpt-5.4", pricing=own)).service_tiers["priority"] == D(2)


def test_a_declared_price_in_another_currency_takes_ratios_and_converts_amounts() -> None:
    own = Pricing(currency="EUR", usd_rate=D("1.25"), input=D(2), output=D(8))
    found = price_of(model("openai", "gpt-5.4", pricing=own))
    assert (found.cached_input, found.tool_requests["web_search"]) == (D("0.2"), D("0.008"))


def test_only_known_ratios_are_taken() -> None:
    nobody_knows = price_of(model("generic-openai", "acme-1", pricing=Pricing(input=D(1), output=D(2))))
    assert (nobody_knows.cached_input, nobody_knows.cache_write, nobody_knows.audio_input) == (None, None, None)
    half = price_of(model("openai", "gpt-5.4", pricing=Pricing(output=D(2))))
    assert (half.input, half.cached_input) == (None, None)


def test_own_engines_give_no_discount_for_what_they_remember() -> None:
    own = Pricing(input=D("0.1"), output=D("0.3"))
    found = price_of(model("vllm", "acme/finetune", pricing=own))
    assert (found.cached_input, found.cache_write, found.audio_input) == (D("0.1"), D("0.1"), None)


@pytest.mark.parametrize(
    ("record", "surcharge"),
    [
        (model("openai", "gpt-5.4", base_url="https://api.openai.com/v1"), "1"),
        (model("openai", "gpt-5.4", base_url="https://eu.api.openai.com/v1"), "1.1"),
        (model("openai", "gpt-5.2", base_url="https://eu.api.openai.com/v1"), "1"),  # older than the surcharge
        (model("anthropic", "claude-opus-5-5", region="us"), "1.1"),
        (model("anthropic", "claude-opus-5-5"), "1"),
        (model("microsoft", "gpt-6.1-sol", region="eu"), "1.2"),
        (model("microsoft", "gpt-6.1-sol", region="swedencentral"), "1"),
        (model("google", "gemini-4-carbon", base_url="https://aiplatform.eu.rep.googleapis.com", region="eu"), "1.1"),
        (model("google", "gemini-4-carbon", place={"project": "p", "location": "eu"}), "1.1"),
        (model("google", "gemini-4-carbon", place={"project": "p", "location": "global"}), "1"),
        (model("google", "claude-opus-5@default", place={"project": "p", "location": "europe-west1"}), "1.1"),
        (model("google", "claude-opus-5@default", place={"project": "p"}), "1"),
        (model("google", "gemini-4-carbon", region="eu"), "1"),  # the Gemini API knows no places
    ],
)
def test_places_that_cost_more(record: Model, surcharge: str) -> None:
    found = price_of(record)
    assert found.surcharge == D(surcharge)
    assert found.then is None or found.then.surcharge == D(surcharge)
    plain = find(record)
    assert plain is not None
    assert plain.pricing is not None
    assert (found.hash == plain.pricing.hash) == (surcharge == "1")


def test_a_vendor_behind_the_generic_provider_is_told_by_its_host() -> None:
    there = model("generic-openai", "grok-4.7", base_url="https://api.x.ai/v1")
    assert price_of(there).output == D(6)
    assert informed(model("generic-openai", "grok-4.7", base_url="https://gateway.example/v1")).pricing is None
