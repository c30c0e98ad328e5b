"""The normaliser allows what the client's schema allows, says every change, ends, and never raises."""

import copy
import json
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from translators.formats.google_generate.schema import normalise

GOOGLES = {
    "$ref",
    "$defs",
    "type",
    "format",
    "title",
    "description",
    "enum",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "minimum",
    "maximum",
    "anyOf",
    "properties",
    "additionalProperties",
    "required",
    "propertyOrdering",
}
"""The keywords of responseJsonSchema and parametersJsonSchema."""


def google(schema: Any) -> Any:
    return normalise(schema, "s").schema


def changes(schema: Any) -> list[str]:
    return [f"{change.field}: {change.action}" for change in normalise(schema, "s").changes]


def assert_googles(schema: Any, top: bool = True) -> None:  # the root alone has definitions
    assert isinstance(schema, dict)
    assert schema.keys() <= GOOGLES if top else schema.keys() <= GOOGLES - {"$defs"}
    if "$ref" in schema:
        assert all(key.startswith("$") for key in schema)
    assert all(isinstance(value, (str, int, float)) and value != "" for value in schema.get("enum", ()))
    assert set(schema.get("required", ())) <= set(schema.get("properties", ()))
    below = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values()]
    below += [*schema.get("anyOf", ()), *schema.get("prefixItems", ())]
    below += [schema[key] for key in ("items", "additionalProperties") if isinstance(schema.get(key), dict)]
    for each in below:
        assert_googles(each, top=False)


@pytest.mark.parametrize(
    "schema",
    [
        {
            "type": "object",
            "properties": {"a": {"type": "string", "description": "x", "title": "A"}},
            "required": ["a"],
        },
        {"type": "array", "items": {"type": "number", "minimum": 0}, "minItems": 1},
        {"type": ["string", "null"], "enum": ["a", "b"], "format": "date-time"},
        {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
        {
            "type": "object",
            "properties": {"s": {"$ref": "#/$defs/S"}},
            "$defs": {"S": {"type": "integer", "enum": [1, 2]}},
        },
        {"type": "object", "additionalProperties": {"type": "string"}, "propertyOrdering": ["b", "a"]},
        {},
    ],
)
def test_what_google_reads_stays_as_it_is(schema):
    result = normalise(schema, "s")
    assert result.schema == schema
    assert list(result.schema.get("properties", ())) == list(schema.get("properties", ())), (
        "models answer in this order"
    )
    assert result.changes == ()


@pytest.mark.parametrize(
    ("schema", "becomes", "changed"),
    [
        ({"$schema": "x", "type": "string"}, {"type": "string"}, ["s/$schema: dropped"]),
        (
            {"type": "string", "pattern": "^a$", "description": "d"},
            {"type": "string", "description": 'd (pattern: "^a$")'},
            ["s/pattern: emulated"],
        ),
        (
            {"type": "string", "format": "email"},
            {"type": "string", "description": '(format: "email")'},
            ["s/format: emulated"],
        ),
        ({"const": "a"}, {"enum": ["a"]}, ["s/const: reshaped"]),
        ({"const": None}, {"type": "null"}, ["s/const: reshaped"]),
        ({"const": True}, {"type": "boolean", "description": "(const: true)"}, ["s/const: emulated"]),
        (
            {"type": ["string", "null"], "enum": ["a", None]},
            {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]},
            ["s/enum: reshaped"],
        ),
        ({"type": "string", "enum": ["a", None]}, {"type": "string", "enum": ["a"]}, ["s/enum: reshaped"]),
        ({"enum": ["", "a"]}, {"type": "string", "description": '(enum: ["","a"])'}, ["s/enum: emulated"]),
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}, ["s/nullable: reshaped"]),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            ["s/nullable: reshaped"],
        ),
        (
            {"type": "integer", "exclusiveMinimum": 0},
            {"type": "integer", "minimum": 1},
            ["s/exclusiveMinimum: reshaped"],
        ),
        (
            {"type": "number", "exclusiveMaximum": 2},
            {"type": "number", "maximum": 2, "description": "(exclusiveMaximum: 2)"},
            ["s/exclusiveMaximum: emulated"],
        ),
        ({"oneOf": [{"type": "string"}]}, {"anyOf": [{"type": "string"}]}, ["s/oneOf: reshaped"]),
        ({"type": "STRING"}, {"type": "string"}, ["s/type: reshaped"]),
        ({"items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}, ["s/items: reshaped"]),
        ({"type": "object", "required": ["a"]}, {"type": "object"}, ["s/required: dropped"]),
        (
            {"patternProperties": {"^x": {}}, "additionalProperties": False},
            {},
            ["s/patternProperties: dropped", "s/additionalProperties: dropped"],
        ),
        ({"properties": {"a": True}}, {"properties": {"a": {}}}, []),
        ({"properties": {"a": False}}, {"properties": {"a": {}}}, ["s/properties/a: dropped"]),
        ({"$ref": "http://elsewhere"}, {}, ["s/$ref: dropped"]),
        (
            {"allOf": [{"type": "object", "properties": {"a": {"type": "string"}}}, {"required": ["a"]}]},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            ["s/allOf: reshaped"],
        ),
        (
            {"properties": {"a": {"$ref": "#/$defs/A", "description": "mine"}}, "$defs": {"A": {"type": "string"}}},
            {"properties": {"a": {"description": "mine", "type": "string"}}},
            ["s/properties/a/$ref: reshaped", "s/$defs: reshaped"],
        ),
        (
            {
                "allOf": [
                    {"type": "integer", "minimum": 1, "maximum": 9},
                    {"type": "number", "minimum": 3, "maximum": 5},
                ]
            },
            {"type": "integer", "minimum": 3, "maximum": 5},
            ["s/allOf: reshaped"],
        ),
        (
            {"allOf": [{"additionalProperties": True}, {"additionalProperties": False}]},
            {"additionalProperties": False},
            ["s/allOf: reshaped"],
        ),
        (
            {
                "allOf": [
                    {"enum": ["a", "b"]},
                    {"enum": ["b", "c"]},
                    {"anyOf": [{"title": "x"}]},
                    {"anyOf": [{"title": "y"}]},
                ]
            },
            {"enum": ["b"], "anyOf": [{"title": "x"}]},
            ["s/allOf: reshaped", "s/allOf/3/anyOf: dropped"],
        ),
        ({"anyOf": [{"type": "string"}, {"not": {}}]}, {}, ["s/anyOf/1/not: dropped", "s/anyOf: dropped"]),
        (
            {"$ref": "#/definitions/A", "definitions": {"A": {"type": "object"}}},
            {"type": "object"},
            ["s/$ref: reshaped", "s/$defs: reshaped"],
        ),
    ],
)
def test_what_google_does_not_read_is_said_otherwise(schema, becomes, changed):
    assert google(schema) == becomes
    assert changes(schema) == changed


