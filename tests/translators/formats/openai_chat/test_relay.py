"""A stream that passes through: its own bytes, except where an SDK would break."""

import pytest

from translators.canonical import Reason, Request, RequestError, Sampling, UpstreamError, Usage
from translators.formats.openai_chat import CLIENT

from .wire import TERMINAL, bodies, call, chunk, context, deltas, event, fragment, stream

ROLE = chunk({"role": "assistant", "content": ""})
STOP = chunk(finish="stop")
USAGE = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5})
GOOD = stream(ROLE, chunk({"content": "hey"}), STOP, USAGE)


def relayed(data: bytes, **settings):
    relay = CLIENT.relay(context(**settings))
    return relay.feed(data) + relay.close(), relay.tally


def failed(data: bytes, **settings) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        relayed(data, **settings)
    return caught.value


def test_a_good_stream_keeps_every_byte_and_is_counted():
    out, tally = relayed(GOOD)
    assert out == GOOD
    assert (tally.response_id, tally.response_model) == ("chatcmpl-1", "m")
    assert tally.usage == Usage(input=3, output=2)
    assert tally.finishes == ["stop"]
    assert (tally.chunks, tally.output_chars, tally.tool_calls) == (4, 3, 0)
    assert tally.content
    assert tally.notes == []


@pytest.mark.parametrize(
    "framed",
    [
        b"data:%b\n\n",
        b"data: %b\r\n\r\n",
        b"data: %b\r\r",
        b": comment\ndata: %b\n\n",
        b"\ndata: %b\n\n",
    ],
)
def test_harmless_framing_is_kept(framed):
    import json

    parts = [framed % json.dumps(body).encode() for body in (ROLE, STOP)]
    out, _ = relayed(b"".join(parts) + TERMINAL)
    assert out == b"".join(parts) + TERMINAL


def test_comments_pass_and_do_not_count():
    data = b": OPENROUTER PROCESSING\n\n" + GOOD
    out, tally = relayed(data)
    assert out == data
    assert tally.chunks == 4


@pytest.mark.parametrize("empty", [b"event: ping\n\n", b"data:\n\n", b"retry: 1000\n\n", b"id: 7\n\n"])
def test_an_event_without_data_becomes_a_comment(empty):
    """The Python SDK parses the empty data as JSON, and raises."""
    out, _ = relayed(empty + GOOD)
    assert out == b": ping\n\n" + GOOD


def test_fields_other_than_data_are_left_out():
    """After an `id:` even a comment makes the Python SDK dispatch an empty event."""
    out, _ = relayed(b"id: 1\nevent: chunk\n" + event(ROLE) + event(STOP) + TERMINAL)
    assert out == event(ROLE) + event(STOP) + TERMINAL


def test_a_last_event_without_its_blank_line_gets_one():
    out, tally = relayed(event(ROLE) + event(STOP).rstrip())
    assert out == event(ROLE) + event(STOP) + TERMINAL
    assert tally.notes == ["done_added"]


def test_content_is_seen_at_the_first_word_not_at_the_role():
    relay = CLIENT.relay(context())
    relay.feed(event(ROLE))
    assert not relay.tally.content
    relay.feed(event(chunk({"content": "h"})))
    assert relay.tally.content


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": "a"},
        {"reasoning": "a"},
        {"refusal": "a"},
        {"tool_calls": [call(0, "a", "f")]},
        {"audio": {"transcript": "a"}},
        {"function_call": {"name": "f", "arguments": ""}},
    ],
)
def test_everything_the_model_says_is_content(delta):
    relay = CLIENT.relay(context())
    relay.feed(event(chunk({"role": "assistant", **delta})))
    assert relay.tally.content


def test_a_finish_reason_is_content_too():
    relay = CLIENT.relay(context())
    relay.feed(event(chunk({"role": "assistant"}, finish="stop")))
    assert relay.tally.content


# --- the end ----------------------------------------------------------------------------------------------------------


def test_a_missing_done_is_added_after_a_finish_reason():
    out, tally = relayed(stream(ROLE, STOP, done=False))
    assert out == stream(ROLE, STOP)
    assert tally.notes == ["done_added"]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TERMINAL,
        stream(ROLE, chunk({"content": "a"}), done=False),
        stream(ROLE, chunk({"content": "a"})),
        b": ping\n\n",
    ],
)
def test_an_end_without_a_finish_reason_is_a_cut(data):
    error = failed(data)
    assert (error.reason, error.failure, error.body.code) == (Reason.STREAM_CUT, "no_terminal", "incomplete")


