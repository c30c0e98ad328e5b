"""The document of one call: what befell each candidate with what decided it, and nothing that anybody said in free words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest

from proxy.call import Result, Switch
from proxy.resources import Constraints, Failover, Pricing
from proxy.routing import Condition
from proxy.words import HIDDEN
from tests.support.answers import chat_upstream, refusal
from tests.support.explanations import NOW, explained, planned_call, tried
from tests.support.joch import running_joch
from tests.support.scripted import ScriptedServer, scripted_server, whole
from tests.support.snapshots import KEY, model, route, snapshot
from translators.canonical import Need, RequestError, Transform

CANARY = "the quick canary"
OK = Result("ok", http_status=200)
FAILED = Result("error", "error_5xx", "overloaded", http_status=503, replay="refused", upstream_code="overloaded")
LEFT = Result("cancelled", "cancelled", "client_gone", billed_risk=True)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def over(*names: str, **fields: Any) -> tuple[list[Any], Any]:
    """Models of these names and a route over them in that order."""
    models = [model("openai", "https://a.example/v1", name) for name in names]
    return models, route("r", *(record.ref for record in models), **fields)


def gate(row: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [each for each in row["gates"] if each["gate"] == name]
    return dict(found)


def test_a_document_has_the_members_of_the_reference_and_none_that_would_be_empty() -> None:
    call = planned_call(*over("a"))
    (candidate,) = call.plan.candidates
    tried(call, candidate, OK)
    made = explained(call, served=candidate)
    assert list(made) == [
        *("apiVersion", "kind", "callId", "at", "execution", "identity", "request", "constraints", "candidates"),
        *("outcome", "summary"),
    ], "hooks and inbound have nothing behind them, and a turn that decided nothing is not told"
    assert made["kind"] == "RouteExplanation"
    assert json.loads(json.dumps(made)) == made, "the document is JSON all through"


def test_an_attempt_is_told_with_its_time_its_usage_and_its_cost() -> None:
    call = planned_call(*over("a"))
    (candidate,) = call.plan.candidates
    tried(call, candidate, OK)
    made = explained(call, served=candidate)
    attempt = made["candidates"][0]["attempt"]
    assert (attempt["ms"], attempt["firstChunkMs"], attempt["costUsd"]) == (250.0, 100.0, 0.0125)
    assert attempt["usage"] == {
        "inputTokens": 11,
        "cachedInputTokens": 0,
        "outputTokens": 7,
        "reasoningTokens": 0,
        "source": "provider",
    }
    assert "reason" not in attempt, "nothing went wrong"
    assert (made["outcome"]["status"], made["outcome"]["totalMs"]) == (200, 500.0)
    assert made["summary"] == "a served the call at 0.0125 USD."


def test_second_tries_of_a_candidate_stand_behind_its_last() -> None:
    call = planned_call(*over("a"))
    (candidate,) = call.plan.candidates
    tried(call, candidate, FAILED, Switch(trigger="onError", allowed=True, to="openai:a", waited=0.5))
    tried(call, candidate, OK)
    (row,) = explained(call, served=candidate)["candidates"]
    assert (row["result"], row["attempt"]["n"]) == ("served", 1)
    assert [(each["n"], each["reason"], each["waitedMs"]) for each in row["earlierAttempts"]] == [
        (0, "error_5xx", 500.0)
    ]


def test_gates_are_told_up_to_the_one_that_failed() -> None:
    models, the_route = over("a", "b")
    down = {"openai:a": Condition("open", until=NOW + 9, since=NOW - 1, admits=False)}
    call = planned_call(models, the_route, condition_of=lambda ref, now: down.get(ref, Condition("healthy", p95=0.4)))
    first, second = explained(call)["candidates"]
    assert [each["gate"] for each in first["gates"]][-1] == "health"
    assert [each["ok"] for each in first["gates"]][:-1] == [True] * (len(first["gates"]) - 1)
    assert gate(first, "health")["evidence"] == {"state": "Unhealthy", "seconds": 9.0}
    assert first["wouldTake"] == [{"change": "health of openai:a", "to": "Healthy"}]
    assert [each["gate"] for each in second["gates"]][-2:] == ["limit", "budget"]
    assert gate(second, "health") == {"gate": "health", "ok": True, "detail": "Healthy", "p95Ms": 400.0}


def test_a_models_own_limits_are_told_and_how_long_they_ask_to_wait() -> None:
    free = model("openai", "https://a.example/v1", "free")
    tight = model("openai", "https://a.example/v1", "tight", requests_per_minute=5)
    the_route = route("r", free.ref, tight.ref)
    roomy = explained(planned_call([free, tight], the_route))["candidates"]
    assert gate(roomy[0], "limit") == {"gate": "limit", "ok": True, "detail": "no limit"}
    assert (gate(roomy[1], "limit")["requestsPerMinute"], gate(roomy[1], "limit")["tokensPerMinute"]) == (5, None)
    full = planned_call([free, tight], the_route, wait_of=lambda record, tokens: 2.5 if record is tight else 0.0)
    failed = gate(explained(full)["candidates"][1], "limit")
    assert (failed["ok"], failed["waitSeconds"]) == (False, 2.5)


def test_the_money_gate_tells_the_estimate_and_what_the_run_would_come_to() -> None:
    dear = model("openai", "https://a.example/v1", "a", pricing=Pricing(input=Decimal(1), output=Decimal(10)))
    the_route = route("r", dear.ref, constraints=Constraints(max_cost_per_execution=Decimal(5)))
    call = planned_call([dear], the_route)
    budget = gate(explained(call)["candidates"][0], "budget")
    assert budget["estimateUsd"] == pytest.approx(12 * 1e-6 + 100 * 10e-6)
    assert budget["projectedRunUsd"] == budget["estimateUsd"]


def test_who_stands_behind_the_end_of_a_route_is_told_so() -> None:
    blind = model("openai", "https://a.example/v1", "blind", flags={"vision": False})
    seeing = model("openai", "https://a.example/v1", "seeing")
    the_route = route("r", blind.ref, seeing.ref, failover=Failover(on_capability_mismatch=False))
    first, second = explained(planned_call([blind, seeing], the_route, needs=(Need("vision", "messages[0]"),)))[
        "candidates"
    ]
    assert (first["result"], gate(first, "request")["missing"]) == ("rejected", ["vision"])
    assert (second["result"], second["detail"]) == ("standby", "behind the candidate at which the route ends the call")


def test_a_client_that_left_before_anything_came_was_told_no_status() -> None:
    call = planned_call(*over("a"))
    tried(call, call.plan.candidates[0], LEFT)
    made = explained(call, "client_gone")
    assert (made["outcome"]["status"], made["candidates"][0]["result"]) == (None, "cancelled")
    call.content = True
    assert explained(call, "client_gone")["outcome"]["status"] == 200


def test_a_call_that_was_refused_before_it_had_a_plan_is_explained_too() -> None:
    call = planned_call(*over("a"))
    call.plan = None
    made = explained(call, "refused", RequestError("no", status=503, type="server_error", code="limits_unknown"))
    assert (made["candidates"], made["summary"]) == ([], "No candidate was looked at.")
    assert made["outcome"]["error"] == {"status": 503, "type": "server_error", "code": "limits_unknown"}


def test_a_dry_run_says_who_would_be_asked_and_what_would_be_refused() -> None:
    call = planned_call(*over("a", "b"))
    made = explained(call, dry_run=True)
    assert (made["dryRun"], made["outcome"]) == (True, {"wouldServe": "openai:a"})
    assert made["summary"] == "a would be asked first."
    off = model("openai", "https://a.example/v1", "a", disabled=True)
    nobody = planned_call([off], route("r", off.ref))
    refused = explained(nobody, error=RequestError("no", status=503, code="no_candidate"), dry_run=True)["outcome"]
    assert (refused["wouldServe"], refused["error"]["code"]) == (None, "no_candidate")


def test_what_a_client_made_up_is_hidden_wherever_it_decides() -> None:
    models, the_route = over("a")
    made_up = Need(f"ext:{CANARY}", CANARY), Need("feature:hostedTools", "tools[0]", CANARY), Need(CANARY, "n", "x")
    call = planned_call(models, the_route, needs=made_up, asked=CANARY)
    made = explained(call, "refused", RequestError("no", type=CANARY, code=CANARY))
    failed = made["candidates"][0]["gates"][-1]
    assert CANARY not in json.dumps(made)
    assert failed["gate"] == "request"
    assert HIDDEN in failed["missing"]
    assert "tools[0]" in failed["detail"], "what is a word is still told"
    assert made["candidates"][0]["wouldTake"]


def test_the_place_of_a_change_is_told_only_as_a_word() -> None:
    call = planned_call(*over("a"))
    attempt = tried(call, call.plan.candidates[0], OK)
    attempt.transforms = (Transform(CANARY, "dropped"), Transform("sampling.stop", "mapped"))
    (row,) = explained(call)["candidates"]
    assert [change["field"] for change in row["transforms"]] == [HIDDEN, "sampling.stop"]


@pytest.mark.parametrize("secret", [CANARY, KEY])
@pytest.mark.parametrize(
    "script",
    [
        lambda secret: refusal(503, secret, secret),
        lambda secret: refusal(400, f"Unsupported parameter {secret}", secret),
        lambda secret: [whole(429, {"error": {"message": secret, "type": secret, "code": secret, "param": secret}})],
        lambda secret: [whole(200, {"error": {"message": secret, "type": secret, "code": secret}})],
        lambda secret: [whole(200, secret.encode(), "text/plain")],
    ],
    ids=["503", "400", "429", "in a 200", "no JSON"],
)
def test_no_word_of_a_provider_comes_into_a_document(upstream: ScriptedServer, script: Any, secret: str) -> None:
    record = model("openai", upstream.script("a", script(secret)), "a")
    with running_joch(snapshot([record], [route("r", record.ref)])) as joch:
        body = {"model": "r", "messages": [{"role": "user", "content": secret}]}
        httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
        at = f"{joch.root}/v1/route/-/explain"
        found = httpx.get(at, timeout=20)
        told = httpx.get(at, headers={"Accept": "text/plain"}, timeout=20).text
        events = json.dumps(joch.events.events)
    assert found.json()["candidates"][0]["result"] == "failed"
    for where in (found.text, told, events):
        assert secret not in where


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": CANARY}]},
        {"tools": [{"type": CANARY}]},
        {
            "tools": [
                {"type": "function", "function": {"name": "f", "description": CANARY, "parameters": {"title": CANARY}}}
            ]
        },
        {"modalities": ["text", CANARY]},
        {CANARY: CANARY},
        {"metadata": {CANARY: CANARY}},
        {"stop": [CANARY], "user": CANARY, "service_tier": CANARY},
        {"prediction": {"type": "content", "content": CANARY}},
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": f"https://x.example/{CANARY}"}}],
                }
            ]
        },
    ],
    ids=lambda body: next(iter(body)),
)
def test_no_word_of_a_client_comes_into_a_document(upstream: ScriptedServer, body: dict[str, Any]) -> None:
    record = model("openai", upstream.script("b", chat_upstream(CANARY)), "b")
    asked = {"messages": [{"role": "user", "content": CANARY}], **body}
    with running_joch(snapshot([record], [route("r", record.ref)])) as joch:
        answer = httpx.post(f"{joch.base_url}/chat/completions", json={"model": "r", **asked}, timeout=20)
        at, call = f"{joch.root}/v1/route", answer.headers["x-request-id"]
        kept = httpx.get(f"{at}/-/explain", params={"call": call}, timeout=20)
        dry = httpx.post(f"{at}/r/explain", params={"dialect": "chat"}, json=asked, timeout=20)
        events = json.dumps(joch.events.events)
    assert CANARY not in events
    assert kept.json()["callId"] == call
    assert CANARY not in kept.text
    assert CANARY not in dry.text
