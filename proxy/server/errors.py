"""Errors as HTTP: OpenAI's envelope, and the headers that steer the SDKs' own retries."""

from __future__ import annotations

import math

from aiohttp import web

from translators.canonical import ErrorBody, JochError, RequestError
from translators.formats.json import dumps


def envelope(body: ErrorBody) -> bytes:
    """`{"error": {...}}` with all four keys, and `details` when there are any."""
    error: dict[str, object] = {"message": body.message, "type": body.type, "param": body.param, "code": body.code}
    if body.details:
        error["details"] = body.details
    return dumps({"error": error})


def error_response(error: JochError, call_id: str) -> web.Response:
    """`x-should-retry` tells the SDK whether its own retry makes sense; waits go out in seconds and milliseconds."""
    headers = {"x-request-id": call_id}
    if error.should_retry is not None:
        headers["x-should-retry"] = "true" if error.should_retry else "false"
    if error.retry_after is not None:
        headers["retry-after-ms"] = str(math.ceil(error.retry_after * 1000))
        headers["retry-after"] = str(math.ceil(error.retry_after))
    return web.Response(
        body=envelope(error.body), status=error.status, headers=headers, content_type="application/json"
    )


def internal_error() -> RequestError:
    """What the client hears of a bug: nothing but that it is ours."""
    return RequestError(
        "The server had an internal error. It has been logged with this request's id.",
        status=500,
        type="server_error",
        code="internal_error",
    )


def not_found(method: str, path: str) -> RequestError:
    """A path outside the table, in OpenAI's words."""
    shown = "".join(char if char.isprintable() and char.isascii() else "?" for char in path[:100])
    return RequestError(
        f"Invalid URL ({method} {shown}): joch does not serve this endpoint.",
        status=404,
        code="UnsupportedEndpoint",
    )


def method_not_allowed(method: str, allowed: str) -> RequestError:
    return RequestError(f"Not allowed to {method} here; allowed is {allowed}.", status=405, code="method_not_allowed")
