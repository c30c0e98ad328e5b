"""Whether an answer keeps to the JSON Schema its client asked for. The validator is a library; here is when to ask it.

Checked is what a model says of its own accord to its end: an answer that was cut, refused or filtered, and one that calls
tools instead, promises nothing. What is wrong is told by its place and the keyword, never by its content. A client's
schema must not hold up the calls of others: one whose check would take too long is not checked, like one that is none.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

from translators.canonical import Block, Finish, OutputSpec, Reason, Refusal, Text, ToolCall, UpstreamError
from translators.formats.json import dumps, loads

_KEPT = 256
_KEPT_BYTES = 4 * 1024 * 1024
_PAIRS = 30_000
"""How many pairs of a subschema and a part of the answer are looked at: a tenth of a second at worst."""
_PAIRS_TOLD = 4_000
"""Up to how many the place is told: finding it looks at all of them, and keeps what it finds."""
_BACKTRACKS = 50_000
"""How far a pattern may go back (a millisecond); what needs more does not match."""
_compiled: OrderedDict[bytes, Validator | None] = OrderedDict()


class Validator(Protocol):
    def is_valid(self, instance: Any, /) -> bool: ...

    def iter_errors(self, instance: Any, /) -> Any: ...


Check = Callable[[tuple[Block, ...], Finish], None]


def check_of(output: OutputSpec) -> Check | None:
    """Raises `UpstreamError(SCHEMA_INVALID)` for an answer that is not as `output` asks; None when it asks for nothing."""
    if output.kind == "json_object":
        return lambda blocks, finish: _check(blocks, finish, None)
    if output.kind != "json_schema" or output.schema is None:
        return None
    validator = _validator(output.schema)
    return lambda blocks, finish: _check(blocks, finish, validator, output.schema)


def _check(
    blocks: tuple[Block, ...], finish: Finish, validator: Validator | None, schema: dict[str, Any] | None = None
) -> None:
    if finish is not Finish.STOP or any(isinstance(block, (Refusal, ToolCall)) for block in blocks):
        return
    text = "".join(block.text for block in blocks if isinstance(block, Text))
    try:
        instance = loads(text)
    except ValueError:
        raise _invalid("The model's answer is not valid JSON.") from None
    cost = None if validator is None else pairs(schema or {}, instance, _PAIRS)
    if validator is None or cost is None or validator.is_valid(instance):
        return
    if cost > _PAIRS_TOLD:
        raise _invalid("The model's answer does not match the schema.")
    error = next(iter(validator.iter_errors(instance)), None)
    if error is not None:
        place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in error.instance_path)
        keyword = next((step for step in reversed(error.schema_path) if isinstance(step, str)), "schema")
        raise _invalid(f"The model's answer does not match the schema at ${place} ({keyword}).")


def _invalid(message: str) -> UpstreamError:
    return UpstreamError(Reason.SCHEMA_INVALID, message, failure="schema_invalid", billed_risk=True, http_status=200)


def _validator(schema: dict[str, Any]) -> Validator | None:
    """The compiled schema; None for one that is none, which the provider has to refuse."""
    try:
        key = dumps(schema)
    except TypeError:
        return None  # nested deeper than anything is written here
    if key in _compiled:
        _compiled.move_to_end(key)
        return _compiled[key]
    import jsonschema_rs  # a large library that most processes never need

    try:
        made: Validator | None = jsonschema_rs.validator_for(
            schema,
            validate_formats=False,
            retriever=_nothing_remote,
            pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
        )
    except (ValueError, jsonschema_rs.ReferencingError):  # a ValidationError is a ValueError
        made = None
    _compiled[key] = made
    while len(_compiled) > _KEPT or sum(map(len, _compiled)) > _KEPT_BYTES:
        _compiled.popitem(last=False)
    return made


def _nothing_remote(uri: str) -> Any:
    """A client's schema must not make us fetch anything, from the network or from the disk."""
    raise ValueError("references to other documents are not followed")


