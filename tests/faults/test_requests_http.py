"""Group F: the HTTP around a body, and requests that are none. Refused before anything is made of them."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator

import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer
from tests.support.snapshots import model, snapshot

from .raw import BODY, CHAT, JSON_HEADERS, ask, post, refused, send
from .smuggling import CORPUS

pytestmark = pytest.mark.usefixtures("nothing_goes_upstream")
LIMIT = 100_000


@pytest.fixture(scope="module")
def small(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """joch with a body limit of 100,000 bytes."""
    record = model("generic-openai", upstream.script("F", chat_upstream("hello-there")))
    with running_joch(snapshot([record], max_body_bytes=LIMIT)) as running:
        yield running


@pytest.mark.fault("F1")
def test_a_content_length_over_the_limit_is_refused_before_a_byte_was_read(small: RunningJoch) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\n{JSON_HEADERS}Content-Length: {LIMIT + 1}\r\n\r\n"
    begun = time.monotonic()
    answer = send(small.app.port, head.encode(), to_end=True)
    assert time.monotonic() - begun < 3, "the answer must not wait for the body"
    refused(answer, 413, "request_too_large", says=str(LIMIT))
    assert answer.closed


@pytest.mark.served
@pytest.mark.fault("F1")
def test_a_body_at_the_limit_is_served(small: RunningJoch) -> None:
    room = LIMIT - len(json.dumps({**BODY, "user": ""}))
    for size, status in ((room, 200), (room + 1, 413)):
        assert ask(small, {**BODY, "user": "x" * size}).statuses == [status]


@pytest.mark.fault("F2")
def test_a_chunked_body_is_refused_at_the_limit(small: RunningJoch) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\n{JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = send(small.app.port, head + chunk * 4, to_end=True)  # and no end of the body
    refused(answer, 413, "request_too_large")
    assert answer.closed


@pytest.mark.fault("F13")
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity"])
def test_a_compressed_body_is_refused_unopened(encoding: str, joch: RunningJoch) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = f"{JSON_HEADERS}Content-Encoding: {encoding}\r\n"
    refused(send(joch.app.port, post(CHAT, bomb, headers)), 415, "unsupported_content_encoding", says="uncompressed")


@pytest.mark.fault("F15")
@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r", "\x00", "\u0085", "\u2028", "\x7f"])
def test_a_value_that_would_become_a_header_is_refused(mark: str, joch: RunningJoch) -> None:
    for name in (f"m{mark}X-Evil: 1", f"generic-openai:m{mark}X-Evil: 1"):
        answer = ask(joch, {**BODY, "model": name})
        assert answer.statuses in ([400], [404])
        assert answer.error["param"] in ("model", None)
        assert b"X-Evil: 1\r\n" not in answer.data


@pytest.mark.served
@pytest.mark.fault("F15")
@pytest.mark.parametrize("header", ["X-Joch-Route", "X-Joch-Agent", "X-Joch-Execution", "traceparent"])
def test_a_header_with_control_characters_is_refused(header: str, joch: RunningJoch) -> None:
    for value in ("a\x00b", "a\nX-Evil: 1"):
        body = json.dumps(BODY).encode()
        answer = send(joch.app.port, post(CHAT, body, f"{JSON_HEADERS}{header}: {value}\r\n"))
        assert 200 <= answer.statuses[0] < 500
        assert b"x-evil" not in answer.data.lower()


@pytest.mark.fault("F16")
@pytest.mark.parametrize("name", CORPUS)
def test_a_request_of_doubtful_framing_is_one_request_or_none(name: str, joch: RunningJoch) -> None:
    answer = send(joch.app.port, CORPUS[name])
    assert len(answer.statuses) <= 1, answer.data
    assert all(400 <= status < 500 for status in answer.statuses), answer.data[:200]
    assert answer.statuses or answer.closed, "neither an answer nor an end"
    if answer.statuses:
        assert answer.error["message"]


@pytest.mark.fault("F17")
@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        (CHAT, "127.0.0.1/admin?x=", 400),
        (CHAT, "evil.example", 421),
        (CHAT, "127.0.0.1.evil.example", 421),
        (CHAT, "user@127.0.0.1", 400),
        (CHAT, "127.0.0.1:99999999", 400),
        (CHAT, "", 400),
        (CHAT, "[::1", 400),
        (f"http://127.0.0.1{CHAT}", "127.0.0.1", 400),
        (f"http://evil.example{CHAT}", "127.0.0.1", 400),
        ("*", "127.0.0.1", 400),
    ],
)
def test_a_foreign_host_or_an_absolute_target_is_refused(
    target: str, host: str, status: int, joch: RunningJoch
) -> None:
    headers = f"Host: {host}\r\nContent-Type: application/json\r\n"
    answer = send(joch.app.port, post(target, json.dumps(BODY).encode(), headers))
    refused(answer, status)


@pytest.mark.fault("F18")
@pytest.mark.parametrize(
    "path",
    [
        "//v1/chat/completions",
        "/v1//chat/completions",
        "/v1/../v1/chat/completions",
        "/v1/./chat/completions",
        "/v1/%2e%2e/v1/chat/completions",
        "/v1%2fchat/completions",
        "/v1/chat%2fcompletions",
        "/V1/chat/completions",
        "/v1/chat/completions/",
        "/v1/models/../../health",
        "/v1/models//x",
        "/v1/chat/completions;x=1",
        "/%00",
        "/v1/files",
    ],
)
def test_a_path_has_one_spelling(path: str, joch: RunningJoch) -> None:
    answer = ask(joch, BODY, path)
    refused(answer, 404, "UnsupportedEndpoint") if "models" not in path else refused(answer, answer.statuses[0])
    assert answer.statuses[0] in (404, 405)
    assert send(
        joch.app.port, f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    ).statuses == [404]


@pytest.mark.fault("F19")
@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings"])
def test_only_json_is_taken_for_json(path: str, content_type: str | None, joch: RunningJoch) -> None:
    header = "" if content_type is None else f"Content-Type: {content_type}\r\n"
    answer = send(joch.app.port, post(path, json.dumps(BODY).encode(), f"Host: 127.0.0.1\r\n{header}"))
    refused(answer, 415, "unsupported_content_type", says="application/json")


@pytest.mark.fault("F25")
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"])
@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions"])
def test_another_method_is_refused_without_reading_a_body(method: str, path: str, joch: RunningJoch) -> None:
    length = 10_000_000 if (method, path) == ("PUT", CHAT) else 0  # announced, never sent
    request = f"{method} {path} HTTP/1.1\r\n{JSON_HEADERS}Connection: close\r\nContent-Length: {length}\r\n\r\n"
    begun = time.monotonic()
    answer = send(joch.app.port, request.encode())
    assert time.monotonic() - begun < 3
    assert answer.statuses == [405]
    assert b"\r\nallow: post\r\n" in answer.data.lower()
    if method != "HEAD":
        refused(answer, 405, "method_not_allowed", says="POST")
