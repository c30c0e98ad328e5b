"""A Model record whose provider is reached over HTTP, and the canonical adapter over it.

Where requests go, and with which credentials, is `reach`'s to say. Error texts of the provider are scrubbed of the key
before anyone sees them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, replace
from itertools import count

from proxy.resources import Clocks, Model
from proxy.upstream import Reply, WireRequest
from translators import exchange
from translators.canonical import (
    CapabilitySet,
    Chunk,
    Finish,
    HealthSignal,
    JochError,
    Reason,
    Request,
    Response,
    Transform,
    UpstreamError,
)
from translators.continuity import only_own
from translators.exchange import Exchange, TranslatedStream, WireBody
from translators.formats import ProviderFormat, StreamRelay, Tally, Wire
from translators.formats.json import dumps, loads
from translators.providers.provider import Provider

from .binding import Asked, ResolveSecret
from .capabilities import effective
from .reach import Identify, Reach, Send, no_identities

RESUMPTIONS = 5
"""How often an answer that its provider pauses is asked to go on. Each is a request of its own, and billed."""

_REQUEST_IDS = ("x-request-id", "request-id", "apim-request-id")
"""How providers name the id under which their support finds a call: OpenAI, Anthropic, Azure."""

_REGION = "x-ms-region"
"""The header in which Azure tells where a call was served."""

_JSON_TYPES = frozenset({"application/json", "text/json", "application/problem+json"})


class WireBinding:
    """One Model record bound to its provider. Made once per snapshot, used by many calls at the same time."""

    def __init__(
        self,
        model: Model,
        provider: Provider,
        upstream: Send,
        resolve: ResolveSecret,
        hop: Mapping[str, str],
        identify: Identify = no_identities,
    ) -> None:
        self.model, self.provider = model, provider
        self.reach = Reach(model, provider, upstream, resolve, hop, identify)
        self._capabilities = effective(model, provider.bound(model.api))
        self._issuer = None if model.base_url_secret else provider.seal(provider.name, self.reach.facts)

    @property
    def host(self) -> str:
        return self.reach.host

    @property
    def issuer(self) -> str:
        return self._issuer or self.provider.seal(self.provider.name, self.reach.facts)

    def capabilities(self) -> CapabilitySet:
        return self._capabilities

    def translates(self, client: str, request: Request) -> bool:
        provider = self.provider
        try:
            return provider.choose(provider.formats, client, request, self.reach.facts).name != client
        except UpstreamError:
            return False  # it cannot be asked at all, which the attempt will say

    def prepare(self, asked: Asked) -> PreparedWire:
        provider, facts, issuer = self.provider, self.reach.facts, self.issuer
        own = only_own(asked.request, issuer, bound=provider.prefix_bound(facts))
        wire_format = provider.choose(provider.formats, asked.client.name, own.request, facts)
        path = self.reach.path(facts, wire_format.name, stream=asked.request.stream)
        adapted = provider.adapt(own.request, facts)
        chosen = exchange.choose(asked.client, wire_format, adapted.request, issuer)
        sent: Wire = {}

        def amend(wire: Wire) -> Wire:
            nonlocal sent
            sent = provider.amend(wire, facts)
            return sent

        body = chosen.render_request(adapted.request, facts.model, amend, ask_usage=provider.usage_option)
        if own.transforms or adapted.transforms:
            body = WireBody(body.data, (*own.transforms, *adapted.transforms, *body.transforms))
        accept = wire_format.stream_type if asked.request.stream else "application/json"
        request, key = self.reach.request(facts, path, body.data, asked.clocks, accept=accept, wire=sent)
        if not asked.may_resend:
            request = replace(request, may_resend=False)
        return PreparedWire(self, asked, wire_format, chosen, request, key, body.transforms)

    async def send(self, request: WireRequest) -> Reply:
        return await self.reach.send(request)

    async def refused(self, reply: Reply, key: str | None, wire_format: ProviderFormat) -> UpstreamError:
        """The error a reply with a status that is not 200 stands for."""
        try:
            body = await reply.read()
        except UpstreamError:
            body = b""  # the status alone must do
        error = wire_format.parse_error(reply.status, reply.headers, body)
        error = scrubbed(self.provider.classify(error, reply.status, reply.headers, body), key)
        error.notes = (*error.notes, *reply.notes)
        return error

    async def post(self, operation: str, body: Wire, clocks: Clocks) -> Wire:
        provider, facts = self.provider, self.reach.facts
        path = self.reach.path(facts, operation)
        asked = {**body, "model": facts.model}
        if operation == "embeddings" and provider.render_embeddings is not None:
            asked = provider.render_embeddings(asked, facts)
        request, key = self.reach.request(facts, path, dumps(asked), clocks, wire=asked)
        reply = await self.send(request)
        try:
            if reply.status != 200:
                raise await self.refused(reply, key, provider.formats[0])
            answer = exchange.parse_whole(await reply.read())
        finally:
            reply.close()
        if answer.get("error"):
            raise scrubbed(provider.formats[0].parse_error(500, {}, dumps(answer)), key)
        if operation == "embeddings" and provider.parse_embeddings is not None:
            return provider.parse_embeddings(answer, body)
        return answer

    async def health(self) -> HealthSignal:
        reach, provider = self.reach, self.provider
        if provider.health is None and "models" not in provider.paths:
            return HealthSignal(status="unknown", detail="no free check")
        try:
            facts = reach.facts
            path = provider.health or reach.path(facts, "models")
            request, _ = reach.request(facts, path, None, self.model.clocks)
            reply = await reach.send(request)
        except UpstreamError as error:
            return HealthSignal(status="unhealthy", detail=error.failure)
        reply.close()
        if reply.status == 503:
            return HealthSignal(status="degraded", detail="loading")
        return HealthSignal(status="healthy" if reply.status == 200 else "unhealthy", detail=f"http_{reply.status}")


@dataclass(slots=True)
class PreparedWire:
    """An attempt as it will go out."""

    binding: WireBinding
    asked: Asked
    wire_format: ProviderFormat
    exchange: Exchange
    request: WireRequest
    key: str | None
    transforms: tuple[Transform, ...]

    @property
    def lane(self) -> str:
        return self.exchange.lane

    @property
    def api(self) -> str:
        return self.wire_format.name

    @property
    def host(self) -> str:
        return self.request.url.host or ""

    async def send(self) -> WireAnswer:
        return WireAnswer(self, await self._reply(self.request))

    async def resume(self, paused: Response) -> Reply:
        """The provider's answer to being asked to go on. Raises `UpstreamError`; what came before it is billed anyway."""
        resume = self.wire_format.resume
        if resume is None or self.request.body is None:  # only a format that can resume ends in a pause
            raise _never_ending()
        body = dumps(resume(loads(self.request.body), paused))
        try:
            return await self._reply(replace(self.request, body=body))
        except UpstreamError as error:
            error.billed_risk = True
            raise

    async def _reply(self, request: WireRequest) -> Reply:
        reply = await self.binding.send(request)
        if reply.status != 200:
            try:
                raise await self.binding.refused(reply, self.key, self.wire_format)
            finally:
                reply.close()
        return reply


