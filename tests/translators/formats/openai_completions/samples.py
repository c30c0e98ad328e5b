"""What the tests of this format share: recorded exchanges, a context, and a way to feed bytes."""

import json
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from translators.canonical import Chunk, Request, Usage
from translators.formats import RenderContext, StreamParser, StreamRelay, Tally
from translators.formats.openai_completions import CLIENT, PROVIDER

RECORDINGS = Path(__file__).parents[3] / "recordings"


@cache
def recordings() -> list[dict[str, Any]]:
    """Every recorded exchange that was filed under legacy completions."""
    documents = [json.loads(path.read_bytes()) for path in sorted(RECORDINGS.glob("*/*-completions-*.json"))]
    return [document for document in documents if document["api"] == "completions"]


def ask(**body: Any) -> Request:
    body = {"model": "babbage-002", "prompt": "Say hi", **body}
    return CLIENT.parse_request(body, json.dumps(body).encode())


def context(request: Request | None = None, **changes: Any) -> RenderContext:
    request = request or ask()
    numbers = count(1)
    settings: dict[str, Any] = {"hide_usage": request.stream and not request.include_usage, "estimate": estimate}
    return RenderContext(
        request=request,
        new_id=lambda prefix: f"{prefix}new{next(numbers)}",
        created=1700000000,
        **{**settings, **changes},
    )


def estimate(tally: Tally) -> Usage:
    return Usage(input=7, output=tally.output_chars, source="estimated")


def parsed(raw: bytes, step: int = 1 << 20) -> list[Chunk]:
    parser: StreamParser = PROVIDER.stream_parser("vllm")
    chunks = [chunk for at in range(0, len(raw), step) for chunk in parser.feed(raw[at : at + step])]
    return chunks + parser.close()


def relayed(relay: StreamRelay, raw: bytes, step: int = 1 << 20) -> bytes:
    return b"".join(relay.feed(raw[at : at + step]) for at in range(0, len(raw), step)) + relay.close()


def event(*choices: dict[str, Any], **members: Any) -> bytes:
    chunk = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "choices": list(choices),
        **members,
    }
    return b"data: " + json.dumps(chunk).encode() + b"\n\n"


def said(text: str, finish: str | None = None, index: int = 0, **members: Any) -> dict[str, Any]:
    return {"index": index, "text": text, "logprobs": None, "finish_reason": finish, **members}


DONE = b"data: [DONE]\n\n"


def events(raw: bytes) -> list[Any]:
    """The parsed events of a stream, its `[DONE]` as a string."""
    found = [part.removeprefix(b"data: ") for part in raw.split(b"\n\n") if part.startswith(b"data: ")]
    return [data.decode() if data == b"[DONE]" else json.loads(data) for data in found]
