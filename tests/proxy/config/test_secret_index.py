from pathlib import Path

import pytest

from .writing import loaded, model, only, secret, settings, told

KEYS = "keys:\n  apiKey: { source: { type: env, name: A } }\n  baseUrl: { source: { type: file, path: /run/b } }"


def with_ref(reference: str) -> str:
    return model("a", f"provider: openai\nauth: {{ secretRef: {reference} }}")


@pytest.mark.parametrize("reference", ["s", "{ name: s }", "default/s", "{ name: s, namespace: default }"])
def test_a_secret_is_found_by_any_form_of_reference(tmp_path: Path, reference: str) -> None:
    found = loaded(tmp_path, with_ref(reference) + secret("s")).snapshot.models["openai:a"].secret
    assert found is not None
    assert (found.name, found.source.type, found.source.location) == ("s", "env", "MY_KEY")


def test_the_own_namespace_comes_before_default(tmp_path: Path) -> None:
    text = secret("s") + secret("s", "source: { type: file, path: /team }", "team")
    text += model("a", "provider: openai\nauth: { secretRef: s }", "team") + model(
        "b", "provider: openai\nauth: { secretRef: s }"
    )
    models = loaded(tmp_path, text).snapshot.models
    assert [model.secret.source.location for model in models.values() if model.secret] == ["/team", "MY_KEY"]


def test_one_of_several_values_is_named_by_its_key(tmp_path: Path) -> None:
    found = (
        loaded(tmp_path, with_ref("{ name: s, key: apiKey }") + secret("s", KEYS)).snapshot.models["openai:a"].secret
    )
    assert found is not None
    assert (found.name, found.source.location) == ("s/apiKey", "A")


@pytest.mark.parametrize(
    ("reference", "spec", "hint"),
    [
        ("s", KEYS, "add key, one of: apiKey, baseUrl"),
        ("{ name: s, key: other }", KEYS, "add key, one of: apiKey, baseUrl"),
        ("{ name: s, key: apiKey }", "source: { type: env, name: A }", None),
    ],
)
def test_a_wrong_key_is_an_error(tmp_path: Path, reference: str, spec: str, hint: str | None) -> None:
    problem = only(tmp_path, with_ref(reference) + secret("s", spec))
    assert (problem.code, problem.path) == ("E-SECRET-KEY", "spec.auth.secretRef")
    assert hint is None or problem.hint == hint


def test_a_missing_secret_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    problem = only(tmp_path, with_ref("openai-kye") + secret("openai-key"))
    assert (problem.code, problem.hint) == ("E-REF", "did you mean openai-key?")


def test_a_secret_with_errors_is_not_reported_again_where_it_is_used(tmp_path: Path) -> None:
    assert told(tmp_path, with_ref("s") + secret("s", "{ value: x }")) == [("E-SECRET-INLINE", "spec.value")]


@pytest.mark.parametrize("bound", ['"openai:a"', "a", '"openai:*"'])
def test_a_bound_secret_serves_the_models_it_names(tmp_path: Path, bound: str) -> None:
    spec = f"source: {{ type: env, name: A }}\nscope: {{ boundTo: {{ models: [{bound}] }} }}"
    assert told(tmp_path, with_ref("s") + secret("s", spec)) == []


def test_a_bound_secret_serves_no_other_model(tmp_path: Path) -> None:
    spec = 'source: { type: env, name: A }\nscope: { boundTo: { models: ["openai:b"] } }'
    problem = only(tmp_path, with_ref("s") + secret("s", spec))
    assert (problem.code, problem.hint) == ("E-SECRET-SCOPE", "add openai:a to its scope.boundTo.models")


def test_a_source_of_a_later_version_disables_what_needs_it(tmp_path: Path) -> None:
    found = loaded(tmp_path, with_ref("s") + secret("s", "source: { type: vault, path: p, key: k }"))
    assert [(problem.code, problem.path) for problem in found.problems] == [("W-NOT-YET", "spec.source.type")]
    model = found.snapshot.models["openai:a"]
    assert model.secret is None
    assert model.secret_problem == "secret s has a source of type vault, which this version cannot read"


def test_a_provider_may_have_a_secret_for_all_its_models(tmp_path: Path) -> None:
    text = (
        settings("{ providers: { openai: { secretRef: s } } }")
        + secret("s")
        + model("a")
        + model("b", "provider: openai\nauth: {}")
    )
    models = loaded(tmp_path, text, {}).snapshot.models
    assert models["openai:a"].secret is not None
    assert models["openai:b"].secret is None


@pytest.mark.parametrize("written", ["providers: { openai: { secretRef: s } }", "auth: { adminTokenSecretRef: s }"])
def test_a_bound_secret_serves_no_door_and_no_whole_provider(tmp_path: Path, written: str) -> None:
    spec = 'source: { type: env, name: A }\nscope: { boundTo: { models: ["openai:b"] } }'
    problem = only(tmp_path, settings(f"{{ {written} }}") + secret("s", spec) + model("a"))
    assert (problem.code, problem.resource) == ("E-SECRET-SCOPE", "RouterSettings/default/default")
    assert problem.hint


def test_a_secret_that_is_bound_to_a_whole_provider_serves_it(tmp_path: Path) -> None:
    spec = 'source: { type: env, name: A }\nscope: { boundTo: { models: ["openai:*"] } }'
    assert (
        told(tmp_path, settings("{ providers: { openai: { secretRef: s } } }") + secret("s", spec) + model("a")) == []
    )


def test_a_hidden_address_is_under_the_rules_of_keys(tmp_path: Path) -> None:
    text = model("a", "provider: vllm\nendpoint: { baseUrlSecretRef: s }")
    bound = 'source: { type: env, name: A }\nscope: { boundTo: { models: ["vllm:b"] } }'
    problem = only(tmp_path, text + secret("s", bound))
    assert (problem.code, problem.path) == ("E-SECRET-SCOPE", "spec.endpoint.baseUrlSecretRef")
    found = loaded(tmp_path, text + secret("s", "source: { type: vault, path: p, key: k }")).snapshot
    assert "of type vault" in (found.models["vllm:a"].secret_problem or "")


def test_a_provider_whose_secret_cannot_be_read_is_not_asked_with_another_key(tmp_path: Path) -> None:
    text = settings("{ providers: { openai: { secretRef: s } } }") + model("a")
    text += secret("s", "source: { type: vault, path: p, key: k }")
    assert ("E-NOT-YET", "spec.providers.openai.secretRef") in told(tmp_path, text)