# --- how much work a check is ----------------------------------------------------------------------------------------
#
# Alternatives that refer to each other, or to themselves, double the work with every step: forty lines of schema can keep a
# validator busy for years. So the pairs of subschema and part of the answer that it may meet are counted before, as if
# nothing ever fitted at once. Source: JSON Schema 2020-12 and its forerunners from draft 6, the applicators of core
# sections 10 and 11.

_ALTERNATIVES = ("allOf", "anyOf", "oneOf")
_SAME_PLACE = ("not", "if", "then", "else")
_OF_SAME_PLACE = ("dependentSchemas", "dependencies")
_EACH_MEMBER = ("additionalProperties", "unevaluatedProperties")
_EACH_ITEM = ("additionalItems", "unevaluatedItems", "contains")
_ELSEWHERE = ("$dynamicRef", "$recursiveRef")
Pair = tuple[Any, Any]


class _UncountableError(Exception):
    """A reference that cannot be followed here."""


def pairs(schema: dict[str, Any], instance: Any, limit: int) -> int | None:
    """The pairs a check of `instance` may meet; None when they are more than `limit` or cannot be counted."""
    waiting: list[Pair] = [(schema, instance)]
    count = 0
    try:
        while waiting:
            node, part = waiting.pop()
            count += 1
            if count + len(waiting) > limit:
                return None
            if isinstance(node, dict):
                waiting += islice(_met(schema, node, part), limit)
    except _UncountableError:
        return None
    return count


def _met(root: dict[str, Any], node: dict[str, Any], part: Any) -> Iterator[Pair]:
    for subschema in _in_place(root, node):
        yield subschema, part
        if "unevaluatedProperties" in node or "unevaluatedItems" in node:
            yield subschema, part  # looked at again, to see what it evaluates
    if isinstance(part, dict):
        yield from _of_members(node, part)
    elif isinstance(part, list):
        yield from _of_items(node, part)


def _in_place(root: dict[str, Any], node: dict[str, Any]) -> Iterator[Any]:
    if "$ref" in node:
        yield _target(root, node["$ref"])
    if any(name in node for name in _ELSEWHERE) or (node is not root and isinstance(node.get("$id"), str)):
        raise _UncountableError
    for name in _ALTERNATIVES:
        yield from _list(node.get(name))
    for name in _SAME_PLACE:
        if name in node:
            yield node[name]
    for name in _OF_SAME_PLACE:
        yield from _dict(node.get(name)).values()


def _of_members(node: dict[str, Any], part: dict[str, Any]) -> Iterator[Pair]:
    properties = _dict(node.get("properties"))
    for name, member in part.items():
        if name in properties:
            yield properties[name], member
        for subschema in _dict(node.get("patternProperties")).values():
            yield subschema, member
        for keyword in _EACH_MEMBER:
            if keyword in node:
                yield node[keyword], member
        if "propertyNames" in node:
            yield node["propertyNames"], name


def _of_items(node: dict[str, Any], part: list[Any]) -> Iterator[Pair]:
    items = node.get("items")
    for subschemas in (_list(items), _list(node.get("prefixItems"))):
        yield from zip(subschemas, part, strict=False)
    for item in part:
        if isinstance(items, dict):
            yield items, item
        for keyword in _EACH_ITEM:
            if keyword in node:
                yield node[keyword], item


def _target(root: dict[str, Any], reference: Any) -> Any:
    """The subschema a JSON pointer leads to. Other references (anchors, documents) could lead anywhere."""
    if not isinstance(reference, str) or not (reference == "#" or reference.startswith("#/")) or "%" in reference:
        raise _UncountableError
    if "draft-04" in str(root.get("$schema")):
        raise _UncountableError  # there any member called "id" changes what a pointer starts from
    found: Any = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, dict) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdecimal() and int(name) < len(found):
            found = found[int(name)]
        else:
            raise _UncountableError
        if isinstance(found, dict) and isinstance(found.get("$id"), str):
            raise _UncountableError
    return found


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
