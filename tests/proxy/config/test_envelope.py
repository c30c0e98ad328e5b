from pathlib import Path

import pytest

from .writing import loaded, model, only, problems, route, settings, told


def test_kinds_of_later_versions_are_named_once_each_with_what_is_not_done(tmp_path: Path) -> None:
    text = model("a") + "".join(
        f"apiVersion: joch.dev/v1alpha1\nkind: {kind}\nmetadata: {{ name: {name} }}\nspec: {{ anything: [1] }}\n---\n"
        for kind, name in [("Policy", "one"), ("Policy", "two"), ("Budget", "three")]
    )
    found = [(problem.code, problem.message) for problem in problems(tmp_path, text)]
    assert found == [
        ("W-KIND-LATER", "this version does not act on Policy resources (one, two): no policy is applied to any call"),
        ("W-KIND-LATER", "this version does not act on Budget resources (three): no spending is limited"),
    ]


def test_documented_kinds_that_do_not_concern_a_router_are_passed_over(tmp_path: Path) -> None:
    text = model("a") + "apiVersion: memory.joch.dev/v1alpha1\nkind: RAG\nmetadata: { name: Any Thing }\n---\n"
    assert told(tmp_path, text) == [("I-KIND-IGNORED", "kind")]


def test_an_unknown_kind_is_an_error_with_a_suggestion(tmp_path: Path) -> None:
    problem = only(tmp_path, "apiVersion: joch.dev/v1alpha1\nkind: Modelroute\nmetadata: { name: a }\nspec: {}\n")
    assert (problem.code, problem.hint, problem.position.line) == ("E-UNKNOWN-KIND", "did you mean ModelRoute?", 2)


@pytest.mark.parametrize(
    ("version", "code"),
    [
        ("joch.dev/v1alpha1", None),
        ("model.joch.dev/v1alpha1", None),
        ("ops.joch.dev/v1alpha1", "W-API-GROUP"),
        ("joch.dev/v1", "E-ENUM"),
        ("example.com/v1alpha1", "E-ENUM"),
        ("3", "E-ENUM"),
    ],
)
def test_api_groups(tmp_path: Path, version: str, code: str | None) -> None:
    text = model("a").replace("apiVersion: joch.dev/v1alpha1", f"apiVersion: {version}")
    assert [found for found, _ in told(tmp_path, text)] == ([code] if code else [])


@pytest.mark.parametrize(
    ("document", "code", "path"),
    [
        ("- a\n", "E-TYPE", ""),
        ("apiVersion: joch.dev/v1alpha1\nkind: Model\nspec: {}\n", "E-TYPE", "metadata.name"),
        ("kind: Model\nmetadata: { name: b }\nspec: { provider: openai }\n", "E-ENUM", "apiVersion"),
        ("metadata: { name: b }\n", "E-UNKNOWN-KIND", "kind"),
        ("apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: b }\n", "E-TYPE", "spec"),
        (
            "apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: b }\nspec: {}\nspce: 1\n",
            "E-UNKNOWN-FIELD",
            "spce",
        ),
        (
            "apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: b, lables: {} }\nspec: {}\n",
            "E-UNKNOWN-FIELD",
            "metadata.lables",
        ),
        (
            "apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: b, labels: { tier: 1 } }\nspec: {}\n",
            "E-TYPE",
            "metadata.labels.tier",
        ),
        ("apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: 7 }\nspec: {}\n", "E-TYPE", "metadata.name"),
    ],
)
def test_a_broken_envelope_says_where(tmp_path: Path, document: str, code: str, path: str) -> None:
    assert (code, path) in told(tmp_path, model("a") + document)


@pytest.mark.parametrize("name", ["capabilities", "'-'", "GPT-4o", "qwen3:8b", "a/b", "-a", "a b"])
def test_names_a_model_cannot_have(tmp_path: Path, name: str) -> None:
    problem = only(tmp_path, model("a") + model(name))
    assert problem.code == ("E-RESERVED-NAME" if name in ("capabilities", "'-'") else "E-TYPE")


def test_router_settings_are_called_default_and_exist_once(tmp_path: Path) -> None:
    other = settings("{ logging: { level: info } }").replace("name: default", "name: other", 1)
    assert told(tmp_path, model("a") + other) == [("E-RESERVED-NAME", "metadata.name")]
    elsewhere = settings("{}").replace("namespace: default", "namespace: team")
    assert told(tmp_path, model("a") + settings("{}") + elsewhere) == [("E-DUP-RESOURCE", "kind")]


def test_status_annotations_and_x_members_are_free(tmp_path: Path) -> None:
    text = model("a").replace(
        "namespace: default }", "annotations: { any: [1, { x: 2 }] } }\nx-note: hi\nstatus: { phase: Ready }"
    )
    assert told(tmp_path, text) == []


def test_a_resource_declared_twice_names_both_places(tmp_path: Path) -> None:
    problem = only(tmp_path, model("a") + route("a", "strategy: { primary: a }") + model("a"))
    assert problem.code == "E-DUP-RESOURCE"
    assert problem.message == f"already declared at {tmp_path / 'c.yaml'}:3:19"
    assert problem.position.line > 3


def test_the_same_name_in_another_namespace_is_another_resource(tmp_path: Path) -> None:
    text = model("a") + model("a", "provider: ollama", "team")
    assert list(loaded(tmp_path, text).snapshot.models) == ["openai:a", "ollama:a"]


def test_an_overlay_replaces_and_is_recorded(tmp_path: Path) -> None:
    overlay = tmp_path / "over.yaml"
    overlay.write_text(model("a", "{ provider: openai, model: other }".strip("{} ").replace(", ", "\n")))
    found = loaded(tmp_path, model("a") + model("b"), overlay=[str(overlay)])
    assert [(model.name, model.model) for model in found.snapshot.models.values()] == [("a", "other"), ("b", "b")]
    assert [problem.code for problem in found.problems] == ["I-OVERLAID"]
