"""A turn whose tools have acted is not handed to another model in silence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.resources import Failover, Retry, Tool, ToolGateway
from tests.support.answers import chat_answer, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer, scripted_server, whole
from tests.support.snapshots import model, route, snapshot

TOOLS = (Tool(pattern="send_email", level="communication"), Tool(pattern="look_*", level="read_only"))


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer, first: Any = None, mode: str = "guard") -> Any:
    models = [
        model("openai", upstream.script("a", first or refusal(503)), "a"),
        model("openai", upstream.script("b", chat_upstream("from b")), "b"),
    ]
    upstream.requests.clear()
    the_route = route("r", *(each.ref for each in models), failover=Failover(on_side_effects=mode))
    return replace(snapshot(models, [the_route]), tools=TOOLS)


def chat(tool: str, *, answered: bool = True) -> dict[str, Any]:
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
    ]
    if answered:
        messages.append({"role": "tool", "tool_call_id": "call_1", "content": "done"})
    return {"messages": messages, "tools": [_declared(tool)]}


def responses(tool: str) -> dict[str, Any]:
    return {
        "input": [
            {"role": "user", "content": "go"},
            {"type": "function_call", "call_id": "call_1", "name": tool, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "done"},
        ],
        "tools": [{"type": "function", "name": tool, "parameters": {"type": "object"}, "strict": False}],
    }


def _declared(tool: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": tool, "parameters": {"type": "object"}}}


def post(joch: RunningJoch, body: dict[str, Any], **more: Any) -> httpx.Response:
    path = "responses" if "input" in body else "chat/completions"
    return httpx.post(
        f"{joch.base_url}/{path}", json={"model": "r", **body, **more}, headers={"X-Joch-Execution": "e"}, timeout=20
    )


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("body", [chat("send_email"), responses("send_email")], ids=["chat", "responses"])
def test_a_turn_that_has_acted_is_not_handed_on(upstream: ScriptedServer, body: dict[str, Any], stream: bool) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = post(joch, body, stream=stream)
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.status_code == 503
    assert answer.json()["error"]["code"] == "FailoverBlocked"
    assert answer.headers["x-should-retry"] == "false"
    assert upstream.of("b") == []
    assert explained["turn"]["sideEffects"] == ["communication"]
    assert explained["turn"]["failoverGuard"].startswith("blocked")
    assert explained["candidates"][0]["switch"]["trigger"] == "onSideEffects"


def test_a_turn_that_only_read_is_handed_on_silently(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = post(joch, chat("look_up"))
    assert answer.headers["x-joch-fallback-index"] == "1"
    assert "x-joch-notice" not in answer.headers


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_nobody_declared_is_announced(upstream: ScriptedServer, stream: bool) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = post(joch, chat("anything"), stream=stream)
        (switch,) = joch.events.payloads("ProviderSwitched")
    assert answer.status_code == 200
    assert answer.headers["x-joch-notice"] == "failover;side-effects=possible"
    assert switch["sideEffects"]["unknown"] == ["anything"]
    assert switch["idempotent"] is False


@pytest.mark.parametrize(("mode", "status"), [("announce", 200), ("block", 503), ("allow", 200)])
def test_the_route_says_what_holds(upstream: ScriptedServer, mode: str, status: int) -> None:
    with running_joch(installed(upstream, mode=mode)) as joch:
        answer = post(joch, chat("send_email"))
    assert answer.status_code == status
    assert ("x-joch-notice" in answer.headers) is (mode == "announce")


def test_a_call_that_was_handed_out_and_never_answered_counts_as_under_way(upstream: ScriptedServer) -> None:
    """The app dropped the call from its history: only joch knows that it was given out."""
    calling = chat_answer("")
    calling["choices"][0]["message"] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "call_9", "type": "function", "function": {"name": "send_email", "arguments": "{}"}}],
    }
    calling["choices"][0]["finish_reason"] = "tool_calls"
    question = {"messages": [{"role": "user", "content": "go"}], "tools": [_declared("send_email")]}
    with running_joch(installed(upstream, first=[whole(200, calling)])) as joch:
        assert post(joch, question).json()["choices"][0]["finish_reason"] == "tool_calls"
        upstream.script("a", refusal(503))
        answer = post(joch, question)
    assert answer.json()["error"]["code"] == "FailoverBlocked"
    assert "send_email" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    ("script", "status"),
    [
        ([whole(200, {"items": []})], 200),
        ([whole(200, {"items": [{"tool": "anything", "state": "Succeeded"}]})], 200),
        ([whole(200, {"items": [{"tool": "anything", "state": "Running"}]})], 503),
        ([whole(404, {})], 200),
        ([whole(500, {})], 503),
    ],
    ids=["nothing", "over", "running", "not there", "broken"],
)
def test_a_tool_gateway_is_asked_what_is_running_and_its_silence_counts(
    upstream: ScriptedServer, script: Any, status: int
) -> None:
    made = installed(upstream)
    gateway = ToolGateway(url=upstream.script("gateway", script).removesuffix("/v1"), timeout=2.0)
    with running_joch(replace(made, settings=replace(made.settings, tool_gateway=gateway))) as joch:
        answer = post(joch, chat("look_up"))
    assert answer.status_code == status
    (asked,) = upstream.of("gateway")
    assert "/v1/tool-calls?execution=e&turn=" in asked.path


def test_retrying_the_same_candidate_is_no_failover(upstream: ScriptedServer) -> None:
    made = installed(upstream, first=refusal(503, retry_after="0.01"))
    again = replace(made.routes["r"], retry=Retry(attempts=1, backoff=0.001))
    with running_joch(replace(made, routes={"r": again})) as joch:
        answer = post(joch, chat("send_email"))
    assert answer.status_code == 503
    assert len(upstream.of("a")) == 2
    assert upstream.of("b") == []
