import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import Reason, UpstreamError
from translators.formats.ndjson import LineSplitter


def lines(*pieces: bytes) -> list[bytes]:
    splitter = LineSplitter()
    found = [line for piece in pieces for line in splitter.feed(piece)]
    return found + splitter.close()


def test_lines_end_in_line_feeds_with_or_without_a_carriage_return():
    assert lines(b'{"a":1}\n{"b":2}\r\n\n \n{"c":3}\n') == [b'{"a":1}', b'{"b":2}', b'{"c":3}']


def test_the_last_line_may_lack_its_end():
    assert lines(b'{"a":1}\n{"b"', b":2}") == [b'{"a":1}', b'{"b":2}']


def test_a_byte_order_mark_is_taken_off():
    assert lines(b"\xef\xbb", b"\xbf{}\n") == [b"{}"]


@given(st.binary(max_size=200).map(lambda raw: raw.replace(b"\x00", b"\n")), st.integers(1, 7))
def test_where_the_bytes_are_split_changes_nothing(data: bytes, step: int):
    whole = lines(data)
    assert lines(*[data[at : at + step] for at in range(0, len(data), step)]) == whole


def test_a_character_split_between_reads_is_put_together():
    text = "grüße 🦜".encode()
    assert lines(*[text[at : at + 1] for at in range(len(text))]) == [text]


def test_an_endless_line_raises_at_the_limit_and_not_before():
    splitter = LineSplitter(limit=100)
    assert splitter.feed(b"x" * 60) == []
    assert splitter.feed(b"x" * 40) == []
    with pytest.raises(UpstreamError) as caught:
        splitter.feed(b"x")
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "too_big")


def test_a_whole_line_over_the_limit_raises_too():
    with pytest.raises(UpstreamError):
        LineSplitter(limit=10).feed(b"ok\n" + b"x" * 11 + b"\n")
    assert LineSplitter(limit=10).feed(b"ok\n" + b"x" * 10 + b"\n") == [b"ok", b"x" * 10]
