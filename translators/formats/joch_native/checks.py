"""A client's mistakes in the native API, with `param` naming the member at fault and, where one is close, the one meant.

Every failure is a `RequestError`. Types are JSON's own and null is not a value: this API is ours, so nothing has to be
guessed. Members may be spelled in snake_case; they are read by their one name. Nothing here knows what a member means.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from translators.canonical import RequestError
from translators.formats import Wire

_NAMES = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    type(None): "null",
}
_INT64 = 2**63


def place(at: str, key: str) -> str:
    return f"{at}.{key}" if at else key


def wrong_type(param: str, expected: str, value: Any) -> RequestError:
    got = _NAMES.get(type(value), "something else")
    message = f"Invalid type for '{param}': expected {expected}, but got {got} instead."
    return RequestError(message, param=param, code="invalid_type")


def missing(param: str) -> RequestError:
    return RequestError(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def invalid(param: str, message: str, code: str = "invalid_value") -> RequestError:
    return RequestError(message, param=param, code=code)


def unsupported(param: str, value: str, supported: Iterable[str]) -> RequestError:
    names = sorted(supported)
    listed = ", ".join(f"'{name}'" for name in names)
    message = f"Invalid value: '{_shown(value)}'. Supported values are: {listed}."
    return invalid(param, message + _meant(value, names))


def too_many(param: str, limit: int, got: int) -> RequestError:
    message = f"Invalid '{param}': expected at most {limit} entries, but got {got}."
    return invalid(param, message, "array_above_max_length")


def unknown(at: str, key: str, known: Iterable[str], elsewhere: Mapping[str, str]) -> RequestError:
    """`elsewhere`: what people call things here who know another API, and where it is."""
    param = place(at, _shown(key))
    message = f"Unknown parameter: '{param}'."
    name = spelled(key)
    hint = f" Use {elsewhere[name]}." if name in elsewhere else _meant(name, sorted(known))
    return invalid(param, message + hint, "unknown_parameter")


def twice(at: str, key: str) -> RequestError:
    return invalid(place(at, key), f"'{place(at, key)}' is given twice, in two spellings.", "duplicate_parameter")


def _meant(value: str, names: list[str]) -> str:
    close = difflib.get_close_matches(value[:64], names, 1)
    return f" Did you mean '{close[0]}'?" if close else ""


def _shown(word: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in word[:64])


def spelled(key: str) -> str:
    """The name that a snake_case spelling stands for: "tool_calls" is "toolCalls"."""
    first, *rest = key.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


_NOWHERE: Mapping[str, str] = {}


def members(value: Any, at: str, known: frozenset[str], elsewhere: Mapping[str, str] = _NOWHERE) -> Wire:
    """The members of the object at `at`, by their names here. Raises for anything but an object, and for other members."""
    if type(value) is not dict:
        raise wrong_type(at, "an object", value)
    if value.keys() <= known:
        return value
    named: Wire = {}
    for key, member in value.items():
        name = key if key in known else spelled(key)
        if name not in known:
            raise unknown(at, key, known, elsewhere)
        if name in named:
            raise twice(at, name)
        named[name] = member
    return named


def string(body: Mapping[str, Any], key: str, at: str = "") -> str | None:
    value = body.get(key)
    if type(value) is str or key not in body:
        return value
    raise wrong_type(place(at, key), "a string", value)


def required_string(body: Mapping[str, Any], key: str, at: str = "") -> str:
    value = body.get(key)
    if type(value) is str:
        return value
    raise missing(place(at, key)) if key not in body else wrong_type(place(at, key), "a string", value)


def name(body: Mapping[str, Any], key: str, at: str = "") -> str:
    """A string that must say something."""
    value = required_string(body, key, at)
    if not value:
        raise invalid(place(at, key), f"Invalid '{place(at, key)}': empty string.", "empty_string")
    return value


def one_of(body: Mapping[str, Any], key: str, supported: Iterable[str], at: str = "") -> str | None:
    value = string(body, key, at)
    if value is not None and value not in supported:
        raise unsupported(place(at, key), value, supported)
    return value


def boolean(body: Mapping[str, Any], key: str, at: str = "") -> bool | None:
    value = body.get(key)
    if type(value) is bool or key not in body:
        return value
    raise wrong_type(place(at, key), "a boolean", value)


def mapping(body: Mapping[str, Any], key: str, at: str = "") -> Wire | None:
    value = body.get(key)
    if type(value) is dict or key not in body:
        return value
    raise wrong_type(place(at, key), "an object", value)


def array(body: Mapping[str, Any], key: str, at: str = "", of: str = "objects") -> list[Any] | None:
    value = body.get(key)
    if type(value) is list or key not in body:
        return value
    raise wrong_type(place(at, key), f"an array of {of}", value)


def strings(body: Mapping[str, Any], key: str, at: str = "") -> tuple[str, ...] | None:
    value = array(body, key, at, "strings")
    if value is None:
        return None
    for index, each in enumerate(value):
        if type(each) is not str:
            raise wrong_type(f"{place(at, key)}[{index}]", "a string", each)
    return tuple(value)


def integer(
    body: Mapping[str, Any], key: str, at: str = "", *, low: int = -_INT64, high: int = _INT64 - 1
) -> int | None:
    """An integer from `low` to `high`. A whole float is not one: that is what parsers make of more than 64 bits."""
    value = body.get(key)
    if key not in body:
        return None
    if type(value) is not int:
        raise wrong_type(place(at, key), "an integer", value)
    _in_range(place(at, key), value, low, high)
    return value


def number(body: Mapping[str, Any], key: str, at: str, low: float, high: float) -> float | None:
    value = body.get(key)
    if key not in body:
        return None
    if type(value) is not float and type(value) is not int:
        raise wrong_type(place(at, key), "a number", value)
    _in_range(place(at, key), value, low, high)
    return value


def _in_range(param: str, value: float, low: float, high: float) -> None:
    if value < low:
        raise invalid(param, f"Invalid '{param}': expected a value >= {low}, but got {value} instead.")
    if value > high:
        raise invalid(param, f"Invalid '{param}': expected a value <= {high}, but got {value} instead.")
