"""A turn whose tools have acted, as an app with the unmodified SDK meets it: one clear error, and no call made behind its back.

The app's SDK retries by itself, as it comes: what must not be tried again is told to it, and it obeys.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from openai import APIError, InternalServerError

from proxy.resources import Failover, Tool
from tests.support.answers import chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, ScriptedServer, stream
from tests.support.snapshots import model, route, snapshot

from .clients import SyncSdk, sync_sdk

TOOLS = (Tool(pattern="send_email", level="communication"), Tool(pattern="look_*", level="read_only"))
PARAMETERS = {"type": "object", "properties": {}, "additionalProperties": False}
ASKED = pytest.mark.parametrize(
    ("api", "streamed"),
    [(api, streamed) for api in ("chat", "responses") for streamed in (False, True)],
    ids=["chat-whole", "chat-stream", "responses-whole", "responses-stream"],
)


def turn(api: str, tool: str) -> dict[str, Any]:
    """What an agent's loop sends once `tool` has run."""
    if api == "chat":
        called = {"id": "call_1", "type": "function", "function": {"name": tool, "arguments": "{}"}}
        return {
            "messages": [
                {"role": "user", "content": "go"},
                {"role": "assistant", "content": None, "tool_calls": [called]},
                {"role": "tool", "tool_call_id": "call_1", "content": "done"},
            ],
            "tools": [{"type": "function", "function": {"name": tool, "parameters": PARAMETERS}}],
        }
    return {
        "input": [
            {"role": "user", "content": "go"},
            {"type": "function_call", "call_id": "call_1", "name": tool, "arguments": "{}"},
            {"type": "function_call_output", "call_id": "call_1", "output": "done"},
        ],
        "tools": [{"type": "function", "name": tool, "parameters": PARAMETERS, "strict": True}],
    }


@contextmanager
def app(upstream: ScriptedServer, first: Any = None, mode: Any = "guard") -> Iterator[tuple[RunningJoch, SyncSdk]]:
    """joch with two candidates, and an SDK that retries as often as it does by default."""
    models = [
        model("openai", upstream.script("first", first or refusal(503)), "first", api="chat"),
        model("openai", upstream.script("second", chat_upstream("from-the-second")), "second", api="chat"),
    ]
    upstream.requests.clear()
    led = route("route", *(each.ref for each in models), failover=Failover(on_side_effects=mode))
    with (
        running_joch(replace(snapshot(models, [led]), tools=TOOLS)) as joch,
        sync_sdk(joch.base_url, max_retries=2) as sdk,
    ):
        yield joch, sdk


def ask(sdk: SyncSdk, api: str, asked: dict[str, Any], *, streamed: bool) -> tuple[str, dict[str, str]]:
    """The text of the answer, read to its end, and its headers."""
    endpoint: Any = sdk.client.chat.completions if api == "chat" else sdk.client.responses
    raw = endpoint.with_raw_response.create(model="route", stream=streamed, **asked)
    answer = raw.parse()
    match api, streamed:
        case "chat", False:
            text = answer.choices[0].message.content
        case "chat", True:
            text = "".join(choice.delta.content or "" for chunk in answer for choice in chunk.choices)
        case _, False:
            text = answer.output_text
        case _:
            text = "".join(event.delta for event in answer if event.type == "response.output_text.delta")
    return text, dict(raw.headers)


@ASKED
def test_the_app_is_told_once_that_its_turn_may_not_move(upstream: ScriptedServer, api: str, streamed: bool) -> None:
    with app(upstream) as (joch, sdk):
        with pytest.raises(InternalServerError) as blocked:
            ask(sdk, api, turn(api, "send_email"), streamed=streamed)
        joch.events.completed(blocked.value.request_id or "")
        calls = joch.events.payloads("x.CallCompleted")
    assert (blocked.value.status_code, blocked.value.code) == (503, "FailoverBlocked")
    assert "send_email (communication)" in blocked.value.message, "what stands in the way is not named"
    assert len(calls) == 1, "the SDK retried although it was told not to"
    assert (len(upstream.of("first")), len(upstream.of("second"))) == (1, 0)


@ASKED
@pytest.mark.parametrize(("tool", "notice"), [("look_up", None), ("anything", "failover;side-effects=possible")])
def test_the_app_gets_the_fallbacks_answer_where_the_turn_may_move(
    upstream: ScriptedServer, api: str, streamed: bool, tool: str, notice: str | None
) -> None:
    with app(upstream) as (joch, sdk):
        text, headers = ask(sdk, api, turn(api, tool), streamed=streamed)
        joch.events.completed(headers["x-request-id"])
        (switch,) = joch.events.payloads("ProviderSwitched")
    assert text == "from-the-second"
    assert headers.get("x-joch-notice") == notice
    assert switch["idempotent"] is (notice is None)
    assert switch["sideEffects"]["unknown"] == ([] if notice is None else [tool])


@ASKED
def test_a_route_that_only_announces_serves_a_turn_that_has_acted(
    upstream: ScriptedServer, api: str, streamed: bool
) -> None:
    with app(upstream, mode="announce") as (_, sdk):
        text, headers = ask(sdk, api, turn(api, "send_email"), streamed=streamed)
    assert (text, headers["x-joch-notice"]) == ("from-the-second", "failover;side-effects=known")


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_stream_that_breaks_in_a_tool_call_raises_and_nobody_else_is_asked(
    upstream: ScriptedServer, api: str
) -> None:
    opening = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look_up", "arguments": '{"x'}}
    broken = [*stream(chat_chunk({"role": "assistant"}), chat_chunk({"tool_calls": [opening]}), end=False), RESET]
    spoken = [{"role": "user", "content": "go"}]
    asked = {**turn(api, "look_up"), ("messages" if api == "chat" else "input"): spoken}
    with app(upstream, broken) as (joch, sdk):
        with pytest.raises(APIError):
            ask(sdk, api, asked, streamed=True)
        (attempt,) = joch.events.payloads("ModelCallCompleted")
        assert joch.events.payloads("ProviderSwitched") == []
    assert (attempt["replay"], attempt["billedRisk"]) == ("tool_call_emitted", True)
    assert (len(upstream.of("first")), len(upstream.of("second"))) == (1, 0)


def test_the_app_can_go_on_when_the_first_model_is_back(upstream: ScriptedServer) -> None:
    """What was blocked is not lost: the same request is served by the model that the turn is with."""
    with app(upstream, refusal(500)) as (_, sdk):
        with pytest.raises(InternalServerError):
            ask(sdk, "chat", turn("chat", "send_email"), streamed=False)
        upstream.script("first", chat_upstream("from-the-first"))
        text, headers = ask(sdk, "chat", turn("chat", "send_email"), streamed=False)
    assert (text, headers["x-joch-fallback-index"]) == ("from-the-first", "0")
    assert upstream.of("second") == []
