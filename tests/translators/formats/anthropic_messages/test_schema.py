import copy
import time
from typing import Any

import pytest

from translators.canonical import Transform
from translators.formats.anthropic_messages.schema import (
    NotBindableError,
    bound,
    object_schema,
    optional_count,
    union_count,
)

TEXT = {"type": "string"}


def bind(schema: dict) -> tuple[dict, list[tuple[str, str]]]:
    transforms: list[Transform] = []
    before = copy.deepcopy(schema)
    wire = bound(schema, "s", transforms)
    assert schema == before, "the client's schema is not ours to change"
    return wire, [(each.field, each.action) for each in transforms]


def thing(**properties: Any) -> dict:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def unbindable(schema: Any) -> str:
    transforms: list[Transform] = []
    with pytest.raises(NotBindableError) as caught:
        bound(schema, "s", transforms)
    assert transforms == [], "what is not sent changed nothing"
    return str(caught.value)


def test_a_schema_of_the_subset_stays_as_it_is_and_in_its_order():
    schema = {
        "title": "T",
        "type": "object",
        "properties": {
            "b": {"type": "string", "format": "date", "pattern": "^a+$", "description": "d"},
            "a": {"type": "array", "items": {"$ref": "#/$defs/X"}, "minItems": 1},
            "c": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None},
            "d": {"enum": ["x", 1, None]},
            "e": {"const": "y"},
            "f": {"type": ["string", "null"]},
            "g": {"allOf": [{"type": "string"}, {"enum": ["x"]}]},
        },
        "required": ["b"],
        "additionalProperties": False,
        "$defs": {"X": thing(y=TEXT)},
    }
    wire, listed = bind(schema)
    assert wire == schema
    assert list(wire) == list(schema)
    assert list(wire["properties"]) == list(schema["properties"])
    assert listed == []


def test_objects_are_closed():
    wire, listed = bind({"type": "object", "properties": {"a": {"type": "object", "properties": {}}}})
    assert wire["additionalProperties"] is wire["properties"]["a"]["additionalProperties"] is False
    assert listed == [("s/properties/a/additionalProperties", "mapped"), ("s/additionalProperties", "mapped")]
    assert bind({"type": "object", "properties": {}, "additionalProperties": True})[1] == [
        ("s/additionalProperties", "reshaped")
    ]
    assert bind({"properties": {"a": TEXT}, "additionalProperties": False})[0]["type"] == "object"


@pytest.mark.parametrize(
    ("schema", "word", "value"),
    [
        ({"type": "integer", "minimum": 1}, "minimum", "1"),
        ({"type": "number", "multipleOf": 0.5}, "multipleOf", "0.5"),
        ({"type": "string", "maxLength": 9}, "maxLength", "9"),
        ({"type": "string", "format": "phone"}, "format", '"phone"'),
        ({"type": "string", "pattern": "(?=a)b"}, "pattern", '"(?=a)b"'),
        ({"type": "string", "pattern": r"(a)\1"}, "pattern", r'"(a)\\1"'),
        ({"type": "array", "items": TEXT, "minItems": 2}, "minItems", "2"),
        ({"type": "array", "items": TEXT, "uniqueItems": True}, "uniqueItems", "true"),
        ({"type": "string", "enum": [{"a": 1}]}, "enum", '[{"a":1}]'),
        ({"type": "array", "prefixItems": [TEXT]}, "prefixItems", '[{"type":"string"}]'),
        ({"type": "string", "not": {"const": "x"}}, "not", '{"const":"x"}'),
    ],
)
def test_a_rule_that_cannot_be_compiled_is_said_in_words(schema, word, value):
    wire, listed = bind({**schema, "description": "it"})
    assert word not in wire
    assert wire["description"] == f"it\n\n{{{word}: {value}}}"
    assert listed == [(f"s/{word}", "emulated")]
    assert bind(schema)[0]["description"] == f"{{{word}: {value}}}"


def test_several_rules_are_one_note():
    wire, listed = bind({"type": "integer", "minimum": 1, "maximum": 9})
    assert wire["description"] == "{minimum: 1, maximum: 9}"
    assert len(listed) == 2


def test_notes_to_readers_go_and_are_listed():
    wire, listed = bind({"$schema": "x", "type": "string", "examples": ["a"]})
    assert wire == TEXT
    assert listed == [("s/$schema", "mapped"), ("s/examples", "mapped")]


def test_one_of_becomes_any_of():
    wire, listed = bind({"oneOf": [TEXT, {"type": "null"}]})
    assert wire == {"anyOf": [TEXT, {"type": "null"}]}
    assert listed == [("s/oneOf", "mapped")]


