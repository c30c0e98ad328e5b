"""SQLite behind one thread: work is queued and done in order, what is waiting together is committed together.

Callers hand over plain functions of a connection; what they ask is theirs, this module knows no table. A
write is never waited for; a read that follows it sees it, since the order is kept. A file that cannot be opened or has
gone bad is reported once and replaced by memory, so that calls go on; what fails for a while (locked, disk full) is
reported once a minute, and a lock is waited for once, not by each piece of work. Nothing here logs what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]

_BATCH = 256
_QUEUE = 10_000
_START_SECONDS = 5.0
"""How long another process that is just making the file may keep us waiting."""
_BUSY_SECONDS = 1.0
_REPORT_SECONDS = 60.0
_log = logging.getLogger("joch.store")


class StoreError(Exception):
    """The store cannot answer now."""


@dataclass(slots=True)
class _Job:
    work: Work
    answer: Future[Any] | None = None


class Database:
    """One file, or memory where `path` is None. `schema` are the statements that make what is missing.

    The thread starts with the first work and ends with `close`, which waits until all of it is done.
    """

    def __init__(self, path: Path | None, schema: Iterable[str] = ()) -> None:
        self._path = path
        self._schema = tuple(schema)
        self._queue: queue.Queue[_Job | None] = queue.Queue(_QUEUE)
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._reported = -_REPORT_SECONDS

    def submit(self, work: Work) -> None:
        """Have `work` done; nobody waits for it. Dropped, with one line in the log, when the store is far behind."""
        self._start()
        try:
            self._queue.put_nowait(_Job(work))
        except queue.Full:
            _log.error("the store is too far behind: a write was dropped")

    async def ask(self, work: Callable[[sqlite3.Connection], T], patience: float | None = None) -> T:
        """What `work` returns. Raises `StoreError` when it cannot be done, or not within `patience` seconds."""
        try:
            async with asyncio.timeout(patience):
                return await asyncio.wrap_future(self._asked(work))
        except TimeoutError:
            raise StoreError("the store is too slow") from None

    def ask_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `ask`, for the start of a process: it blocks."""
        return self._asked(work).result()

    def _asked(self, work: Callable[[sqlite3.Connection], T]) -> Future[T]:
        self._start()
        answer: Future[T] = Future()
        try:
            self._queue.put_nowait(_Job(work, answer))
        except queue.Full:
            answer.set_exception(StoreError("the store is too far behind"))
        return answer

    def close(self) -> None:
        """Do what is waiting, then end. Safe to call twice."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
            self._thread = None

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="joch-store", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        connection, ended = self._opened(), False
        while not ended:
            jobs = [self._queue.get()]
            while len(jobs) < _BATCH:
                try:
                    jobs.append(self._queue.get_nowait())
                except queue.Empty:
                    break
            ended = None in jobs
            connection = self._do(connection, [job for job in jobs if job is not None])
        connection.close()

    def _do(self, connection: sqlite3.Connection, jobs: list[_Job]) -> sqlite3.Connection:
        """Does `jobs` and commits. The connection to go on with: another one when the file turned out to be damaged."""
        damaged = False
        for job in jobs:
            if job.answer is not None and not job.answer.set_running_or_notify_cancel():
                continue  # whoever asked has left
            try:
                answer = job.work(connection)
            except Exception as error:  # noqa: BLE001  # one bad piece of work must not end the thread for all
                damaged |= self._failed(connection, error)
                if job.answer is not None:
                    job.answer.set_exception(StoreError("the store failed"))
            else:
                if job.answer is not None:
                    job.answer.set_result(answer)
        try:
            connection.commit()
            _wait_for_locks(connection, _BUSY_SECONDS)
        except sqlite3.Error as error:
            damaged |= self._failed(connection, error)
        return self._replaced(connection) if damaged else connection

    def _failed(self, connection: sqlite3.Connection, error: Exception) -> bool:
        """Reports now and then what went wrong. Whether the file itself is bad, which no waiting mends."""
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            _log.error("the store failed: %s", type(error).__name__)
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the rest of it says more precisely what
        if code == sqlite3.SQLITE_BUSY:
            _wait_for_locks(connection, 0.0)
        return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

    def _replaced(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        _log.error("the store's file is damaged, so it is kept in memory until the next start")
        with suppress(sqlite3.Error):
            connection.close()
        return self._connected(None)

    def _opened(self) -> sqlite3.Connection:
        try:
            return self._connected(self._path)
        except (sqlite3.Error, OSError) as error:
            _log.error("the store cannot be opened, so it is kept in memory: %s", type(error).__name__)
            return self._connected(None)

    def _connected(self, path: Path | None) -> sqlite3.Connection:
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.touch(mode=0o600, exist_ok=True)
        connection = sqlite3.connect(path or ":memory:", timeout=_START_SECONDS)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            for statement in self._schema:
                connection.execute(statement)
            connection.commit()
            _wait_for_locks(connection, _BUSY_SECONDS)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
