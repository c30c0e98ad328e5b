"""What the catalogue says a model lacks is not sent to it: the call goes to the next candidate, or ends in a 400 that names it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from proxy import catalog
from tests.support.answers import chat_upstream
from tests.support.joch import running_joch
from tests.support.scripted import ScriptedServer, scripted_server
from tests.support.snapshots import model, route, snapshot

USER = {"role": "user", "content": "hi"}
WAV = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA="
PNG = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOL = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "s", "schema": {"type": "object"}}}

AUDIO = {
    "messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": WAV, "format": "wav"}}]}]
}
IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": PNG}}]}]}
TOOLS = {"messages": [USER], "tools": [TOOL]}
SHAPED = {"messages": [USER], "response_format": SCHEMA}
EFFORT = {"messages": [USER], "reasoning_effort": "high"}
STOP = {"messages": [USER], "stop": ["x"]}
COMPUTER = {
    "input": "hi",
    "tools": [{"type": "computer_use_preview", "display_width": 1, "display_height": 1, "environment": "linux"}],
}


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


def asked(upstream: ScriptedServer, provider: str, identity: str, body: dict[str, Any]) -> httpx.Response:
    """The answer to `body` by a joch whose only model is `identity`; nothing may reach its provider."""
    upstream.requests.clear()
    record = catalog.informed(model(provider, upstream.url("a"), "m", model=identity, local=False))
    path = "/responses" if "input" in body else "/chat/completions"
    with running_joch(snapshot([record])) as joch:
        answer = httpx.post(f"{joch.base_url}{path}", json={"model": "m", **body}, timeout=20)
    assert upstream.requests == [], "the provider was asked for what the model cannot do"
    return answer


@pytest.mark.parametrize(
    ("provider", "identity", "body", "capability"),
    [
        ("anthropic", "claude-opus-5", AUDIO, "audio"),
        ("openai", "gpt-4o", AUDIO, "audio"),
        ("openai", "gpt-audio-1.5", IMAGE, "vision"),
        ("vllm", "meta-llama/Llama-3.1-8B-Instruct", IMAGE, "vision"),
        ("openai", "text-embedding-3-small", TOOLS, "toolCalling"),
        ("openai", "gpt-5.5-pro", SHAPED, "jsonSchema"),
        ("openai", "gpt-4.1", EFFORT, "reasoning"),
        ("openai", "gpt-5.4", COMPUTER, "computerUse"),
        ("openai", "gpt-5", STOP, "stop"),
        ("google", "gemini-3.8-flash", {"messages": [USER], "n": 2}, "n"),
    ],
)
def test_what_a_model_lacks_is_refused_and_named(
    upstream: ScriptedServer, provider: str, identity: str, body: dict[str, Any], capability: str
) -> None:
    answer = asked(upstream, provider, identity, body)
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert capability in error["message"], error


def test_the_next_candidate_serves_what_the_first_lacks(upstream: ScriptedServer) -> None:
    upstream.script("b", chat_upstream("from b"))
    deaf = catalog.informed(model("openai", upstream.url("a"), "a", model="gpt-4o"))
    hearing = catalog.informed(model("openai", upstream.url("b"), "b", model="gpt-audio-1.5"))
    with running_joch(snapshot([deaf, hearing], [route("r", "openai:a", "openai:b")])) as joch:
        answer = httpx.post(f"{joch.base_url}/chat/completions", json={"model": "r", **AUDIO}, timeout=20)
        (skip,) = joch.events.payloads("x.CandidateSkipped")
    assert answer.headers["x-joch-model"] == "openai:b"
    assert (skip["ref"], skip["gate"]) == ("openai:a", "request")
    assert "audio" in skip["detail"]


def test_embeddings_are_asked_of_models_that_have_them(upstream: ScriptedServer) -> None:
    record = catalog.informed(model("openai", upstream.url("a"), "m", model="gpt-4o"))
    with running_joch(snapshot([record])) as joch:
        answer = httpx.post(f"{joch.base_url}/embeddings", json={"model": "m", "input": "x"}, timeout=20)
    assert answer.status_code == 400
    assert "embeddings" in answer.json()["error"]["message"]
