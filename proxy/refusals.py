"""What the client hears when no candidate could answer: one error in its own dialect, with every attempt in `details`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.resources import ModelRoute
from proxy.routing import Plan, Skip
from translators.canonical import JochError, Reason, RequestError, UpstreamError

_RETRY_INLINE_SECONDS = 10.0


def no_candidate(route: ModelRoute, planned: Plan) -> RequestError:
    """The error for a plan without candidates: what is missing, or how long to wait, or what is not set up."""
    details = {"route": route.name, "candidates": [_shown(skip) for skip in planned.skips]}
    resting = [skip.wait for skip in planned.skips if skip.wait is not None]
    if resting:
        return _rate_limited(min(resting), details)
    lacking = [skip for skip in planned.skips if skip.gate in ("request", "requirement")]
    if lacking:
        closest = min(lacking, key=lambda skip: len(skip.missing))
        message = f"No candidate of {_named(route)} can serve this request. Closest: {closest.ref} {closest.detail}."
        details["missing"] = list(closest.missing)
        return RequestError(message, code="CapabilityMismatch", details=details)
    reasons = "; ".join(f"{skip.ref}: {skip.detail}" for skip in planned.skips) or "the route has no candidates"
    return RequestError(
        f"No candidate of {_named(route)} is available: {reasons}.",
        status=503,
        type="server_error",
        code="no_candidate_available",
        details=details,
    )


def failed(
    call_id: str, route: ModelRoute, planned: Plan, attempts: Sequence[dict[str, Any]], errors: Sequence[UpstreamError]
) -> JochError:
    """The last failure as the client hears it. A client's own mistake keeps the provider's words, param and code."""
    last = errors[-1]
    details = {
        "callId": call_id,
        "route": route.name,
        "attempts": list(attempts),
        "skipped": [_shown(skip) for skip in planned.skips],
    }
    error = UpstreamError(
        last.reason,
        last.body.message,
        failure=last.failure,
        billed_risk=last.billed_risk,
        http_status=last.http_status,
        upstream_code=last.upstream_code,
        code=last.body.code,
        type=last.body.type,
        param=last.body.param,
        status=last.status,
        retry_after=last.retry_after,
        details=details,
    )
    if last.reason is Reason.RATE_LIMITED and last.retry_after is not None:
        error.should_retry = last.retry_after <= _RETRY_INLINE_SECONDS
    return error


def _rate_limited(wait: float, details: dict[str, Any]) -> RequestError:
    return RequestError(
        f"Rate limit reached: the provider asked to wait. Please try again in {wait:.1f}s.",
        status=429,
        type="rate_limit_error",
        code="rate_limit_exceeded",
        retry_after=wait,
        should_retry=wait <= _RETRY_INLINE_SECONDS,
        details=details,
    )


def _named(route: ModelRoute) -> str:
    return route.name.removeprefix("~") if route.implicit else f"route {route.name!r}"


def _shown(skip: Skip) -> dict[str, Any]:
    return {"ref": skip.ref, "gate": skip.gate, "detail": skip.detail}
