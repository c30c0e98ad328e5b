from pathlib import Path

import pytest

from .writing import loaded, model, only, route, settings, told

REST = (
    model("gpt")
    + model("small", "provider: ollama\naliases: [tiny, 'gpt-3*']")
    + route("main", "aliases: [first]\nstrategy: { primary: gpt }")
)


def aliases(folder: Path, written: str) -> dict[str, str]:
    return dict(loaded(folder, settings(f"aliases: {{ {written} }}") + REST).snapshot.settings.aliases)


def test_an_alias_leads_to_a_route_a_model_or_one_more_alias(tmp_path: Path) -> None:
    assert aliases(
        tmp_path, "a: main, b: 'ollama:small', 'c*': small, d: a, e: { name: gpt }, f: 'openai:gpt-4o-mini'"
    ) == {
        "a": "main",
        "b": "ollama:small",
        "c*": "ollama:small",
        "d": "main",
        "e": "openai:gpt",
        "f": "openai:gpt-4o-mini",
    }


def test_a_vendors_name_may_lead_to_the_model_of_that_name(tmp_path: Path) -> None:
    assert aliases(tmp_path, "gpt: gpt") == {"gpt": "openai:gpt"}


@pytest.mark.parametrize("written", ["a: b, b: a", "a: a", "a: b, b: c, c: a"])
def test_a_circle_is_an_error(tmp_path: Path, written: str) -> None:
    assert {code for code, _ in told(tmp_path, settings(f"aliases: {{ {written} }}") + REST)} == {"E-ALIAS-CYCLE"}


def test_more_than_one_alias_between_is_an_error(tmp_path: Path) -> None:
    problem = only(tmp_path, settings("aliases: { a: b, b: c, c: main }") + REST)
    assert (problem.code, problem.path) == ("E-ALIAS-CYCLE", "spec.aliases.a")


def test_an_alias_to_nothing_is_an_error_with_the_nearest(tmp_path: Path) -> None:
    problem = only(tmp_path, settings("aliases: { a: maine }") + REST)
    assert (problem.code, problem.path, problem.hint) == ("E-REF", "spec.aliases.a", "did you mean main?")


@pytest.mark.parametrize(
    ("written", "shadowed"),
    [
        ("main: small", "spec.aliases.main"),
        ("'gpt-4*': small, 'gpt-4o*': main", "spec.aliases.gpt-4o*"),
        ("tiny: main", "spec.aliases[0]"),
        ("'gpt-*': main", "spec.aliases[1]"),
        ("first: small", "spec.aliases[0]"),
    ],
)
def test_an_alias_that_never_answers_is_a_warning(tmp_path: Path, written: str, shadowed: str) -> None:
    problem = only(tmp_path, settings(f"aliases: {{ {written} }}") + REST)
    assert (problem.code, problem.path) == ("W-SHADOWED-ALIAS", shadowed)


def test_an_exact_alias_is_not_shadowed_by_a_glob(tmp_path: Path) -> None:
    assert told(tmp_path, settings("aliases: { 'gpt-9*': small, gpt-9: main }") + REST) == []
