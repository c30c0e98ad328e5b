from dataclasses import replace

import pytest

from translators.canonical import REMOVED, Message, Patch, Request, Source, Text, Tool
from translators.providers.provider import ModelFacts
from translators.providers.vllm.quirks import adapt, amend

FACTS = ModelFacts(model="Qwen/Qwen3-0.6B")
SCHEMA = {"type": "object"}


def asked(**extensions) -> Request:
    source = Source(format="openai_chat", body={"messages": [], **extensions}, raw=b"{}")
    return Request(messages=(Message("user", (Text("hi"),)),), extensions=extensions, source=source)


@pytest.mark.parametrize(
    ("name", "successor"),
    [("guided_json", "json"), ("guided_regex", "regex"), ("guided_choice", "choice"), ("guided_grammar", "grammar")],
)
def test_guided_decoding_is_rewritten_to_what_the_server_still_reads(name, successor):
    got = adapt(asked(**{name: SCHEMA}, top_k=5), FACTS)
    assert got.request.extensions == {"top_k": 5, "structured_outputs": {successor: SCHEMA}}
    assert got.request.source.patches == (
        Patch(f"/{name}", REMOVED),
        Patch("/structured_outputs", {successor: SCHEMA}),
    )
    assert [(change.field, change.action) for change in got.transforms] == [(f"extensions.{name}", "mapped")]


def test_what_the_client_said_in_the_new_words_wins():
    got = adapt(asked(guided_json=SCHEMA, structured_outputs={"regex": "a"}), FACTS)
    assert got.request.extensions == {"structured_outputs": {"regex": "a"}}
    assert [change.action for change in got.transforms] == ["dropped"]


def test_the_choice_of_a_backend_is_dropped():
    got = adapt(asked(guided_decoding_backend="xgrammar"), FACTS)
    assert got.request.extensions == {}
    assert [change.action for change in got.transforms] == ["dropped"]


def test_deprecated_functions_are_rendered_anew_as_tools():
    got = adapt(replace(asked(), legacy_functions=True, tools=(Tool(name="f"),)), FACTS)
    assert got.request.source is None
    assert [change.action for change in got.transforms] == ["mapped"]


def test_no_tools_means_no_words_about_tools():
    assert amend({"model": "m", "tools": [], "tool_choice": "auto"}, FACTS) == {"model": "m"}
    assert amend({"model": "m", "tool_choice": "none", "parallel_tool_calls": True}, FACTS) == {"model": "m"}
    tooled = {"tools": [{}], "tool_choice": "auto"}
    assert amend(tooled, FACTS) is tooled


def test_developer_is_system():
    body = {"messages": [{"role": "developer", "content": "a"}, {"role": "user", "content": "b"}]}
    assert [message["role"] for message in amend(body, FACTS)["messages"]] == ["system", "user"]


@pytest.mark.parametrize(("effort", "thinking"), [("none", False), ("low", True)])
def test_effort_reaches_templates_that_call_their_switch_thinking(effort, thinking):
    facts = ModelFacts(model="deepseek-ai/DeepSeek-V3.1")
    assert amend({"reasoning_effort": effort}, facts)["chat_template_kwargs"] == {"thinking": thinking}
    said = {"reasoning_effort": effort, "chat_template_kwargs": {"thinking": False}}
    assert amend(said, facts) is said
    assert "chat_template_kwargs" not in amend({"reasoning_effort": effort}, FACTS)
