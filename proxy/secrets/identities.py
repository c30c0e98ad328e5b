"""The token source of each model whose calls carry tokens: made when first needed, shared by models of one identity.

What an identity is made of is looked up for every fetch (secret, federated token, environment), so that a rotated one
counts with the next token. The ways to a token are in the modules beside.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from proxy.resources import Auth, SecretRef

from . import google_tokens
from .entra import Client, client_credentials
from .managed_identity import managed_identity
from .resolver import SecretError, SecretResolver
from .token_endpoint import Fetched, TokenEndpoints, TokenError
from .tokens import TokenSource, early_for_entra, early_for_google

Fetch = Callable[[str], Awaitable[Fetched]]


class Identities:
    """All token sources of the process. `env` is where identities find what the configuration leaves to the environment."""

    def __init__(
        self, env: Mapping[str, str], resolver: SecretResolver, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._env, self._resolver, self._clock = env, resolver, clock
        self._endpoints = TokenEndpoints()
        self._sources: dict[tuple[Auth, SecretRef | None, str, tuple[str, ...]], TokenSource] = {}

    def of(self, auth: Auth, secret: SecretRef | None, host: str, scopes: tuple[str, ...]) -> TokenSource:
        """The source for `auth`, for calls to `host`: which scope a resource accepts is remembered for it alone.

        `scopes` are the provider's; the configuration's own goes before them.
        """
        wanted = (auth.scope,) if auth.scope else scopes or (google_tokens.SCOPE,)
        key = (auth, secret, host, wanted)
        source = self._sources.get(key)
        if source is None:
            early = early_for_google if auth.type in ("google-sa", "google-adc") else early_for_entra
            fetch = self._fetch(auth, secret)
            source = self._sources[key] = TokenSource(fetch, wanted, early=early, clock=self._clock)
        return source

    def allow_only(self, hosts: tuple[str, ...] | None) -> None:
        """Have no token fetched from another host than these, as `egress.allowHosts` has them; None allows any."""
        self._endpoints.allowed_hosts = hosts

    async def close(self) -> None:
        for source in self._sources.values():
            source.close()
        await self._endpoints.close()

    def _fetch(self, auth: Auth, secret: SecretRef | None) -> Fetch:
        async def fetch(scope: str) -> Fetched:
            match auth.type:
                case "google-sa":
                    return await google_tokens.service_account(self._endpoints, self._revealed(secret), scope)
                case "google-adc":
                    return await google_tokens.application_default(self._endpoints, self._env, scope)
                case "managed-identity":
                    return await self._managed(auth, scope)
                case _:
                    return await self._entra(auth, secret, scope)

        return fetch

    async def _entra(self, auth: Auth, secret: SecretRef | None, scope: str) -> Fetched:
        """The secret that is named, else the environment's: a secret, a federated token, the machine itself."""
        env = self._env
        value = self._revealed(secret) if secret is not None else env.get("AZURE_CLIENT_SECRET") or None
        if value is None and not env.get("AZURE_FEDERATED_TOKEN_FILE"):
            return await managed_identity(self._endpoints, env, auth.client_id, scope)
        return await self._credentials(auth, scope, value)

    async def _managed(self, auth: Auth, scope: str) -> Fetched:
        """In a Kubernetes pod with workload identity, that is the machine's identity."""
        if all(self._env.get(name) for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE")):
            return await self._credentials(auth, scope, None)
        return await managed_identity(self._endpoints, self._env, auth.client_id, scope)

    async def _credentials(self, auth: Auth, scope: str, secret: str | None) -> Fetched:
        tenant = auth.tenant_id or self._env.get("AZURE_TENANT_ID")
        client_id = auth.client_id or self._env.get("AZURE_CLIENT_ID")
        if not tenant or not client_id:
            missing = "AZURE_TENANT_ID" if not tenant else "AZURE_CLIENT_ID"
            raise TokenError(f"{missing} is not set, and the model's auth does not name it.", "not_set_up")
        file = None if secret is not None else self._env.get("AZURE_FEDERATED_TOKEN_FILE")
        client = Client(tenant=tenant, client_id=client_id, secret=secret, assertion_file=file)
        return await client_credentials(self._endpoints, self._env, client, scope)

    def _revealed(self, secret: SecretRef | None) -> str:
        if secret is None:
            raise TokenError("The model's auth names no secret.", "not_set_up")
        try:
            return self._resolver.document(secret).reveal()
        except SecretError as error:
            raise TokenError(str(error), "not_set_up") from None
