"""Pitfalls 38 to 40, and the further small ones: bodies, buffers and headers. See test_pitfalls.py for the rest."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import openai
import pytest
from openai import OpenAI

from tests.support.joch import RunningJoch
from tests.support.scripted import (
    DONE,
    HANG,
    STREAM_END,
    STREAM_HEAD,
    Received,
    ScriptedServer,
    Step,
    event,
    piece,
    whole,
)

from .clients import KEY, AsyncSdk, SyncSdk
from .misbehaving import CHAT_ASKED, alone, chat_stream, completion, said
from .raw import send
from .seen import seen_chunks, seen_completion
from .upstreams import UPSTREAMS, Answer, responses

pytestmark = pytest.mark.sdk_core

CHAT, RESPONSES, VLLM, LLAMA_CPP, OLLAMA = UPSTREAMS
WORDS = Answer(pieces=("Hel", "lo"))


def test_pitfall_38_embeddings_come_as_base64_when_the_sdk_asks_for_that(
    upstream: ScriptedServer, joch: RunningJoch
) -> None:
    upstream.script(OLLAMA.name, [whole(200, {"model": "m-1", "embeddings": [[1.0, -2.0]]})])
    body = {"model": OLLAMA.name, "input": "x", "encoding_format": "base64"}
    got = send("POST", f"{joch.base_url}/embeddings", body).json
    assert got["data"][0]["embedding"] == "AACAPwAAAMA="
    with OpenAI(base_url=joch.base_url, api_key=KEY, max_retries=0) as client:
        assert client.embeddings.create(model=OLLAMA.name, input="x").data[0].embedding == [1.0, -2.0]
        upstream.script(OLLAMA.name, [whole(200, {"model": "m-1", "embeddings": []})])
        with pytest.raises(openai.InternalServerError):
            client.embeddings.create(model=OLLAMA.name, input="x")


def test_pitfall_39_streams_are_neither_buffered_nor_compressed(upstream: ScriptedServer, joch: RunningJoch) -> None:
    upstream.script(CHAT.name, chat_stream(*said()))
    asked = {"model": CHAT.name, "stream": True, **CHAT_ASKED}
    got = send("POST", f"{joch.base_url}/chat/completions", asked, Accept_Encoding="gzip, deflate, br, zstd")
    assert got.headers["x-accel-buffering"] == "no"
    assert got.headers["cache-control"] == "no-cache"
    assert "content-encoding" not in got.headers
    assert b"Hello" in got.body


@pytest.mark.parametrize("name", [CHAT.name, RESPONSES.name])
def test_pitfall_39_an_event_may_be_large(upstream: ScriptedServer, sync: SyncSdk, name: str) -> None:
    text = "x" * 1_500_000
    upstream.script(CHAT.name, chat_stream(*said(text)))
    upstream.script(RESPONSES.name, lambda request: responses.serve(Answer(pieces=(text,)), request.json))
    assert seen_chunks(sync.chat_chunks(model=name, **CHAT_ASKED), usage=False).texts == [text]


def test_pitfall_39_each_event_is_passed_on_as_it_comes(upstream: ScriptedServer, sync: SyncSdk) -> None:
    role, text, end = map(event, said())
    arrived, came_before_the_rest = threading.Event(), []

    def script(_: Received) -> Iterator[Step]:
        yield from (STREAM_HEAD, piece(role), piece(text))
        came_before_the_rest.append(arrived.wait(5))  # the rest is not sent before the app has what was
        yield from (piece(end + DONE), STREAM_END)

    upstream.script(CHAT.name, script)
    stream_of_chunks = iter(sync.client.chat.completions.create(model=CHAT.name, stream=True, **CHAT_ASKED))
    while next(stream_of_chunks).choices[0].delta.content != "Hello":
        pass
    arrived.set()
    assert len(list(stream_of_chunks)) == 1
    assert came_before_the_rest == [True]


SCHEMA = {
    "type": "object",
    "properties": {"thought": {"type": "string"}, "answer": {"type": "string"}, "a": {"type": "integer"}},
    "required": ["thought", "answer", "a"],
    "additionalProperties": False,
}


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_40_schemas_keep_their_order_and_strict_stays(
    upstream: ScriptedServer, sync: SyncSdk, each: Any
) -> None:
    each.says(upstream, WORDS)
    function = {"name": "f", "parameters": SCHEMA, "strict": True}
    sync.chat(model=each.name, tools=[{"type": "function", "function": function}], **CHAT_ASKED)
    (tool,) = upstream.requests[-1].json["tools"]
    sent = tool.get("function", tool)
    assert json.dumps(sent["parameters"]) == json.dumps(SCHEMA)
    if each is not OLLAMA:  # its API has no such member
        assert sent["strict"] is True


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_40_a_plain_answer_has_no_trace_of_calls(
    upstream: ScriptedServer, joch: RunningJoch, each: Any
) -> None:
    each.says(upstream, Answer(pieces=('{"a":', "1}")))
    body = {"model": each.name, **CHAT_ASKED, "response_format": {"type": "json_object"}}
    got = send("POST", f"{joch.base_url}/chat/completions", body).json
    message = got["choices"][0]["message"]
    assert message["content"] == '{"a":1}', "never in fences"
    assert not message.keys() & {"tool_calls"}
    assert message.get("function_call") is None


# --- the further small ones -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream_value", [False, None])
def test_pitfall_small_stream_false_and_null_are_the_same_as_absent(
    upstream: ScriptedServer, sync: SyncSdk, stream_value: bool | None
) -> None:
    CHAT.says(upstream, WORDS)
    answer = sync.client.chat.completions.create(model=CHAT.name, extra_body={"stream": stream_value}, **CHAT_ASKED)
    assert seen_completion(answer).texts == ["Hello"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*"])
def test_pitfall_small_the_accept_header_does_not_decide_about_streaming(
    upstream: ScriptedServer, joch: RunningJoch, accept: str
) -> None:
    CHAT.says(upstream, WORDS)
    url = f"{joch.base_url}/chat/completions"
    streamed = send("POST", url, {"model": CHAT.name, "stream": True, **CHAT_ASKED}, Accept=accept)
    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert send("POST", url, {"model": CHAT.name, **CHAT_ASKED}, Accept=accept).json["object"] == "chat.completion"


def test_pitfall_small_the_connection_is_free_soon_after_the_end(
    upstream: ScriptedServer, asynchronous: AsyncSdk
) -> None:
    """The provider keeps its own connection open behind [DONE]; the app must not wait for that."""
    upstream.script(CHAT.name, [*chat_stream(*said())[:-1], HANG])
    begun = time.monotonic()
    assert seen_chunks(asynchronous.chat_chunks(model=CHAT.name, **CHAT_ASKED), usage=False).texts == ["Hello"]
    assert time.monotonic() - begun < 1.0


def test_pitfall_small_status_529_is_an_internal_server_error_that_is_retried(upstream: ScriptedServer) -> None:
    def script(request: Received) -> Sequence[Step]:
        retried = request is not upstream.requests[0]
        return [whole(200, completion())] if retried else [whole(529, {"error": {"message": "Overloaded"}})]

    with alone(upstream, script, retries=2) as client:
        raw = client.chat.completions.with_raw_response.create(model=CHAT.name, **CHAT_ASKED)
        assert raw.retries_taken == 1
