"""What an execution may spend: kept over calls, candidates, dialects and workers, and told in the client's own dialect."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import openai
import pytest

from proxy.budgets import SCHEMA, Claim, Ledger, Standing
from proxy.resources import Constraints, Model, ModelRoute, Pricing, Retry
from proxy.store import Database
from tests.faults.fault import until
from tests.faults.places import closed_port
from tests.proxy.test_serve import wait_for
from tests.support.answers import chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import (
    HANG,
    RESET,
    STREAM_HEAD,
    Pause,
    Received,
    ScriptedServer,
    Step,
    piece,
    scripted_server,
    whole,
)
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
        (event,) = joch.events.payloads("BudgetExceeded")
    details = answer.json()["error"]["details"]
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "BudgetExceeded")
    assert answer.headers["x-should-retry"] == "false"
    assert (details["limit"], details["spent"], details["estimate"]) == (0.1, 0.07, 0.07)
    assert [each["ref"] for each in details["attempts"]] == ["openai:a"]
    assert (event["action"], event["reserved"]) == ("deny", 0.0)
    assert len(upstream.of("a")) == 1
    assert upstream.of("b") == []


def test_what_others_hold_meanwhile_leaves_no_second_try_and_the_first_failure_is_told(
    upstream: ScriptedServer,
) -> None:
    made = installed(upstream, Constraints(max_cost_per_execution=Decimal("0.10")), DEAR)
    patient = replace(made.routes["r"], retry=Retry(attempts=2, backoff=0.001))
    with running_joch(replace(made, routes={"r": patient})) as joch:
        other = Claim("execution default e", Decimal("0.05"), 0, 0)

        def refusing(_: Received) -> Iterable[Step]:
            joch.loop.run(joch.app.gateway._ledger.reserve("other", [other], 60, 5))
            return refusal(503, retry_after="0.01")

        upstream.script("a", refusing)
        answer = ask(joch)
        (event,) = joch.events.payloads("BudgetExceeded")
        alone = ask(joch)
    assert answer.json()["error"]["code"] == "upstream_error", "nothing was spent: the provider's refusal is the reason"
    assert [each["failure"] for each in answer.json()["error"]["details"]["attempts"]] == ["overloaded"]
    assert (event["spent"], event["reserved"], event["estimate"], event["action"]) == (0.0, 0.05, 0.07, "deny")
    assert (alone.status_code, alone.json()["error"]["details"]["held"]) == (429, 0.05)
    assert len(upstream.of("a")) == 1


def test_a_limit_that_a_candidate_further_down_would_hit_is_no_event(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_call=Decimal("0.01"))
    with running_joch(installed(upstream, limits, CHEAP, DEAR)) as joch:
        assert ask(joch).headers["x-joch-model"] == "openai:a"
        assert joch.events.payloads("BudgetExceeded") == []


def test_every_answer_that_is_asked_for_together_is_reserved(upstream: ScriptedServer) -> None:
    """What a model gives at most is of one answer: four of them may cost four times that."""
    limits = Constraints(max_cost_per_call=Decimal("0.27"))
    made = installed(upstream, limits, DEAR)
    short = replace(made.models["openai:a"], max_output=8)
    with running_joch(replace(made, models={short.ref: short})) as joch:
        assert ask(joch, n=3).status_code == 200
        refused = ask(joch, n=4)
    assert (refused.status_code, refused.json()["error"]["details"]["estimate"]) == (429, 0.28)


def test_what_records_set_is_reserved_and_not_what_the_client_said(upstream: ScriptedServer) -> None:
    made = installed(upstream, Constraints(max_cost_per_call=Decimal("0.10")), DEAR)
    plain = made.models["openai:a"]
    entry = made.routes["r"]
    told = {"messages": [{"role": "user", "content": "x"}], "max_tokens": None, "max_completion_tokens": None}

    def estimated(record: Model, a_route: ModelRoute, **body: Any) -> Any:
        with running_joch(replace(made, models={record.ref: record}, routes={"r": a_route})) as joch:
            answer = ask(joch, **body)
        return answer.json()["error"]["details"]["estimate"] if answer.status_code == 429 else answer.status_code

    by_route = replace(entry, parameters={"maxOutputTokens": 2_000})
    assert estimated(plain, by_route, **told) == 20.0, "the route sets more than what is reckoned with otherwise"
    assert estimated(plain, by_route) == 200, "the client's own is less"
    assert estimated(replace(plain, default_parameters={"maxOutputTokens": 7}), entry, **told) == 200
    assert estimated(replace(plain, forced_parameters={"maxOutputTokens": 500}), entry) == 5.0
    assert estimated(replace(plain, forced_parameters={"maxOutputTokens": 7}), entry, max_tokens=500) == 200


def test_a_call_is_counted_once_although_its_first_candidate_could_not_be_reached(upstream: ScriptedServer) -> None:
    made = installed(upstream, Constraints(max_calls_per_execution=2), None, None)
    away = replace(made.models["openai:a"], base_url=f"http://127.0.0.1:{closed_port()}/v1")
    with running_joch(replace(made, models={**made.models, away.ref: away})) as joch:
        answers = [ask(joch) for _ in range(3)]
        nobody = [ask(joch, "another", model="openai:a").status_code for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["details"]["unit"] == "calls"
    assert nobody == [502, 502]


def _books(joch: RunningJoch, execution: str = "e") -> Standing:
    """What the ledger says of an execution once nothing of it is under way."""

    def standing() -> Standing:
        found: Standing = joch.loop.run(joch.app.gateway._ledger.standing(f"execution default {execution}", 5))
        return found

    until(lambda: standing().held_usd == 0, "something is held although no call is under way")
    return standing()


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_leaves_is_settled_once(upstream: ScriptedServer, stream: bool) -> None:
    said = [STREAM_HEAD, piece(chat_chunk({"content": "half of it"}))] if stream else []
    made = installed(upstream, Constraints(max_cost_per_execution=Decimal("0.10")), DEAR, first=[*said, HANG])
    body = {"model": "r", "messages": [{"role": "user", "content": "x"}], "max_tokens": 7, "stream": stream}
    headers = {"X-Joch-Execution": "e"}
    with running_joch(made) as joch:
        url = f"{joch.base_url}/chat/completions"
        with (
            suppress(httpx.ReadTimeout),
            httpx.stream("POST", url, json=body, headers=headers, timeout=0.5) as answer,
        ):
            next(answer.iter_raw())
        found = _books(joch)
        completed = joch.events.payloads("ModelCallCompleted")
    assert [each["outcome"] for each in completed] == ["cancelled"]
    expected = Decimal(str(completed[0]["costUsd"])) if stream else Decimal("0.07")
    assert Decimal(0) < found.usd == expected, "a stream costs what came of it, an answer nobody saw what was reserved"
    assert found.calls == 1


def test_what_is_settled_is_what_the_events_say_and_nothing_twice(upstream: ScriptedServer) -> None:
    limits = Constraints(max_cost_per_execution=Decimal(5))
    with running_joch(installed(upstream, limits, DEAR, CHEAP, first=refusal(503))) as joch:
        for number in range(6):
            ask(joch, stream=bool(number % 2))
            upstream.script("a", chat_upstream("from a") if number % 3 else refusal(503))
        found = _books(joch)
        cost = sum(Decimal(str(each["costUsd"])) for each in joch.events.payloads("ModelCallCompleted"))
    assert found.usd == cost > 0
    assert found.calls == 6


def test_an_explanation_shows_what_was_reserved_and_what_the_execution_would_come_to(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal("0.10")), DEAR, CHEAP)) as joch:
        ask(joch)
        call = ask(joch).headers["x-request-id"]
        found = httpx.get(f"{joch.root}/v1/route/r/explain", params={"call": call}, timeout=20).json()
    first, second = found["candidates"]
    assert first["gates"][-1]["evidence"] == {
        "unit": "usd",
        "window": "run",
        "limit": 0.1,
        "spent": 0.07,
        "held": 0.0,
        "estimate": 0.07,
    }
    assert first["wouldTake"][0] == {"change": "constraints.maxCostUsdPerExecution", "to": 0.14}
    assert (second["gates"][-1]["estimateUsd"], second["gates"][-1]["projectedRunUsd"]) == (0.0007, 0.0707)
    assert (second["attempt"]["costUsdReserved"], second["attempt"]["costUsd"]) == (0.0007, 0.0007)


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


def test_an_execution_whose_limit_is_used_up_gets_no_free_candidate_either(upstream: ScriptedServer) -> None:
    """All of it is spent to the cent: the next call is denied whatever it would cost (G4)."""
    free = Pricing(input=Decimal(0), output=Decimal(0))
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal("0.07")), DEAR, free)) as joch:
        assert ask(joch).headers["x-joch-model"] == "openai:a"
        denied = ask(joch)
        found = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert (denied.status_code, denied.json()["error"]["code"]) == (429, "BudgetExceeded")
    assert upstream.of("b") == []
    raised = [{"change": "constraints.maxCostUsdPerExecution", "to": 0.08}]
    assert found["candidates"][1]["wouldTake"] == raised
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal(0)), DEAR, free)) as joch:
        assert ask(joch).headers["x-joch-model"] == "openai:b", "nothing may be spent, and nothing is"


def test_what_an_execution_spends_on_other_routes_counts_too(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, Constraints(max_cost_per_execution=Decimal("0.14")), DEAR)) as joch:
        assert ask(joch, model="openai:a").status_code == 200
        assert [ask(joch).status_code for _ in range(2)] == [200, 429]
    with running_joch(installed(upstream, Constraints(max_calls_per_execution=2), DEAR)) as joch:
        assert [ask(joch, model="openai:a").status_code for _ in range(2)] == [200, 200]
        assert ask(joch).status_code == 429


@pytest.mark.parametrize(
    ("given", "fits"),
    [("word " * 20, True), ([5] * 90, True), ([5] * 110, False), ([[5] * 55, [5] * 55], False), (["a", "b"], True)],
)
def test_embeddings_reserve_what_is_put_in_and_nothing_for_an_answer(
    upstream: ScriptedServer, given: Any, fits: bool
) -> None:
    answer = {"data": [{"index": 0, "embedding": [0.5]}], "usage": {"prompt_tokens": 3}}
    made = installed(upstream, Constraints(max_tokens_per_execution=100), DEAR, first=[whole(200, answer)])
    with running_joch(made) as joch:
        body = {"model": "r", "input": given, "encoding_format": "float"}
        answered = httpx.post(f"{joch.base_url}/embeddings", json=body, timeout=20)
    assert answered.status_code == (200 if fits else 429), answered.text


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


# --- several processes on one store ------------------------------------------------------------------------------------

CALLS, AFFORDED = 1_000, 100
EACH = Decimal("0.07")  # what a call holds, and what it costs
CONFIG = """
apiVersion: ops.joch.dev/v1alpha1
kind: RouterSettings
metadata: {{ name: default }}
spec:
  store: {{ path: {store} }}
  providers: {{ ollama: {{ baseUrl: "http://127.0.0.1:9" }} }}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{ name: a }}
