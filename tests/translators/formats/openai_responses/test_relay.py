import json

import pytest

from translators.canonical import Reason, UpstreamError, Usage
from translators.formats.openai_responses import CLIENT

from .recorded import recorded
from .streams import (
    USAGE,
    accumulate,
    check_strictly,
    context,
    events,
    message_events,
    opening,
    simple_stream,
    stream,
    terminal,
)

ERROR = UpstreamError(Reason.STREAM_CUT, "it broke", billed_risk=True)


def passed(data: bytes, **members):
    relay = CLIENT.relay(context(**members))
    return relay.feed(data) + relay.close(), relay.tally


def failure_of(data: bytes) -> UpstreamError:
    relay = CLIENT.relay(context())

    def whole() -> None:
        relay.feed(data)
        relay.close()

    with pytest.raises(UpstreamError) as raised:
        whole()
    return raised.value


def test_what_is_fine_keeps_its_bytes_and_is_counted():
    data = b": hello\n\n" + simple_stream()
    out, tally = passed(data)
    assert out == data
    assert (tally.response_id, tally.response_model, tally.finishes) == ("resp_1", "m", ["stop"])
    assert tally.usage == Usage(input=3, output=2, cached=1)
    assert (tally.output_chars, tally.tool_calls, tally.content, tally.notes) == (5, 0, True, [])


def test_content_begins_with_the_first_delta_or_call():
    relay = CLIENT.relay(context())
    for event in (opening(), *message_events()[:2]):
        relay.feed(stream(event))
        assert not relay.tally.content
    relay.feed(stream(message_events()[2]))
    assert relay.tally.content
    relay = CLIENT.relay(context())
    call = {"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": ""}
    relay.feed(stream(opening(), {"type": "response.output_item.added", "output_index": 0, "item": call}))
    assert (relay.tally.content, relay.tally.tool_calls) == (True, 1)