def test_what_follows_done_is_ignored_and_noted():
    out, tally = relayed(GOOD + event(chunk({"content": "more"})) + TERMINAL)
    assert out == GOOD
    assert tally.notes == ["trailing_data"]


def test_a_spoken_answer_ends_without_a_finish_reason():
    data = stream(chunk({"role": "assistant"}), chunk({"audio": {"id": "a"}}), chunk({"audio": {"expires_at": 9}}))
    out, tally = relayed(data)
    assert out == data
    assert tally.finishes == ["stop"]


def test_usage_that_was_asked_for_and_not_given_is_estimated():
    request = Request(messages=(), stream=True, include_usage=True)
    settings = {"request": request, "estimate": lambda tally: Usage(input=1, output=tally.output_chars)}
    out, _ = relayed(stream(ROLE, chunk({"content": "hey"}), STOP), **settings)
    last = bodies(out)[-1]
    assert last["choices"] == []
    assert last["usage"]["completion_tokens"] == 3
    assert last["id"] == "chatcmpl-1"
    assert out.endswith(TERMINAL)
    assert relayed(GOOD, **settings)[0] == GOOD


def test_no_usage_is_made_up_for_a_client_that_did_not_ask():
    data = stream(ROLE, STOP)
    assert relayed(data, estimate=lambda tally: Usage(input=1))[0] == data


# --- failures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bad", "failure"),
    [
        (b'data: {"error":{"message":"it broke"}}\n\n', "inband_error"),
        (b'event: error\ndata: {"error":{"message":"it broke"}}\n\n', "inband_error"),
        (b'data: {"error":"it broke"}\n\n', "inband_error"),
        (b"data: {oops\n\n", "sse_garbage"),
        (b'data: {"choices":"x"}\n\n', "bad_shape"),
        (b'data: {"choices":["x"]}\n\n', "bad_shape"),
        (b'data: {"choices":[{"index":0,"delta":{"content":"\xff"}}]}\n\n', "bad_utf8"),
        (event(chunk(finish="error")), "inband_error"),
    ],
)
def test_what_cannot_be_trusted_is_never_passed_on(bad, failure):
    relay = CLIENT.relay(context())
    good = event(ROLE) + event(chunk({"content": "a"}))
    assert relay.feed(good + bad + TERMINAL) == good
    for again in (lambda: relay.feed(TERMINAL), relay.close):
        with pytest.raises(UpstreamError) as caught:
            again()
        assert caught.value.failure == failure


def test_an_error_in_the_first_event_is_raised_at_once_so_that_another_may_be_tried():
    relay = CLIENT.relay(context())
    with pytest.raises(UpstreamError):
        relay.feed(b'data: {"error":{"message":"it broke"}}\n\n')
    assert not relay.tally.content


def test_a_choice_of_several_that_failed_is_told_behind_what_the_others_say():
    request = Request(messages=(), stream=True, sampling=Sampling(n=2))
    relay = CLIENT.relay(context(request))
    broken = {"index": 1, "delta": {}, "error": {"message": "it broke"}}
    first = chunk({"role": "assistant", "content": "a"})
    out = relay.feed(event(first) + event(chunk(choices=[broken])) + event(STOP) + TERMINAL)
    assert out == event(first) + event(STOP)
    with pytest.raises(UpstreamError, match="it broke"):
        relay.close()


def test_the_failure_event_is_openais_and_nothing_follows_it():
    relay = CLIENT.relay(context())
    relay.feed(event(ROLE))
    out = relay.fail(RequestError("no more", code="x"))
    assert out == (b'data: {"error":{"message":"no more","type":"invalid_request_error","param":null,"code":"x"}}\n\n')
    assert relay.feed(GOOD) == b""


# --- mends ------------------------------------------------------------------------------------------------------------


def mended(*sent, expect, **settings):
    out, tally = relayed(stream(*sent), **settings)
    assert bodies(out) == list(expect)
    assert out.endswith(TERMINAL)
    return tally


def test_a_repeated_role_goes():
    mended(
        ROLE,
        chunk({"role": "assistant", "content": "a"}),
        chunk({"role": "", "content": "b"}),
        STOP,
        expect=[ROLE, chunk({"content": "a"}), chunk({"content": "b"}), STOP],
    )


