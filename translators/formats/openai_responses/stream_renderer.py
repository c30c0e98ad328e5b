"""Chunks to the event stream of a Responses client: created, in_progress, items one after the other, one terminal event.

Blocks may be open at the same time; items with text or calls may not: what belongs to a later one waits until the earlier
one is closed. Reasoning and hosted tools stay open beside others, since some providers finish them only at the end.
`sequence_number` counts every event from 0 without gaps, the failure's too. Only choice 0 has a place here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from translators.canonical import (
    NO_USAGE,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    HostedItem,
    JochError,
    Native,
    NativeEvent,
    Reasoning,
    Refusal,
    Start,
    UsageUpdate,
)
from translators.formats import RenderContext, json, sse

from .items import FORMAT
from .render_output import Ids, Status, item_kind, seal_of
from .render_response import (
    finished,
    render_echo,
    render_failed,
    render_usage,
    response_id,
    status_of_finish,
)
from .stream_items import ItemWriter, writer_for


class ResponsesRenderer:
    """The `StreamRenderer` of this format. One per stream."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._wire = render_echo(context.request)
        self._ids = Ids(context.new_id)
        self._seal = seal_of(context)
        self._out: list[bytes] = []
        self._sequence = 0
        self._started = False
        self._items: list[dict[str, Any] | None] = []  # by output index; None while an item is open
        self._writer: ItemWriter | None = None  # of the item that is not done yet
        self._active: int | None = None  # the block that is being written
        self._beside: dict[int, ItemWriter] = {}  # blocks that stay open beside the active one
        self._waiting: dict[int, list[Chunk]] = {}
        self._stopped: set[int] = set()
        self._owners: dict[str, int] = {}  # the provider's item id to the block it opened
        self._renamed: dict[str, str] = {}  # the provider's item id to ours
        self._stop: ChoiceStop | None = None
        self._refused = False
        self._usage = NO_USAGE

    def render(self, chunks: Iterable[Chunk]) -> bytes:
        for chunk in chunks:
            _HANDLERS[type(chunk)](self, chunk)
        return self._taken()

    def fail(self, error: JochError) -> bytes:
        """`error`, readable both flat and nested (openai-python raises on the latter only), then `response.failed`."""
        if not self._started:
            self._open_response("")
        body = error.body
        self._emit(
            "error",
            code=body.code,
            message=body.message,
            param=body.param,
            error={"type": body.type, "code": body.code, "message": body.message, "param": body.param},
        )
        usage = None if self._usage.source == "none" else render_usage(self._usage)
        self._emit("response.failed", response=render_failed(self._wire, error, self._finished_items(), usage))
        return self._taken()

    def _taken(self) -> bytes:
        out, self._out = b"".join(self._out), []
        return out

    def _emit(self, kind: str, **members: Any) -> None:
        data = {"type": kind, "sequence_number": self._sequence, **members}
        self._sequence += 1
        self._out.append(sse.render(json.dumps(data), kind.encode()))

    def _start(self, chunk: Start) -> None:
        if self._started:
            return
        if chunk.service_tier is not None:
            self._wire["service_tier"] = chunk.service_tier
        if chunk.model:
            self._wire["model"] = chunk.model
        self._wire["created_at"] = chunk.created
        self._open_response(chunk.id)
        self._emit("response.in_progress", response=self._wire)

    def _open_response(self, given: str) -> None:
        self._started = True
        self._wire["id"] = response_id(given, self._context)
        self._wire["created_at"] = self._wire["created_at"] or self._context.created
        self._emit("response.created", response=self._wire)

    def _block(self, chunk: BlockStart | BlockDelta | BlockStop | AnnotationAdded) -> None:
        if chunk.choice == 0:
            self._route(chunk.index, chunk)

    def _route(self, index: int, chunk: Chunk) -> None:
        """Write what belongs to the active block, keep what belongs to a later one."""
        if isinstance(chunk, BlockStart) and chunk.block.origin and chunk.block.origin.item_id:
            self._owners.setdefault(chunk.block.origin.item_id, index)
        if index in self._beside:
            self._write_beside(index, chunk)
            return
        if self._active is None and isinstance(chunk, BlockStart):
            self._active = index
        if index != self._active:
            self._waiting.setdefault(index, []).append(chunk)
            return
        self._write(chunk)
        while self._active is None and self._waiting:
            index = self._active = next(iter(self._waiting))
            for waiting in self._waiting.pop(index):
                if index in self._beside:
                    self._write_beside(index, waiting)
                else:
                    self._write(waiting)

    def _write_beside(self, index: int, chunk: Chunk) -> None:
        writer = self._beside[index]
        if isinstance(chunk, BlockDelta):
            writer.delta(chunk)
        elif isinstance(chunk, BlockStop):
            writer.stop(chunk.block)
            self._items[writer.output_index] = writer.finish("completed")
            self._stopped.add(index)
            del self._beside[index]
        elif isinstance(chunk, NativeEvent):
            self._progress(chunk, writer)

    def _write(self, chunk: Chunk) -> None:
        writer = self._writer
        if isinstance(chunk, BlockStart):
            self._open(chunk.index, chunk.block)
        elif isinstance(chunk, BlockStop):
            if writer is not None:
                self._refused = self._refused or isinstance(chunk.block, Refusal)
                writer.stop(chunk.block)
            self._stopped.add(chunk.index)
            self._active = None
        elif writer is None:
            return
        elif isinstance(chunk, BlockDelta):
            writer.delta(chunk)
        elif isinstance(chunk, AnnotationAdded):
            writer.annotate(chunk)
        elif isinstance(chunk, NativeEvent):
            self._progress(chunk, writer)

    def _open(self, index: int, block: Block) -> None:
        kind = item_kind(block)
        if self._writer is not None and not self._writer.takes(block):
            self._close_item("completed")
        if kind is None:  # this API has no item for it
            self._close_item("completed")
            return
        if self._writer is None:
            item_id = self._ids.of(kind, block.origin)
            if block.origin and block.origin.item_id:
                self._renamed[block.origin.item_id] = item_id
            writer = writer_for(block, kind, self._emit, item_id, len(self._items), seal=self._seal)
            self._items.append(None)
            if kind != "message" and isinstance(block, (Reasoning, HostedItem, Native)):
                self._beside[index] = writer
                self._active = None
                writer.start(block)
                return
            self._writer = writer
        self._writer.start(block)

    def _close_item(self, status: Status) -> None:
        if self._writer is not None:
            self._items[self._writer.output_index] = self._writer.finish(status)
            self._writer = None

    def _finished_items(self) -> list[dict[str, Any]]:
        return [item for item in self._items if item is not None]

    def _native(self, chunk: NativeEvent) -> None:
        """An event of this format without canonical meaning: the progress of a hosted tool, or news we do not know."""
        if chunk.format != FORMAT or not isinstance(chunk.data, dict) or not self._started:
            return
        if "output_index" not in chunk.data:
            self._pass_on(chunk, chunk.data)
            return
        newest = max(self._beside, default=self._active)
        owner = self._owners.get(str(chunk.data.get("item_id")), newest)
        if owner is not None and owner not in self._stopped:  # what is over has no place for late news
            self._route(owner, chunk)

    def _progress(self, chunk: NativeEvent, writer: ItemWriter) -> None:
        data = {**chunk.data, "output_index": writer.output_index}
        if "item_id" in data:
            data["item_id"] = self._renamed.get(str(data["item_id"]), writer.item_id)
        self._pass_on(chunk, data)

    def _pass_on(self, chunk: NativeEvent, data: dict[str, Any]) -> None:
        members = {key: value for key, value in data.items() if key not in ("type", "sequence_number")}
        self._emit(chunk.name or str(data.get("type")), **members)

    def _choice_stop(self, chunk: ChoiceStop) -> None:
        if chunk.choice == 0:
            self._stop = chunk

    def _usage_update(self, chunk: UsageUpdate) -> None:
        self._usage = chunk.usage

    def _end(self, chunk: End) -> None:
        finish, raw = (self._stop.finish, self._stop.finish_raw) if self._stop else (Finish.STOP, None)
        status, reason = status_of_finish(finish, raw, chunk.incomplete_reason, refused=self._refused)
        self._close_item("incomplete" if status == "incomplete" else "completed")
        if chunk.service_tier is not None:
            self._wire["service_tier"] = chunk.service_tier
        response = finished(
            {**chunk.extensions, **self._wire},
            self._context,
            status=status,
            reason=reason,
            output=self._finished_items(),
            usage=render_usage(self._usage),
        )
        self._emit(f"response.{status}", response=response)


_HANDLERS: dict[type, Callable[[ResponsesRenderer, Any], None]] = {
    Start: ResponsesRenderer._start,
    BlockStart: ResponsesRenderer._block,
    BlockDelta: ResponsesRenderer._block,
    BlockStop: ResponsesRenderer._block,
    AnnotationAdded: ResponsesRenderer._block,
    ChoiceStop: ResponsesRenderer._choice_stop,
    UsageUpdate: ResponsesRenderer._usage_update,
    NativeEvent: ResponsesRenderer._native,
    End: ResponsesRenderer._end,
}
