"""What other vendors' clients leave in a history and Azure refuses as unknown: thoughts in the open, members of other SDKs,
cache marks of another API. `without_foreign` takes it out of the meaning and lists it, `respelled` out of the body.

    "Unrecognized request argument supplied: ..."        "Extra inputs are not permitted"

Sealed reasoning is no concern of this module: it goes back to its maker, or the core has dropped it before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from translators.canonical import (
    Block,
    CacheHint,
    Media,
    Message,
    Origin,
    Reasoning,
    Request,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats import Wire

_MESSAGE = frozenset(
    {"role", "content", "name", "refusal", "tool_calls", "tool_call_id", "function_call", "audio", "annotations"}
)
"""What a message of a chat request may have. `annotations` is what every SDK echoes of an answer."""

_CALL = frozenset({"id", "type", "function", "custom"})
_MARKS = ("cache_control", "prompt_cache_breakpoint")
_EXPLICIT = {"mode": "explicit"}


# --- the meaning ------------------------------------------------------------------------------------------------------


def without_foreign(request: Request, *, marks: bool) -> tuple[Request, tuple[Transform, ...]]:
    """`request` without what is listed above; the same object when there is nothing of it.

    `marks`: the model takes cache marks, in Azure's one spelling, which has no time to live.
    """
    cleaning = _Cleaning(own=request.source is not None and request.source.format == "openai_chat", marks=marks)
    messages = tuple([cleaning.message(message) for message in request.messages])
    instructions = tuple(cleaning.blocks(request.instructions))
    tools = tuple([cleaning.tool(tool) for tool in request.tools])
    if not cleaning.transforms:
        return request, ()
    return replace(request, messages=messages, instructions=instructions, tools=tools), tuple(cleaning.transforms)


class _Cleaning:
    """One pass. `own`: the client spoke chat itself, so that what it said beside is there to be sent."""

    def __init__(self, *, own: bool, marks: bool) -> None:
        self._own, self._marks = own, marks
        self.transforms: list[Transform] = []

    def _told(self, field: str, action: str, detail: str) -> None:
        change = Transform(field, action, detail)
        if change not in self.transforms:
            self.transforms.append(change)

    def message(self, message: Message) -> Message:
        before = len(self.transforms)
        blocks = tuple(self.blocks(message.blocks))
        extra = message.extra
        if extra and self._own:
            for member in extra:
                self._told(f"messages.extra.{member}", "dropped", "Azure does not know it")
            extra = {}
        if len(self.transforms) == before and extra is message.extra and blocks == message.blocks:
            return message
        return replace(message, blocks=blocks, extra=extra)

    def blocks(self, blocks: tuple[Block, ...]) -> list[Block]:
        return [cleaned for block in blocks if (cleaned := self._block(block)) is not None]

    def _block(self, block: Block) -> Block | None:
        match block:
            case Text() | Media():
                return block if block.cache is None else replace(block, cache=self._mark(block.cache))
            case Reasoning() if block.text is not None and not any(sealed.data for sealed in block.opaque):
                self._told("messages.reasoning", "dropped", "Azure takes no thoughts in the open")
                return None
            case ToolCall() if self._own and block.origin is not None and block.origin.rest:
                for member in block.origin.rest:
                    self._told(f"messages.tool_calls.{member}", "dropped", "Azure does not know it")
                return replace(block, origin=Origin(block.origin.pointer), opaque=())
            case ToolResult() if block.content:
                content = tuple(self.blocks(block.content))
                return block if content == block.content else replace(block, content=content)
            case _:
                return block

    def _mark(self, cache: CacheHint) -> CacheHint | None:
        if not self._marks:
            self._told("cache", "dropped", "the model takes no cache marks")
            return None
        if cache.ttl is not None:
            self._told("cache.ttl", "dropped", "Azure's cache marks have no time to live")
        return CacheHint()

    def tool(self, tool: Tool) -> Tool:
        if tool.cache is None:
            return tool
        self._told("tools.cache", "dropped", "Azure has no cache mark on a tool")
        origin = tool.origin
        if origin is not None and origin.rest:
            origin = replace(origin, rest={key: each for key, each in origin.rest.items() if key not in _MARKS})
        return replace(tool, cache=None, origin=origin)


# --- the spelling -----------------------------------------------------------------------------------------------------


def respelled(body: Wire, *, marks: bool) -> Wire:
    """A chat or Responses body without members that Azure does not know; the same object when it has none."""
    changed: Wire = {}
    for key, change in (("messages", partial(_message, marks=marks)), ("input", partial(_item, marks=marks))):
        _change(body, key, change, changed)
    _change(body, "tools", _tool, changed)
    return {**body, **changed} if changed else body


def _change(body: Wire, key: str, change: Callable[[Wire], Wire], changed: Wire) -> None:
    listed = body.get(key)
    if isinstance(listed, list) and (better := _mapped(listed, change)) is not listed:
        changed[key] = better


def _mapped(listed: list[Any], change: Callable[[Wire], Wire]) -> list[Any]:
    """`listed` with its objects changed; the same list when none was."""
    better = [change(node) if isinstance(node, dict) else node for node in listed]
    return better if any(new is not old for new, old in zip(better, listed, strict=True)) else listed


def _only(node: Wire, known: frozenset[str]) -> Wire:
    return node if node.keys() <= known else {key: value for key, value in node.items() if key in known}


def _message(message: Wire, *, marks: bool) -> Wire:
    message = _only(message, _MESSAGE)
    calls = message.get("tool_calls")
    if isinstance(calls, list):
        message = _with(message, "tool_calls", _mapped(calls, lambda call: _only(call, _CALL)))
    return _with_marked_parts(message, marks=marks)


def _item(item: Wire, *, marks: bool) -> Wire:
    """An item of a Responses input: "status" on messages and reasoning is refused, and so are null members."""
    kind = item.get("type", "message")
    if None in item.values() or ("status" in item and kind in ("message", "reasoning")):
        item = {
            key: value
            for key, value in item.items()
            if value is not None and not (key == "status" and kind in ("message", "reasoning"))
        }
    return _with_marked_parts(item, marks=marks)


def _tool(tool: Wire) -> Wire:
    return {key: value for key, value in tool.items() if key not in _MARKS} if _has_mark(tool) else tool


def _with_marked_parts(node: Wire, *, marks: bool) -> Wire:
    for key in ("content", "output"):
        parts = node.get(key)
        if isinstance(parts, list):
            node = _with(node, key, _mapped(parts, lambda part: _part(part, marks=marks)))
    return node


def _part(part: Wire, *, marks: bool) -> Wire:
    if not _has_mark(part) or (marks and part.get("prompt_cache_breakpoint") == _EXPLICIT and _MARKS[0] not in part):
        return part
    plain = {key: value for key, value in part.items() if key not in _MARKS}
    return {**plain, "prompt_cache_breakpoint": _EXPLICIT} if marks else plain


def _has_mark(node: Wire) -> bool:
    return _MARKS[0] in node or _MARKS[1] in node


def _with(node: Wire, key: str, value: Any) -> Wire:
    return node if value is node[key] else {**node, key: value}
