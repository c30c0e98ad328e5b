import sqlite3

import pytest

from proxy.continuity import SCHEMA, Sealer, seal_key
from proxy.continuity.envelope import PREFIX
from proxy.store import Database
from translators.canonical import Opaque

BLOBS = (Opaque("anthropic:claude-opus-5", "thinking", '{"thinking":"é","signature":"sig=="}'), Opaque("a", "b", ""))


def test_an_envelope_opens_for_its_own_scope_and_key_alone():
    sealer = Sealer(b"k" * 32)
    envelope = sealer.seal("default/agent", BLOBS)
    assert envelope.startswith(PREFIX)
    assert sealer.open("default/agent", envelope) == BLOBS
    assert sealer.open("default/other", envelope) is None
    assert Sealer(b"x" * 32).open("default/agent", envelope) is None


@pytest.mark.parametrize("at", [8, 40, -3])
def test_an_altered_envelope_does_not_open(at: int):
    sealer = Sealer(b"k" * 32)
    envelope = sealer.seal("s", BLOBS)
    changed = envelope[:at] + ("A" if envelope[at] != "A" else "B") + envelope[at + 1 :]
    assert sealer.open("s", changed) is None


@pytest.mark.parametrize("text", ["", PREFIX, PREFIX + ".", PREFIX + "é.é", "gAAAAABopenai", PREFIX + "a.b.c"])
def test_what_is_no_envelope_does_not_open(text: str):
    assert Sealer(b"k").open("s", text) is None


def test_the_key_lives_as_long_as_the_store_and_may_be_given(tmp_path):
    path = tmp_path / "store.db"
    keys = []
    for given in (None, None, "from outside", "from outside"):
        database = Database(path, SCHEMA)
        keys.append(seal_key(database, given))
        database.close()
    assert keys[0] == keys[1]
    assert len(keys[0]) == 32
    assert keys[2] == keys[3] != keys[0]
    assert b"from outside" not in keys[2]
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM seal_key").fetchone() == (1,)


def test_a_key_that_is_there_is_read_from_a_file_that_cannot_be_written(tmp_path):
    path = tmp_path / "store.db"
    database = Database(path, SCHEMA)
    key = seal_key(database, None)
    database.close()
    database = Database(path, SCHEMA)
    database.ask_now(lambda connection: connection.execute("PRAGMA query_only = ON"))
    assert seal_key(database, None) == key
    database.close()
