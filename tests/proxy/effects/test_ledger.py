"""The tool ledger: what went out and has not come back, by execution and turn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.effects import SCHEMA, Act, Effect, ToolLedger
from proxy.store import Database

SENDS = Act("send_email", Effect("communication"), "call_1")
PUTS = Act("put_record", Effect("external_write", idempotent=True), "call_2")
PATIENCE = 30.0


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Callable[..., ToolLedger]]:
    databases: list[Database] = []

    def open_(**options: Any) -> ToolLedger:
        databases.append(Database(tmp_path / "store.db", SCHEMA))
        return ToolLedger(databases[-1], clock=clock, **options)

    yield open_
    for database in databases:
        database.close()


def told(act: Act) -> Act:
    return Act(act.tool, act.effect, act.id, "ledger")


async def rows(ledger: ToolLedger) -> list[tuple[Any, ...]]:
    ask = "SELECT tool_call_id, delivered_at, result_at FROM tool_ledger ORDER BY tool_call_id"
    found: list[tuple[Any, ...]] = await ledger._database.ask(lambda connection: connection.execute(ask).fetchall())
    return found


async def test_what_was_delivered_is_open_until_its_result_is_seen(opened: Any, clock: Clock) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS, PUTS])
    assert await ledger.open_calls("e", "t", PATIENCE) == (told(SENDS), told(PUTS))
    clock.now += 5
    ledger.seen("e", ["call_1", "never delivered"])
    assert await ledger.open_calls("e", "t", PATIENCE) == (told(PUTS),)
    assert await rows(ledger) == [("call_1", 1_000.0, 1_005.0), ("call_2", 1_000.0, None)]


async def test_executions_and_turns_are_kept_apart(opened: Any) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS])
    ledger.delivered("other", "t", [SENDS])
    ledger.seen("other", ["call_1"])
    assert await ledger.open_calls("e", "other", PATIENCE) == ()
    assert await ledger.open_calls("other", "t", PATIENCE) == ()
    assert await ledger.open_calls("e", "t", PATIENCE) == (told(SENDS),)


async def test_a_result_seen_again_keeps_its_first_time(opened: Any, clock: Clock) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS])
    ledger.seen("e", ["call_1"])
    clock.now += 5
    ledger.seen("e", ["call_1"])
    assert await rows(ledger) == [("call_1", 1_000.0, 1_000.0)]


async def test_an_id_that_is_delivered_again_is_a_call_without_a_result(opened: Any) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS])
    ledger.seen("e", ["call_1"])
    ledger.delivered("e", "t", [Act("put_record", PUTS.effect, "call_1")])
    assert [act.tool for act in await ledger.open_calls("e", "t", PATIENCE)] == ["put_record"]


async def test_the_oldest_call_comes_first(opened: Any, clock: Clock) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [PUTS])
    clock.now += 1
    ledger.delivered("e", "t", [SENDS])
    assert [act.id for act in await ledger.open_calls("e", "t", PATIENCE)] == ["call_2", "call_1"]


async def test_another_process_and_a_restart_see_the_same(opened: Any) -> None:
    first = opened()
    first.delivered("e", "t", [SENDS])
    first._database.close()
    assert await opened().open_calls("e", "t", PATIENCE) == (told(SENDS),)


async def test_rows_are_forgotten_with_a_result_or_without(opened: Any, clock: Clock) -> None:
    ledger = opened(kept=600.0)
    ledger.delivered("e", "t", [SENDS, PUTS])
    ledger.seen("e", ["call_1"])
    clock.now += 599
    ledger.delivered("e", "t", [Act("a", SENDS.effect, "call_3")])
    assert [id for id, *_ in await rows(ledger)] == ["call_1", "call_2", "call_3"]
    clock.now += 61
    ledger.delivered("e", "t", [Act("a", SENDS.effect, "call_4")])
    assert [id for id, *_ in await rows(ledger)] == ["call_3", "call_4"]


async def test_a_clock_set_back_does_not_stop_the_forgetting(opened: Any, clock: Clock) -> None:
    ledger = opened(kept=600.0)
    ledger.delivered("e", "t", [SENDS])
    clock.now = 100.0
    ledger.delivered("e", "t", [Act("a", SENDS.effect, "old")])
    clock.now = 701.0
    ledger.delivered("e", "t", [PUTS])
    assert [id for id, *_ in await rows(ledger)] == ["call_1", "call_2"]


async def test_nothing_is_written_where_nothing_was_delivered_or_seen(opened: Any, monkeypatch: Any) -> None:
    ledger = opened()
    monkeypatch.setattr(ledger._database, "submit", lambda work: pytest.fail("a write for nothing"))
    ledger.delivered("e", "t", [])
    ledger.seen("e", [])


async def test_a_store_that_cannot_say_says_nothing_rather_than_none_open(opened: Any) -> None:
    ledger = opened()
    await ledger._database.ask(lambda connection: connection.execute("DROP TABLE tool_ledger"))
    assert await ledger.open_calls("e", "t", PATIENCE) is None


async def test_a_store_that_is_too_slow_is_not_waited_for(opened: Any) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS])
    assert await ledger.open_calls("e", "t", 0.0) is None


async def test_an_answer_with_absurdly_many_calls_is_read_in_part(opened: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("proxy.effects.ledger._OPEN_LIMIT", 3)
    ledger = opened()
    ledger.delivered("e", "t", [Act("a", SENDS.effect, str(number)) for number in range(50)])
    assert len(await ledger.open_calls("e", "t", PATIENCE) or ()) == 3


# --- what came back --------------------------------------------------------------------------------------------------


async def test_a_turns_calls_with_results_are_told_apart_from_its_open_ones(opened: Any) -> None:
    ledger = opened()
    ledger.delivered("e", "t", [SENDS, PUTS])
    assert await ledger.answered("e", "t", [], PATIENCE) == ()
    ledger.seen("e", ["call_1"])
    assert await ledger.answered("e", "t", [], PATIENCE) == (told(SENDS),)
    assert await ledger.open_calls("e", "t", PATIENCE) == (told(PUTS),)


async def test_calls_asked_for_by_id_are_found_in_any_turn_of_their_execution(opened: Any) -> None:
    ledger = opened()
    ledger.delivered("e", "earlier", [SENDS, PUTS])
    ledger.delivered("other", "earlier", [SENDS])
    for execution in ("e", "other"):
        ledger.seen(execution, ["call_1", "call_2"])
    assert await ledger.answered("e", "t", [], PATIENCE) == ()
    assert await ledger.answered("e", None, ["call_1", "call_9"], PATIENCE) == (told(SENDS),)
    assert await ledger.answered("third", None, ["call_1"], PATIENCE) == ()
