"""The format as the gateway uses it, and the renderers of one streamed call."""

from __future__ import annotations

import json

import pytest

from translators.canonical import NO_USAGE, Reason, Request, Text, UpstreamError, Usage, unfold
from translators.exchange import render_answer, render_whole_as_stream
from translators.formats import RenderContext, Tally, anthropic_messages, openai_chat
from translators.formats.joch_native import CLIENT, Speaker, completed

from .documents import TOLD, answer, check_answer, context
from .test_stream import check_order, events

STOPPED = UpstreamError(Reason.UNAVAILABLE, "The server is shutting down.")


def test_errors_are_openais_envelope() -> None:
    assert CLIENT.render_error(STOPPED)["error"]["code"] == "no_candidate_available"


def test_no_provider_speaks_it() -> None:
    with pytest.raises(AssertionError):
        CLIENT.relay(context())
    with pytest.raises(AssertionError):
        CLIENT.mend({})


def test_a_whole_answer_crosses_the_exchange_and_is_completed() -> None:
    body = render_answer(CLIENT, answer(Text("hi")), context(), Tally())
    check_answer(json.loads(completed(body, TOLD)))


def test_a_stream_gets_the_estimate_that_stands_in_for_usage() -> None:
    asked = Request(messages=(), stream=True, include_usage=True)
    told = RenderContext(
        request=asked, new_id=str, created=1, estimate=lambda tally: Usage(output=5, source="estimated")
    )
    found = events(render_whole_as_stream(CLIENT, answer(Text("abc"), usage=NO_USAGE), told, Tally()))
    assert [(event["outputTokens"], event["source"]) for event in found if event["type"] == "usage"] == [
        (5, "estimated")
    ]


def test_the_newest_attempt_is_the_one_that_ends_the_stream() -> None:
    speaker = Speaker(lambda: TOLD)
    failing = speaker.client.stream_renderer(context())
    failing.render(unfold(answer(Text("never shown"))))
    serving = speaker.client.stream_renderer(context())
    found = events(serving.render(unfold(answer(Text("shown"), id="r-2"))) + speaker.stop(TOLD))
    check_order(found)
    assert found[-1]["choices"][0]["message"]["vendorMetadata"] == {"google": {"responseId": "r-2"}}


def test_a_stream_that_failed_has_no_other_end() -> None:
    speaker = Speaker(lambda: TOLD)
    renderer = speaker.client.stream_renderer(context())
    renderer.render(unfold(answer(Text("x"))))
    renderer.fail(STOPPED)
    assert speaker.stop(TOLD) == b""
    assert Speaker(lambda: TOLD).stop(TOLD) == b""


def test_an_error_from_outside_goes_on_counting_where_the_client_has_seen_something() -> None:
    speaker = Speaker(lambda: TOLD)
    renderer = speaker.client.stream_renderer(context())
    *chunks, _ = unfold(answer(Text("x")))
    data = renderer.render(chunks)
    check_order(events(data + speaker.fail(STOPPED, context(), shown=True)))
    assert [event["type"] for event in events(speaker.fail(STOPPED, context(), shown=False))] == ["error"]
    assert [event["type"] for event in events(Speaker(lambda: TOLD).fail(STOPPED, context(), shown=True))] == ["error"]


def test_the_name_is_no_providers() -> None:
    assert CLIENT.name not in (openai_chat.PROVIDER.name, anthropic_messages.PROVIDER.name)
    assert CLIENT.owner == "", "an envelope of ours is opened, and nothing else belongs to anybody"
