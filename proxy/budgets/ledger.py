"""Reserve the worst case before a call, settle once after it: exact however many calls and processes share an account.

What an account has spent and what it holds never exceed its cap together, unless a call turns out dearer than it was
reserved with. One conditional statement both checks and writes, so nothing can come between. A hold ends in one of two
ways: it is settled, or it expires and is charged whole, since nobody knows what became of its call. A clock that is set
back gives nothing back. Knows no price, no call and no route; whoever asks says what may be spent and what was.

Source: reliability design, 6.2. One machine, one file (6.1); what the store promises, `proxy.store.database` says.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

from proxy.store import Database
from translators.canonical import value

SCHEMA = (
    # No index on what changes with every call. Money in 1e-12 US dollars, times in unix seconds.
    """CREATE TABLE IF NOT EXISTS ledger (
        account TEXT PRIMARY KEY,
        usd INTEGER NOT NULL, held_usd INTEGER NOT NULL,
        tokens INTEGER NOT NULL, held_tokens INTEGER NOT NULL,
        calls INTEGER NOT NULL, held_calls INTEGER NOT NULL,
        first REAL NOT NULL, last REAL NOT NULL
    ) WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS ledger_first ON ledger (first)",
    # Only what is open: as many rows as calls under way, so that a sweep may look at all of them.
    """CREATE TABLE IF NOT EXISTS reservations (
        account TEXT NOT NULL, id TEXT NOT NULL, call TEXT NOT NULL,
        usd INTEGER NOT NULL, tokens INTEGER NOT NULL, calls INTEGER NOT NULL,
        expires REAL NOT NULL,
        PRIMARY KEY (account, id)
    ) WITHOUT ROWID""",
)

_LARGEST = 2**63 - 1
"""The largest integer of SQLite. A sum that is larger turns into a float there, which no cap admits."""
_DIGITS = 12
"""Digits after the point that events keep of an amount (events reference), and this ledger with them."""
LARGEST_USD = Decimal(_LARGEST).scaleb(-_DIGITS)
"""The most an account can hold and spend, some 9.2 million US dollars. Spending beyond is counted as this."""
_SWEEP_SECONDS = 1.0
_FORGET_ROWS = 10_000

_RESERVE = """INSERT INTO ledger
    SELECT :account, 0, :usd, 0, :tokens, 0, :calls, :now, :now
    WHERE :usd <= :cap_usd AND :tokens <= :cap_tokens AND :calls <= :cap_calls
    ON CONFLICT (account) DO UPDATE SET
        held_usd = held_usd + :usd, held_tokens = held_tokens + :tokens, held_calls = held_calls + :calls,
        last = max(last, :now)
    WHERE usd + held_usd + :usd <= :cap_usd
        AND tokens + held_tokens + :tokens <= :cap_tokens
        AND calls + held_calls + :calls <= :cap_calls"""
_HOLD = "INSERT INTO reservations VALUES (:account, :id, :call, :usd, :tokens, :calls, :expires)"
_RELEASE = "DELETE FROM reservations WHERE account = :account AND id = :id AND expires > :now"
_CHARGE = """UPDATE ledger SET
        held_usd = held_usd - :held_usd, held_tokens = held_tokens - :held_tokens,
        held_calls = held_calls - :held_calls, usd = min(usd + :usd, :largest),
        tokens = min(tokens + :tokens, :largest), calls = min(calls + :calls, :largest), last = max(last, :now)
    WHERE account = :account"""
_RECORD = """INSERT INTO ledger VALUES (:account, :usd, 0, :tokens, 0, :calls, 0, :now, :now)
    ON CONFLICT (account) DO UPDATE SET usd = min(usd + :usd, :largest),
        tokens = min(tokens + :tokens, :largest), calls = min(calls + :calls, :largest), last = max(last, :now)"""
