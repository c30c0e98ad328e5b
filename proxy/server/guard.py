"""What is refused before a handler runs: foreign hosts and origins, odd targets, our own requests coming back.

A page in the operator's browser can reach a loopback port; it cannot forge the Host header or hide its Origin. Sources:
design notes on reliability, sections 4.5 and 4.7; the DNS rebinding reports listed there.
"""

from __future__ import annotations

import ipaddress
import re

from aiohttp import web

from proxy.resources import Settings
from translators.canonical import RequestError

HOP_HEADER = "x-joch-hop"
_HOST = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)(?::\d{1,5})?")
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


def check(request: web.BaseRequest, settings: Settings, instance: str) -> None:
    """Raises `RequestError` for a request that must not be looked at any further."""
    headers = request.headers
    if not request.raw_path.startswith("/"):
        raise RequestError("The request target must be a path.", code="invalid_request_target")
    host = headers.get("Host", "")
    if _HOST.fullmatch(host) is None:
        raise RequestError("The Host header is missing or malformed.", code="invalid_host")
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    if not _is_ours(name.lower(), settings):
        raise RequestError(
            f"This server does not answer to the host name {name[:64]!r}.",
            status=421,
            code="misdirected_request",
        )
    origin = headers.get("Origin")
    if origin is not None and not _is_ours_origin(origin, settings):
        raise RequestError(
            "Requests from web pages are not accepted.", status=403, type="permission_error", code="origin_not_allowed"
        )
    if instance in headers.get(HOP_HEADER, ""):
        raise RequestError(
            "This request came back to the server that sent it: an upstream base URL points at joch itself.",
            status=508,
            type="server_error",
            code="LoopDetected",
        )


def _is_ours(name: str, settings: Settings) -> bool:
    if name in _LOOPBACK_NAMES or name == settings.address or name in settings.allowed_hosts:
        return True
    return not settings.allowed_hosts and not is_loopback(settings.address)


def _is_ours_origin(origin: str, settings: Settings) -> bool:
    host = origin.partition("://")[2]
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return name in settings.allowed_hosts or (name in _LOOPBACK_NAMES and host.endswith(f":{settings.port}"))


def is_loopback(address: str) -> bool:
    """Whether binding to `address` keeps the server on this machine."""
    if address == "localhost":
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
