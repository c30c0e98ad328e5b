"""A provider's stream of `text_completion` chunks to canonical chunks, and the reading of one event, which the relay shares.

Tolerant of what servers leave out, strict about the end: every choice must have finished before `[DONE]` or the end of input
counts. Blocks close at the end of the stream, since finish reasons may be repeated.
"""

from __future__ import annotations

from translators.canonical import (
    JSON,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    Start,
    Text,
    UpstreamError,
    Usage,
    UsageUpdate,
)
from translators.formats import Wire, json, sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut, in_band, unreadable

from . import parts
from .response import bad_shape, extensions, index_of, is_error, word

DONE = b"[DONE]"


def parse_chunk(event: sse.Event) -> Wire:
    """The chunk in an event that has data and is not the end. Raises `UpstreamError` for errors and for garbage."""
    try:
        chunk = json.loads(event.data)
    except ValueError:
        raise _unreadable(event) from None
    if type(chunk) is not dict:
        raise unreadable("sse_garbage")
    if is_error(chunk) or event.name == b"error":
        raise in_band(chunk)
    choices = chunk.get("choices")
    if choices is None and type(chunk.get("usage")) is dict:
        return chunk
    if type(choices) is not list or not all(type(choice) is dict for choice in choices):
        raise bad_shape("has an event without choices")
    for choice in choices:
        if choice.get("error"):
            raise in_band(choice)
        if "delta" in choice or "message" in choice:
            raise bad_shape("is a chat answer")
    return chunk


def _unreadable(event: sse.Event) -> UpstreamError:
    try:
        text = event.data.decode()
    except UnicodeDecodeError:
        return unreadable("bad_utf8")
    return in_band({"error": text}) if event.name == b"error" else unreadable("sse_garbage")


class StreamParser(StreamReader[sse.Event, Chunk]):
    """One stream."""

    def __init__(self, issuer: str) -> None:
        super().__init__(sse.Splitter())
        self._choices: dict[int, _Choice] = {}
        self._started = False
        self._usage: Usage | None = None
        self._extensions: Wire = {}
        self._done = False

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises `UpstreamError` for an error event and for garbage."""
        return self._read(data)

    def close(self) -> list[Chunk]:
        """The rest, at the end of input. Raises `STREAM_CUT` unless every choice had finished."""
        chunks = self._read_rest()
        if not self._done:
            self._end(chunks)
        return chunks

    def _take(self, event: sse.Event, chunks: list[Chunk]) -> None:
        if self._done or not event.data:
            return
        if event.data.startswith(DONE):
            self._end(chunks)
        else:
            self._chunk(parse_chunk(event), chunks)

    def _chunk(self, chunk: Wire, chunks: list[Chunk]) -> None:
        choices: list[Wire] = chunk.get("choices") or []
        self._extensions.update(extensions(chunk))
        self._usage = parts.parse_usage(chunk.get("usage")) or self._usage
        if not self._started and (choices or chunk.get("id")):
            self._started = True
            created = chunk.get("created")
            chunks.append(
                Start(
                    id=word(chunk.get("id")) or "",
                    model=word(chunk.get("model")) or "",
                    created=created if type(created) is int else 0,
                    fingerprint=word(chunk.get("system_fingerprint")),
                )
            )
        for position, choice in enumerate(choices):
            index = index_of(choice, position)
            self._choices.setdefault(index, _Choice(index)).read(choice, chunks)

    def _end(self, chunks: list[Chunk]) -> None:
        ended = [self._choices[index] for index in sorted(self._choices)]
        if not ended or not all(choice.finish for choice in ended):
            raise cut()
        self._done = True
        for choice in ended:
            choice.end(chunks)
        if self._usage is not None:
            chunks.append(UsageUpdate(self._usage))
        chunks.append(End(extensions=self._extensions))


class _Choice:
    """One choice of the stream: what it said so far, and how it ended."""

    def __init__(self, index: int) -> None:
        self._index = index
        self._open = False
        self._text: list[str] = []
        self._logprobs: list[JSON] = []
        self.finish: str | None = None

    def read(self, choice: Wire, chunks: list[Chunk]) -> None:
        text, logprobs = word(choice.get("text")) or "", parts.parse_logprobs(choice.get("logprobs"))
        if text or logprobs:
            if not self._open:
                self._open = True
                chunks.append(BlockStart(self._index, 0, Text("")))
            self._text.append(text)
            self._logprobs += logprobs or ()
            chunks.append(BlockDelta(self._index, 0, "text", text, logprobs=logprobs))
        finish = word(choice.get("finish_reason"))
        if finish is not None:
            parts.parse_finish(finish)  # raises when the word means failure
            self.finish = finish

    def end(self, chunks: list[Chunk]) -> None:
        if self._open:
            block = Text("".join(self._text), logprobs=tuple(self._logprobs) or None)
            chunks.append(BlockStop(self._index, 0, block))
        finish, raw = parts.parse_finish(self.finish)
        chunks.append(ChoiceStop(self._index, finish, raw))
