"""A `spec` as written against its schema: typed, or problems with position and hint. Builds no records, resolves no names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin, get_type_hints

from pydantic import ValidationError

from .documents import Path
from .envelope import Resource
from .inline import key_shape
from .problems import Problem, suggestion
from .schema.fields import Mark, Record, Reference

SpecT = TypeVar("SpecT", bound=Record)
_SHOULD_BE = {
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_type": "should be a number",
    "bool_type": "should be true or false",
    "string_type": "should be text",
    "string_too_short": "should not be empty",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping",
    "list_type": "should be a list",
    "too_short": "should not be empty",
    "greater_than": "should be greater than {gt}",
    "greater_than_equal": "should be {ge} or more",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be {le} or less",
}
_YAML_1_1 = frozenset({"yes", "no", "on", "off", "y", "n"})
_SHOWN = 40
_MEMBERS = 4
"""So many members of a mapping are named as an example."""


def validated(resource: Resource, schema: type[SpecT], problems: list[Problem]) -> SpecT | None:
    """The spec, with warnings for marked fields added to `problems`; or None, with the errors added."""
    try:
        spec = schema.model_validate(resource.spec)
    except ValidationError as error:
        problems += [_problem(resource, schema, dict(detail)) for detail in error.errors(include_url=False)]
        return None
    marked = [
        resource.problem(mark.code, mark.note, path, mark.hint, at_key=True) for path, mark in _marks(spec, ("spec",))
    ]
    problems += marked
    return None if any(problem.level == "error" for problem in marked) else spec


def _problem(resource: Resource, schema: type[Record], detail: dict[str, Any]) -> Problem:
    location = detail["loc"]
    # Only what is missing may be named without being there; else the last part may be pydantic's name for a kind of union.
    last = (location[-1],) if detail["type"] == "missing" else ()
    path = (*_written_path(resource.spec, location[: len(location) - len(last)]), *last)
    context = detail.get("ctx", {})
    where: Path = ("spec", *path)
    if detail["type"] == "joch":
        place = (*where, context["at"]) if context["at"] else where
        return resource.problem(context["code"], context["text"], place, context["hint"])
    if detail["type"] == "extra_forbidden":
        owner = _record_at(schema, path[:-1])
        hint = suggestion(str(path[-1]), _names(owner)) if owner else None
        return resource.problem(
            "E-UNKNOWN-FIELD", f"there is no field {_shown(path[-1])} here", where, hint, at_key=True
        )
    if detail["type"] == "literal_error":
        options = _options(schema, path) or ()
        return resource.problem(
            "E-ENUM",
            f"{_shown(detail['input'])} is not a value of this field",
            where,
            suggestion(str(detail["input"]), options),
        )
    if detail["type"] == "missing":
        return resource.problem("E-TYPE", f"{path[-1]} is required", where, f"add {path[-1]}: …")
    wording = _SHOULD_BE.get(detail["type"])
    message = wording.format(**context) if wording else f"cannot be used here: {detail['type'].replace('_', ' ')}"
    return resource.problem("E-TYPE", message, where, _type_hint(detail) or _shape_hint(detail, schema, path))


def _shape_hint(detail: Mapping[str, Any], schema: type[Record], path: Path) -> str | None:
    """How a list or a mapping is written; the members it may have where they are few."""
    if detail["type"] == "list_type":
        return "write [ … ], or one item a line, each after a -"
    if detail["type"] not in ("dict_type", "model_type"):
        return None
    record = _record_at(schema, path)
    names = ", ".join(f"{name}: …" for name in _names(record)[:_MEMBERS]) if record else "name: …"
    return f"write {{ {names}{', …' if record and len(_names(record)) > _MEMBERS else ''} }}"


def _type_hint(detail: Mapping[str, Any]) -> str | None:
    given = detail["input"]
    if detail["type"] == "string_type" and isinstance(given, (int, Decimal)):
        return f'put it in quotes: "{str(given).lower()}"'
    if detail["type"] == "bool_type" and isinstance(given, str) and given.lower() in _YAML_1_1:
        return "YAML 1.2 knows only true and false"
    if detail["type"] in ("int_type", "float_type") and isinstance(given, str):
        return "write the number without quotes and without a unit"
    return None


def _written_path(spec: Any, location: Sequence[str | int]) -> Path:
    """pydantic's location without what it adds for its own bookkeeping: only what can be followed in `spec`."""
    path: list[str | int] = []
    value = spec
    for part in location:
        if isinstance(part, int):
            # A single item written where a list may stand has no index in the file.
            if isinstance(value, list):
                path.append(part)
                value = value[part] if part < len(value) else None
        elif isinstance(value, dict) and part in value:
            path.append(part)
            value = value.get(part)
    return tuple(path)


