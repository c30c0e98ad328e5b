"""Where explanations are kept: one row per call, written behind the call by the store's thread, all of it or nothing.

The document is made there too, so that no call waits for it. Rows are found by call, by execution or by route, newest first.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import count
from typing import Any

from proxy.store import Database
from translators.canonical import value
from translators.formats.json import dumps, loads

_CALLS = """
CREATE TABLE IF NOT EXISTS calls (
    id TEXT PRIMARY KEY, at REAL NOT NULL, namespace TEXT NOT NULL, execution TEXT NOT NULL, route TEXT NOT NULL,
    agent TEXT NOT NULL, status INTEGER NOT NULL, outcome TEXT NOT NULL, served_by TEXT, fallback_index INTEGER,
    attempts INTEGER NOT NULL, cost_usd TEXT, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL,
    total_ms REAL NOT NULL, document BLOB NOT NULL
)"""
_EXECUTIONS = """
CREATE TABLE IF NOT EXISTS executions (
    namespace TEXT NOT NULL, id TEXT NOT NULL, first REAL NOT NULL, last REAL NOT NULL, source TEXT NOT NULL,
    agent TEXT NOT NULL, calls INTEGER NOT NULL, cost_usd TEXT NOT NULL, unknown_cost INTEGER NOT NULL,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, failed INTEGER NOT NULL, PRIMARY KEY (namespace, id)
)"""
SCHEMA = (
    _CALLS,
    "CREATE INDEX IF NOT EXISTS calls_by_execution ON calls (execution, at)",
    "CREATE INDEX IF NOT EXISTS calls_by_route ON calls (route, at)",
    _EXECUTIONS,
)
_SWEEP_EVERY = 2_000
"""So many calls apart old rows are deleted."""


@value
class Before:
    """What the execution of a call had come to before it."""

    calls: int
    cost: Decimal

    def told(self) -> Mapping[str, Any]:
        """As the document has it."""
        return {"calls": self.calls, "costUsd": float(round(self.cost, 12))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The columns of one call. `cost` None is unknown, `at` unix seconds, `total_ms` milliseconds."""

    id: str
    at: float
    namespace: str
    execution: str
    source: str
    route: str
    agent: str
    status: int
    outcome: str
    served_by: str | None
    fallback_index: int | None
    attempts: int
    cost: Decimal | None
    input_tokens: int
    output_tokens: int
    total_ms: float


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
        self._kept = count(1)

    def keep(self, row: Row, made: Callable[[Before], Mapping[str, Any]]) -> None:
        """Write the call of `row` with the document that `made` builds. Nobody waits for it."""
        number = next(self._kept)

        def write(connection: sqlite3.Connection) -> None:
            before = _counted(connection, row)
            connection.execute(
                "INSERT OR REPLACE INTO calls VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    *(row.id, row.at, row.namespace, row.execution, row.route, row.agent, row.status, row.outcome),
                    *(row.served_by, row.fallback_index, row.attempts, None if row.cost is None else f"{row.cost:f}"),
                    *(row.input_tokens, row.output_tokens, row.total_ms, dumps(made(before))),
                ),
            )
            if number % _SWEEP_EVERY == 0:
                oldest = row.at - self._retention
                connection.execute("DELETE FROM calls WHERE at < ?", (oldest,))
                connection.execute("DELETE FROM executions WHERE last < ?", (oldest,))

        self._database.submit(write)

    async def find(self, wanted: Found, patience: float) -> list[dict[str, Any]]:
        """The documents of what is asked for, newest first. Raises `StoreError`."""
        conditions, values = _conditions(wanted)
        query = f"SELECT document FROM calls WHERE {conditions} ORDER BY at DESC, id DESC LIMIT ?"  # noqa: S608  # our words only

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            return [loads(document) for (document,) in connection.execute(query, (*values, wanted.last))]

        return await self._database.ask(read, patience)

    async def execution(self, id: str, patience: float) -> list[dict[str, Any]]:
        """The executions called `id`, one per namespace. Raises `StoreError`."""

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(
                "SELECT namespace, id, first, last, source, agent, calls, cost_usd, unknown_cost, input_tokens, "
                "output_tokens, failed FROM executions WHERE id = ?",
                (id,),
            )
            return [_execution(row) for row in rows]

        return await self._database.ask(read, patience)


def _counted(connection: sqlite3.Connection, row: Row) -> Before:
    """Count the call in its execution. What that had come to before."""
    known = connection.execute(
        "SELECT calls, cost_usd FROM executions WHERE namespace = ? AND id = ?", (row.namespace, row.execution)
    ).fetchone()
    before = Before(0, Decimal(0)) if known is None else Before(known[0], Decimal(known[1]))
    cost = before.cost + (row.cost or Decimal(0))
    connection.execute(
        "INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?) ON CONFLICT (namespace, id) DO UPDATE SET "
        "last = max(last, excluded.last), calls = calls + 1, cost_usd = excluded.cost_usd, "
        "unknown_cost = unknown_cost + excluded.unknown_cost, input_tokens = input_tokens + excluded.input_tokens, "
        "output_tokens = output_tokens + excluded.output_tokens, failed = failed + excluded.failed",
        (
            *(row.namespace, row.execution, row.at, row.at, row.source, row.agent, f"{cost:f}"),
            *(int(row.cost is None), row.input_tokens, row.output_tokens, int(row.outcome != "ok")),
        ),
    )
    return before


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


def _execution(row: tuple[Any, ...]) -> dict[str, Any]:
    namespace, id, first, last, source, agent, calls, cost, unknown, given, answered, failed = row
    return {
        "id": id,
        "namespace": namespace,
        "source": source,
        "agent": agent,
        "first": first,
        "last": last,
        "status": {
            "modelCalls": calls,
            "failedCalls": failed,
            "costUsd": float(round(Decimal(cost), 12)),
            "callsOfUnknownCost": unknown,
            "inputTokens": given,
            "outputTokens": answered,
        },
    }
