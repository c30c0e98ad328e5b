import pytest

from translators.canonical import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    End,
    Finish,
    Message,
    Reasoning,
    RequestError,
    Response,
    Start,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
    fold,
    unfold,
)
from translators.formats.openai_completions import CLIENT

from .samples import ask, context, events, parsed

ASKED = {"stream": True, "stream_options": {"include_usage": True}}
CHUNKS = [
    Start("cmpl-1", "m", 5, None, "fp"),
    BlockStart(0, 0, Reasoning()),
    BlockDelta(0, 0, "text", "hm"),
    BlockStop(0, 0, Reasoning(text="hm")),
    BlockStart(0, 1, Text("")),
    BlockDelta(0, 1, "text", "Hi"),
    BlockDelta(0, 1, "text", "!"),
    BlockStop(0, 1, Text("Hi!")),
    BlockStart(0, 2, ToolCall("c", "f", "")),
    BlockDelta(0, 2, "arguments", "{}"),
    BlockStop(0, 2, ToolCall("c", "f", "{}")),
    ChoiceStop(0, Finish.TOOL_CALLS),
    UsageUpdate(Usage(input=3, output=2)),
    End(),
]


def render(chunks, **body):
    return CLIENT.stream_renderer(context(ask(**body))).render(chunks)


def test_text_comes_as_it_comes_then_the_finish_then_done():
    *chunks, done = events(render(CHUNKS, stream=True))
    shared = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "system_fingerprint": "fp",
    }
    assert chunks == [
        {**shared, "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": finish}]}
        for text, finish in [("Hi", None), ("!", None), ("", "stop")]
    ]
    assert done == "[DONE]"


def test_usage_is_the_last_chunk_if_it_was_asked_for():
    *chunks, usage, done = events(render(CHUNKS, **ASKED))
    assert all(chunk["usage"] is None for chunk in chunks)
    assert usage["choices"] == []
    assert (usage["usage"]["prompt_tokens"], usage["usage"]["total_tokens"]) == (3, 5)
    assert done == "[DONE]"
    assert b'"usage"' not in render(CHUNKS, stream=True)


def test_a_foreign_id_is_replaced_and_gaps_are_filled():
    chunks = [Start("msg_1", ""), ChoiceStop(0, Finish.LENGTH), End()]
    (chunk, _) = events(render(chunks, stream=True, model="mine"))
    assert (chunk["id"], chunk["model"], chunk["created"]) == ("cmpl-new1", "mine", 1700000000)
    assert chunk["choices"][0]["finish_reason"] == "length"


def test_a_text_that_only_shows_at_its_end_is_not_lost():
    chunks = [Start("cmpl-1", "m"), BlockStart(0, 0, Text("")), BlockStop(0, 0, Text("Hi")), ChoiceStop(0, Finish.STOP)]
    assert "".join(chunk["choices"][0]["text"] for chunk in events(render(chunks, stream=True))) == "Hi"


@pytest.mark.parametrize("usage", [None, Usage(input=3, output=2, cached=1)])
def test_what_is_rendered_reads_back_the_same(usage):
    tokens = tuple(
        {"token": t, "logprob": -1.0, "bytes": None, "top_logprobs": [], "text_offset": i} for i, t in enumerate("ab")
    )
    choices = tuple(
        Choice(
            index=index, message=Message("assistant", (Text("ab", logprobs=tokens),)), finish=finish, finish_raw=finish
        )
        for index, finish in enumerate([Finish.STOP, Finish.LENGTH])
    )
    response = Response(id="cmpl-1", model="m", created=5, choices=choices, usage=usage or Usage())
    assert fold(parsed(render(unfold(response), **ASKED))) == response


def test_a_failure_ends_the_stream_and_nothing_follows():
    renderer = CLIENT.stream_renderer(context(ask(**ASKED)))
    renderer.render(CHUNKS[:6])
    (error,) = events(renderer.fail(RequestError("gone", code="incomplete")))
    assert error == {"error": {"message": "gone", "type": "invalid_request_error", "param": None, "code": "incomplete"}}
    assert renderer.render(CHUNKS[6:]) == b""
