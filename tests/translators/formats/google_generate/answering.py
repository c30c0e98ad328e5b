"""Short answers of Google's, for tests of single rules."""

import json
from typing import Any

from translators.canonical import Chunk, Response, fold
from translators.formats.google_generate import PROVIDER


def document(*parts: dict, reason: str | None = None, **candidate: Any) -> dict:
    found = {"content": {"role": "model", "parts": list(parts)}, "index": 0, **candidate}
    if reason is not None:
        found["finishReason"] = reason
    return {"candidates": [found], "modelVersion": "gemini-3", "responseId": "r1"}


def whole(*parts: dict, reason: str | None = "STOP", **candidate: Any) -> Response:
    return PROVIDER.parse_response(document(*parts, reason=reason, **candidate), "google:m")


def events(*documents: Any) -> bytes:
    return b"".join(b"data: " + json.dumps(each).encode() + b"\r\n\r\n" for each in documents)


def chunks(data: bytes) -> list[Chunk]:
    parser = PROVIDER.stream_parser("google:m")
    return [*parser.feed(data), *parser.close()]


def streamed(*documents: dict) -> Response:
    return fold(chunks(events(*documents)))


def blocks(response: Response) -> tuple:
    return response.choices[0].message.blocks
