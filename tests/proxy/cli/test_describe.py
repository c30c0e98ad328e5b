"""`joch describe`: a route with its candidates, or an execution, as lines or as the router's documents."""

from __future__ import annotations

import json
from typing import Any

from tests.proxy.cli.running import joch, serving

CANDIDATE: dict[str, Any] = {
    "index": 0,
    "ref": "openai:a",
    "health": "Healthy",
    "p50Ms": 910.4,
    "p95Ms": None,
    "regions": ["us", "eu"],
    "zone": "vendor",
    "contextWindowTokens": 400_000,
    "price": ["1.25", "10"],
    "verdict": "ok",
}
ROUTE: dict[str, Any] = {
    "name": "r",
    "description": None,
    "answersTo": ["r", "gpt"],
    "requirements": ["toolCalling"],
    "constraints": {"maxCostUsdPerExecution": 5.0, "maxZone": None},
    "failover": "error   not: budget",
    "strict": "off",
    "candidates": [CANDIDATE, {**CANDIDATE, "index": 1, "ref": "openai:b", "regions": [], "price": None}],
    "warnings": ["no candidate can be asked now"],
}
STATUS = {
    "modelCalls": 3,
    "failedCalls": 1,
    "costUsd": 0.0125,
    "callsOfUnknownCost": 0,
    "inputTokens": 30,
    "outputTokens": 6,
}
RUN: dict[str, Any] = {"id": "e", "namespace": "default", "agent": "a", "source": "header", "status": STATUS}


def test_a_route_is_told_with_each_candidate() -> None:
    with serving({"/v1/route/r": ROUTE}) as (url, _):
        ran = joch("describe", "modelroute", "r", "--server", url)
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["Name:", "r"]
    assert lines[1].split() == ["Description:", "-"]
    assert lines[2].split(maxsplit=2) == ["Answers", "to:", "r, gpt"]
    assert lines[4].split() == ["Constraints:", "maxCostUsdPerExecution", "5.0"], "what is not set is not told"
    first, second = (line.split() for line in lines if line.startswith(("0", "1")))
    assert first == ["0", "openai:a", "Healthy", "910/-", "us,eu", "vendor", "400k", "1.25/10", "ok"]
    assert second == ["1", "openai:b", "Healthy", "910/-", "-", "vendor", "400k", "unknown", "ok"]
    assert lines[-1] == "warning  no candidate can be asked now"


def test_an_execution_is_told_with_what_it_came_to() -> None:
    with serving({"/v1/executions/e": RUN}) as (url, _):
        ran = joch("describe", "execution", "e", "--server", url)
    assert ran.stdout.splitlines() == [
        "e  namespace default  agent a  id from header",
        "calls 3  failed 1  cost 0.012500 USD  tokens 30 in, 6 out",
    ]


def test_what_is_not_known_of_the_cost_is_said_and_each_namespace_has_its_own() -> None:
    unknown = {**RUN, "namespace": "other", "status": {**STATUS, "callsOfUnknownCost": 1}}
    with serving({"/v1/executions/e": {"object": "list", "data": [RUN, unknown]}}) as (url, _):
        ran = joch("describe", "execution", "e", "--server", url)
    assert ran.stdout.count("namespace") == 2
    assert "cost 0.012500 USD and more" in ran.stdout


def test_documents_are_what_the_router_said() -> None:
    with serving({"/v1/route/r": ROUTE}) as (url, _):
        assert json.loads(joch("describe", "modelroute", "r", "-o", "json", "--server", url).stdout) == ROUTE


def test_names_reach_the_router_whole() -> None:
    with serving({}) as (url, seen):
        joch("describe", "execution", "run/7?x", "--server", url)
        joch("describe", "modelroute", "../health", "--server", url)
    assert [path for path, _ in seen] == ["/v1/executions/run%2F7%3Fx", "/v1/route/..%2Fhealth"]


def test_what_cannot_be_described_is_a_mistake_of_usage() -> None:
    assert joch("describe", "secret", "x").exit_code == 2
