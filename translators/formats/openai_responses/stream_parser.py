"""A Responses provider's event stream to chunks. An item's blocks stop when the provider says the item is done.

What a server leaves out is supplied from the next thing that has it: a missing `content_part.added` from the first delta,
a missing `output_item.done` from the terminal event. What it says out of order, or without end, raises.
Events: https://platform.openai.com/docs/api-reference/responses-streaming
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from translators.canonical import (
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    NativeEvent,
    Reason,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    UsageUpdate,
    opened,
)
from translators.formats import sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut

from .errors import parse_failure
from .events import RENAMED, parse_event
from .items import FORMAT, item_origin
from .parse_response import (
    bad_shape,
    parse_created,
    parse_extensions,
    parse_finish,
    parse_output_item,
    parse_part,
    parse_service_tier,
    parse_single_item,
    parse_usage,
)

INDEX_LIMIT = 4096
"""The largest index taken from a provider: renderers fill gaps, and a gap must not fill the memory."""


@dataclass(slots=True)
class _Open:
    """A block that was started: what the deltas said so far, in case nothing later repeats it."""

    index: int
    block: Block
    pieces: list[str] = field(default_factory=list)
    summaries: dict[int, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Item:
    """An output item that was added. `parts`: a message's content index to its block, in the order they were opened."""

    wire: dict[str, Any]
    kind: str
    ordinal: int
    parts: dict[int, _Open] = field(default_factory=dict)
    done: bool = False


