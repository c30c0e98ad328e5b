"""A provider's stream of `chat.completion.chunk`s to canonical chunks.

Tolerant of what servers get wrong (see `content` and `calls`), strict about the end: a choice must have finished before
`[DONE]` or the end of input counts. Reasoning is closed when something else begins, text when a call begins, a call when
the next one begins and its arguments are whole; calls that interleave stay open until the end. Finish reasons are given at
the end of the stream, since some servers repeat them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from translators.canonical import (
    JSON,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    Media,
    Opaque,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
    UsageUpdate,
)
from translators.formats import Wire, sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut, in_band

from . import content as read
from .calls import Call, CallTable, text_of
from .events import DONE, is_annotation, parse_chunk
from .finish import parse_finish
from .parse_response import extensions, seed, word
from .usage import parse_usage

_FREQUENT = frozenset({"role", "content", "refusal", "tool_calls", "reasoning_content", "reasoning"})


class StreamParser(StreamReader[sse.Event, Chunk]):
    """One stream."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        super().__init__(sse.Splitter())
        self._choices: dict[int, _Choice] = {}
        self._seed: str | None = None
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
            self._end(chunks, done=False)
        return chunks

    def _take(self, event: sse.Event, chunks: list[Chunk]) -> None:
        if self._done or not event.data:
            return
        if event.data.startswith(DONE):
            self._end(chunks, done=True)
            return
        self._chunk(parse_chunk(event), chunks)

    def _chunk(self, chunk: Wire, chunks: list[Chunk]) -> None:
        listed = chunk.get("choices")
        choices: list[Any] = listed if type(listed) is list else []
        if self._seed is None:
            if not (chunk.get("id") and chunk.get("model")) and all(map(is_annotation, choices)):
                self._extensions.update(extensions(chunk))  # Azure's filter results come first, without id and model
                return
            self._start(chunk, chunks)
        usage = parse_usage(chunk.get("usage"))
        if usage is not None:
            self._usage = usage
        if more := extensions(chunk):
            self._extensions.update(more)
        for position, choice in enumerate(choices):
            if type(choice) is dict:
                self._choice(choice, position).read(choice, chunks)

    def _start(self, chunk: Wire, chunks: list[Chunk]) -> None:
        self._seed = seed(chunk)
        created = chunk.get("created")
        chunks.append(
            Start(
                id=word(chunk.get("id")) or "",
                model=word(chunk.get("model")) or "",
                created=created if type(created) is int else 0,
                service_tier=word(chunk.get("service_tier")),
                fingerprint=word(chunk.get("system_fingerprint")),
            )
        )

    def _choice(self, choice: Wire, position: int) -> _Choice:
        number = choice.get("index")
        index = number if type(number) is int else position
        state = self._choices.get(index)
        if state is None:
            state = self._choices[index] = _Choice(index, f"{self._seed}/{index}", self._issuer)
        return state

    def _end(self, chunks: list[Chunk], *, done: bool) -> None:
        """`done`: the provider said so. LiteLLM gives only one of several choices a finish reason."""
        ended = [self._choices[index] for index in sorted(self._choices)]
        for choice in ended:
            if choice.failure is not None:
                raise choice.failure
        finished = [choice.finished or (done and choice.blank) for choice in ended]
        if not (any(finished) if done else finished and all(finished)):
            raise cut()
        self._done = True
        for choice in ended:
            choice.end(chunks)
        if self._usage is not None:
            chunks.append(UsageUpdate(self._usage))
        chunks.append(End(extensions=self._extensions))


class _Open:
    """A block that may still grow. `block` is what it was opened with."""

    __slots__ = ("annotations", "block", "data", "index", "logprobs", "opaque", "text")

    def __init__(self, index: int, block: Block) -> None:
        self.index = index
        self.block = block
        self.text: list[str] = []
        self.data: list[str] = []
        self.logprobs: list[JSON] = []
        self.annotations: list[JSON] = []
        self.opaque: list[Opaque] = []

    def complete(self) -> Block:
        text = "".join(self.text)
        logprobs = tuple(self.logprobs) or None
        match self.block:
            case Text():
                return Text(text, tuple(self.annotations), logprobs)
            case Refusal():
                return Refusal(text, logprobs)
            case Reasoning():
                return Reasoning(text=text or None, opaque=tuple(self.opaque))
            case ToolCall() as call:
                return replace(call, arguments=text)
            case Media() as media:
                return replace(media, data="".join(self.data) or media.data, transcript=text or None)
            case block:
                return block


