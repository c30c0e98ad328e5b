import pytest

from translators.canonical import End, Finish, Reason, Start, Text, UpstreamError, UsageUpdate
from translators.formats.anthropic_messages import PROVIDER

from .streams import ISSUER, block, call, chunks, end, event, folded, start, stop, text, thinking

WHOLE = start() + thinking(0, "hm", "m") + text(1, "wörld ", "😀") + call(2, "f", "", '{"a":', "1}") + end("tool_use")


def read(data: bytes) -> None:
    parser = PROVIDER.stream_parser(ISSUER)
    parser.feed(data)
    parser.feed(b"")  # raises what was held back behind good events
    parser.close()


def failure(*parts: bytes) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        read(b"".join(parts))
    return caught.value


def test_bytes_may_be_split_anywhere():
    at_once = chunks(WHOLE)
    for step in (1, 2, 3, 50):
        parser = PROVIDER.stream_parser(ISSUER)
        made = [chunk for at in range(0, len(WHOLE), step) for chunk in parser.feed(WHOLE[at : at + step])]
        assert made + parser.close() == at_once


def test_lines_may_end_in_any_way_and_events_lack_their_name():
    nameless = b"".join(line for line in WHOLE.splitlines(keepends=True) if not line.startswith(b"event:"))
    assert chunks(nameless) == chunks(WHOLE.replace(b"\n", b"\r\n")) == chunks(WHOLE)


def test_it_begins_and_ends():
    made = chunks(WHOLE)
    assert made[0] == Start("msg_1", "claude-x")
    assert isinstance(made[-2], UsageUpdate)
    assert made[-1] == End()


def test_pings_and_unknown_events_say_nothing():
    noise = event("ping") + event("tomorrows", x=1) + b": comment\n\n"
    assert chunks(noise, start(), noise, text(0, "a"), noise, end()) == chunks(start(), text(0, "a"), end())


def test_usage_is_what_was_said_last():
    first = event("message_delta", delta={"stop_reason": None}, usage={"input_tokens": 20, "output_tokens": 5})
    usage = folded(start(), text(0, "a"), first, end(usage={"output_tokens": 9})).usage
    assert (usage.input, usage.output) == (20, 9)


def test_the_tier_may_be_known_at_the_start_or_only_at_the_end():
    assert folded(start(usage={"output_tokens": 1, "service_tier": "priority"}), end()).service_tier == "priority"
    assert folded(start(), end(usage={"service_tier": "standard"})).service_tier == "default"


@pytest.mark.parametrize(
    "cut",
    [
        b"",
        start(),
        start() + text(0, "a"),
        start() + text(0, "a") + event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": 1}),
        WHOLE[:-30],
    ],
)
def test_a_stream_without_message_stop_has_failed(cut: bytes):
    error = failure(cut)
    assert (error.reason, error.failure, error.billed_risk) == (Reason.STREAM_CUT, "no_terminal", True)


def test_a_stop_event_that_lacks_its_last_line_end_counts():
    assert folded(WHOLE[:-2]).choices[0].finish is Finish.TOOL_CALLS


def test_an_error_event_ends_it():
    problem = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    error = failure(start(), text(0, "a"), problem)
    assert (error.reason, error.failure, str(error)) == (Reason.ERROR_5XX, "inband_error", "Overloaded")


def test_what_came_before_an_error_in_the_same_bytes_is_not_lost():
    parser = PROVIDER.stream_parser(ISSUER)
    assert len(parser.feed(start() + text(0, "a") + event("error", error={"type": "api_error", "message": "x"}))) == 3
    with pytest.raises(UpstreamError):
        parser.feed(b"")


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b'event: error\ndata: {"error": "boom"}\n\n', "inband_error"),
        (b"event: error\ndata: upstream connect error\n\n", "inband_error"),
        (b'data: {"error": {"message": "x"}}\n\n', "inband_error"),
        (b"data: {nonsense\n\n", "sse_garbage"),
        (b"data: 5\n\n", "sse_garbage"),
        (b"data: \xff\xfe\n\n", "bad_utf8"),
        (event("content_block_start", index=0, content_block={"type": "text", "text": ""}), "bad_shape"),
        (event("message_stop"), "bad_shape"),
        (event("message_start", message=5), "bad_shape"),
        (start() + start(), "bad_shape"),
    ],
)
def test_what_is_no_answer_is_refused(data: bytes, kind: str):
    assert failure(data).failure == kind


def test_what_comes_behind_the_end_does_not_count():
    assert folded(WHOLE, b"event: data\ndata: [DONE]\n\n", event("error", error={})) == folded(WHOLE)


def test_half_a_surrogate_pair_is_mended():
    broken = b'event: content_block_delta\ndata: {"type":"content_block_delta","delta":{"type":"text_delta","text":"a\\ud83d"}}\n\n'
    opened = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    (said,) = folded(start(), opened, broken, stop(0), end()).choices[0].message.blocks
    assert said == Text("a\ufffd")


def test_a_block_that_was_never_closed_is_closed_by_the_next_or_by_the_end():
    opened = event(
        "content_block_start", index=0, content_block={"type": "tool_use", "id": "a", "name": "f", "input": {}}
    )
    response = folded(start(), opened, text(1, "x"), block(2, {"type": "text", "text": "y"})[: -len(stop(2))], end())
    assert [type(block).__name__ for block in response.choices[0].message.blocks] == ["ToolCall", "Text"]


def test_deltas_of_nothing_say_nothing():
    stray = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "x"})
    assert folded(start(), stray, event("content_block_delta", index=0), end()).choices[0].message.blocks == ()
