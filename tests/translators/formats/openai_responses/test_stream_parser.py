import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.canonical import (
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    End,
    Finish,
    HostedItem,
    NativeEvent,
    Reason,
    Start,
    ToolCall,
    UpstreamError,
    UsageUpdate,
    fold,
)
from translators.formats.openai_responses import PROVIDER

from .recorded import recorded
from .streams import message_events, opening, parse, simple_stream, stream, terminal, text_of


def chunks_of(data: bytes):
    parser = PROVIDER.stream_parser("openai")
    return [*parser.feed(data), *parser.close()]


def failure_of(data: bytes) -> UpstreamError:
    parser = PROVIDER.stream_parser("openai")

    def whole() -> None:
        parser.feed(data)
        parser.close()

    with pytest.raises(UpstreamError) as raised:
        whole()
    return raised.value


def call_item(**members):
    return {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"a":1}',
            "status": "completed", **members}  # fmt: skip


def test_a_stream_of_text_in_its_order():
    chunks = chunks_of(simple_stream())
    assert [type(chunk) for chunk in chunks] == [Start, BlockStart, BlockDelta, BlockStop, ChoiceStop, UsageUpdate, End]
    assert chunks[0] == Start("resp_1", "m", 1)
    assert chunks[1].block.text == ""
    assert chunks[1].block.origin.item_id == "msg_1"
    assert chunks[3].block.text == "Hello"
    assert chunks[4] == ChoiceStop(0, Finish.STOP, "completed")


def test_a_call_is_opened_with_its_name_and_grows():
    added = {"type": "response.output_item.added", "output_index": 0, "item": call_item(arguments="")}
    more = [
        {"type": "response.function_call_arguments.delta", "output_index": 0, "item_id": "fc_1", "delta": piece}
        for piece in ('{"a"', ":1}")
    ]
    done = {"type": "response.output_item.done", "output_index": 0, "item": call_item()}
    chunks = chunks_of(stream(opening(), added, *more, done, terminal(call_item())))
    start = chunks[1]
    assert isinstance(start.block, ToolCall)
    assert (start.block.id, start.block.name, start.block.arguments) == ("call_1", "f", "")
    assert [chunk.value for chunk in chunks if isinstance(chunk, BlockDelta)] == ['{"a"', ":1}"]
    assert fold(chunks).choices[0].finish is Finish.TOOL_CALLS


@pytest.mark.parametrize(
    "events",
    [
        [
            {"type": "response.output_item.added", "output_index": 0, "item": call_item(arguments="")},
            {"type": "response.output_item.done", "output_index": 0, "item": call_item()},
            terminal(call_item()),
        ],
        [{"type": "response.output_item.done", "output_index": 0, "item": call_item()}, terminal(call_item())],
        [terminal(call_item())],
        [
            {"type": "response.output_item.added", "output_index": 0, "item": call_item(arguments="")},
            terminal(call_item()),
        ],
    ],
)
def test_a_call_that_a_server_shows_late_is_told_once_and_whole(events):
    chunks = chunks_of(stream(opening(), *events))
    assert sum(isinstance(chunk, BlockStart) for chunk in chunks) == 1
    assert sum(isinstance(chunk, BlockStop) for chunk in chunks) == 1
    assert [chunk.value for chunk in chunks if isinstance(chunk, BlockDelta)] == ['{"a":1}']
    assert fold(chunks).choices[0].message.blocks[0].arguments == '{"a":1}'


def test_a_call_behind_items_that_the_terminal_left_out_is_not_lost():
    said = message_events()
    data = stream(opening(), *said, terminal(call_item(), said[-1]["item"]))
    blocks = parse(data).choices[0].message.blocks
    assert [type(block).__name__ for block in blocks] == ["Text", "ToolCall"]


def test_what_the_server_left_open_is_closed_as_it_was_shown():
    added, part, delta, *_ = message_events()
    response = parse(stream(opening(), added, part, delta, terminal(kind="incomplete")))
    assert text_of(response) == "Hello"
    assert response.choices[0].finish is Finish.LENGTH


