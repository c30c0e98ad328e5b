"""Group C: whole bodies that are not what they should be, and answers of the other kind than was asked for."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from tests.support.answers import USAGE, chat_answer, chat_events
from tests.support.joch import running_joch
from tests.support.scripted import CLOSE, RESET, Pause, Received, Script, ScriptedServer, Step, stream, whole
from tests.support.snapshots import model, snapshot

from .fault import Fault, attempts_of, cases, survive, until
from .sdk import Sdk, Seen
from .told import INVALID, QUOTA, TIMEOUT, UPERR, Answered, bad, rate

HELLO = Answered(text="hello-there")
BODY = json.dumps(chat_answer(HELLO.text)).encode()
MEBIBYTE = b" " * 2**20
HTML = b"<!doctype html><html><body>Please log in</body></html>"


def body(data: bytes, **headers: str) -> list[Step]:
    return [whole(200, data, **headers)]


def raw_usage(text: str) -> list[Step]:
    """An answer whose usage is spelt exactly so."""
    return body(BODY.replace(json.dumps(USAGE).encode(), text.encode()))


def error_in_body(error: Any) -> list[Step]:
    return [whole(200, {"error": error})]


def head(length: int) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % length


def too_big(request: Received) -> Iterable[Step]:
    yield head(64 * len(MEBIBYTE))
    for _ in range(64):
        yield MEBIBYTE


@cache
def bomb() -> bytes:
    """A fraction of a megabyte that decodes to 300 of them."""
    packer = zlib.compressobj(level=1, wbits=31)
    return b"".join([*(packer.compress(MEBIBYTE) for _ in range(300)), packer.flush()])


def exploding(request: Received) -> Iterable[Step]:
    yield whole(200, bomb(), Content_Encoding="gzip")


def dripping(request: Received) -> Iterable[Step]:
    """The answer at a byte a second, with a second made short."""
    yield head(len(BODY))
    for byte in BODY:
        yield bytes([byte])
        yield Pause(0.02)


def estimated(seen: Seen) -> None:
    """The app's figures are those of the estimate, and add up."""
    assert seen.whole.usage.prompt_tokens > 0
    assert seen.whole.usage.total_tokens == seen.whole.usage.prompt_tokens + seen.whole.usage.completion_tokens


