"""Asking endpoints what they serve: real sockets, recorded Ollama answers in shape, and endpoints that are no help."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Iterator

import pytest

from proxy.discovery import Found, discover
from proxy.upstream import Upstream
from tests.support.scripted import CLOSE, HANG, Received, ScriptedServer, Step, scripted_server, whole
from translators import providers
from translators.providers.provider import Provider

TAGS = {"models": [{"name": "qwen3:8b", "model": "qwen3:8b"}, {"name": "nomic:latest", "model": "nomic:latest"}]}
SHOW = {
    "qwen3:8b": {"capabilities": ["completion", "tools", "thinking"], "model_info": {"qwen3.context_length": 40960}},
    "nomic:latest": {"capabilities": ["embedding"], "model_info": {"bert.context_length": 2048}},
}


@pytest.fixture(scope="module")
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as client:
        yield client


def ollama(request: Received) -> list[Step]:
    if request.path.endswith("/api/tags"):
        return [whole(200, TAGS)]
    if request.path.endswith("/api/show"):
        return [whole(200, SHOW[request.json["model"]])]
    return [whole(404, {"error": "not here"})]


async def asked(upstream: Upstream, provider: str, url: str) -> Found:
    record = providers.load(provider)
    assert isinstance(record, Provider)
    return await discover(upstream, record, url, list_seconds=0.3, detail_seconds=0.5)


async def test_ollama_tells_models_with_their_abilities(server: ScriptedServer, upstream: Upstream) -> None:
    found = await asked(upstream, "ollama", server.script("ollama", ollama))
    assert found.problem is None
    models = {each.model: each for each in found.models}
    assert models["qwen3:8b"].flags["toolCalling"] is True
    assert models["qwen3:8b"].flags["vision"] is False
    assert models["nomic:latest"].flags["embeddings"] is True
    assert models["qwen3:8b"].context_window is not None


async def test_details_that_cannot_be_had_leave_the_list_standing(server: ScriptedServer, upstream: Upstream) -> None:
    def only_tags(request: Received) -> list[Step]:
        return ollama(request) if request.path.endswith("/api/tags") else [whole(500, {"error": "x"})]

    found = await asked(upstream, "ollama", server.script("tags", only_tags))
    assert [each.model for each in found.models] == ["qwen3:8b", "nomic:latest"]


async def test_vllm_tells_its_window(server: ScriptedServer, upstream: Upstream) -> None:
    listed = {"object": "list", "data": [{"id": "Qwen/Qwen3", "object": "model", "max_model_len": 32768}]}
    found = await asked(upstream, "vllm", server.script("vllm", [whole(200, listed)]))
    assert [(each.model, each.context_window) for each in found.models] == [("Qwen/Qwen3", 32768)]


@pytest.mark.parametrize(
    ("script", "problem"),
    [([HANG], "header_timeout"), ([CLOSE], "closed_before_headers"), ([whole(200, b"<html>")], "bad_json")],
)
async def test_an_endpoint_that_is_no_help_is_an_empty_answer_with_a_reason(
    server: ScriptedServer, upstream: Upstream, script: list[Step], problem: str
) -> None:
    before = time.monotonic()
    found = await asked(upstream, "ollama", server.script("bad", script))
    assert (found.models, found.problem) == ((), problem)
    assert time.monotonic() - before < 5


async def test_nobody_there_is_said(upstream: Upstream) -> None:
    found = await asked(upstream, "ollama", "http://127.0.0.1:9")
    assert found.problem == "connect_refused"
