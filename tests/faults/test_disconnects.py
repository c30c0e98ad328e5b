"""Clients that leave: while uploading, while waiting for headers, while streaming, while a whole answer is being made.

The upstream hangs in every case, so its connection can only have ended because joch ended it. The target is 100 ms; the assertion
allows for a busy machine, and the figure is recorded for the summary of `python -m tests.faults`.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import httpx2
import openai
import pytest

from tests.sdk.upstreams.answer import Answer
from tests.sdk.upstreams.responses import events, numbered
from tests.support.answers import chat_answer, chat_chunk, chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import HANG, Script, ScriptedServer, event, stream, whole
from tests.support.snapshots import model, route, snapshot

from .fault import until
from .raw import JSON_HEADERS
from .sdk import PROMPT, Api

RESPONSES = [event(data, data["type"]) for data in numbered(events(Answer(pieces=("hel", "lo-there")), {}))]
CONTENT: dict[Api, list[bytes]] = {
    "chat": [chat_chunk({"role": "assistant", "content": ""}), chat_chunk({"content": "hel"})],
    "responses": RESPONSES[:5],
}
SCRIPTS: dict[str, Callable[[Api], Script]] = {
    "waiting": lambda api: [HANG],
    "waiting for a stream": lambda api: [HANG],
    "streaming": lambda api: [*stream(*CONTENT[api], end=False), HANG],
    "whole": lambda api: [whole(200, chat_answer("hello-there"))[:-40], HANG],
}
Record = Callable[[str, object], None]


@contextmanager
def hanging(script: Script, api: Api, upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """joch before an upstream that hangs, with a good one behind it that must not be asked."""
    first = model(
        "generic-openai", upstream.script("hanging", script), "first", api="responses" if api == "responses" else "auto"
    )
    second = model("generic-openai", upstream.script("behind", chat_upstream("from-the-fallback")), "second")
    upstream.requests.clear()
    with running_joch(snapshot([first, second], [route("pair", first.ref, second.ref)])) as joch:
        yield joch


def call(api: Api, streamed: bool) -> bytes:
    body: dict[str, Any] = {"model": "pair", "stream": streamed}
    body["messages" if api == "chat" else "input"] = [{"role": "user", "content": PROMPT}]
    data = json.dumps(body).encode()
    path = "/v1/chat/completions" if api == "chat" else "/v1/responses"
    return f"POST {path} HTTP/1.1\r\n{JSON_HEADERS}Content-Length: {len(data)}\r\n\r\n".encode() + data


def leave(connection: socket.socket, how: str) -> float:
    """Close the connection with a FIN or with a reset. Returns when."""
    if how == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    at = time.monotonic()
    connection.close()
    return at


def check_cancelled(upstream: ScriptedServer, joch: RunningJoch, left_at: float, record: Record) -> dict[str, Any]:
    """The upstream connection ended because the client left; the call is accounted for as such. Returns the attempt."""
    (request,) = upstream.of("hanging")
    until(lambda: request.ended is not None, "the upstream connection outlived the client", 1.0)
    record("cancel_ms", ((request.ended or 0.0) - left_at) * 1000)
    until(lambda: bool(joch.events.of("x.CallCompleted")), "the call was never accounted for")
    assert [payload["outcome"] for payload in joch.events.payloads("x.CallCompleted")] == ["client_gone"]
    (attempt,) = joch.events.payloads("ModelCallCompleted")
    assert (attempt["outcome"], attempt["failure"], attempt["billedRisk"]) == ("cancelled", "client_gone", True)
    assert joch.events.of("ProviderSwitched") == []
    assert upstream.of("behind") == [], "nobody is asked for a client that has gone"
    check_idle(joch)
    return dict(attempt)


def check_idle(joch: RunningJoch) -> None:
    """Nothing of the call is left in flight."""
    until(lambda: inflight(joch) == 0, "a call is still in flight")


def inflight(joch: RunningJoch) -> int:
    """How many calls are being served, beside the one that asks."""
    text = httpx.get(f"{joch.root}/metrics", trust_env=False).text
    (line,) = [line for line in text.splitlines() if line.startswith("joch_http_inflight ")]
    return int(float(line.split()[-1])) - 1


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("api", ["chat", "responses"])
@pytest.mark.parametrize("window", SCRIPTS)
def test_a_client_that_leaves_takes_the_upstream_connection_with_it(
    window: str, api: Api, how: str, upstream: ScriptedServer, record_property: Record
) -> None:
    streamed = "stream" in window
    with hanging(SCRIPTS[window](api), api, upstream) as joch:
        connection = socket.create_connection(("127.0.0.1", joch.app.port), timeout=5)
        connection.sendall(call(api, streamed))
        until(lambda: bool(upstream.of("hanging")), "the call never went upstream")
        if window == "streaming":
            received = b""
            while b"hel" not in received:
                received += connection.recv(65536)
        elif window == "whole":
            until(lambda: upstream.of("hanging")[0].sent > 0, "the half answer was never sent")
        attempt = check_cancelled(upstream, joch, leave(connection, how), record_property)
    assert attempt["usageSource"] == ("estimated" if window == "streaming" else "none")


@pytest.mark.parametrize("how", ["fin", "reset"])
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/responses"])
def test_a_client_that_leaves_while_uploading_costs_nothing(how: str, path: str, upstream: ScriptedServer) -> None:
    with hanging([HANG], "chat", upstream) as joch:
        connection = socket.create_connection(("127.0.0.1", joch.app.port), timeout=5)
        head = f"POST {path} HTTP/1.1\r\n{JSON_HEADERS}Content-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b'{"model": "pair", "messages": [')
        until(lambda: inflight(joch) == 1, "the upload never began")
        leave(connection, how)
        check_idle(joch)
        assert joch.events.of("ModelCallStarted") == []
    assert upstream.requests == []


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_an_app_that_stops_reading_a_stream_early_cancels_it(
    api: Api, upstream: ScriptedServer, record_property: Record
) -> None:
    with hanging(SCRIPTS["streaming"](api), api, upstream) as joch, _client(joch) as client:
        if api == "chat":
            chunks = client.chat.completions.create(
                model="pair", messages=[{"role": "user", "content": PROMPT}], stream=True
            )
            next(chunk for chunk in chunks if chunk.choices[0].delta.content)
            left_at = time.monotonic()
            chunks.close()
        else:
            told = client.responses.create(model="pair", input=PROMPT, stream=True)
            next(each for each in told if each.type == "response.output_text.delta")
            left_at = time.monotonic()
            told.close()
        check_cancelled(upstream, joch, left_at, record_property)


@pytest.mark.parametrize("streamed", [False, True])
def test_an_app_that_loses_patience_cancels_its_call(
    streamed: bool, upstream: ScriptedServer, record_property: Record
) -> None:
    with hanging([HANG], "chat", upstream) as joch, _client(joch, timeout=0.3) as client:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(
                model="pair", messages=[{"role": "user", "content": PROMPT}], stream=streamed
            )
        check_cancelled(upstream, joch, time.monotonic(), record_property)


def _client(joch: RunningJoch, **options: Any) -> openai.OpenAI:
    http = httpx2.Client(trust_env=False, verify=False)
    return openai.OpenAI(api_key="sk-app", base_url=joch.base_url, max_retries=0, http_client=http, **options)
