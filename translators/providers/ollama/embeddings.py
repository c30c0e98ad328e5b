"""OpenAI's embeddings by way of POST /api/embed. Texts too long for the model are an error, never cut."""

from __future__ import annotations

import base64
import struct
from typing import Any

from translators.canonical import Reason, RequestError, UpstreamError
from translators.formats import Wire
from translators.providers.provider import ModelFacts

from .quirks import with_window


def render_embeddings(body: Wire, facts: ModelFacts) -> Wire:
    """The body for /api/embed. Raises `RequestError` for token arrays, which only the model's tokenizer could read."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RequestError("'input' must be a string or a non-empty array of strings for this model.", param="input")
    wire: Wire = {"model": facts.model, "input": texts, "truncate": False}
    if body.get("dimensions") is not None:
        wire["dimensions"] = body["dimensions"]
    return with_window(wire, facts)


def parse_embeddings(answer: Wire, asked: Wire) -> Wire:
    """OpenAI's answer to `asked` (the client's body), with base64 of little-endian floats where it asks for that."""
    vectors = answer.get("embeddings")
    count = 1 if isinstance(asked.get("input"), str) else len(asked.get("input") or ())
    if not isinstance(vectors, list) or len(vectors) != count or not all(map(_is_vector, vectors)):
        raise _bad_shape()
    packed = asked.get("encoding_format") == "base64"
    tokens = answer.get("prompt_eval_count")
    tokens = tokens if type(tokens) is int and tokens >= 0 else 0
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
            for index, vector in enumerate(vectors)
        ],
        "model": answer.get("model") or asked.get("model"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _is_vector(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(type(number) in (int, float) for number in value)


def _packed(vector: list[float]) -> str:
    try:
        return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
    except OverflowError:  # no number a 32-bit float can hold, hence no embedding
        raise _bad_shape() from None


def _bad_shape() -> UpstreamError:
    return UpstreamError(
        Reason.BAD_RESPONSE,
        "The provider's embeddings do not match the input.",
        failure="bad_shape",
        billed_risk=True,
    )
