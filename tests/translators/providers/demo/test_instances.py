import time
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Literal

import jsonschema_rs
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.lib._pydantic import to_strict_json_schema
from pydantic import BaseModel, Field

from translators.providers.demo.instances import instance

SCHEMAS = {
    "nothing": {},
    "anything": True,
    "a const": {"const": {"a": [1, None]}},
    "an enum": {"enum": ["red", "green"]},
    "an enum of a type": {"type": "string", "enum": ["red"]},
    "null": {"type": "null"},
    "several types": {"type": ["null", "integer"]},
    "a boolean": {"type": "boolean"},
    "no type but properties": {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
    "required beyond properties": {"type": "object", "required": ["x"], "additionalProperties": {"type": "integer"}},
    "a least number of properties": {"type": "object", "minProperties": 3, "properties": {"a": {"type": "null"}}},
    "a map": {"type": "object", "additionalProperties": {"type": "number"}, "minProperties": 2},
    "an array": {"type": "array", "items": {"type": "string"}},
    "an array of three": {"type": "array", "items": {"type": "boolean"}, "minItems": 3},
    "an empty array": {"type": "array", "items": {"type": "string"}, "maxItems": 0},
    "a set": {"type": "array", "items": {"type": "integer", "minimum": 5}, "minItems": 4, "uniqueItems": True},
    "a set of words": {"type": "array", "items": {"enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
    "a set of texts": {"type": "array", "items": {"type": "string"}, "minItems": 3, "uniqueItems": True},
    "a tuple": {
        "type": "array",
        "prefixItems": [{"type": "integer"}, {"type": "string"}],
        "items": False,
        "minItems": 2,
        "maxItems": 2,
    },
    "an old tuple": {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "array",
        "items": [{"type": "integer"}, {"type": "string"}],
        "minItems": 2,
    },
    "something in it": {"type": "array", "contains": {"const": 7}, "items": {"type": "integer"}, "minContains": 2},
    "a minimum": {"type": "integer", "minimum": 3},
    "a maximum": {"type": "integer", "maximum": -3},
    "excluded bounds": {"type": "integer", "exclusiveMinimum": 3, "exclusiveMaximum": 5},
    "broken bounds for integers": {"type": "integer", "minimum": 0.5, "maximum": 1.5},
    "a narrow number": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 0.1},
    "a number above": {"type": "number", "exclusiveMinimum": 10},
    "a multiple": {"type": "integer", "multipleOf": 7, "minimum": 20},
    "a negative multiple": {"type": "integer", "multipleOf": 7, "maximum": -20},
    "a broken multiple": {"type": "number", "multipleOf": 0.5, "minimum": 1.25},
    "a broken multiple that is whole": {"type": "integer", "multipleOf": 1.5, "minimum": 1},
    "a length": {"type": "string", "minLength": 20},
    "a short one": {"type": "string", "maxLength": 2},
    "no characters": {"type": "string", "maxLength": 0},
    "a date of birth": {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
    "a phone": {"type": "string", "pattern": r"^\+?[0-9]{3}-?[0-9]{4,}$"},
    "a name": {"type": "string", "pattern": "^[A-Z][a-z]+( [A-Z][a-z]+)*$", "minLength": 12},
    "a code": {"type": "string", "pattern": r"^(?:EU|US)-[^\W_]{3}\.(json|xml)$"},
    "a handle": {"type": "string", "pattern": r"@\w+"},
    "a zip": {"type": "string", "pattern": r"[\dA-F]{5}(-\d{4})?"},
    "a first alternative": {"anyOf": [{"type": "string"}, {"type": "null"}], "description": "d"},
    "exactly one": {"oneOf": [{"type": "integer"}, {"type": "string"}]},
    "all of them": {
        "allOf": [
            {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
            {"properties": {"a": {"minimum": 5}, "b": {"type": "string"}}, "required": ["b"]},
        ]
    },
    "a reference": {"$ref": "#/$defs/A", "$defs": {"A": {"type": "object", "properties": {}, "required": []}}},
    "an old reference": {"$ref": "#/definitions/a~1b", "definitions": {"a/b": {"type": "integer"}}},
    "a reference with siblings": {
        "type": "object",
        "properties": {"a": {"$ref": "#/$defs/N", "minimum": 4}},
        "required": ["a"],
        "$defs": {"N": {"type": "integer"}},
    },
    "a list that refers to itself": {
        "$ref": "#/$defs/Node",
        "$defs": {
            "Node": {
                "type": "object",
                "properties": {
                    "value": {"type": "integer"},
                    "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]},
                },
                "required": ["value", "next"],
                "additionalProperties": False,
            }
        },
    },
    "a tree": {
        "type": "object",
        "properties": {"name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name", "children"],
        "additionalProperties": False,
    },
    "an expression": {
        "$ref": "#/$defs/Expression",
        "$defs": {
            "Expression": {"anyOf": [{"$ref": "#/$defs/Sum"}, {"type": "number"}]},
            "Sum": {
                "type": "object",
                "properties": {"left": {"$ref": "#/$defs/Expression"}, "right": {"$ref": "#/$defs/Expression"}},
                "required": ["left", "right"],
            },
        },
    },
}
FORMATS = ("date-time", "date", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid", "json-pointer")


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_the_instance_fits(schema):
    jsonschema_rs.validate(schema, instance(schema))


@pytest.mark.parametrize("name", FORMATS)
def test_formats_are_kept(name):
    schema = {"type": "string", "format": name}
    jsonschema_rs.Draft202012Validator(schema, validate_formats=True).validate(instance(schema))


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Step(BaseModel):
    explanation: str
    output: str | None = None


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: Annotated[int, Field(ge=1, le=9)]


class Dog(BaseModel):
    kind: Literal["dog"]
    tricks: list[str] = Field(min_length=1)


class Tree(BaseModel):
    value: float
    left: "Tree | None"
    right: "Tree | None"
    rest: "list[Tree]"


class Everything(BaseModel):
    steps: list[Step]
    colour: Colour
    pet: Cat | Dog
    tree: Tree
    day: date
    moment: datetime
    pair: tuple[int, str]
    scores: dict[str, int]
    code: Annotated[str, Field(pattern=r"^[A-Z]{2}\d{3}$")]
    ratio: Annotated[float, Field(gt=0, lt=1)]
    maybe: int | None = None
    tagged: Annotated[Cat | Dog, Field(discriminator="kind")]


@pytest.mark.parametrize("model", [Step, Cat, Dog, Tree, Everything])
def test_the_sdks_own_models_can_read_it(model):
    schema = to_strict_json_schema(model) if model is not Everything else model.model_json_schema()
    made = instance(schema)
    jsonschema_rs.validate(schema, made)
    model.model_validate(made)


def test_a_function_the_sdk_declares_gets_arguments_it_can_parse():
    tool = openai.pydantic_function_tool(Step)
    Step.model_validate(instance(tool["function"]["parameters"]))


def test_properties_come_in_the_order_of_the_schema():
    schema = {"type": "object", "properties": {"b": {}, "a": {}}, "required": ["a", "b"]}
    assert list(instance(schema)) == ["b", "a"]


def test_the_same_schema_has_the_same_instance():
    assert all(instance(schema) == instance(schema) for schema in SCHEMAS.values())


LEAVES = st.one_of(
    st.builds(
        lambda low, size: {"type": "integer", "minimum": low, "maximum": low + size},
        st.integers(-9, 9),
        st.integers(0, 9),
    ),
    st.builds(lambda low: {"type": "number", "exclusiveMinimum": low}, st.integers(-9, 9)),
    st.builds(lambda size: {"type": "string", "minLength": size, "maxLength": size + 3}, st.integers(0, 9)),
    st.sampled_from([{"type": "boolean"}, {"type": "null"}, {"enum": [1, "a"]}, {"type": ["string", "null"]}]),
)
NESTED = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda items, least: {"type": "array", "items": items, "minItems": least}, inner, st.integers(0, 3)),
        st.builds(
            lambda members: {
                "type": "object",
                "properties": members,
                "required": list(members),
                "additionalProperties": False,
            },
            st.dictionaries(st.text("abc", min_size=1), inner, max_size=3),
        ),
        st.builds(lambda options: {"anyOf": options}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@given(NESTED)
@settings(max_examples=200, deadline=None)
def test_made_up_schemas_are_fitted(schema):
    jsonschema_rs.validate(schema, instance(schema))


HOSTILE = {
    "many items": {"type": "array", "minItems": 10**9},
    "many properties": {"type": "object", "minProperties": 10**9},
    "a long text": {"type": "string", "minLength": 10**9},
    "a long pattern": {"type": "string", "pattern": "(((a{999}){999}){999}){999}"},
    "a deep pattern": {"type": "string", "pattern": "(" * 500 + ")" * 500},
    "a slow pattern": {"type": "string", "pattern": r"^(a+)+\bb", "minLength": 50},
    "endless recursion": {"$ref": "#", "properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    "a reference to itself": {"$ref": "#"},
    "wide recursion": {
        "properties": {f"p{n}": {"$ref": "#"} for n in range(50)},
        "required": [f"p{n}" for n in range(50)],
    },
    "a reference to nowhere": {"$ref": "https://example.com/schema.json"},
    "a step of nothing": {"type": "integer", "multipleOf": 0},
}


@pytest.mark.parametrize("schema", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_schema_costs_little(schema):
    started = time.process_time()
    instance(schema)
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    "wrong", [{"type": 5}, {"anyOf": {}}, {"enum": []}, {"required": ["a"], "properties": {"a": False}}, 5, None, []]
)
def test_what_is_no_proper_schema_does_no_harm(wrong):
    instance(wrong)