class WireAnswer:
    """A provider's answer crossing to the client."""

    def __init__(self, prepared: PreparedWire, reply: Reply) -> None:
        self._prepared, self._reply = prepared, reply
        self._relay: StreamRelay | None = None
        self._tally = Tally(notes=reply.notes, region=reply.header(_REGION))
        self._complete = False
        self.status = reply.status
        self.upstream_request_id = next(filter(None, map(reply.header, _REQUEST_IDS)), None)

    @property
    def tally(self) -> Tally:
        return self._relay.tally if self._relay is not None else self._tally

    async def whole(self) -> bytes:
        raw = await self._reply.read()
        prepared, media_type = self._prepared, self._reply.media_type
        context = prepared.asked.context
        try:
            if media_type == prepared.wire_format.stream_type:
                response = exchange.fold_stream(prepared.wire_format, context.issuer, raw)
                self._tally.note("converted")
            else:
                _expect_json(media_type, raw)
                if prepared.wire_format.resume is None:
                    return prepared.exchange.render_response(raw, context, self._tally)
                response = self._parsed(raw)
            return exchange.render_answer(prepared.asked.client, await self._all_of(response), context, self._tally)
        except UpstreamError as error:
            raise scrubbed(error, prepared.key) from None

    def _parsed(self, raw: bytes) -> Response:
        prepared = self._prepared
        return prepared.wire_format.parse_response(exchange.parse_whole(raw), prepared.asked.context.issuer)

    async def _all_of(self, response: Response) -> Response:
        """`response`, with what follows where the provider paused in it."""
        answers = [response]
        while any(choice.finish is Finish.PAUSE for choice in answers[-1].choices):
            if len(answers) > RESUMPTIONS:
                raise _never_ending()
            paused = exchange.joined(answers)
            exchange.observe_pause(self._tally, paused)
            reply = await self._prepared.resume(paused)
            try:
                answers.append(self._parsed(await reply.read()))
            finally:
                reply.close()
        return exchange.joined(answers)

    async def pieces(self) -> AsyncIterator[bytes]:
        prepared, media_type = self._prepared, self._reply.media_type
        try:
            if media_type in _JSON_TYPES and media_type != prepared.wire_format.stream_type:
                yield await self._whole_as_stream()
                return
            if media_type not in (prepared.wire_format.stream_type, "application/octet-stream", "text/plain", ""):
                raise _bad_content_type(media_type)
            relay = self._relay = prepared.exchange.open_stream(prepared.asked.context)
            relay.tally.notes += self._reply.notes
            relay.tally.region = self._tally.region
            for resumptions in count():
                async with aclosing(self._crossing(relay)) as crossing:
                    async for data in crossing:
                        yield data
                if not isinstance(relay, TranslatedStream) or relay.paused is None:
                    return
                if resumptions == RESUMPTIONS:
                    raise _never_ending()
                await self._go_on(relay, relay.paused)
        except UpstreamError as error:
            raise scrubbed(error, prepared.key) from None

    async def _crossing(self, relay: StreamRelay) -> AsyncGenerator[bytes]:
        """One stream of the provider, to its end or to where it pauses."""
        cut: UpstreamError | None = None
        async with aclosing(self._reply.pieces()) as arriving:
            while not (relay.tally.ended or _paused(relay)):  # what a provider does behind its own end is its own
                try:
                    piece = await anext(arriving)
                except StopAsyncIteration:
                    break
                except UpstreamError as error:
                    cut = error
                    break
                yield relay.feed(piece)
                relay.feed(b"")  # raises what went wrong behind good events: it must not wait for the next ones
        yield _rest(relay, cut)
        self._complete = cut is None

    async def _go_on(self, relay: TranslatedStream, paused: Response) -> None:
        """Have the provider go on where it paused; its next stream continues this one."""
        exchange.observe_pause(relay.tally, paused)
        self.close()
        self._complete = False
        self._reply = await self._prepared.resume(paused)
        relay.go_on()

    async def _whole_as_stream(self) -> bytes:
        asked = self._prepared.asked
        self._tally.note("converted")
        response = await self._all_of(self._parsed(await self._reply.read()))
        return exchange.render_whole_as_stream(asked.client, response, asked.context, self._tally)

    def fail(self, error: JochError) -> bytes:
        if self._relay is not None:
            return self._relay.fail(error)
        return self._prepared.asked.client.stream_renderer(self._prepared.asked.context).fail(error)

    def close(self) -> None:
        if self._complete:
            self._reply.finish()
        else:
            self._reply.close()


