"""Canonical blocks to those of the native API, and how a stream opens them. What parsing reads is what is written here.

Blobs leave in one sealed string, since their issuer must be known when they come back; without a seal they stay. Members
that have nothing to say are left out.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import (
    Block,
    CacheHint,
    HostedItem,
    Media,
    Native,
    Opaque,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats import RenderContext, Wire, json


def render_block(block: Block, context: RenderContext) -> Wire:
    """`block` whole."""
    match block:
        case Text():
            return _told(
                {"type": "text", "text": block.text},
                annotations=list(block.annotations),
                logprobs=_listed(block.logprobs),
                cache=_cache(block.cache),
            )
        case Refusal():
            return _told({"type": "refusal", "text": block.text}, logprobs=_listed(block.logprobs))
        case Reasoning():
            return _reasoning(block, context)
        case ToolCall():
            return {"type": "tool_call", **render_call(block)}
        case ToolResult():
            return render_result(block, context)
        case Media():
            return _media(block)
        case HostedItem():
            return _told({"type": "hosted_tool", "tool": block.tool, "raw": block.raw}, provider=block.provider)
        case Native():
            return {"type": "native", "format": block.format, "raw": block.raw}


def render_opening(block: Block) -> Wire:
    """`block` without its content: what a stream says when it opens one, and an answer that was streamed before."""
    match block:
        case ToolCall():
            return _told(
                {"type": "tool_call", "id": block.id, "name": block.name},
                kind=block.kind if block.kind == "custom" else None,
            )
        case Media():
            return _told({"type": block.kind}, id=block.file_id)
        case HostedItem():
            item = block.raw.get("id")
            return _told({"type": "hosted_tool", "name": block.tool}, id=item if isinstance(item, str) else None)
        case ToolResult():
            return {"type": "tool_result", "callId": block.call_id}
        case _:
            return {"type": _TYPES[type(block)]}


_TYPES: dict[type, str] = {Text: "text", Refusal: "refusal", Reasoning: "reasoning", Native: "native"}


def render_call(call: ToolCall) -> Wire:
    """A call as `toolCalls` holds it: the exact text of its arguments, and what that says where it is an object."""
    wire: Wire = {"id": call.id, "name": call.name, "arguments": call.arguments}
    if call.kind == "function" and (args := _object(call.arguments)) is not None:
        wire["args"] = args
    return _told(wire, kind=call.kind if call.kind == "custom" else None, namespace=call.namespace)


def _object(text: str) -> Wire | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def render_result(result: ToolResult, context: RenderContext) -> Wire:
    return _told(
        {
            "type": "tool_result",
            "callId": result.call_id,
            "content": [render_block(part, context) for part in result.content],
        },
        isError=result.is_error or None,
        kind=result.kind if result.kind == "custom" else None,
        name=result.name,
        cache=_cache(result.cache),
    )


def _reasoning(block: Reasoning, context: RenderContext) -> Wire:
    shown: dict[str, Any] = {}
    if context.show_reasoning:
        shown = {"text": block.text, "summary": list(block.summary)}
    return _told({"type": "reasoning"}, **shown, sealed=_sealed(block.opaque, context), cache=_cache(block.cache))


def _sealed(blobs: tuple[Opaque, ...], context: RenderContext) -> str | None:
    if context.seal is None:
        return None
    # A thought without a blob is marked as its model's own: no other model may take it for its own thought.
    return context.seal(blobs or (Opaque(context.issuer, "none", ""),))


def _media(block: Media) -> Wire:
    uri = block.url if block.data is None else f"data:{block.mime or ''};base64,{block.data}"
    return _told(
        {"type": block.kind},
        uri=uri,
        mimeType=block.mime,
        fileId=block.file_id,
        provider=block.provider,
        filename=block.filename,
        detail=block.detail,
        transcript=block.transcript,
        expiresAt=block.expires_at,
        cache=_cache(block.cache),
    )


def _cache(hint: CacheHint | None) -> Wire | None:
    if hint is None:
        return None
    return {} if hint.ttl is None else {"ttl": hint.ttl}


def _listed(values: tuple[Any, ...] | None) -> list[Any] | None:
    return None if values is None else list(values)


def _told(wire: Wire, **members: Any) -> Wire:
    """`wire` with the members that say something: neither nothing nor an empty list."""
    for name, value in members.items():
        if value is not None and value != []:
            wire[name] = value
    return wire
