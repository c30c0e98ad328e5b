"""Ollama's refusals: `{"error": "text"}` with a status, so this is the one place that reads Ollama's words.

The texts are those of server/routes.go, server/prompt.go and of the bundled llama-server, whose answer to an over-long
prompt comes through when truncation is off.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from translators.canonical import Reason, UpstreamError
from translators.formats.upstream_errors import by_status, clean, message_of

_UNSUPPORTED = re.compile(r"does not support (?P<what>[\w ]+)|missing data required for image input", re.IGNORECASE)
_CONTEXT = re.compile(
    r"exceed_context_size_error|available context size|input length exceeds|exceeds? (?:the )?(?:maximum )?context length",
    re.IGNORECASE,
)
_MISSING_MODEL = re.compile(r"model .{1,200} not found|try pulling it first", re.IGNORECASE)
_PARAMS = {"tools": "tools", "thinking": "reasoning_effort", "image": "messages", "vision": "messages"}


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The failure an answer other than 200 stands for."""
    message, kind, code, param = message_of(body)
    return refusal(status, headers, message or "", kind=kind, code=code, param=param)


def refusal(
    status: int,
    headers: Mapping[str, str],
    message: str,
    *,
    kind: str | None = None,
    code: str | None = None,
    param: str | None = None,
) -> UpstreamError:
    """The failure behind Ollama's own `message`; where the text says nothing special, the status decides."""
    text = clean(message)
    if _CONTEXT.search(text):
        return by_status(400, headers, message=message, code="context_length_exceeded", param="messages")
    if 400 <= status < 500 and (found := _UNSUPPORTED.search(text)):
        what = (found["what"] or "image").split()[0]
        error = UpstreamError(Reason.UNSUPPORTED, text, failure="rejected_400", param=_PARAMS.get(what))
        error.http_status = status
        return error
    if status in (400, 404) and _MISSING_MODEL.search(text):
        return by_status(404, headers, message=message)
    return by_status(status, headers, message=message, code=code, param=param, type=kind)
