"""Chunks to the events of a native stream: start, blocks, usage, and one terminal event. No `[DONE]`.

Each event has a name, and data with that name as `type` and `seq` counting from 0 without gaps. Blocks of parallel calls
interleave; `index` is a block's place in its choice. `response.stop` is given to `last` instead of being written where there
is one: it ends the stream once the call is over and its cost is known. A stream that fails ends in `error`, and nothing
follows it. Source: the events reference, section 11.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from translators.canonical import (
    NO_USAGE,
    AnnotationAdded,
    Assembler,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    JochError,
    Message,
    NativeEvent,
    Reasoning,
    Response,
    Start,
    Text,
    UsageUpdate,
    unfold,
)
from translators.formats import RenderContext, Wire, json, sse
from translators.formats.openai_envelope import render_error

from .render_blocks import render_block, render_opening
from .response import render_brief, render_response, render_usage
from .told import Told, render_start

Last = Callable[[Wire | None], None]
"""Takes the data of `response.stop`, and None when the stream has failed after all."""


class NativeRenderer:
    """One stream to one client. `told()` is asked when it starts; `full`: the last event repeats the content."""

    def __init__(
        self,
        context: RenderContext,
        told: Callable[[], Told] | None = None,
        last: Last | None = None,
        *,
        full: bool = False,
    ) -> None:
        self._context, self._told, self._last, self._full = context, told, last, full
        self._assembler = Assembler()
        self._out: list[bytes] = []
        self._seq = 0
        self._started = self._ended = False
        self._usage = NO_USAGE
        self._said: set[tuple[int, int]] = set()  # blocks of which some content went out
        self._hidden: set[tuple[int, int]] = set()  # thoughts that are not shown
        self._annotated: dict[tuple[int, int], int] = {}

    def render(self, chunks: Iterable[Chunk]) -> bytes:
        for chunk in chunks:
            if not self._ended:
                _HANDLERS[type(chunk)](self, chunk)
        return self._taken()

    def fail(self, error: JochError) -> bytes:
        if not self._started:
            self._progress()
        if not self._ended:
            self._write_usage()
        self._ended = True
        if self._last is not None:
            self._last(None)
        self._emit("error", render_error(error))
        return self._taken()

    def _taken(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def _emit(self, name: str, members: Wire) -> None:
        self._out.append(sse.render(json.dumps(self._numbered(name, members)), name.encode()))

    def _numbered(self, name: str, members: Wire) -> Wire:
        seq, self._seq = self._seq, self._seq + 1
        return {"type": name, "seq": seq, **members}

    def _progress(self) -> Told | None:
        """Tell, to a client that asked for it, how the call has gone so far."""
        told = None if self._told is None else self._told()
        for name, members in () if told is None else told.progress:
            self._emit(name, members)
        return told

    def _start(self, chunk: Start) -> None:
        self._assembler.feed(chunk)
        if self._started:
            return
        told = self._progress()
        self._started = True
        model = chunk.model or self._context.request.model or ""
        self._emit("response.start", {"responseModel": model} if told is None else render_start(told, model))

    def _block_start(self, chunk: BlockStart) -> None:
        self._assembler.feed(chunk)
        if isinstance(chunk.block, Reasoning) and not self._context.show_reasoning:
            self._hidden.add((chunk.choice, chunk.index))
        self._place("block.start", chunk, {"block": render_opening(chunk.block)})

    def _place(self, name: str, chunk: BlockStart | BlockDelta | BlockStop | AnnotationAdded, members: Wire) -> None:
        self._emit(name, {"choice": chunk.choice, "index": chunk.index, **members})

    def _block_delta(self, chunk: BlockDelta) -> None:
        at = (chunk.choice, chunk.index)
        if at in self._hidden or not (chunk.value or chunk.logprobs):
            return
        delta: Wire = {chunk.field: chunk.value}
        if chunk.field == "summary":
            delta["summaryIndex"] = chunk.summary_index
        if chunk.logprobs is not None:
            delta["logprobs"] = list(chunk.logprobs)
        self._said.add(at)
        self._place("block.delta", chunk, {"delta": delta})

    def _annotation(self, chunk: AnnotationAdded) -> None:
        at = (chunk.choice, chunk.index)
        self._annotated[at] = self._annotated.get(at, 0) + 1
        self._place("annotation", chunk, {"annotation": chunk.annotation})

    def _block_stop(self, chunk: BlockStop) -> None:
        at, block = (chunk.choice, chunk.index), chunk.block
        self._assembler.feed(chunk)
        if at not in self._said:  # a provider that tells a block only when it is whole
            for delta in _deltas(chunk):
                self._block_delta(delta)
        if isinstance(block, Text):
            for annotation in block.annotations[self._annotated.get(at, 0) :]:
                self._annotation(AnnotationAdded(chunk.choice, chunk.index, annotation))
        self._place("block.stop", chunk, {"block": render_block(block, self._context)})

    def _choice_stop(self, chunk: ChoiceStop) -> None:
        self._assembler.feed(chunk)

    def _usage_update(self, chunk: UsageUpdate) -> None:
        self._assembler.feed(chunk)
        # Figures are cumulative, and some providers begin with them: the last ones are told, behind all blocks.
        self._usage = chunk.usage

    def _write_usage(self) -> None:
        if self._usage.source != "none":
            self._emit("usage", render_usage(self._usage))

    def _native(self, chunk: NativeEvent) -> None:
        """An event that only its own format understands."""

    def _end(self, chunk: End) -> None:
        self._assembler.feed(chunk)
        self._write_usage()
        self._ended = True
        response = self._assembler.response()
        render = render_response if self._full else render_brief
        event = self._numbered("response.stop", render(response, self._context))
        if self._last is None:
            self._out.append(sse.render(json.dumps(event), b"response.stop"))
        else:
            self._last(event)


def _deltas(chunk: BlockStop) -> Iterator[BlockDelta]:
    """The content of a whole block as a stream would have brought it."""
    message = Message("assistant", (chunk.block,))
    choice = Choice(index=chunk.choice, message=message, finish=Finish.STOP)
    for each in unfold(Response(id="", model="", choices=(choice,))):
        if isinstance(each, BlockDelta):
            yield replace(each, index=chunk.index)


_HANDLERS: dict[type, Callable[[NativeRenderer, Any], None]] = {
    Start: NativeRenderer._start,
    BlockStart: NativeRenderer._block_start,
    BlockDelta: NativeRenderer._block_delta,
    BlockStop: NativeRenderer._block_stop,
    AnnotationAdded: NativeRenderer._annotation,
    ChoiceStop: NativeRenderer._choice_stop,
    UsageUpdate: NativeRenderer._usage_update,
    NativeEvent: NativeRenderer._native,
    End: NativeRenderer._end,
}