# UPDATE … FROM needs SQLite 3.33 of 2020.
_CHARGE_EXPIRED = """UPDATE ledger SET
        held_usd = held_usd - gone.usd, held_tokens = held_tokens - gone.tokens, held_calls = held_calls - gone.calls,
        usd = min(ledger.usd + gone.usd, :largest), tokens = min(ledger.tokens + gone.tokens, :largest),
        calls = min(ledger.calls + gone.calls, :largest)
    FROM (SELECT account, sum(usd) AS usd, sum(tokens) AS tokens, sum(calls) AS calls
        FROM reservations WHERE expires <= :now GROUP BY account) AS gone
    WHERE ledger.account = gone.account"""
_RELEASE_EXPIRED = "DELETE FROM reservations WHERE expires <= :now"
# What has expired is spent from that moment on, whether it was swept yet or not.
_STANDING = """SELECT ledger.usd, held_usd, ledger.tokens, held_tokens, ledger.calls, held_calls,
        ifnull(sum(gone.usd), 0), ifnull(sum(gone.tokens), 0), ifnull(sum(gone.calls), 0)
    FROM ledger LEFT JOIN reservations AS gone ON gone.account = ledger.account AND gone.expires <= :now
    WHERE ledger.account = :account GROUP BY ledger.account"""
_FORGET = """DELETE FROM ledger WHERE account IN (
    SELECT account FROM ledger WHERE first < :before AND last < :before
        AND NOT EXISTS (SELECT 1 FROM reservations WHERE reservations.account = ledger.account)
    LIMIT :rows)"""


Unit = Literal["usd", "tokens", "calls"]


@value
class Claim:
    """What a call may take from `account` at most, and what the account may come to. A cap of None is no limit.

    Money is US dollars; amounts are finite and not negative. The account's name says what it counts, as in
    "execution default/exec-1".
    """

    account: str
    usd: Decimal
    tokens: int
    calls: int
    cap_usd: Decimal | None = None
    cap_tokens: int | None = None
    cap_calls: int | None = None


@value
class Standing:
    """What an account has spent, and what it holds for calls under way. `calls` counts both."""

    usd: Decimal = Decimal(0)
    held_usd: Decimal = Decimal(0)
    tokens: int = 0
    held_tokens: int = 0
    calls: int = 0


@value
class Refusal:
    """The first cap that leaves no room: `spent` + `held` + `estimate` is more than `limit`. Dollars, or plain counts."""

    account: str
    unit: Unit
    limit: Decimal | int
    spent: Decimal | int
    held: Decimal | int
    estimate: Decimal | int


@value
class Hold:
    """What is held for the call `call` until it is settled: every claim, by account."""

    id: str
    call: str
    claims: tuple[Claim, ...]


@value
class _Row:
    """An account as the store has it: what expired is spent already. Money in 1e-12 US dollars."""

    usd: int = 0
    held_usd: int = 0
    tokens: int = 0
    held_tokens: int = 0
    calls: int = 0
    held_calls: int = 0