def useless(id: str, title: str, failure: str, *scripts: Script, **more: Any) -> Fault:
    """A body that is no answer: another candidate may have one."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(False,), alone=INVALID, failure=failure, billed=True)
    return replace(row, **more)


def fine(id: str, title: str, *scripts: Script, **more: Any) -> Fault:
    """A body that is an answer all the same."""
    row = Fault(id=id, title=title, scripts=scripts, streams=(False,), alone=HELLO, falls_over=False, usage="provider")
    return replace(row, **more)


SHAPES: dict[str, Any] = {
    "a list": [1, 2],
    "a string": "hello",
    "no choices": {"id": "x", "object": "chat.completion"},
    "choices empty": {**chat_answer(), "choices": []},
    "choices not a list": {**chat_answer(), "choices": "x"},
    "choice without message": {**chat_answer(), "choices": [{"index": 0, "finish_reason": "stop"}]},
    "content a number": {**chat_answer(), "choices": [{"index": 0, "message": {"role": "assistant", "content": 7}}]},
}

FAULTS = [
    useless("C1", "HTML", "bad_content_type", [whole(200, HTML, "text/html")], streams=(False, True)),
    useless("C1", "an image", "bad_content_type", [whole(200, b"\x89PNG", "image/png")], streams=(False, True)),
    useless("C2", "empty", "bad_json", body(b"")),
    useless("C2", "no content at all", "bad_json", [b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"]),
    useless("C2", "not JSON", "bad_json", body(b"{'id': 'x',}")),
    useless("C2", "HTML that says it is JSON", "bad_json", body(HTML)),
    useless("C2", "half of the JSON", "bad_json", body(BODY[:-20])),
    *(useless("C3", title, "bad_shape", [whole(200, value)]) for title, value in SHAPES.items()),
    useless("C4", "no status", "inband_error", error_in_body({"message": "boom", "type": "x"}), alone=UPERR),
    useless("C4", "a text", "inband_error", error_in_body("boom"), alone=UPERR),
    useless("C4", "429", "inband_error", error_in_body({"message": "slow down", "code": 429}), alone=rate()),
    useless("C4", "quota", "inband_error", error_in_body({"message": "x", "code": "insufficient_quota"}), alone=QUOTA),
    useless("C4", "400", "inband_error", error_in_body({"message": "bad", "type": "invalid_request_error"}),
            alone=bad(), falls_over=False),
    useless("C5", "closed", "truncated", [head(5000) + BODY, CLOSE]),
    useless("C5", "reset", "reset_mid", [head(5000) + BODY, Pause(0.05), RESET]),
    useless("C6", "within a chunk", "truncated",
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"fff\r\n" + BODY, CLOSE]),
    useless("C6", "between chunks", "truncated",
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
             b"%x\r\n%b\r\n" % (len(BODY), BODY), CLOSE]),
    useless("C7", "64 MiB", "too_big", too_big, falls_over=False),
    fine("C8", "gzip", body(gzip.compress(BODY), Content_Encoding="gzip"), notes=("encoded",)),
    fine("C8", "deflate", body(zlib.compress(BODY), Content_Encoding="deflate"), notes=("encoded",)),
    useless("C9", "gzip bomb", "too_big", exploding, falls_over=False, notes=("encoded",)),
    useless("C10", "unknown", "bad_encoding", body(BODY, Content_Encoding="x-rot13"), falls_over=False),
    useless("C10", "not gzip at all", "bad_encoding", body(BODY, Content_Encoding="gzip"), falls_over=False),
    useless("C11", "invalid UTF-8", "bad_utf8", body(BODY.replace(b"hello-", b"hell\xff\xfe"))),
    useless("C11", "UTF-16", "bad_utf8", body(BODY.decode().encode("utf-16"))),
    fine("C12", "lone surrogate", body(BODY.replace(b"hello-there", b"hello-\\ud83d")),
         alone=Answered(text="hello-\ud83d"), notes=("surrogate",)),
    *(fine("C13", title, raw_usage(text), usage="estimated", notes=("bad_usage",), also=estimated) for title, text in {
        "NaN": '{"prompt_tokens": NaN, "completion_tokens": 7, "total_tokens": NaN}',
        "Infinity": '{"prompt_tokens": 11, "completion_tokens": Infinity}',
        "huge": '{"prompt_tokens": 11, "completion_tokens": 1000000000000000000000000, "total_tokens": 1e30}',
        "negative": '{"prompt_tokens": -11, "completion_tokens": 7, "total_tokens": -4}',
        "text": '{"prompt_tokens": "eleven", "completion_tokens": 7}',
        "a list": "[11, 7]",
    }.items()),
    fine("C14", "missing", raw_usage("null"), usage="estimated"),
    fine("C14", "empty", raw_usage("{}"), usage="estimated"),
    useless("C15", "a byte at a time", "total_timeout", dripping, total=0.5, alone=TIMEOUT, falls_over=False),
    fine("C16", "plain JSON to a stream", body(BODY), streams=(True,), notes=("converted",)),
    fine("C16", "plain JSON as text", [whole(200, BODY, "text/plain")], streams=(False,)),
    fine("C17", "a stream to a whole call", stream(*chat_events("hello", "-there")), notes=("converted",)),
    useless("C17", "a cut stream to a whole call", "no_terminal", stream(*chat_events("hello", "-there")[:3])),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "stream"), cases(FAULTS))
def test_a_body_is_an_answer_or_a_clean_error_never_what_it_was(
    fault: Fault, stream: bool, upstream: ScriptedServer, sdk: Sdk
) -> None:
    survive(fault, upstream, sdk, stream=stream)


@pytest.mark.fault("C12")
def test_a_lone_surrogate_stays_the_escape_it_was(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("C12", body(BODY.replace(b"hello-there", b"hello-\\ud83d")))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
    assert b'"hello-\\ud83d"' in seen.tape.raw
    seen.tape.raw.decode()


@pytest.mark.fault("C13")
def test_what_goes_to_the_client_is_json_even_where_the_answer_was_not(upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("C13", raw_usage('{"prompt_tokens": NaN, "completion_tokens": -Infinity}'))
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
    json.loads(seen.tape.raw, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("script", "limit"),
    [
        pytest.param(too_big, 48 * 2**20, marks=pytest.mark.fault("C7")),
        pytest.param(exploding, 2**21, marks=pytest.mark.fault("C9")),
    ],
)
def test_the_upstream_is_closed_at_the_cap(script: Script, limit: int, upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("capped", script)
    upstream.requests.clear()
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=False)
        (attempt,) = attempts_of(joch, seen, 1)
        (request,) = upstream.of("capped")
        until(lambda: request.ended is not None, "the connection was kept")
    assert attempt["payload"]["failure"] == "too_big"
    assert request.sent < limit


@pytest.mark.fault("C16")
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_whole_answer_becomes_one_valid_stream(include_usage: bool, upstream: ScriptedServer, sdk: Sdk) -> None:
    url = upstream.script("C16", body(BODY))
    options: dict[str, Any] = {"stream_options": {"include_usage": True}} if include_usage else {}
    with running_joch(snapshot([model("generic-openai", url)])) as joch:
        seen = sdk.ask(joch.base_url, "m", stream=True, **options)
    HELLO.check(seen, stream=True)
    assert seen.tape.headers["content-type"].startswith("text/event-stream")
    assert seen.pieces[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for piece in seen.pieces for choice in piece.choices][-1] == "stop"
    assert (seen.usage is not None) == include_usage
