from decimal import Decimal
from pathlib import Path

import pytest

from proxy.config.models import digest
from proxy.resources import Auth

from .writing import KEY, Records, loaded, model, only, problems, record, resource, settings, told


def test_a_model_as_written_is_the_record_everything_runs_with(tmp_path: Path) -> None:
    spec = """\
provider: vllm
model: Qwen/Qwen3-8B
aliases: [qwen, "qwen3-*"]
api: chat
endpoint:
  baseUrl: https://gpu:8000/v1/
  region: eu-central
  headers: { X-Team: research }
  query: { v: "1" }
  timeouts: { firstByteMs: 2m }
  caFile: /etc/ca.pem
auth: {}
capabilities: { text: true, toolCalling: false, features: { logprobs: true } }
defaultParameters: { temperature: 0.5 }
forcedParameters: { seed: 7 }
routing: { priority: 7, regions: [eu], fallbackPolicy: never }
"""
    found = loaded(tmp_path, model("qwen-gpu", spec)).snapshot.models["vllm:qwen-gpu"]
    assert (found.model, found.aliases, found.api, found.local) == ("Qwen/Qwen3-8B", ("qwen", "qwen3-*"), "chat", False)
    assert (found.base_url, found.region, found.ca_file) == ("https://gpu:8000/v1", "eu-central", "/etc/ca.pem")
    assert (found.headers, found.query) == ({"X-Team": "research"}, {"v": "1"})
    assert (found.clocks.first_byte, found.clocks.connect) == (120.0, 5.0)
    assert (found.flags, found.features) == ({"text": True, "toolCalling": False}, {"logprobs": True})
    assert found.flag_sources == {"text": "declared", "toolCalling": "declared"}
    assert (found.default_parameters, found.forced_parameters) == ({"temperature": 0.5}, {"seed": 7})
    assert (found.priority, found.regions, found.fallback_policy) == (7, ("eu",), "never")
    assert found.pricing is not None
    assert (found.pricing.input, found.pricing.output) == (Decimal(1), Decimal(2))
    assert (found.secret, found.secret_problem, found.origin) == (None, None, "config")


def test_money_is_not_rounded(tmp_path: Path) -> None:
    text = resource(
        "Model", "a", "provider: openai\npricing: { inputPerMillionTokens: 0.10, outputPerMillionTokens: 0.3 }"
    )
    pricing = loaded(tmp_path, text).snapshot.models["openai:a"].pricing
    assert pricing is not None
    assert (str(pricing.input), str(pricing.output)) == ("0.10", "0.3")


def test_a_local_model_is_free_patient_and_keyless(tmp_path: Path) -> None:
    found = loaded(tmp_path, resource("Model", "q", "provider: ollama"), {}).snapshot.models["ollama:q"]
    assert found.local
    assert found.pricing is not None
    assert (found.pricing.source, found.pricing.output) == ("local", Decimal(0))
    assert (found.clocks.first_byte, found.regions, found.secret_problem) == (300.0, ("on-prem",), None)


def test_an_own_engine_elsewhere_is_hosted_unless_it_says_local(tmp_path: Path) -> None:
    text = model("far", "provider: ollama\nendpoint: { baseUrl: 'http://gpu:11434' }")
    text += model("near", "provider: ollama\nendpoint: { baseUrl: 'http://gpu:11434', type: local }")
    models = loaded(tmp_path, text, {}).snapshot.models
    assert [model.local for model in models.values()] == [False, True]


def test_a_missing_key_disables_the_model_and_nothing_else(tmp_path: Path) -> None:
    found = loaded(tmp_path, model("a") + model("b", "provider: ollama"), {})
    assert [(problem.code, problem.resource) for problem in found.problems] == [
        ("W-SECRET-UNRESOLVED", "Model/default/a")
    ]
    assert found.snapshot.models["openai:a"].secret_problem == "OPENAI_API_KEY is not set"
    assert found.snapshot.models["ollama:b"].secret_problem is None


def test_a_base_url_in_a_file_carries_no_key_to_another_host(tmp_path: Path) -> None:
    found = loaded(tmp_path, model("a", "provider: openai\nendpoint: { baseUrl: 'https://evil.example/v1' }"))
    model_record = found.snapshot.models["openai:a"]
    assert model_record.secret is None
    assert model_record.secret_problem is not None
    assert "only sent to openai's own address" in model_record.secret_problem


def test_an_address_comes_from_the_environment_or_the_settings(tmp_path: Path) -> None:
    text = settings(
        "{ providers: { vllm: { baseUrl: 'http://cfg/v1', headers: { X-A: '1' }, timeouts: { idleMs: 1000 } } } }"
    )
    text += model("a", "provider: vllm\nendpoint: { headers: { X-B: '2' } }")
    found = loaded(tmp_path, text).snapshot.models["vllm:a"]
    assert (found.base_url, found.headers, found.clocks.idle) == ("http://cfg/v1", {"X-A": "1", "X-B": "2"}, 1.0)
    env = {"JOCH_PROVIDER_VLLM_BASE_URL": "http://env/v1"}
    assert loaded(tmp_path, text, env).snapshot.models["vllm:a"].base_url == "http://env/v1"


def test_a_provider_without_an_address_needs_one(tmp_path: Path) -> None:
    assert told(tmp_path, model("a", "provider: generic-openai")) == [("E-TYPE", "spec.endpoint.baseUrl")]
    assert told(tmp_path, model("a", "provider: demo\nmodel: echo\nendpoint: { baseUrl: 'http://h' }")) == [
        ("E-TYPE", "spec.endpoint.baseUrl")
    ]


