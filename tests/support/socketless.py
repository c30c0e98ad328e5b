"""A whole gateway without a socket and without a thread: all that lies between a client's call and a provider, in virtual time.

Put together as `proxy.app` does it, but for the three that touch the world: what answers, the clock, and the store's thread,
whose work is done on the loop by the store's own writer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Coroutine, Iterable
from itertools import count
from typing import Any

from proxy.budgets import SCHEMA as LEDGER_SCHEMA
from proxy.budgets import Ledger
from proxy.call import Call
from proxy.continuity import SCHEMA as CONTINUITY_SCHEMA
from proxy.continuity import Continuity, Sealer, Vault
from proxy.effects import SCHEMA as EFFECTS_SCHEMA
from proxy.effects import ToolLedger
from proxy.events import EventLog, Scope, Sink
from proxy.gateway import Gateway
from proxy.guarding import EffectsGuard
from proxy.identity import Identity
from proxy.metrics import Metrics
from proxy.planner import Planner
from proxy.reporting import Reporter
from proxy.resources import Snapshot
from proxy.routing import Health, Quotas, RetryShare
from proxy.store import Database
from proxy.store.database import _Job, _Writer
from translators.canonical import Message, Request, Sampling, Text
from translators.formats import openai_chat

from .virtual_time import VirtualLoop

UNIX = 1_795_600_000.0
"""What the clock on the wall says when the virtual one says nought."""


class LoopStore(Database):
    """A store in memory whose work is done on `loop`, in its order, each piece taking as long as `seconds()` says."""

    def __init__(self, loop: VirtualLoop, schema: Iterable[str], seconds: Callable[[], float] = lambda: 0.0) -> None:
        super().__init__(None, schema)
        self._loop, self._seconds, self._free = loop, seconds, 0.0
        self._writer = _Writer(None, self._schema, self._spool)
        self._queue: Any = self

    def put_nowait(self, job: _Job) -> None:
        """In the place of the thread's queue."""
        self._free = max(self._free, self._loop.time()) + self._seconds()
        if self._free <= self._loop.time():
            self._writer.do([job])
        else:
            self._loop.call_at(self._free, self._writer.do, [job])

    def rows(self, query: str) -> list[Any]:
        """What the store holds, past all that waits."""
        return self._writer._connection.execute(query).fetchall()

    def _start(self) -> None:
        pass

    def close(self) -> None:
        self._writer.close()


class Socketless:
    """A gateway for `snapshot` whose providers are what `bindings` gives. `chance` draws and jitters; `seconds` is the store's pace."""

    def __init__(
        self,
        loop: VirtualLoop,
        snapshot: Snapshot,
        bindings: Any,
        chance: random.Random,
        *,
        sinks: Iterable[Sink] = (),
        seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.loop, self.snapshot = loop, snapshot
        self._numbers = count(1)
        self.store = LoopStore(loop, (*CONTINUITY_SCHEMA, *LEDGER_SCHEMA, *EFFECTS_SCHEMA), seconds)
        self.health = Health(snapshot.settings.health, chance.random)
        self.quotas, self.share = Quotas(), RetryShare()
        self.ledger = Ledger(self.store, lambda: self.new_id("hold_"), clock=self._wall)
        self.gateway = Gateway(
            bindings=bindings,
            planner=Planner(bindings, self.health, self.quotas, self.ledger, chance.random, clock=loop.time),
            reporter=Reporter(EventLog(sinks), Metrics("test"), self.new_id, lambda *told: None),
            health=self.health,
            quotas=self.quotas,
            share=self.share,
            ledger=self.ledger,
            guard=EffectsGuard(ToolLedger(self.store, clock=self._wall), _no_gateway),
            continuity=Continuity(Sealer(bytes(32)), Vault(self.store)),
            new_id=self.new_id,
            jitter=chance.random,
            clock=loop.time,
        )

    def new_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._numbers)}"

    def call(
        self,
        route: str = "r",
        *,
        seconds: float = 60.0,
        execution: str = "e",
        stream: bool = False,
        max_tokens: int | None = None,
        sdk_retries: int = 0,
    ) -> Call:
        """A chat call to `route` that begins now and may take `seconds`."""
        now, id = self.loop.time(), self.new_id("mc_")
        return Call(
            id=id,
            endpoint="/v1/chat/completions",
            client=openai_chat.CLIENT,
            request=Request(
                messages=(Message("user", (Text("hello"),)),),
                stream=stream,
                sampling=Sampling(max_output_tokens=max_tokens),
            ),
            snapshot=self.snapshot,
            route=self.snapshot.routes[route],
            resolved_by="route-name",
            scope=Scope(self.new_id, {"callId": id}),
            identity=Identity(execution=execution, execution_source="header"),
            started=now,
            deadline=now + seconds,
            created=int(self._wall()),
            sdk_retries=sdk_retries,
        )

    def close(self) -> None:
        self.store.close()

    def _wall(self) -> float:
        return UNIX + self.loop.time()


def _no_gateway(gateway: object) -> Any:
    def ask(url: str, seconds: float) -> Coroutine[Any, Any, tuple[int, bytes]]:
        raise AssertionError("a tool gateway was asked, and there is none")

    return ask
