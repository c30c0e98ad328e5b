"""Explanations in their table: found by what a call is known by, newest first, whole, and no longer than they are kept."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy.explain.store import _SWEEP_EVERY, SCHEMA, Explanations, Found, Row
from proxy.store import Database, StoreError

DAY = 86_400.0
PATIENCE = 10.0


@pytest.fixture
def database() -> Iterator[Database]:
    made = Database(None, SCHEMA)
    yield made
    made.close()


def row(id: str, **fields: Any) -> Row:
    given: dict[str, Any] = {
        "at": 1_000.0,
        "namespace": "default",
        "execution": "e",
        "source": "header",
        "route": "r",
        "agent": "a",
        "outcome": "ok",
        "cost": "0.5",
        "input_tokens": 10,
        "output_tokens": 2,
    }
    return Row(id=id, **{**given, **fields})


def keep(table: Explanations, kept: Row) -> None:
    identity = {"agent": f"{kept.namespace}/{kept.agent}"}
    table.keep(kept, lambda: {"callId": kept.id, "identity": identity, "execution": {"id": kept.execution}})


async def ids(table: Explanations, **wanted: Any) -> list[str]:
    return [made["callId"] for made in await table.find(Found(**{"last": 9, **wanted}), PATIENCE)]


async def test_calls_are_found_by_all_they_are_known_by_newest_first(database: Database) -> None:
    table = Explanations(database, DAY)
    keep(table, row("1"))
    keep(table, row("2", route="other", at=2_000.0))
    keep(table, row("3", execution="f", agent="b", outcome="error"))
    assert await ids(table) == ["3", "2", "1"]
    assert await ids(table, last=2) == ["3", "2"]
    assert await ids(table, route="-") == ["3", "2", "1"]
    assert await ids(table, route="other") == ["2"]
    assert await ids(table, execution="e") == ["2", "1"]
    assert await ids(table, execution="e", route="r") == ["1"]
    assert await ids(table, call="1") == ["1"]
    assert await ids(table, agent="b") == ["3"]
    assert await ids(table, since=1_500.0) == ["2"]
    assert await ids(table, failed=True) == ["3"]
    assert await ids(table, call="nobody") == []


async def test_what_is_asked_for_is_a_value_and_never_a_piece_of_the_question(database: Database) -> None:
    table = Explanations(database, DAY)
    keep(table, row("1"))
    assert await ids(table, execution="' OR 1 --") == []
    assert await ids(table, execution="%") == []


async def test_each_call_is_told_what_its_execution_had_come_to(database: Database) -> None:
    table = Explanations(database, DAY)
    keep(table, row("1", cost="0.1"))
    keep(table, row("2", cost=None))
    keep(table, row("other", namespace="elsewhere", cost="9"))
    keep(table, row("3", cost="0.2"))
    keep(table, row("4"))
    before = {
        made["callId"]: (made["execution"]["callsBefore"], made["execution"]["costUsdBefore"])
        for made in await table.find(Found(last=9), PATIENCE)
    }
    assert before == {"1": (0, 0.0), "2": (1, 0.1), "3": (2, 0.1), "4": (3, 0.3), "other": (0, 0.0)}


async def test_an_execution_is_the_sum_of_its_calls_in_each_namespace(database: Database) -> None:
    table = Explanations(database, DAY)
    keep(table, row("1", cost="0.1", at=5.0))
    keep(table, row("2", cost=None, outcome="error", at=9.0))
    keep(table, row("3", cost="0.2", at=7.0))
    keep(table, row("4", namespace="elsewhere"))
    here, elsewhere = await table.execution("e", PATIENCE)
    assert (here["namespace"], here["first"], here["last"]) == ("default", 5.0, 9.0)
    assert here["status"] == {
        "modelCalls": 3,
        "failedCalls": 1,
        "costUsd": 0.3,
        "callsOfUnknownCost": 1,
        "inputTokens": 30,
        "outputTokens": 6,
    }
    assert elsewhere["namespace"] == "elsewhere"
    assert await table.execution("none", PATIENCE) == []


async def test_a_document_that_cannot_be_made_takes_no_other_with_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Any:
        raise RuntimeError("a bug")

    table = Explanations(database, DAY)
    keep(table, row("1"))
    with caplog.at_level(logging.ERROR, "joch.explain"):
        table.keep(row("2"), broken)
        keep(table, row("3"))
        assert await ids(table) == ["3", "1"]
    assert "the explanation of call 2 could not be made" in caplog.text


async def test_a_template_that_was_lost_takes_no_other_call_with_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    table = Explanations(database, DAY)
    keep(table, row("1"))
    table.keep(row("2"), b'["gone", 0, [], [], []]')
    keep(table, row("3"))
    assert await ids(table) == ["3", "1"]
    assert "the template gone of an explanation is not in the store" in caplog.text


async def test_calls_that_end_together_are_written_together(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[Any] = []
    monkeypatch.setattr(database, "submit", written.append)
    table = Explanations(database, DAY)
    for number in range(20):
        keep(table, row(str(number)))
    assert written == [], "a call does not write by itself"
    table.flush()
    table.flush()
    assert len(written) == 1


async def test_rows_that_are_too_old_go_and_no_others(database: Database) -> None:
    table = Explanations(database, DAY)
    keep(table, row("old", at=1_000.0))
    table.flush()
    keep(table, row("kept", at=1_500.0))
    table.flush()
    for number in range(2, _SWEEP_EVERY):
        keep(table, row(f"n{number}", at=1_200.0 + DAY))
        table.flush()
    assert await ids(table, call="old") == []
    assert await ids(table, call="kept") == ["kept"]


async def test_nothing_goes_before_it_is_time(database: Database) -> None:
    table = Explanations(database, DAY)
    for number in range(_SWEEP_EVERY):
        keep(table, row(str(number), at=1_000.0 + number))
        table.flush()
    assert len(await ids(table, last=1_000)) == _SWEEP_EVERY


async def test_rows_outlive_the_process_that_wrote_them(tmp_path: Path) -> None:
    first = Database(tmp_path / "store.db", SCHEMA)
    table = Explanations(first, DAY)
    keep(table, row("1"))
    table.flush()
    first.close()
    again = Database(tmp_path / "store.db", SCHEMA)
    assert await ids(Explanations(again, DAY)) == ["1"]
    again.close()


async def test_a_store_that_cannot_answer_says_so() -> None:
    database = Database(None, ("CREATE TABLE IF NOT EXISTS unrelated (n INTEGER)",))
    with pytest.raises(StoreError):
        await Explanations(database, DAY).find(Found(), PATIENCE)
    database.close()
