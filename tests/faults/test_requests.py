"""Group F: what clients send. A 4xx in OpenAI's envelope that says what to change; never a 500, a hang, HTML or a call upstream."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import openai
import pytest

from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import ScriptedServer
from tests.support.snapshots import KEY, model, snapshot

from .raw import CHAT, JSON_HEADERS, Raw, post, send
from .sdk import Sdk, error_object
from .smuggling import CORPUS
from .told import Answered

HELLO = Answered(text="hello-there")
MESSAGES = [{"role": "user", "content": "hi"}]
BODY: dict[str, Any] = {"model": "m", "messages": MESSAGES}
LIMIT = 100_000


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """One model, "m"; and any model of its provider that a client may name."""
    record = model("generic-openai", upstream.script("F", chat_upstream(HELLO.text)))
    template = model("generic-openai", record.base_url, "")
    config = replace(snapshot([record], implicit_models="any"), implicit=((template, ()),))
    with running_joch(config) as running:
        yield running


@pytest.fixture(scope="module")
def small(upstream: ScriptedServer) -> Iterator[RunningJoch]:
    """The same with a body limit of 100,000 bytes."""
    record = model("generic-openai", upstream.script("F", chat_upstream(HELLO.text)))
    with running_joch(snapshot([record], max_body_bytes=LIMIT)) as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_goes_upstream(request: pytest.FixtureRequest, upstream: ScriptedServer) -> Iterator[None]:
    """A refused request must cost nothing; tests of requests that are served are marked `served`."""
    upstream.requests.clear()
    yield
    if "served" not in request.node.name:
        assert upstream.of("F") == [], "a request that is refused must not reach a provider"


def refused(answer: Raw, status: int, code: str | None = None, param: str | None = None, says: str = "") -> None:
    """One answer with this status, in the envelope."""
    assert answer.statuses == [status], answer.data[:300]
    assert b"content-type: application/json" in answer.data.lower()
    error = answer.error
    assert error.keys() - {"details"} == {"message", "type", "param", "code"}
    assert code in (None, error["code"]), error
    assert param in (None, error["param"]), error
    assert says in error["message"]
    assert error["message"]
    assert len(error["message"]) < 600


def ask(joch: RunningJoch, body: bytes | Mapping[str, Any], path: str = CHAT) -> Raw:
    return send(joch.app.port, post(path, body if isinstance(body, bytes) else json.dumps(body).encode()))


def with_member(text: str) -> bytes:
    """The body with one more member, spelt exactly so."""
    return json.dumps(BODY).encode()[:-1] + b", " + text.encode("utf-8", "surrogatepass") + b"}"


@pytest.mark.fault("F1")
def test_a_content_length_over_the_limit_is_refused_before_a_byte_was_read(small: RunningJoch) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\n{JSON_HEADERS}Content-Length: {LIMIT + 1}\r\n\r\n"
    begun = time.monotonic()
    answer = send(small.app.port, head.encode())
    assert time.monotonic() - begun < 3, "the answer must not wait for the body"
    refused(answer, 413, "request_too_large", says=str(LIMIT))
    assert answer.closed


@pytest.mark.fault("F1")
def test_a_body_at_the_limit_is_served(small: RunningJoch) -> None:
    room = LIMIT - len(json.dumps({**BODY, "user": ""}))
    for size, status in ((room, 200), (room + 1, 413)):
        assert ask(small, {**BODY, "user": "x" * size}).statuses == [status]


@pytest.mark.fault("F2")
def test_a_chunked_body_is_refused_at_the_limit(small: RunningJoch) -> None:
    head = f"POST {CHAT} HTTP/1.1\r\n{JSON_HEADERS}Transfer-Encoding: chunked\r\n\r\n".encode()
    chunk = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    answer = send(small.app.port, head + chunk * 4)  # and no end
    refused(answer, 413, "request_too_large")
    assert answer.closed


@pytest.mark.fault("F3")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "at character 0"),
        (b"hello", "at character 0"),
        (b'{"model": "m",}', "at character 13"),
        (b'{"model": "m"', "at character 13"),
        (b"{'model': 'm'}", "at character 1"),
        (b'{"model": "m"} trailing', "at character 15"),
        (b'{"model": "m"}{"model": "m"}', "at character 14"),
        (b"[]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"null", "must be a JSON object"),
        (b"17", "must be a JSON object"),
    ],
)
@pytest.mark.parametrize("path", [CHAT, "/v1/responses", "/v1/embeddings", "/v1/completions"])
def test_what_is_not_a_json_object_is_refused_with_the_place(
    path: str, body: bytes, says: str, joch: RunningJoch
) -> None:
    refused(ask(joch, body, path), 400, "invalid_json", says=says)


WRONG_TYPES: list[tuple[str, Any, str]] = [
    ("messages", "x", "messages"),
    ("messages", {}, "messages"),
    ("messages", [], "messages"),
    ("messages", ["x"], "messages.0"),
    ("messages", [{"role": "user", "content": 7}], "messages.0.content"),
    ("messages", [{"role": "wizard", "content": "x"}], "messages.0.role"),
    ("stream", "yes", "stream"),
    ("stream", 1, "stream"),
    ("model", 7, "model"),
    ("model", None, "model"),
    ("temperature", "hot", "temperature"),
    ("max_tokens", "many", "max_tokens"),
    ("max_completion_tokens", 1.5, "max_completion_tokens"),
    ("n", "two", "n"),
    ("stop", 7, "stop"),
    ("tools", {}, "tools"),
    ("tool_choice", 7, "tool_choice"),
    ("response_format", "json", "response_format"),
]


@pytest.mark.fault("F4")
@pytest.mark.parametrize(("member", "value", "param"), WRONG_TYPES)
def test_a_wrong_type_is_refused_by_name(member: str, value: Any, param: str, joch: RunningJoch, sdk: Sdk) -> None:
    answer = ask(joch, {**BODY, member: value})
    assert answer.statuses == [400]
    assert answer.error["type"] == "invalid_request_error"
    assert answer.error["code"]
    assert (answer.error["param"] or "").replace("[", ".").replace("]", "").startswith(param)
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={member: value})
    assert type(seen.error) is openai.BadRequestError


@pytest.mark.fault("F5")
@pytest.mark.parametrize("depth", [100_000, 1_000, 65])
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_deep_nesting_is_refused(opening: str, depth: int, joch: RunningJoch) -> None:
    closing = "]" if opening == "[" else "}"
    refused(ask(joch, with_member(f'"x": {opening * depth}1{closing * depth}')), 400, "request_too_complex", says="64")
    refused(ask(joch, with_member(f'"x": {opening * 100_000}')), 400)


@pytest.mark.fault("F6")
@pytest.mark.parametrize("member", ["model", "stream", "max_tokens", "n", "store"])
def test_a_deciding_member_given_twice_is_refused(member: str, joch: RunningJoch) -> None:
    first, second = with_member(f'"{member}": null'), f'"{member}": null}}'.encode()
    refused(ask(joch, first[:-1] + b", " + second), 400, "duplicate_parameter", member)


@pytest.mark.fault("F7")
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
@pytest.mark.parametrize("member", ["temperature", "x_unknown"])
def test_numbers_that_json_does_not_have_are_refused(member: str, number: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"{member}": {number}')), 400)


@pytest.mark.fault("F8")
@pytest.mark.parametrize("number", ["9" * 5_000, str(2**64), str(-(2**63) - 1)])
@pytest.mark.parametrize("member", ["max_tokens", "n", "seed", "max_completion_tokens"])
def test_an_integer_beyond_64_bits_is_refused(member: str, number: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"{member}": {number}')), 400)


@pytest.mark.fault("F9")
@pytest.mark.parametrize("text", [r"\ud83d", r"x\udc00y", "\ud83d"])
def test_a_lone_surrogate_is_refused(text: str, joch: RunningJoch) -> None:
    refused(ask(joch, with_member(f'"user": "{text}"')), 400, "invalid_json")


@pytest.mark.fault("F10")
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (json.dumps(BODY).encode().replace(b"hi", b"h\xff"), "UTF-8 at byte"),
        (json.dumps(BODY).encode("utf-16"), "byte order mark"),
        (json.dumps(BODY).encode("utf-16-le"), "UTF-8"),
        (b"\xef\xbb\xbf" + json.dumps(BODY).encode(), "byte order mark"),
    ],
)
def test_only_utf8_without_a_mark_is_accepted(body: bytes, says: str, joch: RunningJoch) -> None:
    answer = ask(joch, body)
    assert answer.statuses == [400]
    if says != "UTF-8":
        assert says in answer.error["message"]


def tools(count: int, description: str = "") -> list[dict[str, Any]]:
    return [
        {"type": "function", "function": {"name": f"t{index}", "description": description, "parameters": {}}}
        for index in range(count)
    ]


@pytest.mark.fault("F11")
@pytest.mark.parametrize("offered", [tools(513), tools(10_000), tools(10, "x" * 120_000)])
def test_too_many_or_too_large_tools_are_refused(offered: list[dict[str, Any]], joch: RunningJoch, sdk: Sdk) -> None:
    seen = sdk.ask(joch.base_url, "m", stream=False, tools=offered)
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["code"]


@pytest.mark.fault("F12")
def test_a_million_values_are_refused_while_others_are_served_quickly(joch: RunningJoch) -> None:
    members = ",".join(f'"k{index}":1' for index in range(1_000_000))
    body = with_member(f'"metadata": {{{members}}}')
    assert len(body) > 10_000_000
    slowest = 0.0
    with ThreadPoolExecutor(1) as pool:
        pending = pool.submit(ask, joch, body)
        while not pending.done():
            begun = time.monotonic()
            health = send(joch.app.port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            slowest = max(slowest, time.monotonic() - begun)
            assert health.statuses == [200]
        refused(pending.result(), 400, "request_too_complex", says="50000")
    assert slowest < 2.0, "the body is parsed beside the event loop"


@pytest.mark.fault("F13")
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "gzip, identity"])
def test_a_compressed_body_is_refused_unopened(encoding: str, joch: RunningJoch) -> None:
    bomb = gzip.compress(b" " * 10_000_000)
    headers = f"{JSON_HEADERS}Content-Encoding: {encoding}\r\n"
    refused(send(joch.app.port, post(CHAT, bomb, headers)), 415, "unsupported_content_encoding", says="uncompressed")


@pytest.mark.fault("F14")
@pytest.mark.parametrize("policy", ["forward", "drop", "reject"])
def test_unknown_members_are_treated_as_declared_when_served(policy: str, upstream: ScriptedServer, sdk: Sdk) -> None:
    record = model("generic-openai", upstream.script("F", chat_upstream(HELLO.text)))
    with running_joch(snapshot([record], unknown_fields=policy)) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={"x_vendor": {"deep": [1, None]}})
    if policy == "reject":
        assert type(seen.error) is openai.BadRequestError
        assert error_object(seen)["param"] == "x_vendor"
        assert upstream.of("F") == []
        return
    HELLO.check(seen, stream=False)
    (request,) = upstream.of("F")
    assert ("x_vendor" in request.json) == (policy == "forward")


@pytest.mark.fault("F15")
@pytest.mark.parametrize("mark", ["\r\n", "\n", "\r", "\x00", "\u0085", "\u2028", "\x7f"])
def test_a_value_that_would_become_a_header_is_refused(mark: str, joch: RunningJoch) -> None:
    for name in (f"m{mark}X-Evil: 1", f"generic-openai:m{mark}X-Evil: 1"):
        answer = ask(joch, {**BODY, "model": name})
        assert answer.statuses in ([400], [404])
        assert answer.error["param"] in ("model", None)
        assert b"X-Evil: 1\r\n" not in answer.data


@pytest.mark.fault("F15")
@pytest.mark.parametrize("header", ["X-Joch-Route", "X-Joch-Agent", "X-Joch-Execution", "traceparent"])
def test_a_header_with_control_characters_is_refused_when_served(header: str, joch: RunningJoch) -> None:
    for value in ("a\x00b", "a\nX-Evil: 1"):
        body = json.dumps(BODY).encode()
        answer = send(joch.app.port, post(CHAT, body, f"{JSON_HEADERS}{header}: {value}\r\n"))
        assert 200 <= answer.statuses[0] < 500
        assert b"x-evil" not in answer.data.lower()


@pytest.mark.fault("F16")
@pytest.mark.parametrize("name", CORPUS)
def test_a_request_of_doubtful_framing_is_one_request_or_none(name: str, joch: RunningJoch) -> None:
    answer = send(joch.app.port, CORPUS[name], timeout=1.0)
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


@pytest.mark.fault("F20")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", ["gpt-nope", "x" * 10_000, "\x1b[31mred", "<script>", "'; drop table models"])
def test_an_unknown_model_is_named_in_at_most_64_safe_characters(
    name: str, stream: bool, joch: RunningJoch, sdk: Sdk
) -> None:
    seen = sdk.ask(joch.base_url, name, stream=stream)
    assert type(seen.error) in (openai.NotFoundError, openai.BadRequestError)
    error = error_object(seen)
    assert error["code"] in ("model_not_found", "invalid_value")
    assert len(error["message"]) < 400
    assert error["message"].isprintable()


MEDIA = [
    "http://127.0.0.1/x.png",
    "http://127.1/x.png",
    "http://0x7f.0.0.1/x.png",
    "http://2130706433/x.png",
    "http://0/x.png",
    "http://localhost:8083/x.png",
    "http://localhost./x.png",
    "http://x.localhost/x.png",
    "http://169.254.169.254/latest/meta-data/",
    "http://[::1]/x.png",
    "http://[::ffff:127.0.0.1]/x.png",
    "http://[::ffff:7f00:1]/x.png",
    "http://[fe80::1%25eth0]/x.png",
    "http://[64:ff9b::7f00:1]/x.png",
    "http://10.0.0.8/x.png",
    "http://192.168.1.1/x.png",
    "http://metadata.google.internal/x.png",
    "http://printer.local/x.png",
    "http://user:secret@example.com/x.png",
    "http://①②⑦.0.0.1/x.png",
    "file:///etc/passwd",
    "ftp://example.com/x.png",
    "gopher://example.com/x",
    "//example.com/x.png",
    "http:///x.png",
    "",
]


@pytest.mark.fault("F21")
@pytest.mark.parametrize("url", MEDIA)
@pytest.mark.parametrize("path", [CHAT, "/v1/responses"])
def test_a_media_url_into_someones_network_is_refused_in_one_generic_text(
    path: str, url: str, joch: RunningJoch
) -> None:
    chat = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]
    items = [{"role": "user", "content": [{"type": "input_image", "image_url": url, "detail": "auto"}]}]
    answer = ask(joch, {"model": "m", "messages": chat} if path == CHAT else {"model": "m", "input": items}, path)
    assert answer.statuses == [400]
    if url:
        assert answer.error["message"] == "The media URL cannot be used."
        assert answer.error["code"] == "invalid_image_url"


@pytest.mark.fault("F22")
def test_a_data_url_of_50_megabytes_is_too_large(joch: RunningJoch) -> None:
    url = "data:image/png;base64," + "A" * 50_000_000
    body = {"model": "m", "messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": url}}]}]}
    refused(ask(joch, body), 413, "request_too_large", "messages.0.content.0", says="media")


@pytest.mark.fault("F23")
@pytest.mark.parametrize("member", ["api_base", "base_url", "api_key", "extra_headers"])
def test_a_client_cannot_say_where_calls_go(member: str, joch: RunningJoch, sdk: Sdk) -> None:
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_body={member: "http://evil.example"})
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["param"] == member


@pytest.mark.fault("F23")
def test_a_clients_own_headers_never_reach_a_provider_when_served(
    joch: RunningJoch, upstream: ScriptedServer, sdk: Sdk
) -> None:
    evil = {
        "Authorization": "Bearer sk-evil",
        "x-api-key": "sk-evil",
        "api-key": "sk-evil",
        "OpenAI-Organization": "org-evil",
        "Cookie": "a=evil",
        "X-Forwarded-Host": "evil.example",
        "Connection": "X-Evil",
    }
    seen = sdk.ask(joch.base_url, "m", stream=False, extra_headers=evil)
    HELLO.check(seen, stream=False)
    (request,) = upstream.of("F")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert "evil" not in str(request.headers).lower()


@pytest.mark.fault("F24")
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("member", "value"),
    [("n", 129), ("n", 10**6), ("n", 0), ("max_tokens", 10**9), ("max_completion_tokens", 10**9), ("max_tokens", -1)],
)
def test_an_absurd_amount_is_refused_before_any_spend(
    member: str, value: int, stream: bool, joch: RunningJoch, sdk: Sdk
) -> None:
    seen = sdk.ask(joch.base_url, "m", stream=stream, **{member: value})
    assert type(seen.error) is openai.BadRequestError
    assert error_object(seen)["param"] in (member, "max_tokens")


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
