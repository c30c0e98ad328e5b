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
import io
import logging
import socket
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver
from aiohttp.client_proto import ResponseHandler
from yarl import URL

from proxy.addresses import is_among, is_link_local, is_public, parse_address
from proxy.limit import Limit
from proxy.resources import Clocks
from translators.canonical import Reason, UpstreamError, named_value

BODY_LIMIT = 32 * 1024 * 1024
"""The largest whole answer, in decoded bytes."""
TLS_SECONDS = 10.0
"""How long a TLS handshake may take after the TCP connection stands."""
LINGER_SECONDS = 1.0
"""How long a provider may keep a body open behind the end of its answer before the connection is given up."""
_LINGER_BYTES = 256 * 1024
_LARGE_BYTES = 128 * 1024  # sent in pieces, and watched; anything smaller is out of our hands at once
_DECODABLE = frozenset({"", "identity", "gzip", "deflate"})
_CERTIFICATE_FLAWS = {
    10: "expired",
    18: "self_signed",
    19: "self_signed",
    20: "unknown_issuer",
    62: "wrong_name",
    64: "wrong_name",
}
"""What is wrong with a certificate, by OpenSSL's X509_V_ERR number (x509_vfy.h)."""
_log = logging.getLogger("joch.upstream")


class AddressBlockedError(OSError):
    """A public provider's name led to an address that is not public."""


@named_value
class WireRequest:
    """One request as it will go out. `private_ok`: whether the target may have a private or loopback address.

    `may_resend`: whether it may be sent once more on a fresh connection when a pooled one turns out to be closed.
    """

    method: str
    url: URL
    headers: Mapping[str, str]
    body: bytes | None
    clocks: Clocks
    private_ok: bool
    tls: ssl.SSLContext | bool = True
    may_resend: bool = True


@dataclass(slots=True)
class _Attempt:
    """What the connector learns while one request is being sent.

    `fresh`: it has, or must have, a connection of its own; `established`: that connection stands, TLS included.
    """

    clocks: Clocks
    private_ok: bool
    tls: bool
    fresh: bool = False
    resolving: bool = False
    established: bool = False
    sockets: list[socket.socket] = field(default_factory=list)

    @property
    def connected(self) -> bool:
        return any(_has_peer(candidate) for candidate in self.sockets)


_ATTEMPT: ContextVar[_Attempt] = ContextVar("joch_upstream_attempt")


class _Connector(aiohttp.TCPConnector):
    """A TCP connector that tells connect, DNS and TLS time apart and refuses addresses that must not be dialled.

    A pooled connection on which something came that nobody asked for is dropped: it would be read as the next answer.
    """

    async def _get(self, key: Any, traces: Any) -> Any:
        if _ATTEMPT.get().fresh:
            return None
        for protocol, _ in self._conns.get(key, ()):
            if _has_unsolicited(protocol):
                _warn_unsolicited(key)
                protocol.close()
        return await super()._get(key, traces)

    def _release(self, key: Any, protocol: ResponseHandler, *, should_close: bool = False) -> None:
        if not should_close and _has_unsolicited(protocol):
            _warn_unsolicited(key)
        super()._release(key, protocol, should_close=should_close)
        protocol._parser = None  # what comes from now on is nobody's answer, and stays in view of `_get`

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
                connection = await super()._create_connection(*args, **kwargs)
            finally:
                timer.cancel()
        attempt.established = True
        return connection


def _has_unsolicited(protocol: ResponseHandler) -> bool:
    return bool(protocol._buffer or protocol._tail)


def _warn_unsolicited(key: Any) -> None:
    _log.warning("unsolicited bytes on a connection to %s, which is dropped", key.host)


def _open_socket(address: tuple[Any, ...]) -> socket.socket:
    """aiohttp's socket factory: the address seen here is the one really dialled, whatever name or literal led to it."""
    attempt = _ATTEMPT.get()
    family, kind, protocol, _, target = address
    _check_address(target[0], attempt)
    opened = socket.socket(family, kind, protocol)
    attempt.sockets.append(opened)
    return opened


def _check_address(text: str, attempt: _Attempt) -> None:
    address = parse_address(text)
    if is_link_local(address) or (not attempt.private_ok and not is_public(address)):
        raise AddressBlockedError("address not allowed")


def _has_peer(candidate: socket.socket) -> bool:
    try:
        candidate.getpeername()
    except OSError:
        return False
    return True


