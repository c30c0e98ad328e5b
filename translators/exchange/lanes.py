"""The three lanes and what they share. Which one an attempt takes is `choose`'s to say; after that nothing asks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from translators.canonical import NO_USAGE, Request, Response, Transform, value
from translators.formats import ClientFormat, ProviderFormat, RenderContext, StreamRelay, Tally, Wire
from translators.formats.json import dumps

from .answers import render_answer
from .bodies import apply_patches, parse_body, parse_whole, source_of, spliced, written
from .observing import check_whole, observe_whole
from .streams import CheckedStream, TranslatedStream

Amend = Callable[[Wire], Wire]


@value
class WireBody:
    """A request body ready to send, and every change a translation made."""

    data: bytes
    transforms: tuple[Transform, ...] = ()


class Exchange(Protocol):
    """One attempt's way across. `lane` is its name in events and explanations."""

    lane: str

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody: ...

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes: ...

    def open_stream(self, context: RenderContext) -> StreamRelay: ...


def choose(client: ClientFormat, provider: ProviderFormat, request: Request, issuer: str) -> Exchange:
    """The exchange for `request`. `issuer` marks the opaque blobs of its answer."""
    source = request.source
    if client.name != provider.name or source is None or source.format != client.name:
        return Translated(client, provider, issuer)
    if source.patches:
        return Patched(client, provider, issuer)
    return Verbatim(client, provider, issuer)


class _SameFormat:
    """What Verbatim and Patched share: the answer passes as it came."""

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str) -> None:
        self._client, self._provider, self._issuer = client, provider, issuer

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes:
        wire, faithful = parse_body(raw, tally)
        if context.check is None and faithful and self._client.glance is not None and self._client.glance(wire, tally):
            return raw
        response = self._provider.parse_response(wire, self._issuer)
        observe_whole(tally, response)
        check_whole(response, context)
        if self._client.reseal is not None:
            sealed = self._client.reseal(wire, self._sealing(context))
            wire, faithful = sealed, faithful and sealed is wire
        if wire.get("usage") and response.usage.source == "none":
            wire, faithful = self._with_usage(wire, response, context, tally), False
        mended = self._client.mend(wire)
        return raw if mended is None and faithful else dumps(mended or wire)

    def _with_usage(self, wire: Wire, response: Response, context: RenderContext, tally: Tally) -> Wire:
        """`wire` with an estimate for figures that cannot be true."""
        tally.note("bad_usage")
        usage = NO_USAGE if context.estimate is None else context.estimate(tally)
        rendered = self._client.render_response(replace(response, usage=usage), context)
        return {**wire, "usage": rendered.get("usage")}

    def _sealing(self, context: RenderContext) -> RenderContext:
        """`context` for this issuer's blobs, which pass as they are where the client's dialect itself says whose they are."""
        seal = None if self._client.owner in (None, self._issuer) else context.seal
        return context if seal is context.seal else replace(context, seal=seal)

    def open_stream(self, context: RenderContext) -> StreamRelay:
        relay = self._client.relay(self._sealing(context))
        if context.check is None:
            return relay
        return CheckedStream(relay, self._provider.stream_parser(self._issuer), context)

    def _with_usage_option(self, body: Wire) -> Wire:
        if self._client.usage_option is None:
            return body
        member, wanted = self._client.usage_option
        present = body.get(member) or {}
        return body if wanted.items() <= present.items() else {**body, member: {**present, **wanted}}


class Verbatim(_SameFormat):
    """The client's bytes, with the model's name and the usage option spliced in."""

    lane = "verbatim"

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        source = source_of(request)
        body = source.body
        wanted = self._with_usage_option(body) if ask_usage and request.stream else body
        amended = amend(wanted)
        if amended is wanted:
            data = spliced(source, model, wanted)
            if data is not None:
                return WireBody(data)
        return WireBody(written({**amended, "model": model}))


class Patched(_SameFormat):
    """The client's own body with the recorded edits applied."""

    lane = "patched"

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        source = source_of(request)
        body = apply_patches(source.body, source.patches)
        if ask_usage and request.stream:
            body = self._with_usage_option(body)
        return WireBody(written({**amend(body), "model": model}))


class Translated:
    """Parsed into the hub on one side, rendered out of it on the other."""

    lane = "translated"

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str) -> None:
        self._client, self._provider, self._issuer = client, provider, issuer

    def render_request(self, request: Request, model: str, amend: Amend, *, ask_usage: bool) -> WireBody:
        if request.stream:  # usage is wanted whether the client will see it or not
            request = replace(request, include_usage=ask_usage)
        rendered = self._provider.render_request(request, model)
        return WireBody(written(amend(rendered.body)), rendered.transforms)

    def render_response(self, raw: bytes, context: RenderContext, tally: Tally) -> bytes:
        return render_answer(
            self._client, self._provider.parse_response(parse_whole(raw), self._issuer), context, tally
        )

    def open_stream(self, context: RenderContext) -> TranslatedStream:
        return TranslatedStream(self._client, self._provider, self._issuer, context)
