"""Server-sent events, incrementally. https://html.spec.whatwg.org/multipage/server-sent-events.html

`Splitter` cuts a byte stream into whole events without looking at more than line ends; it keeps each event's own bytes so
that a relay can pass them on untouched. An event larger than `limit` raises, so memory stays bounded.
"""

from __future__ import annotations

from translators.canonical import Reason, UpstreamError, value

EVENT_LIMIT = 16 * 1024 * 1024
"""The largest event accepted, in bytes."""

_BOM = b"\xef\xbb\xbf"


@value
class Event:
    """One event: `raw` as it came, blank line included; `data` joined; `name` of its `event:` field."""

    raw: bytes
    data: bytes
    name: bytes


class Splitter:
    """Feed it bytes split anywhere; it returns whole events. A block of comments comes back with empty `data`.

    Lines end in LF, CRLF or CR; a blank line ends an event. An event that the input's end cuts off before its blank line
    is returned by `close`, blank line supplied: some servers forget it, and whatever a relay sends next would join it.
    """

    def __init__(self, limit: int = EVENT_LIMIT) -> None:
        self._pending = b""
        self._searched = 0  # how far `_pending` is known to hold no event end
        self._limit = limit
        self._first = True

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises `UpstreamError` when one outgrows the limit."""
        if not self._pending and not self._first and self._is_one(data):
            return [Event(data, data[6:-2], b"")]
        pending = self._pending + data if self._pending else data
        if self._first and pending:
            if _BOM.startswith(pending) and pending != _BOM:
                self._pending = pending
                return []
            pending = pending.removeprefix(_BOM)
            self._first = False
        if b"\r" in pending:
            return self._feed_mixed(pending)
        events: list[Event] = []
        start = 0
        search = max(self._searched - 1, 0)
        while (end := pending.find(b"\n\n", search)) >= 0:
            events.append(parse(pending[start : end + 2]))
            start = search = end + 2
        self._keep(pending[start:] if start else pending)
        return events

    def _is_one(self, data: bytes) -> bool:
        """Whether `data` is one whole event of one line, as live streams send them."""
        last = len(data) - 2
        if not data.startswith(b"data: ") or data.find(b"\n") != last or data[last:] != b"\n\n":
            return False
        return b"\r" not in data and last < self._limit

    def _feed_mixed(self, pending: bytes) -> list[Event]:
        # A trailing CR may be the first half of CRLF: it stays until the next byte tells.
        events: list[Event] = []
        start = position = 0
        blank_from = 0
        size = len(pending)
        while True:
            line_feed, carriage = pending.find(b"\n", position), pending.find(b"\r", position)
            if line_feed < 0 and carriage < 0:
                break
            at = line_feed if carriage < 0 or 0 <= line_feed < carriage else carriage
            if at == carriage and at + 1 == size:
                break
            after = at + 2 if pending[at : at + 2] == b"\r\n" else at + 1
            if at == blank_from:  # an empty line
                if at > start:
                    events.append(parse(pending[start:after]))
                start = after
            position = blank_from = after
        self._keep(pending[start:])
        return events

    def _keep(self, pending: bytes) -> None:
        if len(pending) > self._limit:
            raise UpstreamError(
                Reason.BAD_RESPONSE,
                "The provider sent an event that is too large.",
                failure="too_big",
                billed_risk=True,
            )
        self._pending = pending
        self._searched = len(pending)

    def close(self) -> list[Event]:
        """The event that the end of input cut short of its blank line, if any."""
        pending, self._pending = self._pending.rstrip(b"\r\n"), b""
        return [parse(pending + b"\n\n")] if pending.strip() else []


def parse(raw: bytes) -> Event:
    """The event whose lines are `raw`. Fields other than `data` and `event` are ignored."""
    if raw.startswith(b"data: ") and raw.endswith(b"\n\n") and raw.find(b"\n") == len(raw) - 2 and b"\r" not in raw:
        return Event(raw, raw[6:-2], b"")
    data: list[bytes] = []
    name = b""
    for line in raw.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n"):
        field, _, value = line.partition(b":")
        if field == b"data":
            data.append(value.removeprefix(b" "))
        elif field == b"event":
            name = value.removeprefix(b" ")
    return Event(raw, b"\n".join(data), name)


def render(data: bytes, name: bytes = b"") -> bytes:
    """One event on the wire. `data` must be a single line, as compact JSON is."""
    if name:
        return b"event: %b\ndata: %b\n\n" % (name, data)
    return b"data: %b\n\n" % data
