"""What an outage multiplies into: the health machine, the retry share and the panic rule against SDKs that retry.

A simulation without a clock, a socket or a wait: 100 calls a second for 120 seconds, two upstreams, a fault from second 30
to 90. The limits are the fourth column of the table in RELIABILITY 3.4. SDKs behave as openai-python does: two retries, 0.5
seconds doubled each time less up to a quarter of it, none when `x-should-retry` says false.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Generator
from dataclasses import dataclass, field

import pytest

from proxy.resources import HealthSettings
from proxy.routing.condition import Condition
from proxy.routing.health import Health
from proxy.routing.retries import RetryShare

CALLS_A_SECOND, SECONDS, FAULT = 100, 120, (30.0, 90.0)
REFS = ("first", "second")
SDK_RETRIES = 2


@dataclass
class Storm:
    """`errors` is each upstream's share of failing answers during the fault, `latency` how long an answer takes."""

    errors: tuple[float, float]
    latency: float = 0.05
    obedient: bool = True
    """Whether the SDK heeds `x-should-retry: false`."""
    attempts: int = 0
    served: int = 0
    calls: int = 0
    _queue: list[tuple[float, int, Generator[float, None, object]]] = field(default_factory=list)
    _number: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(20261122)
        self._health = Health(HealthSettings(), self._chance.random)
        self._share = RetryShare()
        self.now = 0.0

    def run(self) -> Storm:
        for number in range(CALLS_A_SECOND * SECONDS):
            self._start(number / CALLS_A_SECOND, self._call())
        while self._queue:
            self.now, _, process = heapq.heappop(self._queue)
            pause = next(process, None)
            if pause is not None:
                self._start(self.now + pause, process)
        return self

    @property
    def attempts_per_call(self) -> float:
        return self.attempts / self.calls

    @property
    def share_served(self) -> float:
        return self.served / self.calls

    def health(self, ref: str) -> Condition:
        return self._health.of(ref, self.now)

    def _start(self, when: float, process: Generator[float, None, object]) -> None:
        self._number += 1
        heapq.heappush(self._queue, (when, self._number, process))

    def _call(self) -> Generator[float, None, None]:
        """The SDK's side of a call. Yields how long it waits."""
        self.calls += 1
        for retries in range(SDK_RETRIES + 1):
            outcome = yield from self._proxy(sdk_retry=retries > 0)
            if outcome == "ok":
                self.served += 1
            if outcome == "ok" or (outcome == "all open" and self.obedient):
                return
            yield 0.5 * 2**retries * (1.0 - 0.25 * self._chance.random())

    def _proxy(self, *, sdk_retry: bool) -> Generator[float, None, str]:
        """The proxy's side of a request: each candidate at most once, the second as a retry that the share must allow.

        When all that may be asked have failed, an open one is the last resort. When all are open, there is one attempt.
        """
        ready = sorted(
            [ref for ref in REFS if self._may_be_asked(ref)], key=lambda ref: self.health(ref).state == "degraded"
        )
        opened = sorted([ref for ref in REFS if ref not in ready], key=lambda ref: self.health(ref).since)
        attempts = 0
        for ref in [*ready, *opened]:
            if not (self._may_be_asked(ref) or self.health(ref).spare):
                continue
            if attempts and not (ready and self._share.allows(ref, self.now)):
                continue
            good = yield from self._attempt(ref, retry=sdk_retry or attempts > 0)
            if good:
                return "ok"
            attempts += 1
        return "all open" if all(self.health(ref).name == "Unhealthy" for ref in REFS) else "error"

    def _may_be_asked(self, ref: str) -> bool:
        condition = self.health(ref)
        return condition.well or condition.state == "degraded" or (condition.state == "half_open" and condition.admits)

    def _attempt(self, ref: str, *, retry: bool) -> Generator[float, None, bool]:
        self.attempts += 1
        fails = FAULT[0] <= self.now < FAULT[1] and self._chance.random() < self.errors[REFS.index(ref)]
        ticket = self._health.began(ref, self.now)
        self._share.began(ref, self.now, retry=retry)
        yield self.latency * (0.8 + 0.4 * self._chance.random())
        self._share.ended(ref, retry=retry)
        if fails:
            self._health.failed(ref, self.now, local=False, ticket=ticket)
        else:
            self._health.succeeded(ref, self.now, self.latency, None, ticket)
        return not fails


@pytest.mark.parametrize(
    ("errors", "most_attempts", "least_served"),
    [
        pytest.param((1.0, 1.0), 2.1, 0.49, id="both down"),
        pytest.param((1.0, 0.0), 1.1, 0.99, id="one down"),
        pytest.param((0.5, 0.5), 1.5, 0.97, id="both failing half of the time"),
        pytest.param((0.1, 0.1), 1.1, 0.995, id="both failing now and then"),
    ],
)
@pytest.mark.parametrize("obedient", [True, False], ids=["obedient SDK", "SDK that always retries"])
def test_an_outage_is_not_multiplied_and_what_can_be_served_is(
    errors: tuple[float, float], most_attempts: float, least_served: float, obedient: bool
) -> None:
    storm = Storm(errors, obedient=obedient).run()
    assert storm.calls == CALLS_A_SECOND * SECONDS
    assert storm.attempts_per_call <= most_attempts, f"{storm.attempts_per_call:.2f} attempts per call"
    assert storm.share_served >= least_served, f"{100 * storm.share_served:.1f} % served"


@pytest.mark.parametrize("latency", [0.005, 2.0])
def test_slow_and_quick_upstreams_are_asked_no_more_often(latency: float) -> None:
    for errors, most in [((1.0, 1.0), 2.1), ((1.0, 0.0), 1.1), ((0.5, 0.5), 1.5)]:
        storm = Storm(errors, latency=latency, obedient=False).run()
        assert storm.attempts_per_call <= most, f"{storm.attempts_per_call:.2f} attempts per call at {errors}"


def test_both_are_well_again_soon_after_the_outage() -> None:
    storm = Storm((1.0, 1.0)).run()
    storm.now += 60.0  # degraded since the last failures that were seen
    assert [storm.health(ref).name for ref in REFS] == ["Healthy", "Healthy"]
