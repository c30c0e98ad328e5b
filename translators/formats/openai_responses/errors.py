"""Failures inside a response or its stream, both ways. The envelope of a whole answer is `formats.openai_envelope`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.canonical import JochError, Reason, UpstreamError
from translators.formats.upstream_errors import in_band

_FAILURE_STATUS: Mapping[str, int] = {
    "invalid_prompt": 400,
    "bio_policy": 400,
    "misalignment_policy_violation": 400,
    "data_residency_mismatch": 400,
    "context_length_exceeded": 400,
    "previous_response_not_found": 400,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "usage_not_included": 429,
    "vector_store_timeout": 504,
}
"""The HTTP status that a code of `response.error` would have had (the codes carry no status of their own)."""

_POLICY_CODES = frozenset({"bio_policy", "misalignment_policy_violation", "image_content_policy_violation"})


def parse_failure(event: Mapping[str, Any]) -> UpstreamError:
    """The failure that an `error` event, in any of its shapes, or a response of status "failed" stands for.

    `event` holds the error flat, under `error`, or under `response.error`.
    """
    response = event.get("response")
    holder = response if isinstance(response, dict) else event
    error = holder.get("error") or event
    code = error.get("code") if isinstance(error, dict) else None
    carried: dict[str, Any] = {"error": error if error is not event else {**event, "type": None}}
    status = event.get("status", event.get("status_code"))
    if isinstance(status, int):
        carried["status"] = status
    elif isinstance(code, str) and (known := _status_of(code)) is not None:
        carried["status"] = known
    failure = in_band(carried)
    if code in _POLICY_CODES:
        failure = UpstreamError(
            Reason.CONTENT_FILTER,
            str(failure),
            failure="inband_error",
            billed_risk=True,
            http_status=200,
            upstream_code=str(code),
        )
    return failure


def _status_of(code: str) -> int | None:
    known = _FAILURE_STATUS.get(code)
    return 400 if known is None and ("image" in code) else known


def failed_code(error: JochError) -> str:
    """The code of `response.error`, which is a closed list in SDK types."""
    return "rate_limit_exceeded" if error.status == 429 else "server_error"
