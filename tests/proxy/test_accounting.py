"""What events and headers say a call cost, and with which prices that was reckoned."""

from __future__ import annotations

import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from proxy import catalog
from proxy.accounting import completed, cost_header, cost_of, usage_of
from proxy.call import Attempt, Result, Timing
from proxy.pricing import fingerprint
from proxy.resources import Model, Pricing
from proxy.routing import Candidate
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import scripted_server
from tests.support.snapshots import model, route, snapshot
from translators.canonical import Message, Request, Text, Usage
from translators.formats import Tally

D = Decimal
PRICES = Pricing(input=D(10), cached_input=D(1), output=D(30), as_of="2026-11-01")
ASKED = Request(messages=(Message("user", (Text("x" * 400),)),))
OK = Result("ok", http_status=200)


def candidate(pricing: Pricing | None = PRICES, **fields: Any) -> Candidate:
    record = Model(name="m", provider="openai", model="gpt-x", pricing=pricing, **fields)
    return Candidate(0, record, {}, record.clocks)


def payload(tally: Tally, result: Result = OK, pricing: Pricing | None = PRICES) -> dict[str, Any]:
    attempt = Attempt(0, candidate(pricing), started=0.0, tally=tally)
    attempt.usage = usage_of(ASKED, tally, result)
    cost = cost_of(attempt.candidate.model, tally, attempt.usage, result)
    return completed(attempt, result, cost, Timing(0.1, None))


def told(usage: Usage, **fields: Any) -> Tally:
    return Tally(usage=usage, content=True, **fields)


def test_an_event_says_what_the_call_cost_and_by_which_prices() -> None:
    named = replace(PRICES, hash=fingerprint(PRICES))
    event = payload(told(Usage(input=1000, cached=600, output=50)), pricing=named)
    assert (event["costUsd"], event["costKnown"], event["costGrade"]) == (0.0061, True, "measured")
    assert (event["currency"], event["costOriginal"]) == ("USD", 0.0061)
    assert (event["priceSource"], event["priceAsOf"], event["priceHash"]) == ("model", "2026-11-01", named.hash)


def test_a_price_nobody_knows_is_null_and_never_0() -> None:
    event = payload(told(Usage(input=1000)), pricing=None)
    assert (event["costUsd"], event["costKnown"], event["costOriginal"]) == (None, False, None)
    assert (event["priceSource"], event["currency"], event["priceHash"]) == ("none", None, None)


def test_the_tier_that_served_is_in_the_event_and_in_the_cost() -> None:
    flexible = replace(PRICES, service_tiers={"flex": D("0.5")})
    event = payload(told(Usage(input=1000), service_tier="flex"), pricing=flexible)
    assert (event["serviceTier"], event["costUsd"]) == ("flex", 0.005)


def test_other_currencies_are_told_as_they_are_billed_and_in_dollars() -> None:
    event = payload(told(Usage(input=1000)), pricing=replace(PRICES, currency="EUR", usd_rate=D("1.08")))
    assert (event["costUsd"], event["costOriginal"], event["currency"]) == (0.0108, 0.01, "EUR")


def test_an_estimate_says_that_it_is_one() -> None:
    event = payload(Tally(content=True, output_chars=40))
    assert (event["usageSource"], event["costGrade"], event["costKnown"]) == ("estimated", "estimated", True)
    assert event["costUsd"] == pytest.approx((event["inputTokens"] * 10 + 10 * 30) / 1e6)


def test_a_partial_count_is_a_lower_bound() -> None:
    event = payload(told(Usage(input=1000, source="partial")), Result("aborted", billed_risk=True))
    assert (event["costUsd"], event["costGrade"]) == (0.01, "partial")


def test_a_refusal_costs_nothing_and_a_failure_that_may_be_billed_is_unknown() -> None:
    refused = payload(Tally(), Result("error", "invalid_request", http_status=400))
    assert (refused["costUsd"], refused["costKnown"], refused["costGrade"]) == (0.0, True, "none")
    timed_out = payload(Tally(), Result("error", "timeout", billed_risk=True))
    assert (timed_out["costUsd"], timed_out["costKnown"]) == (None, False)


def test_sound_is_counted_in_the_event() -> None:
    event = payload(told(Usage(input=10, audio_in=4, output=9, audio_out=7)))
    assert event["audioTokens"] == {"in": 4, "out": 7}
    assert event["costUsd"] is None  # no price for sound is known