spec:
  provider: generic-openai
  endpoint: {{ type: local, baseUrl: "{url}" }}
  auth: {{}}
  pricing: {{ currency: USD, inputPerMillionTokens: 0, outputPerMillionTokens: 10000 }}
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: {{ name: r }}
spec:
  strategy: {{ primary: "generic-openai:a" }}
  constraints: {{ maxCostUsdPerExecution: 7 }}
"""


@contextmanager
def serving(upstream: ScriptedServer, folder: Path, workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """`joch serve` with that many processes on one store file: where they listen, and their parent.

    What they say goes to a file: nobody reads here, and a pipe that is full would stop them.
    """
    file = folder / "joch.yaml"
    file.write_text(CONFIG.format(store=folder / "store.db", url=upstream.url("a")))
    port = closed_port()
    command = [sys.executable, "-m", "proxy", "serve", "-f", str(file), "--port", str(port), "--workers", str(workers)]
    with (folder / "said").open("wb") as said, subprocess.Popen(command, stderr=said) as running:
        try:
            wait_for(lambda: _listening(port) == workers)
            yield f"http://127.0.0.1:{port}", running
        finally:
            running.kill()


def _listening(port: int) -> int:
    """How many sockets listen there (proc(5): the second column is the address, 0A in the fourth is listening)."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == "0A" for row in rows)


