"""Google's tokens: for a service account's key, or for whatever application default credentials (ADC) are found.

Keys and files of every documented type are read by google-auth, which comes with the extra `google` and is imported when
first needed; it waits for its network in a thread. The metadata server of Google's own machines is asked here, so that
nothing has to be installed there.
Source: https://cloud.google.com/docs/authentication/application-default-credentials
"""

from __future__ import annotations

import asyncio
import json
import time
import warnings
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from .token_endpoint import Fetched, TokenEndpoints, TokenError, fetched, is_token, refusal_code

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
QUOTA_HEADER = "x-goog-user-project"
_WHO = "Google"
_METADATA = "The metadata server"
_METADATA_HOST = "metadata.google.internal"
_METADATA_PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
_METADATA_SECONDS = 3.0
_TRANSPORT_SECONDS = 10.0
_FILE_LIMIT = 256 * 1024
_GRANTS_AT = "https://oauth2.googleapis.com/token"
_Untyped = Callable[..., Any]  # google-auth's constructors have no types


async def service_account(endpoints: TokenEndpoints, text: str, scope: str) -> Fetched:
    """A token for the service account whose key file's content is `text`. Raises `TokenError`."""
    info = _info(text, "The service account's key")
    if info.get("type") != "service_account":
        raise TokenError('The service account\'s key is no JSON key file with type "service_account".', "not_set_up")
    return await asyncio.to_thread(_refreshed, endpoints, info, scope)


async def application_default(endpoints: TokenEndpoints, env: Mapping[str, str], scope: str) -> Fetched:
    """A token for the first of: `GOOGLE_APPLICATION_CREDENTIALS`, gcloud's own file, the metadata server.

    Raises `TokenError`.
    """
    path = credentials_file(env)
    if path is None:
        return await _of_this_machine(endpoints, env, scope)
    found = await asyncio.to_thread(_refreshed, endpoints, _info(_text(path), "The credentials file"), scope)
    quota = env.get("GOOGLE_CLOUD_QUOTA_PROJECT")
    if not quota:
        return found
    return Fetched(token=found.token, lifetime=found.lifetime, headers={**found.headers, QUOTA_HEADER: quota})


def credentials_file(env: Mapping[str, str]) -> Path | None:
    """The file that application default credentials are read from; None where there is none, so that the machine counts."""
    named = env.get("GOOGLE_APPLICATION_CREDENTIALS")
    if named:
        return Path(named).expanduser()
    home = env.get("CLOUDSDK_CONFIG") or (f"{env['HOME']}/.config/gcloud" if env.get("HOME") else None)
    known = Path(home, "application_default_credentials.json") if home else None
    return known if known is not None and known.is_file() else None


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_FILE_LIMIT).decode()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise TokenError(f"The credentials file cannot be read: {reason}.", "not_set_up") from None
    except UnicodeDecodeError:
        raise TokenError("The credentials file is not JSON.", "not_set_up") from None


def _info(text: str, what: str) -> Mapping[str, Any]:
    try:
        info = json.loads(text)
    except (ValueError, RecursionError):  # not chained: it quotes what it could not read
        raise TokenError(f"{what} is not JSON.", "not_set_up") from None
    if not isinstance(info, dict):
        raise TokenError(f"{what} is not a JSON object.", "not_set_up")
    return info


def _refreshed(endpoints: TokenEndpoints, info: Mapping[str, Any], scope: str) -> Fetched:
    """Blocks. Raises `TokenError`, never with google-auth's own texts, which may repeat an answer."""
    try:
        from google.auth import exceptions
        from google.auth.transport.requests import Request
    except ImportError:
        raise TokenError("google-auth is not installed: pip install 'joch-proxy[google]'", "not_set_up") from None
    import requests

    try:
        credentials = _credentials(info, scope)
    except (exceptions.GoogleAuthError, ValueError, KeyError, TypeError):
        kind = info.get("type")
        named = f" of type {kind}" if isinstance(kind, str) and kind.isidentifier() else ""
        raise TokenError(f"Google credentials{named} are incomplete or damaged.", "not_set_up") from None
    with requests.Session() as session:
        session.trust_env = False  # as everywhere in the router: no proxy variables
        session.max_redirects = 0  # nor to where an answer points
        try:
            credentials.refresh(_bounded(Request(session=session), endpoints))
        except exceptions.RefreshError as error:
            raise _refusal(error) from None
        except exceptions.TransportError:
            raise TokenError("Google's token endpoint cannot be reached.", "unreachable") from None
        except (exceptions.GoogleAuthError, ValueError, KeyError, TypeError):
            raise TokenError("Google's token endpoint gave an answer that cannot be read.", "unreachable") from None
    return _kept(credentials)


