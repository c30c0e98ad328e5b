"""A streamed answer, one chunk at a time. Parsers open and close blocks; renderers never guess.

The order of a well-formed stream:

    Start  (BlockStart BlockDelta* AnnotationAdded* BlockStop)*  ChoiceStop per choice  UsageUpdate?  End

Blocks of one choice may be open at the same time (parallel tool calls interleave); their `index` is dense from 0 within
the choice, in the order they were opened. `End` is produced only when the provider's own terminal was seen: a stream
that stops without it has failed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Any, Literal, TypeAlias

from .blocks import JSON, Block, HostedItem, ToolCall
from .response import Finish, Usage
from .value import value

_EMPTY: Mapping[str, Any] = {}


@value
class Start:
    id: str
    model: str
    created: int = 0
    service_tier: str | None = None
    fingerprint: str | None = None


@value
class BlockStart:
    """`block` carries what is known up front (a call's id and name) and is otherwise empty; deltas extend it."""

    choice: int
    index: int
    block: Block


@value
class BlockDelta:
    """More of a block. `text` is for Text, Refusal and Reasoning's raw text, `arguments` for a call.

    `summary` extends the reasoning summary part `summary_index`; `data` and `transcript` extend Media.
    """

    choice: int
    index: int
    field: Literal["text", "arguments", "summary", "data", "transcript"]
    value: str
    summary_index: int = 0
    logprobs: tuple[JSON, ...] | None = None


@value
class BlockStop:
    """`block` is complete: everything the deltas said plus what only shows at the end (opaque blobs, annotations)."""

    choice: int
    index: int
    block: Block


@value
class AnnotationAdded:
    choice: int
    index: int
    annotation: JSON


@value
class ChoiceStop:
    choice: int
    finish: Finish
    finish_raw: str | None = None
    stop_sequence: str | None = None


@value
class UsageUpdate:
    """Cumulative: the last one counts."""

    usage: Usage


@value
class NativeEvent:
    """An event of `format` with no canonical meaning. It reaches clients of the same format only."""

    format: str
    name: str | None
    data: JSON


@value
class End:
    """`service_tier` is the tier that served the call, where a provider only tells at the end; it decides the price."""

    incomplete_reason: str | None = None
    extensions: Mapping[str, JSON] = field(default_factory=lambda: _EMPTY)
    service_tier: str | None = None


Chunk: TypeAlias = (
    Start | BlockStart | BlockDelta | BlockStop | AnnotationAdded | ChoiceStop | UsageUpdate | NativeEvent | End
)


def is_content(chunk: Chunk) -> bool:
    """Whether the client would see something of the model in this chunk: the commit point of DESIGN §3.

    Text, reasoning, refusal and the start of a tool call count; lifecycle, usage and empty openings do not.
    """
    if isinstance(chunk, BlockDelta):
        return bool(chunk.value)
    if isinstance(chunk, BlockStart):
        return isinstance(chunk.block, (ToolCall, HostedItem))
    return isinstance(chunk, (BlockStop, AnnotationAdded, ChoiceStop))
