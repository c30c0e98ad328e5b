"""What an outage multiplies into, through the whole gateway: planner, health, retry share and reporter, with SDKs that retry.

Only what lies behind a binding is made up, and time: an event loop whose clock leaps to the next timer, so that minutes of
traffic take a second and nothing depends on the machine. The limits are the fourth column of the table in RELIABILITY 3.4.
"""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from proxy.budgets import SCHEMA, Ledger
from proxy.call import Call
from proxy.continuity import Continuity, Sealer, Vault
from proxy.effects import ToolLedger
from proxy.events import EventLog, Scope
from proxy.gateway import Gateway
from proxy.guarding import EffectsGuard
from proxy.identity import Identity
from proxy.metrics import Metrics
from proxy.planner import Planner
from proxy.reporting import Reporter
from proxy.resources import Failover, HealthSettings, Model, Retry, Snapshot
from proxy.routing import Health, Quotas, RetryShare
from proxy.store import Database
from tests.support.snapshots import model, route, snapshot
from translators.canonical import FLAGS, CapabilitySet, JochError, Message, Reason, Request, Text, UpstreamError
from translators.formats import Tally, openai_chat

CALLS_A_SECOND, SECONDS, FAULT = 50, 60, (15.0, 45.0)
SDK_RETRIES = 2
LATENCY = 0.05


FAILURES: dict[str, Callable[[], UpstreamError]] = {
    "http_500": lambda: UpstreamError(Reason.ERROR_5XX, "no", failure="http_500", billed_risk=True, http_status=500),
    "overloaded": lambda: UpstreamError(Reason.ERROR_5XX, "no", failure="overloaded", http_status=503),
    "connect_refused": lambda: UpstreamError(Reason.CONNECT, "no", failure="connect_refused"),
}


class _Leaping(selectors.DefaultSelector):
    """Waits for nothing: the time it was to wait passes at once."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        ready = super().select(0)
        if not ready and timeout is not None:
            self.now += timeout
        return ready


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now


@dataclass
class _Upstreams:
    """In the place of bindings: each model is one upstream that fails with the share `errors` says, during the fault."""

    errors: dict[str, float]
    loop: _Loop
    chance: random.Random
    failure: str
    attempts: int = 0

    def of(self, record: Model) -> Any:
        return SimpleNamespace(
            host=record.name,
            issuer=record.ref,
            capabilities=lambda: CapabilitySet(flags=dict.fromkeys(FLAGS, True)),
            translates=lambda client, request: False,
            prepare=lambda asked: SimpleNamespace(
                transforms=(), api="chat", lane="verbatim", host=record.name, send=lambda: self._send(record)
            ),
        )

    async def _send(self, record: Model) -> Any:
        self.attempts += 1
        fails = FAULT[0] <= self.loop.time() < FAULT[1] and self.chance.random() < self.errors[record.name]
        await asyncio.sleep(LATENCY * (0.8 + 0.4 * self.chance.random()))
        if fails:
            raise FAILURES[self.failure]()

        async def whole() -> bytes:
            return b"{}"

        return SimpleNamespace(upstream_request_id=None, tally=Tally(), whole=whole, close=lambda: None)


@dataclass
class Storm:
    """A minute of calls to a route over two upstreams.

    `retry` is what the route does beside its fallback, `failure` how the upstreams fail.
    """

    errors: tuple[float, float]
    retry: Retry = field(default_factory=Retry)
    failure: str = "http_500"
    served: int = 0
    calls: int = 0
    most_in_a_call: int = 0

    def run(self) -> Storm:
        loop, database = _Loop(), Database(None, SCHEMA)
        try:
            self._build(loop, database)
            loop.run_until_complete(self._traffic())
        finally:
            loop.close()
            database.close()
        return self

    @property
    def attempts_per_call(self) -> float:
        return self.upstreams.attempts / self.calls

    @property
    def share_served(self) -> float:
        return self.served / self.calls

    def _build(self, loop: _Loop, database: Database) -> None:
        self.chance = random.Random(20261122)
        self.upstreams = _Upstreams({"a": self.errors[0], "b": self.errors[1]}, loop, self.chance, self.failure)
        self._loop = loop
        records = [model("openai", "http://a", "a"), model("openai", "http://b", "b")]
        over = route("r", *(each.ref for each in records), failover=Failover(), retry=self.retry)
        self._snapshot: Snapshot = snapshot(records, [over])
        bindings: Any = self.upstreams
        health, quotas, share = Health(HealthSettings(), self.chance.random), Quotas(), RetryShare()
        ledger = Ledger(database, lambda: "hold")
        self._gateway = Gateway(
            bindings=bindings,
            planner=Planner(bindings, health, quotas, ledger, self.chance.random, clock=loop.time),
            reporter=Reporter(EventLog([]), Metrics("test"), lambda prefix: prefix, lambda *told: None),
            health=health,
            quotas=quotas,
            share=share,
            ledger=ledger,
            guard=EffectsGuard(ToolLedger(database), _nobody_asks),
            continuity=Continuity(Sealer(bytes(32)), Vault(database)),
            new_id=lambda prefix: prefix,
            jitter=self.chance.random,
            clock=loop.time,
        )

    async def _traffic(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(CALLS_A_SECOND * SECONDS):
                group.create_task(self._app(number / CALLS_A_SECOND))

    async def _app(self, start: float) -> None:
        """The SDK's side: openai-python retries 429 and 5xx twice, after the wait that is named or one that doubles."""
        await asyncio.sleep(start)
        self.calls += 1
        for retries in range(SDK_RETRIES + 1):
            call = self._call(retries)
            try:
                await self._gateway.generate(call)
                self.served += 1
                return
            except JochError as error:
                told = error.should_retry
                if told is False or not (told or error.status in (408, 409, 429) or error.status >= 500):
                    return
                wait = error.retry_after
            finally:
                self.most_in_a_call = max(self.most_in_a_call, call.attempts)
            await asyncio.sleep(wait or 0.5 * 2**retries * (1.0 - 0.25 * self.chance.random()))

    def _call(self, retries: int) -> Call:
        now = self._loop.time()
        return Call(
            id="mc_1",
            endpoint="/v1/chat/completions",
            client=openai_chat.CLIENT,
            request=Request(messages=(Message("user", (Text("x"),)),)),
            snapshot=self._snapshot,
            route=self._snapshot.routes["r"],
            resolved_by="route-name",
            scope=Scope(lambda prefix: prefix, {}),
            identity=Identity(execution="e", execution_source="header"),
            started=now,
            deadline=now + 60,
            created=0,
            sdk_retries=retries,
        )


