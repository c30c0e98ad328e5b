"""How one output item is told as events, from `output_item.added` to `output_item.done`. One writer per open item.

A writer knows the order of events inside its item and nothing of other items. Its finished item is made by the same
functions as in a whole answer, so the two are equal by construction. Indices are contiguous from 0, as openai-node demands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from translators.canonical import (
    AnnotationAdded,
    Block,
    BlockDelta,
    HostedItem,
    Media,
    Native,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
)

from .items import is_prose, item_of
from .render_output import (
    Seal,
    Status,
    render_annotation,
    render_call,
    render_image,
    render_logprobs,
    render_message,
    render_part,
    render_reasoning,
)

Emit = Callable[..., None]
"""Send one event: its type, then its members by name. Numbering is the caller's business."""


class ItemWriter(Protocol):
    """`start` opens the item or one more block of it, `stop` closes the block; `finish` ends the item."""

    item_id: str
    output_index: int

    def start(self, block: Block) -> None: ...

    def takes(self, block: Block) -> bool:
        """Whether `block`, which follows, belongs to the same item."""
        ...

    def delta(self, delta: BlockDelta) -> None: ...

    def annotate(self, added: AnnotationAdded) -> None: ...

    def stop(self, block: Block) -> None: ...

    def finish(self, status: Status) -> dict[str, Any]: ...


def writer_for(block: Block, kind: str, emit: Emit, item_id: str, index: int, *, seal: Seal) -> ItemWriter:
    """The writer of an item of type `kind` that begins with `block`."""
    if kind == "message":
        return MessageWriter(emit, item_id, index, block.origin)
    if isinstance(block, Reasoning):
        return ReasoningWriter(emit, item_id, index, seal=seal)
    if isinstance(block, ToolCall):
        return CallWriter(emit, item_id, index)
    return WholeWriter(emit, item_id, index)


class _Writer:
    """What all writers share."""

    __slots__ = ("_emit", "item_id", "output_index")

    def __init__(self, emit: Emit, item_id: str, index: int) -> None:
        self._emit = emit
        self.item_id = item_id
        self.output_index = index

    def takes(self, block: Block) -> bool:
        return False

    def annotate(self, added: AnnotationAdded) -> None:
        """Annotations belong to text. One that comes with anything else shows in the finished item, if at all."""

    def _added(self, item: dict[str, Any]) -> None:
        self._emit("response.output_item.added", output_index=self.output_index, item=item)

    def _done(self, item: dict[str, Any]) -> dict[str, Any]:
        self._emit("response.output_item.done", output_index=self.output_index, item=item)
        return item


class MessageWriter(_Writer):
    """A message: one content part per block of text or refusal."""

    __slots__ = ("_annotations", "_block", "_item", "_origin", "_parts", "_shown")

    def __init__(self, emit: Emit, item_id: str, index: int, origin: Origin | None) -> None:
        super().__init__(emit, item_id, index)
        self._origin = origin
        self._item = origin.item if origin else None
        self._parts: list[Any] = []
        self._block: Block | None = None
        self._shown = False
        self._annotations = 0
        self._added(render_message([], _unfinished(origin), item_id, "in_progress"))

    def takes(self, block: Block) -> bool:
        return is_prose(block) and item_of(block) == self._item

    def start(self, block: Block) -> None:
        self._block = block
        self._shown = False
        self._annotations = 0
        self._emit("response.content_part.added", **self._place(), part=_empty_part(block))

    def _place(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "output_index": self.output_index, "content_index": len(self._parts)}

    def delta(self, delta: BlockDelta) -> None:
        self._shown = True
        if isinstance(self._block, Refusal):
            self._emit("response.refusal.delta", **self._place(), delta=delta.value)
        elif isinstance(self._block, Text) or delta.field == "transcript":
            self._emit(
                "response.output_text.delta",
                **self._place(),
                delta=delta.value,
                logprobs=render_logprobs(delta.logprobs),
            )

    def annotate(self, added: AnnotationAdded) -> None:
        self._annotation(added.annotation)

    def _annotation(self, annotation: Any) -> None:
        self._emit(
            "response.output_text.annotation.added",
            **self._place(),
            annotation_index=self._annotations,
            annotation=render_annotation(annotation),
        )
        self._annotations += 1

    def stop(self, block: Block) -> None:
        self._block = block
        part = render_part(block)
        if isinstance(block, Refusal):
            if block.text and not self._shown:
                self.delta(BlockDelta(0, 0, "text", block.text))
            self._emit("response.refusal.done", **self._place(), refusal=block.text)
        elif isinstance(block, (Text, Media)):
            if part["text"] and not self._shown:
                self.delta(BlockDelta(0, 0, "transcript", part["text"]))
            for annotation in part["annotations"][self._annotations :]:
                self._annotation(annotation)
            self._emit("response.output_text.done", **self._place(), text=part["text"], logprobs=part["logprobs"])
        self._emit("response.content_part.done", **self._place(), part=part)
        if not self._parts:
            self._origin = block.origin
        self._parts.append(part)

    def finish(self, status: Status) -> dict[str, Any]:
        return self._done(render_message(self._parts, self._origin, self.item_id, status))


def _unfinished(origin: Origin | None) -> Origin | None:
    """Only the phase of a message is told before it is whole."""
    return Origin(item_type="message", phase=origin.phase) if origin and origin.phase else None


