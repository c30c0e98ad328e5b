from pathlib import Path

import pytest

from .writing import loaded, model, only, resource, route, settings, told

MODELS = model("gpt", "provider: openai\nmodel: gpt-5.5") + model("qwen", "provider: ollama\nmodel: 'qwen3:8b'")


def entries(folder: Path, primary: str, text: str = MODELS, namespace: str = "default") -> list[str]:
    snapshot = loaded(folder, text + route("r", f"strategy: {{ primary: {primary} }}", namespace)).snapshot
    key = "r" if namespace == "default" else f"{namespace}/r"
    return [entry.ref for entry in snapshot.routes[key].entries]


@pytest.mark.parametrize(
    ("reference", "ref"),
    [
        ("gpt", "openai:gpt"),
        ("'openai:gpt'", "openai:gpt"),
        ("'openai:gpt-5.5'", "openai:gpt"),
        ("gpt-5.5", "openai:gpt"),
        ("'qwen3:8b'", "ollama:qwen"),
        ("'ollama:qwen3:8b'", "ollama:qwen"),
        ("default/gpt", "openai:gpt"),
        ("'default/openai:gpt'", "openai:gpt"),
        ("{ name: gpt }", "openai:gpt"),
        ("{ name: gpt, namespace: default }", "openai:gpt"),
        ("{ ref: { name: gpt } }", "openai:gpt"),
    ],
)
def test_the_ways_to_name_a_model(tmp_path: Path, reference: str, ref: str) -> None:
    assert entries(tmp_path, reference) == [ref]


def test_a_model_may_have_a_slash_in_its_upstream_id(tmp_path: Path) -> None:
    text = model("q", "provider: vllm\nmodel: Qwen/Qwen3")
    assert entries(tmp_path, "Qwen/Qwen3", text) == ["vllm:q"]
    assert entries(tmp_path, "'vllm:Qwen/Qwen3'", text) == ["vllm:q"]


def test_the_own_namespace_comes_before_default(tmp_path: Path) -> None:
    text = model("a") + model("a", "provider: ollama", "team")
    assert entries(tmp_path, "a", text) == ["openai:a"]
    assert entries(tmp_path, "a", text, "team") == ["ollama:a"]
    assert entries(tmp_path, "team/a", text) == ["ollama:a"]
    assert entries(tmp_path, "default/a", text, "team") == ["openai:a"]


def test_a_name_that_means_several_is_an_error_with_all_of_them(tmp_path: Path) -> None:
    text = model("a", "provider: openai\nmodel: same") + model("b", "provider: vllm\nmodel: same")
    problem = only(tmp_path, text + route("r", "strategy: { primary: same }"))
    assert (problem.code, problem.hint) == ("E-REF-AMBIGUOUS", "write one of: openai:a, vllm:b")


def test_an_undeclared_model_of_a_provider_in_use_is_an_implicit_one(tmp_path: Path) -> None:
    snapshot = loaded(
        tmp_path, MODELS + route("r", "strategy: { primary: 'openai:gpt-4o-mini', fallback: [o4-mini] }")
    ).snapshot
    first, second = snapshot.routes["r"].entries
    assert (first.ref, second.ref) == ("openai:gpt-4o-mini", "openai:o4-mini")
    assert first.model is not None
    assert (first.model.model, first.model.origin, first.model.base_url) == (
        "gpt-4o-mini",
        "implicit",
        "https://api.openai.com/v1",
    )


def test_without_a_key_or_with_implicit_models_off_there_is_none(tmp_path: Path) -> None:
    text = MODELS + route("r", "strategy: { primary: 'openai:gpt-4o-mini' }")
    assert ("E-REF", "spec.strategy.primary") in told(tmp_path, text, {})
    assert ("E-REF", "spec.strategy.primary") in told(tmp_path, settings("{ implicitModels: off }") + text)


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        ("'openai:gtp'", "did you mean openai:gpt?"),
        ("qwenn", "did you mean qwen?"),
        ("'opnai:gpt'", "the provider is unknown; did you mean openai?"),
    ],
)
def test_what_is_not_there_is_told_with_the_nearest(tmp_path: Path, reference: str, hint: str) -> None:
    text = settings("{ implicitModels: off }") + MODELS + route("r", f"strategy: {{ primary: {reference} }}")
    problem = only(tmp_path, text)
    assert (problem.code, problem.hint) == ("E-REF", hint)


@pytest.mark.parametrize("reference", ["broken", "'openai:broken'", "{ name: broken, namespace: default }"])
def test_a_model_with_errors_is_not_reported_again_where_it_is_used(tmp_path: Path, reference: str) -> None:
    text = settings("{ implicitModels: off }") + resource("Model", "broken", "{ provider: openai, apy: x }")
    assert told(tmp_path, text + route("r", f"strategy: {{ primary: {reference} }}")) == [
        ("E-UNKNOWN-FIELD", "spec.apy")
    ]


def test_nothing_is_missing_from_a_file_that_could_not_be_read(tmp_path: Path) -> None:
    text = settings("{ implicitModels: off }") + route("r", "strategy: { primary: gpt }") + "kind: [\n"
    assert [code for code, _ in told(tmp_path, text)] == ["E-YAML"]


def test_a_default_route_may_be_a_route_of_any_namespace_or_a_model(tmp_path: Path) -> None:
    text = MODELS + route("r", "strategy: { primary: gpt }", "team")
    for reference, key in [("team/r", "team/r"), ("{ name: r, namespace: team }", "team/r"), ("gpt", "openai:gpt")]:
        found = loaded(tmp_path, settings(f"{{ defaultModelRouteRef: {reference} }}") + text).snapshot
        assert found.settings.default_route == key
    assert told(tmp_path, settings("{ defaultModelRouteRef: r }") + text) == [("E-REF", "spec.defaultModelRouteRef")]
