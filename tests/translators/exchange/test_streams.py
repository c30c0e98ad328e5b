"""What a stream tells of itself on its way: whole turns before their end is shown, and failures that end it."""

import json

import pytest

from translators.canonical import Finish, Reason, Request, Text, ToolCall, UpstreamError
from translators.exchange.lanes import choose
from translators.formats import RenderContext, openai_chat, openai_responses


def chat_stream(*deltas: dict, finish: str = "stop") -> bytes:
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    events.append({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events) + b"data: [DONE]\n\n"


CALL = {"tool_calls": [{"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]}


def opened(client, told: list, *, failing: bool = False, same: bool = False):
    def check(blocks, finish):
        told.append(("checked", blocks, finish))
        if failing:
            raise UpstreamError(Reason.SCHEMA_INVALID, "not as asked")

    raw = b'{"model":"m","messages":[{"role":"user","content":"x"}]}'
    request = openai_chat.CLIENT.parse_request(json.loads(raw), raw) if same else Request(messages=())
    context = RenderContext(
        request=request,
        new_id=lambda prefix: f"{prefix}1",
        created=1,
        keep=lambda blocks: told.append(("kept", blocks)),
        check=check,
    )
    return choose(client, openai_chat.PROVIDER, request, "p").open_stream(context)


def plain(blocks):
    return [
        block.text if isinstance(block, Text) else block.id for block in blocks if isinstance(block, (Text, ToolCall))
    ]


def test_a_translated_turn_is_kept_and_checked_before_its_end_is_shown():
    told: list = []
    stream = opened(openai_responses.CLIENT, told)
    data = chat_stream({"role": "assistant", "content": "hi"}, CALL, finish="tool_calls")
    at = data.index(b'"tool_calls"}')  # the finish reason
    shown = stream.feed(data[:at])
    assert told == []
    assert b"response.output_text.delta" in shown
    stream.feed(data[at:])
    assert [entry[0] for entry in told] == ["checked", "kept"]
    assert plain(told[1][1]) == ["hi", "call_1"]
    assert told[0][2] is Finish.TOOL_CALLS


@pytest.mark.parametrize("same", [False, True], ids=["translated", "same format"])
def test_an_answer_that_is_not_as_asked_never_ends_like_a_good_one(same):
    told: list = []
    client = openai_chat.CLIENT if same else openai_responses.CLIENT
    stream = opened(client, told, failing=True, same=same)
    out = b""
    with pytest.raises(UpstreamError, match="not as asked"):  # noqa: PT012  # any of the calls may raise
        for byte in chat_stream({"role": "assistant", "content": "hi"}):
            out += stream.feed(bytes([byte]))
        out += stream.close()
    assert b"[DONE]" not in out
    assert b"response.completed" not in out
    assert b'"finish_reason":"stop"' not in out.replace(b": ", b":")


def test_a_stream_of_the_same_format_is_checked_but_not_kept():
    told: list = []
    stream = opened(openai_chat.CLIENT, told, same=True)
    data = chat_stream({"role": "assistant", "content": "a"}, {"content": "b"})
    assert stream.feed(data) == data
    assert stream.close() == b""
    assert [(entry[0], plain(entry[1])) for entry in told] == [("checked", ["ab"])]
