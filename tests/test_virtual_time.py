"""The virtual clock: time leaps, threads are waited for in earnest, and what waits for ever is told."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.support.virtual_time import START, DeadlockError, VirtualLoop, run


def test_an_hour_of_timers_passes_in_their_order_and_in_no_time() -> None:
    async def main(loop: VirtualLoop) -> list[float]:
        woken: list[float] = []

        async def sleeper(seconds: float) -> None:
            await asyncio.sleep(seconds)
            woken.append(loop.time() - START)

        await asyncio.gather(*(sleeper(seconds) for seconds in (3600.0, 0.25, 60.0, 0.25)))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(5.0):
                await asyncio.Event().wait()
        woken.append(loop.time() - START)
        return woken

    assert run(main) == [0.25, 0.25, 60.0, 3600.0, 3605.0]


def test_time_stands_still_while_a_thread_works() -> None:
    async def main(loop: VirtualLoop) -> float:
        with pytest.raises(ZeroDivisionError):
            await loop.run_in_executor(None, lambda: 1 // 0)
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.01)
        return loop.time()

    assert run(main) == START


def test_what_waits_for_ever_is_an_error() -> None:
    async def main(_: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError):
        run(main)
