"""The scripted provider: Chat Completions, Ollama's /api/chat, Anthropic's Messages and Gemini, over hand-written HTTP/1.1.

It lives in the process of the clients, so its behaviour is two attributes that a row sets. It is as cheap as Python
allows: heads and bodies are bytes made beforehand, and a streamed piece costs one timer and one write.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from . import bodies


@dataclass(frozen=True, slots=True)
class Pace:
    """How an answer streams: `pieces` pieces of text, one each `interval` seconds (0: at once, one write each)."""

    pieces: int = 8
    interval: float = 0.0


def _event(data: bytes) -> bytes:
    return b"data: " + data + b"\n\n"


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


@dataclass(frozen=True, slots=True)
class Dialect:
    """The bytes of one wire format: a whole answer, and the opening, pieces and end of a streamed one."""

    content_type: bytes
    whole: bytes
    opening: bytes
    piece: Callable[[int], bytes]
    end: Callable[[int, bool], bytes]


_CHAT_HEAD = b'"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1790000000,"model":"bench-1"'
_USAGE = b'"usage":{"prompt_tokens":20,"completion_tokens":%d,"total_tokens":%d}'


def _chat_piece(stamp: int) -> bytes:
    return _event(
        b'{%b,"system_fingerprint":"fp_bench","choices":[{"index":0,"delta":{"content":"t=%d "},"logprobs":null,'
        b'"finish_reason":null}]}' % (_CHAT_HEAD, stamp)
    )


def _chat_end(pieces: int, usage: bool) -> bytes:
    end = _framed(_event(b'{%b,"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}' % _CHAT_HEAD))
    if usage:
        tail = _USAGE % (pieces, 20 + pieces)
        end += _framed(_event(b'{%b,"choices":[],%b}' % (_CHAT_HEAD, tail)))
    return end + _framed(_event(b"[DONE]"))


CHAT = Dialect(
    content_type=b"text/event-stream; charset=utf-8",
    whole=(
        b'{"id":"chatcmpl-bench","object":"chat.completion","created":1790000000,"model":"bench-1","choices":[{"index":0,'
        b'"message":{"role":"assistant","content":"%b","refusal":null},"logprobs":null,"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":20,"completion_tokens":60,"total_tokens":80,"prompt_tokens_details":{"cached_tokens":0},'
        b'"completion_tokens_details":{"reasoning_tokens":0}},"system_fingerprint":"fp_bench"}'
    )
    % bodies.text(250).replace("\n", " ").encode(),
    opening=_event(
        b'{%b,"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}' % _CHAT_HEAD
    ),
    piece=_chat_piece,
    end=_chat_end,
)

_OLLAMA_HEAD = b'"model":"bench-1","created_at":"2026-11-20T10:00:00.123456789Z"'
_OLLAMA_COUNTS = (
    b'"done":true,"done_reason":"stop","total_duration":1200000000,"load_duration":1000000,"prompt_eval_count":20,'
    b'"prompt_eval_duration":100000000,"eval_count":%d,"eval_duration":1000000000'
)


def _ollama_piece(stamp: int) -> bytes:
    return b'{%b,"message":{"role":"assistant","content":"t=%d "},"done":false}\n' % (_OLLAMA_HEAD, stamp)


def _ollama_end(pieces: int, usage: bool) -> bytes:
    counts = _OLLAMA_COUNTS % pieces
    return _framed(b'{%b,"message":{"role":"assistant","content":""},%b}\n' % (_OLLAMA_HEAD, counts))


OLLAMA = Dialect(
    content_type=b"application/x-ndjson",
    whole=b'{%b,"message":{"role":"assistant","content":"Hello there."},%b}' % (_OLLAMA_HEAD, _OLLAMA_COUNTS % 3),
    opening=b"",
    piece=_ollama_piece,
    end=_ollama_end,
)


def _named(name: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, data)


def _claude_piece(stamp: int) -> bytes:
    return _named(
        b"content_block_delta",
        b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"t=%d "}}' % stamp,
    )


def _claude_end(pieces: int, usage: bool) -> bytes:
    return b"".join(
        _framed(_named(name, data))
        for name, data in (
            (b"content_block_stop", b'{"type":"content_block_stop","index":0}'),
            (
                b"message_delta",
                b'{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},'
                b'"usage":{"output_tokens":%d}}' % pieces,
            ),
            (b"message_stop", b'{"type":"message_stop"}'),
        )
    )


_CLAUDE_USAGE = (
    b'"usage":{"input_tokens":20,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%d,'
    b'"service_tier":"standard"}'
)
_CLAUDE_HEAD = b'"id":"msg_bench","type":"message","role":"assistant","model":"bench-1"'

ANTHROPIC = Dialect(
    content_type=b"text/event-stream; charset=utf-8",
    whole=b'{%b,"content":[{"type":"text","text":"Hello there."}],"stop_reason":"end_turn","stop_sequence":null,%b}'
    % (_CLAUDE_HEAD, _CLAUDE_USAGE % 3),
    opening=_named(
        b"message_start",
        b'{"type":"message_start","message":{%b,"content":[],"stop_reason":null,"stop_sequence":null,%b}}'
        % (_CLAUDE_HEAD, _CLAUDE_USAGE % 1),
    )
    + _named(
        b"content_block_start",
        b'{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}',
    ),
    piece=_claude_piece,
    end=_claude_end,
)

_GEMINI_TAIL = b'"modelVersion":"bench-1","responseId":"bench"'
_GEMINI_USAGE = b'"usageMetadata":{"promptTokenCount":20,"candidatesTokenCount":%d,"totalTokenCount":%d}'


def _gemini(text: bytes, more: bytes, tokens: int) -> bytes:
    return b'{"candidates":[{"content":{"parts":[{"text":"%b"}],"role":"model"},%b"index":0}],%b,%b}' % (
        text,
        more,
        _GEMINI_USAGE % (tokens, 20 + tokens),
        _GEMINI_TAIL,
    )


GEMINI = Dialect(
    content_type=b"text/event-stream",
    whole=_gemini(b"Hello there.", b'"finishReason":"STOP",', 3),
    opening=b"",
    piece=lambda stamp: _event(_gemini(b"t=%d " % stamp, b"", 1)),
    end=lambda pieces, usage: _framed(_event(_gemini(b"", b'"finishReason":"STOP",', pieces))),
)

_GEMINI_PATH = b"/v1beta/models/bench-1:"
_DIALECTS = {
    b"/v1/chat/completions": CHAT,
    b"/api/chat": OLLAMA,
    b"/v1/messages": ANTHROPIC,
    _GEMINI_PATH + b"generateContent": GEMINI,
    _GEMINI_PATH + b"streamGenerateContent": GEMINI,
}


class Upstream:
    """Listens on a free port. `pace` is how streams started from now on run; `stop_streams()` ends those that run."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.sent = 0  # pieces of text written so far
        self.running: set[_Connection] = set()
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self, loop), "127.0.0.1", 0, backlog=2048)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop_streams(self) -> None:
        for connection in tuple(self.running):
            connection.finish()

    async def close(self) -> None:
        self.stop_streams()
        if self._server is not None:
            self._server.close()


