"""Chunks to a response, and a response to chunks. `fold(unfold(r)) == r` for every response."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from .blocks import Block, HostedItem, Media, Message, Native, Reasoning, Refusal, Text, ToolCall, ToolResult
from .chunk import (
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    NativeEvent,
    Start,
    UsageUpdate,
)
from .errors import Reason, UpstreamError
from .response import NO_USAGE, Choice, Response, Usage


class Assembler:
    """Builds the response out of chunks as they pass. `response()` raises `stream_cut` before `End` was fed."""

    def __init__(self) -> None:
        self._start: Start | None = None
        self._blocks: dict[tuple[int, int], Block] = {}
        self._stops: dict[int, ChoiceStop] = {}
        self._usage: Usage = NO_USAGE
        self._end: End | None = None

    def feed(self, chunk: Chunk) -> None:
        match chunk:
            case BlockDelta():
                key = (chunk.choice, chunk.index)
                self._blocks[key] = _extended(self._blocks[key], chunk)
            case BlockStart() | BlockStop():
                self._blocks[chunk.choice, chunk.index] = chunk.block
            case AnnotationAdded():
                self._annotate(chunk)
            case ChoiceStop():
                self._stops[chunk.choice] = chunk
            case UsageUpdate():
                self._usage = chunk.usage
            case Start():
                self._start = chunk
            case End():
                self._end = chunk
            case NativeEvent():
                pass

    def _annotate(self, chunk: AnnotationAdded) -> None:
        block = self._blocks[chunk.choice, chunk.index]
        if isinstance(block, Text):
            block = replace(block, annotations=(*block.annotations, chunk.annotation))
            self._blocks[chunk.choice, chunk.index] = block

    def response(self) -> Response:
        if self._start is None or self._end is None:
            raise UpstreamError(Reason.STREAM_CUT, "The provider's stream stopped before its end.", billed_risk=True)
        choices = tuple(self._choice(index) for index in sorted(self._stops))
        return Response(
            id=self._start.id,
            model=self._start.model,
            choices=choices,
            usage=self._usage,
            created=self._start.created,
            incomplete_reason=self._end.incomplete_reason,
            service_tier=self._end.service_tier or self._start.service_tier,
            fingerprint=self._start.fingerprint,
            extensions=self._end.extensions,
        )

    def _choice(self, index: int) -> Choice:
        stop = self._stops[index]
        blocks = tuple(self._blocks[key] for key in sorted(self._blocks) if key[0] == index)
        message = Message("assistant", blocks)
        return Choice(
            index=index,
            message=message,
            finish=stop.finish,
            finish_raw=stop.finish_raw,
            stop_sequence=stop.stop_sequence,
        )


def fold(chunks: Iterable[Chunk]) -> Response:
    """The response a whole stream amounts to. Raises `UpstreamError(STREAM_CUT)` when the stream has no `End`."""
    assembler = Assembler()
    for chunk in chunks:
        assembler.feed(chunk)
    return assembler.response()


def unfold(response: Response) -> Iterator[Chunk]:
    """The shortest stream that folds to `response`."""
    yield Start(response.id, response.model, response.created, response.service_tier, response.fingerprint)
    for choice in response.choices:
        for index, block in enumerate(choice.message.blocks):
            yield BlockStart(choice.index, index, opened(block))
            yield from _deltas(choice.index, index, block)
            yield BlockStop(choice.index, index, block)
        yield ChoiceStop(choice.index, choice.finish, choice.finish_raw, choice.stop_sequence)
    if response.usage.source != "none":
        yield UsageUpdate(response.usage)
    yield End(response.incomplete_reason, response.extensions)


def opened(block: Block) -> Block:
    """The block as a stream opens it: what identifies it, and nothing of its content."""
    match block:
        case Text():
            return Text("", origin=block.origin)
        case Refusal():
            return Refusal("", origin=block.origin)
        case Reasoning():
            return Reasoning(origin=block.origin)
        case ToolCall():
            return replace(block, arguments="", opaque=())
        case Media():
            return replace(block, data=None, transcript=None)
        case ToolResult() | HostedItem() | Native():
            return block


def _deltas(choice: int, index: int, block: Block) -> Iterator[Chunk]:
    match block:
        case Text() | Refusal():
            if block.text or block.logprobs:
                yield BlockDelta(choice, index, "text", block.text, logprobs=block.logprobs)
        case Reasoning():
            for part, summary in enumerate(block.summary):
                yield BlockDelta(choice, index, "summary", summary, summary_index=part)
            if block.text:
                yield BlockDelta(choice, index, "text", block.text)
        case ToolCall():
            if block.arguments:
                yield BlockDelta(choice, index, "arguments", block.arguments)
        case Media():
            if block.data:
                yield BlockDelta(choice, index, "data", block.data)
            if block.transcript:
                yield BlockDelta(choice, index, "transcript", block.transcript)
        case ToolResult() | HostedItem() | Native():
            pass
    if isinstance(block, Text):
        for annotation in block.annotations:
            yield AnnotationAdded(choice, index, annotation)


def _extended(block: Block, delta: BlockDelta) -> Block:
    match block:
        case Text() | Refusal():
            logprobs = block.logprobs if delta.logprobs is None else (*(block.logprobs or ()), *delta.logprobs)
            return replace(block, text=block.text + delta.value, logprobs=logprobs)
        case Reasoning():
            if delta.field == "text":
                return replace(block, text=(block.text or "") + delta.value)
            return replace(block, summary=_summary(block.summary, delta))
        case ToolCall():
            return replace(block, arguments=block.arguments + delta.value)
        case Media():
            if delta.field == "data":
                return replace(block, data=(block.data or "") + delta.value)
            return replace(block, transcript=(block.transcript or "") + delta.value)
        case ToolResult() | HostedItem() | Native():
            return block


def _summary(parts: tuple[str, ...], delta: BlockDelta) -> tuple[str, ...]:
    grown = [*parts, *[""] * (delta.summary_index + 1 - len(parts))]
    grown[delta.summary_index] += delta.value
    return tuple(grown)
