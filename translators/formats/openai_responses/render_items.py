"""Canonical messages to `input` items for a Responses provider, in order, every role in its place.

Ids of items are only sent where the provider stores answers: without storing, an id it cannot look up is a 404. What has no
item here is listed as a `Transform`; nothing leaves silently.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)

from .items import (
    FORMAT,
    HOSTED,
    SEALED,
    arguments_of,
    contiguous,
    fitting_call_id,
    is_prose,
    own_rest,
    render_data_url,
)


def render_items(messages: Iterable[Message], *, keep_ids: bool, losses: list[Transform]) -> list[dict[str, Any]]:
    """The items of `messages`. What could not be carried is added to `losses`."""
    return _Items(keep_ids=keep_ids, losses=losses).render(messages)


class _Items:
    """One pass over the messages; it remembers which calls were of custom tools, since chat's results do not say."""

    def __init__(self, *, keep_ids: bool, losses: list[Transform]) -> None:
        self._keep_ids = keep_ids
        self._losses = losses
        self._custom: set[str] = set()
        self._items: list[dict[str, Any]] = []

    def render(self, messages: Iterable[Message]) -> list[dict[str, Any]]:
        for index, message in enumerate(messages):
            place = f"messages[{index}]"
            if message.name is not None:
                self._lose(f"{place}.name", "this API has no names of participants")
            for member in message.extra:
                self._lose(f"{place}.{member}", "unknown member of a message")
            for group in contiguous(message.blocks, _in_message):
                self._group(message, group, place)
        return self._items

    def _lose(self, field: str, why: str, action: str = "dropped") -> None:
        self._losses.append(Transform(field, action, why))

    def _group(self, message: Message, group: list[Block], place: str) -> None:
        first = group[0]
        match first:
            case ToolCall():
                self._items.append(self._call(first))
            case ToolResult():
                self._items.append(self._result(first, place))
            case Reasoning():
                self._reasoning(first, place)
            case HostedItem():
                if first.raw.get("type") in HOSTED or (first.origin and first.origin.item_type):
                    self._items.append(first.raw)
                else:
                    self._lose(f"{place}.{first.tool}", "another provider's hosted tool")
            case Native() if not is_prose(first):
                if first.format == FORMAT:
                    self._items.append(first.raw)
                else:
                    self._lose(place, f"a part that only {first.format} knows")
            case _:
                self._message(message, group, place)

    def _message(self, message: Message, group: list[Block], place: str) -> None:
        role = "user" if message.role == "tool" else message.role
        parts = [part for block in group if (part := self._part(block, role, place)) is not None]
        if not parts:
            return
        origin = group[0].origin if role == "assistant" else message.origin
        item: dict[str, Any] = {"type": "message", "role": role, "content": parts}
        self._identify(item, origin)
        if origin and origin.phase:
            item["phase"] = origin.phase
        rest = own_rest(origin).get("message", {}) if role == "assistant" else own_rest(origin)
        self._items.append({**rest, **item})

    def _identify(self, item: dict[str, Any], origin: Origin | None) -> None:
        """The item's own id and status, where the provider can look them up."""
        if self._keep_ids and origin:
            members = {"id": origin.item_id, "status": origin.status}
            item.update({key: value for key, value in members.items() if value is not None})

    def _part(self, block: Block, role: str, place: str) -> Any:
        match block:
            case Text() if role == "assistant":
                rest = own_rest(block.origin)
                rest.pop("message", None)
                return {**rest, "type": "output_text", "text": block.text, "annotations": list(block.annotations)}
            case Text():
                return self._marked({**own_rest(block.origin), "type": "input_text", "text": block.text}, block)
            case Refusal():
                return {"type": "refusal", "refusal": block.text}
            case Media():
                return self._media(block, role, place)
            case Native() if block.format == FORMAT:
                return block.raw
            case Native():
                self._lose(place, f"a part that only {block.format} knows")
            case _:
                self._lose(place, f"{type(block).__name__} has no place in a message")
        return None

    def _marked(self, part: dict[str, Any], block: Text | Media) -> dict[str, Any]:
        if block.cache is not None:
            mark = {"mode": "explicit", "ttl": block.cache.ttl}
            part["prompt_cache_breakpoint"] = {key: value for key, value in mark.items() if value is not None}
        return part

    def _media(self, media: Media, role: str, place: str) -> dict[str, Any] | None:
        part: dict[str, Any]
        if role == "assistant":
            self._lose(f"{place}.{media.kind}", "an assistant's media cannot be sent back")
            return None
        match media.kind:
            case "image":
                part = {"type": "input_image"}
                if media.file_id:
                    part["file_id"] = media.file_id
                else:
                    part["image_url"] = media.url if media.data is None else _image_url(media)
                if media.detail is not None or media.origin is None or media.origin.item_type is None:
                    part["detail"] = media.detail or "auto"  # typed servers demand it
            case "file":
                part = {"type": "input_file"}
                members = {
                    "file_id": media.file_id,
                    "file_url": media.url,
                    "file_data": None if media.data is None else render_data_url(media),
                    "filename": media.filename,
                    "detail": media.detail,
                }
                part.update({key: value for key, value in members.items() if value is not None})
            case "audio" if media.data is not None:
                kind = (media.mime or "audio/wav").removeprefix("audio/")
                part = {"type": "input_audio", "input_audio": {"data": media.data, "format": kind}}
            case _:
                self._lose(f"{place}.{media.kind}", f"this API takes no {media.kind} of this form")
                return None
        return self._marked({**own_rest(media.origin), **part}, media)

    def _call(self, call: ToolCall) -> dict[str, Any]:
        item: dict[str, Any] = {**own_rest(call.origin), "call_id": fitting_call_id(call.id), "name": call.name}
        if call.kind == "custom":
            self._custom.add(call.id)
            item.update(type="custom_tool_call", input=call.arguments)
        else:
            item.update(type="function_call", arguments=arguments_of(call))
        if call.namespace is not None:
            item["namespace"] = call.namespace
        self._identify(item, call.origin)
        return item

    def _result(self, result: ToolResult, place: str) -> dict[str, Any]:
        custom = result.kind == "custom" or result.call_id in self._custom
        output: Any
        if len(result.content) == 1 and isinstance(text := result.content[0], Text) and text.cache is None:
            output = text.text
        else:
            parts = [self._part(block, "user", place) for block in result.content]
            output = [part for part in parts if part is not None]
        if not output and not isinstance(output, str):
            output = ""
        if result.cache is not None:
            self._lose(f"{place}.cache", "results have no cache breakpoint")
        if result.is_error:
            self._lose(f"{place}.is_error", "said as text: this API has no error flag", "reshaped")
            note = {"type": "input_text", "text": "Error:"}
            output = f"Error: {output}" if isinstance(output, str) else [note, *output]
        item = {
            **own_rest(result.origin),
            "type": "custom_tool_call_output" if custom else "function_call_output",
            "call_id": fitting_call_id(result.call_id),
            "output": output,
        }
        self._identify(item, result.origin)
        return item

    def _reasoning(self, block: Reasoning, place: str) -> None:
        """Reasoning goes back only to whom it came from: sealed, or by the id under which it is stored."""
        blob = next((opaque.data for opaque in block.opaque if opaque.kind == SEALED), None)
        stored = self._keep_ids and block.origin is not None and block.origin.item_id is not None
        if blob is None and not stored:
            self._lose(f"{place}.reasoning", "not sealed by this provider")
            return
        item: dict[str, Any] = {
            **own_rest(block.origin),
            "type": "reasoning",
            "summary": [{"type": "summary_text", "text": text} for text in block.summary],
        }
        if block.text is not None:
            item["content"] = [{"type": "reasoning_text", "text": block.text}]
        if blob is not None:
            item["encrypted_content"] = blob
        self._identify(item, block.origin)
        self._items.append(item)


def _in_message(block: Block) -> bool:
    return isinstance(block, Media) or is_prose(block)


def _image_url(media: Media) -> str:
    return f"data:{media.mime or 'image/png'};base64,{media.data}"
