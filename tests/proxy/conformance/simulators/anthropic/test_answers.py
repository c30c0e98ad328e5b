"""The answers of Anthropic's simulator are what Anthropic's own SDK takes for answers."""

from __future__ import annotations

import json
from typing import Any

from anthropic.types import Message, RawMessageStreamEvent
from pydantic import TypeAdapter

from proxy.conformance.simulators.script import Call, Say, Thought, Tokens
from tests.proxy.conformance.simulators.asking import Claude, says

TOOLS = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
EVERYTHING = says(
    Thought("Hm, hm."),
    Thought("", redacted=True),
    Say(("One", " moment.")),
    Call("look", '{"at":"the \\"sky\\"","days":2}'),
    Call("look", "{}"),
    tokens=Tokens(input=900, output=80, cached=512, written=128, reasoning=40),
)
STRICT: Any = TypeAdapter(RawMessageStreamEvent)


def _events(claude: Claude, **members: Any) -> list[dict[str, Any]]:
    asked = claude.asked(tools=TOOLS, stream=True, **members)
    claude.dialect.check(asked)
    data = b"".join(event.data for event in claude.dialect.events(EVERYTHING, asked)).decode()
    return [json.loads(line.removeprefix("data: ")) for line in data.splitlines() if line.startswith("data: ")]


def test_a_whole_answer_is_a_message() -> None:
    said = Claude("claude-opus-5-5").answer(
        EVERYTHING, tools=TOOLS, thinking={"type": "adaptive", "display": "summarized"}
    )
    message = Message.model_validate(said, strict=True)
    assert [block.type for block in message.content] == [
        "thinking",
        "redacted_thinking",
        "text",
        "tool_use",
        "tool_use",
    ]
    assert message.stop_reason == "tool_use"
    assert (message.usage.input_tokens, message.usage.cache_read_input_tokens) == (260, 512)


def test_every_event_is_an_event_and_together_they_are_the_answer() -> None:
    events = [event for event in _events(Claude("claude-opus-5-5")) if event["type"] != "ping"]
    for event in events:
        STRICT.validate_python(event, strict=True)
    assert [event["type"] for event in events][:2] == ["message_start", "content_block_start"]
    assert [event["type"] for event in events][-2:] == ["message_delta", "message_stop"]
    deltas = [event["delta"] for event in events if event["type"] == "content_block_delta"]
    assert "".join(delta["text"] for delta in deltas if delta["type"] == "text_delta") == "One moment."
    arguments = "".join(delta["partial_json"] for delta in deltas if delta["type"] == "input_json_delta")
    assert json.loads(arguments) == {"at": 'the "sky"', "days": 2}
    signatures = [delta for delta in deltas if delta["type"] == "signature_delta"]
    assert len(signatures) == 1
    assert signatures[0]["signature"]


def test_thoughts_are_shown_as_asked() -> None:
    omitted = Claude("claude-opus-5-5").answer(EVERYTHING, tools=TOOLS)["content"][0]
    assert (omitted["thinking"], bool(omitted["signature"])) == ("", True)
    off = Claude("claude-opus-4-8").answer(EVERYTHING, tools=TOOLS)
    assert [block["type"] for block in off["content"]] == ["text", "tool_use", "tool_use"]
    assert "output_tokens_details" not in off["usage"]
