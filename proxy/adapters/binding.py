"""The border between the gateway and whatever answers. Protocols and values only."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol

from proxy.resources import Clocks, SecretRef
from translators.canonical import CapabilitySet, HealthSignal, JochError, Request, Transform, named_value
from translators.formats import ClientFormat, RenderContext, Tally, Wire


class Revealable(Protocol):
    """A secret's value in its wrapper."""

    def reveal(self) -> str: ...


ResolveSecret = Callable[[SecretRef], Revealable]
"""Looks the value up now. Raises `LookupError` with a message that names the secret, never its value."""


@named_value
class Asked:
    """One attempt's question: the request with the candidate's parameters applied, and how to answer the client.

    `may_resend` False: not even a pooled connection found closed may lead to a second request, since the first may be billed.
    """

    client: ClientFormat
    request: Request
    context: RenderContext
    clocks: Clocks
    may_resend: bool = True


class Answer(Protocol):
    """One attempt's answer in the client's format. `close` it, whatever happens; it is safe to call twice."""

    @property
    def tally(self) -> Tally: ...

    @property
    def status(self) -> int: ...

    @property
    def upstream_request_id(self) -> str | None: ...

    async def whole(self) -> bytes:
        """The whole answer, ready for the client. Raises `UpstreamError`."""
        ...

    def pieces(self) -> AsyncIterator[bytes]:
        """The answer as a stream, ready for the client; a piece may be empty. Raises `UpstreamError`.

        `tally.content` tells, after each piece, whether anything of the model is in what was given so far.
        """
        ...

    def fail(self, error: JochError) -> bytes:
        """The in-band error that continues what `pieces` gave so far."""
        ...

    def close(self) -> None: ...


class Prepared(Protocol):
    """An attempt that is ready to go out. `lane`, `api` and `host` are for events and explanations."""

    @property
    def lane(self) -> str: ...

    @property
    def api(self) -> str: ...

    @property
    def host(self) -> str: ...

    @property
    def transforms(self) -> tuple[Transform, ...]: ...

    async def send(self) -> Answer:
        """Send it and wait for the answer to begin. Raises `UpstreamError`."""
        ...


class Binding(Protocol):
    """One Model record, ready to answer."""

    @property
    def host(self) -> str:
        """The host it talks to, for events; empty when it talks to none."""
        ...

    @property
    def issuer(self) -> str:
        """Who makes the opaque blobs of its answers."""
        ...

    def capabilities(self) -> CapabilitySet: ...

    def translates(self, client: str, request: Request) -> bool:
        """Whether `request`, which came in the format `client`, would be sent in another one."""
        ...

    def prepare(self, asked: Asked) -> Prepared:
        """Render the request and look up the key. Raises `UpstreamError` when this candidate cannot be asked."""
        ...

    async def post(self, operation: str, body: Wire, clocks: Clocks) -> Wire:
        """A JSON operation beside generation ("embeddings"). Raises `UpstreamError`."""
        ...

    async def health(self) -> HealthSignal: ...
