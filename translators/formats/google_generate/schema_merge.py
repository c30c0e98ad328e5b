"""Several schemas that must all hold, as one: what `allOf` says, and a `$ref` with more beside it.

The result allows everything that the schemas together allow, and perhaps more: where two keywords cannot be said as one, the first
stays. Pure functions over JSON; nothing is resolved here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.formats import Wire

DEPTH = 40
"""How deep two schemas are merged. Below that the first stays as it is."""

_ANNOTATIONS = frozenset({"title", "description", "default", "examples", "$comment", "$schema", "$id"})
_LARGEST = frozenset({"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"})
_SMALLEST = frozenset({"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"})


def merged(first: Wire, second: Wire, lost: list[str]) -> Wire:
    """A schema that holds wherever both hold. `lost` gets the keywords of which only the first one's stayed."""
    return _Merge(lost).schemas(first, second, 0)


class _Merge:
    def __init__(self, lost: list[str]) -> None:
        self._lost = lost

    def schemas(self, first: Wire, second: Wire, depth: int) -> Wire:
        result = dict(first)
        for key, value in second.items():
            if key not in result:
                result[key] = value
            elif not _same(result[key], value):
                result[key] = self._both(key, result[key], value, depth)
        return result

    def _both(self, key: str, first: Any, second: Any, depth: int) -> Any:
        if key in _ANNOTATIONS:
            return first
        if key in _LARGEST | _SMALLEST and _is_number(first) and _is_number(second):
            return (max if key in _LARGEST else min)(first, second)
        if depth < DEPTH:
            if key == "properties" and isinstance(first, dict) and isinstance(second, dict):
                return self._properties(first, second, depth)
            if key == "items" and _is_schema(first) and _is_schema(second):
                return self._places(first, second, depth)
        if (join := _JOINS.get(key)) is not None:
            return join(first, second)
        self._lost.append(key)
        return first

    def _properties(self, first: Wire, second: Wire, depth: int) -> Wire:
        joined = dict(first)
        for name, schema in second.items():
            known = name in joined and _is_schema(joined[name]) and _is_schema(schema)
            joined[name] = self._places(joined[name], schema, depth) if known else joined.get(name, schema)
        return joined

    def _places(self, first: Any, second: Any, depth: int) -> Any:
        """Two schemas of one place. `false` allows nothing and `true` everything."""
        if first is False or second is False:
            return False
        if first is True or second is True:
            return second if first is True else first
        return self.schemas(first, second, depth + 1)


def _is_schema(value: Any) -> bool:
    return isinstance(value, (dict, bool))


def _same(first: Any, second: Any) -> bool:
    try:
        return bool(first == second)
    except RecursionError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _additional(first: Any, second: Any) -> Any:
    # Each speaks of other members than the other, as each knows other ones: joining them would forbid too much.
    if first is False or second is False:
        return False
    return second if first is True else first


def _required(first: Any, second: Any) -> Any:
    if not isinstance(first, list) or not isinstance(second, list):
        return first
    return [*first, *(name for name in second if name not in first)]


def _types(first: Any, second: Any) -> Any:
    left = first if isinstance(first, list) else [first]
    right = second if isinstance(second, list) else [second]
    shared = [kind for kind in left if kind in right or (kind == "integer" and "number" in right)]
    shared += [kind for kind in right if kind == "integer" and "number" in left and kind not in shared]
    if not shared:
        return first
    return shared if len(shared) > 1 else shared[0]


def _lists(first: Any, second: Any) -> Any:
    return [*first, *second] if isinstance(first, list) and isinstance(second, list) else first


def _enums(first: Any, second: Any) -> Any:
    if not isinstance(first, list) or not isinstance(second, list):
        return first
    return [value for value in first if value in second] or first


_JOINS: dict[str, Callable[[Any, Any], Any]] = {
    "allOf": _lists,
    "additionalProperties": _additional,
    "required": _required,
    "type": _types,
    "enum": _enums,
}
