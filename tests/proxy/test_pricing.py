"""Hand-computed costs, one rule at a time, and the laws that hold for every usage."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.pricing import Cost, buckets, cost_of, document, fingerprint, in_force, rate_of
from proxy.resources import Pricing, Tier
from translators.canonical import NO_USAGE, Usage

D = Decimal


def prices(**rates: Any) -> Pricing:
    """Rates in dollars per million tokens, as they would be written."""
    plain = {"input", "cached_input", "cache_write", "cache_write_1h", "output", "reasoning"}
    plain |= {"audio_input", "audio_output", "image_input", "per_request", "usd_rate", "surcharge"}
    return Pricing(**{name: D(str(rate)) if name in plain else rate for name, rate in rates.items()})


CLAUDE = prices(input=3, cached_input="0.3", cache_write="3.75", cache_write_1h=6, output=15)
GPT = prices(
    input="2.5",
    cached_input="0.25",
    output=15,
    tiers=(Tier(above=272_000, input=D(5), output=D("22.5")),),
    service_tiers={"flex": D("0.5"), "priority": D(2)},
)


@pytest.mark.parametrize(
    ("pricing", "usage", "expected"),
    [
        # The reference's own example: 400 x 10 + 600 x 1 + 50 x 30, per million.
        (prices(input=10, cached_input=1, output=30), Usage(input=1000, cached=600, output=50), "0.0061"),
        # 100 fresh x 3 + 700 read x 0.3 + 200 written x 3.75 + 10 x 15
        (CLAUDE, Usage(input=1000, cached=700, cache_write=200, output=10), "0.00141"),
        # The same with 150 of the 200 kept for an hour: 50 x 3.75 + 150 x 6
        (CLAUDE, Usage(input=1000, cached=700, cache_write=200, cache_write_1h=150, output=10), "0.0017475"),
        # Reasoning is output: 300 x 15, whether split or not.
        (CLAUDE, Usage(input=0, output=300, reasoning=200), "0.0045"),
        # ... unless it has a price of its own: 100 x 15 + 200 x 20
        (replace(CLAUDE, reasoning=D(20)), Usage(output=300, reasoning=200), "0.0055"),
        # Sound: 80 x 2.5 + 20 heard x 32, 30 x 10 + 70 spoken x 64
        (
            prices(input="2.5", output=10, audio_input=32, audio_output=64),
            Usage(input=100, audio_in=20, output=100, audio_out=70),
            "0.00562",
        ),
        # Images are input unless they have a price: 1000 x 2; then 900 x 2 + 100 x 8
        (prices(input=2, output=1), Usage(input=1000, image_in=100), "0.002"),
        (prices(input=2, output=1, image_input=8), Usage(input=1000, image_in=100), "0.0026"),
        (prices(input=1, output=1, per_request="0.01"), Usage(input=1_000_000), "1.01"),
        (prices(input=0, output=0), Usage(input=5, output=5), "0"),
    ],
)
def test_each_bucket_has_its_rate(pricing: Pricing, usage: Usage, expected: str) -> None:
    assert cost_of(pricing, usage) == Cost(D(expected), D(expected), "measured")


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (272_000, "0.695"),  # 272,000 x 2.5 + 1,000 x 15
        (272_001, "1.382505"),  # the whole request: 272,001 x 5 + 1,000 x 22.5
    ],
)
def test_a_tier_is_for_the_whole_request_and_begins_above_its_mark(tokens: int, expected: str) -> None:
    assert cost_of(GPT, Usage(input=tokens, output=1000)).usd == D(expected)


def test_what_a_tier_does_not_say_follows_its_side() -> None:
    # 100,000 fresh x 5 + 200,000 read x 0.5 (0.25 x 2) + 10 x 22.5
    assert cost_of(GPT, Usage(input=300_000, cached=200_000, output=10)).usd == D("0.600225")


def test_the_highest_tier_that_is_passed_counts() -> None:
    tiers = (Tier(above=200, input=D(4)), Tier(above=100, input=D(3)))
    pricing = prices(input=2, output=0, tiers=tiers)
    assert [cost_of(pricing, Usage(input=tokens)).usd for tokens in (100, 101, 201)] == [
        D("0.0002"),
        D("0.000303"),
        D("0.000804"),
    ]


@pytest.mark.parametrize(
    ("tier", "expected"),
    [
        (None, "0.0175"),  # 1,000 x 2.5 + 1,000 x 15
        ("default", "0.0175"),
        ("standard", "0.0175"),
        ("flex", "0.00875"),
        ("priority", "0.035"),
        ("scale", None),  # a contract's price, which nobody told
    ],
)
def test_the_tier_that_served_multiplies(tier: str | None, expected: str | None) -> None:
    found = cost_of(GPT, Usage(input=1000, output=1000), service_tier=tier).usd
    assert found == (None if expected is None else D(expected))


def test_a_service_tier_may_leave_the_cache_its_price() -> None:
    gemini = prices(
        input=2,
        cached_input="0.2",
        output=12,
        service_tiers={"flex": D("0.5")},
        cached_service_tiers={"flex": D(1)},
    )
    # 1,000 x 1 + 1,000 read x 0.2 + 10 x 6
    assert cost_of(gemini, Usage(input=2000, cached=1000, output=10), service_tier="flex").usd == D("0.00126")


def test_a_place_may_cost_more_and_requests_of_tools_do_not() -> None:
    pricing = prices(input=10, output=0, surcharge="1.1", per_request=1, tool_requests={"web_search": D("0.01")})
    usage = Usage(input=1_000_000, tool_requests={"web_search": 3})
    assert cost_of(pricing, usage).usd == D("12.03")  # 10 x 1.1 + 1 + 3 x 0.01


def test_another_currency_is_kept_beside_the_dollars() -> None:
    pricing = prices(currency="EUR", usd_rate="1.08", input=10, output=0)
    assert cost_of(pricing, Usage(input=500_000)) == Cost(D("5.4"), D(5), "measured")


@pytest.mark.parametrize(
    ("pricing", "usage"),
    [
        (None, Usage(input=1)),
        (prices(output=1), Usage(input=1)),
        (prices(input=1, output=1), Usage(input=10, cached=1)),
        (prices(input=1, output=1), Usage(input=10, cache_write=1)),
        (prices(input=1, output=1, cache_write=1), Usage(input=10, cache_write=1, cache_write_1h=1)),
        (prices(input=1, output=1), Usage(input=10, audio_in=1)),
        (prices(input=1, output=1), Usage(output=10, audio_out=1)),
        (prices(input=1, output=1), Usage(input=1, tool_requests={"code": 1})),
        (prices(input=1, output=1), Usage(input=1, cached=2)),  # cannot be true
    ],
)
def test_one_unknown_rate_makes_the_whole_unknown(pricing: Pricing | None, usage: Usage) -> None:
    assert cost_of(pricing, usage) == Cost(None, None, "measured")


def test_an_unknown_rate_of_no_tokens_matters_to_nobody() -> None:
    usage = Usage(input=10, output=10, tool_requests={"code": 0})
    assert cost_of(prices(input=1, output=1), usage).usd == D("0.00002")


def test_what_a_cost_is_worth_is_said() -> None:
    pricing = prices(input=1, output=1)
    assert cost_of(pricing, Usage(input=1, source="estimated")).grade == "estimated"
    assert cost_of(pricing, Usage(input=1, source="partial")).grade == "partial"


def test_nothing_used_costs_nothing_even_at_an_unknown_price() -> None:
    assert cost_of(None, NO_USAGE) == Cost(D(0), D(0), "none")
    assert cost_of(prices(per_request=1), NO_USAGE).usd == D(0)


def test_own_machines_cost_nothing_whatever_they_report() -> None:
    free = replace(prices(**dict.fromkeys(("input", "output", "audio_input"), 0)), source="local")
    usage = Usage(input=9, audio_in=9, output=9, tool_requests={"shell": 1})
    assert cost_of(free, usage, service_tier="whatever").usd == D(0)


def test_announced_prices_hold_from_their_day_on() -> None:
    later = prices(input=4, output=20)
    now = replace(prices(input=2, output=10), until="2026-12-01", then=later)
    assert in_force(now, "2026-11-30") == now
    assert in_force(now, "2026-12-01") == later
    assert in_force(later, "2030-01-01") == later


counts = st.integers(min_value=0, max_value=10**9)


@st.composite
def usages(draw: st.DrawFn) -> Usage:
    """Any figures a provider could report, also parts that say more than they can."""
    total_in, total_out = draw(counts), draw(counts)
    cached = draw(st.integers(0, total_in))
    written = draw(st.integers(0, total_in - cached))
    return Usage(
        input=total_in,
        output=total_out,
        cached=cached,
        cache_write=written,
        cache_write_1h=draw(counts),
        reasoning=draw(st.integers(0, total_out)),
        audio_in=draw(counts),
        audio_out=draw(counts),
        image_in=draw(counts),
    )


@given(usages())
def test_buckets_do_not_overlap_and_leave_nothing_out(usage: Usage) -> None:
    found = buckets(usage)
    outputs = {"output", "reasoning", "audio_output"}
    assert min(found.values()) >= 0
    assert sum(tokens for name, tokens in found.items() if name in outputs) == usage.output
    assert sum(tokens for name, tokens in found.items() if name not in outputs) == usage.input


@given(usages(), st.decimals(min_value=0, max_value=1000, places=6))
def test_at_one_price_for_all_the_cost_is_that_of_the_total(usage: Usage, rate: Decimal) -> None:
    names = ("input", "cached_input", "cache_write", "cache_write_1h", "output", "audio_input", "audio_output")
    pricing = Pricing(**dict.fromkeys(names, rate))
    assert cost_of(pricing, usage).usd == usage.total * rate / 1_000_000


@given(usages())
def test_a_cost_is_never_negative_and_grows_with_the_output(usage: Usage) -> None:
    names = ("input", "cached_input", "cache_write", "cache_write_1h", "output", "audio_input", "audio_output")
    pricing = Pricing(**dict.fromkeys(names, D("1.25")))
    less, more = cost_of(pricing, usage).usd, cost_of(pricing, replace(usage, output=usage.output + 1)).usd
    assert less is not None
    assert more is not None
    assert 0 <= less < more


def test_equal_prices_have_equal_names_and_others_do_not() -> None:
    one = prices(input="0.10", output=1)
    assert fingerprint(one) == fingerprint(replace(prices(input="0.1", output="1.0"), source="catalog", as_of="2026"))
    different = [
        replace(one, output=D(2)),
        replace(one, tiers=(Tier(above=1, input=D(1)),)),
        replace(one, surcharge=D("1.1")),
        replace(one, then=prices(input=9)),
    ]
    assert len({fingerprint(each) for each in (one, *different)}) == len(different) + 1


def test_a_document_says_what_is_known_the_way_it_would_be_configured() -> None:
    assert document(replace(GPT, as_of="2026-11-22", source="catalog")) == {
        "currency": "USD",
        "inputPerMillionTokens": 2.5,
        "cachedInputPerMillionTokens": 0.25,
        "outputPerMillionTokens": 15.0,
        "tiers": [
            {
                "aboveInputTokens": 272_000,
                "inputPerMillionTokens": 5.0,
                "cachedInputPerMillionTokens": 0.5,
                "outputPerMillionTokens": 22.5,
            }
        ],
        "serviceTierMultipliers": {"flex": 0.5, "priority": 2.0},
        "asOf": "2026-11-22",
        "source": "catalog",
    }
    assert document(prices(cache_write_1h=6)) == {
        "currency": "USD",
        "inputPerMillionTokens": None,
        "cachedInputPerMillionTokens": None,
        "cacheWrite1hPerMillionTokens": 6.0,
        "outputPerMillionTokens": None,
        "source": "model",
    }


def test_a_rate_that_nothing_stands_in_for_is_unknown() -> None:
    assert rate_of(prices(input=1, output=2), "audio_input") is None
    assert rate_of(prices(input=1, output=2), "reasoning") == D(2)
    assert rate_of(prices(input=1, output=2), "reasoning", Tier(above=1, output=D(4))) == D(4)


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=10, output=5, audio_in=-3),
        Usage(input=10, output=5, image_in=-100),
        Usage(input=10, output=5, cache_write=5, cache_write_1h=-5),
        Usage(input=10, output=5, audio_out=-1),
        Usage(input=10, output=5, tool_requests={"web_search": -5}),
        Usage(input=10**25, output=5),
        Usage(input=10, output=5, tool_requests={"web_search": 10**25}),
    ],
)
def test_figures_that_cannot_be_true_have_no_cost(usage: Usage) -> None:
    pricing = prices(input=1, output=1, cache_write=1, cache_write_1h=1, tool_requests={"web_search": D("0.01")})
    assert cost_of(pricing, usage) == Cost(None, None, "measured")