def test_a_role_that_never_came_is_added():
    mended(chunk({"content": "a"}), STOP, expect=[chunk({"content": "a", "role": "assistant"}), STOP])


def test_each_choice_has_its_own_role():
    data = stream(ROLE, chunk({"role": "assistant", "content": ""}, index=1), STOP, chunk(finish="stop", index=1))
    assert relayed(data)[0] == data


def test_an_id_that_changes_is_kept_and_noted():
    other = chunk({"content": "a"}, id="other")
    tally = mended(ROLE, other, STOP, expect=[ROLE, chunk({"content": "a"}), STOP])
    assert tally.notes == ["id_changed"]


FILTER = {"hate": {"filtered": False, "severity": "safe"}}
ANNOTATION = {
    "id": "",
    "object": "",
    "created": 0,
    "model": "",
    "choices": [
        {
            "index": 0,
            "finish_reason": None,
            "content_filter_results": FILTER,
            "content_filter_offsets": {"check_offset": 506, "start_offset": 44, "end_offset": 571},
        }
    ],
    "usage": None,
}
"""What Azure's filter says of a text beside it, when it runs asynchronously."""


@pytest.mark.parametrize("place", [0, 1, 2, 3])
def test_what_azures_filter_says_beside_the_text_is_dropped_wherever_it_comes(place):
    events = [ROLE, chunk({"content": "a"}), STOP]
    mended(*events[:place], ANNOTATION, *events[place:], expect=events)
    _, tally = relayed(stream(*events[:place], ANNOTATION, *events[place:], USAGE))
    assert (tally.response_id, tally.finishes) == ("chatcmpl-1", ["stop"])
    assert tally.notes == ["filter_annotation"]


def test_a_choice_without_delta_that_says_more_than_a_filter_is_kept():
    named = {"index": 0, "finish_reason": None, "content_filter_results": {}, "text": "a"}
    mended(ROLE, chunk(choices=[named]), STOP, expect=[ROLE, chunk(choices=[{**named, "delta": {}}]), STOP])


def test_usage_beside_a_filters_words_is_kept():
    usage = USAGE["usage"]
    beside = {**ANNOTATION, "usage": usage}
    out, tally = relayed(stream(ROLE, STOP, beside))
    assert tally.usage == Usage(input=3, output=2)
    assert bodies(out)[-1]["usage"] == usage
    assert bodies(out)[-1]["choices"] == []


def test_a_blocked_answer_ends_with_a_finish_reason_and_no_delta():
    blocked = {"index": 0, "finish_reason": "content_filter", "content_filter_results": {"hate": {"filtered": True}}}
    end = chunk(choices=[blocked])
    mended(
        ROLE,
        chunk({"content": "a"}),
        end,
        expect=[ROLE, chunk({"content": "a"}), chunk(choices=[{**blocked, "delta": {}}])],
    )


def test_an_answer_blocked_before_its_first_word_has_a_name_and_a_date_all_the_same():
    blocked = {"index": 0, "finish_reason": "content_filter", "content_filter_results": {}}
    nameless = {"id": "", "object": "", "created": 0, "model": "", "choices": [blocked]}
    asked = Request(messages=(), model="gpt-4o", stream=True)
    out, tally = relayed(stream(nameless), request=asked)
    body = bodies(out)[0]
    assert (body["model"], body["created"], body["object"]) == ("gpt-4o", 1790000000, "chat.completion.chunk")
    assert body["id"].startswith("chatcmpl-")
    assert body["choices"][0]["delta"] == {"role": "assistant"}
    assert tally.finishes == ["content_filter"]


def test_azures_first_chunk_is_dropped():
    filtered = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": [1]}
    mended(filtered, ROLE, STOP, expect=[ROLE, STOP])


def test_the_first_model_and_time_that_say_something_are_kept():
    filtered = {**chunk(choices=[]), "model": "", "created": 0, "prompt_filter_results": [1]}
    other = chunk({"content": "a"}, model="other", created=9)
    mended(filtered, ROLE, other, STOP, expect=[filtered, ROLE, chunk({"content": "a"}), STOP])


