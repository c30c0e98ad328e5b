"""What the client hears when no candidate could answer: one error in its own dialect, with every attempt in `details`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.call import Call
from proxy.resources import ModelRoute
from proxy.routing import Plan, Skip
from translators.canonical import JochError, Native, Reason, Request, RequestError, Transform, UpstreamError
from translators.canonical.errors import HANDLING

_RETRY_INLINE_SECONDS = 10.0
_INVALID = HANDLING[Reason.BAD_RESPONSE].code


def no_candidate(call: Call, planned: Plan) -> RequestError:
    """The error for a plan without candidates: what is missing, or how long to wait, or what is not set up."""
    route = call.route
    details = {"route": route.name, "candidates": [_shown(skip) for skip in planned.skips]}
    resting = [skip.wait for skip in planned.skips if skip.wait is not None]
    if resting:
        return _rate_limited(min(resting), details)
    lacking = [skip for skip in planned.skips if skip.gate in ("request", "requirement")]
    if lacking:
        closest = min(lacking, key=lambda skip: len(skip.missing))
        unkept = _unkept(call.request, closest.missing, details)
        if unkept is not None:
            return unkept
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


def failed(call: Call, planned: Plan, errors: Sequence[UpstreamError]) -> JochError:
    """The last failure as the client hears it. A client's own mistake keeps the provider's words, param and code.

    "incomplete" is for an answer of which the client saw a part; without one, the provider's answer was merely invalid.
    """
    last = errors[-1]
    details = {
        "callId": call.id,
        "route": call.route.name,
        "attempts": list(call.failures),
        "skipped": [_shown(skip) for skip in planned.skips],
    }
    error = UpstreamError(
        last.reason,
        last.body.message,
        failure=last.failure,
        billed_risk=last.billed_risk,
        http_status=last.http_status,
        upstream_code=last.upstream_code,
        code=_INVALID if last.reason is Reason.STREAM_CUT and not call.content else last.body.code,
        type=last.body.type,
        param=last.body.param,
        status=last.status,
        retry_after=last.retry_after,
        details=details,
    )
    if last.reason is Reason.RATE_LIMITED and last.retry_after is not None:
        error.should_retry = last.retry_after <= _RETRY_INLINE_SECONDS
    return error


def strictly(route: ModelRoute, transforms: Sequence[Transform]) -> None:
    """Raises `UpstreamError(UNSUPPORTED)` for the first change of a translation that the route does not permit."""
    if route.strict == "none":
        return
    found = next((change for change in transforms if route.strict == "all" or change.is_semantic), None)
    if found is None:
        return
    detail = f": {found.detail}" if found.detail else ""
    raise UpstreamError(
        Reason.UNSUPPORTED,
        f"{_named(route)} is strict, and '{found.field}' would be {found.action}{detail}.",
        failure="strict_loss",
        param=found.field,
    )


def _unkept(request: Request, missing: tuple[str, ...], details: dict[str, Any]) -> RequestError | None:
    """OpenAI's own words where all that is missing is what nobody here has kept: apps then send the whole conversation."""
    previous = request.state.previous_response_id
    if missing == ("feature:state",) and previous is not None:
        return RequestError(
            f"Previous response with id '{previous[:64]}' not found.",
            param="previous_response_id",
            code="previous_response_not_found",
            details=details,
        )
    origins = (block.origin for message in request.messages for block in message.blocks if isinstance(block, Native))
    reference = next((each for each in origins if each is not None and each.item_type == "item_reference"), None)
    if missing == ("feature:native:openai_responses",) and reference is not None:
        return RequestError(
            f"Item with id '{(reference.item_id or '')[:64]}' not found. Items are not kept here: send them in the input.",
            status=404,
            param="input",
            code=None,
            details=details,
        )
    return None


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
