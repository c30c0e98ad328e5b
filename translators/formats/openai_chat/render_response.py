"""A canonical answer to the `chat.completion` an OpenAI client expects, with every key that API sends.

What chat cannot say (sealed reasoning, hosted-tool activity, the order of text and calls) is left out; text blocks are joined.
"""

from __future__ import annotations

from collections.abc import Iterable

from translators.canonical import Block, Choice, Media, Reasoning, Refusal, Response, Text, ToolCall
from translators.formats import RenderContext, Wire

from . import content
from .finish import render_finish
from .usage import render_usage

ID_PREFIX = "chatcmpl-"


def render_response(response: Response, context: RenderContext) -> Wire:
    """The whole answer. Provider extras (`extensions`) stand beside the known members, never instead of them."""
    body: Wire = {
        "id": client_id(response.id, context),
        "object": "chat.completion",
        "created": response.created or context.created,
        "model": response.model or context.request.model or "",
        "choices": [_choice(choice, context) for choice in response.choices],
        "usage": render_usage(response.usage),
        "service_tier": response.service_tier,
        "system_fingerprint": response.fingerprint,
    }
    for key, value in response.extensions.items():
        body.setdefault(key, value)
    return body


def client_id(upstream: str, context: RenderContext) -> str:
    """The provider's id where it has the shape of chat ids, else a new one."""
    fits = upstream.startswith(ID_PREFIX) and len(upstream) <= 128
    return upstream if fits else context.new_id(ID_PREFIX)


def _choice(choice: Choice, context: RenderContext) -> Wire:
    blocks = choice.message.blocks
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    refusal = [block for block in blocks if isinstance(block, Refusal)]
    legacy = context.request.legacy_functions
    finish = render_finish(choice.finish, calls=bool(calls), refused=bool(refusal), legacy=legacy)
    return {
        "index": choice.index,
        "message": _message(blocks, calls, context),
        "logprobs": _logprobs(blocks),
        "finish_reason": finish,
    }


def _message(blocks: tuple[Block, ...], calls: list[ToolCall], context: RenderContext) -> Wire:
    texts = [block for block in blocks if isinstance(block, Text)]
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    sounds = [block for block in blocks if isinstance(block, Media) and block.kind == "audio"]
    images = [block for block in blocks if isinstance(block, Media) and block.kind == "image"]
    silent = not texts and bool(calls or refusals or sounds)
    text, annotations = _one_text(blocks)
    message: Wire = {
        "role": "assistant",
        "content": None if silent else text,
        "refusal": "".join(refusals) if refusals else None,
        "annotations": annotations,
    }
    thoughts = "\n\n".join(shown for block in blocks if isinstance(block, Reasoning) and (shown := visible(block)))
    if thoughts and context.show_reasoning:
        message["reasoning_content"] = thoughts
    if sounds:
        message["audio"] = _audio(sounds[0], context)
    if images:
        message["images"] = [{"type": "image_url", "image_url": {"url": media_url(image)}} for image in images]
    if calls and context.request.legacy_functions:
        message["function_call"] = {"name": calls[0].name, "arguments": arguments(calls[0])}
    elif calls:
        message["tool_calls"] = [_call(call, context) for call in calls]
    return message


def _one_text(blocks: tuple[Block, ...]) -> tuple[str, list[Wire]]:
    """All that is said, as one text, and where its citations point in that."""
    said, found, worked = "", list[Wire](), False
    for block in blocks:
        worked = worked or content.is_tool(block)
        if isinstance(block, Text):
            said += content.parted(len(said), block.text, worked=worked)
            found += content.nested_annotations(block.annotations, len(said) - len(block.text))
            worked = worked and not block.text
    return said, found


def visible(block: Reasoning) -> str:
    """What a reader may see of a reasoning block: its raw text, else its summaries."""
    return block.text or "\n\n".join(block.summary)


def arguments(call: ToolCall) -> str:
    """The arguments of a function call, which are never empty: SDKs parse them as JSON."""
    return call.arguments if call.arguments.strip() not in ("", "null") else "{}"


def _call(call: ToolCall, context: RenderContext) -> Wire:
    identity = call.id or context.new_id("call_")
    if call.kind == "custom":
        return {"id": identity, "type": "custom", "custom": {"name": call.name, "input": call.arguments}}
    return {"id": identity, "type": "function", "function": {"name": call.name, "arguments": arguments(call)}}


def _audio(sound: Media, context: RenderContext) -> Wire:
    return {
        "id": sound.file_id or context.new_id("audio_"),
        "data": sound.data or "",
        "expires_at": sound.expires_at or 0,
        "transcript": sound.transcript or "",
    }


def media_url(media: Media) -> str:
    """A URL for it: its own, or a `data:` URL."""
    return media.url or f"data:{media.mime or 'application/octet-stream'};base64,{media.data or ''}"


def _logprobs(blocks: Iterable[Block]) -> Wire | None:
    said = [token for block in blocks if isinstance(block, Text) for token in block.logprobs or ()]
    refused = [token for block in blocks if isinstance(block, Refusal) for token in block.logprobs or ()]
    return {"content": said or None, "refusal": refused or None} if said or refused else None
