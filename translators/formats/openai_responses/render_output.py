"""Canonical blocks to output items of a Responses answer, whole. The streaming renderer uses the same pieces.

Blobs leave here in one string: the provider's own where no seal is given and the client asked for it, else sealed, since
their issuer must be known when they come back. What the
Responses API has no item for (sound, video, another provider's hosted tools) has no place in an answer to its clients.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Literal

from translators.canonical import Block, HostedItem, Media, Native, Opaque, Origin, Reasoning, Refusal, Text, ToolCall
from translators.formats import RenderContext

from .items import (
    FORMAT,
    HOSTED,
    INCLUDE_SEALED,
    PREFIXES,
    SEALED,
    arguments_of,
    contiguous,
    fitting_call_id,
    is_prose,
    own_rest,
)

Status = Literal["in_progress", "completed", "incomplete"]

Seal = Callable[[tuple[Opaque, ...]], str | None]
"""What of a reasoning item's blobs goes to the client as `encrypted_content`; None for nothing."""


def seal_of(context: RenderContext) -> Seal:
    """The context's own seal, else the blob of this format as it is, if the client asked for it."""
    if context.seal is not None:
        return partial(_sealed, context.seal, context.issuer)
    if INCLUDE_SEALED not in context.request.state.include:
        return _nothing
    return _as_it_is


def _sealed(seal: Callable[[tuple[Opaque, ...]], str], issuer: str, blobs: tuple[Opaque, ...]) -> str:
    # A thought without a blob is marked as its model's own: sent to OpenAI bare, it would be looked up by its id.
    return seal(blobs or (Opaque(issuer, "none", ""),))


def _as_it_is(blobs: tuple[Opaque, ...]) -> str | None:
    return next((blob.data for blob in blobs if blob.kind == SEALED), None)


def _nothing(blobs: tuple[Opaque, ...]) -> str | None:
    return None


class Ids:
    """Mints ids of items: the provider's own where it looks like one and is not taken, else a new one."""

    __slots__ = ("_mint", "_used")

    def __init__(self, mint: Callable[[str], str]) -> None:
        self._mint = mint
        self._used: set[str] = set()

    def of(self, kind: str, origin: Origin | None) -> str:
        prefix = PREFIXES.get(kind, "")
        own = origin.item_id if origin else None
        if not isinstance(own, str) or not own or not own.startswith(prefix) or own in self._used:
            own = self._mint(prefix or "item_")
        self._used.add(own)
        return own


def render_output(blocks: tuple[Block, ...], ids: Ids, *, seal: Seal, incomplete: bool) -> list[dict[str, Any]]:
    """The items that `blocks` make, in order. `incomplete`: the answer was cut, so its last item is not whole."""
    groups = [group for group in contiguous(blocks) if item_kind(group[0]) is not None]
    items: list[dict[str, Any]] = []
    for position, group in enumerate(groups):
        last = position == len(groups) - 1
        status: Status = "incomplete" if incomplete and last else "completed"
        items.append(render_item(group, ids.of(item_kind(group[0]) or "", group[0].origin), status, seal=seal))
    return items


_MEDIA_ITEMS = {"image": "image_generation_call", "audio": "message"}
"""Where generated media are shown. Sound can only be shown as the words it says."""


def item_kind(block: Block) -> str | None:
    """The type of the item a block goes into; None for what this format cannot show."""
    match block:
        case Text() | Refusal():
            return "message"
        case Reasoning():
            return "reasoning"
        case ToolCall():
            return "function_call" if block.kind == "function" else "custom_tool_call"
        case HostedItem():
            kind = _raw_type(block.raw)
            return kind if kind in HOSTED or (block.origin and block.origin.item_type) else None
        case Native():
            if block.format != FORMAT:
                return None
            return "message" if is_prose(block) else _raw_type(block.raw)
        case Media():
            return _MEDIA_ITEMS.get(block.kind)
        case _:
            return None


def _raw_type(raw: object) -> str | None:
    kind = raw.get("type") if isinstance(raw, dict) else None
    return kind if isinstance(kind, str) else None