async def _race(url: str, execution: str, halfway: Callable[[], None] = lambda: None) -> list[int | None]:
    """The statuses of a thousand calls at once, None for one whose connection broke. `halfway`: some have been answered.

    A call that hears 503 asks again, as its SDK would: the store was too slow for it on this machine.
    """
    body = {"model": "r", "messages": [{"role": "user", "content": "x"}], "max_tokens": 7}
    found: list[int | None] = []
    gate = asyncio.Semaphore(100)
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as client:

        async def one() -> None:
            async with gate:
                with suppress(aiohttp.ClientError):
                    headers = {"X-Joch-Execution": execution}
                    status = 503
                    while status == 503:
                        async with client.post(f"{url}/v1/chat/completions", json=body, headers=headers) as answer:
                            await answer.read()
                            status = answer.status
                    found.append(status)
                    if found.count(200) == AFFORDED // 4 and status == 200:
                        halfway()
                    return
                found.append(None)

        async with asyncio.timeout(120), asyncio.TaskGroup() as group:
            for _ in range(CALLS):
                group.create_task(one())
    return found


def _accounts(folder: Path) -> dict[str, tuple[Decimal, Decimal, int]]:
    """By execution, in calls: what is spent and what is held, and how many reservations hold it."""
    query = """SELECT account, usd, held_usd, (SELECT count(*) FROM reservations AS each WHERE each.account = ledger.account)
        FROM ledger"""
    with closing(sqlite3.connect(folder / "store.db")) as connection:
        return {
            account.split(" ")[-1]: (Decimal(usd).scaleb(-12) / EACH, Decimal(held).scaleb(-12) / EACH, open_)
            for account, usd, held, open_ in connection.execute(query)
        }


