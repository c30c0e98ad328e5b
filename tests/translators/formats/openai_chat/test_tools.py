"""Tools and what a client says about them."""

import pytest

from translators.canonical import CacheHint, Origin, RequestError, Tool, ToolChoice
from translators.formats.openai_chat.tools import parse_tool_choice, parse_tools

SCHEMA = {"type": "object", "properties": {"z": {"type": "string"}, "a": {"type": "string"}}}
FUNCTION = {"type": "function", "function": {"name": "f", "description": "d", "parameters": SCHEMA, "strict": True}}
CUSTOM = {
    "type": "custom",
    "custom": {
        "name": "g",
        "format": {"type": "grammar", "grammar": {"definition": "start: /a/", "syntax": "lark"}},
    },
}
TOOLS = (Tool(name="f"), Tool(name="g", kind="custom"), Tool(name="web_search", kind="hosted"))


def tools(*listed):
    return parse_tools({"tools": list(listed)})


def choice(value, **members):
    return parse_tool_choice({"tool_choice": value, **members}, TOOLS)


def test_a_function_keeps_its_schema_as_it_came():
    assert tools(FUNCTION) == (
        Tool(name="f", description="d", parameters=SCHEMA, strict=True, origin=Origin("/tools/0")),
    )
    assert tools(FUNCTION)[0].parameters is SCHEMA


def test_an_absent_strict_is_neither_true_nor_false():
    assert tools({"type": "function", "function": {"name": "f"}})[0].strict is None
    assert tools({"type": "function", "function": {"name": "f", "strict": False}})[0].strict is False


def test_a_custom_tools_grammar_is_flattened():
    tool = tools(CUSTOM)[0]
    assert (tool.kind, tool.name) == ("custom", "g")
    assert tool.format == {"type": "grammar", "definition": "start: /a/", "syntax": "lark"}


def test_a_tool_of_another_type_is_hosted_and_kept_whole():
    declared = {"type": "web_search", "user_location": {}}
    tool = tools(declared)[0]
    assert (tool.kind, tool.name, tool.hosted) == ("hosted", "web_search", declared)


def test_what_is_not_modelled_is_kept_beside_the_tool():
    marked = {**FUNCTION, "cache_control": {"type": "ephemeral"}}
    marked["function"] = {**marked["function"], "x_cost": 3}
    tool = tools(marked)[0]
    assert tool.cache == CacheHint()
    assert tool.origin.rest == {"cache_control": {"type": "ephemeral"}, "function": {"x_cost": 3}}


def test_the_deprecated_functions_become_tools():
    assert parse_tools({"functions": [{"name": "f", "parameters": SCHEMA}]}) == (
        Tool(name="f", parameters=SCHEMA, origin=Origin("/functions/0")),
    )
    assert parse_tool_choice({"function_call": "auto"}, TOOLS) == ToolChoice(mode="auto")
    assert parse_tool_choice({"function_call": {"name": "f"}}, TOOLS) == ToolChoice(mode="named", names=("f",))


def test_no_tools_an_empty_list_and_null_are_the_same():
    assert parse_tools({}) == parse_tools({"tools": []}) == parse_tools({"tools": None}) == ()


def test_every_tool_choice_has_its_form():
    assert choice(None) is None
    assert choice("none") == ToolChoice(mode="none")
    assert choice("required") == ToolChoice(mode="required")
    assert choice({"type": "function", "function": {"name": "f"}}) == ToolChoice(mode="named", names=("f",))
    assert choice({"type": "custom", "custom": {"name": "g"}}) == ToolChoice(mode="named", names=("g",), kind="custom")
    hosted = {"type": "web_search"}
    assert choice(hosted) == ToolChoice(mode="named", names=("web_search",), kind="hosted", raw=hosted)
    listed = [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}]
    allowed = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": listed}}
    assert choice(allowed) == ToolChoice(mode="allowed", names=("f", "g"), allowed_mode="required")


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": [FUNCTION] * 513}, "tools"),
        ({"tools": ["f"]}, "tools[0]"),
        ({"tools": [{"function": {"name": "f"}}]}, "tools[0].type"),
        ({"tools": [FUNCTION, {"type": "function"}]}, "tools[1].function"),
        ({"tools": [{"type": "function", "function": {}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": ""}}]}, "tools[0].function.name"),
        ({"tools": [{"type": "function", "function": {"name": 3}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
            "tools[0].function.parameters",
        ),
        ({"tools": [{"type": "function", "function": {"name": "f", "strict": 1}}]}, "tools[0].function.strict"),
        (
            {"tools": [{"type": "custom", "custom": {"name": "g", "format": {"type": "grammar"}}}]},
            "tools[0].custom.format.grammar",
        ),
        ({"functions": [{}]}, "functions[0].name"),
        ({"functions": [3]}, "functions[0]"),
        ({"tools": [FUNCTION], "functions": [{"name": "f"}]}, "functions"),
    ],
)
def test_a_mistake_in_a_tool_names_the_member_at_fault(body, param):
    with pytest.raises(RequestError) as caught:
        parse_tools(body)
    assert caught.value.body.param == param


@pytest.mark.parametrize(
    ("value", "known", "param"),
    [
        ("any", TOOLS, "tool_choice"),
        (3, TOOLS, "tool_choice"),
        ("required", (), "tool_choice"),
        ({"type": "function", "function": {"name": "missing"}}, TOOLS, "tool_choice"),
        ({"type": "function", "function": {"name": "f"}}, (), "tool_choice"),
        ({"type": "function"}, TOOLS, "tool_choice.function"),
        ({"type": "file_search"}, TOOLS, "tool_choice"),
        (
            {"type": "allowed_tools", "allowed_tools": {"mode": "any", "tools": []}},
            TOOLS,
            "tool_choice.allowed_tools.mode",
        ),
        ({"type": "allowed_tools", "allowed_tools": {"mode": "auto"}}, TOOLS, "tool_choice.allowed_tools.tools"),
    ],
)
def test_a_tool_choice_that_cannot_be_met_is_refused(value, known, param):
    with pytest.raises(RequestError) as caught:
        parse_tool_choice({"tool_choice": value}, known)
    assert caught.value.body.param == param


def test_a_function_call_that_names_no_function_is_refused():
    with pytest.raises(RequestError) as caught:
        parse_tool_choice({"function_call": {"name": "missing"}}, TOOLS)
    assert caught.value.body.param == "function_call"
