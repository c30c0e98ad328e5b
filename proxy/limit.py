"""A time limit around awaited code, as `asyncio.timeout` is, at half its price: two of them stand on the path of every call.

    with Limit(5.0):
        await something()      # cancelled after 5 seconds; `TimeoutError` is raised here

Cancellation from outside stays cancellation, by the same counting that `asyncio.timeout` uses (Task.uncancel, Python 3.11).
"""

from __future__ import annotations

import asyncio
from types import TracebackType


class Limit:
    """Enter it once, in a task. `seconds` may be 0 or less: then the first wait is cut."""

    __slots__ = ("_cancelling", "_expired", "_handle", "_seconds", "_task")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._expired = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a time limit needs a task")
        self._task = task
        self._cancelling = task.cancelling()
        self._handle = asyncio.get_running_loop().call_later(max(self._seconds, 0.0), self._expire)

    def _expire(self) -> None:
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._handle.cancel()
        if self._expired and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
