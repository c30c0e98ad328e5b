"""Which tool calls were handed to clients and which results came back: the local stand-in for a tool gateway.

Names and ids only, never arguments or outputs. Written behind the call; asked only when a call is about to move on.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable

from proxy.store import Database

_TABLE = """
CREATE TABLE IF NOT EXISTS tool_ledger (
    execution TEXT NOT NULL, turn TEXT NOT NULL, tool_call_id TEXT NOT NULL, tool TEXT NOT NULL, level TEXT NOT NULL,
    delivered_at REAL NOT NULL, result_at REAL, PRIMARY KEY (execution, tool_call_id)
)"""
SCHEMA = (_TABLE,)
_KEPT_SECONDS = 86400.0


class ToolLedger:
    """Tool calls by execution. `clock` gives unix seconds."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def delivered(self, execution: str, turn: str, calls: Iterable[tuple[str, str, str]]) -> None:
        """(id, tool, level) of calls that were given to the client in `turn`."""
        now = self._clock()
        rows = [(execution, turn, id, tool, level, now, None) for id, tool, level in calls]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("INSERT OR IGNORE INTO tool_ledger VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            connection.execute("DELETE FROM tool_ledger WHERE delivered_at < ?", (now - _KEPT_SECONDS,))

        if rows:
            self._database.submit(write)

    def seen(self, execution: str, ids: Iterable[str]) -> None:
        """Results of these calls came back."""
        now = self._clock()
        rows = [(now, execution, id) for id in ids]

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                "UPDATE tool_ledger SET result_at = ? WHERE execution = ? AND tool_call_id = ? AND result_at IS NULL",
                rows,
            )

        if rows:
            self._database.submit(write)

    async def open_calls(self, execution: str, turn: str, patience: float) -> tuple[str, ...]:
        """The tools of calls given out in `turn` whose result nobody has seen. Raises `StoreError`."""

        def read(connection: sqlite3.Connection) -> tuple[str, ...]:
            found = connection.execute(
                "SELECT tool FROM tool_ledger WHERE execution = ? AND turn = ? AND result_at IS NULL", (execution, turn)
            )
            return tuple(tool for (tool,) in found)

        return await self._database.ask(read, patience)
