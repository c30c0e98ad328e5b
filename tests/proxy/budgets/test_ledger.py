import asyncio
import itertools
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.budgets import LARGEST_USD, SCHEMA, Claim, Hold, Ledger, Refusal, Standing
from proxy.store import Database, StoreError

ACCOUNT = "execution default/run"
PATIENCE = 10.0
CENT = Decimal("0.01")


class Clock:
    """Unix seconds, as a test says."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def ledger_of(database: Database, clock: Clock | None = None) -> Ledger:
    ids = itertools.count()
    return Ledger(database, lambda: f"hold-{next(ids)}", clock or Clock())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    database = Database(path, SCHEMA)
    yield database
    database.close()


@pytest.fixture
def ledger(database: Database, clock: Clock) -> Ledger:
    return ledger_of(database, clock)


def claim(usd: Decimal | str = CENT, tokens: int = 10, calls: int = 1, account: str = ACCOUNT, **caps) -> Claim:
    return Claim(account, Decimal(usd), tokens, calls, **caps)


async def reserve(ledger: Ledger, *claims: Claim, seconds: float = 60.0) -> Hold | Refusal:
    return await ledger.reserve("call", claims, seconds, PATIENCE)


async def held(ledger: Ledger, *claims: Claim, seconds: float = 60.0) -> Hold:
    answer = await reserve(ledger, *claims, seconds=seconds)
    assert isinstance(answer, Hold), answer
    return answer


async def standing(ledger: Ledger, account: str = ACCOUNT) -> Standing:
    return await ledger.standing(account, PATIENCE)


# --- one process -------------------------------------------------------------------------------------------------------


async def test_what_is_held_counts_until_it_is_settled_with_what_was_used(ledger):
    assert await standing(ledger) == Standing()
    hold = await held(ledger, claim("0.05", 100))
    assert hold.call == "call"
    assert hold.claims == (claim("0.05", 100),)
    assert await standing(ledger) == Standing(held_usd=Decimal("0.05"), held_tokens=100, calls=1)
    ledger.settle(hold, Decimal("0.000000000001"), 40)
    assert await standing(ledger) == Standing(usd=Decimal("0.000000000001"), tokens=40, calls=1)


async def test_settling_twice_charges_once(ledger):
    first, second = await held(ledger, claim("0.05")), await held(ledger, claim("0.07"))
    for _ in range(2):
        ledger.settle(first, Decimal("0.02"), 5)
    assert await standing(ledger) == Standing(Decimal("0.02"), Decimal("0.07"), 5, 10, 2)
    ledger.settle(second, Decimal("0.01"), 5)
    assert await standing(ledger) == Standing(usd=Decimal("0.03"), tokens=10, calls=2)


@pytest.mark.parametrize("unknown", [None, Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity"), Decimal(-1)])
async def test_a_cost_that_is_not_known_is_what_was_held(ledger, unknown):
    ledger.settle(await held(ledger, claim("0.05")), unknown, -3)
    assert await standing(ledger) == Standing(usd=Decimal("0.05"), calls=1)


async def test_a_call_that_was_never_sent_is_not_counted(ledger):
    ledger.settle(await held(ledger, claim("0.05", calls=1)), Decimal(0), 0, calls=0)
    assert await standing(ledger) == Standing()


@pytest.mark.parametrize(
    ("caps", "refusal"),
    [
        ({"cap_usd": Decimal("0.04")}, Refusal(ACCOUNT, "usd", Decimal("0.04"), CENT, 2 * CENT, 2 * CENT)),
        ({"cap_tokens": 44}, Refusal(ACCOUNT, "tokens", 44, 5, 20, 20)),
        ({"cap_calls": 3}, Refusal(ACCOUNT, "calls", 3, 1, 1, 2)),
        ({"cap_usd": Decimal(9), "cap_tokens": 9, "cap_calls": 9}, Refusal(ACCOUNT, "tokens", 9, 5, 20, 20)),
    ],
)
async def test_a_refusal_says_which_cap_left_no_room(ledger, caps, refusal):
    ledger.settle(await held(ledger, claim()), CENT, 5)
    await held(ledger, claim(2 * CENT, 20))
    before = await standing(ledger)
    assert await reserve(ledger, claim(2 * CENT, 20, 2, **caps)) == refusal
    assert await standing(ledger) == before


@pytest.mark.parametrize("caps", [{"cap_usd": Decimal("0.05")}, {"cap_tokens": 45}, {"cap_calls": 4}])
async def test_what_just_fits_is_admitted(ledger, caps):
    ledger.settle(await held(ledger, claim()), CENT, 5)
    await held(ledger, claim(2 * CENT, 20))
    assert isinstance(await reserve(ledger, claim(2 * CENT, 20, 2, **caps)), Hold)


async def test_the_first_call_of_an_account_has_a_cap_too(ledger):
    refused = await reserve(ledger, claim("0.02", cap_usd=CENT))
    assert refused == Refusal(ACCOUNT, "usd", CENT, Decimal(0), Decimal(0), Decimal("0.02"))
    assert isinstance(await reserve(ledger, claim(0, cap_usd=Decimal(0))), Hold)


async def test_several_accounts_are_all_or_nothing(ledger):
    own, team = claim(account="b", cap_usd=CENT), claim(account="a", cap_usd=3 * CENT)
    hold = await held(ledger, own, team)
    assert [each.account for each in hold.claims] == ["a", "b"], "the order is the same for all, whoever asks"
    refused = await reserve(ledger, own, team, claim(account="c"))
    assert isinstance(refused, Refusal)
    assert refused.account == "b"
    one_held = Standing(held_usd=CENT, held_tokens=10, calls=1)
    assert [await standing(ledger, account) for account in "abc"] == [one_held, one_held, Standing()]
    ledger.settle(hold, 2 * CENT, 7)
    spent = Standing(usd=2 * CENT, tokens=7, calls=1)
    assert [await standing(ledger, account) for account in "abc"] == [spent, spent, Standing()]


@pytest.mark.parametrize(
    "claims",
    [
        (claim(), claim()),
        (claim("-0.01"),),
        (claim("NaN"),),
        (claim("Infinity"),),
        (claim(tokens=-1),),
        (claim(calls=-1),),
    ],
)
async def test_what_is_no_amount_is_not_held(ledger, claims):
    with pytest.raises(ValueError, match="claim"):
        await reserve(ledger, *claims)
    assert await standing(ledger) == Standing()


async def test_a_hold_lasts(ledger):
    with pytest.raises(ValueError, match="must last"):
        await reserve(ledger, claim(), seconds=0.0)


async def test_what_is_held_is_rounded_up_and_what_is_spent_as_events_are(ledger):
    tiny = Decimal("0.0000000000001")
    hold = await held(ledger, claim(tiny))
    assert (await standing(ledger)).held_usd == Decimal("1e-12")
    ledger.settle(hold, tiny, 0)
    assert (await standing(ledger)).usd == round(tiny, 12) == 0
    assert isinstance(await reserve(ledger, claim("1e-12", cap_usd=Decimal("1.9e-12"))), Hold)
    assert isinstance(await reserve(ledger, claim("1e-12", cap_usd=Decimal("1.9e-12"))), Refusal)


async def test_an_account_never_overflows(ledger):
    huge = claim(Decimal("1e30"), 10**30, 10**30)
    hold = await held(ledger, huge)
    refused = await reserve(ledger, claim())
    assert isinstance(refused, Refusal)
    assert refused.limit == LARGEST_USD
    assert refused.held == LARGEST_USD
    ledger.settle(hold, Decimal("1e30"), 10**30)
    ledger.record(ACCOUNT, Decimal("1e30"), 10**30, 10**30)
    assert await standing(ledger) == Standing(usd=LARGEST_USD, tokens=2**63 - 1, calls=2**63 - 1)
    ledger.record("another", CENT, 1, 1)
    ledger.settle(await held(ledger, claim(account="another")), Decimal("1e30"), 10**30, calls=10**30)
    assert await standing(ledger, "another") == Standing(usd=LARGEST_USD, tokens=2**63 - 1, calls=2**63 - 1)


async def test_what_expires_never_overflows_an_account_either(ledger, clock):
    await held(ledger, claim("5", 10**12), seconds=60.0)
    ledger.record(ACCOUNT, LARGEST_USD, 2**63 - 1, 2**63 - 1)
    clock.now += 60.0
    ledger.sweep()
    assert await standing(ledger) == Standing(usd=LARGEST_USD, tokens=2**63 - 1, calls=2**63 - 1)


async def test_calls_without_a_cap_are_written_down(ledger):
    ledger.record(ACCOUNT, CENT, 7, 1)
    ledger.record(ACCOUNT, None, 5, 1)
    assert await standing(ledger) == Standing(usd=CENT, tokens=12, calls=2)
    assert isinstance(await reserve(ledger, claim(cap_usd=CENT)), Refusal)


# --- expiry and retention ------------------------------------------------------------------------------------------------


async def test_a_hold_that_expires_is_charged_whole_and_cannot_be_settled_any_more(ledger, clock, path):
    hold = await held(ledger, claim("0.05"), seconds=60.0)
    clock.now += 60.0
    charged = Standing(usd=Decimal("0.05"), tokens=10, calls=1)
    assert await standing(ledger) == charged, "before it is swept"
    ledger.settle(hold, CENT, 1)
    assert await standing(ledger) == charged
    await held(ledger, claim(account="another"))  # sweeps on its way
    assert [account for account, _ in open_holds(path)] == ["another"]
    ledger.settle(hold, CENT, 1)
    assert await standing(ledger) == charged


async def test_a_refusal_tells_what_expired_as_spent(ledger, clock):
    await held(ledger, claim("0.05"), seconds=1.5)
    clock.now += 1.0
    await held(ledger, claim(account="another"))  # sweeps too early
    clock.now += 0.5
    refused = await reserve(ledger, claim("0.05", cap_usd=Decimal("0.09")))
    assert refused == Refusal(ACCOUNT, "usd", Decimal("0.09"), Decimal("0.05"), Decimal(0), Decimal("0.05"))


async def test_a_sweep_charges_every_account_of_what_expired_and_nothing_else(ledger, clock, path):
    for seconds in (10.0, 20.0, 30.0):
        await held(ledger, claim(), claim(account="team"), seconds=seconds)
    clock.now += 20.0
    for _ in range(2):
        ledger.sweep()
    for account in (ACCOUNT, "team"):
        assert await standing(ledger, account) == Standing(2 * CENT, CENT, 20, 10, 3)
    assert [account for account, _ in open_holds(path)] == [ACCOUNT, "team"]


async def test_a_clock_that_is_set_back_gives_nothing_back(ledger, clock):
    hold = await held(ledger, claim(cap_usd=CENT), seconds=60.0)
    clock.now += 60.0
    assert (await standing(ledger)).usd == CENT
    clock.now -= 3600.0
    ledger.settle(hold, Decimal(0), 0)
    assert await standing(ledger) == Standing(usd=CENT, tokens=10, calls=1)
    assert isinstance(await reserve(ledger, claim(cap_usd=CENT)), Refusal)


async def test_old_accounts_are_forgotten_unless_they_hold_something(ledger, clock):
    for account in ("done", "used again", "holding"):
        ledger.record(account, CENT, 1, 1)
    await held(ledger, claim(account="holding"), seconds=1000.0)
    clock.now += 100.0
    ledger.record("used again", CENT, 1, 1)
    clock.now += 1.0
    ledger.forget(100.0)
    found = [await standing(ledger, account) for account in ("done", "used again", "holding")]
    assert found == [Standing(), Standing(2 * CENT, Decimal(0), 2, 0, 2), Standing(CENT, CENT, 1, 10, 2)]


# --- when the store is in trouble ------------------------------------------------------------------------------------------


def open_holds(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as other:
        return other.execute("SELECT account, id FROM reservations ORDER BY account, id").fetchall()


async def test_limits_fail_closed_where_nothing_can_be_counted(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    database = Database(tmp_path / "file" / "store.db", SCHEMA)
    ledger = ledger_of(database)
    for asked in (reserve(ledger, claim()), standing(ledger)):
        with pytest.raises(StoreError, match="nothing can be promised"):
            await asked
    database.close()


async def test_a_file_that_is_locked_refuses_in_time_and_holds_nothing(database, ledger, path):
    hold = await held(ledger, claim())
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="too slow"):
            await ledger.reserve("call", (claim(),), 60.0, 0.05)
        ledger.settle(hold, CENT, 1)
        assert (await standing(ledger)).held_usd == CENT, "who only looks waits for no lock"
    await held(ledger, claim(account="another"))
    assert await standing(ledger) == Standing(usd=CENT, tokens=1, calls=1)
    assert [account for account, _ in open_holds(path)] == ["another"]


@pytest.mark.parametrize("leaves", ["late", "cancelled"])
async def test_nothing_stays_held_for_who_did_not_wait_for_the_answer(database, ledger, leaves):
    await held(ledger, claim())
    first, written, second = threading.Event(), threading.Event(), threading.Event()
    database.submit(lambda connection: first.wait(PATIENCE))
    asking = asyncio.create_task(ledger.reserve("call", (claim(),), 60.0, 0.05 if leaves == "late" else None))
    await asyncio.sleep(0)
    # Done with it, after it: the reservation is made and not yet committed while this waits.
    database.submit(lambda connection: written.set() or second.wait(PATIENCE))
    first.set()
    assert await asyncio.to_thread(written.wait, PATIENCE)
    if leaves == "cancelled":
        asking.cancel()
    with pytest.raises(StoreError if leaves == "late" else asyncio.CancelledError):
        await asking
    second.set()
    await held(ledger, claim(account="another"))
    assert await standing(ledger) == Standing(held_usd=CENT, held_tokens=10, calls=1), "only what was there before"


async def test_a_full_disk_refuses_new_holds_and_settles_those_there_are(database, ledger, path):
    async def limit(pages: int) -> None:
        await database.ask(lambda connection: connection.execute(f"PRAGMA max_page_count = {pages}").fetchone())

    holds: list[Hold] = []

    async def fill() -> None:
        for number in range(1000):  # a long name fills a page soon
            hold = await held(ledger, claim(), claim(account=f"{number} {'x' * 2000}"))
            holds.append(hold)

    await limit(30)
    with pytest.raises(StoreError):
        await fill()
    assert holds, "not even one fitted"
    assert (await standing(ledger)).held_usd == CENT * len(holds), "of what was refused, a part was held"
    for hold in holds:
        ledger.settle(hold, CENT / 2, 1)
    assert await standing(ledger) == Standing(CENT / 2 * len(holds), tokens=len(holds), calls=len(holds))
    await limit(10_000)
    await held(ledger, claim(account="y" * 2000))
    assert len(open_holds(path)) == 1
