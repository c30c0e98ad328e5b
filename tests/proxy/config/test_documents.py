from decimal import Decimal
from typing import Any

import pytest

from proxy.config.documents import EXPANSION_LIMIT, dotted, parse, plain
from proxy.config.problems import Position, Problem

LAUGHS = (
    "a: &a [x,x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
    "d: [*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c,*c]\n"
)


def value_of(text: str) -> Any:
    documents, problems = parse(text, "c.yaml")
    assert problems == []
    return documents[0].value


def only(text: str) -> Problem:
    _, problems = parse(text, "c.yaml")
    assert len(problems) == 1, problems
    return problems[0]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("true", True),
        ("FALSE", False),
        ("012", 12),
        ("0o12", 10),
        ("0x1F", 31),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2026-05-10", "2026-05-10"),
        ("-5", -5),
        ("~", None),
        ("", None),
        ("1.250", Decimal("1.250")),
        (".5", Decimal("0.5")),
        ("1e3", Decimal("1e3")),
        ("0.1", Decimal("0.1")),
        ("'12'", "12"),
        ("!!str 12", "12"),
        ("=", "="),
    ],
)
def test_scalars_are_those_of_yaml_1_2(written: str, value: Any) -> None:
    found = value_of(f"a: {written}")["a"]
    assert found == value
    assert type(found) is type(value)


def test_a_float_keeps_its_digits() -> None:
    assert str(value_of("a: 0.10")["a"]) == "0.10"
    assert plain({"a": [Decimal("0.5")], "b": 1}) == {"a": [0.5], "b": 1}


def test_keys_are_text_as_written() -> None:
    assert value_of("{on: 1, 8083: 2, no: 3, true: 4}") == {"on": 1, "8083": 2, "no": 3, "true": 4}


@pytest.mark.parametrize("written", [".inf", "-.INF", ".nan", "1e999", "!!int abc", "1" * 500])
def test_a_number_nothing_can_be_done_with_is_an_error(written: str) -> None:
    assert only(f"a: {written}").code == "E-TYPE"


def test_a_key_given_twice_is_an_error_at_the_second() -> None:
    problem = only("a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n")
    assert (problem.code, problem.position, problem.path) == ("E-DUP-KEY", Position("c.yaml", 5, 3), "b")


def test_merge_keys_give_what_the_mapping_does_not_say_itself() -> None:
    text = "base: &base {a: 1, b: 2}\nmore: &more {b: 3, c: 4}\nmine: {b: 0, <<: [*base, *more]}\n"
    assert value_of(text)["mine"] == {"b": 0, "a": 1, "c": 4}
    assert value_of("x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y}")["z"] == {"b": 2, "a": 1}


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "a: &a [*a]\n",
        "a: &a {<<: *a}\n",
        "[" * 5000,
        "- " * 5000,
        "{a: " * 80 + "1" + "}" * 80,
    ],
    ids=["laughs", "circle", "merge circle", "flow depth", "block depth", "depth"],
)
def test_a_small_text_cannot_become_a_large_value(text: str) -> None:
    assert only(text).code == "E-YAML"


def test_aliases_below_the_limit_are_expanded() -> None:
    text = "a: &a [" + ",".join("x" * 99) + "]\nb: [" + ",".join(["*a"] * (EXPANSION_LIMIT // 100)) + "]\n"
    assert len(value_of(text)["b"]) == EXPANSION_LIMIT // 100


@pytest.mark.parametrize("text", ["a: !secret x", "!!python/object:os.system {}", "a: !!binary aGk=", "a: !!set {x}"])
def test_tags_are_refused(text: str) -> None:
    assert "is not supported" in only(text).message


@pytest.mark.parametrize(("text", "message"), [("? [a]\n: 1", "a key must be text"), ("~: 1", "a key must be text")])
def test_other_keys_than_text_are_refused(text: str, message: str) -> None:
    assert only(text).message == message


def test_positions_are_those_of_the_file() -> None:
    documents, _ = parse("a: 1\n---\nspec:\n  list:\n  - x\n  - y: 1\n", "c.yaml")
    second = documents[1]
    assert second.at(("spec", "list", 1, "y")) == Position("c.yaml", 6, 8)
    assert second.at(("spec", "list", 1, "y"), key=True) == Position("c.yaml", 6, 5)
    assert second.at(("spec", "list", 7, "absent")) == Position("c.yaml", 5, 3)
    assert second.at(()) == Position("c.yaml", 3, 1)


def test_what_came_before_a_syntax_error_is_kept() -> None:
    documents, problems = parse("a: 1\n---\nb: [\n", "c.yaml")
    assert [document.value for document in documents] == [{"a": 1}]
    assert [(problem.code, problem.position.line) for problem in problems] == [("E-YAML", 4)]


def test_the_bare_action_of_published_policies_is_explained() -> None:
    problem = only("rules:\n  - id: x\n    action:\n      deny\n      reason: too-much\n")
    assert problem.hint == "write it as a mapping: `action: { deny: true, reason: … }`"


def test_a_tab_is_explained() -> None:
    assert only("a:\n\tb: 1\n").hint == "indent with spaces: YAML has no tabs"


def test_a_path_is_shown_the_way_people_write_it() -> None:
    assert dotted(("spec", "fallback", 1, "ref")) == "spec.fallback[1].ref"
    assert dotted(()) == ""