class Reply:
    """A provider's answer: status and headers at once, the body when asked. Close or finish it, whatever happens.

    `notes` are words for the event log: what was unusual about the way the answer came.
    """

    def __init__(self, response: aiohttp.ClientResponse, clocks: Clocks, lingering: set[asyncio.Task[None]]) -> None:
        self._response = response
        self._clocks = clocks
        self._lingering = lingering
        self.notes: list[str] = []
        self._idle = False
        self._seen = 0.0
        self._read: bytes | None = None
        self.status = response.status
        self.media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            self.notes.append("encoded")

    @property
    def headers(self) -> dict[str, str]:
        """The answer's headers, names in lower case."""
        return {name.lower(): value for name, value in self._response.headers.items()}

    def header(self, name: str) -> str | None:
        """One header, by its name in any case."""
        return self._response.headers.get(name)

    async def read(self) -> bytes:
        """The whole body, decoded, as often as it is asked for. Raises `UpstreamError`: truncated, too_big, bad_encoding."""
        if self._read is None:
            self._read = await self._whole()
        return self._read

    async def _whole(self) -> bytes:
        content = self._response.content
        if content.is_eof() and content.exception() is None and "Content-Encoding" not in self._response.headers:
            whole = content.read_nowait()  # it came with the headers, as small ones do: no clock is needed
            if len(whole) <= BODY_LIMIT:
                return whole
            raise _error(Reason.BAD_RESPONSE, "The provider's answer is too large.", "too_big")
        pieces: list[bytes] = []
        size = 0
        async with aclosing(self.pieces()) as body:
            async for piece in body:
                size += len(piece)
                if size > BODY_LIMIT:
                    raise _error(Reason.BAD_RESPONSE, "The provider's answer is too large.", "too_big")
                pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _check_encoding(self) -> None:
        if self._response.headers.get("Content-Encoding", "").lower() not in _DECODABLE:
            raise _error(Reason.BAD_RESPONSE, "The provider's answer has an unknown encoding.", "bad_encoding")

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as it arrives. Raises `UpstreamError` when it breaks off or falls silent for `clocks.idle`."""
        self._check_encoding()
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
        # aiohttp names the reset in the text only; what it was reading is the cause
        if isinstance(error, ConnectionResetError) or "ConnectionResetError" in str(error):
            return _error(Reason.STREAM_CUT, "The connection to the provider broke off.", "reset_mid")
        if "content-encoding" in str(error).lower():
            return _error(Reason.BAD_RESPONSE, "The provider's answer could not be decoded.", "bad_encoding")
        return _error(Reason.STREAM_CUT, "The provider's answer was cut off.", "truncated")

    def close(self) -> None:
        """Close the connection unless the body was read to its end, in which case it is already back in the pool.

        With part of the request still unsent it is aborted: a provider that reads no further would hold it open.
        """
        connection = self._response.connection
        if connection is not None and connection.transport is not None and connection.transport.get_write_buffer_size():
            connection.transport.abort()
        self._response.close()

    def finish(self) -> None:
        """The answer is complete, though its body may not be: let it end, so that the connection can be used again.

        A provider that does not end it within `LINGER_SECONDS` loses the connection; nobody waits for that.
        """
        if self._response.content.at_eof():
            self.close()
            return
        task = asyncio.get_running_loop().create_task(self._linger())
        self._lingering.add(task)
        task.add_done_callback(self._lingering.discard)

    async def _linger(self) -> None:
        left = _LINGER_BYTES
        try:
            async with asyncio.timeout(LINGER_SECONDS):
                while left > 0 and (piece := await self._response.content.readany()):
                    left -= len(piece)
        except (TimeoutError, aiohttp.ClientError, OSError, aiohttp.http_exceptions.HttpProcessingError):
            pass  # the answer is complete: how its connection ends is nobody's concern
        finally:
            self.close()


class Upstream:
    """The HTTP client of the whole process: one pool, one set of rules. Use it as an async context manager."""

    def __init__(self, *, resolver: AbstractResolver | None = None, user_agent: str = "joch") -> None:
        self._resolver = resolver
        self._user_agent = user_agent
        self.allowed_hosts: tuple[str, ...] | None = None
        """The only hosts that may be connected to: names, or "*.suffix" for all below one. None: any."""
        self._session: aiohttp.ClientSession | None = None
        self._lingering: set[asyncio.Task[None]] = set()

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
        for task in list(self._lingering):
            task.cancel()
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
            stale = error.failure in ("closed_before_headers", "reset_before_headers") and not attempt.fresh
            if not stale or not request.may_resend:
                raise
        again = _Attempt(request.clocks, request.private_ok, attempt.tls, fresh=True)
        try:
            reply = await self._once(request, again)
        except UpstreamError as error:
            error.failure = "stale_connection"
            raise
        reply.notes.append("stale_connection")  # the provider may have got, and bill, both requests
        return reply

    async def _once(self, request: WireRequest, attempt: _Attempt) -> Reply:
        if self._session is None:
            raise RuntimeError("the upstream client is not open")
        if self.allowed_hosts is not None and not is_among(request.url.host or "", self.allowed_hosts):
            message = "The provider's host is not among those that may be connected to."
            raise _error(Reason.CONNECT, message, "egress_blocked", risk=False)
        _ATTEMPT.set(attempt)
        data: bytes | io.BytesIO | None = request.body
        upload = None
        if request.body is not None and len(request.body) > _LARGE_BYTES:
            data, upload = io.BytesIO(request.body), aiohttp.UploadTracker()
        try:
            with Limit(request.clocks.first_byte):
                response = await self._session.request(
                    request.method,
                    request.url,
                    headers=request.headers,
                    data=data,
                    allow_redirects=False,
                    ssl=request.tls,
                    upload_tracker=upload,
                )
        except TimeoutError:  # ours, and aiohttp's ConnectionTimeoutError
            raise _late(attempt, request.clocks) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise _failed(error, attempt) from None
        reply = Reply(response, request.clocks, self._lingering)
        if upload is not None and not upload.upload_complete.done():
            reply.notes.append("early_response")
        if 300 <= reply.status < 400:
            reply.close()
            message = "The provider answered with a redirect, which is never followed."
            raise _error(Reason.BAD_RESPONSE, message, "redirect", risk=False)
        return reply


def _late(attempt: _Attempt, clocks: Clocks) -> UpstreamError:
    """The word for a time limit that passed before the answer's headers were in: by how far the request had come."""
    if attempt.fresh and not attempt.established:
        if attempt.resolving:
            message, failure = "The provider's name could not be resolved in time.", "dns_timeout"
        elif attempt.tls and attempt.connected:
            message, failure = "The TLS handshake with the provider took too long.", "tls_timeout"
        else:
            message, failure = "No connection to the provider in time.", "connect_timeout"
        return _error(Reason.CONNECT, message, failure, risk=False)
    message = f"The provider did not begin to answer within {clocks.first_byte:g} seconds."
    return _error(Reason.TIMEOUT, message, "header_timeout")


