"""Tools and the choice among them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from translators.canonical import CacheHint, RequestError, Tool, ToolChoice
from translators.formats.joch_native.tools import TOOL_LIMIT, parse_tool_choice, parse_tools

SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
TOOLS = (Tool(name="f"), Tool(name="g", kind="custom"), Tool(name="web_search", kind="hosted", hosted={"type": "w"}))


def parsed(tool: Any) -> Tool:
    (found,) = parse_tools({"tools": [tool]})
    return replace(found, origin=None)


@pytest.mark.parametrize(
    ("wire", "tool"),
    [
        ({"name": "f"}, Tool(name="f")),
        (
            {"kind": "function", "name": "f", "description": "d", "parameters": SCHEMA, "strict": False},
            Tool(name="f", description="d", parameters=SCHEMA, strict=False),
        ),
        ({"type": "function", "name": "f", "cache": {"ttl": "1h"}}, Tool(name="f", cache=CacheHint("1h"))),
        (
            {"kind": "custom", "name": "g", "format": {"type": "text"}, "description": "d"},
            Tool(name="g", kind="custom", description="d", format={"type": "text"}),
        ),
        (
            {"kind": "hosted", "name": "web_search", "parameters": {"max_uses": 2}},
            Tool(name="web_search", kind="hosted", hosted={"type": "web_search", "max_uses": 2}),
        ),
    ],
)
def test_a_tool_of_each_kind(wire: Any, tool: Tool) -> None:
    assert parsed(wire) == tool


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ("f", "tools[0]"),
        ({}, "tools[0].name"),
        ({"name": ""}, "tools[0].name"),
        ({"name": "f", "kind": "functoin"}, "tools[0].kind"),
        ({"name": "f", "parameters": []}, "tools[0].parameters"),
        ({"name": "f", "strict": "yes"}, "tools[0].strict"),
        ({"name": "f", "format": {}}, "tools[0].format"),
        ({"name": "f", "kind": "custom", "parameters": {}}, "tools[0].parameters"),
        ({"name": "f", "kind": "hosted", "strict": True}, "tools[0].strict"),
        ({"type": "function", "function": {"name": "f"}}, "tools[0].function"),
        ({"name": "f", "kind": "custom", "type": "custom"}, "tools[0].type"),
    ],
)
def test_a_mistake_names_its_member(wire: Any, param: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_tools({"tools": [wire]})
    assert caught.value.body.param == param


def test_chats_nested_spelling_is_told_where_its_members_are() -> None:
    with pytest.raises(RequestError) as caught:
        parse_tools({"tools": [{"type": "function", "function": {"name": "f"}}]})
    assert "Use its members here" in caught.value.body.message


def test_there_are_not_too_many() -> None:
    assert parse_tools({}) == ()
    with pytest.raises(RequestError) as caught:
        parse_tools({"tools": [{"name": "f"}] * (TOOL_LIMIT + 1)})
    assert caught.value.body.code == "array_above_max_length"


@pytest.mark.parametrize(
    ("wire", "choice"),
    [
        ("auto", ToolChoice(mode="auto")),
        ("none", ToolChoice(mode="none")),
        ("required", ToolChoice(mode="required")),
        ({"name": "f"}, ToolChoice(mode="named", names=("f",))),
        ({"name": "g"}, ToolChoice(mode="named", names=("g",), kind="custom")),
        (
            {"name": "web_search"},
            ToolChoice(mode="named", names=("web_search",), kind="hosted", raw={"type": "web_search"}),
        ),
        ({"allowed": ["f", "g"]}, ToolChoice(mode="allowed", names=("f", "g"), allowed_mode="auto")),
        ({"allowed": ["f"], "mode": "required"}, ToolChoice(mode="allowed", names=("f",), allowed_mode="required")),
    ],
)
def test_each_form_of_choice(wire: Any, choice: ToolChoice) -> None:
    assert parse_tool_choice({"toolChoice": wire}, TOOLS) == choice


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ("any", "toolChoice"),
        (1, "toolChoice"),
        ({}, "toolChoice.name"),
        ({"name": "h"}, "toolChoice.name"),
        ({"name": "f", "type": "function"}, "toolChoice.type"),
        ({"allowed": ["f", "h"]}, "toolChoice.allowed[1]"),
        ({"allowed": ["f"], "mode": "none"}, "toolChoice.mode"),
        ({"allowed": "f"}, "toolChoice.allowed"),
    ],
)
def test_a_wrong_choice_names_its_member(wire: Any, param: str) -> None:
    with pytest.raises(RequestError) as caught:
        parse_tool_choice({"toolChoice": wire}, TOOLS)
    assert caught.value.body.param == param


def test_a_tool_cannot_be_required_where_there_is_none() -> None:
    assert parse_tool_choice({}, ()) is None
    with pytest.raises(RequestError):
        parse_tool_choice({"toolChoice": "required"}, ())
