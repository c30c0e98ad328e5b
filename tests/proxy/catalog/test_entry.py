"""Rows as records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from proxy.catalog.entry import Entry, entry_of
from proxy.catalog.table import Table

SOURCES = {"T": {"name": "a test", "asOf": "2026-11-01", "confidence": "medium"}}
TABLE = Table("test", {"asOf": "2026-11-22", "sources": SOURCES, "groups": {}, "models": []})


def entry(surface: str = "", **members: Any) -> Entry:
    return entry_of("m", {"source": "T", **members}, TABLE, surface)


def test_a_row_without_anything_is_an_entry_that_knows_nothing() -> None:
    found = entry()
    assert (found.flags, found.features, found.pricing, found.context_window) == ({}, {}, None, None)
    assert (found.source, found.as_of, found.confidence) == ("a test", "2026-11-22", "medium")


def test_a_row_may_have_its_own_day() -> None:
    found = entry(asOf="2026-01-01", price={"input": 1, "output": 2})
    assert found.as_of == "2026-01-01"
    assert found.pricing is not None
    assert (found.pricing.as_of, found.pricing.source) == ("2026-01-01", "catalog")


def test_numbers_are_kept_as_they_are_written() -> None:
    found = entry(price={"input": 0.1, "cached": 0.075, "writeLong": 1.666666666667, "output": 0.5})
    assert found.pricing is not None
    assert (found.pricing.input, found.pricing.cached_input) == (Decimal("0.1"), Decimal("0.075"))
    assert found.pricing.cache_write_1h == Decimal("1.666666666667")
    assert found.pricing.cache_write is None


def test_a_price_without_input_is_none() -> None:
    assert entry(price={"toolRequests": {"web_search": 1}}).pricing is None


def test_tiers_multiply_each_side_and_the_highest_comes_first() -> None:
    tiers = [{"above": 1, "inputTimes": 2, "outputTimes": 1.5}, {"above": 9, "inputTimes": 4, "outputTimes": 3}]
    found = entry(price={"input": 2, "output": 10, "tiers": tiers})
    assert found.pricing is not None
    assert [(tier.above, tier.input, tier.output) for tier in found.pricing.tiers] == [
        (9, Decimal(8), Decimal(30)),
        (1, Decimal(4), Decimal(15)),
    ]


def test_announced_changes_follow_one_another() -> None:
    changes = [{"from": "2026-12-01", "input": 4}, {"from": "2027-01-01", "output": 20}]
    first = entry(price={"input": 2, "output": 10, "changes": changes}).pricing
    assert first is not None
    second = first.then
    assert second is not None
    third = second.then
    assert third is not None
    assert (first.until, second.until, third.until) == ("2026-12-01", "2027-01-01", None)
    assert [(stage.input, stage.output) for stage in (first, second, third)] == [(2, 10), (4, 10), (4, 20)]
    assert len({first.hash, second.hash, third.hash}) == 3


def test_what_differs_on_a_surface_stands_under_its_name() -> None:
    members = {
        "price": {"input": 2, "output": 3},
        "vertex": {"retires": "2027-01-28", "price": {"places": {"us": 1.1}}},
    }
    here, there = entry(**members), entry("vertex", **members)
    assert (here.retires, here.places) == (None, {})
    assert (there.retires, there.places) == ("2027-01-28", {"us": Decimal("1.1")})
    assert there.pricing is not None
    assert there.pricing.input == 2


def test_efforts_are_a_feature() -> None:
    found = entry(efforts=["low", "high"], effort="low", features={"stop": False})
    assert found.features == {"stop": False, "reasoningEfforts": ["low", "high"]}
    assert found.default_effort == "low"
