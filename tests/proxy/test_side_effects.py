"""A turn whose tools have acted is not handed to another model in silence."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest

from proxy.resources import Failover, Retry, Tool, ToolGateway
from tests.faults.fault import until
from tests.faults.places import closed_port
from tests.support.answers import chat_answer, chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, Pause, ScriptedServer, scripted_server, whole
from tests.support.scripted import stream as stream_of
from tests.support.snapshots import model, route, snapshot

TOOLS = (Tool(pattern="send_email", level="communication"), Tool(pattern="look_*", level="read_only"))
SPOKEN = [{"role": "user", "content": "go"}]
OPENING = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "send_email", "arguments": "{"}}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def installed(upstream: ScriptedServer, first: Any = None, mode: str = "guard") -> Any:
    models = [
        model("openai", upstream.script("a", first or refusal(503)), "a", api="chat"),
        model("openai", upstream.script("b", chat_upstream("from b")), "b", api="chat"),
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


def test_what_the_tool_gateway_says_is_running_blocks_though_the_ledger_cannot_be_read(
    upstream: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: Any) -> None:
        return None

    made = installed(upstream)
    running = [whole(200, {"items": [{"tool": "anything", "state": "Running"}]})]
    gateway = ToolGateway(url=upstream.script("gateway", running).removesuffix("/v1"), timeout=2.0)
    with running_joch(replace(made, settings=replace(made.settings, tool_gateway=gateway))) as joch:
        monkeypatch.setattr(joch.app.gateway._guard._ledger, "open_calls", unreadable)
        assert post(joch, chat("look_up")).status_code == 503


def test_retrying_the_same_candidate_is_no_failover(upstream: ScriptedServer) -> None:
    made = installed(upstream, first=refusal(429, retry_after="0.01"))
    again = replace(made.routes["r"], retry=Retry(attempts=1, backoff=0.001))
    with running_joch(replace(made, routes={"r": again})) as joch:
        answer = post(joch, chat("send_email"))
    assert answer.json()["error"]["code"] == "FailoverBlocked"
    assert len(upstream.of("a")) == 2
    assert upstream.of("b") == []


# --- every way to ask ------------------------------------------------------------------------------------------------

ASKED = [
    pytest.param(chat, False, id="chat-whole"),
    pytest.param(chat, True, id="chat-stream"),
    pytest.param(responses, False, id="responses-whole"),
    pytest.param(responses, True, id="responses-stream"),
]


@pytest.mark.parametrize(("body", "stream"), ASKED)
def test_a_safe_failover_is_one_event_and_nothing_else(upstream: ScriptedServer, body: Any, stream: bool) -> None:
    with running_joch(installed(upstream)) as joch:
        answer = post(joch, body("look_up"), stream=stream)
        joch.events.completed(answer.headers["x-request-id"])
        (switch,) = joch.events.payloads("ProviderSwitched")
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.status_code == 200
    assert "x-joch-notice" not in answer.headers
    said = {name: switch[name] for name in ("scope", "from", "to", "fromIndex", "toIndex", "reason", "idempotent")}
    assert said == {
        "scope": "call",
        "from": "openai:a",
        "to": "openai:b",
        "fromIndex": 0,
        "toIndex": 1,
        "reason": "error_5xx",
        "idempotent": True,
    }
    assert switch["sideEffects"] == {
        "known": [{"tool": "look_up", "level": "read_only"}],
        "unknown": [],
        "inFlight": 0,
    }
    assert explained["turn"]["failoverGuard"] == "allowed: read-only history"


@pytest.mark.parametrize(("body", "stream"), ASKED)
def test_what_is_announced_stands_in_header_event_and_explanation(
    upstream: ScriptedServer, body: Any, stream: bool
) -> None:
    with running_joch(installed(upstream, mode="announce")) as joch:
        answer = post(joch, body("send_email"), stream=stream)
        joch.events.completed(answer.headers["x-request-id"])
        (switch,) = joch.events.payloads("ProviderSwitched")
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.headers["x-joch-notice"] == "failover;side-effects=known"
    assert switch["sideEffects"]["known"] == [{"tool": "send_email", "level": "communication"}]
    assert switch["policy"] == explained["turn"]["failoverGuard"] == "announced: has acted: send_email (communication)"
    assert switch["idempotent"] is False


@pytest.mark.parametrize("mode", ["guard", "announce", "block", "allow"])
@pytest.mark.parametrize(
    ("tool", "blocking", "announcing"),
    [
        ("look_up", set(), set()),
        ("send_email", {"guard", "block"}, {"announce"}),
        ("anything", {"block"}, {"guard", "announce"}),
    ],
)
@pytest.mark.parametrize("answered", [True, False], ids=["answered", "in flight"])
def test_every_mode_for_every_kind_of_tool(
    upstream: ScriptedServer, mode: str, tool: str, blocking: set[str], announcing: set[str], answered: bool
) -> None:
    with running_joch(installed(upstream, mode=mode)) as joch:
        answer = post(joch, chat(tool, answered=answered))
    assert answer.status_code == (503 if mode in blocking else 200), answer.text
    assert ("x-joch-notice" in answer.headers) is (mode in announcing)
    assert len(upstream.of("b")) == (mode not in blocking)


def test_a_route_that_does_not_fall_over_says_the_providers_error(upstream: ScriptedServer) -> None:
    """`onError: false` speaks first: there is no failover that the guard could stop."""
    made = installed(upstream)
    firm = replace(made.routes["r"], failover=Failover(on_error=False))
    with running_joch(replace(made, routes={"r": firm})) as joch:
        answer = post(joch, chat("send_email"))
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.json()["error"]["code"] != "FailoverBlocked"
    assert "turn" not in explained, "the turn was looked at although nothing could follow"


def test_a_gateway_that_cannot_be_reached_counts_as_one_that_says_running(upstream: ScriptedServer) -> None:
    made = installed(upstream)
    gateway = ToolGateway(url=f"http://127.0.0.1:{closed_port()}", timeout=2.0)
    with running_joch(replace(made, settings=replace(made.settings, tool_gateway=gateway))) as joch:
        answer = post(joch, chat("look_up"))
    assert answer.json()["error"]["code"] == "FailoverBlocked"
    assert upstream.of("b") == []


# --- a stream that breaks in a tool call -----------------------------------------------------------------------------


@pytest.mark.parametrize("whole_call", [False, True], ids=["part", "whole"])
@pytest.mark.parametrize("body", [chat, responses])
def test_a_call_that_the_client_has_seen_is_never_made_again(
    upstream: ScriptedServer, body: Any, whole_call: bool
) -> None:
    events = [chat_chunk({"role": "assistant"}), chat_chunk({"tool_calls": [OPENING]})]
    events += [chat_chunk({"tool_calls": [{"index": 0, "function": {"arguments": "}"}}]})] if whole_call else []
    question = {**body("look_up"), **({"messages": SPOKEN} if body is chat else {"input": SPOKEN})}
    made = installed(upstream, first=[*stream_of(*events, end=False), RESET])
    with running_joch(made) as joch:
        answer = post(joch, question, stream=True)
        joch.events.completed(answer.headers["x-request-id"])
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
        assert joch.events.payloads("ProviderSwitched") == []
        upstream.script("a", refusal(503))
        following = post(joch, question)
    assert "error" in answer.text
    assert b"[DONE]" not in answer.content
    assert explained["candidates"][0]["attempt"]["replay"] == "tool_call_emitted"
    assert following.json()["error"]["code"] == "FailoverBlocked", "the client may have run what it has seen"
    assert upstream.of("b") == []


# --- between two calls of a turn -------------------------------------------------------------------------------------


def calling(tool: str) -> list[bytes]:
    """An answer that calls `tool`."""
    made = chat_answer("")
    call = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": "{}"}}
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    made["choices"] = [{"index": 0, "message": message, "finish_reason": "tool_calls"}]
    return [whole(200, made)]


def asking(tool: str) -> dict[str, Any]:
    return {"messages": SPOKEN, "tools": [_declared(tool)]}


def let_rest(joch: RunningJoch, upstream: ScriptedServer) -> None:
    """Another execution finds the first candidate overloaded, so that it rests."""
    upstream.script("a", refusal(503, retry_after="60"))
    body = {"model": "r", "messages": SPOKEN}
    answer = httpx.post(f"{joch.base_url}/chat/completions", json=body, timeout=20)
    assert answer.headers["x-joch-fallback-index"] == "1"
    upstream.requests.clear()
    joch.events.events.clear()


def test_a_turn_that_has_acted_does_not_move_between_its_calls_either(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, first=calling("send_email"))) as joch:
        assert post(joch, asking("send_email")).headers["x-joch-fallback-index"] == "0"
        let_rest(joch, upstream)
        answers = [post(joch, chat("send_email")) for _ in range(2)]
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    for answer in answers:
        assert answer.json()["error"]["code"] == "FailoverBlocked"
        assert answer.headers["x-should-retry"] == "false"
        assert "openai:a" in answer.json()["error"]["message"], "whom it waits for is not said"
    assert upstream.requests == [], "nobody may be asked"
    assert explained["turn"]["failoverGuard"].startswith("blocked")


def test_a_call_that_was_blocked_stays_so_when_it_comes_again(upstream: ScriptedServer) -> None:
    """The first refusal lets the candidate rest. The second call must not begin where the first one was not let go to."""
    with running_joch(installed(upstream)) as joch:
        codes = [post(joch, chat("send_email")).json()["error"]["code"] for _ in range(3)]
    assert codes == ["FailoverBlocked"] * 3
    assert upstream.of("b") == []


def test_a_turn_that_only_read_moves_between_its_calls_with_one_event(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, first=calling("look_up"))) as joch:
        post(joch, asking("look_up"))
        let_rest(joch, upstream)
        answers = [post(joch, chat("look_up")) for _ in range(2)]
        joch.events.completed(answers[1].headers["x-request-id"])
        (switch,) = joch.events.payloads("ProviderSwitched")
    assert [answer.headers["x-joch-fallback-index"] for answer in answers] == ["1", "1"]
    assert all("x-joch-notice" not in answer.headers for answer in answers)
    assert (switch["scope"], switch["reason"], switch["idempotent"]) == ("conversation", "health", True)
    assert (switch["from"], switch["to"]) == ("openai:a", "openai:b")


def test_where_nobody_knows_who_served_the_turn_it_is_said_and_not_stopped(upstream: ScriptedServer) -> None:
    """Another process may have, and with the very candidate that serves it now."""
    with running_joch(installed(upstream)) as joch:
        let_rest(joch, upstream)
        answer = post(joch, chat("send_email"))
        again = post(joch, chat("send_email"))
    assert answer.headers["x-joch-notice"] == "failover;side-effects=known"
    assert "x-joch-notice" not in again.headers, "the turn is with the second candidate by now"


def test_a_route_that_blocks_does_so_whoever_served_the_turn(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, mode="block")) as joch:
        let_rest(joch, upstream)
        answer = post(joch, chat("anything"))
    assert answer.json()["error"]["code"] == "FailoverBlocked"
    assert upstream.requests == []


def test_a_turn_that_began_at_the_fallback_goes_on_there(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream)) as joch:
        let_rest(joch, upstream)
        upstream.script("b", calling("send_email"), chat_upstream("from b"))
        begun = post(joch, asking("send_email"))
        answer = post(joch, chat("send_email"))
        joch.events.completed(answer.headers["x-request-id"])
        assert joch.events.payloads("ProviderSwitched") == []
    assert begun.json()["choices"][0]["finish_reason"] == "tool_calls"
    assert (answer.status_code, "x-joch-notice" in answer.headers) == (200, False)


def test_what_the_user_says_begins_a_turn_that_is_free(upstream: ScriptedServer) -> None:
    with running_joch(installed(upstream, first=calling("send_email"))) as joch:
        post(joch, asking("send_email"))
        let_rest(joch, upstream)
        acted = chat("send_email")
        acted["messages"] += [{"role": "assistant", "content": "done"}, {"role": "user", "content": "and now?"}]
        answer = post(joch, acted)
    assert (answer.status_code, "x-joch-notice" in answer.headers) == (200, False)


# --- a second try that is not to be ----------------------------------------------------------------------------------


def hasty(made: Any, **failover: Any) -> Any:
    """With a route that would ask again at once, whatever wait the provider names, and finds that it rests."""
    eager = Retry(attempts=1, backoff=0.0, respect_retry_after=False)
    changed = replace(made.routes["r"], retry=eager, failover=Failover(**failover))
    return replace(made, routes={"r": changed})


@pytest.mark.parametrize(("tool", "status"), [("send_email", 503), ("look_up", 200)])
def test_a_retry_that_cannot_be_made_is_a_failover_like_any_other(
    upstream: ScriptedServer, tool: str, status: int
) -> None:
    with running_joch(hasty(installed(upstream, first=refusal(429, retry_after="60")))) as joch:
        answer = post(joch, chat(tool))
        joch.events.completed(answer.headers["x-request-id"])
        switches = joch.events.payloads("ProviderSwitched")
    assert answer.status_code == status, answer.text
    assert len(upstream.of("a")) == 1
    assert len(upstream.of("b")) == len(switches) == (status == 200)
    assert all((switch["scope"], switch["reason"]) == ("call", "rate_limited") for switch in switches)


def test_a_retry_that_cannot_be_made_leaves_the_call_where_the_route_wants_it(upstream: ScriptedServer) -> None:
    made = installed(upstream, first=refusal(429, retry_after="60"))
    with running_joch(hasty(made, on_rate_limited=False)) as joch:
        answer = post(joch, chat("look_up"))
    assert answer.status_code == 429
    assert upstream.of("b") == []


def test_the_event_names_the_candidate_that_is_really_asked(upstream: ScriptedServer) -> None:
    """The second one is well when the first one is asked, and rests when the first one has failed."""
    made = installed(upstream, first=[Pause(0.3), *refusal(503)])
    third = model("openai", upstream.script("c", chat_upstream("from c")), "c", api="chat")
    refs = [*made.models, third.ref]
    made = replace(made, models={**made.models, third.ref: third}, routes={"r": route("r", *refs)})
    upstream.script("b", refusal(429, retry_after="60"))
    with running_joch(made) as joch, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(post, joch, chat("look_up"))
        until(lambda: bool(upstream.of("a")), "the first candidate was never asked")
        other = {"model": "openai:b", "messages": SPOKEN}
        assert httpx.post(f"{joch.base_url}/chat/completions", json=other, timeout=20).status_code == 429
        answer = asked.result()
        joch.events.completed(answer.headers["x-request-id"])
        (switch,) = joch.events.payloads("ProviderSwitched")
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.headers["x-joch-fallback-index"] == "2"
    assert (switch["from"], switch["to"], switch["toIndex"]) == ("openai:a", "openai:c", 2)
    assert explained["candidates"][0]["switch"]["to"] == "openai:c"
    assert len(upstream.of("b")) == 1, "it was asked by the other call only"


# --- a history that the provider keeps -------------------------------------------------------------------------------


def kept_answer(id: str, tool: str) -> list[bytes]:
    """An answer of the Responses API that calls `tool`, under an id of its own."""
    call = {
        "type": "function_call",
        "id": f"fc_{id}",
        "call_id": f"call_{id}",
        "name": tool,
        "arguments": "{}",
        "status": "completed",
    }
    usage = {
        "input_tokens": 1,
        "output_tokens": 1,
        "total_tokens": 2,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    made = {"id": f"resp_{id}", "object": "response", "created_at": 1, "model": "m", "status": "completed"}
    return [whole(200, {**made, "output": [call], "usage": usage})]


@pytest.mark.parametrize("steps", [1, 2])
def test_what_a_turn_did_before_its_last_response_counts(upstream: ScriptedServer, steps: int) -> None:
    """The requests hold nothing but results: that one of them is an email's, only the ledger knows."""
    answers = [kept_answer("1", "send_email"), kept_answer("2", "look_up")][:steps]
    made = installed(upstream, first=[])
    upstream.script("a", *answers, refusal(503))
    kept = {ref: replace(each, api="responses") for ref, each in made.models.items()}
    tools = responses("send_email")["tools"] + responses("look_up")["tools"]
    with running_joch(replace(made, models=kept)) as joch:
        body: dict[str, Any] = {"model": "r", "tools": tools, "input": "go"}
        for _ in range(steps):
            said = httpx.post(f"{joch.base_url}/responses", json=body, timeout=20).json()
            output = {"type": "function_call_output", "call_id": said["output"][0]["call_id"], "output": "done"}
            body = {"model": "r", "tools": tools, "input": [output], "previous_response_id": said["id"]}
        answer = httpx.post(f"{joch.base_url}/responses", json=body, timeout=20)
        explained = httpx.get(f"{joch.root}/v1/route/r/explain", timeout=20).json()
    assert answer.json()["error"]["code"] == "FailoverBlocked", answer.text
    assert "communication" in explained["turn"]["sideEffects"]
    assert (explained["turn"]["toolCalls"], explained["turn"]["unknownTools"]) == (steps, [])
    assert upstream.of("b") == []
