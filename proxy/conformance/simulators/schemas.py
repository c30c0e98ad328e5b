"""What each provider takes as a JSON schema, and how it says no: three vendors, three subsets.

Sources: OpenAI's structured-outputs guide (strict subset, error texts as recorded), Anthropic's structured-outputs page and
recorded refusals of its strict tools, Google's Schema object (an unknown field of it is a 400 by the JSON parser itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .fields import camel

Schema = dict[str, Any]

_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "not", "if", "then", "else", "additionalProperties", "contains", "propertyNames")


def walk(schema: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Every subschema with the path that leads to it, outermost first."""
    if not isinstance(schema, dict):
        return
    yield path, schema
    for word in _MAPS:
        for name, below in (schema.get(word) or {}).items():
            yield from walk(below, (*path, word, name))
    for word in _LISTS:
        for index, below in enumerate(schema.get(word) or ()):
            yield from walk(below, (*path, word, str(index)))
    for word in _SINGLE:
        yield from walk(schema.get(word), (*path, word))


def types_of(schema: Schema) -> tuple[str, ...]:
    """The types a subschema names, several or one or none."""
    named = schema.get("type")
    return tuple(named) if isinstance(named, list) else (named,) if isinstance(named, str) else ()


def is_object(schema: Schema) -> bool:
    return "object" in types_of(schema) or "properties" in schema


# --- OpenAI -----------------------------------------------------------------------------------------------------------

_OPENAI_REFUSED = (
    "allOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "oneOf",
    "patternProperties",
    "unevaluatedProperties",
    "propertyNames",
    "contains",
    "uniqueItems",
    "prefixItems",
    "minLength",
    "maxLength",
)


def openai_strict(schema: Any) -> str | None:
    """Why OpenAI's strict mode refuses a schema, in its words; None when it takes it."""
    if not isinstance(schema, dict) or types_of(schema) != ("object",):
        return "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'."
    for path, below in walk(schema):
        context = "(" + ", ".join(f"'{part}'" for part in path) + ("," if len(path) == 1 else "") + ")"
        for word in _OPENAI_REFUSED:
            if word in below:
                return f"In context={context}, '{word}' is not permitted."
        if not is_object(below):
            continue
        if below.get("additionalProperties") is not False:
            return f"In context={context}, 'additionalProperties' is required to be supplied and to be false."
        missing = [name for name in below.get("properties") or {} if name not in (below.get("required") or ())]
        if missing:
            return (
                f"In context={context}, 'required' is required to be supplied and to be an array including every key in "
                f"properties. Missing '{missing[0]}'."
            )
    return None


# --- Anthropic --------------------------------------------------------------------------------------------------------

_ANTHROPIC_REFUSED = {
    "integer": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
    "number": ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum"),
    "string": ("minLength", "maxLength"),
    "array": ("maxItems", "uniqueItems"),
}
_ANTHROPIC_FORMATS = frozenset(
    {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}
)


def anthropic_strict(schema: Any) -> str | None:
    """Why Anthropic does not compile a schema (strict tools, `output_config.format`); None when it does."""
    if not isinstance(schema, dict):
        return "schema: Input should be an object"
    for path, below in walk(schema):
        found = _anthropic_refuses(below)
        if found is not None:
            return f"{found} (at {'.'.join(path) or 'the root'})"
    if _recurses(schema):
        return "Recursive schemas are not supported"
    return None


def _anthropic_refuses(below: Schema) -> str | None:
    if "oneOf" in below:
        return "Schema type 'oneOf' is not supported"
    if is_object(below) and below.get("additionalProperties") is not False:
        return "For 'object' type, 'additionalProperties' must be explicitly set to false"
    for kind in types_of(below):
        for word in _ANTHROPIC_REFUSED.get(kind, ()):
            if word in below:
                return f"For '{kind}' type, property '{word}' is not supported"
    if below.get("minItems", 0) not in (0, 1):
        return "For 'array' type, 'minItems' values other than 0 or 1 are not supported"
    if "format" in below and below["format"] not in _ANTHROPIC_FORMATS:
        return f"String format '{below['format']}' is not supported"
    reference = below.get("$ref")
    if isinstance(reference, str) and not reference.startswith("#"):
        return "External $ref is not supported"
    return None


def _recurses(schema: Schema) -> bool:
    """Whether a reference leads back to a subschema it stands in."""
    definitions = {
        f"#/{word}/{name}": below
        for word in ("$defs", "definitions")
        for name, below in (schema.get(word) or {}).items()
    }
    definitions["#"] = schema

    def leads_back(name: str, seen: frozenset[str]) -> bool:
        if name in seen:
            return True
        below = definitions.get(name)
        references = {each["$ref"] for _, each in walk(below) if "$ref" in each} if below is not None else set()
        return any(leads_back(each, seen | {name}) for each in references)

    return any(leads_back(name, frozenset()) for name in definitions if name != "#") or any(
        each.get("$ref") == "#" for _, each in walk(schema)
    )


