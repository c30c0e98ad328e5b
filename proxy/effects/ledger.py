"""Which tool calls went out to a client and which came back, by execution and turn. Kept in the store, written off the path.

It plays the part of a tool gateway where there is none (requirement R42). Kept are names, ids, levels and times, for a while;
arguments and results never are. Rows are written behind the call and read only when it is about to move to another model.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable

from proxy.store import Database, StoreError
from translators.formats.json import dumps

from .levels import Act, Effect

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS tool_ledger (
        execution TEXT NOT NULL, turn TEXT NOT NULL, tool_call_id TEXT NOT NULL, tool TEXT NOT NULL, level TEXT NOT NULL,
        idempotent INTEGER NOT NULL, delivered_at REAL NOT NULL, result_at REAL,
        PRIMARY KEY (execution, turn, tool_call_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS tool_ledger_delivered ON tool_ledger (delivered_at)",
)
"""What the store must hold for it."""

# A call that is delivered again under its id is a new one: it has no result yet.
_DELIVER = "INSERT OR REPLACE INTO tool_ledger VALUES (?, ?, ?, ?, ?, ?, ?, NULL)"
_SEE = """UPDATE tool_ledger SET result_at = ?
    WHERE execution = ? AND result_at IS NULL AND tool_call_id IN (SELECT value FROM json_each(?))"""
_OPEN = """SELECT tool_call_id, tool, level, idempotent FROM tool_ledger
    WHERE execution = ? AND turn = ? AND result_at IS NULL ORDER BY delivered_at, tool_call_id LIMIT ?"""
_ANSWERED = """SELECT tool_call_id, tool, level, idempotent FROM tool_ledger
    WHERE execution = ? AND result_at IS NOT NULL AND (turn = ? OR tool_call_id IN (SELECT value FROM json_each(?)))
    ORDER BY delivered_at, tool_call_id LIMIT ?"""
KEPT_SECONDS = 86_400.0
"""A call without a result for a day is no longer under way."""
_SWEEP_SECONDS = 60.0
_OPEN_LIMIT = 256
"""More calls without a result say nothing that these do not."""


class ToolLedger:
    """`execution` is a name that no two callers share. Rows are kept for `kept` seconds; `clock` gives unix seconds.

    Every write returns at once.
    """

    def __init__(
        self, database: Database, *, kept: float = KEPT_SECONDS, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._kept, self._clock = database, kept, clock
        self._swept = 0.0

    def delivered(self, execution: str, turn: str, calls: Iterable[Act]) -> None:
        """`calls` are with the client now, which may run them."""
        now = self._clock()
        rows = [(execution, turn, act.id, act.tool, act.effect.level, int(act.effect.idempotent), now) for act in calls]
        if rows:
            self._database.submit(lambda connection: connection.executemany(_DELIVER, rows))
            self._sweep(now)

    def seen(self, execution: str, ids: Iterable[str]) -> None:
        """The results of these calls came back. Ids that were not delivered here are passed over."""
        asked = list(ids)
        if asked:
            parameters = (self._clock(), execution, dumps(asked).decode())
            self._database.submit(lambda connection: connection.execute(_SEE, parameters))

    async def open_calls(self, execution: str, turn: str, patience: float) -> tuple[Act, ...] | None:
        """The calls of the turn that have no result yet, the oldest first; None when the store cannot say in `patience`
        seconds."""

        return await self._acts(_OPEN, (execution, turn, _OPEN_LIMIT), patience)

    async def answered(
        self, execution: str, turn: str | None, ids: Iterable[str], patience: float
    ) -> tuple[Act, ...] | None:
        """The calls of the turn, if one is given, and those of `ids` in any, whose results came back; None as with `open_calls`."""
        return await self._acts(_ANSWERED, (execution, turn, dumps(list(ids)).decode(), _OPEN_LIMIT), patience)

    async def _acts(
        self, query: str, parameters: tuple[str | int | None, ...], patience: float
    ) -> tuple[Act, ...] | None:
        def look(connection: sqlite3.Connection) -> tuple[Act, ...]:
            return tuple(
                Act(tool, Effect(level, bool(idempotent)), identity, "ledger")
                for identity, tool, level, idempotent in connection.execute(query, parameters)
            )

        try:
            return await self._database.ask(look, patience)
        except StoreError:
            return None

    def _sweep(self, now: float) -> None:
        """Now and then, forget what is over."""
        if 0 <= now - self._swept < _SWEEP_SECONDS:  # a clock that was set back must not put it off
            return
        self._swept, before = now, now - self._kept
        self._database.submit(
            lambda connection: connection.execute("DELETE FROM tool_ledger WHERE delivered_at < ?", (before,))
        )
