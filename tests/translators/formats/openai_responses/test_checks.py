import pytest

from translators.canonical import RequestError
from translators.formats.openai_responses import checks


def refusal(call) -> tuple[str, str | None, str | None]:
    with pytest.raises(RequestError) as raised:
        call()
    error = raised.value
    assert error.status == 400
    assert error.body.type == "invalid_request_error"
    return error.body.message, error.body.param, error.body.code


def test_a_wrong_type_is_named_as_openai_names_it():
    assert refusal(lambda: checks.string({"name": 3}, "name", "tools[0]")) == (
        "Invalid type for 'tools[0].name': expected a string, but got an integer instead.",
        "tools[0].name",
        "invalid_type",
    )
    assert refusal(lambda: checks.boolean({"stream": "yes"}, "stream"))[0].endswith(
        "expected a boolean, but got a string instead."
    )
    assert refusal(lambda: checks.array({"tools": {}}, "tools"))[0].endswith("but got an object instead.")


@pytest.mark.parametrize("value", [True, "1", 1.5, [1]])
def test_only_an_integer_is_an_integer(value):
    assert refusal(lambda: checks.integer({"n": value}, "n"))[2] == "invalid_type"


@pytest.mark.parametrize("value", [True, "1", float("inf"), float("nan")])
def test_a_decimal_is_a_finite_number(value):
    assert refusal(lambda: checks.decimal({"t": value}, "t", 0, 2))[2] == "invalid_type"


def test_bounds_are_told_with_the_value_as_it_was_written():
    assert refusal(lambda: checks.decimal({"temperature": -1}, "temperature", 0, 2)) == (
        "Invalid 'temperature': decimal below minimum value. Expected a value >= 0, but got -1 instead.",
        "temperature",
        "decimal_below_min_value",
    )
    assert refusal(lambda: checks.decimal({"top_p": 1.5}, "top_p", 0, 1))[2] == "decimal_above_max_value"
    assert refusal(lambda: checks.integer({"top_logprobs": 21}, "top_logprobs", 0, 20)) == (
        "Invalid 'top_logprobs': integer above maximum value. Expected a value <= 20, but got 21 instead.",
        "top_logprobs",
        "integer_above_max_value",
    )


def test_null_is_as_good_as_absent():
    assert checks.string({"a": None}, "a") is None
    assert checks.integer({"a": None}, "a", 1) is None
    assert checks.decimal({}, "a", 0, 1) is None
    assert checks.mapping({"a": None}, "a") is None
    assert checks.one_of({"a": None}, "a", ("x",)) is None
    assert refusal(lambda: checks.required_string({"a": None}, "a", "b"))[2] == "missing_required_parameter"


def test_a_closed_list_names_what_it_holds():
    assert refusal(lambda: checks.one_of({"truncation": "yes"}, "truncation", ("auto", "disabled"))) == (
        "Invalid value: 'yes'. Supported values are: 'auto', and 'disabled'.",
        "truncation",
        "invalid_value",
    )


def test_a_value_of_the_client_is_shown_short():
    assert len(refusal(lambda: checks.one_of({"a": "x" * 9000}, "a", ("y",)))[0]) < 200
