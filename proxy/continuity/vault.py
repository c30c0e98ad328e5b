"""Turns kept for clients that cannot carry them, by scope and tool-call id. Memory first, the store behind it.

Kept is a turn that holds something sealed and asks for a tool: there, and only there, providers insist on having it back.
An entry ends after its time to live or when there are too many; a turn that is gone costs quality, never an error.
"""

from __future__ import annotations

import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable

from proxy.store import Database, StoreError
from translators.canonical import Block, Reasoning, ToolCall

from .turns import read_turn, write_turn

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS vault (
        scope TEXT NOT NULL, call_id TEXT NOT NULL, expires REAL NOT NULL, turn BLOB NOT NULL,
        PRIMARY KEY (scope, call_id)
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS vault_expires ON vault (expires)",
)

_IN_ONE_QUESTION = 500
_SWEEP_SECONDS = 60.0
Key = tuple[str, str]


class Vault:
    """`ttl` in seconds, `limit` the most entries; `clock` gives unix seconds."""

    def __init__(
        self, database: Database, *, ttl: float = 3600.0, limit: int = 50_000, clock: Callable[[], float] = time.time
    ) -> None:
        self._database, self._ttl, self._limit, self._clock = database, ttl, limit, clock
        self._memory: OrderedDict[Key, tuple[float, bytes]] = OrderedDict()
        self._swept = 0.0

    def keep(self, scope: str, blocks: tuple[Block, ...]) -> None:
        """Keep the turn, if it is one that must come back. Returns at once; the store follows."""
        ids = [block.id for block in blocks if isinstance(block, ToolCall)]
        if not ids or not any(blob.data for block in blocks if isinstance(block, Reasoning) for blob in block.opaque):
            return
        now, turn = self._clock(), write_turn(blocks)
        entry = (now + self._ttl, turn)
        for call_id in ids:
            self._memory[scope, call_id] = entry
            self._memory.move_to_end((scope, call_id))
        while len(self._memory) > self._limit:
            self._memory.popitem(last=False)
        rows = [(scope, call_id, *entry) for call_id in ids]
        self._database.submit(
            lambda connection: connection.executemany("INSERT OR REPLACE INTO vault VALUES (?, ?, ?, ?)", rows)
        )
        self._sweep(now)

    async def find(self, scope: str, call_ids: Iterable[str]) -> dict[str, tuple[Block, ...]]:
        """The turns of those calls that are still kept, by call id."""
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
        return {call_id: read_turn(turn) for call_id, turn in found.items()}

    async def _stored(self, scope: str, call_ids: list[str], now: float) -> dict[str, bytes]:
        def look(connection: sqlite3.Connection) -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            for at in range(0, len(call_ids), _IN_ONE_QUESTION):
                asked = call_ids[at : at + _IN_ONE_QUESTION]
                places = ",".join("?" * len(asked))
                query = f"SELECT call_id, turn FROM vault WHERE scope = ? AND expires > ? AND call_id IN ({places})"  # noqa: S608  # only question marks
                found.update(connection.execute(query, (scope, now, *asked)))
            return found

        try:
            return await self._database.ask(look)
        except StoreError:
            return {}

    def _sweep(self, now: float) -> None:
        """Now and then, forget what is over, and of the rest what is too much, oldest first."""
        if now - self._swept < _SWEEP_SECONDS:
            return
        self._swept = now
        for key in [key for key, (expires, _) in self._memory.items() if expires <= now]:
            del self._memory[key]
        limit = self._limit

        def forget(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM vault WHERE expires <= ?", (now,))
            connection.execute(
                "DELETE FROM vault WHERE expires <= (SELECT expires FROM vault ORDER BY expires DESC LIMIT 1 OFFSET ?)",
                (limit,),
            )

        self._database.submit(forget)
