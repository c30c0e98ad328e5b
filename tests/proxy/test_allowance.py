"""One allowance per call: attempts and money are shared by retries and fallbacks, whatever fails."""

from __future__ import annotations

import random
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest

from proxy.resources import Constraints, Failover, HealthSettings, Pricing, Retry
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, RESET, ScriptedServer, scripted_server, whole
from tests.support.snapshots import model, route, snapshot

PRICE = Pricing(input=Decimal(0), output=Decimal(10_000))  # seven tokens of an answer are seven cents
NEVER = HealthSettings(min_samples=10**6, consecutive_failures=10**6)
FAULTS = (
    chat_upstream("fine"),
    refusal(500),
    refusal(503, retry_after="0.001"),
    refusal(429, retry_after="0.001"),
    [RESET],
    [CLOSE],
    [whole(200, b"<html>", "text/html")],
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.mark.parametrize("seed", range(6))
def test_whatever_fails_a_call_makes_no_more_attempts_and_spends_no_more_than_it_may(
    upstream: ScriptedServer, seed: int
) -> None:
    rng = random.Random(seed)
    most, retries = rng.randint(1, 4), rng.randint(0, 3)
    cap = Decimal(rng.randint(20, 60)) / 100
    models = [model("openai", upstream.url(name), name, pricing=PRICE) for name in "abcde"]
    the_route = route(
        "r",
        *(each.ref for each in models),
        failover=Failover(max_attempts=most),
        retry=Retry(attempts=retries, backoff=0.001, max_backoff=0.002),
        constraints=Constraints(max_cost_per_execution=cap),
    )
    served = 0
    with running_joch(snapshot(models, [the_route], health=NEVER)) as joch:
        for _ in range(25):
            for name in "abcde":
                upstream.script(name, rng.choice(FAULTS))
            upstream.requests.clear()
            answer = httpx.post(
                f"{joch.base_url}/chat/completions",
                json={"model": "r", "messages": [{"role": "user", "content": "x"}], "max_tokens": 7},
                headers={"X-Joch-Execution": "e", "x-stainless-retry-count": str(rng.randint(0, 2))},
                timeout=20,
            )
            served += answer.status_code == 200
            attempts = len(joch.events.of("ModelCallStarted"))
            assert attempts <= most, f"{attempts} attempts, {most} are allowed"
            joch.events.events.clear()
            assert answer.status_code in (200, 429, 502, 503), answer.text
        ledger = joch.loop.run(joch.app.gateway._ledger.standing("execution default e", 5.0))
    assert ledger.usd + ledger.held_usd <= cap
    assert ledger.held_usd == 0, "every reservation is settled"
    assert ledger.usd >= Decimal("0.07") * served


def test_retries_of_a_clients_sdk_are_told(upstream: ScriptedServer) -> None:
    record = model("openai", upstream.script("a", chat_upstream("fine")), "a")
    with running_joch(snapshot([record])) as joch:
        body = {"model": "openai:a", "messages": [{"role": "user", "content": "x"}]}
        headers = {"x-stainless-retry-count": "2"}
        httpx.post(f"{joch.base_url}/chat/completions", json=body, headers=headers, timeout=20)
        found = httpx.get(f"{joch.root}/v1/route/-/explain", timeout=20).json()
    assert found["request"]["sdkRetry"] == 2
