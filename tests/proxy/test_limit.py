"""A time limit cuts what takes too long, and nothing else."""

from __future__ import annotations

import asyncio

import pytest

from proxy.limit import Limit


async def test_what_is_quick_is_not_cut() -> None:
    with Limit(5.0):
        await asyncio.sleep(0)
    await asyncio.sleep(0)


@pytest.mark.parametrize("seconds", [0.01, 0.0, -1.0])
async def test_what_takes_too_long_is_a_timeout(seconds: float) -> None:
    with pytest.raises(TimeoutError):
        await hang(seconds)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0, "the task is as free as before"
    await asyncio.sleep(0)


async def hang(seconds: float) -> None:
    with Limit(seconds):
        await asyncio.Event().wait()


async def test_a_cancellation_from_outside_stays_one() -> None:
    task = asyncio.create_task(hang(5.0))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_in_the_same_moment_wins() -> None:
    async def both() -> None:
        with Limit(0.01):
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                me = asyncio.current_task()
                assert me is not None
                me.cancel()
                raise

    task = asyncio.create_task(both())
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_the_inner_of_two_limits_is_told_from_the_outer() -> None:
    async def nested(outer: float, inner: float) -> str:
        try:
            with Limit(outer):
                try:
                    await hang(inner)
                except TimeoutError:
                    return "inner"
        except TimeoutError:
            return "outer"
        return "none"

    assert await nested(5.0, 0.01) == "inner"
    assert await nested(0.01, 5.0) == "outer"


async def test_another_error_passes_as_it_is() -> None:
    with pytest.raises(KeyError), Limit(5.0):
        raise KeyError("x")


async def test_a_limit_that_fires_as_the_block_ends_leaves_no_cancellation_behind() -> None:
    with Limit(0.0):
        for _ in range(3):
            pass  # no wait: the limit cannot strike inside
    await asyncio.sleep(0.01)
