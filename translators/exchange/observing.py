"""What is noted of an answer as it passes: ids, usage, finishes, calls, and whether anything of the model was seen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from translators.canonical import (
    JSON,
    Block,
    BlockDelta,
    BlockStart,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    Reasoning,
    Refusal,
    Response,
    Start,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
    is_content,
)
from translators.formats import RenderContext, Tally


def observe(tally: Tally, chunks: Iterable[Chunk]) -> None:
    """Note what passes: ids, usage, finishes, calls, and whether anything of the model was seen."""
    for chunk in chunks:
        tally.chunks += 1
        match chunk:
            case BlockDelta():
                tally.output_chars += len(chunk.value)
            case BlockStart(block=ToolCall() as call):
                tally.called.append((call.id, call.name))
            case UsageUpdate():
                _note_usage(tally, chunk.usage)
            case ChoiceStop():
                tally.finishes.append(chunk.finish.value)
            case Start():
                tally.response_id, tally.response_model = chunk.id, chunk.model
                tally.service_tier = chunk.service_tier
            case End():
                tally.ended = True
                tally.service_tier = chunk.service_tier or tally.service_tier
                _note_region(tally, chunk.extensions)
            case _:
                pass
        if not tally.content and is_content(chunk):
            tally.content = True


def observe_whole(tally: Tally, response: Response) -> None:
    """Note a whole answer: what `observe` notes of the stream it would unfold to, without making that stream."""
    tally.response_id, tally.response_model = response.id, response.model
    tally.service_tier = response.service_tier
    tally.content = tally.ended = True
    for choice in response.choices:
        tally.finishes.append(choice.finish.value)
        for block in choice.message.blocks:
            match block:
                case Text() | Refusal():
                    tally.output_chars += len(block.text)
                case ToolCall():
                    tally.called.append((block.id, block.name))
                    tally.output_chars += len(block.arguments)
                case Reasoning():
                    tally.output_chars += len(block.text or "") + sum(map(len, block.summary))
                case _:
                    pass
    _note_usage(tally, response.usage)
    _note_region(tally, response.extensions)


def observe_pause(tally: Tally, paused: Response) -> None:
    """Note that an answer is gone on with: what it used so far is a part, and stays billed should nothing follow."""
    tally.note("resumed")
    _note_usage(tally, replace(paused.usage, source="partial") if paused.usage.source == "provider" else paused.usage)


def _note_usage(tally: Tally, usage: Usage) -> None:
    if usage.source == "none":
        return
    if usage.is_sane():
        tally.usage = usage
    else:
        tally.note("bad_usage")


def _note_region(tally: Tally, extensions: Mapping[str, JSON]) -> None:
    region = extensions.get("inference_geo")  # as Anthropic tells it; others have a header for it
    if isinstance(region, str):
        tally.region = region


def tell(context: RenderContext, blocks: tuple[Block, ...], finish: Finish) -> None:
    """Tell `context` what a choice was made of. Raises what its check raises."""
    if context.check is not None:
        context.check(blocks, finish)
    if context.keep is not None:
        context.keep(blocks)


def check_whole(response: Response, context: RenderContext) -> None:
    """Have every choice checked, and nothing kept."""
    if context.check is not None:
        for choice in response.choices:
            context.check(choice.message.blocks, choice.finish)
