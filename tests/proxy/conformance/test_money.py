"""The most a call can cost, and when to stop."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from proxy.conformance.money import ASSUMED, Budget, is_known, worst
from proxy.resources import Pricing, Tier

PRICE = Pricing(input=Decimal(2), output=Decimal(10))


def test_bytes_are_tokens_and_the_limit_is_all_used() -> None:
    assert worst(PRICE, 1_000, 500) == (Decimal(2_000) * 2 + Decimal(500) * 10) / 1_000_000
    assert worst(PRICE, 1_000, 500, media=1) - worst(PRICE, 1_000, 500) == Decimal(5_000) * 2 / 1_000_000


@pytest.mark.parametrize(
    "dearer",
    [
        replace(PRICE, cache_write=Decimal(3)),
        replace(PRICE, reasoning=Decimal(11)),
        replace(PRICE, tiers=(Tier(above=10, input=Decimal(4), output=Decimal(15)),)),
        replace(PRICE, surcharge=Decimal("1.1")),
        replace(PRICE, per_request=Decimal(1)),
        replace(PRICE, usd_rate=Decimal(2)),
        replace(PRICE, then=replace(PRICE, input=Decimal(4))),
    ],
)
def test_the_dearest_rate_counts(dearer: Pricing) -> None:
    assert worst(dearer, 1_000, 500) > worst(PRICE, 1_000, 500)


def test_a_cap_is_never_passed() -> None:
    budget = Budget(Decimal(1))
    assert budget.allows(Decimal(1))
    budget.pay(Decimal("0.9"), Decimal("0.2"))
    assert budget.spent == Decimal("0.2")
    budget.pay(Decimal("0.5"), None)
    assert not budget.allows(Decimal("0.31"))
    assert budget.allows(Decimal("0.3"))


def test_a_price_is_known_when_both_sides_are() -> None:
    assert is_known(PRICE)
    assert is_known(ASSUMED)
    assert not is_known(None)
    assert not is_known(replace(PRICE, output=None))