def _shown(value: Any) -> str:
    """A value for a message: short, and never one that could be a key."""
    text = str(value)
    return "this text" if len(text) > _SHOWN or key_shape(text) else repr(text)


# --- walking the schema --------------------------------------------------------------------------------------------


def _names(schema: type[Record]) -> list[str]:
    return [field.alias or name for name, field in schema.model_fields.items()]


def _annotation_at(schema: type[Record], path: Sequence[str | int]) -> Any:
    """The declared type of the value at `path`, or None where the schema does not say."""
    here: Any = schema
    for part in path:
        mapping = _mapping_in(here)
        record = _record_in(here)
        if mapping is not None:
            here = get_args(mapping)[1]
        elif record is not None and isinstance(part, str):
            field = next((field for name, field in record.model_fields.items() if (field.alias or name) == part), None)
            here = field.annotation if field else _free_member_of(record)
        else:
            here = _item_in(here)
    return here


def _item_in(annotation: Any) -> Any:
    """The `X` of `list[X]`, also within a union or a mark."""
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    found = (_item_in(part) for part in get_args(annotation) if get_origin(annotation) in (Union, UnionType, Annotated))
    return next((item for item in found if item is not None), None)


def _free_member_of(record: type[Record]) -> Any:
    """What a member is that the record has no name for: where it takes such members (`extra="allow"`), their type."""
    if record.model_config.get("extra") != "allow":
        return None
    return get_args(get_type_hints(record)["__pydantic_extra__"])[1]


def _mapping_in(annotation: Any) -> Any:
    """The `dict[…]` in `dict[…]` or `dict[…] | None`."""
    if get_origin(annotation) is dict:
        return annotation
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return next((found for found in map(_mapping_in, get_args(annotation)) if found is not None), None)
    return None


def _record_at(schema: type[Record], path: Sequence[str | int]) -> type[Record] | None:
    return _record_in(_annotation_at(schema, path))


def _record_in(annotation: Any) -> type[Record] | None:
    """The record class in `X`, `X | None`, `Annotated[X, …]` or `list[X]` (whose single item may stand alone)."""
    if isinstance(annotation, type) and issubclass(annotation, Record):
        return annotation
    found = [record for record in map(_record_in, _parts(annotation)) if record]
    return found[0] if found else None


def _parts(annotation: Any) -> tuple[Any, ...]:
    return tuple(part for part in get_args(annotation) if not isinstance(part, (str, int, bool)))


def _options(schema: type[Record], path: Sequence[str | int]) -> tuple[str, ...]:
    return tuple(_literals(_annotation_at(schema, path)))


def _literals(annotation: Any) -> Iterator[str]:
    for part in get_args(annotation):
        if isinstance(part, str):
            yield part
        else:
            yield from _literals(part)


# --- marks ---------------------------------------------------------------------------------------------------------


def _marks(record: Record, path: Path) -> Iterator[tuple[Path, Mark]]:
    """The marked fields that were written, outermost first; nothing below a marked field is listed."""
    for name, field in type(record).model_fields.items():
        if name not in record.model_fields_set:
            continue
        value = getattr(record, name)
        place = (*path, field.alias or name)
        mark = next((item for item in field.metadata if isinstance(item, Mark)), None)
        if mark is None:
            yield from _inner_marks(value, place)
        elif value not in mark.harmless:
            yield place, mark


def _inner_marks(value: Any, path: Path) -> Iterator[tuple[Path, Mark]]:
    match value:
        case Record():
            yield from _marks(value, path)
        case dict():
            for name, item in value.items():
                yield from _inner_marks(item, (*path, name))
        case list():
            for index, item in enumerate(value):
                yield from _inner_marks(item, (*path, index))
        case Reference() | _:
            return
