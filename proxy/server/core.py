"""What handlers need, made once by the composition root."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.call import Call
from proxy.events import EventLog
from proxy.explain import Explanations
from proxy.gateway import Gateway
from proxy.identity import Executions
from proxy.live import Live
from proxy.metrics import Metrics
from proxy.resources import SecretRef
from proxy.status import Status
from translators.canonical import RequestError

QUEUE_LIMIT = 256


@dataclass(slots=True, kw_only=True)
class Core:
    """`instance` is this process's name in the loop guard. `stopping` is set once a shutdown has begun.

    `reveal` looks a secret of the settings up, and raises `LookupError` when it has no value.
    """

    live: Live
    gateway: Gateway
    status: Status
    executions: Executions
    explanations: Explanations
    reveal: Callable[[SecretRef], str]
    events: EventLog
    metrics: Metrics
    new_id: Callable[[str], str]
    instance: str
    version: str
    body_seconds: float = 30.0
    stopping: bool = False
    admission: Admission = field(default_factory=lambda: Admission())

    async def enter(self, call: Call) -> None:
        """Take a place among the calls served at the same time; give it back with `admission.leave()`.

        Raises `RequestError` 503 when there is none for `call`.
        """
        settings = call.snapshot.settings
        try:
            await self.admission.enter(settings.max_concurrent, settings.max_queue_seconds)
        except RequestError as error:
            self.gateway.shed(call, error, self.admission.waiting)
            raise


class Admission:
    """How many calls may be served at once. Beyond that a call waits a little, and beyond that it is shed."""

    def __init__(self) -> None:
        self.running = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def waiting(self) -> int:
        """How many calls wait for a place."""
        return len(self._waiting)

    async def enter(self, limit: int, patience: float) -> None:
        """Take a place. Raises `RequestError` 503 `overloaded` when none is free within `patience` seconds."""
        if self.running < limit and not self._waiting:
            self.running += 1
            return
        if len(self._waiting) >= QUEUE_LIMIT:
            raise _shed()
        place = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(patience):
                await place
        except BaseException as error:  # cancellation too: a place must never be lost
            if place in self._waiting:
                self._waiting.remove(place)
            elif not place.cancelled():
                self.leave()  # the place was handed over just as the waiter gave up
            if isinstance(error, TimeoutError):
                raise _shed() from None
            raise

    def leave(self) -> None:
        """Give the place back, or straight to the one who waits longest."""
        while self._waiting:
            place = self._waiting.pop(0)
            if not place.done():
                place.set_result(None)
                return
        self.running -= 1


def _shed() -> RequestError:
    return RequestError(
        "The server is overloaded: too many calls at once. Please try again shortly.",
        status=503,
        type="server_error",
        code="overloaded",
        should_retry=None,
        retry_after=1.0 + 4.0 * random.random(),  # noqa: S311 - spreads retries, guards nothing
    )
