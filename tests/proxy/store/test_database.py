import asyncio
import stat

import pytest

from proxy.store import Database, StoreError

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