class WireAdapter:
    """The four-member adapter over a wire binding: canonical in, canonical out, through the same parsers and errors."""

    def __init__(self, binding: WireBinding) -> None:
        self._binding = binding

    def capabilities(self) -> CapabilitySet:
        return self._binding.capabilities()

    async def respond(self, request: Request) -> Response:
        reply, wire_format, key = await self._ask(replace(request, stream=False))
        try:
            return wire_format.parse_response(exchange.parse_whole(await reply.read()), self._binding.issuer)
        except UpstreamError as error:
            raise scrubbed(error, key) from None
        finally:
            reply.close()

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        reply, wire_format, key = await self._ask(replace(request, stream=True, include_usage=True))
        parser = wire_format.stream_parser(self._binding.issuer)
        try:
            async for piece in reply.pieces():
                for chunk in parser.feed(piece):
                    yield chunk
                parser.feed(b"")  # raises what went wrong behind good events
            for chunk in parser.close():
                yield chunk
        except UpstreamError as error:
            raise scrubbed(error, key) from None
        finally:
            reply.close()

    async def health(self) -> HealthSignal:
        return await self._binding.health()

    async def _ask(self, request: Request) -> tuple[Reply, ProviderFormat, str | None]:
        binding, provider = self._binding, self._binding.provider
        facts = binding.reach.facts
        source = request.source.format if request.source else provider.formats[0].name
        wire_format = provider.choose(provider.formats, source, request, facts)
        rendered = wire_format.render_request(provider.adapt(request, facts).request, facts.model)
        body = provider.amend(rendered.body, facts)
        path = binding.reach.path(facts, wire_format.name, stream=request.stream)
        wire, key = binding.reach.request(facts, path, dumps(body), binding.model.clocks, wire=body)
        reply = await binding.send(wire)
        if reply.status != 200:
            try:
                raise await binding.refused(reply, key, wire_format)
            finally:
                reply.close()
        return reply, wire_format, key


