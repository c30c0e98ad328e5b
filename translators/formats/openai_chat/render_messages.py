"""Canonical messages to chat's, with what is lost on the way.

Instructions become the first system message. Media in a tool's result move to a user message behind the results, since chat
takes text there. Reasoning text goes out as `reasoning_content`; sealed reasoning has no place in chat.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import (
    Block,
    CacheHint,
    HostedItem,
    Media,
    Message,
    Native,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats import Wire

from .messages import FORMAT
from .render_response import media_url, visible


class Losses:
    """The transforms of one request, each said once. `own`: the client spoke chat itself."""

    def __init__(self, *, own: bool) -> None:
        self.own = own
        self.transforms: list[Transform] = []

    def add(self, field: str, action: str, detail: str) -> None:
        transform = Transform(field, action, detail)
        if transform not in self.transforms:
            self.transforms.append(transform)

    def drop(self, field: str, detail: str) -> None:
        self.add(field, "dropped", detail)


def render_messages(request: Request, losses: Losses) -> list[Wire]:
    rendered: list[Wire] = []
    if request.instructions:
        losses.add("instructions", "mapped", "a system message in first place")
        rendered += _Message(Message("system", request.instructions), losses).rendered()
    hoisted: list[Wire] = []
    for message in request.messages:
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        if not results and hoisted:
            rendered.append({"role": "user", "content": hoisted})
            hoisted = []
        for result in results:
            rendered.append(_result(result, hoisted, losses))
        blocks = tuple(block for block in message.blocks if not isinstance(block, ToolResult))
        if results and not blocks:
            continue
        rendered += _Message(
            Message(message.role, blocks, message.name, message.origin, message.extra), losses
        ).rendered()
    if hoisted:
        rendered.append({"role": "user", "content": hoisted})
    return rendered


def _result(result: ToolResult, hoisted: list[Wire], losses: Losses) -> Wire:
    texts: list[str] = []
    moved: list[Wire] = []
    for block in result.content:
        match block:
            case Text() | Refusal():
                texts.append(block.text)
                if isinstance(block, Text) and block.cache is not None:
                    losses.drop("messages.tool_result.cache", "chat has no cache breakpoint on a tool's result")
            case Media():
                part = _media(block, losses)
                moved += [part] if part is not None else []
            case Native() if block.format == FORMAT:
                moved.append(block.raw)
            case _:
                losses.drop("messages.tool_result", f"chat cannot carry {type(block).__name__} in a tool's result")
    if moved:
        note = f"Output of tool call {result.call_id}:"
        hoisted += [{"type": "text", "text": note}, *moved]
        losses.add("messages.tool_result.media", "reshaped", "moved to a user message behind the tool's result")
    text = "".join(texts)
    if result.is_error:
        text = f"Error: {text}"
        losses.add("messages.tool_result.is_error", "mapped", "said in the text")
    if result.cache is not None:
        losses.drop("messages.tool_result.cache", "chat has no cache breakpoint on a tool's result")
    shown: Wire = {"role": "tool", "tool_call_id": result.call_id, "content": text}
    if result.name is not None:
        shown["name"] = result.name
    return shown


class _Message:
    """One message other than a tool's result, gathered block by block."""

    def __init__(self, message: Message, losses: Losses) -> None:
        self._message = message
        self._losses = losses
        self._parts: list[Wire] = []
        self._calls: list[Wire] = []
        self._members: Wire = {}
        self._thoughts: list[str] = []

    def rendered(self) -> list[Wire]:
        """The message, or nothing when none of its blocks has a form in chat."""
        for block in self._message.blocks:
            self._add(block)
        if not (self._parts or self._calls or self._members or self._thoughts) and self._message.blocks:
            return []
        shown: Wire = {"role": self._message.role, "content": self._content()}
        if self._message.name is not None:
            shown["name"] = self._message.name
        if self._thoughts:
            shown["reasoning_content"] = "\n\n".join(self._thoughts)
        shown.update(self._members)
        if self._calls:
            shown["tool_calls"] = self._calls
        self._extra(shown)
        return [shown]

    def _extra(self, shown: Wire) -> None:
        for key, value in self._message.extra.items():
            if self._losses.own:
                shown.setdefault(key, value)
            else:
                self._losses.drop(f"messages.extra.{key}", "a member of another dialect")

    def _content(self) -> Any:
        parts = self._parts
        if not parts:
            return None if self._calls or self._members or self._thoughts else ""
        if all(part.keys() == {"type", "text"} for part in parts) and (len(parts) == 1 or self._is_assistant):
            return "".join(part["text"] for part in parts)
        return parts

    @property
    def _is_assistant(self) -> bool:
        return self._message.role == "assistant"

    def _add(self, block: Block) -> None:
        match block:
            case Text():
                self._text(block)
            case Refusal():
                if block.logprobs:
                    self._losses.drop("messages.logprobs", "chat takes none in a request")
                self._members["refusal"] = self._members.get("refusal", "") + block.text
            case Media():
                if self._is_assistant and block.kind == "audio" and block.file_id is not None:
                    self._members["audio"] = {"id": block.file_id}
                elif (part := _media(block, self._losses)) is not None:
                    self._parts.append(_marked(part, block.cache))
            case Reasoning():
                self._reasoning(block)
            case ToolCall():
                self._calls.append(self._call(block))
            case Native() if block.format == FORMAT:
                self._parts.append(block.raw)
            case HostedItem():
                self._losses.drop(f"messages.hosted.{block.tool}", "chat has no form for a hosted tool's activity")
            case _:
                self._losses.drop("messages.native", "an element of another dialect")

    def _text(self, block: Text) -> None:
        if block.annotations:
            self._losses.drop("messages.annotations", "chat takes none in a request")
        if block.logprobs:
            self._losses.drop("messages.logprobs", "chat takes none in a request")
        self._parts.append(_marked({"type": "text", "text": block.text}, block.cache))

    def _reasoning(self, block: Reasoning) -> None:
        text = visible(block)
        if text:
            self._thoughts.append(text)
        if block.opaque:
            self._losses.drop("messages.reasoning.opaque", "sealed reasoning has no place in chat")
        if block.cache is not None:
            self._losses.drop("messages.reasoning.cache", "chat has no cache breakpoint on reasoning")

    def _call(self, call: ToolCall) -> Wire:
        name = call.name
        if call.namespace is not None:
            name = f"{call.namespace}__{name}"
            self._losses.add("messages.tool_call.namespace", "mapped", "joined to the name")
        if call.kind == "custom":
            shown: Wire = {"id": call.id, "type": "custom", "custom": {"name": name, "input": call.arguments}}
        else:
            shown = {"id": call.id, "type": "function", "function": {"name": name, "arguments": call.arguments}}
        rest = call.origin.rest if call.origin is not None and self._losses.own else None
        if rest:
            shown.update(rest)
        elif call.opaque:
            self._losses.drop("messages.tool_call.opaque", "sealed reasoning has no place in chat")
        return shown


