"""The same conversation said to chat completions and to responses means the same."""

import dataclasses
import json

import pytest

from translators.canonical import Message, ToolResult, UpstreamError, fold
from translators.formats.openai_responses import CLIENT, PROVIDER

from .recorded import HERE
from .streams import accumulate, check_strictly, context, events, types

chat = pytest.importorskip("translators.formats.openai_chat")

CHAT = {
    "model": "m",
    "messages": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "text", "text": "look"},
                                     {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "low"}}]},
        {"role": "assistant", "content": "one moment", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}},
            {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": "{}"}}]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
        {"role": "tool", "tool_call_id": "call_2", "content": "late"},
        {"role": "user", "content": "and?"},
    ],
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}}],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
    "parallel_tool_calls": False,
    "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": True}},
    "reasoning_effort": "low",
    "max_completion_tokens": 100,
    "temperature": 0.5,
    "store": False,
    "metadata": {"a": "b"},
    "stream": True,
}  # fmt: skip
RESPONSES = {
    "model": "m",
    "input": [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": [{"type": "input_text", "text": "look"},
                                     {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "low"}]},
        {"type": "message", "id": "msg_1", "role": "assistant", "content": [{"type": "output_text", "text": "one moment"}]},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a": 1}'},
        {"type": "function_call", "id": "fc_2", "call_id": "call_2", "name": "g", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "call_1", "output": "sunny"},
        {"type": "function_call_output", "call_id": "call_2", "output": "late"},
        {"role": "user", "content": "and?"},
    ],
    "tools": [{"type": "function", "name": "f", "description": "d", "parameters": {"type": "object"}, "strict": True}],
    "tool_choice": {"type": "function", "name": "f"},
    "parallel_tool_calls": False,
    "text": {"format": {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}},
    "reasoning": {"effort": "low"},
    "max_output_tokens": 100,
    "temperature": 0.5,
    "store": False,
    "metadata": {"a": "b"},
    "stream": True,
}  # fmt: skip


def without_place(value):
    """A block or message without where it stood."""
    changes = {"origin": None}
    if isinstance(value, Message):
        changes["blocks"] = tuple(without_place(block) for block in value.blocks)
    if isinstance(value, ToolResult):
        changes["content"] = tuple(without_place(block) for block in value.content)
    return dataclasses.replace(value, **changes)


def meaning(request):
    choice = dataclasses.replace(request.tool_choice, raw=None)
    return dataclasses.replace(
        request,
        messages=tuple(without_place(message) for message in request.messages),
        tools=tuple(dataclasses.replace(tool, origin=None) for tool in request.tools),
        tool_choice=choice,
        source=None,
        metadata=dict(request.metadata),
    )


def test_the_same_conversation_means_the_same():
    assert meaning(chat.CLIENT.parse_request(CHAT, b"")) == meaning(CLIENT.parse_request(RESPONSES, b""))


def test_chat_crosses_to_responses_and_back_without_loss():
    request = chat.CLIENT.parse_request(CHAT, b"")
    found = PROVIDER.render_request(request, "m")
    assert found.transforms == ()
    assert found.body.pop("include") == ["reasoning.encrypted_content"]
    again = CLIENT.parse_request(found.body, b"")
    assert meaning(again) == meaning(request)


def test_responses_cross_to_chat_and_back_without_loss():
    request = CLIENT.parse_request(RESPONSES, b"")
    found = chat.PROVIDER.render_request(request, "m")
    again = chat.CLIENT.parse_request(found.body, b"")
    assert meaning(again).messages == meaning(request).messages
    assert meaning(again).output == meaning(request).output


def chat_streams() -> list[tuple[str, bytes]]:
    """The kept recordings of chat streams."""
    found = []
    for path in sorted(HERE.glob("*/*.json")):
        document = json.loads(path.read_bytes())
        response = document["response"]
        if document.get("api") == "chat" and document["stream"] and response["status"] == 200:
            found.append((path.stem, (response["body_text"] or "").encode()))
    return found


@pytest.mark.parametrize(("name", "data"), chat_streams(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_recorded_chat_stream_is_a_responses_stream_to_the_sdk(name, data):
    parser = chat.PROVIDER.stream_parser("other")
    chunks = []
    try:
        chunks += parser.feed(data)
        chunks += parser.close()
    except UpstreamError as error:
        renderer = CLIENT.stream_renderer(context())
        found = events(renderer.render(chunks) + renderer.fail(error))
        assert types(found)[-2:] == ["error", "failed"]
        accumulate(found)
        return
    found = events(CLIENT.stream_renderer(context()).render(chunks))
    for event in found:
        check_strictly(event)
    accumulate(found)
    done = [event["item"] for event in found if event["type"] == "response.output_item.done"]
    assert found[-1]["response"]["output"] == done
    observed = fold(chunks)
    assert found[-1]["response"] == CLIENT.render_response(observed, context())
