"""vLLM's refusals that mean more than their status: a deployment that lacks something, and a prompt that does not fit."""

from __future__ import annotations

from collections.abc import Mapping

from translators.canonical import Reason, UpstreamError

# What the server says when the deployment, not the request, is at fault; with the member that asks for too much.
_NOT_SET_UP = (
    ("tool choice requires --enable-auto-tool-choice", "tool_choice"),
    ("multimodal model", "messages"),
    ("does not support reasoning", "reasoning_effort"),
)
_TOO_LONG = "context length is only"


def classify(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """A server started without what the request needs does not support it: another candidate may."""
    if error.reason is not Reason.INVALID_REQUEST:
        return error
    text = error.body.message
    if _TOO_LONG in text:
        return _told(error, Reason.CONTEXT_LENGTH, "context_too_long", "messages")
    for words, param in _NOT_SET_UP:
        if words in text:
            return _told(error, Reason.UNSUPPORTED, error.failure, param)
    return error


def _told(error: UpstreamError, reason: Reason, failure: str, param: str) -> UpstreamError:
    return UpstreamError(
        reason,
        error.body.message,
        failure=failure,
        param=param,
        http_status=error.http_status,
        upstream_code=error.upstream_code,
    )
