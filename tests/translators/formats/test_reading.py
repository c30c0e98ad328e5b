"""What a reader made is handed on before the error behind it, and that error is never lost."""

from collections.abc import Callable

import pytest

from translators.canonical import UpstreamError
from translators.formats.ndjson import LineSplitter
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import unreadable


class Words(StreamReader[bytes, str]):
    """Lines as text; "bad" is an error."""

    def __init__(self) -> None:
        super().__init__(LineSplitter())

    def feed(self, data: bytes) -> list[str]:
        return self._read(data)

    def close(self) -> list[str]:
        return self._read_rest()

    def _take(self, unit: bytes, made: list[str]) -> None:
        if unit == b"bad":
            raise unreadable("sse_garbage")
        made.append(unit.decode())


def test_what_came_before_an_error_is_handed_on_and_nothing_behind_it() -> None:
    words = Words()
    assert words.feed(b"one\nbad\ntwo\n") == ["one"]


@pytest.mark.parametrize("then", [lambda words: words.feed(b""), lambda words: words.feed(b"x\n"), Words.close])
def test_an_error_that_was_held_back_is_raised_by_whatever_comes_next(then: Callable[[Words], list[str]]) -> None:
    words = Words()
    words.feed(b"one\nbad\n")
    for _ in range(2):
        with pytest.raises(UpstreamError, match="cannot be read"):
            then(words)


def test_an_error_with_nothing_before_it_is_raised_at_once() -> None:
    words = Words()
    with pytest.raises(UpstreamError):
        words.feed(b"bad\n")
    with pytest.raises(UpstreamError):
        words.close()


def test_the_end_of_input_completes_the_last_line() -> None:
    words = Words()
    assert words.feed(b"one\ntw") == ["one"]
    assert words.close() == ["tw"]
