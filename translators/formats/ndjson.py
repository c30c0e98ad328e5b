"""Newline-delimited JSON, incrementally: what Ollama streams. https://github.com/ndjson/ndjson-spec

`LineSplitter` cuts a byte stream into whole lines and looks at nothing but line feeds, so a UTF-8 sequence split between
two reads is put together before anyone decodes it. A line larger than `limit` raises, so memory stays bounded.
"""

from __future__ import annotations

from translators.canonical import Reason, UpstreamError

LINE_LIMIT = 16 * 1024 * 1024
"""The largest line accepted, in bytes."""

_BOM = b"\xef\xbb\xbf"


class LineSplitter:
    """Feed it bytes split anywhere; it returns whole lines, without their ends. Blank lines are left out."""

    def __init__(self, limit: int = LINE_LIMIT) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._limit = limit
        self._first = True

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that `data` completes. Raises `UpstreamError` when one outgrows the limit."""
        *whole, rest = data.split(b"\n")
        if whole:
            self._hold(whole[0])
            whole[0] = self._taken()
            if max(map(len, whole)) > self._limit:
                raise _too_big()
        self._hold(rest)
        return [line for raw in whole if (line := self._cleaned(raw))]

    def close(self) -> list[bytes]:
        """The line that the end of input cut short of its line feed, if any."""
        line = self._cleaned(self._taken())
        return [line] if line else []

    def _hold(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > self._limit:
            raise _too_big()
        self._parts.append(part)

    def _taken(self) -> bytes:
        line = b"".join(self._parts)
        self._parts.clear()
        self._size = 0
        return line

    def _cleaned(self, line: bytes) -> bytes:
        if self._first:
            self._first = False
            line = line.removeprefix(_BOM)
        return line.strip(b" \t\r")


def _too_big() -> UpstreamError:
    return UpstreamError(
        Reason.BAD_RESPONSE, "The provider sent a line that is too large.", failure="too_big", billed_risk=True
    )