NODE = {
    "type": "object",
    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}, "value": {"type": "string"}},
    "required": ["next", "value"],
}


def test_a_circle_can_be_left():
    schema = {"$ref": "#/$defs/Node", "$defs": {"Node": NODE}}
    got = google(schema)
    assert got["$defs"]["Node"]["required"] == ["value"]
    assert got["properties"]["next"]["anyOf"][0] == {"$ref": "#/$defs/Node"}
    assert "s/$defs/Node/properties/next: reshaped" in changes(schema)


def test_a_circle_that_can_be_left_already_stays():
    tree = {"type": "object", "properties": {"children": {"type": "array", "items": {"$ref": "#/$defs/Tree"}}}}
    schema = {"type": "object", "properties": {"root": {"$ref": "#/$defs/Tree"}}, "$defs": {"Tree": tree}}
    assert google(schema) == schema
    assert changes(schema) == []


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"}}},
        {"$ref": "#/$defs/A", "$defs": {"A": {"type": "array", "items": {"$ref": "#/$defs/A"}}}},
        {"allOf": [{"$ref": "#/$defs/A"}], "$defs": {"A": {"allOf": [{"$ref": "#/$defs/A"}, {"type": "object"}]}}},
        {"properties": {"self": {"$ref": "#", "description": "again"}}, "required": ["self"]},
        {"properties": {"up": {"$ref": "#/properties/down"}, "down": {"$ref": "#/properties/up"}}},
        {"$ref": 5, "$defs": 7, "properties": "x", "items": 3, "required": 1, "enum": {}, "anyOf": [], "type": {}},
        {"type": [], "minItems": "1", "allOf": 3, "title": 1, "propertyOrdering": 2, "additionalProperties": 3},
    ],
)
def test_whatever_is_odd_ends_well(schema):
    before = copy.deepcopy(schema)
    assert_googles(google(schema))
    assert schema == before


def test_a_schema_that_doubles_with_every_step_ends():
    definitions = {
        f"D{n}": {"properties": {x: {"$ref": f"#/$defs/D{n + 1}", "title": x} for x in "ab"}} for n in range(30)
    }
    found = normalise({"$ref": "#/$defs/D0", "$defs": definitions}, "s")
    assert len(json.dumps(found.schema)) < 1_000_000
    assert any("too large" in change.detail for change in found.changes)


def test_a_schema_that_is_too_deep_ends():
    schema: dict = {"type": "string"}
    for _ in range(400):
        schema = {"type": "array", "items": schema, "allOf": [{"items": schema}]}
    assert_googles(google(schema))


# --- properties -------------------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b", "2026-01-01"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=6,
)
TYPES = st.sampled_from(["string", "number", "integer", "boolean", "object", "array", "null"])


