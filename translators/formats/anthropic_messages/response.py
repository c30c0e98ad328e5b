"""A whole answer of the Messages API to canonical: the same as the stream that would say it."""

from __future__ import annotations

from translators.canonical import Chunk, Response, fold
from translators.formats import Wire

from .answer import Answer, bad_shape
from .errors import failure_in


def parse_response(body: Wire, issuer: str) -> Response:
    """The answer. `issuer` marks sealed blobs. Raises `UpstreamError` for an error in its place and for any other shape."""
    if body.get("type") == "error" or (body.get("error") and "content" not in body):
        raise failure_in(body)
    if not isinstance(body.get("content"), list):
        raise bad_shape("an answer without a list of content blocks")
    answer = Answer(issuer)
    chunks: list[Chunk] = []
    answer.begin(body, chunks)
    answer.end(chunks)
    return fold(chunks)
