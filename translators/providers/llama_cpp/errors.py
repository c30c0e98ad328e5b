"""llama-server's errors that mean more than their status: a model that still loads, and a prompt that does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import json

LOADING_SECONDS = 2.0
"""When it is worth asking a loading server again."""


# What it answers with status 500 though nothing broke: the words, what they mean, and the member at fault.
_NOT_BROKEN = (
    ("tools param requires --jinja", Reason.UNSUPPORTED, "tools"),
    ("input is not supported", Reason.UNSUPPORTED, "messages"),
    ("cannot make GET request", Reason.UNSUPPORTED, "messages"),
    ("is too large to process", Reason.CONTEXT_LENGTH, "input"),
    ("Cannot use both json_schema and grammar", Reason.INVALID_REQUEST, "response_format"),
)


def classify(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    if status == 503 and b"oading model" in body:
        return _loading()
    if error.reason is Reason.CONTEXT_LENGTH:
        return _context(error, _detail(body))
    if error.reason is Reason.ERROR_5XX:
        for words, reason, param in _NOT_BROKEN:
            if words in error.body.message:
                return UpstreamError(reason, error.body.message, http_status=status, param=param)
    return error


def _loading() -> UpstreamError:
    error = UpstreamError(
        Reason.UNAVAILABLE,
        "The model is still being loaded.",
        failure="loading",
        http_status=503,
        retry_after=LOADING_SECONDS,
    )
    error.should_retry = True
    return error


def _context(error: UpstreamError, detail: dict[str, Any]) -> UpstreamError:
    """OpenAI's sentence with the server's own numbers, where it gives them."""
    prompt, window = detail.get("n_prompt_tokens"), detail.get("n_ctx")
    if type(prompt) is not int or type(window) is not int:
        return error
    return UpstreamError(
        Reason.CONTEXT_LENGTH,
        f"This model's maximum context length is {window} tokens. However, your messages resulted in {prompt} tokens. "
        "Please reduce the length of the messages.",
        failure=error.failure,
        http_status=error.http_status,
        upstream_code=error.upstream_code,
        param=error.body.param,
    )


def _detail(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    detail = value.get("error") if isinstance(value, dict) else None
    return detail if isinstance(detail, dict) else {}