def optional_parameters(schema: Any) -> int:
    """How many properties of a schema may be left out."""
    return sum(
        1
        for _, below in walk(schema)
        for name in below.get("properties") or {}
        if name not in (below.get("required") or ())
    )


def union_parameters(schema: Any) -> int:
    """How many properties of a schema have more than one type."""
    return sum(
        1
        for _, below in walk(schema)
        for prop in (below.get("properties") or {}).values()
        if isinstance(prop, dict) and ("anyOf" in prop or len(types_of(prop)) > 1)
    )


# --- Google -----------------------------------------------------------------------------------------------------------

_GOOGLE_FIELDS = frozenset(
    [
        "type",
        "format",
        "title",
        "description",
        "nullable",
        "enum",
        "maxItems",
        "minItems",
        "properties",
        "required",
        "minProperties",
        "maxProperties",
        "minLength",
        "maxLength",
        "pattern",
        "example",
        "anyOf",
        "propertyOrdering",
        "default",
        "items",
        "minimum",
        "maximum",
    ]
)
_GOOGLE_TYPES = frozenset({"STRING", "NUMBER", "INTEGER", "BOOLEAN", "ARRAY", "OBJECT", "NULL"})
_GOOGLE_FORMATS = {
    "STRING": ("enum", "date-time"),
    "NUMBER": ("float", "double"),
    "INTEGER": ("int32", "int64", "enum"),
}


def google_openapi(schema: Any, at: str) -> str | None:
    """Why Google's parser refuses a Schema object (`parameters`, `responseSchema`); None when it takes it.

    Both spellings of a type are known; every other keyword of JSON schema is an unknown field.
    """
    if not isinstance(schema, dict):
        return f"Invalid value at '{at}' (type.googleapis.com/google.ai.generativelanguage.v1beta.Schema)"
    for name in schema:
        if camel(name) not in _GOOGLE_FIELDS:
            return f"Unknown name \"{name}\" at '{at}': Cannot find field."
    kind = schema.get("type")
    if isinstance(kind, list):
        return f"Proto field is not repeating, cannot start list. at '{at}.type'"
    if isinstance(kind, str) and kind.upper() not in _GOOGLE_TYPES:
        return (
            f"Invalid value at '{at}.type' (type.googleapis.com/google.ai.generativelanguage.v1beta.Type), \"{kind}\""
        )
    if any(not isinstance(value, str) for value in schema.get("enum") or ()):
        return f"Invalid value at '{at}.enum[0]' (TYPE_STRING)"
    allowed = _GOOGLE_FORMATS.get(str(kind).upper())
    if "format" in schema and allowed is not None and schema["format"] not in allowed:
        return f"only {' and '.join(repr(word) for word in allowed)} are supported for {str(kind).upper()} type"
    return _google_below(schema, at)


def _google_below(schema: Schema, at: str) -> str | None:
    if str(schema.get("type")).upper() == "ARRAY" and "items" not in schema:
        return f"{at}.items: missing field."
    below = [(f"{at}.properties[{name}]", value) for name, value in (schema.get("properties") or {}).items()]
    below += [(f"{at}.any_of[{index}]", value) for index, value in enumerate(schema.get("anyOf") or ())]
    if "items" in schema:
        below.append((f"{at}.items", schema["items"]))
    missing = [name for name in schema.get("required") or () if name not in (schema.get("properties") or {})]
    if missing:
        return f"{at}.required[0]: property is not defined"
    return next((found for place, value in below if (found := google_openapi(value, place)) is not None), None)


def google_json(schema: Any, at: str) -> str | None:
    """Why Google refuses a JSON schema (`parametersJsonSchema`, `responseJsonSchema`); None when it takes it.

    Keywords it does not know are ignored; what it cannot follow is refused.
    """
    if not isinstance(schema, dict):
        return f"Invalid value at '{at}'"
    for path, below in walk(schema):
        place = ".".join((at, *path))
        reference = below.get("$ref")
        if reference is None:
            continue
        if any(not name.startswith("$") for name in below):
            return f"{place}: only fields starting with '$' may be set beside $ref."
        if not isinstance(reference, str) or not _resolves(schema, reference):
            return f"{place}: the reference {reference!r} does not resolve."
    return None


def _resolves(schema: Schema, reference: str) -> bool:
    if not reference.startswith("#"):
        return False
    found: Any = schema
    for part in reference.removeprefix("#").split("/")[1:]:
        found = found.get(part) if isinstance(found, dict) else None
    return isinstance(found, dict)
