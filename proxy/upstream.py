"""The only outward I/O to providers: one request, one reply, and a precise word for whatever went wrong.

Nothing here retries, follows redirects, reads proxy variables or cookies, or decides what a failure means for the call;
the one exception is a pooled connection that turns out to be closed before a byte of answer came, which is resent once on
a fresh connection (RFC 9112 §9.3.1 lets a server close idle connections at any time). Headers are built by the caller from
an allow-list; no client header passes.

aiohttp follows redirects with keys by default, decodes without a bound and drops POSTs on stale connections; each of
these is set by hand below.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from proxy.resources import Clocks
from translators.canonical import Reason, UpstreamError

BODY_LIMIT = 32 * 1024 * 1024
"""The largest whole answer, in decoded bytes."""
TLS_SECONDS = 10.0
"""How long a TLS handshake may take after the TCP connection stands."""
_DECODABLE = frozenset({"", "identity", "gzip", "deflate"})


class AddressBlockedError(OSError):
    """A public provider's name led to an address that is not public."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WireRequest:
    """One request as it will go out. `private_ok`: whether the target may have a private or loopback address."""

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None
    clocks: Clocks
    private_ok: bool
    tls: ssl.SSLContext | bool = True


@dataclass(slots=True)
class _Attempt:
    """What the connector learns while one request is being sent."""

    clocks: Clocks
    private_ok: bool
    tls: bool
    fresh: bool = False
    resolving: bool = False
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def connected(self) -> bool:
        return any(_has_peer(candidate) for candidate in self.sockets)


_ATTEMPT: ContextVar[_Attempt] = ContextVar("joch_upstream_attempt")


class _Connector(aiohttp.TCPConnector):
    """A TCP connector that tells connect, DNS and TLS time apart and refuses addresses that must not be dialled."""

    async def _resolve_host(self, *args: Any, **kwargs: Any) -> Any:
        attempt = _ATTEMPT.get()
        attempt.resolving = True
        hosts = await super()._resolve_host(*args, **kwargs)
        attempt.resolving = False
        return hosts

    async def _create_connection(self, *args: Any, **kwargs: Any) -> ResponseHandler:
        attempt = _ATTEMPT.get()
        attempt.fresh = True
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(attempt.clocks.connect) as limit:

            def grant_handshake() -> None:
                if attempt.tls and attempt.connected:
                    limit.reschedule(loop.time() + TLS_SECONDS)

            timer = loop.call_later(attempt.clocks.connect * 0.95, grant_handshake)
            try:
                return await super()._create_connection(*args, **kwargs)
            finally:
                timer.cancel()


def _open_socket(address: tuple[Any, ...]) -> socket.socket:
    """aiohttp's socket factory: the address seen here is the one really dialled, whatever name or literal led to it."""
    attempt = _ATTEMPT.get()
    family, kind, protocol, _, target = address
    _check_address(target[0], attempt)
    opened = socket.socket(family, kind, protocol)
    attempt.sockets.append(opened)
    return opened


def _check_address(text: str, attempt: _Attempt) -> None:
    found = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(found, "ipv4_mapped", None) or found
    if mapped.is_link_local or (not attempt.private_ok and not mapped.is_global):
        raise AddressBlockedError("address not allowed")


def _has_peer(candidate: socket.socket) -> bool:
    try:
        candidate.getpeername()
    except OSError:
        return False
    return True


class Reply:
    """A provider's answer: status and headers at once, the body when asked. Close it, whatever happens."""

    def __init__(self, response: aiohttp.ClientResponse, clocks: Clocks) -> None:
        self._response = response
        self._clocks = clocks
        self._idle = False
        self._seen = 0.0
        self.status = response.status
        self.headers: dict[str, str] = {name.lower(): value for name, value in response.headers.items()}
        self.media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def read(self) -> bytes:
        """The whole body, decoded. Raises `UpstreamError`: truncated, too_big, bad_encoding."""
        pieces: list[bytes] = []
        size = 0
        async for piece in self.pieces():
            size += len(piece)
            if size > BODY_LIMIT:
                raise _error(Reason.BAD_RESPONSE, "The provider's answer is too large.", "too_big")
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def pieces(self) -> AsyncIterator[bytes]:
        """The body as it arrives. Raises `UpstreamError` when it breaks off or falls silent for `clocks.idle`."""
        if self.headers.get("content-encoding", "").lower() not in _DECODABLE:
            raise _error(Reason.BAD_RESPONSE, "The provider's answer has an unknown encoding.", "bad_encoding")
        loop = asyncio.get_running_loop()
        self._seen = loop.time()
        timer = loop.call_later(self._clocks.idle, self._watch, loop)
        self._timer = timer
        try:
            async for piece in self._response.content.iter_any():
                self._seen = loop.time()
                yield piece
                self._seen = loop.time()  # a slow reader of ours is not a silent provider
        except (aiohttp.ClientError, OSError, aiohttp.http_exceptions.HttpProcessingError) as error:
            raise self._broken(error) from None
        finally:
            self._timer.cancel()

    def _watch(self, loop: asyncio.AbstractEventLoop) -> None:
        rest = self._seen + self._clocks.idle - loop.time()
        if rest <= 0:
            self._idle = True
            self._response.close()
        else:
            self._timer = loop.call_later(rest, self._watch, loop)

    def _broken(self, error: BaseException) -> UpstreamError:
        if self._idle:
            message = f"The provider sent nothing for {self._clocks.idle:g} seconds."
            return _error(Reason.TIMEOUT, message, "idle_timeout", code="upstream_idle_timeout")
        if isinstance(error, ConnectionResetError) or isinstance(error.__cause__, ConnectionResetError):
            return _error(Reason.STREAM_CUT, "The connection to the provider broke off.", "reset_mid")
        if "content-encoding" in str(error).lower():
            return _error(Reason.BAD_RESPONSE, "The provider's answer could not be decoded.", "bad_encoding")
        return _error(Reason.STREAM_CUT, "The provider's answer was cut off.", "truncated")

    def close(self) -> None:
        """Close the connection unless the body was read to its end, in which case it is already back in the pool."""
        self._response.close()


