import asyncio
import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from proxy.store import Database, StoreError
from proxy.store.database import _wait_for_locks

SCHEMA = ("CREATE TABLE IF NOT EXISTS t (n INTEGER)",)
PATIENCE = 10.0
"""So that a store that never answers fails a test instead of keeping it waiting."""


def insert(n: int):
    return lambda connection: connection.execute("INSERT INTO t VALUES (?)", (n,))


def numbers(connection) -> list[int]:
    return [n for (n,) in connection.execute("SELECT n FROM t ORDER BY n")]


async def test_a_read_sees_every_write_before_it():
    database = Database(None, SCHEMA)
    for n in range(300):
        database.submit(insert(n))
    assert await database.ask(numbers) == list(range(300))
    database.close()


async def test_what_was_written_is_there_after_a_restart_and_for_nobody_else_on_the_machine(tmp_path):
    path = tmp_path / "deep" / "store.db"
    database = Database(path, SCHEMA)
    database.submit(insert(1))
    database.close()
    database.close()
    again = Database(path, SCHEMA)
    assert again.ask_now(numbers) == [1]
    again.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_bad_work_fails_alone(caplog):
    database = Database(None, SCHEMA)

    def bad(connection):
        raise ValueError("a secret prompt")

    with pytest.raises(StoreError, match="the store failed"):
        await database.ask(bad)
    database.submit(bad)
    assert await database.ask(numbers) == []
    assert "a secret prompt" not in caplog.text
    database.close()


async def test_whoever_leaves_does_not_stop_the_store():
    database = Database(None, SCHEMA)
    asking = asyncio.create_task(database.ask(numbers))
    await asyncio.sleep(0)
    asking.cancel()
    assert await database.ask(numbers) == []
    database.close()


