"""Asking an identity service for a token: one small request, one small JSON answer, and plain words for what went wrong.

Tokens and secrets are in requests and answers only: an error carries the service's code, never its text, which may repeat
what it was sent. No proxy variables, no cookies, no redirects; every wait ends.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeGuard
from urllib.parse import urlsplit

import aiohttp

from proxy.addresses import is_among
from translators.canonical import Reason, UpstreamError

_BODY_LIMIT = 256 * 1024
_CONNECT_SECONDS = 5.0
_TOTAL_SECONDS = 10.0
_LIFETIME = 3600.0
"""Seconds a token is taken to live when its service does not say."""
_CODE = re.compile(r"[A-Za-z][\w.-]{2,60}")
_ENTRA_CODE = re.compile(r"AADSTS\d{4,9}")

# What Entra's codes mean to the one who can mend it (learn.microsoft.com/entra/identity-platform/reference-error-codes).
_CAUSES = {
    "AADSTS7000215": "the client secret is wrong",
    "AADSTS7000222": "the client secret has expired",
    "AADSTS700016": "there is no such client in the tenant",
    "AADSTS90002": "there is no such tenant",
    "AADSTS900023": "the tenant is neither an id nor a domain",
    "AADSTS500011": "the scope's resource is not in the tenant",
    "AADSTS70011": "the scope is not valid",
    "AADSTS70021": "no federated credential of the client matches this workload",
    "AADSTS700211": "no federated credential of the client has this issuer",
    "AADSTS700213": "no federated credential of the client matches this workload",
    "AADSTS700024": "the federated token has expired",
    "AADSTS700027": "the client assertion's signature is not valid",
}

_HANDLING: dict[str, tuple[Reason, str]] = {
    "refused": (Reason.AUTH, "credential_rejected"),
    "unreachable": (Reason.UNAVAILABLE, "token_unavailable"),
    "not_set_up": (Reason.UNAVAILABLE, "token_not_set_up"),
}


class TokenError(Exception):
    """There is no token. `fault`: the service refused, does not answer properly, or what it needs from here is missing."""

    def __init__(
        self, message: str, fault: Literal["refused", "unreachable", "not_set_up"], *, code: str | None = None
    ) -> None:
        super().__init__(message)
        self.fault: Literal["refused", "unreachable", "not_set_up"] = fault
        self.code = code

    def upstream(self) -> UpstreamError:
        """What it means for an attempt: this candidate cannot be asked now."""
        reason, failure = _HANDLING[self.fault]
        return UpstreamError(reason, str(self), failure=failure, upstream_code=self.code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A new token, how many seconds it lives, and the headers that belong to it. Printed, it shows no token."""

    token: str = field(repr=False)
    lifetime: float
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Said:
    """A service's answer. `wire` is its JSON object, empty where it is none. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    wire: Mapping[str, Any] = field(repr=False)


class TokenEndpoints:
    """The HTTP client of all token sources of a process; its session is opened when first needed.

    `allowed_hosts`: the only hosts that may be asked, as `proxy.addresses.is_among` reads them; None for any.
    """

    def __init__(self) -> None:
        self.allowed_hosts: tuple[str, ...] | None = None
        self._session: aiohttp.ClientSession | None = None

    def check(self, who: str, url: str) -> None:
        """Raises `TokenError` where `url` leads to a host that may not be connected to."""
        host = urlsplit(url).hostname or ""
        if self.allowed_hosts is not None and not is_among(host, self.allowed_hosts):
            raise TokenError(f"{who} is not among the hosts that may be connected to.", "not_set_up")

    async def post(self, who: str, url: str, form: Mapping[str, str]) -> Said:
        """Posts `form`. `who` names the service in errors. Raises `TokenError` when it cannot be reached."""
        return await self._ask(who, "POST", url, data=dict(form))

    async def get(
        self,
        who: str,
        url: str,
        *,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        connect: float = _CONNECT_SECONDS,
    ) -> Said:
        timeout = aiohttp.ClientTimeout(total=_TOTAL_SECONDS, connect=connect)
        return await self._ask(who, "GET", url, params=dict(query), headers=dict(headers), timeout=timeout)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _ask(self, who: str, method: str, url: str, **options: Any) -> Said:
        self.check(who, url)
        try:
            async with self._open().request(method, url, allow_redirects=False, **options) as answer:
                body = await _body(answer.content)
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Said(answer.status, headers, _object(body))
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # The error's own text may hold the address, which is the operator's business.
            raise TokenError(f"{who} cannot be reached ({type(error).__name__}).", "unreachable") from None

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=_TOTAL_SECONDS, connect=_CONNECT_SECONDS),
                trust_env=False,
            )
        return self._session


async def _body(content: aiohttp.StreamReader) -> bytes:
    """All of an answer, in however many pieces it comes; cut where no token's answer reaches."""
    body = bytearray()
    while len(body) < _BODY_LIMIT and (piece := await content.read(_BODY_LIMIT - len(body))):
        body += piece
    return bytes(body)


def _object(body: bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def fetched(who: str, said: Said, now: float) -> Fetched:
    """The token in an answer; `now` is unix time. Numbers may be text, as the managed identity endpoints have them.

    Raises `TokenError` for a refusal, and for an answer without a token.
    """
    if said.status != 200:
        raise refusal(who, said)
    token = said.wire.get("access_token")
    if not is_token(token):
        raise TokenError(f"{who} answered without a token.", "unreachable")
    lifetime = _seconds(said.wire.get("expires_in"))
    if lifetime is None:
        until = _seconds(said.wire.get("expires_on"))
        lifetime = _LIFETIME if until is None else max(until - now, 0.0)
    return Fetched(token=token, lifetime=lifetime)


def is_token(value: object) -> TypeGuard[str]:
    """Whether `value` can be a token: something that may stand in a header."""
    return isinstance(value, str) and bool(value) and value.isascii() and value.isprintable() and " " not in value


def refusal(who: str, said: Said) -> TokenError:
    """Why there is no token, in the service's code and our words."""
    code, cause = refusal_code(said.wire)
    shown = f" ({code}{': ' + cause if cause else ''})" if code else ""
    if said.status in (404, 408, 410, 429) or said.status >= 500 or 300 <= said.status < 400:
        return TokenError(f"{who} answered with status {said.status}{shown}.", "unreachable", code=code)
    return TokenError(f"{who} refused the gateway's credentials{shown}.", "refused", code=code)


def refusal_code(wire: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The code of an OAuth error (RFC 6749 §5.2) or of Entra, the more precise one, and what it means."""
    described = _ENTRA_CODE.search(str(wire.get("error_description") or ""))
    if described is not None:
        return described[0], _CAUSES.get(described[0])
    error = wire.get("error")
    code = error.get("code") or error.get("status") if isinstance(error, dict) else error
    return (code, None) if isinstance(code, str) and _CODE.fullmatch(code) else (None, None)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None
