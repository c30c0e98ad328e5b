"""The envelope every event shares (events reference, section 2). Built once per call, filled in per event."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal

Severity = Literal["info", "notice", "warning", "error"]
Event = dict[str, Any]
SPEC_VERSION = "1"


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

    __slots__ = ("_common", "_new_id")

    def __init__(self, new_id: Callable[[str], str], common: Mapping[str, Any]) -> None:
        self._new_id = new_id
        self._common = common

    def event(
        self,
        type: str,
        payload: Mapping[str, Any],
        *,
        model_ref: str | None = None,
        attempt: int | None = None,
        severity: Severity = "info",
    ) -> Event:
        """One event of this call, now."""
        return {
            "id": self._new_id("ev_"),
            "type": type,
            "specVersion": SPEC_VERSION,
            "timestamp": timestamp(time.time_ns()),
            **self._common,
            "modelRef": model_ref,
            "model": model_ref,
            "attempt": attempt,
            "severity": severity,
            "payload": payload,
        }


def process_event(
    new_id: Callable[[str], str], type: str, payload: Mapping[str, Any], *, severity: Severity = "info"
) -> Event:
    """An event that belongs to no call: a resource applied, a config rejected."""
    return Scope(new_id, {}).event(type, payload, severity=severity)
