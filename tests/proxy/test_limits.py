"""What an execution may spend: kept over calls, candidates, dialects and workers, and told in the client's own dialect."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from proxy.resources import Constraints, Pricing
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, ScriptedServer, scripted_server
from tests.support.snapshots import model, route, snapshot

DEAR = Pricing(input=Decimal(0), output=Decimal(10_000))  # a cent for each token of an answer
CHEAP = Pricing(input=Decimal(0), output=Decimal(100))


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer, limits: Constraints, *prices: Pricing | None, first: Any = None) -> Any:
    """A route over one model per price. Each answers with 7 tokens, as `chat_upstream` counts them."""
    models = []
    for name, price in zip("ab", prices, strict=False):
        script = first if first is not None and name == "a" else chat_upstream(f"from {name}")
        models.append(model("openai", upstream.script(name, script), name, pricing=price, api="chat"))
    upstream.requests.clear()
    return snapshot(models, [route("r", *(each.ref for each in models), constraints=limits)])


def ask(joch: RunningJoch, execution: str = "e", *, api: str = "chat", tokens: int = 7, **body: Any) -> httpx.Response:
    path, content = ("chat/completions", {"messages": [{"role": "user", "content": "x"}], "max_tokens": tokens})
    if api == "responses":
        path, content = ("responses", {"input": "x", "max_output_tokens": max(tokens, 16)})
    return httpx.post(
        f"{joch.base_url}/{path}",
        json={"model": "r", **content, **body},
        headers={"X-Joch-Execution": execution},
        timeout=20,
    )


def test_an_execution_spends_what_it_may_and_no_more_whoever_of_it_calls(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal("0.30")), DEAR)) as joch:
        answers = [ask(joch), ask(joch, stream=True), ask(joch, api="responses", tokens=7), ask(joch)]
        other = ask(joch, "another")
        events = joch.events.payloads("BudgetExceeded")
    assert [answer.status_code for answer in answers] == [200, 200, 200, 200]
    assert other.status_code == 200
    assert events == []
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal("0.20")), DEAR)) as joch:
        spent = [ask(joch) for _ in range(4)]
        (event, *_) = joch.events.payloads("BudgetExceeded")
    assert [answer.status_code for answer in spent] == [200, 200, 429, 429]
    error = spent[2].json()["error"]
    assert (error["code"], error["type"]) == ("BudgetExceeded", "insufficient_quota")
    assert (error["details"]["limit"], error["details"]["spent"], error["details"]["estimate"]) == (0.2, 0.14, 0.07)
    assert spent[2].headers["x-should-retry"] == "false"
    assert (event["level"], event["action"], event["unit"]) == ("hard", "deny", "usd")
    assert len(upstream.of("a")) == 2


def test_the_sdk_raises_once_and_does_not_try_again(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, Constraints(max_cost_per_call=Decimal("0.01")), DEAR)) as joch:
        client = openai.OpenAI(base_url=joch.base_url, api_key="x")
        with pytest.raises(openai.RateLimitError) as raised:
            client.chat.completions.create(
                model="r", messages=[{"role": "user", "content": "x"}], max_completion_tokens=7
            )
        calls = joch.events.of("x.CallCompleted")
    assert raised.value.code == "BudgetExceeded"
    assert len(calls) == 1
    assert upstream.of("a") == []


def test_a_cheaper_candidate_serves_where_the_first_is_too_dear(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_call=Decimal("0.01"))
    with running_joch(installed(upstream, limits, DEAR, CHEAP)) as joch:
        answer = ask(joch)
        (event,) = joch.events.payloads("BudgetExceeded")
    assert answer.headers["x-joch-model"] == "openai:b"
    assert event["action"] == "fall_forward"


def test_a_failed_attempt_that_may_be_billed_counts_against_the_next_candidate(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_execution=Decimal("0.10"))
    with running_joch(installed(upstream, limits, DEAR, DEAR, first=[RESET])) as joch:
        answer = ask(joch)
    assert answer.status_code in (429, 502)
    assert len(upstream.of("a")) == 1
    assert upstream.of("b") == []


def test_a_refusal_costs_nothing_and_the_next_candidate_has_all_of_it(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_execution=Decimal("0.07"))
    with running_joch(installed(upstream, limits, DEAR, DEAR, first=refusal(503))) as joch:
        assert ask(joch).headers["x-joch-model"] == "openai:b"


def test_calls_and_tokens_are_counted_over_the_execution(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, Constraints(max_calls_per_execution=2), None)) as joch:
        assert [ask(joch).status_code for _ in range(3)] == [200, 200, 429]
    with running_joch(installed(upstream, Constraints(max_tokens_per_execution=60), None)) as joch:
        codes = [ask(joch).status_code for _ in range(6)]
    assert codes[0] == 200
    assert codes[-1] == 429


def test_a_price_nobody_knows_is_not_spent_under_a_limit_of_money(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_call=Decimal(1))
    with running_joch(installed(upstream, limits, None)) as joch:
        answer = ask(joch)
    assert answer.status_code == 429
    assert "price is unknown" in answer.json()["error"]["message"]


def test_limits_fail_closed_while_the_store_cannot_keep_them(upstream: ScriptedServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    limits = Constraints(max_cost_per_execution=Decimal(1))
    with running_joch(installed(upstream, limits, CHEAP), store=tmp_path / "file" / "store.db") as joch:
        limited = ask(joch)
        free = httpx.post(
            f"{joch.base_url}/chat/completions",
            json={"model": "openai:a", "messages": [{"role": "user", "content": "x"}]},
            timeout=20,
        )
    assert limited.status_code == 503
    assert free.status_code == 200


async def _storm(joch: RunningJoch, calls: int) -> list[int]:
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(limits=limits, timeout=60) as client:

        async def one() -> int:
            answer = await client.post(
                f"{joch.base_url}/chat/completions",
                json={"model": "r", "messages": [{"role": "user", "content": "x"}], "max_tokens": 7},
                headers={"X-Joch-Execution": "storm"},
            )
            return answer.status_code

        return list(await asyncio.gather(*(one() for _ in range(calls))))


async def test_calls_at_the_same_time_pass_exactly_as_often_as_the_limit_affords(upstream: ScriptedServer) -> None:
    afforded, calls = 20, 200
    limits = Constraints(max_cost_per_execution=Decimal("0.07") * afforded)
    with running_joch(installed(upstream, limits, DEAR)) as joch:
        codes = await _storm(joch, calls)
        run = await asyncio.to_thread(lambda: httpx.get(f"{joch.root}/v1/executions/storm", timeout=20).json())
    assert codes.count(200) == afforded
    assert codes.count(429) == calls - afforded
    assert run["status"]["costUsd"] == pytest.approx(0.07 * afforded)
    assert len(upstream.of("a")) == afforded