def test_a_part_may_be_missing_its_opening_or_start_at_one():
    added, _, delta, *rest = message_events()
    assert text_of(parse(stream(opening(), added, delta, *rest, terminal(rest[-1]["item"])))) == "Hello"
    shifted = [{**event, **({"content_index": 1} if "content_index" in event else {})} for event in message_events()]
    chunks = chunks_of(stream(opening(), *shifted, terminal(rest[-1]["item"])))
    assert sum(isinstance(chunk, BlockStart) for chunk in chunks) == 1
    assert text_of(fold(chunks)) == "Hello"


def test_reasoning_in_both_kinds_and_under_other_names():
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    whole = {
        **item,
        "summary": [{"type": "summary_text", "text": "ab"}, {"type": "summary_text", "text": "c"}],
        "content": [{"type": "reasoning_text", "text": "raw"}],
        "encrypted_content": "BLOB",
    }
    place = {"output_index": 0, "item_id": "rs_1"}
    data = stream(
        opening(),
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": "a"},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 0, "delta": "b"},
        {"type": "response.reasoning_summary_text.delta", **place, "summary_index": 1, "delta": "c"},
        {"type": "response.reasoning.delta", **place, "content_index": 0, "delta": "raw"},
        {"type": "response.output_item.done", "output_index": 0, "item": whole},
        terminal(whole),
    )
    (block,) = parse(data).choices[0].message.blocks
    assert (block.summary, block.text, block.opaque[0].data) == (("ab", "c"), "raw", "BLOB")
    deltas = [
        (chunk.field, chunk.value, chunk.summary_index) for chunk in chunks_of(data) if isinstance(chunk, BlockDelta)
    ]
    assert deltas == [("summary", "a", 0), ("summary", "b", 0), ("summary", "c", 1), ("text", "raw", 0)]


def test_annotations_and_logprobs_come_as_they_arrive():
    added, part, delta, *rest = message_events()
    noted = {**delta, "type": "response.output_text.annotation.added", "annotation": {"type": "file_path"}}
    delta = {**delta, "logprobs": [{"token": "Hello", "logprob": -1}]}
    chunks = chunks_of(stream(opening(), added, part, delta, noted, *rest, terminal(rest[-1]["item"])))
    assert AnnotationAdded(0, 0, {"type": "file_path"}) in chunks
    assert [chunk.logprobs for chunk in chunks if isinstance(chunk, BlockDelta)] == [
        ({"token": "Hello", "logprob": -1},)
    ]


def test_a_hosted_tool_opens_reports_and_closes():
    chunks = chunks_of(recorded("mcp-builtin-zdr-0").text.encode())
    hosted = [
        chunk for chunk in chunks if isinstance(chunk, (BlockStart, BlockStop)) and isinstance(chunk.block, HostedItem)
    ]
    assert [type(chunk) for chunk in hosted[:2]] == [BlockStart, BlockStop]
    progress = [chunk.name for chunk in chunks if isinstance(chunk, NativeEvent)]
    assert progress == ["response.mcp_list_tools.in_progress", "response.mcp_list_tools.completed"]


def test_the_tier_that_served_is_known_at_the_end():
    said = message_events()
    data = stream(opening(service_tier="auto"), *said, terminal(said[-1]["item"], service_tier="flex"))
    assert parse(data).service_tier == "flex"


def test_comments_done_and_whatever_follows_the_end_mean_nothing():
    noise = b": keepalive\n\n"
    data = noise + simple_stream() + b"data: [DONE]\n\n" + b"data: {garbage\n\n"
    assert text_of(parse(data)) == "Hello"


