"""A process that spends from a ledger file, for tests of several of them: `python -m tests.proxy.budgets.spender`.

    race PATH NAME CALLS BATCH    waits for a line, asks CALLS times at once for a hundredth of a cap of 1 USD, settles
                                  every other hold in full, and prints how many were admitted; at most BATCH of them
                                  share a transaction, so that with few the processes take turns
    spend PATH NAME               reserves and settles until it is killed; prints "held ID" for each hold that it was told of

Each hold is also counted on an account of its own, so that a test can tell what became of it.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from decimal import Decimal
from pathlib import Path

from proxy.budgets import SCHEMA, Claim, Hold, Ledger
from proxy.store import Database
from proxy.store import database as store

ACCOUNT = "execution default/shared"
PRICE, USED, TOKENS = Decimal("0.01"), Decimal("0.004"), 10
HOLD_SECONDS, PATIENCE = 600.0, 60.0
ASKERS = 20


async def race(ledger: Ledger, name: str, calls: int) -> None:
    claim = Claim(ACCOUNT, PRICE, TOKENS, 1, cap_usd=Decimal(1))

    async def call(number: int) -> bool:
        held = await ledger.reserve(f"{name}-{number}", (claim,), HOLD_SECONDS, PATIENCE)
        if isinstance(held, Hold) and number % 2:
            ledger.settle(held, PRICE, TOKENS)
            ledger.settle(held, PRICE, TOKENS)  # twice, as a call that ends in two ways at once would
        return isinstance(held, Hold)

    print("ready", flush=True)  # noqa: T201  # how the test hears of it
    sys.stdin.readline()
    print(sum(await asyncio.gather(*(call(number) for number in range(calls)))), flush=True)  # noqa: T201  # the same


async def spend(ledger: Ledger, name: str) -> None:
    numbers = itertools.count()

    async def calls() -> None:
        for number in numbers:
            own = f"{name}-{number}"
            claims = (Claim(ACCOUNT, PRICE, TOKENS, 1), Claim(own, PRICE, TOKENS, 1))
            held = await ledger.reserve(own, claims, HOLD_SECONDS, PATIENCE)
            print("held", own, flush=True)  # noqa: T201  # how the test hears of it
            if number % 3:
                ledger.settle(held, USED, TOKENS)

    await asyncio.gather(*(calls() for _ in range(ASKERS)))


def main(what: str, path: str, name: str, calls: str = "", batch: str = "256") -> None:
    store._BATCH = int(batch)
    database, ids = Database(Path(path), SCHEMA), itertools.count()
    ledger = Ledger(database, lambda: f"{name}-{next(ids)}")
    asyncio.run(race(ledger, name, int(calls)) if what == "race" else spend(ledger, name))
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
