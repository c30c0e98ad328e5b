"""What `Health` remembers of one candidate, and the condition that makes of it. It decides nothing and changes no state."""

from __future__ import annotations

from collections import deque
from math import ceil, inf

from .condition import WELL, Condition, State
from .window import Window

PANIC_CALLS = 5
"""How many calls of last resort a candidate is sent at a time (design, RELIABILITY 3.5)."""
CLOSED = ("unknown", "healthy", "degraded")
"""The states in which calls are sent as usual."""

GOOD, BAD, LOCAL = 0, 1, 2
"""What `Record.window` counts. Local failures are among the bad ones."""
REQUESTS, ACCEPTS = 0, 1
"""What `Record.load` counts."""

_LATENCIES, _LATENCY_SECONDS = 100, 120.0


class Record:
    """`state` is the breaker's or the credential's; a rest lies on top of it. Times are seconds on the monotonic clock.

    `born`, `epoch` and `rested` are marks: a call that began before the record was made, before it took its state, or before
    it went to rest is no evidence of what came after. `probing`: the one permit is out; `panics` counts the calls of last
    resort under way. `good` are the answers towards closing, `streak` the failures in a row, `refusals` those without a
    success between. `load` is there from the first overload on until 120 seconds after the last call; `sent` is the last.
    """

    __slots__ = (
        *("ref", "born", "state", "since", "until", "cause", "epoch", "trips", "good", "probing", "panics", "streak"),
        *("rest_until", "rest_since", "rest_told", "rest_cause", "rested", "refusals"),
        *("window", "latencies", "load", "sent"),
        *("condition", "check", "turns", "open_to_all", "steady"),
    )

    def __init__(self, ref: str, born: int, window: Window) -> None:
        self.ref, self.born = ref, born
        self.state: State = "unknown"
        self.since, self.until, self.cause, self.epoch = 0.0, inf, "", born
        self.trips = self.good = self.panics = self.streak = 0
        self.probing = False
        self.rest_until: float | None = None
        self.rest_since, self.rest_told, self.rest_cause, self.rested, self.refusals = 0.0, False, "", born, 0
        self.window = window
        self.latencies: deque[tuple[float, float, float | None]] = deque(maxlen=_LATENCIES)
        self.load: Window | None = None
        self.sent = -inf
        self.condition = WELL
        self.check = inf  # when the condition has to be looked at again
        self.turns = inf  # when the state changes without a call
        self.open_to_all = True  # calls need no permit
        self.steady = False  # a success changes nothing but the figures

    def quantiles(self, now: float) -> tuple[float | None, float | None, float | None]:
        """p50 and p95 of whole attempts and p50 of the first content, of the last hundred successes in 120 seconds."""
        latencies = self.latencies
        while latencies and latencies[0][0] <= now - _LATENCY_SECONDS:
            latencies.popleft()
        if not latencies:
            return None, None, None
        whole = sorted([seconds for _, seconds, _ in latencies])
        first = sorted([first for _, _, first in latencies if first is not None])
        return _rank(whole, 0.5), _rank(whole, 0.95), _rank(first, 0.5) if first else None

    def condition_at(self, now: float, quantiles: tuple[float | None, float | None, float | None]) -> Condition:
        """How the candidate is, by what is remembered. The record has been brought up to `now`."""
        good, bad, local = self.window.sums
        samples = good + bad
        if self.state == "unknown" and self.rest_until is None and not samples:
            return WELL
        state, until, told, since, cause = self.state, None, False, self.since, self.cause
        free = self.panics < PANIC_CALLS
        admits, spare = True, False
        if state == "credential_bad":
            until = max(self.until, self.rest_until or 0.0)
            admits = now >= until and not self.probing
        elif self.rest_until is not None:
            state, until, since, cause = "resting", self.rest_until, self.rest_since, self.rest_cause
            told = self.rest_told
            admits = spare = free and not told
        elif state == "open":
            until = self.until
            admits = spare = free
        elif state == "half_open":
            admits, spare = not self.probing, free
        p50, p95, first_p50 = quantiles
        return Condition(
            state=state,
            until=until,
            told=told,
            since=since,
            admits=admits,
            error_rate=bad / samples if samples else None,
            p50=p50,
            p95=p95,
            first_p50=first_p50,
            samples=samples,
            trips=self.trips,
            spare=spare,
            local=local,
            cause=cause,
        )


def _rank(ordered: list[float], quantile: float) -> float:
    """The value that `quantile` of them do not exceed (nearest rank)."""
    return ordered[ceil(quantile * len(ordered)) - 1]
