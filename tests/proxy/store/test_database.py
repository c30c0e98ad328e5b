import asyncio
import sqlite3
import stat
import threading
from contextlib import closing

import pytest

from proxy.store import Database, StoreError
from proxy.store.database import _wait_for_locks

SCHEMA = ("CREATE TABLE IF NOT EXISTS t (n INTEGER)",)


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