def test_a_model_must_not_lead_back_here(tmp_path: Path) -> None:
    text = settings("{ listen: { port: 9000 } }") + model(
        "a", "provider: vllm\nendpoint: { baseUrl: 'http://localhost:9000/v1' }"
    )
    assert only(tmp_path, text).code == "E-SELF-LOOP"
    assert told(tmp_path, text, overrides={"port": 9001}) == []


def test_an_unknown_provider_lists_what_is_installed(tmp_path: Path) -> None:
    problem = only(tmp_path, model("a", "provider: opnai"))
    assert (problem.code, problem.path, problem.hint) == ("E-PROVIDER", "spec.provider", "did you mean openai?")


def test_a_broken_provider_is_told_apart_from_an_unknown_one(tmp_path: Path) -> None:
    problem = only(tmp_path, model("a", "provider: mine"), providers=Records(broken=("mine",)))
    assert problem.code == "E-PROVIDER"
    assert "could not be loaded" in problem.message


def test_a_provider_of_somebody_else_is_as_good_as_ours(tmp_path: Path) -> None:
    mine = record("mine", base_url="https://mine.example", key_env=("MINE_KEY",))
    found = loaded(tmp_path, model("a", "provider: mine"), {"MINE_KEY": "k"}, providers=Records(mine)).snapshot
    assert found.models["mine:a"].secret is not None
    assert found.models["mine:a"].base_url == "https://mine.example"


@pytest.mark.parametrize(
    ("spec", "rate"),
    [("currency: EUR, usdRate: 1.1", "1.1"), ("currency: EUR", "1.08"), ("currency: USD", "1")],
)
def test_other_currencies_have_a_rate(tmp_path: Path, spec: str, rate: str) -> None:
    text = settings("{ fx: { EUR: 1.08 } }") + resource(
        "Model", "a", f"provider: openai\npricing: {{ {spec}, inputPerMillionTokens: 1, outputPerMillionTokens: 1 }}"
    )
    pricing = loaded(tmp_path, text).snapshot.models["openai:a"].pricing
    assert pricing is not None
    assert str(pricing.usd_rate) == rate


@pytest.mark.parametrize("currency", ["CHF", "usd", "Euro"])
def test_a_currency_without_a_rate_is_an_error(tmp_path: Path, currency: str) -> None:
    text = resource("Model", "a", f"provider: openai\npricing: {{ currency: {currency} }}")
    assert ("E-CURRENCY", "spec.pricing.currency") in told(tmp_path, text)


@pytest.mark.parametrize(
    ("spec", "codes"),
    [
        ("provider: openai", ["W-PRICE-UNKNOWN", "W-CONTEXT-GUESS"]),
        (
            "provider: openai\nlimits: { contextWindowTokens: 1 }\npricing: { inputPerMillionTokens: 0, outputPerMillionTokens: 0 }",
            ["W-PRICE-ZERO"],
        ),
        ("provider: ollama", []),
    ],
)
def test_doubts_about_a_hosted_model(tmp_path: Path, spec: str, codes: list[str]) -> None:
    assert [problem.code for problem in problems(tmp_path, resource("Model", "a", spec))] == codes


@pytest.mark.parametrize(
    ("endpoint", "warned"),
    [
        ("{ baseUrl: 'https://gpu', verifyTls: false }", True),
        ("{ baseUrl: 'http://gpu' }", True),
        ("{ baseUrl: 'http://localhost:1' }", False),
        ("{ baseUrl: 'https://gpu' }", False),
    ],
)
def test_a_key_on_an_open_line_is_a_warning(tmp_path: Path, endpoint: str, warned: bool) -> None:
    text = model("a", f"provider: openai\nendpoint: {endpoint}\nauth: {{ secretRef: s }}")
    text += resource("Secret", "s", "source: { type: env, name: A }")
    assert [code for code, _ in told(tmp_path, text)] == (["W-TLS-OFF"] if warned else [])


@pytest.mark.parametrize("type", ["bearer", "api-key", "x-api-key", "x-goog-api-key"])
def test_a_key_travels_in_the_header_that_is_named(tmp_path: Path, type: str) -> None:
    found = loaded(tmp_path, model("a", f"provider: openai\nauth: {{ type: {type} }}"), KEY)
    record = found.snapshot.models["openai:a"]
    assert record.secret is not None
    assert record.auth == Auth(type=type)


def test_no_key_is_no_key(tmp_path: Path) -> None:
    for auth in ("{}", "{ type: none }"):
        record = loaded(tmp_path, model("a", f"provider: openai\nauth: {auth}")).snapshot.models["openai:a"]
        assert (record.secret, record.secret_problem, record.auth) == (None, None, Auth())


def test_one_provider_has_one_model_of_a_name(tmp_path: Path) -> None:
    problem = only(tmp_path, model("a") + model("a", namespace="team"))
    assert problem.code == "E-DUP-RESOURCE"
    assert "Model/default/a" in problem.message


def test_the_hash_is_of_the_meaning_not_of_the_spelling() -> None:
    assert digest({"a": 1, "b": Decimal("0.50")}) == digest({"b": Decimal("0.5"), "a": 1})
    assert digest({"a": 1}) != digest({"a": 2})
    assert len(digest({})) == 12


@pytest.mark.parametrize(
    ("where", "path"),
    [("endpoint: { region: eu-1 }", "endpoint.region"), ("routing: { regions: [eu] }", "routing.regions")],
)
def test_a_claim_that_nobody_promises_is_said_where_it_is_written(tmp_path: Path, where: str, path: str) -> None:
    problem = only(tmp_path, model("a", f"provider: openai\n{where}"))
    assert (problem.code, problem.path) == ("W-RESIDENCY", f"spec.{path}")
