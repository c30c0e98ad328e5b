"""The envelope every event shares (events reference, section 2), written once per call and filled in per event.

An event travels as the JSON text it will be stored as: what a call has in common is encoded once, and nothing is kept as a
dictionary that a later thread would have to fetch from cold memory.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from translators.formats.json import dumps

Severity = Literal["info", "notice", "warning", "error"]


class Event(NamedTuple):
    """One event: its type, and the whole of it as one line of JSON without the line's end."""

    type: str
    line: bytes


@lru_cache(2)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(seconds))


def timestamp(nanoseconds: int) -> str:
    """ISO 8601 in UTC with milliseconds, of a unix time in nanoseconds."""
    milliseconds = nanoseconds // 1_000_000
    return f"{_second(milliseconds // 1000)}{milliseconds % 1000:03d}Z"


class Scope:
    """What all events of one call have in common.

    `new_id("ev_")` gives sortable ids. `common` are the envelope members that do not change during the call.
    """

    __slots__ = ("_common", "_encoded", "_new_id")

    def __init__(self, new_id: Callable[[str], str], common: Mapping[str, Any]) -> None:
        self._new_id = new_id
        self._common = common
        self._encoded: bytes | None = None

    def event(
        self,
        type: str,
        payload: Mapping[str, Any],
        *,
        model_ref: str | None = None,
        attempt: int | None = None,
        severity: Severity = "info",
    ) -> Event:
        """One event of this call, now. `type` and `severity` are words of ours and need no escaping."""
        if self._encoded is None:
            self._encoded = dumps(self._common)[1:-1] + b"," if self._common else b""
        ref = b"null" if model_ref is None else dumps(model_ref)
        head = (
            f'{{"id":"{self._new_id("ev_")}","type":"{type}","specVersion":"1","timestamp":"{timestamp(time.time_ns())}",'
            f'"attempt":{"null" if attempt is None else attempt},"severity":"{severity}",'
        )
        parts = (
            head.encode(),
            self._encoded,
            b'"modelRef":',
            ref,
            b',"model":',
            ref,
            b',"payload":',
            dumps(payload),
            b"}",
        )
        return Event(type, b"".join(parts))


def process_event(
    new_id: Callable[[str], str], type: str, payload: Mapping[str, Any], *, severity: Severity = "info"
) -> Event:
    """An event that belongs to no call: a resource applied, a config rejected."""
    return Scope(new_id, {}).event(type, payload, severity=severity)
