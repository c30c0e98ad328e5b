"""Events as the specification and the SDK's own decoder see them, however the bytes were cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai._streaming import SSEDecoder

from translators.canonical import UpstreamError
from translators.formats import sse

LINES = st.sampled_from(
    [b"data: {}", b"data:x", b"data: two", b"event: ping", b": note", b"id: 7", b"retry: 1", b"", b""]
)
ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


def split(pieces: list[bytes]) -> list[sse.Event]:
    splitter = sse.Splitter()
    return [event for piece in pieces for event in splitter.feed(piece)] + splitter.close()


def decoded(raw: bytes) -> list[str]:
    """The data of each event that the SDK would hand on, empty ones left out."""
    return [event.data for event in SSEDecoder().iter_bytes(iter([raw])) if event.data]


@given(st.lists(LINES, max_size=12), ENDS, st.data())
def test_the_sdk_sees_the_same_events_however_the_bytes_were_cut(
    lines: list[bytes], end: bytes, data: st.DataObject
) -> None:
    raw = b"".join(line + end for line in lines)
    at = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    pieces = [raw[start:stop] for start, stop in zip([0, *at], [*at, len(raw)], strict=True)]
    events = split(pieces)
    assert [event.data.decode() for event in events if event.data] == decoded(raw + end + end)
    assert decoded(b"".join(event.raw for event in events)) == decoded(raw + end + end)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\r"])
def test_an_event_without_its_blank_line_is_closed_so_that_nothing_joins_it(end: bytes) -> None:
    (event,) = split([b"data: {}" + end])
    assert decoded(event.raw + b"data: [DONE]\n\n") == ["{}", "[DONE]"]


def test_an_event_beyond_the_limit_is_refused_before_it_is_whole() -> None:
    splitter = sse.Splitter(limit=64)
    with pytest.raises(UpstreamError, match="too large"):
        splitter.feed(b"data: " + b"x" * 100)