def test_all_of_one_is_that_one():
    wire, listed = bind(thing(a={"allOf": [{"$ref": "#/$defs/X"}], "description": "d"}) | {"$defs": {"X": TEXT}})
    assert wire["properties"]["a"] == {"$ref": "#/$defs/X"}
    assert listed == [("s/properties/a/allOf", "mapped"), ("s/properties/a/description", "dropped")]
    assert bind({"allOf": [TEXT], "title": "T"})[0] == {"type": "string", "title": "T"}


def test_definitions_have_one_name():
    schema = thing(a={"$ref": "#/definitions/X"}) | {"definitions": {"X": {"type": "integer", "minimum": 1}}}
    wire, listed = bind(schema)
    assert wire["properties"]["a"] == {"$ref": "#/$defs/X"}
    assert wire["$defs"] == {"X": {"type": "integer", "description": "{minimum: 1}"}}
    assert ("s/definitions", "mapped") in listed
    assert ("s/definitions/X/minimum", "emulated") in listed


def test_the_root_says_what_it_is_itself():
    """A root that is a reference was refused when it was recorded."""
    wire, listed = bind({"$ref": "#/$defs/X", "$defs": {"X": thing(a={"$ref": "#/$defs/Y"}), "Y": TEXT}})
    assert wire["type"] == "object"
    assert wire["properties"] == {"a": {"$ref": "#/$defs/Y"}}
    assert ("s/$ref", "mapped") in listed


def test_a_reference_into_the_schema_is_followed():
    wire, _ = bind(thing(a=thing(x=TEXT), b={"$ref": "#/properties/a"}))
    assert wire["properties"]["b"] == wire["properties"]["a"]


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({}, "any shape"),
        (thing(a={}), "any shape"),
        (thing(a=True), "any shape"),
        (thing(a={"description": "anything"}), "any shape"),
        ({"type": "array"}, "any shape"),
        ({"type": "array", "items": True}, "any shape"),
        (thing(a=False), "no object"),
        ({"type": "object"}, "any name"),
        ({"type": "object", "additionalProperties": TEXT}, "any name"),
        (thing(a={"type": "object", "additionalProperties": True}), "any name"),
        ({"$ref": "#"}, "contains itself"),
        (thing(a={"$ref": "#"}), "contains itself"),
        (thing(a={"$ref": "#/$defs/X"}) | {"$defs": {"X": thing(b={"$ref": "#/$defs/X"})}}, "contains itself"),
        (
            thing(a={"$ref": "#/$defs/X"})
            | {"$defs": {"X": thing(b={"$ref": "#/$defs/Y"}), "Y": {"anyOf": [{"$ref": "#/$defs/X"}, TEXT]}}},
            "contains itself",
        ),
        (thing(a={"$ref": "#/properties/a"}), "contains itself"),
        (thing(a={"$ref": "https://example.com/x.json"}), "not here"),
        (thing(a={"$ref": "#/$defs/none"}), "not here"),
        (thing(a={"allOf": [{"$ref": "#/$defs/X"}, {"type": "string"}]}) | {"$defs": {"X": TEXT}}, "allOf"),
    ],
)
def test_what_the_subset_cannot_say_is_not_bindable(schema, why):
    assert why in unbindable(schema)


def test_a_schema_that_would_grow_without_end_is_refused_soon():
    doubled = {
        f"a{n}": thing(l={"$ref": f"#/properties/a{n - 1}"}, r={"$ref": f"#/properties/a{n - 1}"}) for n in range(1, 60)
    }
    start = time.perf_counter()
    assert "size" in unbindable(thing(a0=TEXT, **doubled))
    deep: dict = TEXT
    for _ in range(200):
        deep = thing(a=deep)
    assert "size" in unbindable(deep)
    many = {f"x{n}": {"$ref": f"#/$defs/x{n + 1}"} for n in range(3000)}
    assert "size" in unbindable(thing(a={"$ref": "#/$defs/x0"}) | {"$defs": {**many, "x3000": TEXT}})
    assert time.perf_counter() - start < 5


def test_names_in_pointers_are_escaped():
    assert bind(thing(**{"a/b~": {"type": "integer", "minimum": 1}}))[1] == [
        ("s/properties/a~1b~0/minimum", "emulated")
    ]


# --- tools ------------------------------------------------------------------------------------------------------------


def arguments(schema: dict | None) -> tuple[dict, list[tuple[str, str]]]:
    transforms: list[Transform] = []
    return object_schema(schema, "t", transforms), [(each.field, each.action) for each in transforms]


def test_arguments_go_as_they_came():
    schema = {"type": "object", "properties": {"a": {"type": "integer", "minimum": 1}}, "$defs": {"X": {}}}
    wire, listed = arguments(schema)
    assert wire is schema
    assert listed == []


