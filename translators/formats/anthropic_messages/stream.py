"""The event stream of the Messages API to chunks. Events of kinds nobody here knows say nothing; `ping` is one of them.

An answer ends with `message_stop`: a stream that stops without it has failed, and what comes behind it does not count.
Source: https://platform.claude.com/docs/en/build-with-claude/streaming
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Chunk
from translators.formats import json, sse
from translators.formats.reading import StreamReader, second_look
from translators.formats.upstream_errors import cut, unreadable

from .answer import Answer, bad_shape
from .errors import failure_in

_DONE = b"[DONE]"  # of gateways that speak this format; it ends nothing


class Parser(StreamReader[sse.Event, Chunk]):
    """One stream. `issuer` marks sealed blobs."""

    def __init__(self, issuer: str) -> None:
        super().__init__(sse.Splitter())
        self._answer = Answer(issuer)
        self._ended = False

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises `UpstreamError` for an error event and for garbage."""
        return self._read(data)

    def close(self) -> list[Chunk]:
        """The rest, at the end of input. Raises `UpstreamError(STREAM_CUT)` unless `message_stop` was seen."""
        chunks = self._read_rest()
        if not self._ended:
            raise cut()
        return chunks

    def _take(self, event: sse.Event, made: list[Chunk]) -> None:
        if self._ended or not event.data or event.data.startswith(_DONE):
            return
        body = _parsed(event)
        kind, answer = body.get("type"), self._answer
        if kind == "content_block_delta":
            delta = body.get("delta")
            if type(delta) is dict:
                answer.delta(delta, made)
        elif kind == "content_block_start":
            if not answer.begun:
                raise bad_shape("a block before its message")
            answer.open(body.get("content_block"), made)
        elif kind == "content_block_stop":
            answer.shut(made)
        elif kind == "message_delta":
            answer.note(body.get("delta"), body.get("usage"))
        elif kind == "message_start":
            message = body.get("message")
            if type(message) is not dict or answer.begun:
                raise bad_shape("a message that is none" if not answer.begun else "two messages in one answer")
            answer.begin(message, made)
        elif kind == "message_stop":
            if not answer.begun:
                raise bad_shape("an end without a beginning")
            self._ended = True
            answer.end(made)
        elif kind == "error" or event.name == b"error" or (kind is None and "error" in body):
            raise failure_in(body)


def _parsed(event: sse.Event) -> dict[str, Any]:
    try:
        body = json.loads(event.data)
    except ValueError:
        if event.name == b"error":
            raise failure_in({"error": event.data.decode(errors="replace")}) from None
        body = second_look(event.data)
    if type(body) is not dict:
        raise unreadable("sse_garbage")
    return body
