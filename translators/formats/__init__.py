"""Wire formats: a handful of plain functions and small state machines each, gathered in two records.

A format may have a client side (what apps speak to us), a provider side (what we speak to providers), or both. Formats
exchange parsed JSON; bytes appear only where a stream is cut into events, in `sse`, `ndjson`, `json` and `exchange`.

`parse_*` is wire to canonical, `render_*` canonical to wire. What a provider's format cannot carry is returned as a
`Transform`; what cannot be understood raises. Nothing is skipped silently.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from translators.canonical import (
    Block,
    Chunk,
    Finish,
    JochError,
    Opaque,
    Request,
    Response,
    Transform,
    UpstreamError,
    Usage,
    named_value,
    value,
)

Wire = dict[str, Any]
"""A JSON object as it stands on the wire."""


@named_value
class RenderContext:
    """What rendering an answer for the client needs beyond the answer.

    `new_id(prefix)` mints an id ("resp_", "msg_"); `created` is unix seconds, used when the provider gave none;
    `show_reasoning` says whether a chat client sees `reasoning_content`; `hide_usage` that the usage chunk of a stream
    was our wish, not the client's. `estimate(tally)` stands in for usage that the client asked for and the provider did
    not give.
    """

    request: Request
    new_id: Callable[[str], str]
    created: int
    show_reasoning: bool = True
    hide_usage: bool = False
    estimate: Callable[[Tally], Usage] | None = None
    issuer: str = ""
    seal: Callable[[tuple[Opaque, ...]], str] | None = None
    keep: Callable[[tuple[Block, ...]], None] | None = None
    check: Callable[[tuple[Block, ...], Finish], None] | None = None


@dataclass(slots=True)
class Tally:
    """What was seen of an answer on its way. Filled in by relays and exchanges, read by the gateway.

    `called` are the id and name of every tool call in it. `content` turns true at the commit point, `ended` once the
    provider's own end of the answer was seen. `service_tier` is the one that served, `region` where it was served, as the
    provider called them. `notes` are event-log words ("done_added", "id_changed").
    """

    response_id: str | None = None
    response_model: str | None = None
    service_tier: str | None = None
    region: str | None = None
    usage: Usage | None = None
    finishes: list[str] = field(default_factory=list)
    called: list[tuple[str, str]] = field(default_factory=list)
    chunks: int = 0
    output_chars: int = 0
    content: bool = False
    ended: bool = False
    notes: list[str] = field(default_factory=list)

    @property
    def tool_calls(self) -> int:
        """How many tools the answer calls."""
        return len(self.called)

    def note(self, word: str) -> None:
        if word not in self.notes:
            self.notes.append(word)


class StreamParser(Protocol):
    """A provider's byte stream, split anywhere, to chunks. Raises `UpstreamError` for whatever it cannot trust."""

    def feed(self, data: bytes) -> list[Chunk]: ...

    def close(self) -> list[Chunk]:
        """End of input. Raises `UpstreamError(STREAM_CUT)` unless the provider's own terminal was seen."""
        ...


class StreamRenderer(Protocol):
    """Chunks to the client's byte stream."""

    def render(self, chunks: Iterable[Chunk]) -> bytes: ...

    def fail(self, error: JochError) -> bytes:
        """The in-band error that ends the stream. Nothing may follow it: no `[DONE]`, no completed event."""
        ...


class StreamRelay(Protocol):
    """A stream of the same format on both sides: events pass as they came, watched one by one.

    An event that would break an SDK (a repeated role, a call without index) is mended; all others keep their bytes. An
    event that is not valid JSON in valid UTF-8, or is an error, raises and is not passed on.
    """

    tally: Tally

    def feed(self, data: bytes) -> bytes: ...

    def close(self) -> bytes: ...

    def fail(self, error: JochError) -> bytes: ...


@value
class Rendered:
    """A request for the provider, and every change that was made on the way."""

    body: Wire
    transforms: tuple[Transform, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFormat:
    """What clients may speak to us.

    `pointers` maps a parameter of Model and ModelRoute records (`temperature`, `maxOutputTokens`, ...) to the place where
    this format spells it, so that a default can be written into the client's own body.
    `relay` and `mend` exist where the same format also has a provider side; `mend(body)` returns a corrected copy of a
    whole answer, or None when it is fine as it is.
    `glance(body, tally)` notes an answer that is plainly fine, without parsing it, and says whether it was.
    `usage_option` is the top-level member, and what it must hold, that asks for usage at the end of a stream.
    `owner` is the issuer to whom blobs belong that clients send without our seal, and `reseal` gives a whole answer of this
    format with every blob in it sealed as the context says.
    """

    name: str
    parse_request: Callable[[Wire, bytes], Request]
    render_response: Callable[[Response, RenderContext], Wire]
    render_error: Callable[[JochError], Wire]
    stream_renderer: Callable[[RenderContext], StreamRenderer]
    pointers: Mapping[str, str]
    relay: Callable[[RenderContext], StreamRelay]
    mend: Callable[[Wire], Wire | None]
    usage_option: tuple[str, Wire] | None = None
    glance: Callable[[Wire, Tally], bool] | None = None
    owner: str | None = None
    reseal: Callable[[Wire, RenderContext], Wire] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFormat:
    """What we speak to providers.

    `render_request(request, model)`: `model` is the upstream id. The string that `parse_response` and `stream_parser` are
    given is the issuer that marks opaque blobs. `stream_type` is the content type of its streams.
    `resume(body, response)`: the body that asks a provider to go on where it paused (`Finish.PAUSE`): `body` is what was
    sent, `response` everything that came so far.
    """

    name: str
    render_request: Callable[[Request, str], Rendered]
    parse_response: Callable[[Wire, str], Response]
    parse_error: Callable[[int, Mapping[str, str], bytes], UpstreamError]
    stream_parser: Callable[[str], StreamParser]
    stream_type: str = "text/event-stream"
    resume: Callable[[Wire, Response], Wire] | None = None
