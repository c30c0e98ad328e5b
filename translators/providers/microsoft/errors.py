"""What Azure's refusals mean, beyond their status. They come from three layers (the gateway, the service, the model's
server), each with an envelope of its own: `innererror` or `inner_error`, a status as a code of text, no envelope at all.

Source: https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter, .../how-to/quota and recordings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import json

_NOT_PERMITTED = "Extra inputs are not permitted"
_UNRECOGNISED = re.compile(r"Unrecognized request arguments? supplied: ([\w.]+)")
_CAPACITY = re.compile(r"no ?capacity|high demand|temporarily unable to process", re.IGNORECASE)
_NEVER_ON_CHAT = "Function tools with reasoning_effort are not supported"

# What is wrong with the credentials, by Azure's words for it: a note for the event log, since the client is not told.
_REFUSED_KEYS = (
    ("audience is incorrect", "wrong_audience"),
    ("does not have access to API", "role_missing"),
    ("PermissionDenied", "role_missing"),
    ("lacks the required data action", "role_missing"),
    ("Key based authentication is disabled", "keys_disabled"),
    ("AuthenticationTypeDisabled", "keys_disabled"),
    ("Virtual Network/Firewall rules", "network_closed"),
    ("Public access is disabled", "network_closed"),
    ("temporarily blocked", "resource_blocked"),
)


def classify(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """`error`, or what Azure's own words make of it."""
    if status in (401, 403):
        return _noted(error, _causes(body))
    detail = _detail(body)
    if status in (424, 499):  # a dependency failed, or the gateway gave up: nothing the client did
        return _told(error, Reason.ERROR_5XX, f"The provider answered with status {status}.", "http_4xx_retryable")
    if status == 429 and _CAPACITY.search(f"{detail.get('code')} {error.body.message}"):
        return _told(error, Reason.ERROR_5XX, error.body.message, "overloaded", retry_after=error.retry_after)
    if status in (400, 422):
        return _refused_request(error, detail)
    return error


def _refused_request(error: UpstreamError, detail: Mapping[str, Any]) -> UpstreamError:
    text = error.body.message
    if error.reason is Reason.CONTENT_FILTER or _inner(detail).get("code") == "ResponsibleAIPolicyViolation":
        param = _word(detail.get("param"), "prompt")
        # Azure bills the prompt that its filter read.
        filtered = _told(error, Reason.CONTENT_FILTER, text, "rejected_400", param=param, billed_risk=True)
        return _noted(filtered, _filtered(_inner(detail)))
    if detail.get("code") == "OperationNotSupported":
        return _told(error, Reason.UNSUPPORTED, text, "rejected_400", code="unsupported_operation")
    if _NEVER_ON_CHAT in text:
        return _told(error, Reason.UNSUPPORTED, text, "rejected_400", param="reasoning_effort")
    unrecognised = _UNRECOGNISED.search(text)
    if unrecognised is not None:
        return _told(error, Reason.UNSUPPORTED, text, "rejected_400", param=unrecognised[1])
    extra = _extra_input(detail)
    if extra is not None:
        return _told(error, Reason.UNSUPPORTED, f"{_NOT_PERMITTED}: '{extra}'.", "rejected_400", param=extra)
    if _NOT_PERMITTED in text:
        return _told(error, Reason.UNSUPPORTED, text, "rejected_400")
    return error


def _told(error: UpstreamError, reason: Reason, text: str, failure: str, **words: Any) -> UpstreamError:
    told = UpstreamError(
        reason, text, failure=failure, http_status=error.http_status, upstream_code=error.upstream_code, **words
    )
    told.notes = error.notes
    return told


def _noted(error: UpstreamError, notes: tuple[str, ...]) -> UpstreamError:
    error.notes = tuple(dict.fromkeys((*error.notes, *notes)))
    return error


def _causes(body: bytes) -> tuple[str, ...]:
    text = body.decode("utf-8", "replace")
    return tuple(note for words, note in _REFUSED_KEYS if words in text)


def _detail(body: bytes) -> Mapping[str, Any]:
    """The error object of a body, wherever it stands in it; empty where there is none."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    detail = value.get("error", value) if isinstance(value, dict) else None
    return detail if isinstance(detail, dict) else {}


def _inner(detail: Mapping[str, Any]) -> Mapping[str, Any]:
    inner = detail.get("innererror") or detail.get("inner_error")
    return inner if isinstance(inner, dict) else {}


def _filtered(inner: Mapping[str, Any]) -> tuple[str, ...]:
    """A note for each category the filter refused, never a word of the prompt."""
    found = inner.get("content_filter_result") or inner.get("content_filter_results")
    if not isinstance(found, dict):
        return ()
    return tuple(
        f"filtered_{category}"
        for category, finding in found.items()
        if isinstance(finding, dict) and finding.get("filtered") and category.isidentifier()
    )


def _word(value: Any, default: str) -> str:
    return value if isinstance(value, str) and value else default


def _extra_input(detail: Mapping[str, Any]) -> str | None:
    """The member that was one too many, as the model's server (pydantic) lists it."""
    listed = detail.get("details") or detail.get("detail")
    for entry in listed if isinstance(listed, list) else ():
        if isinstance(entry, dict) and _NOT_PERMITTED in str(entry.get("msg")):
            place = entry.get("loc")
            steps = [str(step) for step in place if step != "body"] if isinstance(place, list) else []
            return ".".join(steps) or None
    return None
