"""A chat stream in pieces, and the ways in which one goes wrong."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import Any

from tests.support.answers import USAGE, chat_chunk
from tests.support.scripted import (
    DONE,
    STREAM_END,
    STREAM_HEAD,
    Pause,
    Received,
    Script,
    Step,
    event,
    piece,
    stream,
)
from tests.support.snapshots import KEY

from .told import Answered

HELLO = Answered(text="hello-there")
ROLE = chat_chunk({"role": "assistant", "content": ""})
HEL = chat_chunk({"content": "hel"})
LO = chat_chunk({"content": "lo-there"})
STOP = chat_chunk({}, "stop")
COUNT = chat_chunk(None, usage=USAGE)
PING = b": ping\n\n"
CLOSE_FRAMED = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
PLAIN = (ROLE, HEL, LO, STOP, COUNT, DONE)
MEBIBYTE = b"x" * 2**20
LEAKY = f"worker died, key {KEY}, see https://provider.example/status"
WANT_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}


def begun(*events: bytes) -> list[Step]:
    """A stream that has said "hel" and then these events, and has not ended."""
    return stream(ROLE, HEL, *events, end=False)


def pings(*before: bytes) -> Script:
    """These events, then nothing but comments."""

    def script(request: Received) -> Iterable[Step]:
        yield STREAM_HEAD
        for each in before:
            yield piece(each)
        for _ in range(400):
            yield piece(PING)
            yield Pause(0.02)

    return script


def big_event(size: int) -> Script:
    def script(request: Received) -> Iterable[Step]:
        yield from begun()
        text = chat_chunk({"content": "x" * size})
        for at in range(0, len(text), 2**20):
            yield piece(text[at : at + 2**20])
        yield from (piece(each) for each in (STOP, COUNT, DONE))
        yield STREAM_END

    return script


def endless_line(request: Received) -> Iterable[Step]:
    yield from begun()
    yield piece(b"data: ")
    for _ in range(100):
        yield piece(MEBIBYTE)


def one_byte_at_a_time(request: Received) -> Iterable[Step]:
    yield STREAM_HEAD
    for byte in b"".join(PLAIN):
        yield piece(bytes([byte]))
        yield Pause(0)
    yield STREAM_END


def packed(request: Received) -> Iterable[Step]:
    """The stream in gzip, every event flushed by itself."""
    packer = zlib.compressobj(wbits=31)
    yield STREAM_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")
    for each in PLAIN:
        yield piece(packer.compress(each) + packer.flush(zlib.Z_SYNC_FLUSH))
    yield piece(packer.flush())
    yield STREAM_END


def error(message: str, **members: object) -> bytes:
    return event({"error": {"message": message, "type": "server_error", **members}})


def named(message: str) -> bytes:
    return event({"error": {"message": message, "type": "server_error"}}, "error")


def choice(index: int, text: str | None, finish: str | None = None, **members: object) -> bytes:
    """A chunk of one choice among several."""
    delta = {} if text is None else {"content": text}
    return chat_chunk(None, choices=[{"index": index, "delta": delta, "finish_reason": finish, **members}])


def call(arguments: str, **opening: object) -> bytes:
    function = {"arguments": arguments, **({"name": "weather"} if opening else {})}
    return chat_chunk({"tool_calls": [{"index": 0, **opening, "function": function}]})
