"""Events of a stream: what is a chunk and what is a failure."""

import pytest

from translators.canonical import Reason, UpstreamError
from translators.formats import sse
from translators.formats.openai_chat.events import is_annotation, parse_chunk


def failed(raw: bytes) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        parse_chunk(sse.parse(raw))
    return caught.value


def test_a_chunk_is_its_json():
    assert parse_chunk(sse.parse(b'data: {"choices":[]}\n\n')) == {"choices": []}


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (b"data: {oops\n\n", "sse_garbage"),
        (b"data: 7\n\n", "sse_garbage"),
        (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', "bad_utf8"),
        (b'data: {"choices":[],"x":NaN}\n\n', "sse_garbage"),
    ],
)
def test_what_cannot_be_read_is_refused(raw, failure):
    error = failed(raw)
    assert (error.reason, error.failure) == (Reason.BAD_RESPONSE, failure)
    assert error.billed_risk
    assert b"\xff".decode("latin-1") not in str(error)


@pytest.mark.parametrize(
    ("raw", "reason", "text"),
    [
        (b'data: {"error":{"message":"it broke","code":500}}\n\n', Reason.ERROR_5XX, "it broke"),
        (b'data: {"error":"it broke"}\n\n', Reason.ERROR_5XX, "it broke"),
        (b'event: error\ndata: {"message":"it broke","code":503}\n\n', Reason.ERROR_5XX, "it broke"),
        (b"event: error\ndata: it broke\n\n", Reason.ERROR_5XX, "it broke"),
        (b'data: {"object":"error","message":"bad","code":400}\n\n', Reason.INVALID_REQUEST, "bad"),
        (b'data: {"detail":"it broke"}\n\n', Reason.ERROR_5XX, "it broke"),
        (b'data: {"error":{"message":"slow","code":429},"choices":[{"delta":{}}]}\n\n', Reason.RATE_LIMITED, "slow"),
        (b'data: {"error":{"message":"see https://x.test sk-abc123456"}}\n\n', Reason.ERROR_5XX, "see (url) ***"),
    ],
)
def test_an_error_in_any_shape_is_raised_with_clean_text(raw, reason, text):
    error = failed(raw)
    assert (error.reason, error.failure, error.body.message) == (reason, "inband_error", text)


def test_an_error_member_that_says_nothing_is_no_error():
    assert parse_chunk(sse.parse(b'data: {"error":null,"choices":[]}\n\n')) == {"error": None, "choices": []}


def test_half_an_emoji_is_replaced_and_a_whole_one_kept():
    whole = parse_chunk(sse.parse(rb'data: {"choices":[],"x":"\ud83d\ude00"}' + b"\n\n"))
    assert whole["x"] == "😀"
    half = parse_chunk(sse.parse(rb'data: {"choices":[],"x":"a\ud83d","y":"\ude00b"}' + b"\n\n"))
    assert (half["x"], half["y"]) == ("a\ufffd", "\ufffdb")


@pytest.mark.parametrize(
    ("choice", "is_one"),
    [
        ({"index": 0, "finish_reason": None, "content_filter_results": {}}, True),
        ({"index": 0, "finish_reason": None, "logprobs": None, "delta": None, "content_filter_results": {}}, True),
        ({"index": 0, "finish_reason": None}, False),
        ({"index": 0, "finish_reason": "content_filter", "content_filter_results": {}}, False),
        ({"index": 0, "finish_reason": None, "delta": {}}, False),
        ({"index": 0, "finish_reason": None, "error": {"message": "x"}}, False),
        ({"index": 0, "finish_reason": None, "message": {"content": "a"}}, False),
        ("no choice", False),
    ],
)
def test_a_choice_that_only_tells_of_a_filter(choice, is_one):
    assert is_annotation(choice) is is_one
