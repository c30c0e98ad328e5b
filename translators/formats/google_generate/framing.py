"""The three framings of a stream of Google's, cut into JSON documents: server-sent events, one JSON array, one bare object.

Without `alt=sse` the answer is an array that arrives element by element; an error may come as a bare object, even under the
content type of events. The first byte tells. What a document means is not known here.
"""

from __future__ import annotations

import re

from translators.canonical import Reason, UpstreamError
from translators.formats import sse

_SPACE = b" \t\r\n"
_MARK = re.compile(rb'[{}"]')
_IN_STRING = re.compile(rb'\\.|"', re.DOTALL)


class Splitter:
    """Feed it bytes split anywhere; it returns whole documents."""

    def __init__(self) -> None:
        self._events: sse.Splitter | None = None
        self._array: _ElementSplitter | None = None
        self._head = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The documents that `data` completes. Raises `UpstreamError` when one outgrows the limit."""
        if self._events is not None:
            return _documents(self._events.feed(data))
        if self._array is not None:
            return self._array.feed(data)
        head = self._head = self._head + data
        start = head.lstrip(_SPACE)[:1]
        if not start:
            return []
        self._head = b""
        if start in (b"[", b"{"):
            self._array = _ElementSplitter()
        else:
            self._events = sse.Splitter()
        return self.feed(head)

    def close(self) -> list[bytes]:
        """What the end of input completes. Half a document is returned as it is, for its reader to refuse."""
        if self._events is not None:
            return _documents(self._events.close())
        return self._array.close() if self._array is not None else []


def _documents(events: list[sse.Event]) -> list[bytes]:
    """The data of events; or the bare object, without `data:`, in which an error broke in. Comments say nothing."""
    return [event.data or event.raw for event in events if event.data or event.raw[:1] in (b"{", b"[")]


class _ElementSplitter:
    """Whole objects out of an array of them, or one that stands alone. Each byte is looked at once."""

    def __init__(self) -> None:
        self._pending = bytearray()
        self._at = 0  # up to where `_pending` was looked at
        self._depth = 0
        self._start = 0
        self._in_string = False

    def feed(self, data: bytes) -> list[bytes]:
        pending = self._pending
        pending += data
        if len(pending) > sse.EVENT_LIMIT:
            raise UpstreamError(
                Reason.BAD_RESPONSE,
                "The provider sent an event that is too large.",
                failure="too_big",
                billed_risk=True,
            )
        found: list[bytes] = []
        while (mark := (_IN_STRING if self._in_string else _MARK).search(pending, self._at)) is not None:
            self._at = mark.end()
            if mark[0] == b'"':
                self._in_string = not self._in_string
            elif mark[0] == b"{":
                if self._depth == 0:
                    self._start = mark.start()
                self._depth += 1
            elif mark[0] == b"}" and self._depth:
                self._depth -= 1
                if self._depth == 0:
                    found.append(bytes(pending[self._start : self._at]))
        half_escape = self._in_string and self._at < len(pending) and pending.endswith(b"\\")
        self._at = len(pending) - half_escape
        self._forget()
        return found

    def _forget(self) -> None:
        """Let go of what lies before the open object."""
        drop = self._start if self._depth else self._at
        del self._pending[:drop]
        self._at -= drop
        self._start = 0

    def close(self) -> list[bytes]:
        rest = bytes(self._pending.strip()) if self._depth else b""
        return [rest] if rest else []