class Ledger:
    """The accounts of one store, made with `SCHEMA`. `new_id()` names holds; `clock()` gives unix seconds.

    Wall time, as holds outlive the process that made them. What has expired once stays so when the clock is set back.
    """

    def __init__(self, database: Database, new_id: Callable[[], str], clock: Callable[[], float] = time.time) -> None:
        self._database, self._new_id, self._clock = database, new_id, clock
        self._latest = self._swept = 0.0

    async def standing(self, account: str, patience: float | None = None) -> Standing:
        """How `account` stands. Raises `StoreError` when that cannot be told within `patience` seconds.

        A look only: by the time of a `reserve` others may have spent.
        """
        now = self._now()
        row = await self._database.ask(lambda connection: _row(connection, account, now), patience, lasting=True)
        return Standing(
            usd=_dollars(row.usd),
            held_usd=_dollars(row.held_usd),
            tokens=row.tokens,
            held_tokens=row.held_tokens,
            calls=row.calls + row.held_calls,
        )

    async def reserve(
        self, call: str, claims: Sequence[Claim], seconds: float, patience: float | None = None
    ) -> Hold | Refusal:
        """Hold all of `claims`, or nothing: a `Refusal` when a cap leaves no room for one of them.

        The hold lasts `seconds`, which must span the whole call; then it is charged. Raises `StoreError` when it was not
        done within `patience` seconds. Nothing stays held for whoever is no longer there to hear the answer, be it late
        or cancelled. Raises `ValueError` for an amount that is none, and for two claims on one account.
        """
        ordered = tuple(sorted(claims, key=lambda claim: claim.account))
        if len({claim.account for claim in ordered}) < len(ordered):
            raise ValueError("two claims on one account")
        if seconds <= 0:
            raise ValueError("a hold must last")
        hold, now = Hold(self._new_id(), call, ordered), self._now()
        rows = [_claimed(hold, claim, now, now + seconds) for claim in ordered]
        undo = _settling(hold, Decimal(0), 0, 0, now)
        sweeps = now - self._swept >= _SWEEP_SECONDS
        if sweeps:
            self._swept = now

        def work(connection: sqlite3.Connection) -> Hold | Refusal:
            if sweeps:
                _sweep(connection, now)
            for claim, row in zip(ordered, rows, strict=True):
                if connection.execute(_RESERVE, row).rowcount == 0:
                    undo(connection)
                    return _refusal(claim, row, _row(connection, claim.account, now))
                connection.execute(_HOLD, row)
            return hold

        return await self._database.transact(work, patience, undo)

    def settle(self, hold: Hold, usd: Decimal | None, tokens: int, *, calls: int | None = None) -> None:
        """Give back what is held and charge what was used, to every account of `hold`; the store follows, for certain.

        `usd` None, or no amount of money, is unknown and charges what was held. `calls` None counts those that were held;
        0 is for a call that was never sent. Settling again does nothing, nor does settling what has expired: that is
        charged already.
        """
        self._database.secure(_settling(hold, usd, tokens, calls, self._now()))

    def record(self, account: str, usd: Decimal | None, tokens: int, calls: int) -> None:
        """What calls without a cap spent; `usd` None is unknown and adds nothing. May be lost when the store fails."""
        spent = _spent(usd)
        row = {
            "account": account,
            "usd": 0 if spent is None else spent,
            "tokens": _count(tokens),
            "calls": _count(calls),
            "now": self._now(),
            "largest": _LARGEST,
        }
        self._database.submit(lambda connection: connection.execute(_RECORD, row))

    def sweep(self) -> None:
        """Charge what has expired. `reserve` does it on its way; this is for a process that starts, or is idle."""
        now = self._now()
        self._database.secure(lambda connection: _sweep(connection, now))

    def forget(self, older_than: float) -> None:
        """Delete accounts that nothing was spent on for `older_than` seconds and that hold nothing, ten thousand a time.

        What they had spent is forgotten too, so this must be longer than any account is meant to last.
        """
        row = {"before": self._now() - older_than, "rows": _FORGET_ROWS}
        self._database.submit(lambda connection: connection.execute(_FORGET, row))

    def _now(self) -> float:
        """The latest time that was ever seen."""
        self._latest = max(self._latest, self._clock())
        return self._latest


# --- in the store's thread ---------------------------------------------------------------------------------------------


def _settling(
    hold: Hold, usd: Decimal | None, tokens: int, calls: int | None, now: float
) -> Callable[[sqlite3.Connection], None]:
    """The work that settles `hold` with what was used, once."""
    spent = _spent(usd)
    rows = []
    for claim in hold.claims:
        held_usd = _upward(claim.usd)
        rows.append(
            {
                "account": claim.account,
                "id": hold.id,
                "now": now,
                "largest": _LARGEST,
                "held_usd": held_usd,
                "held_tokens": _count(claim.tokens),
                "held_calls": _count(claim.calls),
                "usd": held_usd if spent is None else spent,
                "tokens": _count(tokens),
                "calls": _count(claim.calls if calls is None else calls),
            }
        )

    def settle(connection: sqlite3.Connection) -> None:
        for row in rows:
            if connection.execute(_RELEASE, row).rowcount:  # else it was settled, has expired, or was never held
                connection.execute(_CHARGE, row)

    return settle


