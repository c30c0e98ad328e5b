"""The stream of streamGenerateContent to chunks, in any of Google's framings (see `framing`).

There is no terminal event: a stream is over when input ends behind a finish reason, and has failed when it ends without one.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Chunk
from translators.formats import json
from translators.formats.reading import StreamReader, second_look
from translators.formats.upstream_errors import cut

from .answer import Answer
from .calls import bad_shape
from .framing import Splitter


class Parser(StreamReader[bytes, Chunk]):
    """One stream's state. `issuer` marks its opaque blobs."""

    def __init__(self, issuer: str) -> None:
        super().__init__(Splitter())
        self._answer = Answer(issuer)

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises `UpstreamError` for an error event and for garbage."""
        return self._read(data)

    def close(self) -> list[Chunk]:
        """The end of input, which ends the answer. Raises `UpstreamError(STREAM_CUT)` unless it was said why."""
        chunks = self._read_rest()
        if not self._answer.is_complete or self._answer.is_running:
            raise cut()
        self._answer.end(chunks)
        return chunks

    def _take(self, unit: bytes, made: list[Chunk]) -> None:
        if unit == b"[DONE]":  # gateways that imitate OpenAI's end
            return
        body = _parsed(unit)
        if isinstance(body, list) and len(body) == 1:  # an error as the only element of a list
            body = body[0]
        if not isinstance(body, dict):
            raise bad_shape("an event that is no object")
        self._answer.take(body, made)


def _parsed(document: bytes) -> Any:
    try:
        return json.loads(document)
    except ValueError:
        return second_look(document)
