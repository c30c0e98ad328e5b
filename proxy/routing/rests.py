"""Candidates that asked to be left alone: rate limited or overloaded until a time.

A provider that names a time is taken at its word, up to `CAP`. One that does not rests 1, 2, 4 ... 30 seconds with jitter,
growing while it keeps refusing. A rest is per candidate and local to this process; it is not health.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

CAP = 300.0
_GUESS_CAP = 30.0


@dataclass(frozen=True, slots=True)
class Rest:
    """`until` on the monotonic clock. `told`: the provider named the time, it is not our guess."""

    until: float
    told: bool


class Rests:
    """`jitter()` gives a number in [0, 1). Times are seconds on the clock the caller passes."""

    def __init__(self, jitter: Callable[[], float]) -> None:
        self._jitter = jitter
        self._rests: dict[str, Rest] = {}
        self._refusals: dict[str, int] = {}

    @property
    def none(self) -> bool:
        """Whether nobody rests."""
        return not self._rests

    def refused(self, ref: str, now: float, retry_after: float | None) -> float:
        """The candidate refused at `now`. Returns how long it rests."""
        count = self._refusals.get(ref, 0)
        self._refusals[ref] = count + 1
        if retry_after is not None:
            wait = min(retry_after, CAP)
        else:
            wait = min(2.0**count, _GUESS_CAP) * (0.8 + 0.4 * self._jitter())
        self._rests[ref] = Rest(now + wait, retry_after is not None)
        return wait

    def served(self, ref: str) -> None:
        """The candidate answered: no rest, and the next guess starts small again."""
        if ref in self._refusals:
            del self._refusals[ref]
            self._rests.pop(ref, None)

    def of(self, ref: str, now: float) -> Rest | None:
        """The rest that is not over at `now`."""
        rest = self._rests.get(ref)
        if rest is None:
            return None
        if rest.until <= now:
            del self._rests[ref]
            return None
        return rest
