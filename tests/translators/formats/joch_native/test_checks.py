"""What a mistake is called, and which spelling of a member is taken."""

from __future__ import annotations

from typing import Any

import pytest

from translators.canonical import RequestError
from translators.formats.joch_native import checks

KNOWN = frozenset({"toolCalls", "content", "name"})


def refused(read: Any, *given: Any, **named: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(*given, **named)
    assert caught.value.status == 400
    return caught.value


@pytest.mark.parametrize(
    ("snake", "camel"),
    [("tool_calls", "toolCalls"), ("content", "content"), ("a_b_c", "aBC"), ("toolCalls", "toolCalls"), ("a_", "a")],
)
def test_snake_case_is_read_as_camel_case(snake: str, camel: str) -> None:
    assert checks.spelled(snake) == camel


def test_members_come_by_their_one_name() -> None:
    plain = {"toolCalls": [1], "name": "x"}
    assert checks.members(plain, "m", KNOWN) is plain
    assert checks.members({"tool_calls": [1], "name": "x"}, "m", KNOWN) == plain


def test_a_member_in_two_spellings_is_not_chosen_from() -> None:
    error = refused(checks.members, {"tool_calls": [1], "toolCalls": [2]}, "m", KNOWN)
    assert (error.body.code, error.body.param) == ("duplicate_parameter", "m.toolCalls")


def test_an_unknown_member_is_named_with_the_one_that_was_meant() -> None:
    error = refused(checks.members, {"tool_cals": []}, "messages[0]", KNOWN)
    assert error.body.param == "messages[0].tool_cals"
    assert "Did you mean 'toolCalls'?" in error.body.message
    elsewhere = refused(checks.members, {"max_tokens": 1}, "", KNOWN, {"maxTokens": "'sampling.x'"})
    assert "Use 'sampling.x'." in elsewhere.body.message
    alone = refused(checks.members, {"zzz": 1}, "", KNOWN)
    assert alone.body.message == "Unknown parameter: 'zzz'."


def test_a_name_with_control_characters_is_not_echoed_as_it_is() -> None:
    assert "\n" not in refused(checks.members, {"a\nb" * 80: 1}, "", KNOWN).body.message


def test_anything_but_an_object_is_refused() -> None:
    error = refused(checks.members, [], "m", KNOWN)
    assert error.body.message == "Invalid type for 'm': expected an object, but got an array instead."


@pytest.mark.parametrize(
    ("read", "expected", "right"),
    [
        (checks.string, "a string", "x"),
        (checks.boolean, "a boolean", False),
        (checks.mapping, "an object", {"a": 1}),
        (checks.array, "an array of objects", [1]),
        (checks.integer, "an integer", 3),
    ],
)
def test_a_member_has_its_type_or_is_absent(read: Any, expected: str, right: Any) -> None:
    assert read({"k": right}, "k", "at") == right
    assert read({}, "k", "at") is None
    for wrong in [value for value in ("x", True, {}, [], 3, 3.5, None) if type(value) is not type(right)]:
        error = refused(read, {"k": wrong}, "k", "at")
        assert (error.body.code, error.body.param) == ("invalid_type", "at.k"), wrong
        assert expected in error.body.message


def test_what_is_required_is_missed_by_name() -> None:
    error = refused(checks.required_string, {}, "k", "at")
    assert (error.body.code, error.body.param) == ("missing_required_parameter", "at.k")
    assert refused(checks.name, {"k": ""}, "k").body.code == "empty_string"
    assert checks.name({"k": "x"}, "k") == "x"


@pytest.mark.parametrize(("value", "word"), [(-1, ">= 0"), (3, "<= 2")])
def test_a_number_lies_in_its_range(value: float, word: str) -> None:
    assert word in refused(checks.number, {"k": value}, "k", "at", 0, 2).body.message
    assert word in refused(checks.integer, {"k": value}, "k", "at", low=0, high=2).body.message
    assert checks.number({"k": 2}, "k", "at", 0, 2) == 2
    assert checks.number({}, "k", "at", 0, 2) is None


def test_a_list_of_strings_holds_strings() -> None:
    assert checks.strings({"k": ["a"]}, "k") == ("a",)
    assert refused(checks.strings, {"k": ["a", 1]}, "k", "at").body.param == "at.k[1]"


def test_a_word_that_is_not_among_those_supported_is_refused_with_them() -> None:
    error = refused(checks.one_of, {"k": "atuo"}, "k", ("auto", "none"))
    assert "'auto', 'none'" in error.body.message
    assert "Did you mean 'auto'?" in error.body.message
