"""An event loop on which time does not pass but leaps: minutes of calls run in seconds, and the machine's speed is nothing to them.

When nothing can run now, the clock stands at the next timer. Two things are waited for in earnest, since no timer tells when they
come: threads of the loop's own executor, and bytes that are in a socket already. What waits for ever is an error, at once.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

START = 1_000.0
"""What the clock says first. Not zero: a machine's clock is not either, and code may take "long ago" for a small number."""


class DeadlockError(RuntimeError):
    """Everything waits, and there is no timer to wake anything."""


class _Leaping(selectors.DefaultSelector):
    """Looks at the files, and lets the time that it was to wait for them pass at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.threads = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        if self.threads:
            return super().select(None)  # its end wakes the loop; until then the time stands still
        if timeout is None:
            raise DeadlockError("everything waits, and there is no timer")
        self.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """`time()` is virtual, and with it every timer, sleep and time limit of asyncio."""

    def __init__(self) -> None:
        self._leaping = _Leaping()
        super().__init__(self._leaping)

    def time(self) -> float:
        return self._leaping.now

    def run_in_executor(self, executor: Executor | None, func: Callable[[*Ts], T], *args: *Ts) -> asyncio.Future[T]:
        running = super().run_in_executor(executor, func, *args)
        self._leaping.threads += 1
        running.add_done_callback(self._returned)
        return running

    async def shutdown_default_executor(self, *limit: Any) -> None:
        self._leaping.threads += 1  # asyncio waits for its threads in one more thread
        try:
            await super().shutdown_default_executor(*limit)
        finally:
            self._leaping.threads -= 1

    def _returned(self, _: asyncio.Future[Any]) -> None:
        self._leaping.threads -= 1


def run(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]]) -> T:
    """What `main(loop)` returns, run on a virtual loop of its own. Tasks that are left are cancelled."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        loop = runner.get_loop()
        if not isinstance(loop, VirtualLoop):
            raise TypeError("not a virtual loop")
        return runner.run(main(loop))