def test_no_parameters_are_an_empty_object():
    assert arguments(None) == ({"type": "object", "properties": {}}, [])
    assert arguments({"type": "object"}) == ({"type": "object", "properties": {}}, [])


def test_arguments_are_an_object():
    wire, listed = arguments({"properties": {"a": TEXT}})
    assert wire == {"properties": {"a": TEXT}, "type": "object"}
    assert listed == [("t/type", "mapped")]


def test_a_reference_at_the_top_is_followed():
    wire, listed = arguments({"$ref": "#/$defs/X", "$defs": {"X": {"type": "object", "properties": {"a": TEXT}}}})
    assert (wire["type"], wire["properties"]) == ("object", {"a": TEXT})
    assert listed == [("t/$ref", "mapped")]
    assert arguments({"$ref": "https://example.com/x.json"})[0]["type"] == "object"


def test_a_choice_at_the_top_stands_in_the_description_only():
    schema = {
        "description": "d",
        "anyOf": [
            {"type": "object", "properties": {"a": TEXT, "k": {"const": "a"}}, "required": ["a", "k"]},
            {"$ref": "#/$defs/B"},
        ],
        "$defs": {"B": {"type": "object", "properties": {"b": TEXT, "k": {"const": "b"}}, "required": ["k"]}},
    }
    wire, listed = arguments(schema)
    assert "anyOf" not in wire
    assert wire["description"].startswith("d\n\nanyOf: [{")
    assert wire["properties"] == {"a": TEXT, "k": {"anyOf": [{"const": "a"}, {"const": "b"}]}, "b": TEXT}
    assert wire["required"] == ["k"]
    assert listed == [("t/anyOf", "emulated"), ("t/type", "mapped")]


def test_all_parts_at_the_top_are_one_object():
    parts = [{"properties": {"a": TEXT}, "required": ["a"]}, {"properties": {"b": TEXT}, "required": ["b"]}]
    wire, _ = arguments({"type": "object", "allOf": parts, "properties": {"c": TEXT}, "required": ["c"]})
    assert set(wire["properties"]) == {"a", "b", "c"}
    assert set(wire["required"]) == {"a", "b", "c"}


# --- what is limited ---------------------------------------------------------------------------------------------------


def test_optional_members_are_counted_at_any_depth():
    schema = {
        "type": "object",
        "properties": {"a": TEXT, "b": {"type": "object", "properties": {"c": TEXT, "d": TEXT}, "required": ["c"]}},
        "required": ["b"],
        "$defs": {"X": {"properties": {"e": TEXT}}},
    }
    assert optional_count(schema) == 3
    assert optional_count(TEXT) == 0


def test_members_of_several_types_are_counted_at_any_depth():
    union = {"type": ["string", "null"]}
    schema = {
        "properties": {"a": union, "b": {"anyOf": [TEXT, {"properties": {"c": union}}]}, "d": TEXT},
        "items": {"properties": {"e": union}},
    }
    assert union_count(schema) == 4


A, B = thing(a=TEXT), thing(b=TEXT)


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [A, B]},
        {"properties": {"k": TEXT}, "allOf": [A]},
        {"type": "object", "properties": {"k": TEXT}, "anyOf": [A, B]},
        {"type": "object", "properties": {"k": TEXT}, "oneOf": [{"$ref": "#/$defs/A"}, {"type": "null"}]},
    ],
)
def test_an_object_whose_parts_would_shut_each_other_out_is_not_bindable(schema):
    """Each part would be closed to the members of the others, so that nothing at all would be valid."""
    assert "several places" in unbindable({**thing(x=schema), "$defs": {"A": A}})


def test_parts_that_name_the_same_members_hold_together():
    wire, _ = bind(thing(x={"type": "object", "properties": {"a": TEXT}, "anyOf": [A, {"type": "null"}]}))
    assert wire["properties"]["x"]["anyOf"] == [A, {"type": "null"}]
    assert bind(thing(x={"anyOf": [A, B]}))[0]["properties"]["x"] == {"anyOf": [A, B]}


@pytest.mark.parametrize("schema", [{"enum": [[1], [2]]}, {"const": {"a": 1}}, {"enum": []}])
def test_values_that_cannot_be_compiled_and_nothing_else_are_not_bindable(schema):
    assert "plain" in unbindable(thing(x=schema))


def test_a_yes_is_no_number_of_items():
    wire, listed = bind({"type": "array", "items": TEXT, "minItems": True})
    assert wire["description"] == "{minItems: true}"
    assert listed == [("s/minItems", "emulated")]
