"""A valid instance for a JSON schema: the smallest one that still shows something. Deterministic, best effort.

Understands what tool parameters and structured outputs are made of: types, enum, const, objects with what they require,
arrays, anyOf, oneOf, allOf, $ref (recursive ones too), bounds, lengths, formats, and patterns of the usual kind. `not`,
`if`, dependencies and names of properties are not looked at. A schema that asks for more than the budget allows gets an
instance that stops short. https://json-schema.org/draft/2020-12
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

from .patterns import matching

_REFERENCES = 3  # how often references may nest before the shortest way out is taken
_DEEPEST = 48  # where a schema that no finite value fits is given up
_MOST_VALUES = 4096  # in one instance
_MOST_ITEMS = 1024  # in one array or object
_MOST_CHARACTERS = 16_384  # in one string

_FORMATS = {
    "date-time": "2026-01-01T12:00:00Z",
    "date": "2026-01-01",
    "time": "12:00:00Z",
    "duration": "P1D",
    "email": "user@example.com",
    "idn-email": "user@example.com",
    "hostname": "example.com",
    "idn-hostname": "example.com",
    "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1",
    "uri": "https://example.com/",
    "url": "https://example.com/",
    "iri": "https://example.com/",
    "uri-reference": "/example",
    "iri-reference": "/example",
    "uuid": "00000000-0000-4000-8000-000000000000",
    "json-pointer": "/example",
    "regex": "^a$",
    "byte": "AA==",
    "binary": "AA==",
}

_TELLING = (
    ("object", ("properties", "required", "additionalProperties", "minProperties")),
    ("array", ("items", "prefixItems", "minItems", "contains")),
    ("string", ("pattern", "format", "minLength", "maxLength")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)


@dataclass(slots=True)
class _Budget:
    """What is left to be made, so that a hostile schema costs no more than a large honest one."""

    values: int = _MOST_VALUES
    refers: dict[int, bool] = field(default_factory=dict)  # by identity of the schema, which outlives this


@dataclass(frozen=True, slots=True)
class _Place:
    """Where in the schema we are. `turn` tells equal siblings apart, `hint` is the name of what is being made."""

    root: Any
    budget: _Budget
    depth: int = 0
    references: int = 0
    turn: int = 0
    hint: str = "text"

    @property
    def is_deep(self) -> bool:
        return self.references >= _REFERENCES or self.depth >= _DEEPEST // 2


def instance(schema: Any) -> Any:
    """A JSON value that fits `schema`. For what is not understood, a value that ignores it."""
    return _made(schema, _Place(schema, _Budget()))


def _made(schema: Any, place: _Place) -> Any:
    place.budget.values -= 1
    if place.depth > _DEEPEST or place.budget.values < 0:
        return None
    schema, place = _resolved(schema, place)
    if "const" in schema:
        return schema["const"]
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return schema["enum"][place.turn % len(schema["enum"])]
    place = replace(place, depth=place.depth + 1)
    match _type_of(schema, place):
        case "object":
            return _object(schema, place)
        case "array":
            return _array(schema, place)
        case "integer":
            return _number(schema, place, whole=True)
        case "number":
            return _number(schema, place, whole=False)
        case "boolean":
            return place.turn % 2 == 0
        case "null":
            return None
        case _:
            return _string(schema, place)


def _resolved(schema: Any, place: _Place) -> tuple[dict[str, Any], _Place]:
    """One flat schema: references followed, allOf joined, one of the alternatives chosen."""
    for _ in range(_DEEPEST):
        if not isinstance(schema, dict):
            return {}, place
        if isinstance(schema.get("$ref"), str):
            target = _target(schema["$ref"], place.root)
            schema = _joined({key: value for key, value in schema.items() if key != "$ref"}, target)
            place = replace(place, references=place.references + 1)
        elif isinstance(schema.get("allOf"), list):
            parts = schema["allOf"]
            schema = {key: value for key, value in schema.items() if key != "allOf"}
            for part in parts:
                schema = _joined(schema, part)
        elif options := schema.get("anyOf") or schema.get("oneOf"):
            rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
            schema = _joined(rest, _option(options, place))
        else:
            return schema, place
    return {}, place


def _target(reference: str, root: Any) -> Any:
    node = root
    for part in reference.removeprefix("#").split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        node = node.get(part) if isinstance(node, dict) else None
    return node


def _option(options: Any, place: _Place) -> Any:
    """The first alternative; far down a recursion, one that leads out of it."""
    if not isinstance(options, list):
        return {}
    if place.is_deep:
        return next((option for option in options if not _refers(option, place.budget)), options[0])
    return options[0]


def _refers(schema: Any, budget: _Budget) -> bool:
    if not isinstance(schema, (dict, list)):
        return False
    if (known := budget.refers.get(id(schema))) is None:
        parts = schema.values() if isinstance(schema, dict) else schema
        known = (isinstance(schema, dict) and "$ref" in schema) or any(_refers(part, budget) for part in parts)
        budget.refers[id(schema)] = known
    return known


def _joined(first: dict[str, Any], second: Any) -> dict[str, Any]:
    """Both at once: required and properties add up, the narrower bound counts, else `second` wins."""
    if not isinstance(second, dict):
        return first
    joined = {**first, **second}
    for key in first.keys() & second.keys():
        ours, theirs = first[key], second[key]
        if key in ("properties", "$defs", "patternProperties") and isinstance(ours, dict) and isinstance(theirs, dict):
            shared = {name: _joined(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()}
            joined[key] = {**ours, **theirs, **shared}
        elif key == "required":
            joined[key] = list(dict.fromkeys((*ours, *theirs)))
        elif key in ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"):
            joined[key] = max(ours, theirs)
        elif key in ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"):
            joined[key] = min(ours, theirs)
        elif key == "enum":
            joined[key] = [value for value in ours if value in theirs] or theirs
    return joined


def _type_of(schema: dict[str, Any], place: _Place) -> str:
    told = schema.get("type")
    if isinstance(told, list):
        if place.is_deep and "null" in told:
            return "null"
        told = next((kind for kind in told if kind != "null"), "null")
    if isinstance(told, str):
        return told
    return next((kind for kind, words in _TELLING if any(word in schema for word in words)), "string")


def _object(schema: dict[str, Any], place: _Place) -> dict[str, Any]:
    properties = schema.get("properties") or {}
    further = schema.get("additionalProperties", True)
    names = list(dict.fromkeys(schema.get("required") or ()))
    wanted = min(schema.get("minProperties", 0), _MOST_ITEMS)
    names += [name for name in properties if name not in names][: max(wanted - len(names), 0)]
    names += [f"key{index}" for index in range(1, wanted - len(names) + 1)]
    # In the order of the schema, as OpenAI answers.
    order = {name: index for index, name in enumerate(properties)}
    names.sort(key=lambda name: order.get(name, len(order)))
    return {name: _made(properties.get(name, further), replace(place, hint=name)) for name in names}


def _array(schema: dict[str, Any], place: _Place) -> list[Any]:
    prefix = schema.get("prefixItems") or []
    items = schema.get("items", {})
    if isinstance(items, list):  # drafts before 2020-12
        prefix, items = items, schema.get("additionalItems", {})
    count = schema.get("minItems", 0)
    if not place.is_deep:
        count = max(count, 1)
    if items is False:
        count = min(count, len(prefix))
    count = min(count, schema.get("maxItems", count), _MOST_ITEMS)
    kinds = [prefix[index] if index < len(prefix) else items for index in range(count)]
    if "contains" in schema:
        least = schema.get("minContains", 1)
        kinds[:least] = [_joined(items if isinstance(items, dict) else {}, schema["contains"])] * least
    distinct = schema.get("uniqueItems") is True
    return [_made(kind, replace(place, turn=index if distinct else 0)) for index, kind in enumerate(kinds)]


def _number(schema: dict[str, Any], place: _Place, *, whole: bool) -> int | float:
    low, high = _bounds(schema, whole=whole)
    step = schema.get("multipleOf") or (1 if whole else None)
    if whole and isinstance(step, float) and not step.is_integer():
        step = _whole_step(step)
    start: float = 0 if low <= 0 <= high else low if low > 0 else high
    if step is None:
        if math.isinf(start):
            start = 0
        return start + place.turn if start + place.turn <= high else start
    value = math.ceil(start / step) * step if start >= 0 else math.floor(start / step) * step
    value += place.turn * step if value + place.turn * step <= high else 0
    return int(value) if whole or float(value).is_integer() else value


def _bounds(schema: dict[str, Any], *, whole: bool) -> tuple[float, float]:
    """The closed interval of allowed values. An excluded bound moves by 1, or by less where there is no room for that."""
    low, high = schema.get("minimum", -math.inf), schema.get("maximum", math.inf)
    over: Any = schema.get("exclusiveMinimum")
    under: Any = schema.get("exclusiveMaximum")
    if over is True:  # draft 4 says it with a flag
        over, low = low, -math.inf
    if under is True:
        under, high = high, math.inf
    room = 1.0
    if not whole:
        floor, ceiling = max(low, over if _is_number(over) else low), min(high, under if _is_number(under) else high)
        room = min(1.0, (ceiling - floor) / 2) if ceiling > floor else 0.0
    if _is_number(over):
        low = max(low, math.floor(over) + 1 if whole else over + room)
    if _is_number(under):
        high = min(high, math.ceil(under) - 1 if whole else under - room)
    return (math.ceil(low) if whole and math.isfinite(low) else low), high


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _whole_step(step: float) -> float:
    """The smallest whole multiple of a broken step, near enough for steps such as 0.5 or 0.1."""
    return next((step * times for times in range(1, 1000) if (step * times).is_integer()), 1)


def _string(schema: dict[str, Any], place: _Place) -> str:
    shortest, longest = min(schema.get("minLength", 0), _MOST_CHARACTERS), schema.get("maxLength")
    place.budget.values -= shortest // 64
    if isinstance(schema.get("pattern"), str):
        made = matching(schema["pattern"], shortest, place.turn)
        if made is not None:
            return made
    if (kept := _FORMATS.get(str(schema.get("format")))) is not None:
        return kept
    text = place.hint if place.turn == 0 else f"{place.hint}{place.turn + 1}"
    text = text.ljust(shortest, "x")
    if longest is not None and len(text) > longest:
        text = (str(place.turn + 1) + "x" * longest)[:longest] if place.turn else text[:longest]
    return text