class _Connection(asyncio.Protocol):
    def __init__(self, upstream: Upstream, loop: asyncio.AbstractEventLoop) -> None:
        self._upstream = upstream
        self._loop = loop
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._dialect = CHAT
        self._pieces = 0
        self._usage = False
        self._due = 0.0
        self._pace = upstream.pace

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, of the same shape

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._forget()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next_request()) is not None:
            self._answer(*request)

    def _next_request(self) -> tuple[bytes, bytes] | None:
        """The path and body of the first whole request in the buffer."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return None
        head = self._buffer[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < end + 4 + length:
            return None
        body = self._buffer[end + 4 : end + 4 + length]
        path = self._buffer.split(b" ", 2)[1]
        self._buffer = self._buffer[end + 4 + length :]
        return path, body

    def _answer(self, path: bytes, body: bytes) -> None:
        operation, _, query = path.partition(b"?")
        dialect = _DIALECTS.get(operation)
        if dialect is None:
            self._write_whole(b"404 Not Found", b'{"error":{"message":"not served here","type":"x","code":null}}')
        elif query == b"alt=sse" or b'"stream":true' in body.replace(b": ", b":"):
            self._start_stream(dialect, usage=b"include_usage" in body)
        else:
            self._write_whole(b"200 OK", dialect.whole)

    def _write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def _write_whole(self, status: bytes, body: bytes) -> None:
        head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
        self._write(head + body)

    def _start_stream(self, dialect: Dialect, *, usage: bool) -> None:
        self._dialect, self._usage, self._pieces, self._pace = dialect, usage, 0, self._upstream.pace
        self._write(
            b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
            % dialect.content_type
        )
        if dialect.opening:
            self._write(_framed(dialect.opening))
        self._upstream.running.add(self)
        self._due = self._loop.time()
        self._send_piece()

    def _send_piece(self) -> None:
        self._write(_framed(self._dialect.piece(time.monotonic_ns())))
        self._pieces += 1
        self._upstream.sent += 1
        if self._pieces >= self._pace.pieces:
            self.finish()
        elif self._pace.interval:
            self._due += self._pace.interval  # from the schedule, not from now: a late timer must not slow the pace
            self._timer = self._loop.call_at(self._due, self._send_piece)
        else:
            self._loop.call_soon(self._send_piece)

    def finish(self) -> None:
        """End the stream that runs, if one does, as a provider ends it."""
        if self in self._upstream.running:
            self._forget()
            self._write(self._dialect.end(self._pieces, self._usage) + b"0\r\n\r\n")

    def _forget(self) -> None:
        self._upstream.running.discard(self)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
