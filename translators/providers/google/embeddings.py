"""OpenAI's embeddings by way of batchEmbedContents, or of Vertex's older `predict`. Texts too long are an error where Google lets
us say so: by default it cuts them in silence.

Source: https://ai.google.dev/api/embeddings, google-genai 3.6 (`_EmbedContentParametersPrivate_to_vertex`)
"""

from __future__ import annotations

import base64
import struct
from typing import Any

from translators.canonical import Reason, RequestError, UpstreamError
from translators.formats import Wire
from translators.providers.provider import ModelFacts

from .places import is_vertex, predicts


def render_embeddings(body: Wire, facts: ModelFacts) -> Wire:
    """The body for Google. Raises `RequestError` for token arrays, which only the model's tokenizer could read."""
    given = body.get("input")
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise RequestError("'input' must be a string or a non-empty array of strings for this model.", param="input")
    size = body.get("dimensions")
    if predicts(facts):
        parameters: Wire = {"autoTruncate": False}
        if size is not None:
            parameters["outputDimensionality"] = size
        return {"instances": [{"content": text} for text in texts], "parameters": parameters}
    return {"requests": [_request(text, size, facts) for text in texts]}


def _request(text: str, size: Any, facts: ModelFacts) -> Wire:
    request: Wire = {"content": {"parts": [{"text": text}]}}
    if is_vertex(facts):
        config: Wire = {"autoTruncate": False}
        if size is not None:
            config["outputDimensionality"] = size
        return {**request, "embedContentConfig": config}
    request["model"] = facts.model if facts.model.startswith("models/") else f"models/{facts.model}"
    if size is not None:
        request["outputDimensionality"] = size
    return request


def parse_embeddings(answer: Wire, asked: Wire) -> Wire:
    """OpenAI's answer to `asked` (the client's body), with base64 of little-endian floats where it asks for that."""
    entries = _entries(answer)
    count = 1 if isinstance(asked.get("input"), str) else len(asked.get("input") or ())
    vectors = [entry.get("values") for entry in entries]
    if len(vectors) != count or not all(map(_is_vector, vectors)):
        raise _bad_shape()
    packed = asked.get("encoding_format") == "base64"
    tokens = _tokens(answer, entries)
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": _packed(vector) if packed else vector}
            for index, vector in enumerate(vectors)
            if isinstance(vector, list)
        ],
        "model": asked.get("model"),
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }


def _entries(answer: Wire) -> list[Wire]:
    """The embeddings, wherever the endpoint has them."""
    listed = answer.get("embeddings")
    if isinstance(predictions := answer.get("predictions"), list):
        listed = [entry.get("embeddings") if isinstance(entry, dict) else None for entry in predictions]
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _bad_shape()
    return listed


def _tokens(answer: Wire, entries: list[Wire]) -> int:
    """What the texts counted: in the answer's usage, else with each embedding; the Gemini API mostly says nothing."""
    usage = answer.get("usageMetadata")
    if isinstance(usage, dict) and type(count := usage.get("promptTokenCount")) is int:
        return max(count, 0)
    found = 0
    for entry in entries:
        statistics = entry.get("statistics")
        if isinstance(statistics, dict):
            counted = statistics.get("token_count", statistics.get("tokenCount"))
            found += int(counted) if isinstance(counted, (int, float)) and counted > 0 else 0
    return found


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
