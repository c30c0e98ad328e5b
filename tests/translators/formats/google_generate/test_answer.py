import pytest

from translators.canonical import NO_USAGE, Finish, Reason, UpstreamError, Usage
from translators.formats.google_generate import PROVIDER
from translators.formats.google_generate.resume import PAUSED_AT, resume

from .answering import document, streamed, whole

COUNTS = {"promptTokenCount": 10, "candidatesTokenCount": 3, "thoughtsTokenCount": 4, "totalTokenCount": 17}


def test_who_answers_and_when():
    got = PROVIDER.parse_response(
        {**document({"text": "a"}, reason="STOP"), "createTime": "2026-04-02T17:03:50.399550Z"}, "i"
    )
    assert (got.id, got.model, got.created) == ("r1", "gemini-3", 1775149430)
    assert whole({"text": "a"}).created == 0


@pytest.mark.parametrize(
    "time",
    ["yesterday", 5, "2026-04-02T17:03:50", "1960-01-01T00:00:00Z", "2026-13-01T00:00:00Z", "0000-01-01T00:00:00Z"],
)
def test_a_time_that_cannot_be_read_is_none(time):
    assert PROVIDER.parse_response({**document(reason="STOP"), "createTime": time}, "i").created == 0


def test_the_last_counts_hold_and_chunks_without_any_do_not_take_them_back():
    got = streamed(
        {**document({"text": "a"}), "usageMetadata": {"trafficType": "ON_DEMAND"}},
        {**document({"text": "b"}), "usageMetadata": {"promptTokenCount": 10, "totalTokenCount": 10}},
        {**document(reason="STOP"), "usageMetadata": {**COUNTS, "serviceTier": "flex"}},
        {"usageMetadata": {"trafficType": "ON_DEMAND"}},
    )
    assert got.usage == Usage(input=10, output=7, reasoning=4)
    assert got.service_tier == "flex"


def test_a_blocked_prompt_is_an_answer_that_was_filtered():
    body = {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"trafficType": "ON_DEMAND"}}
    for got in (PROVIDER.parse_response(body, "i"), streamed(body)):
        (choice,) = got.choices
        assert (choice.finish, choice.finish_raw, choice.message.blocks) == (
            Finish.CONTENT_FILTER,
            "PROHIBITED_CONTENT",
            (),
        )
        assert got.usage == NO_USAGE


@pytest.mark.parametrize("body", [{}, {"candidates": []}, {"candidates": [{"content": {}}]}, {"promptFeedback": {}}])
def test_an_answer_without_an_end_is_none(body):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "i")
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")
    with pytest.raises(UpstreamError) as caught:
        streamed(body)
    assert caught.value.reason is Reason.STREAM_CUT


@pytest.mark.parametrize("body", [{"candidates": "x"}, {"candidates": [5]}])
def test_another_shape_is_none(body):
    with pytest.raises(UpstreamError, match="candidates"):
        PROVIDER.parse_response(body, "i")


def test_a_reason_in_the_middle_is_no_end():
    running = document({"executableCode": {"code": "1", "language": "PYTHON"}}, reason="STOP")
    with pytest.raises(UpstreamError):
        streamed(running)
    with pytest.raises(UpstreamError):
        streamed(document({"text": "a"}, reason="STOP"), document({"text": "b"}))
    got = streamed(
        running,
        document({"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}}),
        document({"text": "b"}, reason="STOP"),
    )
    assert got.choices[0].finish is Finish.STOP


def test_a_reason_may_come_behind_the_last_part():
    got = streamed(document({"functionCall": {"name": "f"}}), {"candidates": [{"finishReason": "STOP"}]})
    assert got.choices[0].finish is Finish.TOOL_CALLS


def test_a_pause_goes_on_with_its_token_beside_the_same_request():
    got = whole({"text": "a"}, reason="CONTINUATION", continuationToken="dG9rZW4=")
    assert got.choices[0].finish is Finish.PAUSE
    assert got.extensions == {PAUSED_AT: "dG9rZW4="}
    body = {"contents": [], "generationConfig": {"maxOutputTokens": 70000}}
    assert resume(body, got) == {**body, "continuationToken": "dG9rZW4="}
    assert resume({**body, "continuationToken": "b2xk"}, got)["continuationToken"] == "dG9rZW4="
    assert body == {"contents": [], "generationConfig": {"maxOutputTokens": 70000}}


def test_a_token_that_nobody_needs_is_not_told():
    assert whole({"text": "a"}, continuationToken="dG9rZW4=").extensions == {}
    assert whole({"text": "a"}, reason="CONTINUATION").choices[0].finish is Finish.LENGTH


def test_an_error_in_the_place_of_an_answer_is_one():
    body = {"error": {"code": 503, "message": "The model is overloaded.", "status": "UNAVAILABLE"}}
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "i")
    assert (caught.value.reason, caught.value.failure, caught.value.http_status) == (
        Reason.ERROR_5XX,
        "inband_error",
        200,
    )
