"""What an outage multiplies into, through the whole gateway: the table of RELIABILITY 3.4, its column with all the rules in force.

A hundred calls a second for two minutes, two upstreams, a fault from second 30 to 90, answers in 50 ms; apps whose SDK tries again
as openai-python does: twice, and whether and after what wait is what the answer's own headers say. Between the app and what
answers in an upstream's place everything is real but the time. A storm is drawn from one seed, so that it can be seen again.

Measured figures lie where the table's do: over seeds, attempts per call vary by 0.02 and the share served by 0.2 points. Where
two decimals of the table leave no room for that, `SLACK` gives it.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

import openai
import pytest

from proxy.call import Call
from proxy.resources import Model, Retry
from proxy.server.errors import error_response
from tests.support.snapshots import model, route, snapshot
from tests.support.socketless import Socketless
from tests.support.virtual_time import START, VirtualLoop, run
from translators.canonical import FLAGS, CapabilitySet, JochError, Reason, UpstreamError
from translators.formats import Tally

CALLS_A_SECOND, SECONDS, FAULT = 100, 120, (30.0, 90.0)
SDK_RETRIES = 2
SLACK = 0.02
LONGEST_AFTER = 60.0
"""By then every call has ended: an SDK waits for seconds, not for minutes."""

BOTH_DOWN, ONE_DOWN, HALF, TENTH = (1.0, 1.0), (1.0, 0.0), (0.5, 0.5), (0.1, 0.1)
"""The situations of the table: the share of failing answers of each upstream during the fault."""


def internal_error() -> UpstreamError:
    return UpstreamError(Reason.ERROR_5XX, "no", failure="http_500", billed_risk=True, http_status=500)


def overloaded() -> UpstreamError:
    return UpstreamError(Reason.ERROR_5XX, "no", failure="overloaded", http_status=503)


def unreachable() -> UpstreamError:
    return UpstreamError(Reason.CONNECT, "no", failure="connect_refused")


# --- the app's side --------------------------------------------------------------------------------------------------


def wait_before_again(status: int, headers: Any, retries: int, draw: float, *, obedient: bool = True) -> float | None:
    """How many seconds openai-python waits before its next try, None when there is none; `retries` it has made already.

    Not `obedient`: an SDK that knows nothing of `x-should-retry: false`.
    """
    in_milliseconds, in_seconds = headers.get("retry-after-ms"), headers.get("retry-after")
    told = float(in_milliseconds) / 1000 if in_milliseconds else float(in_seconds) if in_seconds else 0.0
    word = headers.get("x-should-retry")
    if retries >= SDK_RETRIES or told > 120.0 or (word == "false" and obedient):
        return None
    if word != "true" and status not in (408, 409, 429) and status < 500:
        return None
    return told or min(0.5 * 2.0**retries, 8.0) * (1.0 - 0.25 * draw)


@pytest.mark.parametrize("status", [400, 404, 408, 409, 422, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("word", [{}, {"x-should-retry": "true"}, {"x-should-retry": "false"}], ids=str)
@pytest.mark.parametrize(
    "wait", [{}, {"retry-after": "7"}, {"retry-after-ms": "1500", "retry-after": "2"}, {"retry-after": "121"}], ids=str
)
def test_the_app_here_tries_again_as_the_sdk_does(status: int, word: dict[str, str], wait: dict[str, str]) -> None:
    headers = {**word, **wait}
    with openai.OpenAI(api_key="x", base_url="http://x") as client:
        sdk: Any = client
        again = sdk._should_retry(SimpleNamespace(status_code=status, headers=headers))
        for retries in range(SDK_RETRIES):
            longest = wait_before_again(status, headers, retries, 0.0)
            shortest = wait_before_again(status, headers, retries, 1.0)
            assert (longest is not None) == (shortest is not None) == again
            if longest is not None and shortest is not None:
                options = SimpleNamespace(get_max_retries=lambda default: default)
                assert shortest <= sdk._calculate_retry_timeout(SDK_RETRIES - retries, options, headers) <= longest
    assert wait_before_again(status, headers, SDK_RETRIES, 0.0) is None


# --- a storm ---------------------------------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Storm:
    """Two minutes of calls to a route over two upstreams, and what came of them.

    `errors` are the shares of failing answers, `latency` is how long an answer takes, `retry` what the route does beside its
    fallback. `attempts` and `retries`, those at the same candidate, are counted by upstream and second; `most_running` is the
    most that was under way at one upstream in the second half of the fault, when it is known to be one. `most` is the most
    attempts that one request of the SDK came to, `last_lost` the second in which the last call that nobody served began.
    """

    errors: tuple[float, float]
    seed: int = 1
    failure: Callable[[], UpstreamError] = internal_error
    retry: Retry = field(default_factory=Retry)
    latency: float = 0.05
    obedient: bool = True
    calls: int = 0
    served: int = 0
    most: int = 0
    last_lost: float = 0.0
    attempts: Counter[tuple[str, int]] = field(default_factory=Counter)
    retries: Counter[tuple[str, int]] = field(default_factory=Counter)
    running: Counter[str] = field(default_factory=Counter)
    most_running: Counter[str] = field(default_factory=Counter)

    def run(self) -> Storm:
        self._chance = random.Random(self.seed)
        run(self._traffic)
        return self

    @property
    def attempts_per_call(self) -> float:
        return self.attempts.total() / self.calls

    @property
    def share_served(self) -> float:
        return self.served / self.calls

    @property
    def peak(self) -> int:
        """The most attempts that one upstream got in one second."""
        return max(self.attempts.values())

    def __str__(self) -> str:
        return (
            f"seed {self.seed}: {self.attempts_per_call:.3f} attempts per call, at most {self.most} in one, peak "
            f"{self.peak} a second, {100 * self.share_served:.2f} % served"
        )

    async def _traffic(self, loop: VirtualLoop) -> None:
        records = [model("openai", f"http://{name}.example", name) for name in ("first", "second")]
        made = snapshot(records, [route("r", *(each.ref for each in records), retry=self.retry)])
        self._loop = loop
        self._stage = Socketless(loop, made, self, self._chance)
        apps = []
        for number in range(CALLS_A_SECOND * SECONDS):
            apps.append(loop.create_task(self._app()))
            await asyncio.sleep(START + (number + 1) / CALLS_A_SECOND - loop.time())
        async with asyncio.timeout(LONGEST_AFTER):
            await asyncio.gather(*apps)
        self._stage.close()

    async def _app(self) -> None:
        """One call of an app, the tries of its SDK included."""
        began = self._loop.time() - START
        self.calls += 1
        for retries in range(SDK_RETRIES + 1):
            call = self._stage.call(sdk_retries=retries)
            try:
                await self._stage.gateway.generate(call)
            except JochError as error:
                answer = error_response(error, call.id)
                draw = self._chance.random()
                wait = wait_before_again(answer.status, answer.headers, retries, draw, obedient=self.obedient)
            else:
                self.served += 1
                return
            finally:
                self._note(call)
            if wait is None:
                break
            await asyncio.sleep(wait)
        self.last_lost = max(self.last_lost, began)

    def _note(self, call: Call) -> None:
        self.most = max(self.most, len(call.trail))
        for before, attempt in zip(call.trail, call.trail[1:], strict=False):
            if before.candidate is attempt.candidate:
                self.retries[attempt.candidate.model.name, int(attempt.started - START)] += 1

    # --- in the place of bindings ------------------------------------------------------------------------------------

    def of(self, record: Model) -> Any:
        host = f"{record.name}.example"
        return SimpleNamespace(
            host=host,
            issuer=record.ref,
            capabilities=lambda: CapabilitySet(flags=dict.fromkeys(FLAGS, True)),
            translates=lambda client, request: False,
            prepare=lambda asked: SimpleNamespace(
                transforms=(), api="chat", lane="verbatim", host=host, send=lambda: self._send(record.name)
            ),
        )

    async def _send(self, name: str) -> Any:
        now = self._loop.time() - START
        self.attempts[name, int(now)] += 1
        self.running[name] += 1
        if sum(FAULT) / 2 <= now < FAULT[1]:
            self.most_running[name] = max(self.most_running[name], self.running[name])
        fails = FAULT[0] <= now < FAULT[1] and self._chance.random() < self.errors[name == "second"]
        await asyncio.sleep(self.latency)
        self.running[name] -= 1
        if fails:
            raise self.failure()
        return SimpleNamespace(upstream_request_id=None, tally=Tally(), whole=_said, close=lambda: None)


async def _said() -> bytes:
    return b"{}"


@cache
def storm(errors: tuple[float, float], **how: Any) -> Storm:
    """A storm that several tests look at is run once."""
    return Storm(errors=errors, **how).run()


SEEDS = [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 9))]


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(
    ("errors", "attempts", "served"),
    [
        pytest.param(BOTH_DOWN, 2.00, 0.5, id="both down"),  # all calls but those of the fault's minute, which is half
        pytest.param(ONE_DOWN, 1.00, 1.0, id="one down"),
        # What moves to another candidate counts towards the retry share and is not held back by it: some 0.04 attempts
        # more than in the table, for 1.3 points more served. Both ways keep to these bounds.
        pytest.param(HALF, 1.45 + 0.05, 0.979, id="both failing half of the time"),
        pytest.param(TENTH, 1.06, 1.0, id="both failing now and then"),
    ],
)
def test_an_outage_is_multiplied_no_more_than_the_table_says_and_as_much_is_served(
    errors: tuple[float, float], attempts: float, served: float, seed: int
) -> None:
    seen = storm(errors, seed=seed)
    assert seen.calls == CALLS_A_SECOND * SECONDS
    assert seen.attempts_per_call <= attempts + SLACK, str(seen)
    assert seen.share_served >= served - SLACK / 4, str(seen)
    assert seen.peak <= 321, str(seen)
    assert seen.most <= 2, "without retries a route over two has two attempts"


# --- its rules -------------------------------------------------------------------------------------------------------


def test_where_all_are_down_each_is_sent_five_calls_of_last_resort_at_a_time_and_one_probe() -> None:
    seen = storm(BOTH_DOWN, latency=2.0)
    assert max(seen.most_running.values()) <= 5 + 1, seen.most_running


@pytest.mark.parametrize("errors", [BOTH_DOWN, ONE_DOWN, HALF], ids=["both", "one", "half"])
def test_two_seconds_after_the_fault_every_call_is_served(errors: tuple[float, float]) -> None:
    seen = storm(errors, seed=1)
    assert seen.last_lost < FAULT[1] + 2.0, f"a call of second {seen.last_lost:.2f} was lost"


def test_second_tries_at_the_same_upstream_keep_to_their_share() -> None:
    seen = storm(HALF, failure=unreachable, retry=Retry(attempts=2), latency=0.5)
    assert seen.retries.total() > 100, "the route does retry"
    for second in range(9, SECONDS):
        window = [("first", each) for each in range(second - 9, second + 1)]
        asked, again = sum(seen.attempts[each] for each in window), sum(seen.retries[each] for each in window)
        at_a_time = 3 * 10 / seen.latency  # three are always allowed
        assert again <= 0.2 * asked + at_a_time, f"to second {second}: {again} of {asked}"
