"""The identity Azure gives to a machine: App Service and Container Apps, Azure Arc, Azure Machine Learning, or IMDS.

Which of them is asked follows from the environment, as azure-identity looks at it. Nothing is configured, nothing is kept.
Source: https://learn.microsoft.com/entra/identity/managed-identities-azure-resources/how-to-use-vm-token and the pages on
App Service and Arc; retries: "Retry guidance" of the first.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from .token_endpoint import Fetched, Said, TokenEndpoints, TokenError, fetched

WHO = "The managed identity endpoint"
_IMDS = "http://169.254.169.254"
_IMDS_PATH = "/metadata/identity/oauth2/token"
_PROBE_SECONDS = 1.0
"""How long the connection to IMDS may take: where there is none, packets often vanish."""
_WAITS = (0.8, 1.6, 3.2, 6.4)
_WAITS_WHEN_GONE = (*_WAITS, 12.8, 25.6, 25.6)  # 410: IMDS is being updated, for 70 seconds at most
_ARC_KEYS = Path("/var/opt/azcmagent/tokens")
_ARC_KEY_LIMIT = 4096

Sleep = Callable[[float], Awaitable[None]]


async def managed_identity(
    endpoints: TokenEndpoints,
    env: Mapping[str, str],
    client_id: str | None,
    scope: str,
    *,
    sleep: Sleep = asyncio.sleep,
    arc_keys: Path = _ARC_KEYS,
) -> Fetched:
    """A token of this machine's identity, or of the user-assigned one with `client_id`. Raises `TokenError`."""
    resource = scope.removesuffix("/.default")
    endpoint, header = env.get("IDENTITY_ENDPOINT"), env.get("IDENTITY_HEADER")
    if endpoint and header and env.get("IDENTITY_SERVER_THUMBPRINT"):
        raise TokenError("The managed identity of Service Fabric is not supported.", "not_set_up")
    if endpoint and header:
        said = await _app_service(endpoints, endpoint, header, resource, client_id)
    elif endpoint and env.get("IMDS_ENDPOINT"):
        said = await _arc(endpoints, endpoint, resource, client_id, arc_keys)
    elif env.get("MSI_ENDPOINT") and env.get("MSI_SECRET"):
        said = await _machine_learning(endpoints, env["MSI_ENDPOINT"], env["MSI_SECRET"], resource, client_id)
    else:
        said = await _imds(endpoints, env, resource, client_id, sleep)
    return fetched(WHO, said, time.time())


async def _app_service(
    endpoints: TokenEndpoints, endpoint: str, header: str, resource: str, client_id: str | None
) -> Said:
    query = {"api-version": "2019-08-01", "resource": resource} | ({"client_id": client_id} if client_id else {})
    return await endpoints.get(WHO, endpoint, query=query, headers={"X-IDENTITY-HEADER": header})


async def _machine_learning(
    endpoints: TokenEndpoints, endpoint: str, secret: str, resource: str, client_id: str | None
) -> Said:
    query = {"api-version": "2017-09-01", "resource": resource} | ({"clientid": client_id} if client_id else {})
    return await endpoints.get(WHO, endpoint, query=query, headers={"secret": secret})


async def _arc(endpoints: TokenEndpoints, endpoint: str, resource: str, client_id: str | None, keys: Path) -> Said:
    """Arc answers with the path of a file that only those may read who may have a token; its content is the proof."""
    if client_id:
        raise TokenError("Azure Arc has no user-assigned identities: leave clientId out.", "not_set_up")
    query = {"api-version": "2020-06-01", "resource": resource}
    challenge = await endpoints.get(WHO, endpoint, query=query, headers={"Metadata": "true"})
    if challenge.status != 401:
        return challenge
    named = challenge.headers.get("www-authenticate", "").partition("realm=")[2].strip('" ')
    proof = _arc_key(named, keys)
    headers = {"Metadata": "true", "Authorization": f"Basic {proof}"}
    return await endpoints.get(WHO, endpoint, query=query, headers=headers)


def _arc_key(named: str, folder: Path) -> str:
    """The content of the key file. Whoever answers may not name any other file of this machine."""
    path = Path(named)
    if path.suffix != ".key" or path.parent != folder or ".." in path.parts:
        raise TokenError("Azure Arc named a key file where none may be.", "unreachable")
    try:
        if os.stat(path).st_size > _ARC_KEY_LIMIT:
            raise TokenError("Azure Arc's key file is too large.", "unreachable")
        text = path.read_text("ascii").strip()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or type(error).__name__).lower()
        raise TokenError(f"Azure Arc's key file cannot be read: {reason}.", "not_set_up") from None
    if not text.isprintable():  # it becomes a header
        raise TokenError("Azure Arc's key file holds no key.", "unreachable")
    return text


async def _imds(
    endpoints: TokenEndpoints, env: Mapping[str, str], resource: str, client_id: str | None, sleep: Sleep
) -> Said:
    url = (env.get("AZURE_POD_IDENTITY_AUTHORITY_HOST") or _IMDS).rstrip("/") + _IMDS_PATH
    query = {"api-version": "2018-02-01", "resource": resource} | ({"client_id": client_id} if client_id else {})
    tries = 0
    while True:
        try:
            said = await endpoints.get(WHO, url, query=query, headers={"Metadata": "true"}, connect=_PROBE_SECONDS)
        except TokenError:
            message = "This machine has no managed identity: its endpoint does not answer."
            raise TokenError(message, "not_set_up") from None
        waits = _WAITS_WHEN_GONE if said.status == 410 else _WAITS
        if not _is_passing(said.status) or tries >= len(waits):
            break
        await sleep(waits[tries])
        tries += 1
    if said.status == 400 and said.wire.get("error") != "invalid_resource":
        raise TokenError("This machine has no managed identity, or not the one with this clientId.", "not_set_up")
    if said.status == 403:
        raise TokenError("The managed identity endpoint cannot be reached from this container.", "not_set_up")
    return said


def _is_passing(status: int) -> bool:
    return status in (404, 410, 429) or status >= 500
