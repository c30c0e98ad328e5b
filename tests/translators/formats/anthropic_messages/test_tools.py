from dataclasses import replace
from typing import Any

import pytest

from translators.canonical import (
    CacheHint,
    Message,
    OutputSpec,
    Reason,
    Request,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
    Transform,
    UpstreamError,
)
from translators.formats.anthropic_messages.caching import Marks
from translators.formats.anthropic_messages.request import render_request
from translators.formats.anthropic_messages.tools import (
    NATIVE_TYPES,
    STRICT_OPTIONAL,
    WEB_SEARCH_TYPES,
    ToolUse,
    render_tools,
    tools_of,
)

F = Tool(name="f", description="does f", parameters={"type": "object", "properties": {"a": {"type": "string"}}})
G = Tool(name="g")
WIRE_F = {"name": "f", "description": "does f", "input_schema": F.parameters}
WIRE_G = {"name": "g", "input_schema": {"type": "object", "properties": {}}}


def rendered(*tools: Tool, **members: Any) -> tuple[ToolUse, list[tuple[str, str]]]:
    transforms: list[Transform] = []
    marks = Marks(transforms)
    request = Request(messages=(Message("user", (Text("hi"),)),), tools=tools, **members)
    use = render_tools(request, marks, transforms)
    marks.write(automatic=False)
    return use, [(each.field, each.action) for each in transforms]


def hosted(kind: str, **members: Any) -> Tool:
    return Tool(name=kind, kind="hosted", hosted={"type": kind, **members})


def test_functions_go_as_they_came():
    use, listed = rendered(F, G)
    assert use == ToolUse([WIRE_F, WIRE_G])
    assert listed == []


def test_a_mark_stands_on_its_tool():
    use, _ = rendered(Tool(name="g", cache=CacheHint("5m")))
    assert use.tools[0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (None, None),
        (ToolChoice(mode="auto"), {"type": "auto"}),
        (ToolChoice(mode="none"), {"type": "none"}),
        (ToolChoice(mode="required"), {"type": "any"}),
        (ToolChoice(mode="named", names=("g",)), {"type": "tool", "name": "g"}),
    ],
)
def test_the_choice(choice, wire):
    use, listed = rendered(F, G, tool_choice=choice)
    assert use.choice == wire
    assert len(use.tools) == 2, "a tool that is left out changes what was cached"
    assert listed == []


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (None, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="required"), {"type": "any", "disable_parallel_tool_use": True}),
        (ToolChoice(mode="named", names=("f",)), {"type": "tool", "name": "f", "disable_parallel_tool_use": True}),
    ],
)
def test_one_call_at_a_time(choice, wire):
    assert rendered(F, tool_choice=choice, parallel_tool_calls=False)[0].choice == wire
    assert rendered(F, tool_choice=choice, parallel_tool_calls=True)[0].choice != wire


def test_one_call_at_a_time_of_none_is_none():
    use, listed = rendered(F, tool_choice=ToolChoice(mode="none"), parallel_tool_calls=False)
    assert use.choice == {"type": "none"}
    assert listed == [("parallel_tool_calls", "dropped")]


@pytest.mark.parametrize(("mode", "wire"), [("auto", {"type": "auto"}), ("required", {"type": "any"})])
def test_allowed_tools_are_the_only_ones_offered(mode, wire):
    use, listed = rendered(F, G, tool_choice=ToolChoice(mode="allowed", names=("g",), allowed_mode=mode))
    assert use == ToolUse([WIRE_G], wire)
    assert listed == [("tool_choice", "emulated")]
    with pytest.raises(UpstreamError):
        rendered(F, tool_choice=ToolChoice(mode="allowed", names=("h",)))


def test_a_choice_without_tools_is_listed():
    assert rendered(tool_choice=ToolChoice(mode="auto")) == (ToolUse([]), [("tool_choice", "dropped")])


def test_a_strict_tool_is_bound_to_the_subset():
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    use, listed = rendered(Tool(name="f", strict=True, parameters=schema))
    assert use.tools[0]["strict"] is True
    assert use.tools[0]["input_schema"]["additionalProperties"] is False
    assert listed == [
        ("tools[0].parameters/properties/n/minimum", "emulated"),
        ("tools[0].parameters/additionalProperties", "mapped"),
    ]


@pytest.mark.parametrize("strict", [None, False])
def test_a_tool_that_is_not_strict_keeps_its_schema(strict):
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    assert rendered(Tool(name="f", strict=strict, parameters=schema)) == (
        ToolUse([{"name": "f", "input_schema": schema}]),
        [],
    )


def test_a_tool_that_cannot_be_bound_is_not_strict():
    schema = {"type": "object", "properties": {"any": {}}}
    use, listed = rendered(Tool(name="f", strict=True, parameters=schema))
    assert use.tools == [{"name": "f", "input_schema": schema}]
    assert listed == [("tools[0].strict", "dropped")]


def closed(optional: int = 0, unions: int = 0) -> dict:
    properties = {f"o{n}": {"type": "string"} for n in range(optional)}
    many = {f"u{n}": {"type": ["string", "null"]} for n in range(unions)}
    return {
        "type": "object",
        "properties": {**properties, **many},
        "required": list(many),
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("schemas", "strict"),
    [
        ([closed()] * 21, [True] * 20 + [False]),
        ([closed(optional=20), closed(optional=5), closed(optional=4)], [True, False, True]),
        ([closed(unions=16), closed(unions=1), closed()], [True, False, True]),
    ],
)
def test_only_so_many_tools_can_be_strict(schemas, strict):
    """As recorded: 20 tools, 24 optional and 16 many-typed parameters; one more is a refusal."""
    use, listed = rendered(*(Tool(name=f"f{n}", strict=True, parameters=s) for n, s in enumerate(schemas)))
    assert ["strict" in tool for tool in use.tools] == strict
    assert listed == [(f"tools[{strict.index(False)}].strict", "dropped")]


