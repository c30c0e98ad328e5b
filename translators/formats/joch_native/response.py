"""A canonical answer to the document of the native API, as far as the answer itself says it.

Calls stand in `toolCalls`, everything else in `content`; `contentOrder` is there when a call does not stand behind all
content. Whose id the document has, what it cost and how it was routed, only the gateway knows: see `told`.
Source: the events reference, section 11.1; the canonical model, section 10.
"""

from __future__ import annotations

from translators.canonical import (
    Block,
    Choice,
    Finish,
    Reasoning,
    Refusal,
    Response,
    Text,
    ToolCall,
    Usage,
)
from translators.formats import RenderContext, Tally, Wire

from .render_blocks import render_block, render_call, render_opening

_FINISHES = {Finish.PAUSE: Finish.STOP, Finish.OTHER: Finish.STOP}
"""Ends that have no word of their own here. The provider's own word stands beside them."""


def render_response(response: Response, context: RenderContext) -> Wire:
    """The answer whole."""
    return {
        **render_ending(response),
        "text": _text(response),
        "choices": [_choice(choice, response, context) for choice in response.choices],
        "usage": render_usage(usage_of(response, context)),
    }


def render_brief(response: Response, context: RenderContext) -> Wire:
    """The answer without its content, for a client that has seen it in a stream."""
    return {
        **render_ending(response),
        "choices": [_brief_choice(choice, response, context) for choice in response.choices],
        "usage": render_usage(usage_of(response, context)),
    }


def render_ending(response: Response) -> Wire:
    return {"status": status_of(response.choices[0] if response.choices else None)}


def status_of(choice: Choice | None) -> str:
    """completed, incomplete, failed or requires_tool. A refusal in words is a complete answer; without any it was cut off."""
    if choice is None:
        return "completed"
    match choice.finish:
        case Finish.LENGTH | Finish.CONTENT_FILTER:
            return "incomplete"
        case Finish.REFUSAL if not any(isinstance(block, Refusal) for block in choice.message.blocks):
            return "incomplete"
        case Finish.ERROR:
            return "failed"
        case _:
            return "requires_tool" if _calls(choice.message.blocks) else "completed"


def usage_of(response: Response, context: RenderContext) -> Usage:
    """The provider's figures, else an estimate where one can be made."""
    if response.usage.source != "none" or context.estimate is None:
        return response.usage
    seen = sum(_length(block) for choice in response.choices for block in choice.message.blocks)
    return context.estimate(Tally(output_chars=seen))


def _length(block: Block) -> int:
    match block:
        case Text() | Refusal():
            return len(block.text)
        case ToolCall():
            return len(block.arguments)
        case Reasoning():
            return len(block.text or "") + sum(map(len, block.summary))
        case _:
            return 0


def render_usage(usage: Usage) -> Wire:
    """Totals are inclusive: input contains what was cached, output what was thought."""
    return {
        "inputTokens": usage.input,
        "cachedInputTokens": usage.cached,
        "cacheWriteTokens": usage.cache_write,
        "outputTokens": usage.output,
        "reasoningTokens": usage.reasoning,
        "totalTokens": usage.total,
        "source": usage.source,
    }


def _text(response: Response) -> str:
    """All that the first choice says, in one string."""
    blocks = response.choices[0].message.blocks if response.choices else ()
    return "".join(block.text for block in blocks if isinstance(block, Text))


def _choice(choice: Choice, response: Response, context: RenderContext) -> Wire:
    blocks = choice.message.blocks
    message: Wire = {
        "role": "assistant",
        "content": [render_block(block, context) for block in blocks if not isinstance(block, ToolCall)],
        "toolCalls": [render_call(call) for call in _calls(blocks)],
    }
    return _finished(choice, message, response, context)


def _brief_choice(choice: Choice, response: Response, context: RenderContext) -> Wire:
    blocks = choice.message.blocks
    message: Wire = {
        "role": "assistant",
        "content": [render_opening(block) for block in blocks if not isinstance(block, ToolCall)],
        "toolCalls": [{"id": call.id, "name": call.name} for call in _calls(blocks)],
    }
    return _finished(choice, message, response, context)


def _finished(choice: Choice, message: Wire, response: Response, context: RenderContext) -> Wire:
    order = order_of(choice.message.blocks)
    if order is not None:
        message["contentOrder"] = order
    message["vendorMetadata"] = _vendor(response, context)
    wire: Wire = {"index": choice.index, "finishReason": finish_of(choice), "message": message}
    if choice.finish in _FINISHES and choice.finish_raw is not None:
        wire["finishRaw"] = choice.finish_raw
    if choice.stop_sequence is not None:
        wire["stopSequence"] = choice.stop_sequence
    return wire


def finish_of(choice: Choice) -> str:
    """Why the choice ended. One that calls a tool ends so, whatever its provider calls it."""
    finish = _FINISHES.get(choice.finish, choice.finish)
    if finish is Finish.STOP and _calls(choice.message.blocks):
        finish = Finish.TOOL_CALLS
    return finish.value


def order_of(blocks: tuple[Block, ...]) -> list[str] | None:
    """Where each content block and call stands, None when all calls stand behind all content."""
    order: list[str] = []
    counts = {"c": 0, "t": 0}
    for block in blocks:
        mark = "t" if isinstance(block, ToolCall) else "c"
        order.append(f"{mark}{counts[mark]}")
        counts[mark] += 1
    plain = sorted(order, key=lambda place: place[0])
    return None if plain == order else order


def _calls(blocks: tuple[Block, ...]) -> list[ToolCall]:
    return [block for block in blocks if isinstance(block, ToolCall)]


def _vendor(response: Response, context: RenderContext) -> Wire:
    """What the provider itself said of its answer, under the provider's name."""
    provider = context.issuer.partition(":")[0].partition("@")[0]
    if not provider:
        return {}
    told = {"responseId": response.id, "serviceTier": response.service_tier, "fingerprint": response.fingerprint}
    return {provider: {name: value for name, value in told.items() if value}}
