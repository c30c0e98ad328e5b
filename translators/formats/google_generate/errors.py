"""Google's refusals: `{"error": {code, message, status, details}}`, alone or as the only member of a list.

What a wait is, which quota ran out and whether a key is wrong stand in `details`; the rest only the text tells. This is the one
place that reads Google's words. Source: https://cloud.google.com/apis/design/errors and recorded refusals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import Wire, json
from translators.formats.upstream_errors import by_status, clean, in_band, message_of

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "OUT_OF_RANGE": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ABORTED": 409,
    "ALREADY_EXISTS": 409,
    "RESOURCE_EXHAUSTED": 429,
    "CANCELLED": 499,
    "INTERNAL": 500,
    "UNKNOWN": 500,
    "DATA_LOSS": 500,
    "UNIMPLEMENTED": 501,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Canonical codes of google.rpc.Code and their HTTP statuses."""

_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_KEY = re.compile(r"api key (?:not valid|expired|not found)", re.IGNORECASE)
_LOCATION = re.compile(r"location is not supported", re.IGNORECASE)
_SIGNATURE = re.compile(r"thought[_ ]signature", re.IGNORECASE)
_CREDIT = re.compile(r"credits? (?:are|is) depleted|billing account|enable billing|requires billing", re.IGNORECASE)
_CONTEXT = re.compile(r"token count .{0,60}exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
_WAIT = re.compile(r"retry in (\d+(?:\.\d+)?)s", re.IGNORECASE)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)s")
_UNSUPPORTED = re.compile(
    r"(?:is|are) not (?:enabled|supported|available)|(?:is|are) unsupported|unsupported (?:mime|value)|cannot be combined"
    r"|unknown name|too many states|does not support|not support",
    re.IGNORECASE,
)
_PARAMS = (
    ("logprobs", "logprobs"),
    ("penalty", "presence_penalty"),
    ("candidate", "n"),
    ("thinking", "reasoning_effort"),
    ("mime type", "messages"),
    ("too many states", "response_format"),
    ("response mime", "response_format"),
    ("json mode", "response_format"),
    ("function", "tools"),
    ("tool", "tools"),
)
"""What the text of a refusal names, and the client's parameter for it."""


def parse_error(status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """The failure an answer other than 200 stands for. `headers` have lower-case names."""
    try:
        error = error_of(json.loads(body))
    except ValueError:
        error = None
    if error is None:
        message, kind, code, param = message_of(body)
        return by_status(status, headers, message=message or "", code=code, param=param, type=kind)
    return refusal(status, headers, error)


def parse_in_band(body: Wire) -> UpstreamError:
    """The failure that an error inside an answer of status 200 stands for."""
    error = error_of(body)
    if error is None:
        return in_band(body)
    code = error.get("code")
    status = code if type(code) is int and 400 <= code <= 599 else _STATUSES.get(str(error.get("status")), 500)
    failure = refusal(status, {}, error)
    failure.failure, failure.billed_risk, failure.http_status = "inband_error", True, 200
    return failure


def error_of(body: Any) -> Wire | None:
    """The error object of a body that has Google's shape; None for any other."""
    if isinstance(body, list) and body:
        body = body[0]
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else None


def refusal(status: int, headers: Mapping[str, str], error: Wire) -> UpstreamError:
    """What Google's `error` object means. Where neither details nor text say more, the status decides."""
    message = error.get("message")
    message = message if isinstance(message, str) else ""
    failure = _special(status, message, error)
    if failure is None:
        failure = by_status(_effective(status), _with_wait(headers, message, error), message=message)
    word = error.get("status")
    failure.http_status, failure.upstream_code = status, word if isinstance(word, str) else None
    return failure


def _effective(status: int) -> int:
    return 409 if status == 499 else status  # cancelled on Google's side: nothing of the client's, worth another try


def _special(status: int, message: str, error: Wire) -> UpstreamError | None:
    """What details and text say more precisely than the status."""
    text = clean(message)
    if status in (400, 403) and (_reasons(error) & _KEY_REASONS or _KEY.search(message)):
        return by_status(401, {}, message=message)
    if status in (400, 403) and _LOCATION.search(message):
        return UpstreamError(Reason.REGION, "The provider does not serve this region.", failure="credential_rejected")
    if status == 429 and (any("perday" in quota.lower() for quota in _quotas(error)) or _CREDIT.search(message)):
        return UpstreamError(Reason.QUOTA, text, failure="provider_quota")
    if status == 404 and "cache" in message.lower():
        return by_status(400, {}, message=message, param="cached_content")
    if status != 400:
        return None
    if _CONTEXT.search(message):
        return by_status(400, {}, message=message, code="context_length_exceeded")
    if error.get("status") == "FAILED_PRECONDITION":
        reason = Reason.QUOTA if _CREDIT.search(message) else Reason.UNSUPPORTED
        failure = "provider_quota" if reason is Reason.QUOTA else "rejected_400"
        return UpstreamError(reason, text or "The provider cannot serve this request as it is set up.", failure=failure)
    if _SIGNATURE.search(message):  # nothing the client did: another candidate never sees the blob
        return UpstreamError(Reason.UNSUPPORTED, text, failure="signature_rejected", param="messages")
    if _UNSUPPORTED.search(message):
        return UpstreamError(Reason.UNSUPPORTED, text, failure="rejected_400", param=_param(message))
    return None


def _param(message: str) -> str | None:
    lowered = message.lower()
    return next((param for word, param in _PARAMS if word in lowered), None)


def _details(error: Wire, kind: str) -> Iterator[Wire]:
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and str(detail.get("@type")).endswith(kind):
            yield detail


def _reasons(error: Wire) -> set[str]:
    return {str(detail.get("reason")) for detail in _details(error, "ErrorInfo")}


def _quotas(error: Wire) -> Iterator[str]:
    for detail in _details(error, "QuotaFailure"):
        violations = detail.get("violations")
        for violation in violations if isinstance(violations, list) else ():
            if isinstance(violation, dict):
                yield str(violation.get("quotaId"))


def _with_wait(headers: Mapping[str, str], message: str, error: Wire) -> Mapping[str, str]:
    """`headers` with the wait that stands in the details (or only in the text), as there is no header for it."""
    if "retry-after" in headers or "retry-after-ms" in headers:
        return headers
    told = next((str(detail.get("retryDelay")) for detail in _details(error, "RetryInfo")), "")
    found = _DURATION.fullmatch(told) or _WAIT.search(message)
    return {**headers, "retry-after": found[1]} if found else headers
