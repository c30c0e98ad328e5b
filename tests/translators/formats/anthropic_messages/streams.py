"""Streams of the Messages API, written short."""

import json
from typing import Any

from translators.canonical import Chunk, Response, fold
from translators.formats.anthropic_messages import PROVIDER

ISSUER = "anthropic:claude"
USAGE = {"input_tokens": 11, "output_tokens": 1}


def event(kind: str, **members: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **members})}\n\n".encode()


def start(**members: Any) -> bytes:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "claude-x",
        "content": [],
        "usage": USAGE,
    }
    return event("message_start", message={**message, **members})


def block(index: int, opened: dict[str, Any], *deltas: dict[str, Any]) -> bytes:
    pieces = b"".join(event("content_block_delta", index=index, delta=delta) for delta in deltas)
    return event("content_block_start", index=index, content_block=opened) + pieces + stop(index)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


def text(index: int, *pieces: str, **members: Any) -> bytes:
    return block(index, {"type": "text", "text": "", **members}, *({"type": "text_delta", "text": p} for p in pieces))


def call(index: int, name: str, *pieces: str, id: str = "toolu_1") -> bytes:
    opened = {"type": "tool_use", "id": id, "name": name, "input": {}}
    return block(index, opened, *({"type": "input_json_delta", "partial_json": piece} for piece in pieces))


def thinking(index: int, *pieces: str, signature: str | None = "SIG") -> bytes:
    deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces]
    signed = [] if signature is None else [{"type": "signature_delta", "signature": signature}]
    return block(index, {"type": "thinking", "thinking": "", "signature": ""}, *deltas, *signed)


def end(reason: str | None = "end_turn", usage: dict[str, Any] | None = None, **members: Any) -> bytes:
    delta = {"stop_reason": reason, "stop_sequence": None, **members}
    return event("message_delta", delta=delta, usage={"output_tokens": 7, **(usage or {})}) + event("message_stop")


def chunks(*parts: bytes) -> list[Chunk]:
    parser = PROVIDER.stream_parser(ISSUER)
    return [*parser.feed(b"".join(parts)), *parser.close()]


def folded(*parts: bytes) -> Response:
    return fold(chunks(*parts))
