"""Scripted identity services, and a short way to the source of one identity. Asserts nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from proxy.resources import Auth, SecretRef, SecretSource
from proxy.secrets import SecretResolver
from proxy.secrets.identities import Identities
from proxy.secrets.tokens import TokenSource
from tests.support.scripted import Received, Step, whole

SECRET = "s3cr3t-canary-value"
SCOPE = "https://ai.azure.com/.default"
OTHER_SCOPE = "https://cognitiveservices.azure.com/.default"


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def form(request: Received) -> dict[str, str]:
    """The fields of a posted form."""
    return {name: values[0] for name, values in parse_qs(request.body.decode(), strict_parsing=True).items()}


def query(request: Received) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(request.path).query, strict_parsing=True).items()}


def granting(**members: Any) -> Callable[[Received], list[Step]]:
    """A script that gives tokens "token-1", "token-2", …, each with `members` beside."""
    count = 0

    def answer(request: Received) -> list[Step]:
        nonlocal count
        count += 1
        body = {"token_type": "Bearer", "expires_in": 3599, "access_token": f"token-{count}", **members}
        return [whole(200, {key: value for key, value in body.items() if value is not None})]

    return answer


def refusing(status: int, error: Any, description: str = "") -> list[Step]:
    return [whole(status, {"error": error, "error_description": description})]


def secret_in(variable: str = "CLIENT_SECRET") -> SecretRef:
    return SecretRef(name="client-secret", source=SecretSource(type="env", location=variable))


def source_of(
    env: Mapping[str, str],
    auth: Auth,
    secret: SecretRef | None = None,
    *,
    scopes: tuple[str, ...] = (SCOPE, OTHER_SCOPE),
    clock: Callable[[], float] | None = None,
) -> tuple[TokenSource, Identities]:
    identities = Identities(env, SecretResolver(env), **({} if clock is None else {"clock": clock}))
    return identities.of(auth, secret, "r.openai.azure.com", scopes), identities


def document(value: Any) -> str:
    return json.dumps(value, indent=2)