def test_custom_and_unknown_hosted_tools_are_refused():
    for tool in (Tool(name="f", kind="custom"), hosted("file_search"), hosted("computer_20250124")):
        with pytest.raises(UpstreamError) as caught:
            rendered(tool)
        assert caught.value.reason is Reason.UNSUPPORTED
        assert caught.value.body.param == "tools[0]"


@pytest.mark.parametrize("kind", WEB_SEARCH_TYPES)
def test_openais_search_is_anthropics(kind):
    tool = hosted(
        kind,
        search_context_size="high",
        user_location={"type": "approximate", "city": "Oslo", "country": "NO"},
        filters={"allowed_domains": ["a.example"]},
    )
    use, listed = rendered(tool, tool_choice=ToolChoice(mode="named", names=(kind,), kind="hosted"))
    assert use.tools == [
        {
            "type": "web_search_20250305",
            "name": "web_search",
            "allowed_domains": ["a.example"],
            "user_location": {"type": "approximate", "city": "Oslo", "country": "NO"},
        }
    ]
    assert use.choice == {"type": "tool", "name": "web_search"}
    assert listed == [("tools[0].search_context_size", "dropped")]


def test_so_is_chats():
    location = {"type": "approximate", "approximate": {"city": "Oslo", "timezone": "Europe/Oslo"}}
    use, listed = rendered(web_search={"user_location": location, "search_context_size": "low"})
    assert use.tools[0]["user_location"] == {"type": "approximate", "city": "Oslo", "timezone": "Europe/Oslo"}
    assert listed == [("web_search_options.search_context_size", "dropped")]


def test_the_most_calls_are_the_most_searches():
    use, listed = rendered(hosted("web_search"), state=StateSpec(max_tool_calls=3))
    assert use.tools[0]["max_uses"] == 3
    assert listed == [("state.max_tool_calls", "mapped")]
    assert rendered(F, state=StateSpec(max_tool_calls=3))[1] == [("state.max_tool_calls", "dropped")]


def test_openais_interpreter_is_code_execution():
    assert rendered(hosted("code_interpreter", container="container_1")) == (
        ToolUse([{"type": "code_execution_20250825", "name": "code_execution"}], None, "container_1"),
        [],
    )
    use, listed = rendered(hosted("code_interpreter", container={"type": "auto", "memory_limit": "4g", "file_ids": []}))
    assert use.container is None
    assert listed == [("tools[0].container.memory_limit", "dropped")]
    with pytest.raises(UpstreamError):
        rendered(hosted("code_interpreter", container={"type": "auto", "file_ids": ["file-1"]}))


@pytest.mark.parametrize("kind", NATIVE_TYPES)
def test_anthropics_own_tools_go_as_they_are_declared(kind):
    declared = {"type": kind, "name": "x", "max_uses": 2}
    assert rendered(hosted(kind, name="x", max_uses=2)) == (ToolUse([declared]), [])


def test_the_tools_of_a_conversation():
    use = {"type": "tool_use", "id": "1", "name": "f", "input": {}}
    assert tools_of([{"role": "assistant", "content": [use, {**use, "id": "2"}, {**use, "name": "g"}]}]) == [
        {"name": "f", "input_schema": {"type": "object", "properties": {}}},
        WIRE_G,
    ]
    assert tools_of([{"role": "user", "content": [{"type": "text", "text": "x"}]}]) == []


def test_a_mark_on_a_tool_of_the_provider_stands_on_it_and_leaves_the_declaration_alone():
    for tool in (hosted("web_search"), hosted(NATIVE_TYPES[0], name="bash")):
        declared = dict(tool.hosted or {})
        use, listed = rendered(replace(tool, cache=CacheHint()))
        assert use.tools[0]["cache_control"] == {"type": "ephemeral"}
        assert (tool.hosted, listed) == (declared, [])


def test_the_answers_schema_takes_its_share_of_the_limits():
    answer = {"type": "object", "properties": {f"o{at}": {"type": "string"} for at in range(STRICT_OPTIONAL)}}
    tool = Tool(name="f", strict=True, parameters={"type": "object", "properties": {"a": {"type": "string"}}})
    output = OutputSpec(kind="json_schema", schema=answer)
    request = Request(messages=(Message("user", (Text("hi"),)),), tools=(tool,), output=output)
    first = render_request(request, "m")
    body, transforms = first.body, first.transforms
    assert body["output_config"]["format"]["type"] == "json_schema"
    assert "strict" not in body["tools"][0]
    assert "tools[0].strict" in [each.field for each in transforms]

    more = {**answer, "properties": {**answer["properties"], "one": {"type": "string"}}}
    asked = render_request(replace(request, output=replace(output, schema=more)), "m")
    assert "output_config" not in asked.body, "the API refuses a schema with more optional members"
    assert asked.body["tools"][0]["strict"] is True
    assert next((each.field, each.action) for each in asked.transforms) == ("output", "emulated")