def _failed(error: BaseException, attempt: _Attempt) -> UpstreamError:
    """The word for an exception raised before the answer's headers were in."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return _error(Reason.CONNECT, "The provider's name could not be resolved.", "dns", risk=False)
    if isinstance(error, (aiohttp.ClientSSLError, ssl.SSLError)):
        message = "The provider's TLS certificate or handshake was not accepted."
        return _error(Reason.CONNECT, message, "tls", risk=False, upstream_code=_flaw(error))
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


def _flaw(error: BaseException) -> str | None:
    """What is wrong with the certificate, if that is what stopped the handshake."""
    cause = getattr(error, "certificate_error", error)
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return None
    return _CERTIFICATE_FLAWS.get(cause.verify_code, "untrusted")


def _unconnected(error: aiohttp.ClientConnectorError) -> UpstreamError:
    cause = error.os_error
    if isinstance(cause, AddressBlockedError) or "address not allowed" in str(cause):
        return _error(Reason.CONNECT, "The provider could not be reached.", "address_blocked", risk=False)
    if isinstance(cause, ConnectionRefusedError):
        return _error(Reason.CONNECT, "The provider refused the connection.", "connect_refused", risk=False)
    return _error(Reason.CONNECT, "The provider could not be reached.", "connect_failed", risk=False)


def _error(
    reason: Reason,
    message: str,
    failure: str,
    *,
    risk: bool = True,
    code: str | None = None,
    upstream_code: str | None = None,
) -> UpstreamError:
    return UpstreamError(reason, message, failure=failure, billed_risk=risk, code=code, upstream_code=upstream_code)