def _empty_part(block: Block) -> Any:
    if isinstance(block, Refusal):
        return {"type": "refusal", "refusal": ""}
    if isinstance(block, Native):
        return block.raw
    return {"type": "output_text", "text": "", "annotations": [], "logprobs": []}


class CallWriter(_Writer):
    """A call of a function or a custom tool."""

    __slots__ = ("_block", "_shown")

    def start(self, block: Block) -> None:
        if not isinstance(block, ToolCall):
            raise TypeError("a call's item holds one call")
        self._block = block
        self._shown = False
        self._added(render_call(_emptied(block), self.item_id, "in_progress"))

    def delta(self, delta: BlockDelta) -> None:
        if delta.value:
            self._shown = True
            self._more(delta.value)

    def _more(self, text: str) -> None:
        name = "function_call_arguments" if self._block.kind == "function" else "custom_tool_call_input"
        self._emit(f"response.{name}.delta", item_id=self.item_id, output_index=self.output_index, delta=text)

    def stop(self, block: Block) -> None:
        if isinstance(block, ToolCall):
            self._block = block

    def finish(self, status: Status) -> dict[str, Any]:
        """A call that was cut keeps what it has; a whole one has arguments that are JSON."""
        item = render_call(self._block, self.item_id, status)
        place: dict[str, Any] = {"item_id": self.item_id, "output_index": self.output_index}
        text = item["arguments"] if self._block.kind == "function" else item["input"]
        if text and not self._shown:
            self._more(text)
        if self._block.kind == "function":
            self._emit("response.function_call_arguments.done", **place, name=item["name"], arguments=text)
        else:
            self._emit("response.custom_tool_call_input.done", **place, input=text)
        return self._done(item)


def _emptied(call: ToolCall) -> ToolCall:
    return ToolCall(call.id, call.name, "", call.kind, call.namespace, origin=call.origin)


class ReasoningWriter(_Writer):
    """A reasoning item: summary parts one after the other, and the raw text as one content part."""

    __slots__ = ("_block", "_closed", "_open", "_raw", "_seal", "_texts")

    def __init__(self, emit: Emit, item_id: str, index: int, *, seal: Seal) -> None:
        super().__init__(emit, item_id, index)
        self._seal = seal
        self._block = Reasoning()
        self._open = False  # the last summary part is
        self._texts: list[str] = []  # of the summary parts so far
        self._raw: str | None = None
        self._closed = 0

    def start(self, block: Block) -> None:
        self._added({"id": self.item_id, "type": "reasoning", "summary": []})

    def delta(self, delta: BlockDelta) -> None:
        if delta.field == "text":
            self._raw_delta(delta.value)
        else:
            self._reach(delta.summary_index)
            self._texts[-1] += delta.value
            self._summary("text.delta", delta=delta.value)

    def _raw_delta(self, text: str) -> None:
        if self._raw is None:
            self._raw = ""
            self._emit("response.content_part.added", **self._content(), part={"type": "reasoning_text", "text": ""})
        self._raw += text
        self._emit("response.reasoning_text.delta", **self._content(), delta=text)

    def _content(self) -> dict[str, Any]:
        return {"item_id": self.item_id, "output_index": self.output_index, "content_index": 0}

    def _summary(self, event: str, **members: Any) -> None:
        self._emit(
            f"response.reasoning_summary_{event}",
            item_id=self.item_id,
            output_index=self.output_index,
            summary_index=len(self._texts) - 1,
            **members,
        )

    def _reach(self, index: int) -> None:
        """Open summary parts up to `index`, closing the one before. A part that is passed cannot be reopened."""
        while len(self._texts) <= index:
            self._close_summary()
            self._texts.append("")
            self._open = True
            self._summary("part.added", part={"type": "summary_text", "text": ""})

    def _close_summary(self) -> None:
        if self._open:
            self._open = False
            self._summary("text.done", text=self._texts[-1])
            self._summary("part.done", part={"type": "summary_text", "text": self._texts[-1]})

    def stop(self, block: Block) -> None:
        if not isinstance(block, Reasoning):
            return
        self._block = block
        for index, text in enumerate(block.summary):
            if index >= len(self._texts):
                self.delta(BlockDelta(0, 0, "summary", text, summary_index=index))
        self._close_summary()
        if block.text and self._raw is None:
            self._raw_delta(block.text)
        if self._raw is not None:
            text = block.text or self._raw
            self._emit("response.reasoning_text.done", **self._content(), text=text)
            self._emit("response.content_part.done", **self._content(), part={"type": "reasoning_text", "text": text})

    def finish(self, status: Status) -> dict[str, Any]:
        return self._done(render_reasoning(self._block, self.item_id, seal=self._seal))


class WholeWriter(_Writer):
    """An item that is only shown whole: a hosted tool's activity, an unknown item, a generated image."""

    __slots__ = ("_block",)

    def start(self, block: Block) -> None:
        self._block = block
        raw = block.raw if isinstance(block, (HostedItem, Native)) else None
        if isinstance(raw, dict):
            self._added({**raw, "id": self.item_id})
        else:
            self._added({"id": self.item_id, "type": "image_generation_call", "status": "in_progress", "result": None})

    def delta(self, delta: BlockDelta) -> None:
        """Nothing of it is told in pieces."""

    def stop(self, block: Block) -> None:
        self._block = block

    def finish(self, status: Status) -> dict[str, Any]:
        if isinstance(self._block, Media):
            return self._done(render_image(self._block, self.item_id))
        raw = self._block.raw if isinstance(self._block, (HostedItem, Native)) else {}
        return self._done({**raw, "id": self.item_id})