def _marked(part: Wire, cache: CacheHint | None) -> Wire:
    if cache is not None:
        part["prompt_cache_breakpoint"] = {"mode": "explicit"} | ({"ttl": cache.ttl} if cache.ttl else {})
    return part


def _media(media: Media, losses: Losses) -> Wire | None:
    """The part for a medium; None, and listed, when chat has no form for the way it is given."""
    located = media.url is not None or media.data is not None
    if media.kind == "image" and located:
        image: Wire = {"url": media_url(media)}
        if media.detail is not None:
            image["detail"] = media.detail
        return {"type": "image_url", "image_url": image}
    if media.kind == "video" and located:
        return {"type": "video_url", "video_url": {"url": media_url(media)}}
    if media.kind == "audio" and media.data is not None:
        form = (media.mime or "audio/wav").removeprefix("audio/")
        return {"type": "input_audio", "input_audio": {"data": media.data, "format": form}}
    if media.kind == "file" and (media.file_id is not None or media.data is not None):
        return {"type": "file", "file": _file(media)}
    way = "an id" if media.file_id is not None else "a URL" if media.url is not None else "nothing"
    losses.drop(f"messages.{media.kind}", f"chat takes no {media.kind} given by {way}")
    return None


def _file(media: Media) -> Wire:
    file: Wire = {}
    if media.file_id is not None:
        file["file_id"] = media.file_id
    else:
        file["file_data"] = media_url(media) if media.mime else media.data
    if media.filename is not None:
        file["filename"] = media.filename
    return file
