"""Small checks of a client's members, with errors in OpenAI's own words and codes.

Every failure is a `RequestError` that names the member (`messages[0].content`). Null means absent. Nothing here knows what a
member means; ranges and places come from the caller. No pydantic: this is on the path of every call.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import RequestError

_INT64 = 2**63

_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    type(None): "null",
}


def wrong_type(param: str, expected: str, value: Any) -> RequestError:
    got = _NAMES.get(type(value), "something else")
    return RequestError(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param=param, code="invalid_type"
    )


def missing(param: str) -> RequestError:
    return RequestError(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def invalid(param: str, message: str, code: str = "invalid_value") -> RequestError:
    return RequestError(message, param=param, code=code)


def unsupported_value(param: str, value: str, supported: tuple[str, ...]) -> RequestError:
    names = ", ".join(f"'{name}'" for name in supported)
    return invalid(param, f"Invalid value: '{value[:64]}'. Supported values are: {names}.")


def too_long(param: str, limit: int, length: int) -> RequestError:
    return invalid(
        param,
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        f"but got an array with length {length} instead.",
        "array_above_max_length",
    )


def string(body: dict[str, Any], key: str, where: str = "") -> str | None:
    value = body.get(key)
    if value is not None and type(value) is not str:
        raise wrong_type(where + key, "a string", value)
    return value


def required_string(body: dict[str, Any], key: str, where: str) -> str:
    value = body.get(key)
    if type(value) is not str:
        raise missing(where + key) if value is None else wrong_type(where + key, "a string", value)
    return value


def name(body: dict[str, Any], where: str) -> str:
    """The member `name`, which must say something."""
    value = required_string(body, "name", where)
    if not value:
        raise invalid(where + "name", f"Invalid '{where}name': empty string.", "empty_string")
    return value


def boolean(body: dict[str, Any], key: str, where: str = "") -> bool | None:
    value = body.get(key)
    if value is not None and type(value) is not bool:
        raise wrong_type(where + key, "a boolean", value)
    return value


def mapping(body: dict[str, Any], key: str, where: str = "") -> dict[str, Any] | None:
    value = body.get(key)
    if value is not None and type(value) is not dict:
        raise wrong_type(where + key, "an object", value)
    return value


def required_mapping(body: dict[str, Any], key: str, where: str) -> dict[str, Any]:
    value = body.get(key)
    if type(value) is not dict:
        raise missing(where + key) if value is None else wrong_type(where + key, "an object", value)
    return value


def number(body: dict[str, Any], key: str, low: float, high: float) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if type(value) is not float and type(value) is not int:
        raise wrong_type(key, "a decimal", value)
    if not low <= value <= high:
        raise _out_of_range(key, "decimal", value, low, high)
    return value


def integer(body: dict[str, Any], key: str, low: int = -_INT64, high: int = _INT64 - 1) -> int | None:
    """An integer within `low` and `high`. A whole float is not one: that is what parsers make of more than 64 bits."""
    value = body.get(key)
    if value is None:
        return None
    if type(value) is not int:
        raise wrong_type(key, "an integer", value)
    if not low <= value <= high:
        raise _out_of_range(key, "integer", value, low, high)
    return value


def _out_of_range(param: str, kind: str, value: float, low: float, high: float) -> RequestError:
    if value > high:
        side, sign, bound = "above maximum", "<=", high
    else:
        side, sign, bound = "below minimum", ">=", low
    return invalid(
        param,
        f"Invalid '{param}': {kind} {side} value. Expected a value {sign} {bound}, but got {value} instead.",
        f"{kind}_{side.split()[0]}_{side.split()[1][:3]}_value",
    )
