"""Where explanations are kept: one row per call, written behind the call by the store's thread, all of it or nothing.

The document is made there too, so that no call waits for it. Calls that end within a moment are written together; a process
that is killed loses those of its last moment, never half of one. Rows are found by call, execution or route, newest first.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from proxy.store import Database
from translators.formats.json import dumps, loads

_log = logging.getLogger("joch.explain")
_CALLS = """
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, at REAL NOT NULL, namespace TEXT NOT NULL, execution TEXT NOT NULL,
    source TEXT NOT NULL, route TEXT NOT NULL, agent TEXT NOT NULL, outcome TEXT NOT NULL, cost_usd TEXT,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, document BLOB NOT NULL
)"""
SCHEMA = (
    _CALLS,
    "CREATE INDEX IF NOT EXISTS calls_by_id ON calls (id)",
    "CREATE INDEX IF NOT EXISTS calls_by_execution ON calls (execution)",
)
_INSERT = (
    "INSERT INTO calls (id, at, namespace, execution, source, route, agent, outcome, cost_usd, input_tokens, "
    "output_tokens, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SWEEP = "DELETE FROM calls WHERE number < (SELECT number FROM calls WHERE at >= ? ORDER BY number LIMIT 1)"
"""Rows come in the order of time: only those that go are looked at, not the whole table."""
_SWEEP_EVERY = 200
"""So many writes apart old rows are deleted."""
_TOGETHER_SECONDS = 0.05
"""How long a call's row waits for others to be written with: a row alone costs three times as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The columns of one call. `cost` None is unknown, `at` unix seconds."""

    id: str
    at: float
    namespace: str
    execution: str
    source: str
    route: str
    agent: str
    outcome: str
    cost: Decimal | None
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is asked for. `route` None or "-" is any; `since` unix seconds; `failed`: only calls that failed."""

    route: str | None = None
    execution: str | None = None
    call: str | None = None
    agent: str | None = None
    since: float | None = None
    failed: bool = False
    last: int = 1


class Explanations:
    """The table of calls. `retention` is how long rows are kept, in seconds."""

    def __init__(self, database: Database, retention: float) -> None:
        self._database, self._retention = database, retention
        self._waiting: list[tuple[Row, Callable[[], Mapping[str, Any]]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes = 0

    def keep(self, row: Row, made: Callable[[], Mapping[str, Any]]) -> None:
        """Write the call of `row` with the document that `made` builds. Nobody waits for it. Needs a running loop."""
        self._waiting.append((row, made))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand what waits to the store now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        self._writes += 1
        oldest = rows[-1][0].at - self._retention if self._writes % _SWEEP_EVERY == 0 else None

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(_INSERT, [found for row, made in rows if (found := _columns(row, made)) is not None])
            if oldest is not None:
                connection.execute(_SWEEP, (oldest,))

        self._database.submit(write)

    async def find(self, wanted: Found, patience: float) -> list[dict[str, Any]]:
        """The documents of what is asked for, newest first. Raises `StoreError`."""
        self.flush()
        conditions, values = _conditions(wanted)
        query = f"SELECT number, document FROM calls WHERE {conditions} ORDER BY number DESC LIMIT ?"  # noqa: S608  # our words only

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            found = [(number, loads(text)) for number, text in connection.execute(query, (*values, wanted.last))]
            _tell_before(connection, found)
            return [made for _, made in found]

        return await self._database.ask(read, patience)

    async def execution(self, id: str, patience: float) -> list[dict[str, Any]]:
        """The executions called `id`, one per namespace. Raises `StoreError`."""
        self.flush()

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                "SELECT namespace, source, agent, at, outcome, cost_usd, input_tokens, output_tokens FROM calls "
                "WHERE execution = ? ORDER BY number",
                (id,),
            ).fetchall()
            namespaces = dict.fromkeys(row[0] for row in rows)
            return [_execution(id, name, [row[1:] for row in rows if row[0] == name]) for name in namespaces]

        return await self._database.ask(read, patience)


def _columns(row: Row, made: Callable[[], Mapping[str, Any]]) -> tuple[Any, ...] | None:
    """The columns of one call; None where its document cannot be made, which must not take the others with it."""
    try:
        text = dumps(made())
    except Exception:  # noqa: BLE001  # a bug in one must not lose the explanations of the others
        _log.exception("the explanation of call %s could not be made", row.id)
        return None
    cost = None if row.cost is None else f"{row.cost:f}"
    identity = (row.id, row.at, row.namespace, row.execution, row.source, row.route, row.agent, row.outcome)
    return (*identity, cost, row.input_tokens, row.output_tokens, text)


def _tell_before(connection: sqlite3.Connection, found: list[tuple[int, dict[str, Any]]]) -> None:
    """Put into each document what its execution had come to before it."""
    runs: dict[tuple[str, str], list[tuple[int, Decimal]]] = {}
    for number, made in found:
        key = made["identity"]["agent"].partition("/")[0], made["execution"]["id"]
        if key not in runs:
            rows = connection.execute(
                "SELECT number, cost_usd FROM calls WHERE execution = ? AND namespace = ?", (key[1], key[0])
            )
            runs[key] = [(earlier, Decimal(cost or 0)) for earlier, cost in rows]
        before = [cost for earlier, cost in runs[key] if earlier < number]
        made["execution"] |= {"callsBefore": len(before), "costUsdBefore": float(round(sum(before, Decimal(0)), 12))}


def _conditions(wanted: Found) -> tuple[str, list[Any]]:
    given: list[tuple[str, Any]] = []
    if wanted.route not in (None, "-"):
        given.append(("route = ?", wanted.route))
    for column, asked in (("execution", wanted.execution), ("id", wanted.call), ("agent", wanted.agent)):
        if asked is not None:
            given.append((f"{column} = ?", asked))
    if wanted.since is not None:
        given.append(("at >= ?", wanted.since))
    if wanted.failed:
        given.append(("outcome != ?", "ok"))
    return " AND ".join(condition for condition, _ in given) or "1", [asked for _, asked in given]


def _execution(id: str, namespace: str, rows: list[tuple[Any, ...]]) -> dict[str, Any]:
    sources, agents, times, outcomes, costs, given, answered = zip(*rows, strict=True)
    return {
        "id": id,
        "namespace": namespace,
        "source": sources[0],
        "agent": agents[0],
        "first": min(times),
        "last": max(times),
        "status": {
            "modelCalls": len(rows),
            "failedCalls": sum(outcome != "ok" for outcome in outcomes),
            "costUsd": float(round(sum((Decimal(cost or 0) for cost in costs), Decimal(0)), 12)),
            "callsOfUnknownCost": costs.count(None),
            "inputTokens": sum(given),
            "outputTokens": sum(answered),
        },
    }
