"""Where explanations are kept: one row per call, written behind the call by the store's thread, all of it or nothing.

A row holds what is the call's own, and the name of the template that holds the rest (`brief`); or its whole document, which
is made there then, so that no call waits for it. Calls that end within a moment are written together; a process that is
killed loses those of its last moment, never half of one. Rows are found by call, execution or route, newest first.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

from proxy.store import Database
from translators.formats.json import dumps, loads

from .brief import whole

_log = logging.getLogger("joch.explain")
_CALLS = """
CREATE TABLE IF NOT EXISTS calls (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, at REAL NOT NULL, namespace TEXT NOT NULL, execution TEXT NOT NULL,
    source TEXT NOT NULL, route TEXT NOT NULL, agent TEXT NOT NULL, outcome TEXT NOT NULL, cost_usd TEXT,
    input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, document BLOB NOT NULL
)"""
SCHEMA = (
    _CALLS,
    "CREATE TABLE IF NOT EXISTS call_templates (name TEXT PRIMARY KEY, at REAL NOT NULL, document BLOB NOT NULL)",
    "CREATE INDEX IF NOT EXISTS calls_by_id ON calls (id)",
    "CREATE INDEX IF NOT EXISTS calls_by_execution ON calls (execution)",
)
_INSERT = (
    "INSERT INTO calls (id, at, namespace, execution, source, route, agent, outcome, cost_usd, input_tokens, "
    "output_tokens, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_SHARE = (
    "INSERT INTO call_templates (name, at, document) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET at = excluded.at"
)
_SWEEP = "DELETE FROM calls WHERE number < (SELECT number FROM calls WHERE at >= ? ORDER BY number LIMIT 1)"
"""Rows come in the order of time: only those that go are looked at, not the whole table."""
_SWEEP_TEMPLATES = "DELETE FROM call_templates WHERE at < ?"
_SWEEP_EVERY = 200
"""So many writes apart old rows are deleted."""
_TOGETHER_SECONDS = 0.05
"""How long a call's row waits for others to be written with: a row alone costs three times as much."""


TEMPLATE_SECONDS = 60.0
"""So long after a template was handed over it is handed over again, if calls still use it: those that nobody uses go, and
one that was lost with a write comes back."""
Document = bytes | Callable[[], Mapping[str, Any]]
"""What is kept with a call: what `brief.own` made, or how its whole document is made."""


class Row(NamedTuple):
    """The columns of one call. `at` is in unix seconds, `cost` a decimal number of US dollars, None where it is unknown."""

    id: str
    at: float
    namespace: str
    execution: str
    source: str
    route: str
    agent: str
    outcome: str
    cost: str | None
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
        self._waiting: list[tuple[Row, Document]] = []
        self._templates: list[tuple[str, float, bytes]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._writes = 0

    def keep(self, row: Row, made: Document) -> None:
        """Write the call of `row` with its document. Nobody waits for it. Needs a running loop."""
        self._waiting.append((row, made))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_TOGETHER_SECONDS, self.flush)

    def share(self, name: str, text: bytes, at: float) -> None:
        """Write a template no later than the next call, and keep it until the calls of `TEMPLATE_SECONDS` after `at` are gone."""
        self._templates.append((name, at, text))

    def flush(self) -> None:
        """Hand what waits to the store now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        rows, self._waiting = self._waiting, []
        templates, self._templates = self._templates, []
        self._writes += 1
        oldest = rows[-1][0].at - self._retention if self._writes % _SWEEP_EVERY == 0 else None

        def write(connection: sqlite3.Connection) -> None:
            if templates:
                connection.executemany(_SHARE, templates)
            connection.executemany(_INSERT, [found for row, made in rows if (found := _columns(row, made)) is not None])
            if oldest is not None:
                connection.execute(_SWEEP, (oldest,))
                connection.execute(_SWEEP_TEMPLATES, (oldest - 2 * TEMPLATE_SECONDS,))

        self._database.submit(write)

    async def find(self, wanted: Found, patience: float) -> list[dict[str, Any]]:
        """The documents of what is asked for, newest first. Raises `StoreError`."""
        self.flush()
        conditions, values = _conditions(wanted)
        query = f"SELECT number, document FROM calls WHERE {conditions} ORDER BY number DESC LIMIT ?"  # noqa: S608  # our words only

        def read(connection: sqlite3.Connection) -> list[dict[str, Any]]:
            rows = connection.execute(query, (*values, wanted.last)).fetchall()
            found = [(number, made) for number, text in rows if (made := _read(connection, text)) is not None]
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


def _columns(row: Row, made: Document) -> tuple[Any, ...] | None:
    """The columns of one call; None where its document cannot be made, which must not take the others with it."""
    if isinstance(made, bytes):
        return (*row, made)
    try:
        return (*row, dumps(made()))
    except Exception:  # noqa: BLE001  # a bug in one must not lose the explanations of the others
        _log.exception("the explanation of call %s could not be made", row.id)
        return None


def _read(connection: sqlite3.Connection, text: bytes) -> dict[str, Any] | None:
    """The document of a row; None where its template was lost with a write, which must not take the others with it."""
    kept = loads(text)
    if isinstance(kept, dict):
        return kept
    shared = connection.execute("SELECT document FROM call_templates WHERE name = ?", kept[:1]).fetchone()
    if shared is None:
        _log.warning("the template %s of an explanation is not in the store", kept[0])
        return None
    return whole(kept, loads(shared[0]))


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
