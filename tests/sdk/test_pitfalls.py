"""Pitfalls 1 to 12: transport and errors that break unmodified SDK clients.

The catalogue of 40 pitfalls was collected from the issue trackers of SDKs, servers and gateways; the numbers in the names
of these tests are its lines. 13 to 27 are in test_pitfalls_chat.py, 28 to 37 in test_pitfalls_responses.py, 38 to 40 in
test_pitfalls_bodies.py. Each upstream
misbehaves as its line says, or the app does, and the SDK's own parser is the judge. Lines that do not apply yet:

- 36 asks for a store of items and responses, or for OpenAI's errors in its place: the errors are what is tested.
- of the further small ones, paging, and deletion and cancellation of stored responses, need that store; their paths are
  tested in test_endpoints.py to answer in JSON that they are not served.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import openai
import pytest

from tests.support.joch import RunningJoch
from tests.support.scripted import (
    DONE,
    RESET,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    ScriptedServer,
    event,
    piece,
    stream,
    whole,
)

from .clients import AsyncSdk, SyncSdk
from .misbehaving import CHAT_ASKED, alone, chat_stream, completion, response_events, responses_stream, said
from .raw import send
from .seen import seen_chunks
from .upstreams import UPSTREAMS, Answer

pytestmark = pytest.mark.sdk_core

CHAT, RESPONSES, VLLM, LLAMA_CPP, OLLAMA = UPSTREAMS
WORDS = Answer(pieces=("Hel", "lo"))


def raw_stream(joch: RunningJoch, model: str = CHAT.name) -> bytes:
    """The bytes of a streamed chat answer."""
    got = send("POST", f"{joch.base_url}/chat/completions", {"model": model, "stream": True, **CHAT_ASKED})
    assert got.status == 200, got.body
    return got.body


@pytest.mark.parametrize(
    "noise",
    [b"event: ping\n\n", b"data:\n\n", b"data: \n\n", b"retry: 10\n\n", b"id: 7\n\n", b": OPENROUTER PROCESSING\n\n"],
)
def test_pitfall_01_keep_alives_of_a_provider_never_reach_the_app_as_empty_events(
    upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk, noise: bytes
) -> None:
    role, text, end = map(event, said())
    upstream.script(CHAT.name, stream(noise, role, b"id: 1\n" + noise, text, noise, end, DONE))
    assert seen_chunks(sync.chat_chunks(model=CHAT.name, **CHAT_ASKED), usage=False).texts == ["Hello"]
    assert b"id:" not in raw_stream(joch)


def test_pitfall_01_keep_alives_of_joch_are_comments_that_dispatch_nothing(upstream: ScriptedServer) -> None:
    role, text, end = map(event, said())
    slow = [Pause(0.3), STREAM_HEAD, piece(role + text), Pause(0.3), piece(end + DONE), STREAM_END]
    with alone(upstream, slow, keep_alive_seconds=0.1) as client:
        assert seen_chunks(
            list(client.chat.completions.create(model=CHAT.name, stream=True, **CHAT_ASKED)), usage=False
        )
        asked = {"model": CHAT.name, "stream": True, **CHAT_ASKED}
        got = send("POST", f"{client.base_url}chat/completions", asked).body
    comments = [line for line in got.split(b"\n") if line.startswith(b":")]
    assert len(comments) >= 2, "while the provider was silent, before its head and after"
    assert not any(block.startswith((b":", b"event")) and b"data:" not in block for block in got.split(b"\n\n"))


def test_pitfall_02_the_last_event_is_not_lost_for_want_of_a_blank_line(
    upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk
) -> None:
    role, text, end = map(event, said())
    for last in (end + b"data: [DONE]", end.rstrip(b"\n"), end.rstrip(b"\n") + b"\n"):
        upstream.script(CHAT.name, [STREAM_HEAD, piece(role + text), piece(last), STREAM_END])
        assert seen_chunks(sync.chat_chunks(model=CHAT.name, **CHAT_ASKED), usage=False).finish == "stop"
        assert raw_stream(joch).endswith(b"data: [DONE]\n\n")


@pytest.mark.parametrize("name", [CHAT.name, OLLAMA.name])
def test_pitfall_03_no_byte_order_mark_and_no_split_in_a_character(
    upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk, name: str
) -> None:
    text = "Bl\u00e5tt \u2744\ufe0f \U0001f40e"
    if name == CHAT.name:
        data = b"\xef\xbb\xbf" + b"".join(event(json.dumps(c, ensure_ascii=False).encode()) for c in said(text)) + DONE
    else:
        line = {"model": "m-1", "message": {"role": "assistant", "content": text}, "done": False}
        last = {**line, "message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        data = b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in (line, last))
    head = STREAM_HEAD if name == CHAT.name else STREAM_HEAD.replace(b"text/event-stream", b"application/x-ndjson")
    upstream.script(name, [head, *(piece(data[at : at + 1]) for at in range(len(data))), STREAM_END])
    assert seen_chunks(sync.chat_chunks(model=name, **CHAT_ASKED), usage=False).texts == [text]
    assert b"\xef\xbb\xbf" not in raw_stream(joch, name)


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", [CHAT.name, RESPONSES.name, OLLAMA.name])
def test_pitfall_04_an_error_under_status_200_becomes_a_real_status(
    upstream: ScriptedServer, sync: SyncSdk, name: str, streamed: bool
) -> None:
    error: Any = "model runner stopped" if name == OLLAMA.name else {"message": "model runner stopped"}
    upstream.script(name, [whole(200, {"error": error})])
    for ask in (
        lambda: sync.client.chat.completions.create(model=name, stream=streamed, **CHAT_ASKED),
        lambda: sync.client.responses.create(model=name, stream=streamed, input="Hello"),
    ):
        with pytest.raises(openai.InternalServerError, match="model runner stopped"):
            ask()


@pytest.mark.parametrize("name", [CHAT.name, RESPONSES.name, OLLAMA.name])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_pitfall_05_an_upstream_that_dies_in_the_stream_is_an_error_not_an_end(
    upstream: ScriptedServer, sync: SyncSdk, asynchronous: AsyncSdk, dialect: str, name: str
) -> None:
    beginnings = {
        CHAT.name: [STREAM_HEAD, *(piece(event(each)) for each in said()[:2])],
        RESPONSES.name: [STREAM_HEAD, *(piece(event(each, each["type"])) for each in response_events(WORDS)[:5])],
        OLLAMA.name: [
            STREAM_HEAD.replace(b"text/event-stream", b"application/x-ndjson"),
            piece(b'{"model":"m-1","message":{"role":"assistant","content":"Hel"},"done":false}\n'),
        ],
    }
    for end in ([RESET], [STREAM_END]):
        upstream.script(name, [*beginnings[name], *end])
        for sdk in (sync, asynchronous):
            ask = (
                partial(sdk.chat_chunks, **CHAT_ASKED)
                if dialect == "chat"
                else partial(sdk.response_events, input="Hi")
            )
            with pytest.raises(openai.APIError) as failed:
                ask(model=name)
            assert failed.value.code == "incomplete"


@pytest.mark.parametrize(
    "error",
    [
        {"type": "error", "code": "server_error", "message": "It broke.", "param": None},
        {
            "type": "error",
            "error": {"type": "server_error", "code": "server_error", "message": "It broke.", "param": None},
        },
    ],
    ids=["flat", "nested"],
)
def test_pitfall_06_an_error_event_raises_in_either_shape(
    upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk, error: dict[str, Any]
) -> None:
    events = response_events(WORDS)[:5]
    upstream.script(RESPONSES.name, responses_stream(*events, {**error, "sequence_number": 5}))
    with pytest.raises(openai.APIError, match=r"It broke\."):
        sync.response_events(model=RESPONSES.name, input="Hello")
    asked = {"model": RESPONSES.name, "stream": True, "input": "Hello"}
    got = send("POST", f"{joch.base_url}/responses", asked).body.decode()
    (told,) = [json.loads(line[6:]) for line in got.splitlines() if line.startswith('data: {"type":"error"')]
    assert told["message"] == told["error"]["message"] == "It broke."
    assert told["sequence_number"] == 5
    assert told["error"].keys() >= {"type", "code", "message", "param"}


@pytest.mark.parametrize("error", ["It broke.", {"message": "It broke."}, {"message": "It broke.", "code": 500}])
def test_pitfall_07_an_error_in_the_stream_always_has_its_four_members(
    upstream: ScriptedServer, sync: SyncSdk, error: Any
) -> None:
    upstream.script(VLLM.name, chat_stream(*said()[:2], {"error": error}))
    with pytest.raises(openai.APIError, match=r"It broke\.") as failed:
        sync.chat_chunks(model=VLLM.name, **CHAT_ASKED)
    assert isinstance(failed.value.body, dict)
    assert failed.value.body.keys() >= {"message", "type", "param", "code"}
    assert isinstance(failed.value.type, str)
    assert isinstance(failed.value.code, str)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (
            422,
            {"detail": [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]},
            "Field required",
        ),
        (400, {"detail": "No such thing."}, "No such thing."),
        (400, {"error": "No such thing."}, "No such thing."),
        (
            400,
            {"object": "error", "message": "No such thing.", "type": "BadRequestError", "code": 400},
            "No such thing.",
        ),
        (400, [{"error": {"code": 400, "message": "No such thing.", "status": "INVALID_ARGUMENT"}}], "No such thing."),
        (500, b"<html><body><h1>502 Bad Gateway</h1></body></html>", ""),
        (500, b"", ""),
    ],
    ids=["fastapi", "detail", "string", "flat", "list", "html", "empty"],
)
def test_pitfall_08_whatever_shape_an_error_has_the_app_gets_the_envelope(
    upstream: ScriptedServer, sync: SyncSdk, status: int, body: Any, words: str
) -> None:
    kind = "text/html" if isinstance(body, bytes) else "application/json"
    upstream.script(VLLM.name, [whole(status, body, kind)])
    with pytest.raises(openai.APIStatusError) as failed:
        sync.chat(model=VLLM.name, **CHAT_ASKED)
    assert isinstance(failed.value.body, dict)
    assert failed.value.body.keys() >= {"message", "type", "param", "code"}
    assert failed.value.body["message"]
    assert words in str(failed.value)
    assert "<" not in str(failed.value)


TOO_LONG = {
    VLLM.name: {
        "error": {
            "message": "This model's maximum context length is 4096 tokens. However, your request has 5000 input tokens.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        }
    },
    LLAMA_CPP.name: {
        "error": {
            "code": 400,
            "message": "request (9312 tokens) exceeds the available context size (8192 tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 9312,
            "n_ctx": 8192,
        }
    },
    OLLAMA.name: {"error": "the input length exceeds the context length"},
}


@pytest.mark.parametrize("name", TOO_LONG)
def test_pitfall_09_apps_recognise_a_prompt_that_is_too_long_by_code_and_by_words(
    upstream: ScriptedServer, sync: SyncSdk, name: str
) -> None:
    upstream.script(name, [whole(400, TOO_LONG[name])])
    with pytest.raises(openai.BadRequestError) as failed:
        sync.chat(model=name, **CHAT_ASKED)
    assert failed.value.code == "context_length_exceeded"
    assert "context length" in str(failed.value)


def test_pitfall_10_validation_errors_are_400(upstream: ScriptedServer, sync: SyncSdk) -> None:
    for wrong in (
        {"messages": []},
        {"messages": "Hello"},
        {**CHAT_ASKED, "temperature": "hot"},
        {**CHAT_ASKED, "n": 0},
    ):
        with pytest.raises(openai.BadRequestError) as failed:
            sync.chat(model=CHAT.name, **wrong)
        assert failed.value.type == "invalid_request_error"
        assert failed.value.param
    upstream.script(VLLM.name, [whole(422, {"detail": "no"})])
    with pytest.raises(openai.BadRequestError):
        sync.response(model=VLLM.name, input="Hello")


def test_pitfall_11_the_sdk_is_told_when_its_own_retries_make_no_sense(upstream: ScriptedServer) -> None:
    quota = {"message": "No money.", "type": "insufficient_quota", "param": None, "code": "insufficient_quota"}
    with alone(upstream, [whole(429, {"error": quota})], retries=2) as client:
        with pytest.raises(openai.RateLimitError) as failed:
            client.chat.completions.create(model=CHAT.name, **CHAT_ASKED)
        assert failed.value.response.headers["x-should-retry"] == "false"
        assert len(upstream.requests) == 1
    with alone(upstream, [whole(429, {"error": {"message": "Slow."}}, Retry_After="7")]) as client:
        with pytest.raises(openai.RateLimitError) as failed:
            client.chat.completions.create(model=CHAT.name, **CHAT_ASKED)
        assert failed.value.response.headers["retry-after"] == "7"


def test_pitfall_12_nothing_is_redirected(upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk) -> None:
    CHAT.says(upstream, WORDS)
    for path in ("/v1/chat/completions", "/chat/completions", "/v1/chat/completions/", "/v1//chat/completions", "/v1"):
        got = send("POST", joch.root + path, {"model": CHAT.name, **CHAT_ASKED})
        assert got.status // 100 != 3
        assert got.headers["content-type"].startswith("application/json")
    moved = [whole(301, b"", Location=f"{upstream.url(CHAT.name)}/chat/completions/")]
    upstream.script(CHAT.name, moved, [whole(200, completion())])
    upstream.requests.clear()
    with pytest.raises(openai.InternalServerError):
        sync.chat(model=CHAT.name, **CHAT_ASKED)
    assert [request.method for request in upstream.requests] == ["POST"], "following it would ask again with GET"
