"""SQLite behind one thread: work is queued, what is waiting together is done in one transaction and committed together.

Callers hand over plain functions of a connection; what they ask is theirs, this module knows no table. There are four
ways to ask, by what must hold:

    submit      a write nobody waits for; dropped, and said, when the store is far behind or fails
    ask         a read: it sees every write that was queued before it
    transact    all or nothing, answered after the commit: what is told to have happened survives the machine's death
    secure      a write nobody waits for and that is never dropped: kept here and tried again while the file fails

The last two are *firm*: committed with `synchronous=FULL`, each undone alone when it fails, and done in a file or not at
all. A file that cannot be opened or has gone bad is reported once and replaced by memory, so that calls go on; firm work
is then refused (reliability design, 6.3: hard budgets fail closed). What fails for a while (locked, disk full) is reported
once a minute, and a lock is waited for once, not by each piece of work. Nothing here logs what is stored.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from time import sleep
from typing import Any, TypeVar

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], Any]
"""What is to be done. It must not begin, end or undo a transaction where a commit is waited for or promised."""

_BATCH = 256
_QUEUE = 10_000
_SPOOL = 10_000
"""The most writes that are kept to be tried again. With that many, nothing is promised any more: `transact` is refused."""
_START_SECONDS = 5.0
"""How long another process that is just making the file may keep us waiting."""
_START_AGAIN_SECONDS = 0.01
_BUSY_SECONDS = 1.0
_TURN_SECONDS = 0.008
"""SQLite looks for a lock less and less often, in the end ten times a second. Asked anew this often it looks every few
milliseconds, so that processes that write all the time take turns."""
_AGAIN_SECONDS = 0.25
"""How long kept writes wait for the next try while no other work comes."""
_REPORT_SECONDS = 60.0
_PASSING = frozenset(
    {
        *(sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_INTERRUPT),
        *(sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM),
        *(sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY),
    }
)
"""What may be over by the next try (https://sqlite.org/rescode.html). Anything else fails every time."""
_LASTING = "the store is kept in memory, where nothing can be promised"
_log = logging.getLogger("joch.store")


class StoreError(Exception):
    """The store cannot answer now."""


@dataclass(slots=True, eq=False)
class _Job:
    work: Work
    answer: Future[Any] | None = None
    firm: bool = False
    lasting: bool = False

    @property
    def reads(self) -> bool:
        return self.answer is not None and not self.firm

    def starts(self) -> bool:
        """False when whoever asked has left. From here on nobody can leave unnoticed."""
        return self.answer is None or self.answer.set_running_or_notify_cancel()


class Database:
    """One file, or memory where `path` is None. `schema` are the statements that make what is missing.

    The thread starts with the first work and ends with `close`, which waits until all of it is done.
    """

    def __init__(self, path: Path | None, schema: Iterable[str] = ()) -> None:
        self._path = path
        self._schema = tuple(schema)
        self._queue: queue.Queue[_Job | None] = queue.Queue(_QUEUE)
        self._spool: deque[_Job] = deque()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, work: Work) -> None:
        """Have `work` done; nobody waits for it. Dropped, with one line in the log, when the store is far behind."""
        self._start()
        try:
            self._queue.put_nowait(_Job(work))
        except queue.Full:
            _log.error("the store is too far behind: a write was dropped")

    def secure(self, work: Work) -> None:
        """Have `work` done whatever happens: kept and tried again until it is committed. Nobody waits for it.

        It is lost, with an error in the log, only when it fails in a way no waiting mends, when the file was replaced by
        memory, when ten thousand writes are kept already, or when the process ends first.
        """
        self._start()
        job = _Job(work, firm=True)
        try:
            self._queue.put_nowait(job)
        except queue.Full:
            _keep(self._spool, job)

    async def ask(
        self, work: Callable[[sqlite3.Connection], T], patience: float | None = None, *, lasting: bool = False
    ) -> T:
        """What `work` returns. Raises `StoreError` when it cannot be done, or not within `patience` seconds.

        `lasting`: nor from memory that took the place of the file, which knows nothing of what was before.
        """
        try:
            async with asyncio.timeout(patience):
                return await asyncio.wrap_future(self._asked(work, lasting=lasting))
        except TimeoutError:
            raise StoreError("the store is too slow") from None

    def ask_now(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """As `ask`, for the start of a process: it blocks."""
        return self._asked(work).result()

    async def transact(
        self, work: Callable[[sqlite3.Connection], T], patience: float | None = None, undo: Work | None = None
    ) -> T:
        """What `work` returns, told after it is committed and safe on disk. Raises `StoreError`: then it was not done.

        Except for who comes too late: when `patience` (seconds) is over, or the caller is cancelled, after the work has
        begun, it may be committed all the same. `undo` then follows it, as secure as `secure` is; it must do nothing
        where `work` was not done.
        """
        answer = self._asked(work, firm=True)
        try:
            async with asyncio.timeout(patience):
                return await asyncio.wrap_future(answer)
        except (TimeoutError, asyncio.CancelledError) as left:
            # A future that can still be cancelled is work that was not begun and never will be.
            if undo is not None and not answer.cancel():
                self.secure(undo)
            if isinstance(left, TimeoutError):
                raise StoreError("the store is too slow") from None
            raise

    def _asked(
        self, work: Callable[[sqlite3.Connection], T], *, firm: bool = False, lasting: bool = False
    ) -> Future[T]:
        self._start()
        answer: Future[T] = Future()
        behind = StoreError("the store is too far behind")
        if firm and len(self._spool) >= _SPOOL:
            answer.set_exception(behind)
            return answer
        try:
            self._queue.put_nowait(_Job(work, answer, firm, lasting))
        except queue.Full:
            answer.set_exception(behind)
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
        writer, ended = _Writer(self._path, self._schema, self._spool), False
        while not ended:
            jobs = self._next(writer)
            ended = None in jobs
            writer.do([job for job in jobs if job is not None])
        writer.close()

    def _next(self, writer: _Writer) -> list[_Job | None]:
        """What is waiting, the first of it waited for: as long as it takes, or until kept writes are tried again."""
        jobs: list[_Job | None] = []
        with suppress(queue.Empty):
            jobs.append(self._queue.get(timeout=writer.pause))
            while len(jobs) < _BATCH:
                jobs.append(self._queue.get_nowait())
        return jobs


class _Writer:
    """What the thread does with the connection. Only that thread comes here; `spool` alone is shared."""

    def __init__(self, path: Path | None, schema: tuple[str, ...], spool: deque[_Job]) -> None:
        self._schema, self._spool = schema, spool
        self._reported = -_REPORT_SECONDS
        self._lasting, self._damaged, self._hasty, self._refused = True, False, False, False
        self._level = ""
        try:
            self._connection = self._opened(path)
        except (sqlite3.Error, OSError) as error:
            _log.error("the store cannot be opened, so it is kept in memory: %s", type(error).__name__)
            self._connection, self._lasting = self._connected(None), False

    @property
    def pause(self) -> float | None:
        """How long to wait for work before the kept writes are tried again, in seconds. None: there are none."""
        if not self._spool:
            return None
        return _AGAIN_SECONDS if self._refused else 0.0

    def do(self, jobs: list[_Job]) -> None:
        """Does `jobs` and as many of the kept ones, and commits.

        Reads ahead of every write wait for nobody's lock; the others come after the commit, so that no read tells of
        what is not committed in the end.
        """
        self._refused = False
        ahead = list(takewhile(lambda job: job.reads, jobs))
        behind = jobs[len(ahead) :]
        self._plainly(ahead)
        self._write(deque((*(job for job in behind if not job.reads), *self._kept())))
        self._plainly([job for job in behind if job.reads])
        self._wait_again()
        if self._damaged:
            self._replace()

    def close(self) -> None:
        """Tries the kept writes once more, says how many are lost, and ends."""
        left = len(self._spool) + 1
        while 0 < len(self._spool) < left:
            left = len(self._spool)
            self.do([])
        if self._spool:
            _log.error("the store ends with %d writes that must not be lost and could not be done", len(self._spool))
            self._spool.clear()
        self._connection.close()

    def _kept(self) -> list[_Job]:
        return [self._spool.popleft() for _ in range(min(len(self._spool), _BATCH))]

    # --- one by one --------------------------------------------------------------------------------------------------

    def _plainly(self, jobs: Iterable[_Job]) -> None:
        """Each by itself, answered at once."""
        for job in jobs:
            if job.starts():
                self._alone(job)
        if self._connection.in_transaction:  # a read that wrote something
            self._commit()

    def _alone(self, job: _Job) -> None:
        if job.lasting and job.answer is not None and not self._lasting:
            job.answer.set_exception(StoreError(_LASTING))
            return
        try:
            answer = job.work(self._connection)
        except Exception as error:  # noqa: BLE001  # one bad piece of work must not end the thread for all
            self._failed(error)
            if job.answer is not None:
                job.answer.set_exception(StoreError("the store failed"))
        else:
            if job.answer is not None:
                job.answer.set_result(answer)

    # --- together ----------------------------------------------------------------------------------------------------

    def _write(self, jobs: deque[_Job]) -> None:
        """All of `jobs` in one transaction; in several only when SQLite gave one up, as it may when the disk is full."""
        if not self._lasting:
            jobs = self._refuse(jobs, None)
        while jobs:
            try:
                self._begin("FULL" if any(job.firm for job in jobs) else "NORMAL")
            except sqlite3.Error as error:
                self._failed(error)
                return self._plainly(self._refuse(jobs, error))
            done = self._together(jobs)
            if self._damaged:
                self._give_up()
            committed = self._connection.in_transaction and self._commit()
            for job, answer in done:
                if not committed:
                    self._put_off(job, None)
                elif job.answer is not None:
                    job.answer.set_result(answer)
        return None

    def _begin(self, level: str) -> None:
        if level != self._level:
            self._connection.execute(f"PRAGMA synchronous={level}")
            self._level = level
        _wait_for_locks(self._connection, _TURN_SECONDS)
        try:
            self._lock()
        finally:
            _wait_for_locks(self._connection, _BUSY_SECONDS)

    def _lock(self) -> None:
        """Begins a transaction for writing.

        One that reads first and then writes fails without waiting for the lock when another process has written in
        between (https://sqlite.org/isolation.html).
        """
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
            except sqlite3.Error as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            else:
                return

    def _together(self, jobs: deque[_Job]) -> list[tuple[_Job, Any]]:
        """Takes from `jobs` while the transaction lives. The firm ones that were done, with their answers."""
        done = []
        while jobs and self._connection.in_transaction:
            job = jobs.popleft()
            if not job.starts():
                continue
            if not job.firm:
                self._alone(job)
                continue
            try:
                self._connection.execute("SAVEPOINT job")
                answer = job.work(self._connection)
                self._connection.execute("RELEASE job")
            except Exception as error:  # noqa: BLE001  # one bad piece of work must not undo the others
                self._failed(error)
                self._undo()
                self._put_off(job, error)
            else:
                done.append((job, answer))
        return done

    def _undo(self) -> None:
        """Undoes the job that failed; everything, where SQLite cannot do that."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO job")
                self._connection.execute("RELEASE job")
        except sqlite3.Error as error:
            self._failed(error)
            self._give_up()

    def _commit(self) -> bool:
        try:
            self._connection.commit()
        except sqlite3.Error as error:
            self._failed(error)
            self._give_up()
            return False
        return True

    def _give_up(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.rollback()

    # --- firm work that was not done -----------------------------------------------------------------------------------

    def _refuse(self, jobs: Iterable[_Job], error: Exception | None) -> deque[_Job]:
        """Puts off what is firm, and gives the rest."""
        rest: deque[_Job] = deque()
        for job in jobs:
            if not job.firm:
                rest.append(job)
            elif job.starts():
                self._put_off(job, error)
        return rest

    def _put_off(self, job: _Job, error: Exception | None) -> None:
        """Tells whoever waits; what nobody waits for is kept for the next try. `error` None: it failed with others."""
        if job.answer is not None:
            job.answer.set_exception(StoreError("the store failed" if self._lasting else _LASTING))
        elif not self._lasting:
            _log.error("a write that must not be lost is lost: %s", _LASTING)
        elif error is None or _code(error) in _PASSING:
            self._refused = True
            _keep(self._spool, job)
        else:
            _log.error("a write that must not be lost is lost: %s", type(error).__name__)

    # --- the file ----------------------------------------------------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        """Reports now and then what went wrong, and notes whether the file itself is bad, which no waiting mends."""
        now = time.monotonic()
        if now - self._reported >= _REPORT_SECONDS:
            self._reported = now
            _log.error("the store failed: %s", type(error).__name__)
        code = _code(error)
        if code == sqlite3.SQLITE_BUSY:
            self._hasty = True
            _wait_for_locks(self._connection, 0.0)
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            self._damaged = True

    def _wait_again(self) -> None:
        if self._hasty:
            self._hasty = False
            _wait_for_locks(self._connection, _BUSY_SECONDS)

    def _replace(self) -> None:
        _log.error("the store's file is damaged, so it is kept in memory until the next start")
        with suppress(sqlite3.Error):
            self._connection.close()
        self._connection, self._lasting, self._damaged = self._connected(None), False, False

    def _opened(self, path: Path | None) -> sqlite3.Connection:
        """Tries again while another process is just making the file.

        Of two that turn a file to WAL together, SQLite makes one fail at once, however long it is allowed to wait.
        """
        until = time.monotonic() + _START_SECONDS
        while True:
            try:
                return self._connected(path)
            except sqlite3.Error as error:
                if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() >= until:
                    raise
            sleep(_START_AGAIN_SECONDS)

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
        self._level = "NORMAL"
        return connection


def _keep(spool: deque[_Job], job: _Job) -> None:
    if len(spool) < _SPOOL:
        spool.append(job)
    else:
        _log.error("a write that must not be lost is lost: too many are kept already")


def _code(error: Exception) -> int:
    """SQLite's primary result code; the rest of it says more precisely what. 0 for what is no error of SQLite's."""
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def _wait_for_locks(connection: sqlite3.Connection, seconds: float) -> None:
    connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")
