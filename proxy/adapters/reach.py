"""Where a Model record's requests go, with which credentials, and how a refused token is renewed. Knows no format.

The key, and the address if a secret holds it, are looked up when a request is made and live in that request only. A token is
put in when the request is sent, since fetching one takes time; a provider's 401 has it renewed and the request sent once
more, if a new token can make a difference. Nothing else is ever sent twice.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from multidict import istr
from yarl import URL

from proxy.resources import Auth, Clocks, Model, SecretRef
from proxy.upstream import Reply, WireRequest
from translators.canonical import Reason, UpstreamError
from translators.formats import Wire
from translators.providers.provider import ModelFacts, Provider

from .binding import ResolveSecret

# An `istr` knows its own case-folded form; a plain string would be folded again for every request.
_ACCEPT = istr("Accept")
_AUTHORIZATION = istr("Authorization")
_AUTH_HEADERS = {
    "bearer": (_AUTHORIZATION, "Bearer "),
    "api-key": (istr("api-key"), ""),
    "x-api-key": (istr("x-api-key"), ""),
    "x-goog-api-key": (istr("x-goog-api-key"), ""),
}


class Send(Protocol):
    """What is needed of the upstream client."""

    async def send(self, request: WireRequest) -> Reply: ...


class Tokens(Protocol):
    """The tokens of one identity. `headers` go with the one in hand."""

    @property
    def headers(self) -> Mapping[str, str]: ...

    async def token(self) -> str:
        """A token that holds now. Raises `UpstreamError` when there is none to be had."""
        ...

    def invalidate(self, token: str, said: str = "") -> bool:
        """A provider refused `token`, saying `said`; whether another is worth one more try."""
        ...


Identify = Callable[[Auth, SecretRef | None, str, tuple[str, ...]], Tokens]
"""The token source for an `Auth` and its secret, for a host, with the scopes its provider names."""


def no_identities(auth: Auth, secret: SecretRef | None, host: str, scopes: tuple[str, ...]) -> Tokens:
    """The `Identify` of a process that fetches no tokens."""
    message = f"Tokens of type {auth.type} cannot be fetched here."
    raise UpstreamError(Reason.UNAVAILABLE, message, failure="token_not_set_up")


class Reach:
    """The way to one Model record's endpoint. Used by many calls at the same time."""

    def __init__(
        self,
        model: Model,
        provider: Provider,
        upstream: Send,
        resolve: ResolveSecret,
        hop: Mapping[str, str],
        identify: Identify,
    ) -> None:
        self._model, self._provider = model, provider
        self._upstream, self._resolve, self._identify = upstream, resolve, identify
        self._facts = facts_of(model, provider)
        self._operators = {name.lower() for name in model.headers}
        static = {"Content-Type": "application/json", **provider.headers, **model.headers, **hop}
        self._headers: dict[str, str] = {istr(name): value for name, value in static.items()}
        self._tls = _tls_of(model)
        self._urls: dict[str, URL] = {}

    @property
    def facts(self) -> ModelFacts:
        """What the provider's code may know of the record. Raises `UpstreamError` when a secret holds the address and is
        not there."""
        secret = self._model.base_url_secret
        return self._facts if secret is None else replace(self._facts, base_url=self._revealed(secret).rstrip("/"))

    @property
    def host(self) -> str:
        """The host requests go to; empty where only a secret knows it."""
        if self._model.base_url_secret is not None:
            return ""
        return URL(self._base(self._facts) or "").host or ""

    def path(self, facts: ModelFacts, operation: str, *, stream: bool = False) -> str:
        """The path of an operation below the base URL. Raises `UpstreamError` for one that the provider does not have."""
        provider = self._provider
        computed = None if provider.path_of is None else provider.path_of(facts, operation, stream)
        path = provider.paths.get(operation) if computed is None else computed
        if path is None:
            raise UpstreamError(Reason.UNSUPPORTED, f"{provider.name} has no {operation} endpoint.")
        return path

    def request(
        self,
        facts: ModelFacts,
        path: str,
        body: bytes | None,
        clocks: Clocks,
        *,
        accept: str = "application/json",
        wire: Wire | None = None,
    ) -> tuple[WireRequest, str | None]:
        """A request to `path` below the base URL, with the key in its header; and the key, for scrubbing.

        `wire` is `body` before it was written, for headers that depend on it.
        """
        headers = {**self._headers, _ACCEPT: accept}
        if wire is not None and self._provider.headers_of is not None:
            computed = self._provider.headers_of(wire, facts)
            headers |= {istr(name): text for name, text in computed.items() if name.lower() not in self._operators}
        key = self._key()
        if key is not None:
            name, scheme = _AUTH_HEADERS[self._model.auth.type or self._provider.auth]
            headers[name] = scheme + key
        request = WireRequest(
            method="GET" if body is None else "POST",
            url=self._url(facts, path),
            headers=headers,
            body=body,
            clocks=clocks,
            private_ok=self._model.local or facts.base_url is not None,  # who writes an address may mean an own network
            tls=self._tls,
        )
        return request, key

    async def send(self, request: WireRequest) -> Reply:
        """The reply, whatever its status; with the record's token, where it has one. Raises `UpstreamError`."""
        if not self._model.auth.by_token:
            return await self._upstream.send(request)
        tokens = self.tokens()
        token = await tokens.token()
        reply = await self._upstream.send(with_token(request, token, tokens))
        if reply.status != 401 or not tokens.invalidate(token, await _said(reply)):
            return reply
        reply.close()
        renewed = await self._upstream.send(with_token(request, await tokens.token(), tokens))
        renewed.notes.append("token_renewed")
        return renewed

    def tokens(self) -> Tokens:
        """The source of the record's tokens, for one whose calls carry them."""
        facts, scopes_of = self.facts, self._provider.scopes_of
        host = URL(self._base(facts) or "").host or ""
        scopes = () if scopes_of is None else scopes_of(facts)
        return self._identify(self._model.auth, self._model.secret, host, scopes)

    def _url(self, facts: ModelFacts, path: str) -> URL:
        kept = self._urls.get(path)
        if kept is not None:
            return kept
        base = self._base(facts)
        if base is None:
            message = f"{self._model.ref} has no base URL."
            raise UpstreamError(Reason.UNAVAILABLE, message, failure="base_url_missing")
        url = joined(base, path, self._model.query)
        if self._model.base_url_secret is None:
            self._urls[path] = url
        return url

    def _base(self, facts: ModelFacts) -> str | None:
        provider = self._provider
        if provider.base_of is not None:
            return provider.base_of(facts)
        return facts.base_url or provider.base_url

    def _key(self) -> str | None:
        model = self._model
        if model.secret is None or model.auth.by_token or (self._provider.auth == "none" and model.auth.type is None):
            return None
        return self._revealed(model.secret)

    def _revealed(self, ref: SecretRef) -> str:
        try:
            return self._resolve(ref).reveal()
        except LookupError as error:
            raise UpstreamError(Reason.UNAVAILABLE, str(error), failure="secret_missing") from None