@pytest.mark.parametrize(
    ("data", "reason", "failure"),
    [
        (stream(*message_events()), Reason.BAD_RESPONSE, "bad_order"),
        (stream(opening(), message_events()[2]), Reason.BAD_RESPONSE, "bad_order"),
        (stream(opening(), *message_events()), Reason.STREAM_CUT, "no_terminal"),
        (b"", Reason.STREAM_CUT, "no_terminal"),
        (stream(opening()) + b"data: [DONE]\n\n", Reason.STREAM_CUT, "no_terminal"),
        (stream(opening()) + b"data: {\n\n", Reason.BAD_RESPONSE, "sse_garbage"),
        (stream(opening()) + b'data: {"type":"\xff"}\n\n', Reason.BAD_RESPONSE, "bad_utf8"),
        (
            stream(opening(), {"type": "response.output_item.added", "output_index": 10**9, "item": call_item()}),
            Reason.BAD_RESPONSE,
            "bad_shape",
        ),
        (
            stream(
                opening(),
                message_events()[0],
                {"type": "response.output_item.done", "output_index": 0, "item": call_item()},
            ),
            Reason.BAD_RESPONSE,
            "bad_shape",
        ),
        (stream({"type": "response.created"}), Reason.BAD_RESPONSE, "bad_shape"),
        (stream(opening(), {"type": "response.output_item.added", "output_index": 0, "item": {}}), Reason.BAD_RESPONSE, "bad_shape"),
        (stream(opening(), {"type": "error", "code": "server_error", "message": "x"}), Reason.ERROR_5XX, "inband_error"),
        (stream({"type": "error", "error": {"code": "rate_limit_exceeded"}}), Reason.RATE_LIMITED, "inband_error"),
        (
            stream(opening(), terminal(kind="failed", error={"code": "context_length_exceeded", "message": "x"})),
            Reason.CONTEXT_LENGTH,
            "inband_error",
        ),
        (stream(opening(), {**terminal(), "response": terminal(kind="failed")["response"]}), Reason.ERROR_5XX, "inband_error"),
    ],
)  # fmt: skip
def test_what_cannot_be_trusted_raises(data, reason, failure):
    error = failure_of(data)
    assert (error.reason, error.failure) == (reason, failure)


def test_an_error_behind_good_events_waits_until_those_are_taken():
    parser = PROVIDER.stream_parser("openai")
    data = stream(opening(), *message_events()[:3], {"type": "error", "message": "boom"})
    chunks = parser.feed(data)
    assert isinstance(chunks[-1], BlockDelta)
    with pytest.raises(UpstreamError, match="boom"):
        parser.feed(b"")
    with pytest.raises(UpstreamError, match="boom"):
        parser.close()


def test_an_unknown_event_is_passed_to_those_who_may_know_it():
    news = {"type": "response.telepathy.delta", "delta": "x"}
    chunks = chunks_of(stream(opening(), news, terminal()))
    (found,) = [chunk for chunk in chunks if isinstance(chunk, NativeEvent)]
    assert (found.format, found.name, found.data["delta"]) == ("openai_responses", news["type"], "x")


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 100_000), max_size=12))
def test_cutting_the_bytes_anywhere_changes_nothing(cuts):
    data = recorded("agent-loop-streaming-0").text.encode()
    parser = PROVIDER.stream_parser("openai")
    chunks, last = [], 0
    for cut in [*sorted(cut % len(data) for cut in cuts), len(data)]:
        chunks += parser.feed(data[last:cut])
        last = cut
    assert [*chunks, *parser.close()] == chunks_of(data)


@pytest.mark.parametrize("newline", ["\r\n", "\r", "\n"])
def test_line_ends_do_not_matter(newline):
    data = simple_stream("a\u2028b").decode().replace("\n", newline).encode()
    assert text_of(parse(data)) == "a\u2028b"


def test_a_last_event_without_its_blank_line_counts():
    assert text_of(parse(simple_stream().rstrip(b"\n"))) == "Hello"
    assert json.loads(simple_stream().split(b"data: ")[1].split(b"\n")[0])["type"] == "response.created"
