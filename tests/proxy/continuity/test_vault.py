import pytest

from proxy.continuity import SCHEMA, Vault
from proxy.store import Database
from translators.canonical import Opaque, Reasoning, Text, ToolCall

THOUGHT = Reasoning(("s",), None, (Opaque("i", "k", "d"),))
CALL = ToolCall("call_1", "f", "{}")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def open_vault(tmp_path, clock):
    opened = []

    def open_(**options) -> Vault:
        database = Database(tmp_path / "store.db", SCHEMA)
        opened.append(database)
        return Vault(database, clock=clock, **options)

    yield open_
    for database in opened:
        database.close()


async def test_a_turn_is_found_by_its_first_call_and_by_its_own_scope_alone(open_vault):
    vault, turn = open_vault(), (THOUGHT, CALL, ToolCall("call_2", "g", "{}"))
    vault.keep("a", turn)
    assert await vault.find("a", ["call_1", "call_2", "call_3"]) == {"call_1": turn}
    assert await vault.find("b", ["call_1"]) == {}


async def test_a_restart_loses_nothing(open_vault):
    before = open_vault()
    before.keep("a", (THOUGHT, CALL))
    before._database.close()
    assert await open_vault().find("a", ["call_1"]) == {"call_1": (THOUGHT, CALL)}


async def test_only_turns_that_must_come_back_are_kept(open_vault):
    vault = open_vault()
    vault.keep("a", (Text("t"), CALL))
    vault.keep("a", (THOUGHT, Text("t")))
    assert await vault.find("a", ["call_1"]) == {}


async def test_an_entry_ends_with_its_time(open_vault, clock):
    vault = open_vault(ttl=60.0)
    vault.keep("a", (THOUGHT, CALL))
    vault._database.close()
    clock.now += 61
    assert await vault.find("a", ["call_1"]) == {}
    assert await open_vault().find("a", ["call_1"]) == {}


async def test_what_is_too_much_goes_oldest_first_from_memory_and_from_the_store(open_vault, clock):
    vault = open_vault(limit=2)
    for number in range(4):
        clock.now += 61  # each keeping sweeps
        vault.keep("a", (THOUGHT, ToolCall(f"call_{number}", "f", "{}")))
    assert set(await vault.find("a", [f"call_{number}" for number in range(4)])) == {"call_2", "call_3"}


async def test_a_store_that_fails_is_a_turn_that_is_not_found(open_vault):
    vault = open_vault()
    await vault._database.ask(lambda connection: connection.execute("DROP TABLE vault"))
    assert await vault.find("a", ["call_9"]) == {}


async def test_a_turn_is_written_once_however_many_calls_it_makes(open_vault):
    vault = open_vault()
    vault.keep("a", (THOUGHT, *(ToolCall(f"call_{number}", "f", "{}") for number in range(100))))
    rows = await vault._database.ask(lambda connection: connection.execute("SELECT count(*) FROM vault").fetchone())
    assert rows == (1,)


async def test_neither_memory_nor_the_store_grows_beyond_its_bytes(open_vault, clock, monkeypatch):
    monkeypatch.setattr("proxy.continuity.vault._MEMORY_BYTES", 10_000)
    monkeypatch.setattr("proxy.continuity.vault._STORE_BYTES", 20_000)
    vault = open_vault()
    for number in range(60):
        clock.now += 61  # each keeping sweeps
        vault.keep("a", (THOUGHT, ToolCall(f"call_{number}", "f", "x" * 1000)))
    assert sum(len(turn) for _, turn in vault._memory.values()) == vault._bytes <= 10_000
    stored = await vault._database.ask(lambda connection: connection.execute("SELECT call_id FROM vault").fetchall())
    assert 15 < len(stored) < 20
    assert ("call_59",) in stored
    clock.now += 4000
    vault.keep("a", (THOUGHT, CALL))
    assert vault._bytes == len(vault._memory["a", "call_1"][1])


async def test_a_turn_of_absurd_size_is_not_kept(open_vault, monkeypatch):
    monkeypatch.setattr("proxy.continuity.vault._TURN_BYTES", 1000)
    vault = open_vault()
    vault.keep("a", (THOUGHT, ToolCall("call_1", "f", "x" * 1000)))
    assert await vault.find("a", ["call_1"]) == {}


@pytest.mark.parametrize("data", [b"", b"[5]", b'[["text"]]', b'[["reasoning",[],null,[["a","b"]]]]', b"{}x"])
async def test_what_cannot_be_read_is_not_found(open_vault, clock, data):
    vault = open_vault()
    row = ("a", "call_1", clock.now + 60, data)
    vault._database.submit(lambda connection: connection.execute("INSERT INTO vault VALUES (?, ?, ?, ?)", row))
    assert await vault.find("a", ["call_1"]) == {}


async def test_a_clock_set_back_does_not_stop_the_sweeping(open_vault, clock):
    vault = open_vault(limit=1)
    vault.keep("a", (THOUGHT, CALL))
    clock.now -= 500
    vault.keep("a", (THOUGHT, ToolCall("call_2", "f", "{}")))
    rows = await vault._database.ask(lambda connection: connection.execute("SELECT call_id FROM vault").fetchall())
    assert rows == [("call_1",)]  # the one that lasts longer
