"""Content blocks: what a message is made of, in order. Plain frozen values; nothing here knows a wire format.

A block keeps where it came from (`Origin`) so that an edit can be written back into the client's own body. A provider's
signed or encrypted blob is `Opaque` and belongs to its issuer alone.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any, Literal, TypeAlias

from .value import named_value, value

JSON: TypeAlias = Any
"""A JSON value as the wire had it. Inside the hub it is carried, never interpreted."""


@value
class Origin:
    """Where a block, message or tool stood in the client's body.

    `pointer` is a JSON pointer (RFC 6901) into `Source.body`. The `item_*` fields are set by the Responses format, whose
    flat items are grouped into messages here; `rest` keeps native members that are not modelled.
    """

    pointer: str | None = None
    item: int | None = None
    item_type: str | None = None
    item_id: str | None = None
    status: str | None = None
    phase: str | None = None
    rest: dict[str, JSON] | None = None


@value
class CacheHint:
    """A prompt-cache breakpoint after this block. `ttl` is the client's own word ("5m", "1h", "30m") or None."""

    ttl: str | None = None


@value
class Opaque:
    """A blob only its issuer can read: an encrypted reasoning item, a signed thinking block, a thought signature.

    `issuer` is the provider's `seal` of the model that made it ("anthropic:claude-opus-5"); `kind` is a word of the format.
    Without `data` it is a mere mark: it says whose thought a block is that nobody sealed. `prefix` is a digest of the
    conversation it was made in, "" where that is not known.
    """

    issuer: str
    kind: str
    data: str
    prefix: str = ""


@value
class Text:
    text: str
    annotations: tuple[JSON, ...] = ()
    logprobs: tuple[JSON, ...] | None = None
    cache: CacheHint | None = None
    origin: Origin | None = None


@value
class Refusal:
    text: str
    logprobs: tuple[JSON, ...] | None = None
    origin: Origin | None = None


@named_value
class Media:
    """An image, sound, video or file: by `url`, by base64 `data` (without a `data:` prefix), or by a provider's id."""

    kind: Literal["image", "audio", "video", "file"]
    url: str | None = None
    data: str | None = None
    file_id: str | None = None
    mime: str | None = None
    filename: str | None = None
    detail: str | None = None
    transcript: str | None = None
    expires_at: int | None = None
    provider: str | None = None
    cache: CacheHint | None = None
    origin: Origin | None = None


@value
class Reasoning:
    """What the model thought: `summary` parts that may be shown, raw `text` where a provider gives it, sealed blobs."""

    summary: tuple[str, ...] = ()
    text: str | None = None
    opaque: tuple[Opaque, ...] = ()
    cache: CacheHint | None = None
    origin: Origin | None = None


@value
class ToolCall:
    """A call the model asks for. `arguments` is the exact text it wrote: JSON for functions, free text for custom tools."""

    id: str
    name: str
    arguments: str
    kind: Literal["function", "custom"] = "function"
    namespace: str | None = None
    opaque: tuple[Opaque, ...] = ()
    origin: Origin | None = None


@value
class ToolResult:
    call_id: str
    content: tuple[Block, ...]
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    name: str | None = None
    cache: CacheHint | None = None
    origin: Origin | None = None


@value
class HostedItem:
    """Tool activity that the provider itself executed (web search, code interpreter, remote MCP, ...), as it came."""

    tool: str
    raw: dict[str, JSON]
    provider: str | None = None
    origin: Origin | None = None


@value
class Native:
    """Something of `format` that the hub does not model. It goes back to that format verbatim and is a need elsewhere."""

    format: str
    raw: JSON
    origin: Origin | None = None


Block: TypeAlias = Text | Refusal | Media | Reasoning | ToolCall | ToolResult | HostedItem | Native

Role: TypeAlias = Literal["system", "developer", "user", "assistant", "tool"]


@value
class Message:
    """One turn. The order of `blocks` is data: some providers reject a turn whose blocks were reordered."""

    role: Role
    blocks: tuple[Block, ...]
    name: str | None = None
    origin: Origin | None = None
    extra: dict[str, JSON] = field(default_factory=dict)
