"""What is refused before anything is read: foreign hosts and origins, odd targets, our own requests coming back."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import scripted_server
from tests.support.snapshots import model, snapshot


@pytest.fixture(scope="module")
def joch() -> Iterator[RunningJoch]:
    with scripted_server() as upstream:
        url = upstream.script("up", chat_upstream())
        with running_joch(snapshot([model("openai", url, "m")])) as running:
            yield running


def send(joch: RunningJoch, first: str, *headers: str) -> bytes:
    """The answer to a GET spelled by hand."""
    with socket.create_connection(("127.0.0.1", joch.app.port), timeout=10) as connection:
        connection.sendall("\r\n".join([first, *headers, "Connection: close", "", ""]).encode("latin-1"))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "127.0.0.1:8083", "localhost:1"])
def test_our_own_names_are_answered(joch: RunningJoch, host: str) -> None:
    assert send(joch, "GET /health HTTP/1.1", f"Host: {host}").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:8083", 421),
        ("10.0.0.1", 421),
        ("a/admin?x=", 400),
        ("user@127.0.0.1", 400),
        ("127.0.0.1:port", 400),
        ("", 400),
    ],
)
def test_a_foreign_or_odd_host_is_refused(joch: RunningJoch, host: str, status: int) -> None:
    answer = send(joch, "GET /v1/models HTTP/1.1", f"Host: {host}")
    assert answer.startswith(f"HTTP/1.1 {status}".encode()), answer[:200]
    assert b'"error"' in answer
    assert b"<html" not in answer.lower()


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:3000", "https://127.0.0.1"])
def test_pages_in_a_browser_are_refused(joch: RunningJoch, origin: str) -> None:
    answer = send(joch, "GET /v1/models HTTP/1.1", "Host: localhost", f"Origin: {origin}")
    assert answer.startswith(b"HTTP/1.1 403"), answer[:200]
    assert b"access-control-allow-origin" not in answer.lower()


def test_an_absolute_target_is_refused(joch: RunningJoch) -> None:
    answer = send(joch, "GET http://127.0.0.1/v1/models HTTP/1.1", "Host: 127.0.0.1")
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]


def test_a_request_of_our_own_that_comes_back_is_a_loop() -> None:
    with running_joch(snapshot([])) as first:
        mine = model("generic-openai", f"{first.root}/v1", "m")
        first.loop.run(apply(first, snapshot([mine])))
        import httpx

        body = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
        answer = httpx.post(f"{first.base_url}/chat/completions", json=body, timeout=20)
        inner = first.events.payloads("ModelCallCompleted")
    assert answer.status_code >= 500
    assert answer.json()["error"]["message"]
    assert [end["httpStatus"] for end in inner] == [508]


async def apply(joch: RunningJoch, new: object) -> None:
    joch.app.apply(new)
