"""One run per class of failure: the explanation has the exact reason, and what it was known by (requirements, R14)."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import httpx
import pytest

from proxy.resources import Clocks, Constraints, HealthSettings, Pricing, Tool
from tests.proxy.cli.running import joch as command
from tests.support.answers import chat_answer, chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, Pause, Script, ScriptedServer, scripted_server, stream, whole
from tests.support.snapshots import model, route, snapshot

HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "x"}]}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object", "required": ["a"]}}}
BRIEF = Clocks(connect=1, first_byte=0.2, whole=None, idle=1, content=5, attempt=5, total=5)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def explained(joch: RunningJoch, execution: str = "e") -> dict[str, Any]:
    """As the command line tells it."""
    ran = command("route", execution, "--explain", "--last", "1", "-o", "json", "--server", joch.root)
    assert ran.exit_code == 0, ran.stderr
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def ask(joch: RunningJoch, **body: Any) -> httpx.Response:
    return httpx.post(
        f"{joch.base_url}/chat/completions",
        json={"model": "r", **HELLO, **body},
        headers={"X-Joch-Execution": "e"},
        timeout=20,
    )


def one(upstream: ScriptedServer, script: Script, **fields: Any) -> Any:
    record = model("openai", upstream.script("only", script), "only", **fields)
    return snapshot([record], [route("r", record.ref)])


@pytest.mark.parametrize(
    ("script", "body", "fields", "reason", "evidence"),
    [
        (refusal(500), {}, {}, "error_5xx", {"httpStatus": 500, "failure": "http_500"}),
        (refusal(429, retry_after="7"), {}, {}, "rate_limited", {"httpStatus": 429, "retryAfterMs": 7000}),
        ([Pause(2.0)], {}, {"clocks": BRIEF}, "timeout", {"failure": "header_timeout", "replay": "sent_unknown"}),
        ([RESET], {}, {}, "connect", {"failure": "reset_before_headers", "billedRisk": True}),
        ([whole(200, b"<html>", "text/html")], {}, {}, "bad_response", {"failure": "bad_content_type"}),
        (
            refusal(400, "Unsupported parameter: 'temperature'", "unsupported_parameter"),
            {},
            {},
            "unsupported",
            {"httpStatus": 400, "upstreamCode": "unsupported_parameter"},
        ),
        (refusal(401), {}, {}, "auth", {"httpStatus": 401, "failure": "credential_rejected"}),
        (
            [whole(200, chat_answer('{"b": 1}'))],
            {"response_format": SCHEMA},
            {},
            "schema_invalid",
            {"failure": "schema_invalid", "replay": "accepted"},
        ),
        (
            [*stream(chat_chunk({"role": "assistant", "content": "Hel"}), end=False), RESET],
            {"stream": True},
            {},
            "stream_cut",
            {"replay": "output_visible"},
        ),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_what_befell_an_attempt(
    upstream: ScriptedServer,
    script: Script,
    body: dict[str, Any],
    fields: dict[str, Any],
    reason: str,
    evidence: dict[str, Any],
) -> None:
    with running_joch(one(upstream, script, **fields)) as joch:
        ask(joch, **body)
        (candidate,) = explained(joch)["candidates"]
    attempt = candidate["attempt"]
    assert (candidate["result"], attempt["reason"]) == ("failed", reason)
    assert {name: attempt[name] for name in evidence} == evidence


def test_a_host_that_refuses_the_connection() -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        record = model("openai", f"http://127.0.0.1:{unheard.getsockname()[1]}/v1", "only")
        with running_joch(snapshot([record], [route("r", record.ref)])) as joch:
            ask(joch)
            (candidate,) = explained(joch)["candidates"]
    attempt = candidate["attempt"]
    assert (attempt["reason"], attempt["failure"], attempt["replay"]) == ("connect", "connect_refused", "not_sent")


def _blind(upstream: ScriptedServer) -> Any:
    return one(upstream, chat_upstream(), flags={"text": True, "vision": False}, flag_sources={"vision": "declared"})


def _limited(upstream: ScriptedServer, limits: Constraints, **fields: Any) -> Any:
    made = one(upstream, chat_upstream(), **fields)
    return replace(made, routes={"r": replace(made.routes["r"], constraints=limits)})


_PRICE = Pricing(input=Decimal(10), output=Decimal(10_000))


@pytest.mark.parametrize(
    ("made", "body", "gate", "evidence", "status"),
    [
        (_blind, {"messages": [{"role": "user", "content": [IMAGE]}]}, "request", {"missing": ["vision"]}, 400),
        (
            lambda upstream: _limited(upstream, Constraints(residency="EU"), regions=("us",)),
            {},
            "region",
            {"evidence": {"demanded": "EU"}},
            403,
        ),
        (
            lambda upstream: _limited(upstream, Constraints(max_zone="network"), zone="vendor"),
            {},
            "zone",
            {"evidence": {"zone": "vendor", "widest": "network"}},
            403,
        ),
        (
            lambda upstream: _limited(upstream, Constraints(max_cost_per_call=Decimal("0.01")), pricing=_PRICE),
            {"max_tokens": 10},
            "budget",
            {},
            429,
        ),
    ],
    ids=["capability", "region", "zone", "budget"],
)
def test_what_kept_a_candidate_from_being_asked(
    upstream: ScriptedServer,
    made: Callable[[ScriptedServer], Any],
    body: dict[str, Any],
    gate: str,
    evidence: dict[str, Any],
    status: int,
) -> None:
    upstream.requests.clear()
    with running_joch(made(upstream)) as joch:
        answer = ask(joch, **body)
        found = explained(joch)
    (candidate,) = found["candidates"]
    failed = candidate["gates"][-1]
    assert answer.status_code == found["outcome"]["status"] == status
    assert (candidate["result"], failed["gate"], failed["ok"]) == ("rejected", gate, False)
    assert {name: failed[name] for name in evidence} == evidence
    assert candidate["wouldTake"], "something would have picked it"
    assert upstream.requests == []


def test_a_candidate_that_is_down_and_one_over_its_own_limit(upstream: ScriptedServer) -> None:
    down = model("openai", upstream.script("down", refusal(500)), "down")
    busy = model("openai", upstream.script("busy", chat_upstream()), "busy", requests_per_minute=1)
    last = model("openai", upstream.script("last", chat_upstream()), "last")
    hasty = HealthSettings(consecutive_failures=1, open_seconds=3600.0, max_open_seconds=3600.0)
    with running_joch(snapshot([down, busy, last], [route("r", down.ref, busy.ref, last.ref)], health=hasty)) as joch:
        ask(joch)
        ask(joch)
        first, second, third = explained(joch)["candidates"]
    assert first["gates"][-1]["gate"] == "health"
    assert first["gates"][-1]["evidence"]["state"] == "Unhealthy"
    assert second["gates"][-1]["gate"] == "limit"
    assert third["result"] == "served"


def test_a_turn_that_has_acted(upstream: ScriptedServer) -> None:
    models = [model("openai", upstream.script(name, refusal(503)), name) for name in "ab"]
    made = snapshot(models, [route("r", *(each.ref for each in models))])
    made = replace(made, tools=(Tool(pattern="send", level="communication"),))
    call = {"id": "c1", "type": "function", "function": {"name": "send", "arguments": "{}"}}
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "sent"},
    ]
    with running_joch(made) as joch:
        ask(joch, messages=history)
        found = explained(joch)
    assert found["candidates"][0]["switch"]["trigger"] == "onSideEffects"
    assert "send (communication)" in found["candidates"][0]["switch"]["why"]


def test_a_client_that_left(upstream: ScriptedServer) -> None:
    with running_joch(one(upstream, [Pause(5.0)])) as joch:
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(
                f"{joch.base_url}/chat/completions",
                json={"model": "r", **HELLO},
                headers={"X-Joch-Execution": "e"},
                timeout=0.3,
            )
        (roll_up,) = _completed(joch)
        found = explained(joch)
    assert roll_up["payload"]["outcome"] == "client_gone"
    assert (found["candidates"][0]["result"], found["candidates"][0]["attempt"]["reason"]) == ("cancelled", "cancelled")


def _completed(joch: RunningJoch) -> list[dict[str, Any]]:
    (started,) = joch.events.of("ModelCallStarted")
    return [each for each in joch.events.completed(started["callId"]) if each["type"] == "x.CallCompleted"]