def _credentials(info: Mapping[str, Any], scope: str) -> Any:
    kind = info.get("type")
    if kind == "service_account":
        from google.oauth2 import service_account as accounts

        return cast(_Untyped, accounts.Credentials.from_service_account_info)(info, scopes=[scope])
    if kind == "authorized_user":
        from google.oauth2.credentials import Credentials

        return cast(_Untyped, Credentials)(
            None,
            refresh_token=info["refresh_token"],
            token_uri=info.get("token_uri") or _GRANTS_AT,
            client_id=info["client_id"],
            client_secret=info["client_secret"],
            quota_project_id=info.get("quota_project_id"),
        )
    import google.auth
    from google.auth.credentials import with_scopes_if_required

    load = cast(_Untyped, google.auth.load_credentials_from_dict)
    with warnings.catch_warnings():
        # It warns of files from strangers; this one is where the operator's own credentials are.
        warnings.simplefilter("ignore", DeprecationWarning)
        # Without scopes, or it would fetch a token to ask for the project's name, which nobody wants to know.
        credentials, _ = load(dict(info))
    return cast(_Untyped, with_scopes_if_required)(credentials, [scope])


def _bounded(transport: Callable[..., Any], endpoints: TokenEndpoints) -> Callable[..., Any]:
    """google-auth waits two minutes for an answer, and asks whatever host a key file names, unless it is told otherwise."""

    def request(url: str, *positional: Any, timeout: float | None = None, **named: Any) -> Any:
        endpoints.check("Google's token endpoint", url)
        return transport(url, *positional, timeout=min(timeout or _TRANSPORT_SECONDS, _TRANSPORT_SECONDS), **named)

    return request


def _refusal(error: Any) -> TokenError:
    if getattr(error, "retryable", False):
        return TokenError("Google's token endpoint cannot answer now.", "unreachable")
    wire = error.args[1] if len(error.args) > 1 and isinstance(error.args[1], dict) else {}
    code, _ = refusal_code(wire)
    return TokenError(f"{_WHO} refused the gateway's credentials{f' ({code})' if code else ''}.", "refused", code=code)


def _kept(credentials: Any) -> Fetched:
    token, expiry = credentials.token, credentials.expiry
    if not is_token(token):
        raise TokenError("Google's token endpoint answered without a token.", "unreachable")
    lifetime = 3600.0
    if expiry is not None:  # naive, in UTC
        lifetime = max((expiry.replace(tzinfo=UTC) - datetime.now(UTC)).total_seconds(), 0.0)
    quota = getattr(credentials, "quota_project_id", None)
    return Fetched(token=token, lifetime=lifetime, headers={QUOTA_HEADER: quota} if quota else {})


async def _of_this_machine(endpoints: TokenEndpoints, env: Mapping[str, str], scope: str) -> Fetched:
    host = env.get("GCE_METADATA_HOST") or env.get("GCE_METADATA_ROOT") or _METADATA_HOST
    try:
        said = await endpoints.get(
            _METADATA,
            f"http://{host}{_METADATA_PATH}",
            query={"scopes": scope},
            headers={"Metadata-Flavor": "Google"},
            connect=_METADATA_SECONDS,
        )
    except TokenError:
        message = (
            "There are no application default credentials: no GOOGLE_APPLICATION_CREDENTIALS, no gcloud login, "
            "and no metadata server."
        )
        raise TokenError(message, "not_set_up") from None
    if said.headers.get("metadata-flavor") != "Google":
        raise TokenError("What answers in the metadata server's place is none of Google's.", "not_set_up")
    if said.status == 404:
        raise TokenError("This machine has no service account.", "not_set_up")
    return fetched(_METADATA, said, time.time())
