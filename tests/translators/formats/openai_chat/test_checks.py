"""Checks speak OpenAI's words."""

import pytest

from translators.canonical import RequestError
from translators.formats.openai_chat import checks


def said(raised) -> tuple[str, str | None, str | None]:
    with pytest.raises(RequestError) as caught:
        raised()
    return caught.value.body.message, caught.value.body.param, caught.value.body.code


def test_a_wrong_type_says_what_was_expected_and_what_came():
    assert said(lambda: checks.boolean({"stream": "yes"}, "stream")) == (
        "Invalid type for 'stream': expected a boolean, but got a string instead.",
        "stream",
        "invalid_type",
    )


def test_a_number_out_of_range_is_told_as_the_api_does():
    """The wording of a recorded refusal."""
    assert said(lambda: checks.number({"temperature": 99.0}, "temperature", 0, 2)) == (
        "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 99.0 instead.",
        "temperature",
        "decimal_above_max_value",
    )
    assert said(lambda: checks.integer({"n": 0}, "n", 1, 128))[2] == "integer_below_min_value"


def test_a_boolean_is_not_an_integer_and_a_whole_float_is_none_either():
    assert said(lambda: checks.integer({"n": True}, "n"))[2] == "invalid_type"
    assert said(lambda: checks.integer({"n": 2.0}, "n"))[2] == "invalid_type"


def test_a_missing_member_is_named_with_its_place():
    assert said(lambda: checks.required_string({}, "text", "messages[0].content[1].")) == (
        "Missing required parameter: 'messages[0].content[1].text'.",
        "messages[0].content[1].text",
        "missing_required_parameter",
    )


def test_an_empty_name_is_refused():
    assert said(lambda: checks.name({"name": ""}, "tools[0].function."))[1] == "tools[0].function.name"


def test_null_is_absent():
    body = {"a": None}
    assert checks.string(body, "a") is None
    assert checks.boolean(body, "a") is None
    assert checks.mapping(body, "a") is None
    assert checks.number(body, "a", 0, 1) is None
    assert checks.integer(body, "a") is None


def test_an_echoed_value_is_cut_short():
    message, _, _ = said(lambda: (_ for _ in ()).throw(checks.unsupported_value("role", "x" * 10_000, ("user",))))
    assert len(message) < 200