def facts_of(model: Model, provider: Provider | None = None) -> ModelFacts:
    """What the provider's own code may know of the record: a base URL only where it is not the provider's default."""
    default = None if provider is None else provider.base_url
    version = model.query.get("api-version")
    return ModelFacts(
        model=model.model,
        base_url=None if model.base_url == default else model.base_url,
        place=model.place if version is None else {"apiVersion": version, **model.place},
        api=model.api,
        context_window=model.context_window,
        max_output=model.max_output,
        flags=model.flags,
        options=model.features,
        region=model.region,
    )


def joined(base: str, path: str, query: Mapping[str, str]) -> URL:
    """`path` below `base`. A query of the path goes before the operator's (`query`), and that before the base URL's own."""
    root, _, given = base.partition("?")
    url = URL(root.rstrip("/") + path)
    if not given and not query:
        return url
    return url.with_query({**URL(f"?{given}").query, **query, **url.query})


def with_token(request: WireRequest, token: str, tokens: Tokens) -> WireRequest:
    headers = {**request.headers, **tokens.headers, _AUTHORIZATION: f"Bearer {token}"}
    return replace(request, headers=headers)


async def _said(reply: Reply) -> str:
    """The words of a refusal. The body can be read again."""
    try:
        return (await reply.read()).decode("utf-8", "replace")
    except UpstreamError:
        return ""


def _tls_of(model: Model) -> ssl.SSLContext | bool:
    if not model.verify_tls:
        return False
    return True if model.ca_file is None else ssl.create_default_context(cafile=model.ca_file)