async def test_a_place_that_cannot_be_used_is_replaced_by_memory_and_said(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    database = Database(tmp_path / "file" / "store.db", SCHEMA)
    database.submit(insert(1))
    assert await database.ask(numbers) == [1]
    assert "kept in memory" in caplog.text
    database.close()


async def test_a_file_that_another_process_is_just_making_is_opened_a_little_later(tmp_path, monkeypatch):
    with closing(sqlite3.connect(tmp_path / "store.db", check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")  # while it is no WAL file yet: who wants to make it one is refused at once
        pauses = []
        monkeypatch.setattr("proxy.store.database.sleep", lambda seconds: pauses.append(seconds) or other.rollback())
        database = Database(tmp_path / "store.db", SCHEMA)
        await database.transact(insert(1), PATIENCE)
    database.close()
    assert there(tmp_path / "store.db") == [1]
    assert len(pauses) == 1


async def test_a_file_that_cannot_be_made_in_time_is_replaced_by_memory(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("proxy.store.database._START_SECONDS", 0.05)
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        database = Database(tmp_path / "store.db", SCHEMA)
        assert await database.ask(numbers, PATIENCE) == []
    assert "kept in memory" in caplog.text
    database.close()


async def test_a_file_that_is_no_store_is_left_alone(tmp_path, caplog):
    path = tmp_path / "store.db"
    path.write_bytes(
        b"a letter to my mother, of more than a hundred bytes, which is longer than the header of SQLite " * 9
    )
    before = path.read_bytes()
    database = Database(path, SCHEMA)
    assert await database.ask(numbers) == []
    database.close()
    assert path.read_bytes() == before
    assert "kept in memory" in caplog.text


async def test_who_asks_does_not_wait_for_a_file_that_somebody_else_holds(tmp_path, caplog):
    database = Database(tmp_path / "store.db", SCHEMA)
    assert await database.ask(numbers) == []
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        database.submit(insert(1))
        with pytest.raises(StoreError, match="too slow"):
            await database.ask(numbers, patience=0.05)
    database.close()


async def test_a_trouble_that_lasts_is_told_now_and_then(caplog, monkeypatch):
    database = Database(None, SCHEMA)

    async def fail() -> None:
        with pytest.raises(StoreError):
            await database.ask(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)"))

    for _ in range(3):
        await fail()
    assert caplog.text.count("the store failed") == 1
    monkeypatch.setattr("proxy.store.database._REPORT_SECONDS", 0.0)
    await fail()
    assert caplog.text.count("the store failed") == 2
    database.close()


async def test_a_lock_is_waited_for_once_and_not_by_each_write(tmp_path, monkeypatch):
    waits: list[float] = []
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 0.02)
    waiting = "proxy.store.database._wait_for_locks"
    monkeypatch.setattr(
        waiting, lambda connection, seconds, set_=_wait_for_locks: waits.append(seconds) or set_(connection, seconds)
    )
    database, gate = Database(tmp_path / "store.db", SCHEMA), threading.Event()
    assert await database.ask(numbers) == []
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        database.submit(lambda connection: gate.wait())
        for n in range(50):
            database.submit(insert(n))
        gate.set()
        assert await database.ask(numbers) == []
    database.submit(insert(99))
    assert await database.ask(numbers) == [99]
    database.close()
    assert 0.0 in waits
    assert waits[-1] == 0.02


async def test_a_file_that_turns_out_to_be_damaged_is_replaced_by_memory(tmp_path, caplog):
    path = tmp_path / "store.db"
    with closing(sqlite3.connect(path)) as before:
        before.execute(SCHEMA[0])
        before.executemany("INSERT INTO t VALUES (?)", [(n,) for n in range(20_000)])
        before.commit()
    whole = path.read_bytes()
    path.write_bytes(whole[:4096] + b"\xee" * (len(whole) - 4096))  # the first page, with the schema, is good
    database = Database(path, SCHEMA)
    with pytest.raises(StoreError):
        await database.ask(numbers)
    database.submit(insert(1))
    assert await database.ask(numbers) == [1]
    assert caplog.text.count("damaged") == 1
    database.close()


# --- firm work: transact and secure ------------------------------------------------------------------------------------

PROMISES = (
    "PRAGMA foreign_keys = ON",
    *SCHEMA,
    "CREATE TABLE IF NOT EXISTS promise (n INTEGER REFERENCES kept (n) DEFERRABLE INITIALLY DEFERRED)",
    "CREATE TABLE IF NOT EXISTS kept (n INTEGER PRIMARY KEY)",
)
"""A row of `promise` without its row of `kept` is only refused when it is committed."""


def trouble(code: int) -> sqlite3.Error:
    """An error as SQLite's module makes them."""
    error = sqlite3.OperationalError("trouble")
    error.sqlite_errorcode = code
    return error


class Stopped:
    """A database whose thread waits at a gate, so that what is asked meanwhile is done together."""

    def __init__(self, database: Database) -> None:
        self.database, self._gate, waits = database, threading.Event(), threading.Event()
        database.submit(lambda connection: waits.set() or self._gate.wait(10))
        assert waits.wait(10), "the store's thread did not start"

    def go(self) -> None:
        self._gate.set()


async def start(*waiting) -> list[asyncio.Task]:
    """Tasks of `waiting`, each of which has asked the store by now."""
    tasks = [asyncio.create_task(each) for each in waiting]
    await asyncio.sleep(0)
    return tasks


def there(path) -> list[int]:
    """What another connection finds: only what is committed."""
    with closing(sqlite3.connect(path)) as other:
        return numbers(other)


async def test_what_is_told_to_have_happened_is_committed(tmp_path):
    database = Database(tmp_path / "store.db", PROMISES)
    assert await database.transact(lambda connection: insert(1)(connection).rowcount) == 1
    assert there(tmp_path / "store.db") == [1]
    stopped = Stopped(database)
    tasks = await start(
        database.transact(insert(2), PATIENCE),
        database.transact(lambda connection: connection.execute("INSERT INTO promise VALUES (7)")),
        database.ask(numbers),
    )
    stopped.go()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(answer) for answer in answers[:2]] == [StoreError, StoreError], "the commit failed, for both of them"
    assert answers[2] == [1], "a read told of what was not committed"
    assert there(tmp_path / "store.db") == [1]
    database.close()


async def test_what_fails_undoes_itself_and_nothing_else(tmp_path):
    database = Database(tmp_path / "store.db", SCHEMA)

    def half(connection):
        insert(66)(connection)
        raise ValueError("a secret prompt")

    stopped = Stopped(database)
    tasks = await start(
        database.transact(insert(1), PATIENCE),
        database.transact(half, PATIENCE),
        database.transact(insert(2), PATIENCE),
    )
    database.secure(half)
    database.secure(insert(3))
    stopped.go()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(answer, StoreError) for answer in answers] == [False, True, False]
    assert await database.ask(numbers) == [1, 2, 3]
    database.close()


async def test_only_what_must_hold_waits_for_the_disk(tmp_path):
    database, levels = Database(tmp_path / "store.db", SCHEMA), []

    def look(connection):
        levels.extend(connection.execute("PRAGMA synchronous").fetchone())

    normal, full = 1, 2
    for write in (database.submit, database.secure, database.submit):
        write(look)
        assert await database.ask(numbers) == []
    await database.transact(look, PATIENCE)
    stopped = Stopped(database)
    database.submit(look)
    database.secure(insert(1))
    stopped.go()
    assert await database.ask(numbers) == [1]
    assert levels == [normal, full, normal, full, full]
    database.close()


async def test_nobody_writes_between_what_a_transaction_read_and_what_it_writes(tmp_path):
    database, refused = Database(tmp_path / "store.db", SCHEMA), []

    def work(connection):
        before = numbers(connection)
        with closing(sqlite3.connect(tmp_path / "store.db", timeout=0)) as other:
            try:
                other.execute("INSERT INTO t VALUES (5)")
                other.commit()
            except sqlite3.OperationalError as error:
                refused.append(str(error))
        insert(len(before))(connection)

    await database.transact(work, PATIENCE)
    assert there(tmp_path / "store.db") == [0]
    assert refused == ["database is locked"]
    database.close()


async def test_who_only_reads_waits_for_no_lock(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 6 * PATIENCE)
    database = Database(tmp_path / "store.db", SCHEMA)
    assert await database.ask(numbers) == []
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        assert await database.ask(numbers, PATIENCE) == []
    database.close()


async def test_a_lock_is_looked_for_again_and_again(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 6 * PATIENCE)
    database, looks = Database(tmp_path / "store.db", SCHEMA), []
    with closing(sqlite3.connect(tmp_path / "store.db", check_same_thread=False)) as other:

        def look(statement: str) -> None:
            if statement == "BEGIN IMMEDIATE":
                looks.append(statement)
                if len(looks) == 3:
                    other.rollback()

        await database.ask(lambda connection: connection.set_trace_callback(look))
        other.execute("BEGIN IMMEDIATE")
        await database.transact(insert(1), PATIENCE)
    database.close()
    assert len(looks) == 3


async def test_a_secure_write_waits_until_the_lock_is_gone(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 0.01)
    monkeypatch.setattr("proxy.store.database._AGAIN_SECONDS", 0.01)
    database, done = Database(tmp_path / "store.db", SCHEMA), threading.Event()
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        assert await database.ask(numbers) == []
        other.execute("BEGIN IMMEDIATE")
        database.secure(lambda connection: insert(1)(connection) and done.set())
        assert await database.ask(numbers, PATIENCE) == []
        with pytest.raises(StoreError, match="the store failed"):  # the lock was waited for, in vain
            await database.transact(insert(2), PATIENCE)
        assert not done.is_set()
    assert await asyncio.to_thread(done.wait, 10), "it was not tried again"
    assert await database.ask(numbers) == [1]
    assert caplog.text.count("the store failed") == 1
    assert "lost" not in caplog.text
    database.close()


async def test_a_secure_write_is_kept_when_its_transaction_fails_through_another(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.store.database._AGAIN_SECONDS", 0.01)
    database = Database(tmp_path / "store.db", PROMISES)
    stopped, done = Stopped(database), []
    database.secure(lambda connection: done.append(insert(1)(connection)))
    tasks = await start(database.transact(lambda connection: connection.execute("INSERT INTO promise VALUES (7)")))
    stopped.go()
    with pytest.raises(StoreError):
        await tasks[0]
    database.close()  # it tries again what is kept
    assert len(done) == 2
    assert there(tmp_path / "store.db") == [1]


async def test_a_secure_write_finds_room_where_the_queue_has_none(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("proxy.store.database._QUEUE", 1)
    monkeypatch.setattr("proxy.store.database._SPOOL", 2)
    database = Database(tmp_path / "store.db", SCHEMA)
    stopped = Stopped(database)
    for n in range(4):  # one is queued, two are kept, one is too many
        database.secure(insert(n))
    assert caplog.text.count("is lost: too many are kept") == 1
    with pytest.raises(StoreError, match="too far behind"):  # although the thread could take it from the queue by then
        await database.transact(insert(9), PATIENCE)
    stopped.go()
    database.close()
    assert there(tmp_path / "store.db") == [0, 1, 2]


async def test_while_all_room_for_kept_writes_is_taken_nothing_is_promised(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 0.01)
    monkeypatch.setattr("proxy.store.database._SPOOL", 2)
    database = Database(tmp_path / "store.db", SCHEMA)
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        assert await database.ask(numbers) == []
        other.execute("BEGIN IMMEDIATE")
        stopped = Stopped(database)
        for n in range(2):
            database.secure(insert(n))
        tasks = await start(database.ask(numbers))
        stopped.go()
        assert await tasks[0] == []
        with pytest.raises(StoreError, match="too far behind"):
            await database.transact(insert(9), PATIENCE)
    database.close()
    assert there(tmp_path / "store.db") == [0, 1]


async def test_what_a_store_could_not_do_until_its_end_is_counted(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("proxy.store.database._BUSY_SECONDS", 0.01)
    database = Database(tmp_path / "store.db", SCHEMA)
    assert await database.ask(numbers) == []
    with closing(sqlite3.connect(tmp_path / "store.db")) as other:
        other.execute("BEGIN IMMEDIATE")
        database.secure(insert(1))
        database.secure(insert(2))
        database.close()
    assert "ends with 2 writes that must not be lost" in caplog.text


async def test_a_store_that_ends_does_all_that_was_kept(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("proxy.store.database._AGAIN_SECONDS", 60.0)
    monkeypatch.setattr("proxy.store.database._BATCH", 2)
    database, room = Database(tmp_path / "store.db", SCHEMA), threading.Event()

    def where_there_is_room(n: int):
        def work(connection):
            if not room.is_set():
                raise trouble(sqlite3.SQLITE_FULL)
            insert(n)(connection)

        return work

    for n in range(5):
        database.secure(where_there_is_room(n))
    assert await database.ask(numbers, PATIENCE) == []
    room.set()
    database.close()
    assert there(tmp_path / "store.db") == [0, 1, 2, 3, 4]
    assert "lost" not in caplog.text


async def test_what_can_never_be_done_is_said_and_not_tried_for_ever(tmp_path, caplog):
    database, tried = Database(tmp_path / "store.db", SCHEMA), []
    database.secure(lambda connection: tried.append(1) or connection.execute("INSERT INTO nowhere VALUES (1)"))
    assert await database.ask(numbers) == []
    database.close()
    assert tried == [1]
    assert "a write that must not be lost is lost: OperationalError" in caplog.text


async def test_a_full_disk_refuses_what_is_asked_for_and_keeps_what_is_secure(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.store.database._AGAIN_SECONDS", 0.01)
    database, done = Database(tmp_path / "store.db", SCHEMA), threading.Event()

    def limit(pages):
        return lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone()

    def many(connection):
        connection.executemany("INSERT INTO t VALUES (?)", [(7,)] * 5000)

    await database.ask(limit(5))
    with pytest.raises(StoreError):
        await database.transact(many, PATIENCE)
    database.secure(lambda connection: many(connection) or done.set())
    await database.transact(insert(1), PATIENCE)
    assert await database.ask(numbers) == [1], "what failed left something behind, or took something with it"
    await database.ask(limit(1000))
    assert await asyncio.to_thread(done.wait, 10), "it was not tried again"
    assert len(await database.ask(numbers)) == 5001
    database.close()


async def test_who_leaves_before_it_began_has_asked_for_nothing(tmp_path):
    database, undone = Database(tmp_path / "store.db", SCHEMA), []
    stopped = Stopped(database)
    with pytest.raises(StoreError, match="too slow"):
        await database.transact(insert(1), 0.01, undone.append)
    (task,) = await start(database.transact(insert(2), undo=undone.append))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    stopped.go()
    assert await database.ask(numbers) == []
    assert undone == []
    database.close()


@pytest.mark.parametrize("leaves", ["late", "cancelled"])
async def test_what_is_done_for_nobody_is_undone(tmp_path, leaves):
    database = Database(tmp_path / "store.db", SCHEMA)
    begun, gate = threading.Event(), threading.Event()

    def work(connection):
        insert(1)(connection)
        begun.set()
        gate.wait(10)

    asked = database.transact(
        work,
        0.05 if leaves == "late" else None,
        lambda connection: connection.execute("DELETE FROM t WHERE n = 1"),
    )
    (task,) = await start(asked)
    assert await asyncio.to_thread(begun.wait, 10)
    if leaves == "cancelled":
        task.cancel()
    with pytest.raises(StoreError if leaves == "late" else asyncio.CancelledError):
        await task
    gate.set()
    await database.transact(insert(2), PATIENCE)
    assert await database.ask(numbers) == [2]
    database.close()


async def test_memory_in_the_place_of_a_file_promises_nothing(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    database = Database(tmp_path / "file" / "store.db", SCHEMA)
    with pytest.raises(StoreError, match="nothing can be promised"):
        await database.transact(insert(1), PATIENCE)
    with pytest.raises(StoreError, match="nothing can be promised"):
        await database.ask(numbers, lasting=True)
    database.secure(insert(2))
    database.submit(insert(3))
    assert await database.ask(numbers) == [3]
    assert caplog.text.count("must not be lost is lost") == 1
    database.close()


async def test_memory_that_was_asked_for_is_a_store_like_any_other():
    database = Database(None, SCHEMA)
    await database.transact(insert(1), PATIENCE)
    database.secure(insert(2))
    assert await database.ask(numbers, lasting=True) == [1, 2]
    database.close()


async def test_of_a_file_that_turns_out_to_be_damaged_nothing_is_promised_from_then_on(tmp_path, caplog):
    database = Database(tmp_path / "store.db", SCHEMA)

    def finds_damage(connection):
        raise trouble(sqlite3.SQLITE_CORRUPT)

    stopped = Stopped(database)
    tasks = await start(database.transact(insert(1), PATIENCE))
    database.secure(insert(2))
    database.submit(finds_damage)
    stopped.go()
    with pytest.raises(StoreError):
        await tasks[0]
    with pytest.raises(StoreError, match="nothing can be promised"):
        await database.transact(insert(1), PATIENCE)
    database.close()
    assert there(tmp_path / "store.db") == []
    assert caplog.text.count("must not be lost is lost") == 1
