"""What other vendors' clients leave in a history never reaches Azure, and is listed."""

import copy
from typing import Any

import pytest

from translators.canonical import CacheHint, Media, Message, Opaque, Reasoning, Request, Text, ToolResult
from translators.exchange import choose
from translators.formats import openai_chat, openai_responses
from translators.formats.json import dumps, loads
from translators.providers.microsoft import PROVIDER
from translators.providers.microsoft.history import respelled, without_foreign
from translators.providers.provider import ModelFacts

NEW, OLD = ModelFacts(model="gpt-5.6-sol"), ModelFacts(model="gpt-4.1")
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
MARKED = {"type": "text", "text": "long", "cache_control": {"type": "ephemeral", "ttl": "1h"}}
HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": [MARKED]},
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "hm",
        "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "S"}],
        "provider_specific_fields": None,
        "annotations": [],
        "tool_calls": [{**CALL, "index": 0, "extra_content": {"google": {"thought_signature": "S"}}}],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "ok", "cache_control": {"type": "ephemeral"}},
    {"role": "user", "content": "go on"},
]
TOOL = {"type": "function", "function": {"name": "f"}, "cache_control": {"type": "ephemeral"}}
CLEAN = [
    {"role": "user", "content": [{"type": "text", "text": "long"}]},
    {"role": "assistant", "content": None, "annotations": [], "tool_calls": [CALL]},
    {"role": "tool", "tool_call_id": "call_1", "content": "ok"},
    {"role": "user", "content": "go on"},
]


def sent(body: dict[str, Any], facts: ModelFacts) -> tuple[dict[str, Any], list[str]]:
    """What of a chat body goes out, and the fields that are listed."""
    request = openai_chat.CLIENT.parse_request(body, dumps(body))
    adapted = PROVIDER.adapt(request, facts)
    exchange = choose(openai_chat.CLIENT, openai_chat.PROVIDER, adapted.request, "microsoft")
    out = exchange.render_request(
        adapted.request, facts.model, lambda wire: PROVIDER.amend(wire, facts), ask_usage=True
    )
    listed = [change.field for change in (*adapted.transforms, *out.transforms)]
    return loads(out.data), listed