class ResponsesParser(StreamReader[sse.Event, Chunk]):
    """One stream."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        super().__init__(sse.Splitter())
        self._items: dict[int, _Item] = {}
        self._blocks = 0
        self._started = False
        self._ended = False
        self._called = False

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises `UpstreamError` for failures, garbage and disorder."""
        return self._read(data)

    def close(self) -> list[Chunk]:
        """The rest, at the end of input. Raises `STREAM_CUT` unless the terminal event was seen."""
        chunks = self._read_rest()
        if not self._ended:
            raise cut()
        return chunks

    def _take(self, event: sse.Event, chunks: list[Chunk]) -> None:
        if self._ended or not event.data:
            return
        data = parse_event(event)
        if data is None:  # [DONE], which some gateways add
            return
        kind = RENAMED.get(data["type"], data["type"])
        handler = _HANDLERS.get(kind)
        if not self._started and kind not in ("response.created", "error", "response.failed"):
            raise bad_order("The provider's stream did not begin with its opening event.")
        if handler is not None:
            handler(self, data, chunks)
        elif kind not in _SILENT:
            chunks.append(NativeEvent(FORMAT, kind, data))

    def _created(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        response = _response(data)
        self._started = True
        chunks.append(
            Start(
                str(response.get("id") or ""),
                str(response.get("model") or ""),
                parse_created(response),
                parse_service_tier(response),
            )
        )

    def _fail(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        raise parse_failure(data)

    def _item_added(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        wire = data.get("item")
        if wire is None:  # an empty opening, which a relay of OpenAI's is known to send
            return
        self._add(_index(data, "output_index"), wire, chunks)

    def _add(self, ordinal: int, wire: object, chunks: list[Chunk]) -> _Item:
        kind = wire.get("type") if isinstance(wire, dict) else None
        if not isinstance(wire, dict) or not isinstance(kind, str):
            raise bad_shape("The provider added an output item without a type.")
        item = self._items[ordinal] = _Item(wire, kind, ordinal)
        if kind != "message":
            if kind in ("function_call", "custom_tool_call"):
                self._called = True
                # Some servers leave out what is still empty.
                wire = {"arguments": "", "input": "", **wire}
            self._open(item, 0, opened(parse_single_item(wire, kind, ordinal, self._issuer)), chunks)
        return item

    def _open(self, item: _Item, position: int, block: Block, chunks: list[Chunk]) -> _Open:
        part = item.parts[position] = _Open(self._blocks, block)
        self._blocks += 1
        chunks.append(BlockStart(0, part.index, block))
        return part

    def _item(self, data: dict[str, Any]) -> _Item:
        item = self._items.get(_index(data, "output_index"))
        if item is None:
            raise bad_order("The provider sent content of an output item before the item.")
        return item

    def _part_added(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        item = self._item(data)
        position = _index(data, "content_index")
        if item.kind == "message" and position not in item.parts:
            self._open(item, position, opened(parse_part(data.get("part"), item.wire, item.ordinal)), chunks)

    def _part(self, data: dict[str, Any], empty: Callable[..., Block], chunks: list[Chunk]) -> _Open:
        """The open block that a delta of a message's part belongs to; opened here if the server did not bother."""
        item = self._item(data)
        position = _index(data, "content_index")
        part = item.parts.get(position)
        if part is None:
            block = empty("", origin=item_origin(item.wire, "message", item.ordinal, None, None))
            part = self._open(item, position, block, chunks)
        return part

    def _text_delta(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._part(data, Text, chunks)
        delta = _delta(data)
        part.pieces.append(delta)
        logprobs = data.get("logprobs")
        chunks.append(
            BlockDelta(
                0, part.index, "text", delta, 0, tuple(logprobs) if isinstance(logprobs, list) and logprobs else None
            )
        )

    def _refusal_delta(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._part(data, Refusal, chunks)
        part.pieces.append(delta := _delta(data))
        chunks.append(BlockDelta(0, part.index, "text", delta))

    def _reasoning_delta(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._single(data, Reasoning)
        part.pieces.append(delta := _delta(data))
        chunks.append(BlockDelta(0, part.index, "text", delta))

    def _summary_delta(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._single(data, Reasoning)
        position = _index(data, "summary_index")
        part.summaries.setdefault(position, []).append(delta := _delta(data))
        chunks.append(BlockDelta(0, part.index, "summary", delta, position))

    def _arguments_delta(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._single(data, ToolCall)
        part.pieces.append(delta := _delta(data))
        chunks.append(BlockDelta(0, part.index, "arguments", delta))

    def _single(self, data: dict[str, Any], kind: type) -> _Open:
        """The open block of an item that is one block."""
        part = self._item(data).parts.get(0)
        if part is None or not isinstance(part.block, kind):
            raise bad_order("The provider sent content that does not belong to its output item.")
        return part

    def _annotation(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        part = self._part(data, Text, chunks)
        chunks.append(AnnotationAdded(0, part.index, data.get("annotation")))

    def _item_done(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        ordinal = _index(data, "output_index")
        wire = data.get("item")
        item = self._items.get(ordinal) or self._add(ordinal, wire, chunks)
        self._finish(item, wire, chunks)

    def _finish(self, item: _Item, wire: object, chunks: list[Chunk]) -> None:
        """Stop the blocks of an item as its finished form has them, part by part in the order they were opened."""
        if item.done:
            return
        item.done = True
        if not isinstance(wire, dict) or wire.get("type") != item.kind:
            raise bad_shape("The provider finished an output item as another one than it had added.")
        blocks = parse_output_item(wire, item.ordinal, self._issuer)
        open_parts = [item.parts[position] for position in sorted(item.parts)]
        for position, block in enumerate(blocks):
            if position < len(open_parts):
                part = open_parts[position]
            else:
                part = self._open(item, len(item.parts) + position, opened(block), chunks)
            self._stop(part, block, chunks)
        for part in open_parts[len(blocks) :]:  # the finished form has fewer parts than were shown
            self._stop(part, _as_shown(part), chunks)

    def _stop(self, part: _Open, block: Block, chunks: list[Chunk]) -> None:
        match block:
            case Text() | Refusal():
                self._remaining(part, "text", block.text, chunks)
            case ToolCall():
                self._remaining(part, "arguments", block.arguments, chunks)
            case Reasoning():
                for position, summary in enumerate(block.summary):
                    if position not in part.summaries and summary:
                        chunks.append(BlockDelta(0, part.index, "summary", summary, position))
                self._remaining(part, "text", block.text or "", chunks)
            case _:
                pass
        chunks.append(BlockStop(0, part.index, block))

    def _remaining(self, part: _Open, kind: Any, whole: str, chunks: list[Chunk]) -> None:
        """What no delta said yet, for servers that send a call or a text whole."""
        shown = "".join(part.pieces)
        if len(whole) > len(shown) and whole.startswith(shown):
            chunks.append(BlockDelta(0, part.index, kind, whole[len(shown) :]))

    def _terminal(self, data: dict[str, Any], chunks: list[Chunk]) -> None:
        response = _response(data)
        if response.get("status") == "failed":
            raise parse_failure(data)
        output = response.get("output")
        self._settle(output if isinstance(output, list) else [], chunks)
        # Some servers leave the status at "in_progress"; the event's name is what counts.
        ended = {**response, "status": data["type"].removeprefix("response.")}
        finish, reason = parse_finish(ended, called=self._called)
        chunks.append(ChoiceStop(0, finish, ended["status"]))
        usage = parse_usage(response)
        if usage.source != "none":
            chunks.append(UsageUpdate(usage))
        chunks.append(End(reason, parse_extensions(response), parse_service_tier(response)))
        self._ended = True

    def _settle(self, output: list[Any], chunks: list[Chunk]) -> None:
        """Finish what the provider left open, and add what it shows only here. Known items are not told twice."""
        seen = {key for item in self._items.values() for key in _names(item.wire)}
        for ordinal, wire in enumerate(output):
            known = self._items.get(ordinal)
            if not isinstance(wire, dict):
                raise bad_shape("An output item of the provider's answer is not an object.")
            if known is not None and wire.get("type") == known.kind:
                self._finish(known, wire, chunks)
            elif seen.isdisjoint(_names(wire)) and (known is None or "call_id" in wire):
                place = ordinal if known is None else max(self._items) + 1
                self._finish(self._add(place, wire, chunks), wire, chunks)
        for item in self._items.values():
            if not item.done:
                item.done = True
                chunks += [BlockStop(0, part.index, _as_shown(part)) for part in item.parts.values()]


def bad_order(message: str) -> UpstreamError:
    return UpstreamError(Reason.BAD_RESPONSE, message, failure="bad_order", billed_risk=True)


def _response(data: Mapping[str, Any]) -> dict[str, Any]:
    response = data.get("response")
    if not isinstance(response, dict):
        raise bad_shape("An event of the provider's stream has no response object.")
    return response


def _index(data: Mapping[str, Any], key: str) -> int:
    value = data.get(key)
    if value is None and key != "output_index":
        return 0
    if type(value) is not int or not 0 <= value <= INDEX_LIMIT:
        raise bad_shape(f"An event of the provider's stream has no number '{key}'.")
    return value


def _delta(data: Mapping[str, Any]) -> str:
    delta = data.get("delta")
    if not isinstance(delta, str):
        raise bad_shape("A delta of the provider's stream is not text.")
    return delta


def _names(wire: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What tells an item from others: its id, and its call id."""
    return {(key, value) for key in ("id", "call_id") if isinstance(value := wire.get(key), str) and value}


def _as_shown(part: _Open) -> Block:
    """The block as its deltas made it."""
    text = "".join(part.pieces)
    match part.block:
        case Text():
            return Text(text, origin=part.block.origin)
        case Refusal():
            return Refusal(text, origin=part.block.origin)
        case ToolCall() as call:
            return ToolCall(call.id, call.name, text, call.kind, call.namespace, origin=call.origin)
        case Reasoning():
            size = max(part.summaries, default=-1) + 1
            summary = tuple("".join(part.summaries.get(position, ())) for position in range(size))
            return Reasoning(summary, text or None, origin=part.block.origin)
        case block:
            return block


_Handler = Callable[[ResponsesParser, dict[str, Any], list[Chunk]], None]

# The table is the class's own business: it names methods, not places in other objects.
_HANDLERS: dict[str, _Handler] = {
    "response.created": ResponsesParser._created,
    "response.output_item.added": ResponsesParser._item_added,
    "response.output_item.done": ResponsesParser._item_done,
    "response.content_part.added": ResponsesParser._part_added,
    "response.output_text.delta": ResponsesParser._text_delta,
    "response.output_text.annotation.added": ResponsesParser._annotation,
    "response.refusal.delta": ResponsesParser._refusal_delta,
    "response.reasoning_text.delta": ResponsesParser._reasoning_delta,
    "response.reasoning_summary_text.delta": ResponsesParser._summary_delta,
    "response.function_call_arguments.delta": ResponsesParser._arguments_delta,
    "response.custom_tool_call_input.delta": ResponsesParser._arguments_delta,
    "response.completed": ResponsesParser._terminal,
    "response.incomplete": ResponsesParser._terminal,
    "response.failed": ResponsesParser._fail,
    "error": ResponsesParser._fail,
}

_SILENT = frozenset(
    {
        "keepalive",
        "response.queued",
        "response.in_progress",
        "response.content_part.done",
        "response.output_text.done",
        "response.refusal.done",
        "response.reasoning_text.done",
        "response.reasoning_summary_part.added",
        "response.reasoning_summary_part.done",
        "response.reasoning_summary_text.done",
        "response.function_call_arguments.done",
        "response.custom_tool_call_input.done",
    }
)
"""Events that say nothing the others do not."""