def keywords(inner: st.SearchStrategy) -> dict[str, st.SearchStrategy]:
    return {
        "type": st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
        "enum": st.lists(VALUES, min_size=1, max_size=3, unique_by=repr),
        "const": VALUES,
        "properties": st.dictionaries(NAMES, inner, max_size=3),
        "required": st.lists(NAMES, max_size=2, unique=True),
        "additionalProperties": st.one_of(st.booleans(), inner),
        "patternProperties": st.dictionaries(st.sampled_from(["^a", "b"]), inner, max_size=1),
        "items": inner,
        "prefixItems": st.lists(inner, min_size=1, max_size=2),
        "minItems": st.integers(0, 2),
        "maxItems": st.integers(0, 3),
        "uniqueItems": st.booleans(),
        "minimum": st.integers(-2, 2),
        "maximum": st.integers(-2, 2),
        "exclusiveMinimum": st.integers(-2, 2),
        "exclusiveMaximum": st.integers(-2, 2),
        "multipleOf": st.integers(1, 2),
        "minLength": st.integers(0, 2),
        "pattern": st.sampled_from(["^a", "b$"]),
        "anyOf": st.lists(inner, min_size=1, max_size=2),
        "oneOf": st.lists(inner, min_size=1, max_size=2),
        "allOf": st.lists(inner, min_size=1, max_size=2),
        "not": inner,
        "if": inner,
        "then": inner,
        "title": st.just("t"),
        "description": st.just("d"),
        "default": VALUES,
        "$ref": st.sampled_from(["#/$defs/A", "#/$defs/B", "#/$defs/A/properties/a", "#"]),
        "dependentRequired": st.dictionaries(NAMES, st.lists(NAMES, max_size=1), max_size=1),
        "unevaluatedProperties": st.booleans(),
    }


def some_of(choices: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    picked = st.lists(st.sampled_from(sorted(choices)), max_size=4, unique=True)
    return picked.flatmap(lambda names: st.fixed_dictionaries({name: choices[name] for name in names}))


SCHEMAS = st.recursive(st.one_of(st.booleans(), st.just({})), lambda inner: some_of(keywords(inner)), max_leaves=8)
OBJECTS = SCHEMAS.filter(lambda schema: isinstance(schema, dict))
ROOTS = st.builds(lambda root, a, b: {**root, "$defs": {"A": a, "B": b}}, OBJECTS, SCHEMAS, SCHEMAS)


def circles(schema: Any) -> bool:
    """Whether a validator would follow references without ever reading a value; such a schema means nothing."""
    try:
        jsonschema_rs.validator_for(schema)
    except (ValueError, jsonschema_rs.ReferencingError):
        return True
    waiting, seen = [schema], set()
    while waiting:
        node = waiting.pop()
        if not isinstance(node, dict):
            continue
        if node.get("$ref") is not None:
            if node["$ref"] in seen:
                return True
            seen.add(node["$ref"])
            target: Any = schema
            for step in node["$ref"].split("/")[1:]:
                target = target.get(step) if isinstance(target, dict) else None
            if target is None:
                return True
            waiting.append(target)
        for key in ("anyOf", "oneOf", "allOf"):
            waiting += node.get(key, ())
        waiting += [node[key] for key in ("not", "if", "then") if key in node]
    return False


@given(schema=ROOTS)
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_every_schema_becomes_one_of_googles_and_every_change_is_listed(schema):
    before = copy.deepcopy(schema)
    found = normalise(schema, "s")
    assert schema == before, "the client's own schema was edited"
    assert_googles(found.schema)
    assert found == normalise(schema, "s")
    assert len(set(found.changes)) == len(found.changes)
    if found.schema != schema:
        assert found.changes, "a change that is not listed"
    if all("leads back" not in change.detail for change in found.changes):
        assert normalise(found.schema, "s").schema == found.schema, "what Google reads is not left alone"


@given(schema=ROOTS, value=VALUES)
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
def test_what_the_clients_schema_allows_stays_allowed(schema, value):
    if circles(schema) or not jsonschema_rs.is_valid(schema, value):
        return
    result = google(schema)
    assert jsonschema_rs.is_valid(result, value), f"{json.dumps(value)} is refused by {json.dumps(result)}"


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=3)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.one_of(st.sampled_from(sorted(keywords(st.none()))), st.text(max_size=2)), inner, max_size=4
        ),
    ),
    max_leaves=20,
)


@given(
    schema=st.dictionaries(st.sampled_from([*sorted(keywords(st.none())), "$defs", "definitions", "nullable"]), JSON)
)
@settings(max_examples=200, deadline=None)
def test_nothing_that_is_json_raises(schema):
    assert_googles(google(schema))


@pytest.mark.parametrize("name", ["title", "description", "enum", "required", "$ref", "items"])
def test_a_member_of_any_name_keeps_its_definition(name):
    schema = {
        "type": "object",
        "properties": {name: {"$ref": "#/$defs/T"}, "other": {"type": "array", "items": {"$ref": "#/$defs/T"}}},
        "$defs": {"T": {"type": "object", "properties": {name: {"$ref": "#/$defs/U"}}}, "U": {"type": "string"}},
    }
    assert google(schema) == schema
    alone = {"type": "object", "properties": {name: {"$ref": "#/$defs/U"}}, "$defs": {"U": {"type": "string"}}}
    assert google(alone) == alone
