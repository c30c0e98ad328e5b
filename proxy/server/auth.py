"""Who may reach operators' endpoints: whoever has the admin token or, where there is none, this machine alone.

Where a request comes from is what its connection says, never a header: those are the sender's to write. A header that tells
of a proxy in between takes the right of this machine away, since the proxy's own address is then all that is known.
The token is looked up at the moment of use, compared by its digest in constant time, and kept nowhere.
Sources: CONFIG §4 `auth.adminTokenSecretRef`; REQUIREMENTS G31; RELIABILITY §4.4 and §4.5.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
from collections.abc import Callable

from aiohttp import web

from proxy.addresses import parse_address
from proxy.identity import bearer, missing_key, wrong_key
from proxy.resources import SecretRef, Settings
from translators.canonical import RequestError

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Real-IP")
_log = logging.getLogger("joch.server")


def check_operator(request: web.BaseRequest, settings: Settings, reveal: Callable[[SecretRef], str]) -> None:
    """Let an operator's request pass. `reveal` looks a secret up and raises `LookupError` when it has no usable value.

    Raises `RequestError`: 401 without the token or with another, 403 from elsewhere while no token is set, 503 while the
    token cannot be looked up, so that nobody comes in.
    """
    reference = settings.admin_token
    if reference is None:
        if not _is_from_here(request):
            raise RequestError(
                "This endpoint is for operators, and answers on this machine only until an admin token is set.",
                status=403,
                type="permission_error",
                code="operators_only",
            )
        return
    given = bearer(request.headers)
    if given is None:
        raise missing_key()
    try:
        expected = reveal(reference)
    except LookupError:
        _log.error("the admin token %s cannot be looked up: operators' endpoints are closed", reference.name)
        raise RequestError(
            "This endpoint is for operators, and their token cannot be looked up now.",
            status=503,
            type="server_error",
            code="admin_token_unavailable",
        ) from None
    if not hmac.compare_digest(_digest(given), _digest(expected)):
        raise wrong_key()


def _is_from_here(request: web.BaseRequest) -> bool:
    if any(name in request.headers for name in _FORWARDED):
        return False
    peer = request.transport.get_extra_info("peername") if request.transport is not None else None
    if not isinstance(peer, tuple) or not peer:
        return False
    try:
        address = parse_address(str(peer[0]))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)  # what a socket for both families calls an IPv4 peer
    return address.is_loopback or (mapped is not None and mapped.is_loopback)


def _digest(text: str) -> bytes:
    """Of one length whatever the text's, so that a comparison tells nothing of that either."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
