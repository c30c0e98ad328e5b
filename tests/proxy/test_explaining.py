"""Why a call went where it went: asked of a running router by call, execution and route, by people and by programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from proxy.resources import Agent, Constraints, Failover, Pricing, SecretRef, SecretSource
from tests.proxy.cli.running import joch as command
from tests.support.answers import chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import KEY, KEY_VARIABLE, model, route, snapshot

CANARY = "the quick canary"
PRICE = Pricing(input=Decimal(1), output=Decimal(2))


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer, **fields: Any) -> Any:
    """A route over a (503), b (429, told to wait), c (no vision) and d, which serves."""
    models = [
        model("openai", upstream.script("a", refusal(503, f"{CANARY} {KEY}")), "a", pricing=PRICE),
        model("openai", upstream.script("b", refusal(429, retry_after="20")), "b", pricing=PRICE),
        model("openai", upstream.script("c", chat_upstream("from c")), "c", pricing=PRICE, disabled=True),
        model("openai", upstream.script("d", chat_upstream("from d")), "d", pricing=PRICE),
    ]
    the_route = route(
        "r",
        *(record.ref for record in models),
        constraints=Constraints(max_cost_per_execution=Decimal(5)),
        explain_on_fallback=True,
    )
    return snapshot(models, [the_route], **fields)


def ask(joch: RunningJoch, execution: str = "exec-1", **body: Any) -> httpx.Response:
    return httpx.post(
        f"{joch.base_url}/chat/completions",
        json={"model": "r", "messages": [{"role": "user", "content": CANARY}], **body},
        headers={"X-Joch-Execution": execution, "X-Joch-Agent": "researcher"},
        timeout=20,
    )


def explained(joch: RunningJoch, route: str = "-", **query: Any) -> httpx.Response:
    return httpx.get(f"{joch.root}/v1/route/{route}/explain", params=query, timeout=20)


def test_every_candidate_has_its_verdict_with_what_decided_it(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = ask(joch)
        found = explained(joch, call=answer.headers["x-request-id"]).json()
    assert answer.headers["x-joch-explain"] == f"/v1/route/r/explain?call={answer.headers['x-request-id']}"
    assert [(row["ref"], row["result"]) for row in found["candidates"]] == [
        ("openai:a", "failed"),
        ("openai:b", "failed"),
        ("openai:c", "rejected"),
        ("openai:d", "served"),
    ]
    first, second, third, last = found["candidates"]
    assert (first["attempt"]["reason"], first["attempt"]["httpStatus"], first["attempt"]["replay"]) == (
        "error_5xx",
        503,
        "refused",
    )
    assert (first["switch"]["trigger"], first["switch"]["to"]) == ("onError", "openai:b")
    assert (second["attempt"]["reason"], second["attempt"]["retryAfterMs"]) == ("rate_limited", 20_000)
    assert third["gates"][-1] == {"gate": "disabled", "ok": False, "detail": "disabled in the configuration"}
    assert third["wouldTake"][0] == {"change": "Model openai:c disabled", "to": False}
    budget = next(gate for gate in last["gates"] if gate["gate"] == "budget")
    assert budget["ok"]
    assert budget["estimateUsd"] > 0
    assert last["attempt"]["usage"]["source"] == "provider"
    assert (found["outcome"]["servedBy"], found["outcome"]["fallbackIndex"], found["outcome"]["switches"]) == (
        "openai:d",
        3,
        2,
    )
    assert found["execution"] == {"id": "exec-1", "source": "header", "callsBefore": 0, "costUsdBefore": 0.0}
    assert "d served the call at" in found["summary"]


def test_an_explanation_holds_no_prompt_no_key_and_no_word_of_a_provider(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        ask(joch)
        text = json.dumps(explained(joch).json())
    assert CANARY not in text
    assert KEY not in text


def test_calls_are_found_by_execution_route_agent_and_failure_newest_first(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        ids = [ask(joch, execution).headers["x-request-id"] for execution in ("one", "one", "two")]
        alone = httpx.post(
            f"{joch.base_url}/chat/completions",
            json={"model": "openai:b", "messages": [{"role": "user", "content": "x"}]},
            timeout=20,
        )
        by_execution = explained(joch, execution="one", last=5).json()["data"]
        by_route = explained(joch, "r", last=9).json()["data"]
        failed = explained(joch, failed="true").json()
        by_agent = explained(joch, agent="researcher").json()
        run = httpx.get(f"{joch.root}/v1/executions/one", timeout=20).json()
    assert alone.status_code == 429
    assert [made["callId"] for made in by_execution] == [ids[1], ids[0]]
    assert by_execution[0]["execution"]["callsBefore"] == 1
    assert by_execution[0]["execution"]["costUsdBefore"] == by_execution[1]["outcome"]["costUsd"] > 0
    assert [made["callId"] for made in by_route] == ids[::-1]
    assert failed["callId"] == alone.headers["x-request-id"]
    assert failed["outcome"]["error"]["code"] == "rate_limit_exceeded"
    assert by_agent["callId"] == ids[2]
    assert (run["status"]["modelCalls"], run["agent"]) == (2, "researcher")
    assert run["status"]["costUsd"] == pytest.approx(2 * by_execution[1]["outcome"]["costUsd"])


def test_explanations_survive_a_restart(upstream: ScriptedServer, tmp_path: Path) -> None:
    file = tmp_path / "store.db"
    with running_joch(installed(upstream), store=file) as joch:
        call = ask(joch).headers["x-request-id"]
    with running_joch(installed(upstream), store=file) as joch:
        assert explained(joch, execution="exec-1").json()["callId"] == call


@pytest.mark.parametrize(
    ("query", "status", "param"),
    [
        ({"call": "mc_none"}, 404, None),
        ({"cal": "x"}, 400, "cal"),
        ({"last": "0"}, 400, "last"),
        ({"last": "many"}, 400, "last"),
        ({"since": "yesterday"}, 400, "since"),
        ({"failed": "maybe"}, 400, "failed"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(
    upstream: ScriptedServer, query: dict[str, str], status: int, param: str | None
) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = explained(joch, **query)
    assert answer.status_code == status
    assert answer.json()["error"]["param"] == param


def test_a_dry_run_tells_what_would_be_asked_and_asks_nobody(upstream: ScriptedServer) -> None:
    body = {"messages": [{"role": "user", "content": "x"}]}
    with running_joch(installed(upstream)) as joch:
        upstream.requests.clear()
        found = httpx.post(f"{joch.root}/v1/route/r/explain", params={"dialect": "chat"}, json=body, timeout=20).json()
        native = httpx.post(f"{joch.root}/v1/route/r/explain", json={"route": "r", **body}, timeout=20).json()
        assert upstream.requests == []
        kept = explained(joch)
    assert found["dryRun"] is True
    assert found["outcome"] == {"wouldServe": "openai:a"}
    assert [row["result"] for row in found["candidates"]] == ["chosen", "standby", "rejected", "standby"]
    assert native["outcome"] == found["outcome"]
    assert kept.status_code == 404, "a dry run is no call"


def test_operators_endpoints_ask_for_the_admin_token_where_there_is_one(upstream: ScriptedServer) -> None:
    token = SecretRef(name="admin", source=SecretSource(type="env", location="ADMIN"))
    env = {KEY_VARIABLE: KEY, "ADMIN": "sesame"}
    with running_joch(installed(upstream, admin_token=token), env=env) as joch:
        for path in ("/v1/health", "/v1/route/r", "/v1/executions/x", "/metrics", "/v1/route/-/explain"):
            assert httpx.get(joch.root + path, timeout=20).status_code == 401, path
            let_in = httpx.get(joch.root + path, headers={"Authorization": "Bearer sesame"}, timeout=20)
            assert let_in.status_code in (200, 404), path


def test_the_state_of_candidates_is_told(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        ask(joch)
        rows = {row["ref"]: row for row in httpx.get(f"{joch.root}/v1/health", timeout=20).json()["data"]}
        described = httpx.get(f"{joch.root}/v1/route/r", timeout=20).json()
        metrics = httpx.get(f"{joch.root}/metrics", timeout=20).text
    assert rows["openai:b"]["health"] == "RateLimited"
    assert rows["openai:c"]["health"] == "Disabled"
    assert rows["openai:d"]["health"] == "Healthy"
    assert 'joch_model_health{model="openai:d"} 3.0' in metrics
    verdicts = {row["ref"]: row["verdict"] for row in described["candidates"]}
    assert verdicts["openai:c"].startswith("disabled")
    assert verdicts["openai:b"].startswith("health")


def test_the_command_line_shows_the_same(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        call = ask(joch).headers["x-request-id"]
        at = ("--server", joch.root)
        listed = command("route", "exec-1", *at)
        told = command("route", "exec-1", "--explain", *at)
        read = command("route", "exec-1", "--explain", "-o", "json", *at)
        why_not = command("route", "exec-1", "--why-not", "openai:c", *at)
        described = command("describe", "modelroute", "r", *at)
        run = command("describe", "execution", "exec-1", *at)
        nobody = command("route", "exec-none", *at)
        nothing = command("describe", "modelroute", "none", *at)
    assert call in listed.stdout
    assert "openai:d" in listed.stdout
    assert "0  openai:a" in told.stdout
    assert "503" in told.stdout
    assert "SERVED" in told.stdout
    assert json.loads(read.stdout)["callId"] == call
    assert "would take" in why_not.stdout
    assert "openai:a" not in why_not.stdout
    assert "maxCostUsdPerExecution 5.0" in described.stdout
    assert "calls 1" in run.stdout
    assert (nobody.exit_code, nothing.exit_code) == (4, 4)
    assert command("route", "x", "--server", "http://127.0.0.1:9").exit_code == 3


def test_whether_a_model_could_take_over_is_told_by_what_was_really_used(upstream: ScriptedServer) -> None:
    made = installed(upstream)
    agents = {"researcher": Agent(name="researcher", route="r")}
    plain = replace(made.models["openai:a"], flags={"text": True, "streaming": True}, flag_sources={})
    made = replace(made, agents=agents, models={**made.models, "openai:a": plain})
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    with running_joch(made) as joch:
        ask(joch, tools=tools)
        at = ("--server", joch.root, "--agent", "researcher")
        able = command("models", "check", *at, "--target", "openai:d")
        unable = command("models", "check", *at, "--target", "openai:a", "-o", "json")
    assert able.exit_code == 0, able.stdout
    assert "✓ tool calling" in able.stdout
    assert unable.exit_code == 1
    failed = [row for row in json.loads(unable.stdout)["checks"] if row["level"] == "fail"]
    assert [row["id"] for row in failed] == ["toolCalling"]


def test_a_reason_that_is_off_is_said_to_have_ended_the_call(upstream: ScriptedServer) -> None:
    models = [model("openai", upstream.script(name, refusal(503)), name) for name in "ab"]
    the_route = route("r", *(record.ref for record in models), failover=Failover(on_error=False))
    with running_joch(snapshot(models, [the_route])) as joch:
        ask(joch)
        first, second = explained(joch).json()["candidates"]
    assert first["switch"] == {"trigger": "onError", "allowed": False, "to": None, "why": "onError is off"}
    assert second["result"] == "standby"
