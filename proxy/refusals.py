"""What the client hears when no candidate could answer: one error in its own dialect, with every attempt in `details`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from proxy.accounting import failures, plain
from proxy.call import Call
from proxy.resources import ModelRoute
from proxy.routing import GATES, Plan, Skip
from translators.canonical import JochError, Native, Reason, Request, RequestError, Transform, UpstreamError
from translators.canonical.errors import HANDLING

_RETRY_INLINE_SECONDS = 10.0
_INVALID = HANDLING[Reason.BAD_RESPONSE].code


def no_candidate(call: Call, planned: Plan) -> RequestError:
    """The error for a call that nobody could be asked for: by the gate at which a candidate came nearest.

    Where the route ends the call at a candidate, it is that one's gate.
    """
    route, skips = call.route, [*planned.skips, *call.passed]
    details = {"callId": call.id, "route": route.name, "candidates": [_shown(skip) for skip in skips]}
    if not skips:
        return _unavailable(route, "the route has no candidates", details)
    nearest = planned.ended or max(skips, key=lambda skip: GATES.index(skip.gate))
    found = [skip for skip in skips if skip.gate == nearest.gate]
    match nearest.gate:
        case "request" | "requirement":
            return _incapable(call, [skip for skip in skips if skip.gate in ("request", "requirement")], details)
        case "region" | "zone":
            return _misplaced(route, nearest.gate, found, details)
        case "budget":
            return _spent(route, found, details)
        case "health" | "limit" if waits := [skip.wait for skip in found if skip.wait is not None]:
            return _rate_limited(min(waits), details)
        case "access" | "provider":
            return _forbidden(route, found, details)
        case _:
            return _unavailable(route, "; ".join(f"{skip.ref}: {skip.detail}" for skip in skips), details)


def _incapable(call: Call, lacking: list[Skip], details: dict[str, Any]) -> RequestError:
    closest = min(lacking, key=lambda skip: len(skip.missing))
    unkept = _unkept(call.request, closest.missing, details)
    if unkept is not None:
        return unkept
    details["missing"] = list(closest.missing)
    if all(skip.missing == ("contextWindow",) for skip in lacking):
        widest = max(lacking, key=lambda skip: int(skip.evidence.get("have", 0)))
        window, need = widest.evidence.get("have"), widest.evidence.get("need")
        return RequestError(
            f"This model's maximum context length is {window} tokens. However, your messages and the output you ask for "
            f"come to about {need} tokens. Please reduce the length of the messages or of the output.",
            param=None,
            code="context_length_exceeded",
            details=details,
        )
    message = f"No candidate of {_named(call.route)} can serve this request. Closest: {closest.ref} {closest.detail}."
    return RequestError(message, code="CapabilityMismatch", details=details)


def _misplaced(route: ModelRoute, gate: str, found: list[Skip], details: dict[str, Any]) -> RequestError:
    reasons = "; ".join(f"{skip.ref} {skip.detail}" for skip in found)
    code = "RegionMismatch" if gate == "region" else "ZoneMismatch"
    return RequestError(
        f"No candidate of {_named(route)} may be sent this request: {reasons}.",
        status=403,
        type="permission_error",
        code=code,
        details=details,
    )


def _forbidden(route: ModelRoute, found: list[Skip], details: dict[str, Any]) -> RequestError:
    reasons = "; ".join(f"{skip.ref}: {skip.detail}" for skip in found)
    return RequestError(
        f"No candidate of {_named(route)} may be used: {reasons}.",
        status=403,
        type="permission_error",
        code="PolicyDenied",
        details=details,
    )


def _spent(route: ModelRoute, found: list[Skip], details: dict[str, Any]) -> RequestError:
    """Waiting mends no spent budget, so that the SDK must not try again."""
    cheapest = found[-1]
    details |= {"budget": route.name, **plain(cheapest.evidence)}
    reasons = "; ".join(f"{skip.ref} {skip.detail}" for skip in found)
    return RequestError(
        f"The limits of {_named(route)} leave no room for this call: {reasons}.",
        status=429,
        type="insufficient_quota",
        code="BudgetExceeded",
        details=details,
    )


def overspent(call: Call, planned: Plan) -> RequestError | None:
    """The error for a call whose failed attempts left too little for the next candidate; None when money did not end it.

    A second try that could not be afforded is no such end: what the candidate's first try failed with is said then.
    """
    last = call.passed[-1] if call.passed else None
    if last is None or last.gate != "budget" or last.index == call.trail[-1].candidate.index:
        return None
    skips = [*planned.skips, *call.passed]
    details = {
        "callId": call.id,
        "route": call.route.name,
        "attempts": failures(call),
        "candidates": [_shown(skip) for skip in skips],
    }
    return _spent(call.route, [skip for skip in skips if skip.gate == "budget"], details)


def _unavailable(route: ModelRoute, reasons: str, details: dict[str, Any]) -> RequestError:
    return RequestError(
        f"No candidate of {_named(route)} is available: {reasons}.",
        status=503,
        type="server_error",
        code="no_candidate_available",
        details=details,
    )


def limits_unknown(call: Call) -> RequestError:
    """A route with limits cannot be served while nobody can tell what was spent: they would not be kept."""
    return RequestError(
        f"What the execution has spent cannot be looked up, so that the limits of {_named(call.route)} cannot be kept.",
        status=503,
        type="server_error",
        code="no_candidate_available",
        retry_after=1.0,
        details={"callId": call.id, "route": call.route.name},
    )


def blocked(call: Call, detail: str, wait: float | None = None) -> RequestError:
    """The turn has acted on the world, and the route does not let another model go on with it.

    `wait`: in so many seconds the model that the turn is with can be asked again, where that is known.
    """
    what = "The call failed" if call.trail else "The model that this turn is with cannot be asked now"
    return RequestError(
        f"{what}, and {_named(call.route)} does not move it to another model: {detail}.",
        status=503,
        type="server_error",
        code="FailoverBlocked",
        retry_after=wait,
        details={"callId": call.id, "route": call.route.name, "attempts": failures(call)},
    )


def failed(call: Call, planned: Plan, errors: Sequence[UpstreamError]) -> JochError:
    """The last failure as the client hears it. A client's own mistake keeps the provider's words, param and code.

    "incomplete" is for an answer of which the client saw a part; without one, the provider's answer was merely invalid.
    """
    last = errors[-1]
    details = {
        "callId": call.id,
        "route": call.route.name,
        "attempts": failures(call),
        "skipped": [_shown(skip) for skip in (*planned.skips, *call.passed)],
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
