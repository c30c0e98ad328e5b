"""The border between the gateway and a provider that answers in canonical terms."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from .capabilities import CapabilitySet
from .chunk import Chunk
from .request import Request
from .response import Response


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSignal:
    """What a free look at the endpoint says. `models` are the ids it claims to serve, when it says."""

    status: Literal["healthy", "degraded", "unhealthy", "unknown"]
    detail: str | None = None
    models: tuple[str, ...] | None = None


@runtime_checkable
class ProviderAdapter(Protocol):
    """One Model record, bound to whatever it needs to answer. An adapter never retries.

    `respond` and `stream` raise `UpstreamError`; `stream` ends with an `End` chunk or by raising, never silently.
    """

    def capabilities(self) -> CapabilitySet: ...

    async def respond(self, request: Request) -> Response: ...

    def stream(self, request: Request) -> AsyncIterator[Chunk]: ...

    async def health(self) -> HealthSignal: ...