@pytest.mark.parametrize(
    ("pricing", "usage", "header"),
    [
        (PRICES, Usage(input=1000, cached=600, output=50), "0.0061"),
        (PRICES, Usage(input=1), "0.00001"),
        (replace(PRICES, input=D("0.000001")), Usage(input=1), "0.000000000001"),
        (PRICES, Usage(), "0"),
        (replace(PRICES, input=D(10**6)), Usage(input=10**6), "1000000"),
    ],
)
def test_a_header_is_a_plain_decimal(pricing: Pricing, usage: Usage, header: str) -> None:
    assert cost_header(ASKED, candidate(pricing), told(usage)) == {"x-joch-cost-usd": header}


def test_no_header_says_what_nobody_knows() -> None:
    assert cost_header(ASKED, candidate(None), told(Usage(input=1))) == {}


def test_the_prices_of_today_count() -> None:
    today = time.strftime("%Y-%m-%d", time.gmtime())
    dearer = replace(PRICES, input=D(20), hash="later")
    changed = replace(PRICES, until=today, then=dearer, hash="earlier")
    assert payload(told(Usage(input=1000)), pricing=changed)["costUsd"] == 0.02
    assert payload(told(Usage(input=1000)), pricing=changed)["priceHash"] == "later"
    coming = replace(PRICES, until="2999-01-01", then=dearer, hash="earlier")
    assert payload(told(Usage(input=1000)), pricing=coming)["priceHash"] == "earlier"


def test_calls_over_the_wire_are_priced_by_the_catalogue() -> None:
    with scripted_server() as upstream:
        upstream.script("a", chat_upstream("hi"))
        upstream.script("b", refusal(400, "no", "invalid_value"))
        models = [
            catalog.informed(model("openai", upstream.url("a"), "good", model="gpt-5.4")),
            catalog.informed(model("openai", upstream.url("b"), "bad", model="gpt-5.4")),
        ]
        with running_joch(snapshot(models)) as joch:
            for name in ("good", "bad"):
                body = {"model": name, "messages": [{"role": "user", "content": "hi"}]}
                httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
            good, bad = joch.events.payloads("ModelCallCompleted")
    assert good["costUsd"] == 0.0001325  # 11 x 2.5 + 7 x 15
    assert (good["priceSource"], good["priceAsOf"]) == ("catalog", "2026-11-22")
    assert (bad["costUsd"], bad["outcome"]) == (0.0, "error")


def test_the_header_the_counter_and_the_roll_up_tell_the_same_cost() -> None:
    with scripted_server() as upstream:
        upstream.script("a", refusal(503))
        upstream.script("b", chat_upstream("hello"))
        records = [model("openai", upstream.url(name), name, pricing=PRICES) for name in "ab"]
        with running_joch(snapshot(records, [route("r", *(record.ref for record in records))])) as joch:
            body = {"model": "r", "messages": [{"role": "user", "content": "hi"}]}
            answer = httpx.post(f"{joch.base_url}/chat/completions", json=body)
            metrics = httpx.get(f"{joch.root}/metrics").text
            (over,) = joch.events.payloads("x.CallCompleted")
    assert answer.headers["x-joch-cost-usd"] == "0.00032"  # 11 tokens at 10 and 7 at 30 dollars a million
    assert (over["costUsd"], over["inputTokens"], over["outputTokens"]) == (0.00032, 11, 7)
    assert 'joch_cost_usd_total{model="openai:b",provider="openai"} 0.00032' in metrics


def test_a_price_that_is_not_known_is_counted_and_never_zero() -> None:
    with scripted_server() as upstream:
        upstream.script("a", chat_upstream("hello"))
        with running_joch(snapshot([model("openai", upstream.url("a"), "a")])) as joch:
            body = {"model": "openai:a", "messages": [{"role": "user", "content": "hi"}]}
            answer = httpx.post(f"{joch.base_url}/chat/completions", json=body)
            metrics = httpx.get(f"{joch.root}/metrics").text
            (over,) = joch.events.payloads("x.CallCompleted")
    assert "x-joch-cost-usd" not in answer.headers
    assert over["costUsd"] is None
    assert 'joch_cost_unknown_calls_total{model="openai:a",provider="openai"} 1.0' in metrics