def test_a_history_of_another_vendor_is_cleaned_and_every_loss_listed():
    body = {"model": "prod", "messages": HISTORY, "tools": [TOOL], "top_k": 5}
    before = copy.deepcopy(body)
    out, listed = sent(body, OLD)
    assert body == before
    assert out["messages"] == CLEAN
    assert out["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert out["model"] == "gpt-4.1"
    assert listed == [
        "cache",
        "messages.reasoning",
        "messages.tool_calls.extra_content",
        "messages.extra.thinking_blocks",
        "messages.extra.cache_control",
        "tools.cache",
    ]


def test_cache_marks_are_said_in_azures_one_way_where_the_model_takes_them():
    out, listed = sent({"model": "prod", "messages": HISTORY[:1]}, NEW)
    part = {"type": "text", "text": "long", "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert out["messages"] == [{"role": "user", "content": [part]}]
    assert listed == ["cache.ttl"]
    again, nothing = sent({"model": "prod", "messages": out["messages"]}, NEW)
    assert again["messages"] == out["messages"]
    assert nothing == []


@pytest.mark.parametrize("facts", [NEW, OLD])
def test_a_translated_history_has_no_thoughts_in_the_open_either(facts):
    request = Request(
        messages=(
            Message("user", (Text("hi"),)),
            Message(
                "assistant", (Reasoning(summary=("hm",), opaque=(Opaque("microsoft@r", "encrypted", "E"),)), Text("ho"))
            ),
            Message("assistant", (Reasoning(text="hm"), Text("ho"))),
            Message("user", (Text("go on"),)),
        )
    )
    adapted = PROVIDER.adapt(request, facts)
    assert [change.field for change in adapted.transforms] == ["messages.reasoning"]
    assert adapted.request.messages[1] is request.messages[1], "what is sealed is the core's affair"
    rendered = openai_chat.PROVIDER.render_request(adapted.request, "m")
    body = PROVIDER.amend(rendered.body, facts)
    assert [message.get("content") for message in body["messages"]] == ["hi", "ho", "ho", "go on"]
    assert all(message.keys() == {"role", "content"} for message in body["messages"])


def test_marks_are_found_wherever_they_stand():
    marked = Text("a", cache=CacheHint("1h"))
    request = Request(
        messages=(
            Message("user", (Media(kind="image", url="https://x/y.png", cache=CacheHint()),)),
            Message("tool", (ToolResult("call_1", (marked,)),)),
        ),
        instructions=(marked,),
    )
    plain, listed = without_foreign(request, marks=False)
    assert [change.field for change in listed] == ["cache"]
    assert (plain.instructions[0], plain.messages[0].blocks[0].cache) == (Text("a"), None)
    assert plain.messages[1].blocks[0].content == (Text("a"),)
    assert without_foreign(plain, marks=False) == (plain, ())
    kept, listed = without_foreign(request, marks=True)
    assert [change.field for change in listed] == ["cache.ttl"]
    assert kept.instructions[0].cache == CacheHint()
    assert without_foreign(kept, marks=True) == (kept, ())


def test_a_plain_history_is_left_as_it_is():
    request = openai_chat.CLIENT.parse_request({"model": "m", "messages": CLEAN}, b"{}")
    assert without_foreign(request, marks=False)[0] is request


# --- responses --------------------------------------------------------------------------------------------------------

ITEMS: list[dict[str, Any]] = [
    {"role": "user", "content": "hi"},
    {
        "type": "reasoning",
        "id": "rs_1",
        "summary": [],
        "encrypted_content": "E",
        "status": "completed",
        "content": None,
    },
    {
        "type": "message",
        "id": "msg_1",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "ho", "annotations": []}],
        "phase": None,
    },
    {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}", "status": "completed"},
    {"type": "function_call_output", "call_id": "c", "output": "ok"},
]


def test_items_have_no_status_and_no_nulls():
    before = copy.deepcopy(ITEMS)
    body = PROVIDER.amend({"model": "m", "input": ITEMS}, OLD)
    assert before == ITEMS
    _, reasoning, message, call, output = body["input"]
    assert reasoning == {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "E"}
    assert message.keys() == {"type", "id", "role", "content"}
    assert call["status"] == "completed"
    assert output is ITEMS[4]
    assert PROVIDER.amend(body, OLD) is body


def test_the_items_of_a_client_that_speaks_responses_are_cleaned_on_their_way_through():
    body = {"model": "prod", "input": ITEMS, "store": False}
    request = openai_responses.CLIENT.parse_request(body, dumps(body))
    adapted = PROVIDER.adapt(request, OLD)
    exchange = choose(openai_responses.CLIENT, openai_responses.PROVIDER, adapted.request, "microsoft")
    out = exchange.render_request(adapted.request, "m", lambda wire: PROVIDER.amend(wire, OLD), ask_usage=True)
    items = loads(out.data)["input"]
    assert not any("status" in item for item in items if item.get("type") in ("reasoning", "message"))
    assert items[1]["encrypted_content"] == "E"


def test_marks_in_items_are_cleaned_too():
    part = {"type": "input_text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}}
    output = {"type": "function_call_output", "call_id": "c", "output": [part]}
    body = {"input": [{"role": "user", "content": [part]}, output]}
    plain = {"type": "input_text", "text": "a"}
    assert respelled(body, marks=False)["input"] == [
        {"role": "user", "content": [plain]},
        {**output, "output": [plain]},
    ]
    explicit = {**plain, "prompt_cache_breakpoint": {"mode": "explicit"}}
    assert respelled(body, marks=True)["input"][0] == {"role": "user", "content": [explicit]}


@pytest.mark.parametrize("body", [{"messages": [7, "x", None]}, {"input": ["x", 7]}, {"tools": "x"}, {}])
def test_nonsense_is_left_for_azure_to_refuse(body):
    assert respelled(body, marks=True) is body