class _Choice:
    """One choice of the stream: its open blocks, and how it ended."""

    def __init__(self, index: int, identity: str, issuer: str) -> None:
        self._index = index
        self._issuer = issuer
        self._table = CallTable(identity)
        self._blocks = 0
        self._open: dict[str, _Open] = {}
        self._finish: str | None = None
        self.blank = False  # the last finish reason was "": no reason yet, or all that this server says of it
        self.finished = False
        self.failure: UpstreamError | None = None

    def read(self, choice: Wire, chunks: list[Chunk]) -> None:
        """A failure of this choice is kept to the end, since other choices may still be good."""
        if choice.get("error"):
            self.failure = in_band(choice)
            return
        delta = choice.get("delta")
        if type(delta) is dict and delta:
            self._delta(delta, choice.get("logprobs"), chunks)
        finish = choice.get("finish_reason")
        self.blank = finish == ""
        if type(finish) is str and finish:
            self._finish = finish
            self.finished = True
            try:
                parse_finish(finish, calls=False)
            except UpstreamError as error:  # the word means failure
                self.failure = error

    def _delta(self, delta: Wire, logprobs: Any, chunks: list[Chunk]) -> None:
        text, reasoning = read.split_content(delta.get("content"))
        reasoning = reasoning or read.reasoning_text(delta)
        opaque = read.sealed(delta, self._issuer) if "reasoning_details" in delta else ()
        if reasoning or opaque:
            self._think(reasoning, opaque, chunks)
        probabilities = read.tokens(logprobs, "content")
        annotations = read.flat_annotations(delta.get("annotations"))
        if text or probabilities or annotations:
            self._say("text", text, probabilities, chunks)
            self._annotate(annotations, chunks)
        refusal = delta.get("refusal")
        if type(refusal) is str and refusal:
            self._say("refusal", refusal, read.tokens(logprobs, "refusal"), chunks)
        if not delta.keys() <= _FREQUENT:
            self._rarer(delta, chunks)
        elif delta.get("tool_calls"):
            self._calls(delta["tool_calls"], chunks)

    def _rarer(self, delta: Wire, chunks: list[Chunk]) -> None:
        sound = delta.get("audio")
        if type(sound) is dict:
            self._sound(sound, chunks)
        images = delta.get("images")
        if type(images) is list:
            self._pictures(images, chunks)
        if delta.get("tool_calls"):
            self._calls(delta["tool_calls"], chunks)
        legacy = delta.get("function_call")
        if type(legacy) is dict and (legacy.get("name") or self._table.calls):
            self._calls([{"index": 0, "function": legacy}], chunks)

    def _opened(self, key: str, block: Block, chunks: list[Chunk]) -> _Open:
        state = self._open.get(key)
        if state is None:
            state = self._open[key] = _Open(self._blocks, block)
            self._blocks += 1
            chunks.append(BlockStart(self._index, state.index, block))
        return state

    def _stop(self, key: str, chunks: list[Chunk]) -> None:
        state = self._open.pop(key, None)
        if state is not None:
            chunks.append(BlockStop(self._index, state.index, state.complete()))

    def _think(self, text: str, opaque: tuple[Opaque, ...], chunks: list[Chunk]) -> None:
        state = self._opened("reasoning", Reasoning(), chunks)
        state.opaque += opaque
        if text:
            state.text.append(text)
            chunks.append(BlockDelta(self._index, state.index, "text", text))

    def _say(self, key: str, text: str, logprobs: tuple[JSON, ...] | None, chunks: list[Chunk]) -> None:
        if "reasoning" in self._open:
            self._stop("reasoning", chunks)
        state = self._opened(key, Text("") if key == "text" else Refusal(""), chunks)
        state.text.append(text)
        if logprobs:
            state.logprobs += logprobs
        if text or logprobs:
            chunks.append(BlockDelta(self._index, state.index, "text", text, logprobs=logprobs))

    def _annotate(self, annotations: tuple[JSON, ...], chunks: list[Chunk]) -> None:
        state = self._open["text"]
        state.annotations += annotations
        chunks += [AnnotationAdded(self._index, state.index, annotation) for annotation in annotations]

    def _sound(self, sound: Wire, chunks: list[Chunk]) -> None:
        if "audio" not in self._open and not (sound.get("id") or sound.get("data")):
            return
        block = Media(kind="audio", file_id=word(sound.get("id")), provider=self._issuer)
        state = self._opened("audio", block, chunks)
        if type(sound.get("transcript")) is str:
            state.text.append(sound["transcript"])
            chunks.append(BlockDelta(self._index, state.index, "transcript", sound["transcript"]))
        if type(sound.get("data")) is str:
            state.data.append(sound["data"])
            chunks.append(BlockDelta(self._index, state.index, "data", sound["data"]))
        if type(sound.get("expires_at")) is int and isinstance(state.block, Media):
            state.block = replace(state.block, expires_at=sound["expires_at"])
            self.finished = True  # OpenAI ends a spoken answer so, without a finish reason

    def _pictures(self, images: list[Any], chunks: list[Chunk]) -> None:
        for node in images:
            media = read.image(node)
            if media is not None:
                chunks.append(BlockStart(self._index, self._blocks, media))
                chunks.append(BlockStop(self._index, self._blocks, media))
                self._blocks += 1

    def _calls(self, entries: Any, chunks: list[Chunk]) -> None:
        for entry in entries if type(entries) is list else ():
            if type(entry) is not dict:
                continue
            call, opens = self._table.find(entry)
            key = f"call {call.position}"
            if opens:
                self._make_room(chunks)
                self._opened(key, _block(call), chunks)
            state = self._open.get(key)
            if state is None:  # it was whole, and closed
                continue
            fragment = call.add(text_of(entry))
            if fragment:
                state.text.append(fragment)
                chunks.append(BlockDelta(self._index, state.index, "arguments", fragment))

    def _make_room(self, chunks: list[Chunk]) -> None:
        """A new call begins: close what it ends."""
        for key in ("reasoning", "text", "refusal"):
            self._stop(key, chunks)
        for call in self._table.calls[:-1]:
            if f"call {call.position}" in self._open and call.is_complete():
                self._stop(f"call {call.position}", chunks)

    def end(self, chunks: list[Chunk]) -> None:
        for key in sorted(self._open, key=lambda key: self._open[key].index):
            self._stop(key, chunks)
        finish, raw = parse_finish(self._finish, calls=bool(self._table.calls))
        chunks.append(ChoiceStop(self._index, finish, raw))


def _block(call: Call) -> ToolCall:
    return ToolCall(call.id, call.name, "", call.kind)
