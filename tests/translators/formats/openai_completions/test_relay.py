import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import Reason, RequestError, UpstreamError, Usage
from translators.formats.openai_completions import CLIENT

from .samples import DONE, ask, context, event, events, relayed, said

ASKED = {"stream": True, "stream_options": {"include_usage": True}}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
BODY = event(said("Hé")) + b": ping\n\n" + event(said("llo"), said("x", "length", 1)) + event(said("", "stop"))
STREAM = BODY + event(usage=USAGE) + DONE


def relay(**body):
    return CLIENT.relay(context(ask(**(body or ASKED))))


def test_a_good_stream_keeps_its_bytes():
    assert relayed(relay(), STREAM) == STREAM


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_a_stream_keeps_its_bytes_however_it_is_split(cuts):
    watch = relay()
    ends = [*sorted(cuts), len(STREAM)]
    pieces = [watch.feed(STREAM[start:end]) for start, end in zip([0, *ends], ends, strict=False)]
    assert b"".join(pieces) + watch.close() == STREAM


def test_byte_by_byte_nothing_is_lost_and_the_tally_is_the_same():
    whole, slow = relay(), relay()
    assert relayed(whole, STREAM) == relayed(slow, STREAM, 1)
    assert whole.tally == slow.tally


def test_what_passes_is_noted():
    watch = relay()
    watch.feed(event(said("")))
    assert not watch.tally.content
    watch.feed(STREAM)
    tally = watch.tally
    assert (tally.response_id, tally.response_model, tally.output_chars) == ("cmpl-1", "m", 6)
    assert tally.usage == Usage(input=3, output=2)
    assert (tally.finishes, tally.chunks, tally.content, tally.notes) == (["length", "stop"], 5, True, [])


def test_usage_that_only_we_asked_for_is_hidden():
    watch = relay(stream=True)
    assert relayed(watch, STREAM) == BODY + DONE
    assert watch.tally.usage == Usage(input=3, output=2)


def test_hidden_usage_also_goes_from_events_that_hold_text():
    shown = relayed(relay(stream=True), event(said("Hi", "stop"), usage=USAGE) + DONE)
    assert b"usage" not in shown
    assert events(shown)[0]["choices"] == [said("Hi", "stop")]


def test_usage_that_was_asked_for_and_never_came_is_estimated():
    watch = relay()
    *_, usage, done = events(relayed(watch, BODY + DONE))
    assert (usage["id"], usage["object"], usage["choices"], done) == ("cmpl-1", "text_completion", [], "[DONE]")
    assert (usage["usage"]["prompt_tokens"], usage["usage"]["completion_tokens"]) == (7, 6)
    assert watch.tally.usage.source == "estimated"


def test_counts_that_cannot_be_true_are_not_passed_on():
    watch = relay()
    shown = events(relayed(watch, BODY + event(usage={"prompt_tokens": -3, "completion_tokens": 1}) + DONE))
    assert [each["usage"]["prompt_tokens"] for each in shown if "usage" in each] == [7]
    assert watch.tally.notes == ["bad_usage"]


def test_a_missing_done_is_added_behind_a_finish():
    watch = relay()
    assert relayed(watch, STREAM.removesuffix(DONE)) == STREAM
    assert watch.tally.notes == ["done_added"]


def test_an_event_without_its_blank_line_is_closed():
    assert relayed(relay(), STREAM.removesuffix(b"\n\n")) == STREAM
    assert events(relayed(relay(stream=True), BODY.removesuffix(b"\n\n"))) == events(BODY + DONE)


def test_nothing_behind_done_passes():
    watch = relay()
    assert relayed(watch, STREAM + event(said("more")) + b": ping\n\n") == STREAM
    assert watch.tally.notes == ["trailing_data"]


@pytest.mark.parametrize(
    "stream", [b"", event(said("Hi")), event(said("a", "stop"), said("b", None, 1)), event(usage=USAGE)]
)
@pytest.mark.parametrize("end", [b"", DONE])
def test_an_end_without_a_finish_is_a_cut(stream, end):
    with pytest.raises(UpstreamError) as caught:
        relayed(relay(), stream + end)
    assert (caught.value.reason, caught.value.failure) == (Reason.STREAM_CUT, "no_terminal")


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (b"data: {oops}\n\n", "sse_garbage"),
        (b'data: {"choices":[{"text":"\xff"}]}\n\n', "bad_utf8"),
        (b'data: {"error":{"message":"no"}}\n\n', "inband_error"),
        (b'data: {"value":"Sure"}\n\n', "bad_shape"),
        (event(said("", "error")), "inband_error"),
    ],
)
def test_garbage_and_errors_raise_and_do_not_pass(bad, failure):
    with pytest.raises(UpstreamError) as caught:
        relay().feed(bad)
    assert caught.value.failure == failure
    watch, good = relay(), event(said("good"))
    assert watch.feed(good + bad + good) == good
    for call in (watch.close, lambda: watch.feed(DONE)):
        with pytest.raises(UpstreamError) as caught:
            call()
        assert caught.value.failure == failure


@pytest.mark.parametrize(
    ("came", "shown"),
    [
        (event(said("Hi", "eos_token")), event(said("Hi", "stop"))),
        (
            event({"index": 0, "text": None, "finish_reason": "stop"}),
            event({"index": 0, "text": "", "finish_reason": "stop"}),
        ),
        (event(said("Hi", "stop"), object="text_completion.chunk"), event(said("Hi", "stop"))),
        (event(said("Hi", "stop"), id=None), event(said("Hi", "stop"), id="cmpl-new1")),
        (event({"text": "Hi", "finish_reason": "stop"}), event({"text": "Hi", "finish_reason": "stop", "index": 0})),
    ],
)
def test_what_would_break_an_sdk_is_mended(came, shown):
    assert events(relayed(relay(stream=True), came + DONE)) == events(shown + DONE)


def test_events_without_data_do_not_reach_an_sdk():
    for noise in (b"event: ping\n\n", b"data:\n\n", b"retry: 5\n\n", event(prompt_filter_results=[])):
        assert relayed(relay(), noise + STREAM) == STREAM


def test_a_usage_event_without_choices_gets_an_empty_list():
    bare = event(usage=USAGE).replace(b'"choices": [], ', b"")
    assert events(relayed(relay(), BODY + bare + DONE))[-2] == events(event(usage=USAGE))[0]


def test_a_failure_ends_the_stream():
    watch = relay()
    watch.feed(event(said("Hi")))
    assert events(watch.fail(RequestError("gone")))[0]["error"]["message"] == "gone"
    assert watch.feed(STREAM) == b""
