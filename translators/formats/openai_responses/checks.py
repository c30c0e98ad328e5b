"""A client's mistakes in OpenAI's own words, with `param` naming the member at fault. Apps match on code and param.

Wording seen in OpenAI's answers: "Invalid type for 'x': expected a string, but got an integer instead."
Checks take the object, the member's name and where the object stands ("input[0]"); null counts as absent.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from translators.canonical import RequestError

_NAMES = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def place(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def invalid_type(param: str, expected: str, value: object) -> RequestError:
    got = _NAMES.get(type(value), "something else")
    return RequestError(
        f"Invalid type for '{param}': expected {expected}, but got {got} instead.", param=param, code="invalid_type"
    )


def invalid_value(param: str, value: object, supported: Iterable[str]) -> RequestError:
    names = [f"'{name}'" for name in supported]
    listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])}, and {names[-1]}"
    shown = str(value)[:64]
    return RequestError(f"Invalid value: '{shown}'. Supported values are: {listed}.", param=param, code="invalid_value")


def missing(param: str) -> RequestError:
    return RequestError(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def out_of_range(param: str, kind: str, value: float, bound: int, *, below: bool) -> RequestError:
    """`kind` is "integer" or "decimal"."""
    word, sign = ("minimum", ">=") if below else ("maximum", "<=")
    side = "below" if below else "above"
    got = str(value).removesuffix(".0")
    return RequestError(
        f"Invalid '{param}': {kind} {side} {word} value. Expected a value {sign} {bound}, but got {got} instead.",
        param=param,
        code=f"{kind}_{side}_{'min' if below else 'max'}_value",
    )


def too_long(param: str, limit: int, size: int) -> RequestError:
    return RequestError(
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, but got an array with "
        f"length {size} instead.",
        param=param,
        code="array_above_max_length",
    )


def string(body: Mapping[str, Any], key: str, at: str = "") -> str | None:
    value = body.get(key)
    if value is None or type(value) is str:
        return value
    raise invalid_type(place(at, key), "a string", value)


def required_string(body: Mapping[str, Any], key: str, at: str) -> str:
    value = body.get(key)
    if type(value) is str:
        return value
    if value is None:
        raise missing(place(at, key))
    raise invalid_type(place(at, key), "a string", value)


def boolean(body: Mapping[str, Any], key: str, at: str = "") -> bool | None:
    value = body.get(key)
    if value is None or type(value) is bool:
        return value
    raise invalid_type(place(at, key), "a boolean", value)


def integer(body: Mapping[str, Any], key: str, minimum: int | None = None, maximum: int | None = None) -> int | None:
    value = body.get(key)
    if value is None:
        return None
    if type(value) is not int:
        raise invalid_type(key, "an integer", value)
    if minimum is not None and value < minimum:
        raise out_of_range(key, "integer", value, minimum, below=True)
    if maximum is not None and value > maximum:
        raise out_of_range(key, "integer", value, maximum, below=False)
    return value


def decimal(body: Mapping[str, Any], key: str, minimum: int, maximum: int) -> float | None:
    value = body.get(key)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise invalid_type(key, "a decimal", value)
    if value < minimum:
        raise out_of_range(key, "decimal", value, minimum, below=True)
    if value > maximum:
        raise out_of_range(key, "decimal", value, maximum, below=False)
    number: float = value
    return number


def mapping(body: Mapping[str, Any], key: str, at: str = "") -> dict[str, Any] | None:
    value = body.get(key)
    if value is None or type(value) is dict:
        return value
    raise invalid_type(place(at, key), "an object", value)


def array(body: Mapping[str, Any], key: str, at: str = "", of: str = "objects") -> list[Any] | None:
    value = body.get(key)
    if value is None or type(value) is list:
        return value
    raise invalid_type(place(at, key), f"an array of {of}", value)


def one_of(body: Mapping[str, Any], key: str, supported: tuple[str, ...], at: str = "") -> str | None:
    value = string(body, key, at)
    if value is not None and value not in supported:
        raise invalid_value(place(at, key), value, supported)
    return value