def render_item(group: list[Block], item_id: str, status: Status, *, seal: Seal) -> dict[str, Any]:
    """The finished item of one group of blocks, all of the same kind (see `items.contiguous`)."""
    first = group[0]
    match first:
        case Reasoning():
            return render_reasoning(first, item_id, seal=seal)
        case ToolCall():
            return render_call(first, item_id, status)
        case HostedItem():
            return {**first.raw, "id": item_id}
        case Native() if not is_prose(first):
            return {**first.raw, "id": item_id}
        case Media() if first.kind == "image":
            return render_image(first, item_id)
        case _:
            return render_message([render_part(block) for block in group], first.origin, item_id, status)


def render_message(parts: list[Any], origin: Origin | None, item_id: str, status: Status) -> dict[str, Any]:
    item: dict[str, Any] = {
        "id": item_id,
        "type": "message",
        "status": _status(origin, status),
        "role": "assistant",
        "content": parts,
    }
    if origin and origin.phase:
        item["phase"] = origin.phase
    return {**own_rest(origin).get("message", {}), **item}


def _status(origin: Origin | None, status: Status) -> str:
    """The provider's word for a finished item wins: it knows which of several was cut."""
    known = origin.status if origin else None
    return known if known == "incomplete" and status != "in_progress" else status


def render_part(block: Block) -> Any:
    """A block as a part of a message."""
    match block:
        case Refusal():
            return {**_part_rest(block.origin), "type": "refusal", "refusal": block.text}
        case Native():
            return block.raw
        case Media():
            return render_text(Text(block.transcript or ""))
        case Text():
            return render_text(block)
        case _:
            raise TypeError(f"{type(block).__name__} is no part of a message")


def render_text(block: Text) -> dict[str, Any]:
    return {
        **_part_rest(block.origin),
        "type": "output_text",
        "text": block.text,
        "annotations": [render_annotation(annotation) for annotation in block.annotations],
        "logprobs": render_logprobs(block.logprobs),
    }


def _part_rest(origin: Origin | None) -> dict[str, Any]:
    rest = own_rest(origin)
    rest.pop("message", None)
    return rest


def render_annotation(annotation: Any) -> Any:
    """An annotation in this API's flat spelling; chat nests its members under the name of its type."""
    kind = annotation.get("type") if isinstance(annotation, dict) else None
    nested = annotation.get(kind) if isinstance(kind, str) else None
    return {"type": kind, **nested} if isinstance(nested, dict) else annotation


def render_logprobs(logprobs: tuple[Any, ...] | None) -> list[Any]:
    """Token probabilities; `bytes`, nullable in chat, is a list here."""
    return [_logprob(entry) for entry in logprobs or ()]


def _logprob(entry: Any) -> Any:
    if not isinstance(entry, dict):
        return entry
    known = {**entry, "bytes": entry.get("bytes") or []}
    known["top_logprobs"] = [
        {**other, "bytes": other.get("bytes") or []}
        for other in entry.get("top_logprobs") or ()
        if isinstance(other, dict)
    ]
    return known


def render_reasoning(block: Reasoning, item_id: str, *, seal: Seal) -> dict[str, Any]:
    item: dict[str, Any] = {
        **own_rest(block.origin),
        "id": item_id,
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": text} for text in block.summary],
    }
    if block.text is not None:
        item["content"] = [{"type": "reasoning_text", "text": block.text}]
    if (blob := seal(block.opaque)) is not None:
        item["encrypted_content"] = blob
    if block.origin and block.origin.status:
        item["status"] = block.origin.status
    return item


def render_call(block: ToolCall, item_id: str, status: Status) -> dict[str, Any]:
    item: dict[str, Any] = {
        **own_rest(block.origin),
        "id": item_id,
        "type": "function_call" if block.kind == "function" else "custom_tool_call",
        "status": _status(block.origin, status),
        "call_id": fitting_call_id(block.id),
        "name": block.name,
    }
    if block.kind == "function":
        # A call that was cut may have nothing yet; a whole one is JSON.
        item["arguments"] = block.arguments if item["status"] != "completed" else arguments_of(block)
    else:
        item["input"] = block.arguments
    if block.namespace is not None:
        item["namespace"] = block.namespace
    return item


def render_image(block: Media, item_id: str) -> dict[str, Any]:
    item = {"id": item_id, "type": "image_generation_call", "status": "completed", "result": block.data}
    if block.mime and block.mime.startswith("image/"):
        item["output_format"] = block.mime.removeprefix("image/")
    return item
