"""Microsoft Entra ID, the client credentials grant: by a client secret, or by the token of a federated workload.

Source: https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from .token_endpoint import Fetched, TokenEndpoints, TokenError, fetched

WHO = "Entra ID"
_PUBLIC = "https://login.microsoftonline.com"
_SOVEREIGN = {".azure.us": "https://login.microsoftonline.us", ".azure.cn": "https://login.chinacloudapi.cn"}
_JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_TENANT = re.compile(r"[\w.-]+")
_ASSERTION_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """An app registration. `secret` is a value, `assertion_file` the path of a federated token: one of the two."""

    tenant: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    assertion_file: str | None = None


async def client_credentials(endpoints: TokenEndpoints, env: Mapping[str, str], client: Client, scope: str) -> Fetched:
    """A token for `scope`. Raises `TokenError`."""
    if not _TENANT.fullmatch(client.tenant):
        raise TokenError("The tenant is neither an id nor a domain.", "not_set_up")
    form = {"grant_type": "client_credentials", "client_id": client.client_id, "scope": scope}
    if client.secret is not None:
        form["client_secret"] = client.secret
    else:
        form |= {"client_assertion_type": _JWT_BEARER, "client_assertion": _assertion(client.assertion_file or "")}
    url = f"{authority(env, scope)}/{client.tenant}/oauth2/v2.0/token"
    return fetched(WHO, await endpoints.post(WHO, url, form), time.time())


def authority(env: Mapping[str, str], scope: str) -> str:
    """`AZURE_AUTHORITY_HOST`, else the authority of the cloud that the scope belongs to. Raises `TokenError`."""
    named = env.get("AZURE_AUTHORITY_HOST")
    if not named:
        host = urlsplit(scope).hostname or ""
        return next((url for domain, url in _SOVEREIGN.items() if host.endswith(domain)), _PUBLIC)
    url = (named if "://" in named else f"https://{named}").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")):
        return url
    raise TokenError("AZURE_AUTHORITY_HOST is no https address.", "not_set_up")


def _assertion(path: str) -> str:
    """The federated token as the file has it now: its issuer replaces it every hour."""
    try:
        with open(path, "rb") as file:
            data = file.read(_ASSERTION_LIMIT)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TokenError(f"The federated token file cannot be read: {reason}.", "not_set_up") from None
    token = data.decode("ascii", "replace").strip()
    if not token:
        raise TokenError("The federated token file is empty.", "not_set_up")
    return token
