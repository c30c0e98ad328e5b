"""Admission: how many calls run at once, who waits, and who is turned away."""

from __future__ import annotations

import asyncio

import pytest

from proxy.server.core import QUEUE_LIMIT, Admission
from translators.canonical import RequestError


async def test_a_place_is_taken_and_given_back() -> None:
    admission = Admission()
    await admission.enter(1, 0.0)
    admission.leave()
    await admission.enter(1, 0.0)
    assert admission.running == 1


async def test_a_call_beyond_the_limit_waits_for_the_next_place() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    waiting = asyncio.create_task(admission.enter(1, 5.0))
    await asyncio.sleep(0)
    assert not waiting.done()
    admission.leave()
    await waiting
    assert admission.running == 1


async def test_places_go_to_those_who_wait_longest() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    order: list[str] = []

    async def call(name: str) -> None:
        await admission.enter(1, 5.0)
        order.append(name)
        admission.leave()

    tasks = [asyncio.create_task(call(name)) for name in "abc"]
    await asyncio.sleep(0)
    admission.leave()
    await asyncio.gather(*tasks)
    assert order == ["a", "b", "c"]
    assert admission.running == 0


async def test_who_waits_in_vain_is_shed_and_leaves_nothing_behind() -> None:
    admission = Admission()
    await admission.enter(1, 0.0)
    with pytest.raises(RequestError) as shed:
        await admission.enter(1, 0.01)
    assert (shed.value.status, shed.value.body.code) == (503, "overloaded")
    assert shed.value.retry_after is not None
    admission.leave()
    assert admission.running == 0


async def test_a_client_that_leaves_while_waiting_gives_its_turn_back() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    gone, next_one = (asyncio.create_task(admission.enter(1, 5.0)) for _ in range(2))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    admission.leave()
    await next_one
    admission.leave()
    assert admission.running == 0


async def test_a_place_handed_to_someone_who_just_left_is_not_lost() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    gone = asyncio.create_task(admission.enter(1, 5.0))
    await asyncio.sleep(0)
    admission.leave()  # the place is the waiter's now, but it has not run yet
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    assert admission.running == 0


async def test_the_queue_itself_is_bounded() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    tasks = [asyncio.create_task(admission.enter(1, 5.0)) for _ in range(QUEUE_LIMIT)]
    await asyncio.sleep(0)
    with pytest.raises(RequestError):
        await admission.enter(1, 5.0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_someone_who_left_just_before_a_place_was_free_is_not_counted_twice() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    gone = asyncio.create_task(admission.enter(1, 5.0))
    await asyncio.sleep(0)
    gone.cancel()
    admission.leave()  # the waiter has left, but has not run since
    await asyncio.gather(gone, return_exceptions=True)
    assert admission.running == 0


async def test_those_who_are_shed_do_not_all_come_back_at_the_same_time() -> None:
    admission = Admission()
    await admission.enter(1, 5.0)
    waits = []
    for _ in range(5):
        with pytest.raises(RequestError) as shed:
            await admission.enter(1, 0.001)
        assert shed.value.retry_after is not None
        waits.append(shed.value.retry_after)
    assert all(1 <= wait <= 5 for wait in waits)
    assert len(set(waits)) > 1
