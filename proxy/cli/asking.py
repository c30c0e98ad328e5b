"""Asking a running router, for commands: one request, and the exit code for whatever comes instead of an answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from . import output
from .flags import DEFAULT_SERVER

ADMIN_TOKEN = "JOCH_ADMIN_TOKEN"  # noqa: S105  # the variable's name
_SECONDS = 10.0
NEGATIVE, UNREACHABLE, NOT_FOUND = 1, 3, 4


def ask(
    server: str | None, path: str, params: Mapping[str, Any] | None = None, *, otherwise: str = ""
) -> dict[str, Any]:
    """The JSON at `path` of the router at `server`. Ends the command when there is none: 3 not reachable, 4 not found.

    `otherwise` is what else could be done where no router answers.
    """
    import httpx

    at = (server or DEFAULT_SERVER).rstrip("/")
    token = os.environ.get(ADMIN_TOKEN)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.get(at + path, params=params, headers=headers, timeout=_SECONDS, trust_env=False)
        found = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL):
        _end(f"no router answers at {at}: start one with joch serve{otherwise}", UNREACHABLE)
    except ValueError:
        _end(f"{at} is not a joch router", NEGATIVE)
    if not isinstance(found, dict) or (not answer.is_success and not isinstance(found.get("error"), dict)):
        _end(f"{at} is not a joch router", NEGATIVE)
    if not answer.is_success:
        _refused(at, answer.status_code, found["error"].get("message"))
    return found


def _refused(at: str, status: int, message: str | None) -> NoReturn:
    said = message or f"{at} answered {status}"
    if status in (401, 403):
        said = f"{said} (set {ADMIN_TOKEN})"
    _end(said, NOT_FOUND if status == 404 else NEGATIVE)


def _end(message: str, code: int) -> NoReturn:
    output.failure(message)
    sys.exit(code)
