import pytest

from translators.canonical import UpstreamError
from translators.formats import sse
from translators.formats.openai_responses.events import parse_event


def event(raw: bytes):
    return parse_event(sse.parse(raw))


def test_an_event_is_an_object_with_a_type():
    assert event(b'event: a\ndata: {"type":"a"}\n\n') == {"type": "a"}
    assert event(b"data: [DONE]\n\n") is None


def test_a_bare_error_gets_its_type():
    assert event(b'data: {"error":{"message":"x"}}\n\n')["type"] == "error"
    assert event(b'data: {"type":"response.x","error":{"message":"x"}}\n\n')["type"] == "error"


def test_half_a_surrogate_pair_reads_as_a_replacement():
    assert event(rb'data: {"type":"a","delta":"hi\ud83d"}' + b"\n\n") == {"type": "a", "delta": "hi\ufffd"}


@pytest.mark.parametrize(
    ("raw", "failure"),
    [
        (b"data: {nonsense\n\n", "sse_garbage"),
        (b"data: 3\n\n", "sse_garbage"),
        (b'data: {"type":3}\n\n', "sse_garbage"),
        (b'data: {"type":"a","x":NaN}\n\n', "sse_garbage"),
        (b'data: {"type":"a","x":"\xff"}\n\n', "bad_utf8"),
        (b': \xff\ndata: {"type":"a"}\n\n', "bad_utf8"),
    ],
)
def test_what_would_crash_an_sdk_is_not_passed_on(raw, failure):
    with pytest.raises(UpstreamError) as raised:
        event(raw)
    assert (raised.value.failure, raised.value.billed_risk) == (failure, True)
