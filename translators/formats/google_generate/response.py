"""A whole answer of generateContent to canonical: the one document of a stream of one (see `answer`)."""

from __future__ import annotations

from translators.canonical import Chunk, Response, fold
from translators.formats import Wire

from .answer import Answer
from .calls import bad_shape


def parse_response(body: Wire, issuer: str) -> Response:
    """The whole answer. Raises `UpstreamError` for an error inside it, a shape that is not Google's, or one without an end."""
    answer = Answer(issuer)
    chunks: list[Chunk] = []
    answer.take(body, chunks)
    if not answer.is_complete:
        raise bad_shape("an answer that does not say why it ended")
    answer.end(chunks)
    return fold(chunks)
