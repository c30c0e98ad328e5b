"""The ledger against a plain model of it: whatever happens in whatever order, both have spent and hold the same."""

import asyncio
import itertools
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from proxy.budgets import SCHEMA, Claim, Hold, Ledger, Standing
from proxy.store import Database

ACCOUNTS = ("agent", "execution", "team")
CAP_USD, CAP_TOKENS, CAP_CALLS = Decimal(10), 1000, 12
MONEY = st.integers(0, 500).map(lambda cents: Decimal(cents) / 100)
TOKENS = st.integers(0, 300)


@dataclass
class Account:
    usd: Decimal = Decimal(0)
    tokens: int = 0
    calls: int = 0


@dataclass
class Open:
    """A hold as the model knows it."""

    accounts: tuple[str, ...]
    usd: Decimal
    tokens: int
    calls: int
    expires: float


class LedgerMachine(RuleBasedStateMachine):
    holds = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.runner, self.database, ids = asyncio.Runner(), Database(None, SCHEMA), itertools.count()
        self.time = self.latest = 1000.0
        self.ledger = Ledger(self.database, lambda: f"hold-{next(ids)}", lambda: self.time)
        self.spent = {account: Account() for account in ACCOUNTS}
        self.beyond = {account: Account() for account in ACCOUNTS}
        self.open: dict[str, Open] = {}

    def teardown(self) -> None:
        self.database.close()
        self.runner.close()

    # --- the model ---

    def standing(self, account: str) -> Standing:
        spent, under_way = self.spent[account], [each for each in self.open.values() if account in each.accounts]
        return Standing(
            usd=spent.usd,
            held_usd=sum((each.usd for each in under_way), Decimal(0)),
            tokens=spent.tokens,
            held_tokens=sum(each.tokens for each in under_way),
            calls=spent.calls + sum(each.calls for each in under_way),
        )

    def has_room(self, account: str, usd: Decimal, tokens: int, calls: int) -> bool:
        now = self.standing(account)
        return (
            now.usd + now.held_usd + usd <= CAP_USD
            and now.tokens + now.held_tokens + tokens <= CAP_TOKENS
            and now.calls + calls <= CAP_CALLS
        )

    def charge(self, accounts: tuple[str, ...], usd: Decimal, tokens: int, calls: int) -> None:
        for account in accounts:
            spent = self.spent[account]
            spent.usd, spent.tokens, spent.calls = spent.usd + usd, spent.tokens + tokens, spent.calls + calls

    def exceed(self, accounts: tuple[str, ...], usd: Decimal, tokens: int, calls: int) -> None:
        """What no reservation stood for, which alone may go beyond the caps."""
        for account in accounts:
            beyond = self.beyond[account]
            beyond.usd, beyond.tokens, beyond.calls = beyond.usd + usd, beyond.tokens + tokens, beyond.calls + calls

    def move(self, time: float) -> None:
        """A clock that is set back changes nothing that has happened."""
        self.time, self.latest = time, max(self.latest, time)
        for id, each in list(self.open.items()):
            if each.expires <= self.latest:
                del self.open[id]
                self.charge(each.accounts, each.usd, each.tokens, each.calls)

    # --- what happens ---

    @rule(
        target=holds,
        accounts=st.sets(st.sampled_from(ACCOUNTS), min_size=1),
        usd=MONEY,
        tokens=TOKENS,
        calls=st.integers(0, 2),
        seconds=st.integers(1, 100),
    )
    def reserve(self, accounts: set[str], usd: Decimal, tokens: int, calls: int, seconds: int):
        claims = [Claim(name, usd, tokens, calls, CAP_USD, CAP_TOKENS, CAP_CALLS) for name in accounts]
        answer = self.runner.run(self.ledger.reserve("call", claims, seconds, 10.0))
        admitted = all(self.has_room(account, usd, tokens, calls) for account in accounts)
        assert isinstance(answer, Hold) == admitted, f"{answer} where the model says {admitted}"
        if not isinstance(answer, Hold):
            first = min(account for account in accounts if not self.has_room(account, usd, tokens, calls))
            assert answer.account == first
            assert answer.spent + answer.held + answer.estimate > answer.limit
            return multiple()
        self.open[answer.id] = Open(tuple(accounts), usd, tokens, calls, self.latest + seconds)
        return answer

    @rule(hold=holds, usd=st.none() | MONEY, tokens=TOKENS, calls=st.none() | st.integers(0, 2))
    def settle(self, hold: Hold, usd: Decimal | None, tokens: int, calls: int | None) -> None:
        """Also what was settled before, or has expired."""
        self.ledger.settle(hold, usd, tokens, calls=calls)
        known = self.open.pop(hold.id, None)
        if known is None:
            return
        used = (known.usd if usd is None else usd, tokens, known.calls if calls is None else calls)
        self.charge(known.accounts, *used)
        over = (max(used[0] - known.usd, Decimal(0)), max(tokens - known.tokens, 0), max(used[2] - known.calls, 0))
        self.exceed(known.accounts, *over)

    @rule(hold=consumes(holds))
    def lose(self, hold: Hold) -> None:
        """Its process has died: nobody settles it."""

    @rule(seconds=st.integers(0, 60))
    def wait(self, seconds: int) -> None:
        self.move(self.time + seconds)

    @rule(seconds=st.integers(1, 200))
    def set_the_clock_back(self, seconds: int) -> None:
        self.move(self.time - seconds)

    @rule(account=st.sampled_from(ACCOUNTS), usd=MONEY, tokens=TOKENS)
    def record(self, account: str, usd: Decimal, tokens: int) -> None:
        self.ledger.record(account, usd, tokens, 1)
        self.charge((account,), usd, tokens, 1)
        self.exceed((account,), usd, tokens, 1)

    @rule()
    def sweep(self) -> None:
        self.ledger.sweep()

    # --- what always holds ---

    @invariant()
    def the_ledger_stands_as_the_model_does(self) -> None:
        for account in ACCOUNTS:
            assert self.runner.run(self.ledger.standing(account, 10.0)) == self.standing(account), account

    @invariant()
    def no_cap_is_passed_but_by_what_nobody_reserved(self) -> None:
        for account in ACCOUNTS:
            now, beyond = self.runner.run(self.ledger.standing(account, 10.0)), self.beyond[account]
            assert now.usd + now.held_usd <= CAP_USD + beyond.usd, account
            assert now.tokens + now.held_tokens <= CAP_TOKENS + beyond.tokens, account
            assert now.calls <= CAP_CALLS + beyond.calls, account


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
