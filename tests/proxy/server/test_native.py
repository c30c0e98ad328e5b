"""joch's own API over a real socket: the document and the events of the design, through the pipeline of all other calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import jsonschema_rs
import pytest

from proxy.resources import Failover, Pricing
from tests.support.answers import chat_chunk, chat_upstream, refusal
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import HANG, ScriptedServer, scripted_server, stream, whole
from tests.support.snapshots import model, route, snapshot
from tests.translators.formats.joch_native.documents import RESPONSE, check_answer
from tests.translators.formats.joch_native.test_stream import check_order, events, said

ASK: dict[str, Any] = {"route": "r", "messages": [{"role": "user", "content": "hi"}]}
STEADY = Failover(on_health_degraded=False)
"""What failed in one test is tried first in the next one all the same."""
PRICES = Pricing(input=Decimal(2), output=Decimal(8), source="model")
EVENT = jsonschema_rs.validator_for(
    {
        **RESPONSE,
        "properties": {**RESPONSE["properties"], "type": {"const": "response.stop"}, "seq": {"type": "integer"}},
    }
)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    up = upstream.script("up", chat_upstream("one two three"))
    down = upstream.script("down", lambda request: refusal(500))
    cut = upstream.script("cut", lambda request: stream(chat_chunk({"role": "assistant", "content": "half"})))
    records = [
        model("openai", up, "m", pricing=PRICES, region="eu"),
        model("generic-openai", down, "down"),
        model("generic-openai", cut, "cut"),
    ]
    routes = [
        route("r", "openai:m"),
        route("fall", "generic-openai:down", "openai:m", failover=STEADY),
        route("nobody", "generic-openai:down", failover=STEADY),
        route("cut", "generic-openai:cut", failover=STEADY),
    ]
    with running_joch(snapshot(records, routes)) as running:
        yield running


def respond(joch: RunningJoch, body: dict[str, Any] = ASK, **headers: str) -> httpx.Response:
    return httpx.post(f"{joch.base_url}/model/respond", json=body, headers=headers, timeout=20)


def streamed(joch: RunningJoch, body: dict[str, Any] = ASK, query: str = "") -> httpx.Response:
    return httpx.post(f"{joch.base_url}/model/stream{query}", json=body, timeout=20)


def told(answer: httpx.Response) -> list[dict[str, Any]]:
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line for line in answer.text.split("\n") if not line.startswith(":")]
    found = events("\n".join(lines).encode())
    check_order([event for event in found if not event["type"].startswith("route.")])
    return found


def test_an_answer_is_the_document_of_the_design(joch: RunningJoch) -> None:
    answer = respond(joch)
    assert answer.status_code == 200, answer.text
    document = answer.json()
    check_answer(document)
    assert document["id"] == answer.headers["x-request-id"]
    assert (document["text"], document["status"], document["decision"]) == ("one two three", "completed", "allow")
    assert document["usage"]["totalTokens"] == 18
    routing = document["routing"]
    assert (routing["route"], routing["servedBy"], routing["responseModel"]) == ("r", "openai:m", "up-model")
    assert (routing["region"], routing["fallbackIndex"], routing["attempts"]) == ("eu", 0, 1)


def test_the_document_and_the_events_say_the_same(joch: RunningJoch) -> None:
    document = respond(joch, {**ASK, "context": {"executionId": "exec-7", "agent": "ada"}}).json()
    *_, completed, over = joch.events.completed(document["id"])
    assert (completed["type"], over["type"]) == ("ModelCallCompleted", "x.CallCompleted")
    assert document["cost"] == {"usd": completed["payload"]["costUsd"], "known": True, "priceSource": "model"}
    assert document["cost"]["usd"] == pytest.approx((11 * 2 + 7 * 8) / 1e6)
    assert document["routing"]["executionId"] == completed["executionId"] == "exec-7"
    assert completed["agentRef"]["name"] == "ada"
    assert completed["dialect"] == "joch_native"


def test_what_context_says_is_not_told_to_the_provider(joch: RunningJoch, upstream: ScriptedServer) -> None:
    respond(joch, {**ASK, "context": {"executionId": "exec-secret"}, "metadata": {"kept": "yes"}})
    sent = upstream.requests[-1].json
    assert "exec-secret" not in json.dumps(sent)
    assert sent["messages"] == [{"role": "user", "content": "hi"}]


def test_a_stream_says_what_the_whole_answer_says(joch: RunningJoch) -> None:
    found, whole = told(streamed(joch, query="?full=true")), respond(joch).json()
    assert said(found, "text", "text") == whole["text"].replace(" ", "")
    stop = found[-1]
    EVENT.validate(stop)
    assert stop["text"] == said(found, "text", "text")
    assert {name: stop[name] for name in ("usage", "cost", "status")} == {
        name: whole[name] for name in ("usage", "cost", "status")
    }


def test_a_stream_starts_with_who_serves_it_and_ends_with_what_it_cost(joch: RunningJoch) -> None:
    answer = streamed(joch)
    found = told(answer)
    start, stop = found[0], found[-1]
    EVENT.validate(stop)
    assert start["id"] == stop["id"] == answer.headers["x-request-id"]
    assert (start["route"], start["servedBy"], start["responseModel"]) == ("r", "openai:m", "up-model")
    assert stop["cost"]["known"]
    assert "text" not in stop
    assert stop["choices"][0]["message"]["content"] == [{"type": "text"}]


@pytest.mark.parametrize("path", ["respond", "stream"])
def test_a_failover_is_told(joch: RunningJoch, path: str) -> None:
    body = {**ASK, "route": "fall"}
    document = respond(joch, body).json() if path == "respond" else told(streamed(joch, body))[-1]
    routing = document["routing"]
    assert (routing["servedBy"], routing["fallbackIndex"], routing["attempts"]) == ("openai:m", 1, 2)


def test_attempts_are_told_in_a_stream_to_those_who_ask(joch: RunningJoch) -> None:
    body = {**ASK, "route": "fall"}
    found = told(streamed(joch, body, "?include=routing"))
    first, switched, second, start, *_ = found
    assert (first["type"], first["ref"]) == ("route.attempt", "generic-openai:down")
    assert (switched["from"], switched["to"]) == ("generic-openai:down", "openai:m")
    assert switched["reason"] == "error_5xx"
    assert (second["type"], second["ref"], start["type"]) == ("route.attempt", "openai:m", "response.start")
    assert told(streamed(joch, body))[0]["type"] == "response.start"


def test_a_stream_that_breaks_ends_in_an_error_and_nothing_else(joch: RunningJoch) -> None:
    found = told(streamed(joch, {**ASK, "route": "cut"}))
    assert found[-1]["type"] == "error"
    assert found[-1]["error"]["code"] == "incomplete"
    assert said(found, "text", "text") == "half"


@pytest.mark.parametrize("path", ["respond", "stream"])
def test_an_error_before_the_answer_is_the_one_of_the_other_endpoints(joch: RunningJoch, path: str) -> None:
    chat = {"model": "nobody", "messages": ASK["messages"]}
    other = httpx.post(f"{joch.base_url}/chat/completions", json=chat, timeout=20)
    own = httpx.post(f"{joch.base_url}/model/{path}", json={**ASK, "route": "nobody"}, timeout=20)
    assert own.status_code == other.status_code
    for member in ("type", "code", "message", "param"):
        assert own.json()["error"][member] == other.json()["error"][member], member


@pytest.mark.parametrize(
    ("body", "status", "param", "hint"),
    [
        ({**ASK, "mesages": []}, 400, "mesages", "Did you mean 'messages'?"),
        ({**ASK, "temperature": 1}, 400, "temperature", "sampling.temperature"),
        ({"messages": ASK["messages"]}, 400, "route", "one of them is required"),
        ({**ASK, "route": "fal"}, 404, None, "Did you mean 'fall'?"),
        ({**ASK, "route": "m"}, 404, None, "The route 'm'"),
        ({**ASK, "context": {"agent": "a b"}}, 400, "metadata.joch.agent", "characters"),
    ],
)
@pytest.mark.parametrize("path", ["respond", "stream"])
def test_a_mistake_is_told_with_what_was_meant(
    joch: RunningJoch, path: str, body: dict[str, Any], status: int, param: str | None, hint: str
) -> None:
    answer = httpx.post(f"{joch.base_url}/model/{path}", json=body, timeout=20)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    assert hint in error["message"]


def test_a_model_may_be_named_instead_of_a_route(joch: RunningJoch) -> None:
    routing = respond(joch, {"model": "openai:m", "messages": ASK["messages"]}).json()["routing"]
    assert routing["servedBy"] == "openai:m"


@pytest.mark.parametrize(("query", "param"), [("?include=everything", "include"), ("?full=maybe", "full")])
def test_a_wish_nobody_knows_is_refused(joch: RunningJoch, query: str, param: str) -> None:
    answer = streamed(joch, query=query)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_a_picture_inside_someones_network_is_refused(joch: RunningJoch) -> None:
    picture = {"type": "image", "uri": "http://169.254.169.254/x.png"}
    answer = respond(joch, {**ASK, "messages": [{"role": "user", "content": [picture]}]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_image_url")


def test_the_answer_of_a_turn_may_be_sent_back_as_it_is(joch: RunningJoch, upstream: ScriptedServer) -> None:
    message = respond(joch).json()["choices"][0]["message"]
    again = respond(joch, {**ASK, "messages": [*ASK["messages"], message, {"role": "user", "content": "more"}]})
    assert again.status_code == 200, again.text
    assert [said["role"] for said in upstream.requests[-1].json["messages"]] == ["user", "assistant", "user"]
    assert upstream.requests[-1].json["messages"][1]["content"] == "one two three"


def test_an_explanation_is_there_for_those_who_ask(joch: RunningJoch) -> None:
    explained = respond(joch, {**ASK, "explain": True}).json()
    assert explained["explanation"]["kind"] == "RouteExplanation"
    assert explained["explanation"]["callId"] == explained["id"]
    assert "explanation" not in respond(joch).json()
    assert told(streamed(joch, {**ASK, "explain": True}))[-1]["explanation"]["kind"] == "RouteExplanation"


def test_the_servers_end_is_told_to_a_stream_with_the_next_number(upstream: ScriptedServer) -> None:
    begun = stream(chat_chunk({"role": "assistant", "content": "half"}), end=False)
    url = upstream.script("slow", [*begun, HANG])
    with running_joch(snapshot([model("generic-openai", url, "slow")], [route("r", "generic-openai:slow")])) as joch:
        with httpx.stream("POST", f"{joch.base_url}/model/stream", json=ASK, timeout=20) as answer:
            pieces = answer.iter_text()
            text = ""
            while "half" not in text:
                text += next(pieces)
            joch.loop.run(joch.app.stop(drain_seconds=0.1))
            text += "".join(pieces)
        found = events("\n".join(line for line in text.split("\n") if not line.startswith(":")).encode())
    assert found[-1]["type"] == "error"
    assert found[-1]["error"]["code"] == "server_shutting_down"


THOUGHT = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-4-6",
    "content": [
        {"type": "thinking", "thinking": "let me look", "signature": "SIGNED"},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"x": 1}},
    ],
    "stop_reason": "tool_use",
    "usage": {"input_tokens": 5, "output_tokens": 3},
}


def test_a_sealed_thought_comes_back_to_its_model_and_opens_for_nobody_else(upstream: ScriptedServer) -> None:
    url = upstream.script("claude", [whole(200, THOUGHT)])
    tools = {"route": "r", "tools": [{"name": "f", "parameters": {"type": "object"}}]}
    with running_joch(
        snapshot([model("anthropic", url, "claude-opus-4-6")], [route("r", "anthropic:claude-opus-4-6")])
    ) as joch:
        first = respond(joch, {**tools, "messages": ASK["messages"], "context": {"agent": "ada"}}).json()
        check_answer(first)
        assert (first["status"], first["choices"][0]["finishReason"]) == ("requires_tool", "tool_calls")
        message = first["choices"][0]["message"]
        assert "SIGNED" not in json.dumps(message), "a blob leaves in its envelope only"
        assert message["content"][0]["summary"] == ["let me look"]
        assert (message["toolCalls"][0]["id"], message["toolCalls"][0]["args"]) == ("toolu_1", {"x": 1})
        result = {"role": "tool", "content": "", "toolResults": [{"callId": "toolu_1", "content": "done"}]}
        history = {**tools, "messages": [*ASK["messages"], message, result]}
        for agent, opened in (("ada", True), ("eve", False)):
            answer = respond(joch, {**history, "context": {"agent": agent}})
            assert answer.status_code == 200, answer.text
            assert ("SIGNED" in upstream.requests[-1].body.decode()) is opened, agent