def scrubbed(error: UpstreamError, key: str | None) -> UpstreamError:
    """`error` without the key, should the provider have echoed it."""
    if key and key in error.body.message:
        error.body = replace(error.body, message=error.body.message.replace(key, "***"))
        error.args = (error.body.message,)
    if key and error.upstream_code and key in error.upstream_code:
        error.upstream_code = error.upstream_code.replace(key, "***")
    return error


def _rest(relay: StreamRelay, cut: UpstreamError | None) -> bytes:
    """The end of a stream. A connection that broke behind the finish reason took nothing away from the answer."""
    try:
        rest = relay.close()
    except UpstreamError as error:
        if error.reason is Reason.SCHEMA_INVALID:
            raise  # the answer was whole, and is wrong whatever became of its connection
        raise cut or error from None
    if cut is not None:
        relay.tally.note(cut.failure)
    return rest


def _paused(relay: StreamRelay) -> bool:
    return isinstance(relay, TranslatedStream) and relay.paused is not None


def _never_ending() -> UpstreamError:
    message = f"The provider paused its answer more than {RESUMPTIONS} times."
    return UpstreamError(Reason.BAD_RESPONSE, message, failure="paused", billed_risk=True)


def _expect_json(media_type: str, raw: bytes) -> None:
    if media_type in _JSON_TYPES or (not media_type and raw[:1] in (b"{", b"")):
        return
    if media_type in ("text/plain", "application/octet-stream") and raw.lstrip()[:1] == b"{":
        return
    raise _bad_content_type(media_type)


def _bad_content_type(media_type: str) -> UpstreamError:
    kind = "HTML" if "html" in media_type else "something that is not JSON"
    message = f"The provider answered with {kind} instead of an answer."
    return UpstreamError(Reason.BAD_RESPONSE, message, failure="bad_content_type", billed_risk=True)
