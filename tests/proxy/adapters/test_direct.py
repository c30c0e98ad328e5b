"""An adapter that answers in canonical terms itself, and how its mistakes are told."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from proxy.adapters import Asked, DirectBinding
from proxy.resources import Clocks
from tests.support.snapshots import model
from translators.canonical import (
    BlockDelta,
    BlockStart,
    CapabilitySet,
    Chunk,
    HealthSignal,
    Message,
    OutputSpec,
    Request,
    Response,
    Start,
    Text,
    UpstreamError,
)
from translators.canonical.errors import Reason
from translators.formats import RenderContext, openai_chat
from translators.providers.provider import AdapterProvider, ModelFacts

REQUEST = Request(messages=(Message("user", (Text("hi"),)),), model="m", stream=True)


class Scripted:
    """Yields what it is given, then raises what it is given."""

    def __init__(self, chunks: list[Chunk], error: Exception | None = None) -> None:
        self._chunks, self._error = chunks, error

    def capabilities(self) -> CapabilitySet:
        return CapabilitySet(flags={"text": True, "streaming": True})

    async def respond(self, request: Request) -> Response:
        raise self._error or AssertionError

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        for chunk in self._chunks:
            yield chunk
        if self._error is not None:
            raise self._error

    async def health(self) -> HealthSignal:
        return HealthSignal(status="healthy")


BEGUN: list[Chunk] = [Start("id", "m"), BlockStart(0, 0, Text("")), BlockDelta(0, 0, "text", "hello")]


async def told(adapter: Scripted, request: Request = REQUEST) -> tuple[bytes, UpstreamError]:
    provider = AdapterProvider(name="own", capabilities=adapter.capabilities(), build=lambda _: adapter)
    context = RenderContext(request=request, new_id=lambda prefix: prefix + "1", created=1)
    asked = Asked(client=openai_chat.CLIENT, request=request, context=context, clocks=Clocks())
    answer = await DirectBinding(model("own", None), provider).prepare(asked).send()
    out = b""

    async def read() -> None:
        nonlocal out
        async for piece in answer.pieces():
            out += piece

    with pytest.raises(UpstreamError) as failed:
        await read()
    return out + answer.fail(failed.value), failed.value


async def test_a_stream_that_just_stops_has_failed() -> None:
    out, error = await told(Scripted(BEGUN))
    assert (error.reason, error.failure) == (Reason.STREAM_CUT, "no_terminal")
    assert b"hello" in out
    assert b'"error"' in out
    assert b"[DONE]" not in out


async def test_what_was_held_back_of_json_comes_before_the_error() -> None:
    request = replace(REQUEST, output=OutputSpec(kind="json_object"))
    chunks = [*BEGUN[:2], *(BlockDelta(0, 0, "text", piece) for piece in ("```", "json\n[1", "\n ", "\n"))]
    out, _ = await told(Scripted(chunks), request)
    texts = [json.loads(line.removeprefix(b"data: ")) for line in out.split(b"\n\n") if line]
    said = [choice["delta"].get("content") for event in texts for choice in event.get("choices", ())]
    assert "".join(filter(None, said)) == "[1\n \n"
    assert "error" in texts[-1]


async def test_a_bug_in_an_adapter_is_named_by_its_class_alone() -> None:
    _, error = await told(Scripted(BEGUN, ZeroDivisionError("a secret detail")))
    assert error.failure == "adapter_error"
    assert "ZeroDivisionError" in error.body.message
    assert "secret detail" not in error.body.message


async def test_an_error_of_ours_passes_as_it_is() -> None:
    limited = UpstreamError(Reason.RATE_LIMITED, "slow down", retry_after=3.0)
    _, error = await told(Scripted([], limited))
    assert error is limited


def test_capabilities_are_the_adapters_own_capped_by_the_record() -> None:
    adapter = Scripted([])
    provider = AdapterProvider(name="own", capabilities=adapter.capabilities(), build=lambda facts: adapter)
    declared = model("own", None, flags={"vision": True})
    flags = DirectBinding(declared, provider).capabilities().flags
    assert flags["vision"] is False, "an adapter cannot do what it cannot do"
    assert flags["streaming"] is False, "a record that declares any flag declares all"


def test_the_adapter_is_built_once_with_what_is_known_of_the_model() -> None:
    seen: list[ModelFacts] = []

    def build(facts: ModelFacts) -> Scripted:
        seen.append(facts)
        return Scripted([])

    provider = AdapterProvider(name="own", capabilities=CapabilitySet(flags={}), build=build)
    DirectBinding(model("own", None, "grey", context_window=7), provider)
    assert [(facts.model, facts.context_window) for facts in seen] == [("grey", 7)]
