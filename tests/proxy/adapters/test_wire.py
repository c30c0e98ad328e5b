"""A binding over HTTP: what goes out, what never does, and the canonical adapter over the same parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from proxy.adapters import WireAdapter, WireBinding
from proxy.resources import Clocks, Model
from proxy.secrets import SecretResolver
from proxy.upstream import Upstream
from tests.support.answers import chat_events, chat_upstream, refusal
from tests.support.scripted import HANG, STREAM_HEAD, ScriptedServer, piece, scripted_server, stream, whole
from tests.support.snapshots import KEY, KEY_VARIABLE, key, model
from translators import providers
from translators.canonical import Message, ProviderAdapter, Reason, Request, Text, UpstreamError, fold
from translators.providers.provider import Provider

HELLO = Request(messages=(Message("user", (Text("hi"),)),))


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as client:
        yield client


def bound(record: Model, upstream: Upstream, env: dict[str, str] | None = None) -> WireBinding:
    provider = providers.load(record.provider)
    assert isinstance(provider, Provider)
    secrets = SecretResolver({KEY_VARIABLE: KEY} if env is None else env)
    return WireBinding(record, provider, upstream, secrets.resolve, {"x-joch-hop": "joch_1"})


async def test_it_is_a_provider_adapter_and_answers_in_canonical_terms(
    server: ScriptedServer, upstream: Upstream
) -> None:
    adapter = WireAdapter(bound(model("openai", server.script("ok", chat_upstream("hello you")), "gpt-4o"), upstream))
    assert isinstance(adapter, ProviderAdapter)
    response = await adapter.respond(HELLO)
    folded = fold([chunk async for chunk in adapter.stream(HELLO)])
    assert [choice.message.blocks for choice in folded.choices] != []
    assert response.choices[0].finish == folded.choices[0].finish
    assert response.usage == folded.usage
    assert adapter.capabilities().flags["toolCalling"] is True


async def test_the_key_travels_in_its_header_and_nowhere_else(server: ScriptedServer, upstream: Upstream) -> None:
    url = server.script("key", chat_upstream())
    await WireAdapter(bound(model("openai", url, "m"), upstream)).respond(HELLO)
    sent = server.of("key")[0]
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in sent.path
    assert KEY.encode() not in sent.body
    assert sent.headers["x-joch-hop"] == "joch_1"


async def test_without_a_secret_no_authorization_is_sent(server: ScriptedServer, upstream: Upstream) -> None:
    url = server.script("open", chat_upstream())
    await WireAdapter(bound(model("vllm", url, "m", secret=None), upstream)).respond(HELLO)
    assert "authorization" not in server.of("open")[0].headers


async def test_static_headers_and_query_of_the_record_are_sent(server: ScriptedServer, upstream: Upstream) -> None:
    url = server.script("extra", chat_upstream())
    record = model("openai", url, "m", headers={"X-Team": "blue"}, query={"api-version": "2026-01-01"})
    await WireAdapter(bound(record, upstream)).respond(HELLO)
    sent = server.of("extra")[0]
    assert sent.headers["x-team"] == "blue"
    assert sent.path == "/extra/chat/completions?api-version=2026-01-01"


async def test_a_rotated_key_is_used_by_the_next_call(server: ScriptedServer, upstream: Upstream) -> None:
    url = server.script("rotate", chat_upstream())
    env = {KEY_VARIABLE: "sk-first"}
    adapter = WireAdapter(bound(model("openai", url, "m"), upstream, env))
    await adapter.respond(HELLO)
    env[KEY_VARIABLE] = "sk-second"
    await adapter.respond(HELLO)
    assert [each.headers["authorization"] for each in server.of("rotate")] == ["Bearer sk-first", "Bearer sk-second"]


async def test_a_missing_key_is_an_unavailable_candidate(server: ScriptedServer, upstream: Upstream) -> None:
    record = model("openai", server.script("none", chat_upstream()), "m", secret=key("GONE"))
    with pytest.raises(UpstreamError) as refused:
        await WireAdapter(bound(record, upstream)).respond(HELLO)
    assert (refused.value.reason, refused.value.failure) == (Reason.UNAVAILABLE, "secret_missing")
    assert server.of("none") == []


@pytest.mark.parametrize("streamed", [False, True])
async def test_the_adapter_raises_what_the_provider_said_without_the_key(
    server: ScriptedServer, upstream: Upstream, streamed: bool
) -> None:
    shapeless = "correct horse battery"  # nothing but that it was sent tells that it is a key
    url = server.script("echoes", refusal(400, f"bad {shapeless}", "invalid_value"))
    adapter = WireAdapter(bound(model("openai", url, "m"), upstream, {KEY_VARIABLE: shapeless}))

    async def ask() -> None:
        if streamed:
            [chunk async for chunk in adapter.stream(HELLO)]
        else:
            await adapter.respond(HELLO)

    with pytest.raises(UpstreamError) as refused:
        await ask()
    assert refused.value.reason is Reason.INVALID_REQUEST
    assert shapeless not in str(refused.value)
    assert shapeless not in refused.value.body.message


async def test_a_stream_that_is_cut_raises_and_never_ends_quietly(server: ScriptedServer, upstream: Upstream) -> None:
    url = server.script("cut", stream(*chat_events("half")[:2]))
    with pytest.raises(UpstreamError) as refused:
        [chunk async for chunk in WireAdapter(bound(model("openai", url, "m"), upstream)).stream(HELLO)]
    assert refused.value.reason is Reason.STREAM_CUT


async def test_an_error_behind_good_events_is_raised_though_the_provider_says_no_more(
    server: ScriptedServer, upstream: Upstream
) -> None:
    begun, error = chat_events("half")[:2], b'data: {"error": {"message": "boom", "code": 500}}\n\n'
    url = server.script("held", [STREAM_HEAD, piece(b"".join(begun) + error), HANG])
    adapter = WireAdapter(bound(model("openai", url, "m", clocks=Clocks(idle=2.0)), upstream))
    chunks = aiter(adapter.stream(HELLO))
    await anext(chunks)  # what came before the error belongs to the caller
    with pytest.raises(UpstreamError) as refused:
        [chunk async for chunk in chunks]
    assert refused.value.failure == "inband_error"


@pytest.mark.parametrize(
    ("script", "status"),
    [([whole(200, {"data": []})], "healthy"), ([whole(503, {})], "degraded"), (refusal(500), "unhealthy")],
)
async def test_health_is_a_free_look(server: ScriptedServer, upstream: Upstream, script: Any, status: str) -> None:
    url = server.script("health", script)
    server.requests.clear()
    signal = await WireAdapter(bound(model("openai", url, "m"), upstream)).health()
    assert signal.status == status
    assert [(each.method, each.path) for each in server.of("health")] == [("GET", "/health/models")]


async def test_an_endpoint_that_is_down_is_unhealthy(upstream: Upstream) -> None:
    record = model("openai", "http://127.0.0.1:9", "m")
    signal = await WireAdapter(bound(replace(record, clocks=replace(record.clocks, connect=0.5)), upstream)).health()
    assert (signal.status, signal.detail) == ("unhealthy", "connect_refused")
