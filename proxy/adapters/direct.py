"""A Model record whose adapter answers in canonical terms itself: a plugin, or the built-in demo.

Everything a wire binding does around the bytes happens here around the chunks: the same tally, the same renderers, the
same errors. An adapter that raises something else has a bug; the client hears of an internal provider error, not of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from proxy.resources import Clocks, Model
from translators import exchange
from translators.canonical import (
    CapabilitySet,
    End,
    HealthSignal,
    JochError,
    ProviderAdapter,
    Reason,
    Request,
    Response,
    Transform,
    UpstreamError,
)
from translators.continuity import only_own
from translators.formats import Tally, Wire
from translators.providers.provider import AdapterProvider

from .binding import Asked
from .capabilities import effective
from .reach import facts_of


class DirectBinding:
    """One Model record bound to the adapter its provider built for it."""

    def __init__(self, model: Model, provider: AdapterProvider) -> None:
        self.issuer = provider.name
        self._adapter = provider.build(facts_of(model))
        self._capabilities = effective(model, self._adapter.capabilities())

    host = ""

    def capabilities(self) -> CapabilitySet:
        return self._capabilities

    def translates(self, client: str, request: Request) -> bool:
        return True

    def prepare(self, asked: Asked) -> PreparedDirect:
        own = only_own(asked.request, self.issuer)
        return PreparedDirect(
            self.issuer, self._adapter, replace(asked, request=own.request), transforms=own.transforms
        )

    async def post(self, operation: str, body: Wire, clocks: Clocks) -> Wire:
        raise UpstreamError(Reason.UNSUPPORTED, f"{self.issuer} does not serve {operation}.")

    async def health(self) -> HealthSignal:
        return await self._adapter.health()


@dataclass(slots=True)
class PreparedDirect:
    name: str
    adapter: ProviderAdapter
    asked: Asked
    lane: str = "direct"
    host: str = ""
    transforms: tuple[Transform, ...] = ()

    @property
    def api(self) -> str:
        return self.name

    async def send(self) -> DirectAnswer:
        return DirectAnswer(self)


class DirectAnswer:
    """An adapter's answer crossing to the client."""

    status = 200
    upstream_request_id: str | None = None

    def __init__(self, prepared: PreparedDirect) -> None:
        self._prepared = prepared
        asked = prepared.asked
        self._renderer = asked.client.stream_renderer(asked.context)
        self.tally = Tally()
        self._unfencing = exchange.Unfencing(asked.context.request.output, self.tally)

    async def whole(self) -> bytes:
        asked = self._prepared.asked
        return exchange.render_answer(asked.client, await self._respond(), asked.context, self.tally)

    async def pieces(self) -> AsyncIterator[bytes]:
        asked = self._prepared.asked
        turns = exchange.Turns(asked.context)
        ended = False
        try:
            async for chunk in self._prepared.adapter.stream(asked.request):
                chunks = self._unfencing.passed([chunk])
                if isinstance(chunk, End):
                    ended = True
                    chunks = exchange.with_usage(chunks, self.tally, asked.context)
                exchange.observe(self.tally, chunks)
                yield self._renderer.render(turns.passed(chunks))
        except JochError:
            raise
        except Exception as error:
            raise self._broken(error) from error
        if not ended:
            raise UpstreamError(
                Reason.STREAM_CUT,
                "The provider's stream stopped before its end.",
                failure="no_terminal",
                billed_risk=True,
            )

    async def _respond(self) -> Response:
        try:
            return await self._prepared.adapter.respond(self._prepared.asked.request)
        except JochError:
            raise
        except Exception as error:
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> UpstreamError:
        return UpstreamError(
            Reason.BAD_RESPONSE,
            f"The provider adapter {self._prepared.name!r} failed ({type(error).__name__}).",
            failure="adapter_error",
            billed_risk=True,
        )

    def fail(self, error: JochError) -> bytes:
        return self._renderer.render(self._unfencing.rest()) + self._renderer.fail(error)

    def close(self) -> None:
        """Nothing is held; an adapter's stream ends with the iteration."""
