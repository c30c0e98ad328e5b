"""Three vendors' subsets of JSON schema."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.conformance.simulators import schemas

LEAF = {"type": "string"}


def _object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


RECURSIVE = {**_object(next={"$ref": "#/$defs/N"}), "$defs": {"N": _object(next={"$ref": "#/$defs/N"})}}


@pytest.mark.parametrize(
    ("schema", "openai", "anthropic"),
    [
        (_object(a=LEAF), None, None),
        (_object(a=_object(b=LEAF)), None, None),
        (_object(a={"anyOf": [LEAF, {"type": "null"}]}), None, None),
        ({**_object(a=LEAF), "additionalProperties": True}, "additionalProperties", "additionalProperties"),
        ({**_object(a=LEAF), "required": []}, "Missing 'a'", None),
        (_object(a={"oneOf": [LEAF]}), "'oneOf' is not permitted", "'oneOf'"),
        (_object(a={"type": "integer", "minimum": 0}), None, "'minimum'"),
        (_object(a={"type": "string", "minLength": 1}), "'minLength'", "'minLength'"),
        (_object(a={"type": "array", "items": LEAF, "minItems": 2}), None, "minItems"),
        (_object(a={"type": "array", "items": LEAF, "minItems": 1}), None, None),
        (_object(a={"type": "string", "format": "regex"}), None, "format"),
        (_object(a={"$ref": "https://example.com/s.json"}), None, "External"),
        (RECURSIVE, None, "Recursive"),
        ({"type": "array", "items": LEAF}, 'type: "object"', None),
        ("no schema", 'type: "object"', "object"),
    ],
)
def test_strict_modes(schema: Any, openai: str | None, anthropic: str | None) -> None:
    for expected, found in ((openai, schemas.openai_strict(schema)), (anthropic, schemas.anthropic_strict(schema))):
        assert (found is None) == (expected is None), found
        assert (expected or "") in (found or "")


def test_counting_parameters() -> None:
    schema = {"type": "object", "properties": {"a": LEAF, "b": {"type": ["string", "null"]}}, "required": ["a"]}
    assert (schemas.optional_parameters(schema), schemas.union_parameters(schema)) == (1, 1)


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "OBJECT", "properties": {"a": {"type": "string", "enum": ["x"]}}, "property_ordering": ["a"]}, None),
        ({"type": "object", "$defs": {}}, 'Unknown name "$defs"'),
        ({"type": ["string", "null"]}, "cannot start list"),
        ({"type": "integer", "enum": [1]}, "TYPE_STRING"),
        ({"type": "string", "format": "email"}, "are supported for STRING type"),
        ({"type": "array"}, "missing field"),
        ({"type": "object", "required": ["a"]}, "property is not defined"),
        ({"type": "object", "properties": {"a": {"const": 1}}}, "properties[a]"),
    ],
)
def test_googles_schema_object(schema: Any, words: str | None) -> None:
    found = schemas.google_openapi(schema, "parameters")
    assert (found is None) == (words is None)
    assert (words or "") in (found or "")


def test_googles_json_schema() -> None:
    assert (
        schemas.google_json({"type": "object", "not": {}, "$defs": {"A": {}}, "anyOf": [{"$ref": "#/$defs/A"}]}, "x")
        is None
    )
    assert "does not resolve" in (schemas.google_json({"$ref": "#/$defs/B"}, "x") or "")
    assert "fields starting with '$'" in (schemas.google_json({"$ref": "#", "type": "object"}, "x") or "")
