"""The way to a tool gateway: one GET with its key, through the same client and rules as every other request that goes out."""

from __future__ import annotations

from collections.abc import Callable

from yarl import URL

from proxy.adapters.binding import ResolveSecret
from proxy.effects import Ask
from proxy.resources import Clocks, ToolGateway
from proxy.upstream import Upstream, WireRequest


def asking(upstream: Upstream, resolve: ResolveSecret) -> Callable[[ToolGateway], Ask]:
    """How gateways are asked. The key is looked up for every question; `LookupError` and `UpstreamError` are raised."""

    def ask_with(gateway: ToolGateway) -> Ask:
        async def ask(url: str, seconds: float) -> tuple[int, bytes]:
            headers = {"Accept": "application/json"}
            if gateway.secret is not None:
                headers["Authorization"] = f"Bearer {resolve(gateway.secret).reveal()}"
            clocks = Clocks(
                connect=seconds, first_byte=seconds, whole=None, idle=seconds, attempt=seconds, total=seconds
            )
            reply = await upstream.send(
                WireRequest(method="GET", url=URL(url), headers=headers, body=None, clocks=clocks, private_ok=True)
            )
            try:
                return reply.status, await reply.read()
            finally:
                reply.close()

        return ask

    return ask_with
