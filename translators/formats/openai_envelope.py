"""OpenAI's error envelope, which all of its formats share: written for clients, and read from whoever answers in its place.

Only the whole answer's envelope. What a stream carries in its place is its format's business.
"""

from __future__ import annotations

from collections.abc import Mapping

from translators.canonical import JochError, UpstreamError

from . import Wire
from .upstream_errors import by_status, message_of


def render_error(error: JochError) -> Wire:
    """The envelope with all four keys; `details` beside them when there are any."""
    body = error.body
    members: Wire = {"message": body.message, "type": body.type, "param": body.param, "code": body.code}
    if body.details is not None:
        members["details"] = body.details
    return {"error": members}


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """What an HTTP answer other than 200 means. `headers` have lower-case names."""
    message, kind, code, param = message_of(body)
    return by_status(status, headers, message=message or "", code=code, param=param, type=kind)
