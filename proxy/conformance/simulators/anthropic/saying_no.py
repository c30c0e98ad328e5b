"""Anthropic's errors: the envelope, the statuses and the words, as recorded where a recording exists."""

from __future__ import annotations

import json
from typing import Any

from proxy.conformance.simulators.script import Fault
from proxy.conformance.simulators.server import RefusedError, Reply, json_reply, sse

REQUEST_ID = "req_011CeCGmMJJGRCp7xgjqapmJ"


def envelope(type: str, message: str, **details: Any) -> dict[str, Any]:
    error: dict[str, Any] = {"type": type, "message": message}
    if details:
        error["details"] = details
    return {"type": "error", "error": error, "request_id": REQUEST_ID}


def refuse(message: str, status: int = 400, type: str = "invalid_request_error") -> RefusedError:
    """A refusal to raise."""
    return RefusedError(json_reply(status, envelope(type, message), {"request-id": REQUEST_ID}), message)


_FAULTS: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "invalid_request_error", "messages.0: Input does not match the expected shape."),
    "auth": (401, "authentication_error", "invalid x-api-key"),
    "forbidden": (403, "permission_error", "Your API key does not have permission to use the specified resource."),
    "not_found": (404, "not_found_error", "model: claude-no-more"),
    "rate_limited": (
        429,
        "rate_limit_error",
        "This request would exceed your organization's rate limit of 50,000 input tokens per minute.",
    ),
    "quota": (
        400,
        "invalid_request_error",
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    ),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server_error": (500, "api_error", "Internal server error"),
    "context_length": (400, "invalid_request_error", "prompt is too long: 3333404 tokens > 200000 maximum"),
    "content_filter": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "garbage": (200, "api_error", "Internal server error"),
}


def fault(fault: Fault, key: str) -> Reply:
    """The whole answer that stands for a fault."""
    status, type, message = _FAULTS[fault.kind]
    if fault.leaks:
        message = f"{message} (key {key})"
    headers = {"request-id": REQUEST_ID}
    if fault.wait is not None:
        headers["retry-after"] = f"{fault.wait:g}"
    return json_reply(status, envelope(type, message), headers)


def in_band(fault: Fault, key: str) -> bytes:
    """The event that stands for it in a stream."""
    _, type, message = _FAULTS[fault.kind]
    body = {"type": "error", "error": {"type": type, "message": f"{message} (key {key})" if fault.leaks else message}}
    return sse(json.dumps(body).encode(), "error")