@pytest.mark.parametrize(
    ("last", "finish"),
    [
        (terminal(), "stop"),
        (
            terminal({"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}),
            "tool_calls",
        ),
        (terminal(kind="incomplete", incomplete_details={"reason": "max_output_tokens"}), "length"),
        (terminal(kind="incomplete", incomplete_details={"reason": "content_filter"}), "content_filter"),
    ],
)
def test_how_it_ended_is_noted(last, finish):
    assert passed(stream(opening(), last))[1].finishes == [finish]


def test_items_that_the_end_left_out_are_put_back():
    said = message_events()
    out, tally = passed(stream(opening(), *said, terminal()))
    assert events(out)[-1]["response"]["output"] == [said[-1]["item"]]
    assert "output_restored" in tally.notes
    assert accumulate(events(out)).output_text == "Hello"
    out, _ = passed(recorded("codex-tool-choice-specific").text.encode())
    assert [item["type"] for item in events(out)[-1]["response"]["output"]] == ["function_call"]


def test_usage_without_its_details_gets_zeros():
    poor = {"input_tokens": 3, "output_tokens": 2, "total_tokens": 5}
    out, tally = passed(stream(opening(), terminal(usage=poor)))
    assert events(out)[-1]["response"]["usage"]["input_tokens_details"] == {"cached_tokens": 0, "cache_write_tokens": 0}
    assert tally.usage == Usage(input=3, output=2)


def test_usage_that_is_missing_is_estimated_and_nonsense_is_not_counted():
    out, tally = passed(stream(opening(), terminal(usage=None)), estimate=lambda tally: Usage(input=1, output=1))
    assert events(out)[-1]["response"]["usage"]["total_tokens"] == 2
    assert tally.usage is None
    _, tally = passed(stream(opening(), terminal(usage={**USAGE, "output_tokens": -2})))
    assert tally.usage is None
    assert "bad_usage" in tally.notes


def test_ids_that_change_on_the_way_stay_as_the_client_first_saw_them():
    out, tally = passed(recorded("copilot-responses-github-copilot-id-rotation").text.encode())
    found = events(out)
    assert "id_changed" in tally.notes
    assert len({event["response"]["id"] for event in found if "response" in event}) == 1
    for index in (0, 1):
        of_item = [event for event in found if event.get("output_index") == index]
        ids = {event.get("item_id") or event["item"]["id"] for event in of_item}
        assert ids == {found[-1]["response"]["output"][index]["id"]}
    assert accumulate(found).output_text


def test_a_server_without_names_odd_events_and_gaps_is_understood_by_sdks():
    out, tally = passed(recorded("bedrock-mantle-responses-providers").text.encode())
    found = events(out)
    assert {"event_reframed", "event_renamed", "content_index_changed"} <= set(tally.notes)
    for event in found:
        if "response" not in event:
            check_strictly(event)
    assert accumulate(found).output_text.startswith("Sure!")


def test_events_without_numbers_get_them():
    bare = [
        {key: value for key, value in event.items() if key != "sequence_number"} for event in events(simple_stream())
    ]
    data = b"".join(b"event: %b\ndata: %b\n\n" % (e["type"].encode(), json.dumps(e).encode()) for e in bare)
    found = events(passed(data)[0])
    assert [event["sequence_number"] for event in found] == list(range(len(found)))


def test_foreign_spellings_of_reasoning_become_official():
    item = {"type": "reasoning", "id": "rs_1", "summary": []}
    place = {"output_index": 0, "item_id": "rs_1", "content_index": 0}
    out, tally = passed(
        stream(
            opening(),
            {"type": "response.output_item.added", "output_index": 0, "item": item},
            {"type": "response.reasoning.delta", **place, "delta": "hm"},
            {"type": "response.reasoning.done", **place, "text": "hm"},
            {"type": "response.output_item.done", "output_index": 0, "item": item},
            terminal(item),
        )
    )
    assert [event["type"] for event in events(out)[2:4]] == [
        "response.reasoning_text.delta",
        "response.reasoning_text.done",
    ]
    assert "event_renamed" in tally.notes


@pytest.mark.parametrize("noise", [b"event: ping\n\n", b"retry: 3\n\n", b"data:\n\n", b"id: 1\n\n"])
def test_events_that_sdks_would_choke_on_become_comments(noise):
    out, _ = passed(noise + simple_stream())
    assert out == b": ping\n\n" + simple_stream()


@pytest.mark.parametrize("kind", ["keepalive", "response.ping"])
def test_a_keepalive_event_becomes_a_comment_and_leaves_no_gap(kind):
    said = message_events()
    out, _ = passed(stream(opening(), {"type": kind}, *said, terminal(said[-1]["item"])))
    assert b": ping\n\n" in out
    found = events(out)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert accumulate(found).output_text == "Hello"


def test_a_part_that_was_never_opened_is_opened():
    added, _, delta, *rest = message_events()
    out, tally = passed(stream(opening(), added, delta, *rest, terminal(rest[-1]["item"])))
    found = events(out)
    assert "part_opened" in tally.notes
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        check_strictly(event)
    assert accumulate(found).output_text == "Hello"


def test_an_id_line_is_taken_off_its_event():
    data = simple_stream().replace(b"event: response.created\n", b"id: 7\nevent: response.created\n")
    assert passed(data)[0] == simple_stream()


def test_what_follows_the_end_is_not_passed_on():
    out, tally = passed(simple_stream() + simple_stream() + b"data: {garbage\n\n")
    assert out == simple_stream()
    assert tally.notes == ["trailing_data"]
    out, tally = passed(simple_stream() + b"data: [DONE]\n\n")
    assert (out, tally.notes) == (simple_stream(), [])


def test_a_last_event_without_its_blank_line_gets_it():
    assert passed(simple_stream().rstrip(b"\n"))[0] == simple_stream()


@pytest.mark.parametrize(
    ("data", "reason", "failure"),
    [
        (stream(*message_events()), Reason.BAD_RESPONSE, "bad_order"),
        (stream({**opening(), "type": "response.in_progress"}), Reason.BAD_RESPONSE, "bad_order"),
        (stream(opening(), message_events()[2]), Reason.BAD_RESPONSE, "bad_order"),
        (stream(opening(), message_events()[0], message_events()[0]), Reason.BAD_RESPONSE, "bad_order"),
        (stream(opening(), *message_events()), Reason.STREAM_CUT, "no_terminal"),
        (stream(opening()) + b"data: [DONE]\n\n", Reason.STREAM_CUT, "no_terminal"),
        (b"data: {nonsense\n\n", Reason.BAD_RESPONSE, "sse_garbage"),
        (b'data: {"type":"\xff"}\n\n', Reason.BAD_RESPONSE, "bad_utf8"),
        (stream(opening(), {"type": "error", "message": "x"}), Reason.ERROR_5XX, "inband_error"),
        (b'data: {"error":"boom"}\n\n', Reason.ERROR_5XX, "inband_error"),
        (stream({"type": "error", "error": {"code": "insufficient_quota"}}), Reason.QUOTA, "inband_error"),
        (stream(opening(), terminal(kind="failed", error={"code": "server_error"})), Reason.ERROR_5XX, "inband_error"),
        (stream(opening(), {"type": "response.completed"}), Reason.BAD_RESPONSE, "bad_shape"),
        (
            stream(opening(), {"type": "response.output_item.added", "output_index": 0, "item": "x"}),
            Reason.BAD_RESPONSE,
            "bad_shape",
        ),
    ],
)
def test_what_cannot_be_trusted_raises_and_is_not_passed_on(data, reason, failure):
    error = failure_of(data)
    assert (error.reason, error.failure) == (reason, failure)


def test_an_error_behind_good_events_waits_until_those_are_taken():
    good = stream(opening(), *message_events()[:3])
    relay = CLIENT.relay(context())
    assert relay.feed(good + b"data: {nonsense\n\n") == good
    with pytest.raises(UpstreamError):
        relay.feed(b"")


def test_a_failure_goes_on_where_the_stream_was():
    relay = CLIENT.relay(context())
    out = relay.feed(stream(opening(), *message_events()[:3])) + relay.fail(ERROR)
    found = events(out)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [event["type"] for event in found[-2:]] == ["error", "response.failed"]
    assert found[-2]["error"] == {"type": "server_error", "code": "incomplete", "message": "it broke", "param": None}
    last = found[-1]["response"]
    assert (last["id"], last["status"], last["error"]["code"]) == ("resp_1", "failed", "server_error")
    for event in found:
        check_strictly(event)
    accumulate(found)


def test_a_failure_before_the_first_event_begins_with_created():
    relay = CLIENT.relay(context())
    found = events(relay.fail(ERROR))
    assert [event["type"] for event in found] == ["response.created", "error", "response.failed"]
    assert [event["sequence_number"] for event in found] == [0, 1, 2]
    accumulate(found)


def test_finished_items_are_in_the_failed_response():
    relay = CLIENT.relay(context())
    relay.feed(stream(opening(), *message_events()))
    assert [item["id"] for item in events(relay.fail(ERROR))[-1]["response"]["output"]] == ["msg_1"]