class Upstream:
    """The HTTP client of the whole process: one pool, one set of rules. Use it as an async context manager."""

    def __init__(self, *, resolver: AbstractResolver | None = None, user_agent: str = "joch") -> None:
        self._resolver = resolver
        self._user_agent = user_agent
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Upstream:
        connector = _Connector(
            limit=0,
            ttl_dns_cache=60,
            keepalive_timeout=30,
            resolver=self._resolver,
            socket_factory=_open_socket,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
            trust_env=False,
            auto_decompress=True,
            skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent", "Content-Type"),
            headers={"Accept-Encoding": "identity", "User-Agent": self._user_agent},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: WireRequest) -> Reply:
        """Send `request` and wait for the answer's headers, at most `clocks.first_byte` seconds.

        Raises `UpstreamError` whose `failure` names what happened and whose `billed_risk` says whether the provider may
        have started to work.
        """
        attempt = _Attempt(request.clocks, request.private_ok, request.url.scheme == "https")
        try:
            return await self._once(request, attempt)
        except UpstreamError as error:
            if error.failure not in ("closed_before_headers", "reset_before_headers") or attempt.fresh:
                raise
        again = _Attempt(request.clocks, request.private_ok, attempt.tls, fresh=True)
        try:
            return await self._once(request, again)
        except UpstreamError as error:
            error.failure = "stale_connection"
            raise

    async def _once(self, request: WireRequest, attempt: _Attempt) -> Reply:
        if self._session is None:
            raise RuntimeError("the upstream client is not open")
        _ATTEMPT.set(attempt)
        try:
            async with asyncio.timeout(request.clocks.first_byte):
                response = await self._session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=request.body,
                    allow_redirects=False,
                    ssl=request.tls,
                )
        except TimeoutError:
            raise self._late(attempt, request.clocks) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(error, attempt) from None
        reply = Reply(response, request.clocks)
        if 300 <= reply.status < 400:
            reply.close()
            raise _error(
                Reason.BAD_RESPONSE, "The provider answered with a redirect, which is never followed.", "redirect"
            )
        return reply

    @staticmethod
    def _late(attempt: _Attempt, clocks: Clocks) -> UpstreamError:
        if attempt.resolving:
            return _error(
                Reason.CONNECT, "The provider's name could not be resolved in time.", "dns_timeout", risk=False
            )
        if attempt.fresh and attempt.sockets and not attempt.connected:
            return _error(Reason.CONNECT, "No connection to the provider in time.", "connect_timeout", risk=False)
        message = f"The provider did not begin to answer within {clocks.first_byte:g} seconds."
        return _error(Reason.TIMEOUT, message, "header_timeout")


def _failed(error: BaseException, attempt: _Attempt) -> UpstreamError:
    """The word for an exception raised before the answer's headers were in."""
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        if attempt.resolving:
            return _error(
                Reason.CONNECT, "The provider's name could not be resolved in time.", "dns_timeout", risk=False
            )
        if attempt.connected:
            return _error(
                Reason.CONNECT, "The TLS handshake with the provider took too long.", "tls_timeout", risk=False
            )
        return _error(Reason.CONNECT, "No connection to the provider in time.", "connect_timeout", risk=False)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _error(Reason.CONNECT, "The provider's name could not be resolved.", "dns", risk=False)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        return _error(
            Reason.CONNECT, "The provider's TLS certificate or handshake was not accepted.", "tls", risk=False
        )
    if isinstance(error, aiohttp.ClientConnectorError):
        return _unconnected(error)
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return _error(Reason.CONNECT, "The provider closed the connection without an answer.", "closed_before_headers")
    if isinstance(error, aiohttp.ClientResponseError):
        too_much = any(word in error.message.lower() for word in ("got more than", "too many headers", "line too long"))
        failure = "header_overflow" if too_much else "protocol_error"
        return _error(Reason.BAD_RESPONSE, "The provider's answer is not valid HTTP.", failure)
    if isinstance(error, (aiohttp.ClientOSError, aiohttp.ClientConnectionResetError, ConnectionError)):
        return _error(Reason.CONNECT, "The connection to the provider broke off.", "reset_before_headers")
    return _error(Reason.CONNECT, "The provider could not be reached.", "connect_failed", risk=True)


def _unconnected(error: aiohttp.ClientConnectorError) -> UpstreamError:
    cause = error.os_error
    if isinstance(cause, AddressBlockedError) or "address not allowed" in str(cause):
        return _error(Reason.CONNECT, "The provider could not be reached.", "address_blocked", risk=False)
    if isinstance(cause, ConnectionRefusedError):
        return _error(Reason.CONNECT, "The provider refused the connection.", "connect_refused", risk=False)
    return _error(Reason.CONNECT, "The provider could not be reached.", "connect_failed", risk=False)


def _error(reason: Reason, message: str, failure: str, *, risk: bool = True, code: str | None = None) -> UpstreamError:
    return UpstreamError(reason, message, failure=failure, billed_risk=risk, code=code)
