"""Short spellings for the wire in these tests."""

import itertools
import json
from typing import Any

from translators.canonical import Request
from translators.formats import RenderContext

TERMINAL = b"data: [DONE]\n\n"


def context(request: Request | None = None, **settings: Any) -> RenderContext:
    numbers = itertools.count(1)
    return RenderContext(
        request=request or Request(messages=(), stream=True),
        new_id=lambda prefix: f"{prefix}new{next(numbers)}",
        created=1790000000,
        **settings,
    )


def chunk(delta: Any = None, *, finish: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    """One chunk as OpenAI sends it. `choices=` in `members` stands in for the one choice."""
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m", "choices": [choice]}
    return {**body, **members}


def event(body: Any) -> bytes:
    return b"data: " + json.dumps(body, separators=(",", ":")).encode() + b"\n\n"


def stream(*bodies: Any, done: bool = True) -> bytes:
    return b"".join(event(body) for body in bodies) + (TERMINAL if done else b"")


def bodies(data: bytes) -> list[Any]:
    """The parsed events of a stream, without comments and the terminal."""
    lines = [line for line in data.split(b"\n") if line.startswith(b"data: ") and line != b"data: [DONE]"]
    return [json.loads(line[6:]) for line in lines]


def deltas(data: bytes) -> list[Any]:
    return [body["choices"][0]["delta"] for body in bodies(data) if body["choices"]]


def call(index: int, identity: str, name: str, arguments: str = "") -> dict[str, Any]:
    return {"index": index, "id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def fragment(index: int, arguments: str) -> dict[str, Any]:
    return {"index": index, "function": {"arguments": arguments}}


def answer(message: dict[str, Any], *, finish: str | None = "stop", **members: Any) -> dict[str, Any]:
    """A whole answer as OpenAI gives it."""
    whole = {"role": "assistant", "content": None, "refusal": None, **message}
    choice = {"index": 0, "message": whole, "logprobs": None, "finish_reason": finish}
    body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 7, "model": "m", "choices": [choice]}
    return {**body, **members}