def _sweep(connection: sqlite3.Connection, now: float) -> None:
    connection.execute(_CHARGE_EXPIRED, {"now": now, "largest": _LARGEST})
    connection.execute(_RELEASE_EXPIRED, {"now": now})


def _row(connection: sqlite3.Connection, account: str, now: float) -> _Row:
    found = connection.execute(_STANDING, {"account": account, "now": now}).fetchone()
    if found is None:
        return _Row()
    usd, held_usd, tokens, held_tokens, calls, held_calls, gone_usd, gone_tokens, gone_calls = found
    return _Row(
        usd=usd + gone_usd,
        held_usd=held_usd - gone_usd,
        tokens=tokens + gone_tokens,
        held_tokens=held_tokens - gone_tokens,
        calls=calls + gone_calls,
        held_calls=held_calls - gone_calls,
    )


# --- amounts -----------------------------------------------------------------------------------------------------------


def _claimed(hold: Hold, claim: Claim, now: float, expires: float) -> dict[str, Any]:
    if not claim.usd.is_finite() or claim.usd < 0 or claim.tokens < 0 or claim.calls < 0:
        raise ValueError("a claim must be for an amount")
    return {
        "account": claim.account,
        "id": hold.id,
        "call": hold.call,
        "now": now,
        "expires": expires,
        "usd": _upward(claim.usd),
        "tokens": _count(claim.tokens),
        "calls": _count(claim.calls),
        "cap_usd": _LARGEST if claim.cap_usd is None else _whole(claim.cap_usd, ROUND_FLOOR),
        "cap_tokens": _LARGEST if claim.cap_tokens is None else min(claim.cap_tokens, _LARGEST),
        "cap_calls": _LARGEST if claim.cap_calls is None else min(claim.cap_calls, _LARGEST),
    }


def _refusal(claim: Claim, row: dict[str, Any], found: _Row) -> Refusal:
    """The reason of a refusal, from how the account was found in the same transaction."""
    if found.usd + found.held_usd + row["usd"] > row["cap_usd"]:
        most = LARGEST_USD if claim.cap_usd is None else claim.cap_usd
        return Refusal(claim.account, "usd", most, _dollars(found.usd), _dollars(found.held_usd), claim.usd)
    if found.tokens + found.held_tokens + row["tokens"] > row["cap_tokens"]:
        return Refusal(claim.account, "tokens", row["cap_tokens"], found.tokens, found.held_tokens, claim.tokens)
    return Refusal(claim.account, "calls", row["cap_calls"], found.calls, found.held_calls, claim.calls)


def _spent(usd: Decimal | None) -> int | None:
    """Rounded as events are, so that their sum is the ledger's. None for what is no amount of money."""
    if usd is None or not usd.is_finite() or usd < 0:
        return None
    return _whole(usd, ROUND_HALF_EVEN)


def _upward(usd: Decimal) -> int:
    """What is held is never less than the estimate."""
    return _whole(usd, ROUND_CEILING)


def _whole(usd: Decimal, rounding: str) -> int:
    """US dollars in the ledger's unit, 1e-12 of them."""
    if usd >= LARGEST_USD:
        return _LARGEST
    return int(usd.scaleb(_DIGITS).to_integral_value(rounding))


def _dollars(amount: int) -> Decimal:
    return Decimal(amount).scaleb(-_DIGITS).normalize()


def _count(number: int) -> int:
    """A count as the store can have it."""
    return min(max(number, 0), _LARGEST)
