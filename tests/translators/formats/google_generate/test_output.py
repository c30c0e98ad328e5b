import pytest

from translators.canonical import OutputSpec, UpstreamError

from .asking import changes, rendered, user

SCHEMA = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "integer"}}, "required": ["z"]}


def generation(**members) -> dict:
    return rendered(user("hi"), output=OutputSpec(**members)).get("generationConfig", {})


def test_plain_text_is_asked_for_by_saying_nothing():
    assert generation() == {}


def test_json_is_a_media_type():
    assert generation(kind="json_object") == {"responseMimeType": "application/json"}


def test_a_schema_goes_as_it_is_where_google_reads_it():
    got = generation(kind="json_schema", schema=SCHEMA, name="n")
    assert got == {"responseMimeType": "application/json", "responseJsonSchema": SCHEMA}
    assert list(got["responseJsonSchema"]["properties"]) == ["z", "a"]


def test_every_change_of_it_is_listed():
    schema = {**SCHEMA, "$schema": "x"}
    assert changes(user("hi"), output=OutputSpec(kind="json_schema", schema=schema, name="n", strict=True)) == [
        "output.schema/$schema: dropped",
        "output.name: dropped",
        "output.strict: dropped",
    ]


def test_the_description_describes_the_schema():
    assert generation(kind="json_schema", schema=SCHEMA, description="d")["responseJsonSchema"]["description"] == "d"
    own = {**SCHEMA, "description": "own"}
    assert generation(kind="json_schema", schema=own, description="d")["responseJsonSchema"]["description"] == "own"
    assert changes(user("hi"), output=OutputSpec(kind="json_schema", schema=own, description="d")) == [
        "output.description: dropped"
    ]
    assert changes(user("hi"), output=OutputSpec(kind="json_object", description="d")) == [
        "output.description: dropped"
    ]


def test_grammars_are_refused():
    with pytest.raises(UpstreamError, match="grammar"):
        generation(kind="grammar", raw={"type": "regex"})