async def _rounds(upstream: ScriptedServer, folder: Path, workers: int, rounds: int) -> None:
    upstream.script("a", chat_upstream("from a"))
    with serving(upstream, folder, workers) as (url, _):
        for number in range(rounds):
            upstream.requests.clear()
            statuses = await _race(url, f"round-{number}")
            assert Counter(statuses) == {200: AFFORDED, 429: CALLS - AFFORDED}
            assert len(upstream.of("a")) == AFFORDED, "the provider got calls that nobody could afford"
        wait_for(lambda: all(held == 0 for _, held, _ in _accounts(folder).values()))
    assert _accounts(folder) == {f"round-{number}": (AFFORDED, 0, 0) for number in range(rounds)}


@pytest.mark.parametrize("workers", [1, 4])
async def test_of_a_thousand_calls_as_many_pass_as_the_limit_affords_over_all_processes(
    upstream: ScriptedServer, tmp_path: Path, workers: int
) -> None:
    await _rounds(upstream, tmp_path, workers, 1)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 4])
async def test_as_many_pass_over_all_processes_in_twenty_rounds(
    upstream: ScriptedServer, tmp_path: Path, workers: int
) -> None:
    await _rounds(upstream, tmp_path, workers, 20)


async def _killed(upstream: ScriptedServer, folder: Path) -> None:
    upstream.requests.clear()
    upstream.script("a", lambda request: [Pause(0.05), *chat_upstream("from a")(request)])
    with serving(upstream, folder, 4) as (url, running):

        def kill() -> None:
            child, *_ = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
            os.kill(int(child), signal.SIGKILL)

        statuses = Counter(await _race(url, "e", kill))
        asked = len(upstream.of("a"))
        running.send_signal(signal.SIGTERM)  # those that live write down what they know
        assert running.wait(timeout=20) == 0
    spent, held, open_ = _accounts(folder)["e"]
    assert statuses[200] <= asked <= AFFORDED == spent + held, f"{statuses}: {spent} spent and {held} held"
    assert statuses[None] > 0, "nothing was under way"
    assert open_ == held, "what is held and who holds it differ"
    database, later = Database(folder / "store.db", SCHEMA), time.time() + 3_600
    try:
        ledger = Ledger(database, lambda: "none", lambda: later)
        ledger.sweep()
        found = await ledger.standing("execution default e", 5)
    finally:
        database.close()
    assert (found.usd / EACH, found.held_usd) == (AFFORDED, 0), "a call that nobody knows the end of counts as made"


async def test_a_worker_that_is_killed_loses_no_reservation_and_leaks_none(
    upstream: ScriptedServer, tmp_path: Path
) -> None:
    await _killed(upstream, tmp_path)


@pytest.mark.slow
async def test_workers_that_are_killed_in_twenty_storms_lose_and_leak_nothing(
    upstream: ScriptedServer, tmp_path: Path
) -> None:
    for number in range(20):
        folder = tmp_path / str(number)
        folder.mkdir()
        await _killed(upstream, folder)
