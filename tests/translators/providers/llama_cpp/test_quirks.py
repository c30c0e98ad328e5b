from dataclasses import replace

import pytest

from translators.canonical import Message, Patch, Request, Source, Text, Tool, ToolChoice, UpstreamError
from translators.providers.llama_cpp.quirks import adapt, amend
from translators.providers.provider import ModelFacts

FACTS = ModelFacts(model="m")
WIRE_TOOLS = [{"type": "function", "function": {"name": name}, "x": 1} for name in ("a", "b", "c")]
REQUEST = Request(
    messages=(Message("user", (Text("hi"),)),),
    tools=tuple(Tool(name=name) for name in ("a", "b", "c")),
    source=Source(format="openai_chat", body={"tools": WIRE_TOOLS}, raw=b"{}"),
)


@pytest.mark.parametrize(
    ("choice", "offered", "mode"),
    [
        (ToolChoice(mode="named", names=("b",)), ["b"], "required"),
        (ToolChoice(mode="allowed", names=("a", "c"), allowed_mode="auto"), ["a", "c"], "auto"),
        (ToolChoice(mode="allowed", names=("a", "c"), allowed_mode="required"), ["a", "c"], "required"),
    ],
)
def test_a_choice_it_would_overlook_becomes_fewer_tools_and_a_word(choice, offered, mode):
    got = adapt(replace(REQUEST, tool_choice=choice), FACTS)
    assert [tool.name for tool in got.request.tools] == offered
    assert got.request.tool_choice == ToolChoice(mode=mode)
    assert got.request.source.patches == (
        Patch("/tools", [tool for tool in WIRE_TOOLS if tool["function"]["name"] in offered]),
        Patch("/tool_choice", mode),
    )
    assert [(change.field, change.action) for change in got.transforms] == [("tool_choice", "emulated")]


@pytest.mark.parametrize("mode", ["auto", "none", "required"])
def test_words_go_out_as_they_are(mode):
    request = replace(REQUEST, tool_choice=ToolChoice(mode=mode))
    assert adapt(request, FACTS).request is request


def test_a_choice_of_no_tool_is_refused():
    with pytest.raises(UpstreamError) as caught:
        adapt(replace(REQUEST, tool_choice=ToolChoice(mode="named", names=("z",))), FACTS)
    assert caught.value.body.param == "tool_choice"


def test_a_request_of_another_dialect_has_nothing_to_patch():
    request = replace(REQUEST, source=None, tool_choice=ToolChoice(mode="named", names=("b",)))
    assert [tool.name for tool in adapt(request, FACTS).request.tools] == ["b"]


def test_deprecated_functions_are_rendered_anew_as_tools():
    request = replace(REQUEST, legacy_functions=True, tool_choice=ToolChoice(mode="named", names=("b",)))
    got = adapt(request, FACTS)
    assert got.request.source is None
    assert [change.field for change in got.transforms] == ["tools", "tool_choice"]


def test_developer_is_system():
    body = {"messages": [{"role": "developer", "content": "a"}]}
    assert amend(body, FACTS) == {"messages": [{"role": "system", "content": "a"}]}
    assert body["messages"][0]["role"] == "developer"
