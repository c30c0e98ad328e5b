"""Asking candidates that are down for a sign of life, without a token: the free check of their provider, now and then.

Only those are asked that calls have found down, so that no host hears of us that a call was not allowed to go to. A sign may
end the wait for the next real call; whether the candidate serves again only that call can tell.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from proxy.adapters import Bindings
from proxy.live import Live
from proxy.resources import Model
from proxy.routing import Health
from translators.canonical import UpstreamError

_log = logging.getLogger("joch.prober")
_DOWN = ("open", "credential_bad")


class Prober:
    """One task per process, from `start` to `stop`. `clock` is the health machine's."""

    def __init__(
        self, live: Live, bindings: Bindings, health: Health, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._live, self._bindings, self._health, self._clock = live, bindings, health, clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End; a check that is under way is given up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            settings = self._live.current.snapshot.settings.health
            await asyncio.sleep(settings.probe_interval)
            if settings.probe != "off":
                await self.round()

    async def round(self) -> None:
        """Check everybody who is down, once and side by side."""
        models = self._live.current.snapshot.models
        conditions = self._health.conditions(self._clock())
        down = [models[ref] for ref, condition in conditions.items() if condition.state in _DOWN and ref in models]
        ends = await asyncio.gather(*map(self._check, down), return_exceptions=True)
        for model, end in zip(down, ends, strict=True):
            if isinstance(end, Exception):  # a bug in one must not end the checks of the others
                _log.error("the free check of %s failed", model.ref, exc_info=end)

    async def _check(self, model: Model) -> None:
        try:
            signal = await self._bindings.of(model).health()
        except UpstreamError:
            return
        self._health.probed(model.ref, self._clock(), ok=signal.status == "healthy")
