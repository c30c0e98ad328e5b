"""Turns kept for clients that cannot carry them, by scope and id of their first tool call. Memory first, the store behind it.

Kept is a turn that holds something sealed and asks for a tool: there, and only there, providers insist on having it back.
An entry ends after its time to live, or when there are too many or too large ones; a turn that is gone, or that the
store does not find in time, costs quality, never an error.
"""

from __future__ import annotations

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from proxy.store import Database, StoreError
from translators.canonical import Block, Reasoning, ToolCall
from translators.formats.json import dumps

from .turns import read_turn, write_turn

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS vault (
        scope TEXT NOT NULL, call_id TEXT NOT NULL, expires REAL NOT NULL, turn BLOB NOT NULL,
        PRIMARY KEY (scope, call_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS vault_expires ON vault (expires)",
)

_LOOK = """SELECT call_id, turn FROM vault
    WHERE scope = ? AND expires > ? AND call_id IN (SELECT value FROM json_each(?))"""
_SWEEP_SECONDS = 60.0
_PATIENCE_SECONDS = 1.0
"""How long a call waits for the store."""
_MEMORY_BYTES = 64 * 1024 * 1024
_STORE_BYTES = 512 * 1024 * 1024
_TURN_BYTES = 8 * 1024 * 1024
"""What is larger is no turn of a model but a mistake."""
Key = tuple[str, str]


class Vault:
    """`ttl` in seconds, `limit` the most entries; `clock` gives unix seconds."""

    def __init__(
        self, database: Database, *, ttl: float = 3600.0, limit: int = 50_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._ttl, self._limit, self._clock = database, ttl, limit, clock
        self._memory: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._swept = 0.0

    def keep(self, scope: str, blocks: tuple[Block, ...]) -> None:
        """Keep the turn, if it is one that must come back. Returns at once; the store follows."""
        first = next((block.id for block in blocks if isinstance(block, ToolCall)), None)
        if first is None or not any(
            blob.data for block in blocks if isinstance(block, Reasoning) for blob in block.opaque
        ):
            return
        now, turn = self._clock(), write_turn(blocks)
        if len(turn) > _TURN_BYTES:
            return
        row = (scope, first, now + self._ttl, turn)
        self._forget((scope, first))
        self._memory[scope, first] = row[2:]
        self._bytes += len(turn)
        while len(self._memory) > self._limit or self._bytes > _MEMORY_BYTES:
            self._forget(next(iter(self._memory)))
        self._database.submit(
            lambda connection: connection.execute("INSERT OR REPLACE INTO vault VALUES (?, ?, ?, ?)", row)
        )
        self._sweep(now)

    def _forget(self, key: Key) -> None:
        _, turn = self._memory.pop(key, (0.0, b""))
        self._bytes -= len(turn)

    async def find(self, scope: str, call_ids: Iterable[str]) -> dict[str, tuple[Block, ...]]:
        """The turns that began with those calls and are still kept, by call id."""
        now = self._clock()
        found: dict[str, bytes] = {}
        unknown: list[str] = []
        for call_id in call_ids:
            entry = self._memory.get((scope, call_id))
            if entry is None:
                unknown.append(call_id)
            elif entry[0] > now:
                found[call_id] = entry[1]
        if unknown:
            found.update(await self._stored(scope, unknown, now))
        return {call_id: turn for call_id, data in found.items() if (turn := _readable(data)) is not None}

    async def _stored(self, scope: str, call_ids: list[str], now: float) -> dict[str, bytes]:
        asked = dumps(call_ids).decode()

        def look(connection: sqlite3.Connection) -> dict[str, bytes]:
            return dict(connection.execute(_LOOK, (scope, now, asked)))

        try:
            return await self._database.ask(look, _PATIENCE_SECONDS)
        except StoreError:
            return {}

    def _sweep(self, now: float) -> None:
        """Now and then, forget what is over, and of the rest what is too much, oldest first."""
        if 0 <= now - self._swept < _SWEEP_SECONDS:  # a clock that was set back must not put it off
            return
        self._swept = now
        for key in [key for key, (expires, _) in self._memory.items() if expires <= now]:
            self._forget(key)
        limit = self._limit

        def forget(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM vault WHERE expires <= ?", (now,))
            connection.execute(
                "DELETE FROM vault WHERE expires <= (SELECT expires FROM vault ORDER BY expires DESC LIMIT 1 OFFSET ?)",
                (limit,),
            )
            connection.execute(
                "DELETE FROM vault WHERE expires <= (SELECT max(expires) FROM"
                " (SELECT expires, sum(length(turn)) OVER (ORDER BY expires DESC) AS so_far FROM vault)"
                " WHERE so_far > ?)",
                (_STORE_BYTES,),
            )

        self._database.submit(forget)


def _readable(data: bytes) -> tuple[Block, ...] | None:
    """The turn; None for what is none, or was written by a version that wrote it otherwise."""
    try:
        return read_turn(data)
    except (ValueError, TypeError):
        return None
