"""The ledger with several processes on one file: real processes, really killed."""

import asyncio
import itertools
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from proxy.budgets import SCHEMA, Claim, Hold, Ledger, Standing
from proxy.store import Database

from .spender import ACCOUNT, HOLD_SECONDS, PATIENCE, PRICE, TOKENS, USED

CALLS, AFFORDABLE = 1000, 100


@contextmanager
def spender(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.proxy.budgets.spender", *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def ledger_at(path: Path, later: float = 0.0) -> Iterator[Ledger]:
    """A ledger of this process, `later` seconds from now."""
    database, ids = Database(path, SCHEMA), itertools.count()
    try:
        yield Ledger(database, lambda: f"test-{next(ids)}", lambda: time.time() + later)
    finally:
        database.close()


def rows(path: Path, query: str) -> list[tuple]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


async def race(path: Path, processes: int, batch: int) -> None:
    with ExitStack() as stack:
        racing = [
            stack.enter_context(spender("race", path, f"p{number}", CALLS // processes, batch))
            for number in range(processes)
        ]
        for process in racing:
            assert process.stdout.readline() == "ready\n"
        for process in racing:
            process.stdin.write("go\n")
            process.stdin.flush()
        admitted = [int(process.communicate(timeout=PATIENCE)[0]) for process in racing]
    assert sum(admitted) == AFFORDABLE, f"of {CALLS} calls in {processes} processes, of which each admitted {admitted}"
    ((settled, open_),) = rows(path, f"SELECT {AFFORDABLE} - count(*), count(*) FROM reservations")  # noqa: S608  # a constant of this module
    with ledger_at(path) as ledger:
        found = await ledger.standing(ACCOUNT, PATIENCE)
        refused = await ledger.reserve("one more", (Claim(ACCOUNT, PRICE, 0, 0, PRICE * AFFORDABLE),), 1.0, PATIENCE)
    assert found == Standing(PRICE * settled, PRICE * open_, TOKENS * settled, TOKENS * open_, AFFORDABLE)
    assert not isinstance(refused, Hold)


@pytest.mark.parametrize("batch", [1, 2, 256])
@pytest.mark.parametrize("processes", [1, 4])
async def test_of_a_thousand_calls_at_once_as_many_pass_as_the_cap_affords(tmp_path, processes, batch):
    await race(tmp_path / "store.db", processes, batch)


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 4])
async def test_as_many_pass_as_the_cap_affords_in_twenty_rounds(tmp_path, processes):
    for number in range(20):
        await race(tmp_path / f"{number}.db", processes, batch=(1, 2, 256)[number % 3])


def told(process: subprocess.Popen[str], count: int) -> list[str]:
    """The next holds that `process` was told of."""
    return [process.stdout.readline().split()[1] for _ in range(count)]


async def killed(path: Path, after: int) -> None:
    with spender("spend", path, "first") as first, spender("spend", path, "second") as second:
        acknowledged = told(first, after)
        first.kill()
        rest, _ = first.communicate()
        acknowledged += [line.split()[1] for line in rest.splitlines(keepends=True) if line.endswith("\n")]
        acknowledged += told(second, 200)  # the other one goes on
        second.kill()
        second.communicate()

    found = dict(rows(path, "SELECT account, calls + held_calls FROM ledger"))
    assert [own for own in acknowledged if found.get(own) != 1] == [], "lost, although it was told to be held"
    open_ = {account for (account,) in rows(path, "SELECT account FROM reservations")}
    assert open_, "nothing was under way"

    with ledger_at(path, HOLD_SECONDS + 60.0) as ledger:
        ledger.sweep()
        own = [account for account in found if account != ACCOUNT]
        shared, *each = [await ledger.standing(account, PATIENCE) for account in (ACCOUNT, *own)]
    assert rows(path, "SELECT * FROM reservations") == [], "a hold has leaked"
    whole, used = Standing(PRICE, tokens=TOKENS, calls=1), Standing(USED, tokens=TOKENS, calls=1)
    wrong = {
        account: standing
        for account, standing in zip(own, each, strict=True)
        if standing != whole and (standing != used or account in open_)
    }
    assert wrong == {}, "not charged exactly once"
    assert shared == Standing(sum(standing.usd for standing in each), tokens=TOKENS * len(own), calls=len(own)), (
        "the accounts of one hold were not charged together"
    )


@pytest.mark.parametrize("after", [1, 150])
async def test_a_process_that_is_killed_loses_nothing_and_leaks_nothing(tmp_path, after):
    await killed(tmp_path / "store.db", after)


@pytest.mark.slow
async def test_a_process_that_is_killed_at_many_moments_loses_nothing_and_leaks_nothing(tmp_path):
    for after in range(1, 400, 20):
        await killed(tmp_path / f"{after}.db", after)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another process holds the file."""
    hold_it = (
        "import sqlite3, sys; connection = sqlite3.connect(sys.argv[1]); connection.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.readline()"
    )
    command = [sys.executable, "-c", hold_it, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("let go\n")


async def test_a_file_that_another_process_holds_refuses_in_time(tmp_path):
    path, claim = tmp_path / "store.db", Claim(ACCOUNT, PRICE, TOKENS, 1)
    with ledger_at(path) as ledger:
        await ledger.standing(ACCOUNT, PATIENCE)  # makes the file
        with locked(path):
            asked = [ledger.reserve("call", (claim,), 60.0, 0.1) for _ in range(20)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert [str(answer) for answer in answers] == ["the store is too slow"] * 20
        held = await ledger.reserve("call", (claim,), 60.0, PATIENCE)
        assert isinstance(held, Hold)
        assert await ledger.standing(ACCOUNT, PATIENCE) == Standing(held_usd=PRICE, held_tokens=TOKENS, calls=1)