def test_an_answer_without_id_gets_one():
    sent = [{**body, "id": ""} for body in (ROLE, STOP)]
    tally = mended(*sent, expect=[{**body, "id": "chatcmpl-new1"} for body in (ROLE, STOP)])
    assert tally.response_id is None


def test_a_wrong_object_is_put_right():
    mended({**ROLE, "object": ""}, STOP, expect=[ROLE, STOP])


def test_missing_choices_become_an_empty_list_where_there_is_something_to_say():
    usage = {key: value for key, value in USAGE.items() if key != "choices"}
    mended(ROLE, STOP, usage, expect=[ROLE, STOP, USAGE])
    mended(ROLE, STOP, {**USAGE, "choices": None}, expect=[ROLE, STOP, USAGE])


def test_usage_is_the_last_event_whatever_comes_behind_it():
    """The Python helper takes the usage of the very last chunk."""
    mended(ROLE, USAGE, STOP, expect=[ROLE, STOP, USAGE])


def test_padding_without_choices_is_dropped():
    """OpenAI sends it in spoken answers; `chunk.choices[0]` would fail."""
    padding = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "usage": None, "obfuscation": "xx"}
    mended(ROLE, padding, STOP, expect=[ROLE, STOP])


def test_a_missing_delta_is_added():
    bare = chunk(choices=[{"index": 0, "finish_reason": None}])
    mended(
        bare, STOP, expect=[chunk(choices=[{"index": 0, "finish_reason": None, "delta": {"role": "assistant"}}]), STOP]
    )


@pytest.mark.parametrize(
    ("said", "passed"), [("eos", "stop"), ("max_tokens", "length"), ("end_turn", "stop"), ("", None)]
)
def test_a_vendors_finish_reason_becomes_one_of_the_five(said, passed):
    last = chunk({"content": "a"}, finish=said)
    tally = mended(ROLE, last, STOP, expect=[ROLE, chunk({"content": "a"}, finish=passed), STOP])
    assert tally.finishes[0] == passed or tally.finishes == ["stop"]


def test_a_stop_behind_calls_is_tool_calls():
    opening = chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "a", "f", "{}")]})
    tally = mended(opening, STOP, expect=[opening, chunk(finish="tool_calls")])
    assert (tally.finishes, tally.tool_calls) == (["tool_calls"], 1)


def test_arguments_that_never_become_json_are_noted_and_passed():
    opening = chunk({"role": "assistant", "tool_calls": [call(0, "a", "f", '{"x":')]})
    out, tally = relayed(stream(opening, chunk(finish="length")))
    assert out == stream(opening, chunk(finish="length"))
    assert tally.notes == ["tool_args_invalid"]


def test_usage_nobody_asked_for_is_hidden_but_counted():
    with_usage = chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1})
    tally = mended(ROLE, with_usage, STOP, USAGE, expect=[ROLE, chunk({"content": "a"}), STOP], hide_usage=True)
    assert tally.usage == Usage(input=3, output=2)


def test_null_details_of_usage_become_integers():
    bad = chunk(choices=[], usage={"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": None})
    out, _ = relayed(stream(ROLE, STOP, bad))
    assert bodies(out)[-1]["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_impossible_usage_is_noted_and_the_last_good_one_counts():
    bad = chunk(choices=[], usage={"prompt_tokens": -3, "completion_tokens": 2})
    _, tally = relayed(stream(ROLE, STOP, USAGE, bad))
    assert tally.usage == Usage(input=3, output=2)
    assert tally.notes == ["bad_usage"]


def test_reasoning_can_be_kept_from_the_client():
    out, tally = relayed(stream(ROLE, chunk({"reasoning_content": "hm"}), STOP), show_reasoning=False)
    assert deltas(out)[1] == {}
    assert tally.content


def test_what_is_unknown_passes_untouched():
    odd = chunk({"content": "a", "token_id": 7}, provider="x", x_groq={"id": "r"})
    data = stream(ROLE, odd, chunk(finish="stop", index=0), chunk(index=5, finish="stop", delta={"role": "assistant"}))
    assert relayed(data)[0] == data


def test_fragments_of_calls_are_passed_as_they_came():
    opening = chunk({"role": "assistant", "content": None, "tool_calls": [call(0, "a", "f")]})
    data = stream(opening, chunk({"tool_calls": [fragment(0, "{}")]}), chunk(finish="tool_calls"))
    assert relayed(data)[0] == data
