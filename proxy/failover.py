"""What may follow a failed attempt: the rules of a route, one function per question; and the failures that clocks of ours make.

Pure; whoever asks acts.

Sources: the reliability design, 2.2 to 2.5 and 3.1; the configuration reference, 5.2.
"""

from __future__ import annotations

from collections import deque

from proxy.call import Attempt, Call
from proxy.resources import Failover, ModelRoute
from proxy.routing import Candidate, Skip
from proxy.routing.replay import may_move
from translators.canonical import Reason, UpstreamError

TERMINAL_FAILURES = frozenset({"redirect", "too_big", "bad_encoding"})
"""Failures after which no other candidate is asked: signs of a provider that is set up wrongly or floods us, which the
operator must see (reliability catalogue, B7, B8, C7, C9, C10)."""


def ends(call: Call, failures: list[UpstreamError], now: float) -> str:
    """Why nothing at all may be tried after the last failure; empty when something may."""
    failover = call.route.failover
    if call.content:
        return "the client has seen a part of the answer"
    if failures[-1].failure in TERMINAL_FAILURES or _is_odd_success(failures[-1]):
        return "the provider is set up wrongly, which must be seen"
    if call.attempts >= failover.max_attempts:
        return f"all {failover.max_attempts} attempts of a call are used"
    if now >= call.deadline:
        return "the call's time is over"
    result = call.trail[-1].result
    replay = result.replay if result is not None else ""
    billed = sum(each.billed_risk for each in failures)
    if not may_move(replay, mended=True, billed=billed, ambiguous=failover.on_ambiguous):
        return "the work may be billed already, and must not be repeated again"
    return ""


def stays(call: Call, attempt: Attempt, error: UpstreamError, left: deque[Candidate]) -> str:
    """Why the call may not move on to another candidate; empty when it may."""
    failover = call.route.failover
    if not _allowed(error, failover):
        return f"{trigger_of(error)} is off" if trigger_of(error) else f"{error.reason.value} is the caller's to mend"
    if not left:
        return "no candidate is left"
    if attempt.candidate.model.fallback_policy == "never" and not failover.declared:
        return "the model's fallbackPolicy is never"  # what the route itself says about failover wins over its models
    if error.reason is Reason.CONTEXT_LENGTH and not _wider(left[0], attempt.candidate):
        return "the next candidate's window is no larger"
    return ""


def failed_forward(route: ModelRoute, skip: Skip) -> bool:
    """Whether a call may pass over a candidate that could not be asked when its turn came."""
    if skip.gate == "budget":
        return route.failover.on_budget_exceeded
    return route.failover.on_rate_limited if skip.gate == "limit" else True


def trigger_of(error: UpstreamError) -> str:
    """The failover flag of the route that a failure falls under."""
    match error.reason:
        case Reason.RATE_LIMITED:
            return "onRateLimited"
        case Reason.UNSUPPORTED | Reason.CONTEXT_LENGTH:
            return "onCapabilityMismatch"
        case Reason.CONTENT_FILTER:
            return "onContentFilter"
        case Reason.SCHEMA_INVALID:
            return "onSchemaInvalid"
        case Reason.REGION:
            return "onRegionMismatch"
        case _:
            return "onError" if error.falls_forward else ""


def _allowed(error: UpstreamError, failover: Failover) -> bool:
    """Whether the route lets a failure of this kind move the call on."""
    flags = {
        "onRateLimited": failover.on_rate_limited,
        "onCapabilityMismatch": failover.on_capability_mismatch,
        "onContentFilter": failover.on_content_filter,
        "onSchemaInvalid": failover.on_schema_invalid,
        "onRegionMismatch": failover.on_region_mismatch,
        "onError": failover.on_error,
    }
    return flags.get(trigger_of(error), False)


def _is_odd_success(error: UpstreamError) -> bool:
    """A status between 201 and 299: the provider did the work, in a way nobody understands (catalogue, B25)."""
    return error.http_status is not None and 200 < error.http_status < 300


def _wider(following: Candidate, current: Candidate) -> bool:
    """Whether a prompt too long for `current` may fit `following`: its window is larger, or one is not known."""
    have, had = following.model.context_window, current.model.context_window
    return have is None or had is None or have > had


def no_start_in_time() -> UpstreamError:
    message = "The provider did not begin to answer in time."
    return UpstreamError(Reason.TIMEOUT, message, failure="header_timeout", billed_risk=True)


def no_content_in_time(patience: float) -> UpstreamError:
    """The provider keeps its connection alive, and has sent nothing of an answer for `patience` seconds."""
    message = f"The provider sent no content for {patience:g} seconds."
    return UpstreamError(Reason.TIMEOUT, message, failure="ping_only", billed_risk=True, code="upstream_idle_timeout")


def no_end_in_time() -> UpstreamError:
    message = "The provider did not finish its answer in time."
    return UpstreamError(Reason.TIMEOUT, message, failure="total_timeout", billed_risk=True)
