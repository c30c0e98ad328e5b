"""Apps of both dialects: what they send, and how they carry a conversation on."""

from __future__ import annotations

from typing import Any

from proxy.conformance.clients import ChatClient, ResponsesClient, Seen
from proxy.conformance.simulators.script import Answer, Call, Say

LOOK = {"name": "look", "parameters": {"type": "object"}}
ASK: dict[str, Any] = {"system": "s", "user": "u", "tools": [LOOK], "effort": "high", "limit": 64, "choice": "look"}
CALLED = Answer(blocks=(Say(("a",)), Call("look", "{}")))
RESULTS = {"look": {"text": "seen", "files": []}}
KEPT = [{"type": "reasoning", "id": "rs"}, {"type": "function_call", "call_id": "c", "name": "look", "arguments": "{}"}]


def seen() -> Seen:
    return Seen(texts=["a"], calls=[("c", "look", "{}")], kept=KEPT)


def test_both_dialects_ask_for_the_same() -> None:
    chat = ChatClient().body(ASK, "m", stream=True)
    responses = ResponsesClient().body(ASK, "m", stream=True)
    assert chat["messages"] == [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    assert (responses["instructions"], responses["input"]) == ("s", [{"role": "user", "content": "u"}])
    assert chat["tools"] == [{"type": "function", "function": LOOK}]
    assert responses["tools"] == [{"type": "function", **LOOK}]
    assert (chat["max_completion_tokens"], responses["max_output_tokens"]) == (64, 64)
    assert (chat["reasoning_effort"], responses["reasoning"]["effort"]) == ("high", "high")
    assert chat["tool_choice"]["function"]["name"] == responses["tool_choice"]["name"] == "look"
    assert chat["stream_options"] == {"include_usage": True}
    assert responses["store"] is False


def test_a_chat_app_carries_on_what_chat_knows_of_an_answer() -> None:
    client = ChatClient()
    client.body(ASK, "m", stream=False)
    client.goes_on(seen(), CALLED)
    client.results(RESULTS)
    body = client.body({}, "m", stream=False)
    called, result = body["messages"][2:]
    assert set(called) == {"role", "content", "tool_calls"}
    assert result == {"role": "tool", "tool_call_id": "c", "content": "seen"}
    assert body["reasoning_effort"] == "high", "an app says its options again"
    assert client.turns[2:] == [("assistant", "a"), ("call look", "{}"), ("result look", "seen")]


def test_a_minimal_chat_app_keeps_the_calls_alone() -> None:
    client = ChatClient("minimal")
    client.body(ASK, "m", stream=False)
    client.goes_on(seen(), CALLED)
    assert client.body({}, "m", stream=False)["messages"][2]["content"] is None
    assert ("assistant", "a") not in client.turns


def test_a_responses_app_appends_the_output() -> None:
    for manner, kept in (("full", KEPT), ("bare", KEPT[1:])):
        client = ResponsesClient(manner)
        client.body(ASK, "m", stream=False)
        client.goes_on(seen(), CALLED)
        client.results(RESULTS)
        given = client.body({}, "m", stream=False)["input"]
        assert given[1:-1] == kept
        assert given[-1] == {"type": "function_call_output", "call_id": "c", "output": "seen"}


def test_a_history_from_elsewhere() -> None:
    history = [{"user": "q"}, {"calls": [{"id": "x:0", "name": "look", "with": {}, "result": "r"}]}, {"assistant": "a"}]
    chat, responses = ChatClient(), ResponsesClient()
    messages = chat.body({"history": history, "user": "u"}, "m", stream=False)["messages"]
    items = responses.body({"history": history, "user": "u"}, "m", stream=False)["input"]
    assert [message["role"] for message in messages] == ["user", "assistant", "tool", "assistant", "user"]
    assert [item.get("type", "message") for item in items] == [
        "message",
        "function_call",
        "function_call_output",
        "message",
        "message",
    ]
    assert chat.turns == responses.turns


def test_files_in_both_dialects() -> None:
    files = [
        {"mime": "image/png", "filename": "a.png", "data": "eA=="},
        {"mime": "application/pdf", "filename": "a.pdf", "data": "eA=="},
    ]
    chat = ChatClient().body({"user": "u", "files": files}, "m", stream=False)["messages"][0]["content"]
    responses = ResponsesClient().body({"user": "u", "files": files}, "m", stream=False)["input"][0]["content"]
    assert [part["type"] for part in chat] == ["text", "image_url", "file"]
    assert [part["type"] for part in responses] == ["input_text", "input_image", "input_file"]
    assert chat[1]["image_url"]["url"] == responses[1]["image_url"] == "data:image/png;base64,eA=="