def _nobody_asks(gateway: object) -> Any:
    def ask(url: str, seconds: float) -> Coroutine[Any, Any, tuple[int, bytes]]:
        raise AssertionError("a tool gateway was asked, and there is none")

    return ask


@pytest.mark.parametrize(
    ("failure", "retry"),
    [
        pytest.param("http_500", Retry(), id="fallback only"),
        pytest.param("connect_refused", Retry(attempts=2), id="retries too"),
    ],
)
@pytest.mark.parametrize(
    ("errors", "most_attempts", "least_served"),
    [
        pytest.param((1.0, 1.0), 2.1, 0.49, id="both down"),
        pytest.param((1.0, 0.0), 1.1, 0.99, id="one down"),
        pytest.param((0.5, 0.5), 1.5, 0.97, id="both failing half of the time"),
        pytest.param((0.1, 0.1), 1.1, 0.995, id="both failing now and then"),
    ],
)
def test_an_outage_is_not_multiplied_and_what_can_be_served_is(
    errors: tuple[float, float], most_attempts: float, least_served: float, failure: str, retry: Retry
) -> None:
    storm = Storm(errors, retry, failure).run()
    assert storm.calls == CALLS_A_SECOND * SECONDS
    assert storm.most_in_a_call <= Failover().max_attempts
    assert storm.attempts_per_call <= most_attempts, f"{storm.attempts_per_call:.2f} attempts per call"
    assert storm.share_served >= least_served, f"{100 * storm.share_served:.1f} % served"


@pytest.mark.parametrize(
    ("errors", "most_attempts", "least_served"),
    [
        pytest.param((1.0, 1.0), 2.1, 0.49, id="both overloaded"),
        pytest.param((0.5, 0.5), 1.5, 0.95, id="both overloaded half of the time"),
    ],
)
def test_upstreams_that_are_overloaded_are_given_rest(
    errors: tuple[float, float], most_attempts: float, least_served: float
) -> None:
    storm = Storm(errors, failure="overloaded").run()
    assert storm.attempts_per_call <= most_attempts, f"{storm.attempts_per_call:.2f} attempts per call"
    assert storm.share_served >= least_served, f"{100 * storm.share_served:.1f} % served"
