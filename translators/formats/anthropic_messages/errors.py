"""Anthropic's refusals: `{"type": "error", "error": {"type", "message", "details": {"error_code"}}}`, whole or as an event.

Statuses mean what they mean everywhere (`upstream_errors`); here stands what Anthropic says in words or codes of its own. And
our own refusal to ask what it would refuse for certain.
Source: https://platform.claude.com/docs/en/api/errors, recorded refusals, and texts quoted in public issues.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import json
from translators.formats.upstream_errors import by_status, clean, describe, in_band, message_of

_SPENT_CODES = frozenset(
    {
        "contract_spend_limit_reached",
        "enforced_spend_limit_reached",
        "linked_organization_billing_unavailable",
        "linked_organization_spend_limit_reached",
        "organization_on_hold",
        "ramp_limit_exceeded",
    }
)
_SPENT = re.compile(
    r"reached your specified (?:api|workspace api) usage limits|credit balance is too low", re.IGNORECASE
)
_RATE = re.compile(r"rate limit|concurrent", re.IGNORECASE)
_FILTERED = re.compile(r"blocked by content filtering policy", re.IGNORECASE)
# What another model, or the same without this wish, would take.
_UNSUPPORTED = re.compile(
    r"is deprecated for this model|(?:is|are) not supported (?:for|on|by|with) this model|does not support\b"
    r"|too complex for compilation|too many strict tools|contains too many (?:optional )?parameters"
    r"|may not be enabled when tool_choice forces",
    re.IGNORECASE,
)
_OF_SCHEMAS = re.compile(r"compilation|strict tools|optional parameters|union types", re.IGNORECASE)
_NAMED = re.compile(r"[`\"](?P<name>temperature|top_p|top_k|thinking|tool_choice|output_config)")
_PARAMS = {"thinking": "reasoning_effort", "output_config": "response_format"}


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """What an HTTP answer other than 200 means. `headers` have lower-case names."""
    message, kind, code, param = message_of(body)
    text = clean(message or "")
    code = code or error_code(body)
    if status == 429 and kind == "rate_limit_error" and not _asks_to_wait(headers) and not _RATE.search(text):
        # A spend limit never says when to come back; a rate limit does, or calls itself one.
        return _named(_spent(text), status, code)
    if (special := _by_words(status, text, code)) is not None:
        return special
    if status == 413:  # measured in bytes, so the words for a full context would mislead
        kind = None
    return by_status(status, headers, message=message or "", code=code, param=param, type=kind)


def failure_in(body: Any) -> UpstreamError:
    """What an error inside an answer of status 200 means: an event of a stream, or a whole body."""
    message, kind, code, _ = describe(body)
    error = in_band(body)
    text, code = clean(message or ""), code or _code_of(body)
    special = _named(_spent(text), 402, code) if kind == "billing_error" else _by_words(400, text, code)
    if special is None:
        return error
    special.failure, special.billed_risk, special.http_status = error.failure, True, 200
    return special


def error_code(body: bytes) -> str | None:
    """`details.error_code` of an error body, which is more precise than its type."""
    try:
        return _code_of(json.loads(body))
    except ValueError:
        return None


def _code_of(body: Any) -> str | None:
    error = body.get("error") if isinstance(body, dict) else None
    details = error.get("details") if isinstance(error, dict) else None
    code = details.get("error_code") if isinstance(details, dict) else None
    return code if isinstance(code, str) and code else None


def _asks_to_wait(headers: Mapping[str, str]) -> bool:
    return "retry-after" in headers or "retry-after-ms" in headers or headers.get("x-should-retry") == "true"


def _by_words(status: int, text: str, code: str | None) -> UpstreamError | None:
    """What Anthropic's own words say more precisely than the status does."""
    error: UpstreamError | None = None
    if code in _SPENT_CODES or (status in (400, 403, 429) and _SPENT.search(text)):
        error = _spent(text)
    elif status == 400 and _FILTERED.search(text):
        error = UpstreamError(Reason.CONTENT_FILTER, text, failure="rejected_400")
    elif status == 400 and _UNSUPPORTED.search(text):
        error = UpstreamError(Reason.UNSUPPORTED, text, failure="rejected_400", param=_param_of(text))
    return None if error is None else _named(error, status, code)


def _spent(text: str) -> UpstreamError:
    return UpstreamError(Reason.QUOTA, text or "The provider account's limit is used up.", failure="provider_quota")


def _named(error: UpstreamError, status: int, code: str | None) -> UpstreamError:
    error.http_status, error.upstream_code = status, code
    return error


def _param_of(text: str) -> str | None:
    if _OF_SCHEMAS.search(text):
        return "tools" if "tool" in text else "response_format"
    found = _NAMED.search(text)
    return _PARAMS.get(found["name"], found["name"]) if found else None


def unsupported(what: str, param: str) -> UpstreamError:
    """For a need that is not met: the net below routing. `param` names the place in the request that has it."""
    return UpstreamError(Reason.UNSUPPORTED, f"Anthropic cannot take {what}.", failure="unsupported", param=param)
