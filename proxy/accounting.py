"""What events and metrics say of attempts and calls: pure functions from records to payloads.

Payload members follow the events reference, section 3; `failure` and `billedRisk` beside `reason` are the precise class
and whether the provider may bill although it failed. Usage that no provider reported is an estimate and says so; an
aborted answer is never a measured zero, and a cost that is not known is null and never 0.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from proxy import estimation, pricing
from proxy.call import Attempt, Call, Result, Timing
from proxy.events.envelope import Severity
from proxy.pricing import Cost
from proxy.resources import Estimation, Model, Pricing
from proxy.routing import Candidate, Skip
from proxy.routing.replay import replay_class
from proxy.words import code, word
from translators.canonical import (
    NO_USAGE,
    JochError,
    Request,
    Transform,
    UpstreamError,
    Usage,
)
from translators.formats import Tally

_BYTES_PER_TOKEN = 4
_MONEY_DIGITS = 12
_OK = Result("ok", http_status=200)
_ESTIMATION = Estimation()


def result_of(error: BaseException | None, attempt: Attempt, *, content: bool) -> Result:
    """The result an attempt's exception stands for; `content` whether the client saw some of the answer."""
    if error is None:
        return _OK
    if isinstance(error, asyncio.CancelledError):
        return Result("cancelled", "cancelled", "client_gone", billed_risk=True)
    if isinstance(error, UpstreamError):
        return Result(
            "aborted" if content else "error",
            error.reason.value,
            error.failure,
            error.billed_risk,
            error.http_status,
            error.upstream_code,
            error.retry_after,
            error.notes,
            replay_class(error, answered=attempt.answered, content=content, tool_call=attempt.tally.tool_calls > 0),
            str(error),
        )
    if isinstance(error, JochError):
        return Result("error", "invalid_request", "refused", detail=str(error))
    return Result("error", "bad_response", "internal_error", billed_risk=True)


def usage_of(request: Request, tally: Tally, result: Result) -> Usage:
    """The provider's figures, else an estimate where the provider may have worked, else none."""
    if tally.usage is not None:
        return tally.usage
    if result.outcome == "ok" or tally.content or (result.billed_risk and tally.chunks):
        return estimate(request, tally)
    return NO_USAGE


def estimate(request: Request, tally: Tally) -> Usage:
    """Tokens by size: good to some ten percent for prose, flagged as an estimate."""
    return Usage(
        input=estimation.quick(request, _ESTIMATION).tokens,
        output=-(-tally.output_chars // _BYTES_PER_TOKEN),
        source="estimated",
    )


def estimator(request: Request) -> Callable[[Tally], Usage]:
    """`estimate` with the request already known."""
    return lambda tally: estimate(request, tally)


def embeddings_usage(answer: dict[str, Any]) -> Usage | None:
    """The usage member of an embeddings answer, if it is one."""
    usage = answer.get("usage")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return Usage(input=tokens) if isinstance(tokens, int) and tokens >= 0 else None


def label(model: Model) -> str:
    """The model as a metric label: its ref, or "implicit" for ids that clients made up."""
    return "implicit" if model.origin == "implicit" else model.ref


def labels(model: Model) -> tuple[str, str]:
    """Provider and model as metric labels."""
    return model.provider, label(model)


def cost_of(model: Model, tally: Tally, usage: Usage, result: Result) -> Cost:
    """What an attempt cost: nothing where the provider certainly did nothing, unknown where it may have worked."""
    if usage.source == "none" and result.billed_risk:
        return Cost(None, None, "none")
    return pricing.cost_of(_prices(model), usage, service_tier=tally.service_tier)


def cost_header(request: Request, candidate: Candidate, tally: Tally) -> dict[str, str]:
    """The header that tells a client what its whole answer cost; empty where that is not known."""
    result = Result("ok")
    cost = cost_of(candidate.model, tally, usage_of(request, tally, result), result)
    if cost.usd is None:
        return {}
    amount = round(cost.usd, _MONEY_DIGITS).normalize()
    return {"x-joch-cost-usd": f"{amount:f}"}


def _prices(model: Model) -> Pricing | None:
    """The prices of today."""
    price = model.pricing
    if price is None or price.then is None:
        return price
    return pricing.in_force(price, time.strftime("%Y-%m-%d", time.gmtime()))


def _money(amount: Decimal | None) -> float | None:
    return None if amount is None else float(round(amount, _MONEY_DIGITS))


def _price_snapshot(model: Model) -> dict[str, Any]:
    """Which prices a cost was made with. A later change of the prices changes no event."""
    price = _prices(model)
    if price is None:
        return {"currency": None, "priceSource": "none", "priceAsOf": None, "priceHash": None}
    return {
        "currency": price.currency,
        "priceSource": price.source,
        "priceAsOf": price.as_of,
        "priceHash": price.hash or None,
    }


def token_kinds(usage: Usage) -> tuple[tuple[str, int], ...]:
    """Tokens by kind, as the metric counts them."""
    return (
        ("input", usage.input),
        ("cached", usage.cached),
        ("cache_write", usage.cache_write),
        ("output", usage.output),
        ("reasoning", usage.reasoning),
    )


def loss(transforms: Sequence[Transform]) -> str:
    """How many changes of each kind a translation made: a dictionary of RFC 9651, "dropped=2, mapped=1"."""
    counts = Counter(change.action for change in transforms)
    return ", ".join(f"{action}={counts[action]}" for action in sorted(counts))


def severity_of(attempt: Attempt, result: Result) -> Severity:
    """How much an attempt's end should worry an operator: a key that was refused is an alarm, and so is another region."""
    if "region_mismatch" in attempt.tally.notes:
        return "error"
    if result.failure in (
        "credential_rejected",
        "address_blocked",
        "egress_blocked",
        "redirect",
        "model_gone",
        "provider_quota",
        "tls",
    ):
        return "error"
    return "info" if result.outcome in ("ok", "cancelled") else "warning"


def started(call: Call, attempt: Attempt) -> dict[str, Any]:
    """The payload of ModelCallStarted."""
    candidate, request = attempt.candidate, call.request
    model = candidate.model
    region, source = region_of(candidate)
    return {
        "provider": model.provider,
        "model": model.model,
        "modelRef": model.ref,
        "region": region,
        "regionSource": source,
        "candidateIndex": candidate.index,
        "fallbackIndex": candidate.step,
        "api": attempt.api,
        "lane": attempt.lane,
        "endpointHost": attempt.host,
        "stream": request.stream,
        "inputTokensEstimated": call.size.most or None,
        "maxOutputTokens": request.sampling.max_output_tokens,
        "costUsdReserved": _money(candidate.estimate) if attempt.hold is not None else None,
        "features": [word(need.name) for need in call.wanted],
        "defaultsApplied": attempt.defaults,
        "transforms": [
            {"field": change.field, "action": change.action, "detail": change.detail} for change in attempt.transforms
        ],
    }


def region_of(candidate: Candidate, reported: str | None = None) -> tuple[str | None, str]:
    """Where a candidate processes, and how that is known: provider, endpoint, constraint, declared or unknown."""
    if reported is not None:
        return word("".join(reported.lower().split())), "provider"
    model = candidate.model
    if model.region is not None:
        return model.region, "endpoint"
    if candidate.region:
        return candidate.region, "constraint"
    return (model.regions[0], "declared") if model.regions else (None, "unknown")


def completed(attempt: Attempt, result: Result, cost: Cost, timing: Timing) -> dict[str, Any]:
    """The payload of ModelCallCompleted. Milliseconds are rounded to a tenth."""
    candidate, tally, usage = attempt.candidate, attempt.tally, attempt.usage
    model = candidate.model
    region, source = region_of(candidate, tally.region)
    return {
        "provider": model.provider,
        "model": model.model,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "costUsd": _money(cost.usd),
        "latencyMs": _milliseconds(timing.seconds),
        "region": region,
        "regionSource": source,
        "responseModel": tally.response_model,
        "responseId": tally.response_id,
        "outcome": result.outcome,
        "reason": result.reason,
        "failure": result.failure,
        "replay": result.replay,
        "billedRisk": result.billed_risk,
        "httpStatus": result.http_status,
        "upstreamCode": None if result.upstream_code is None else code(result.upstream_code),
        "cachedInputTokens": usage.cached,
        "cacheWriteTokens": usage.cache_write,
        "reasoningTokens": usage.reasoning,
        "audioTokens": {"in": usage.audio_in, "out": usage.audio_out},
        "usageSource": usage.source,
        "serviceTier": tally.service_tier,
        "costKnown": cost.usd is not None,
        "costGrade": cost.grade,
        "costOriginal": _money(cost.original),
        **_price_snapshot(model),
        "firstChunkMs": milliseconds(timing.first_content),
        "chunks": tally.chunks,
        "finishReasons": tally.finishes,
        "toolCalls": tally.tool_calls,
        "notes": [*tally.notes, *result.notes],
        "retryAfterMs": None if result.retry_after is None else round(result.retry_after * 1000),
        "upstreamRequestId": attempt.upstream_request_id,
        "fallbackIndex": candidate.step,
    }


def failures(call: Call) -> list[dict[str, Any]]:
    """The failed attempts of a call, for the details of an error."""
    return [
        {
            "ref": attempt.candidate.model.ref,
            "reason": attempt.result.reason,
            "failure": attempt.result.failure,
            "httpStatus": attempt.result.http_status,
        }
        for attempt in call.trail
        if attempt.result is not None and attempt.result.outcome != "ok"
    ]


def plain(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """`evidence` as JSON has it: money becomes a number."""
    return {name: _money(each) if isinstance(each, Decimal) else each for name, each in evidence.items()}


def reason_for(call: Call, skip: Skip) -> str:
    """Why a candidate was passed over. Words that the client made up are said again, as far as they are words."""
    needs = [] if call.surveyed is None else [need for need in call.surveyed.terms.needs if need.name in skip.missing]
    if skip.gate != "request" or all(word(part) == part for need in needs for part in (need.name, need.because)):
        return skip.detail
    return "lacks " + ", ".join(f"{word(need.name)} ({word(need.because)})" for need in needs)


def call_completed(
    call: Call, outcome: str, error: JochError | None, served: Candidate | None, total: float
) -> dict[str, Any]:
    """The payload of x.CallCompleted, the roll-up of one client call."""
    return {
        "status": 200 if error is None or call.content else error.status,
        "outcome": outcome,
        "attempts": call.attempts,
        "switches": call.switches,
        "candidateIndex": None if served is None else served.index,
        "servedBy": None if served is None else served.model.ref,
        "resolvedBy": call.resolved_by,
        "totalMs": _milliseconds(total),
        "overheadMs": _milliseconds(max(total - call.waited, 0.0)),
        "costUsd": _money(call.cost),
        "inputTokens": call.input_tokens,
        "outputTokens": call.output_tokens,
        "notice": call.notice or None,
        "client": {"userAgent": call.user_agent, "retryCount": call.sdk_retries},
        "notes": call.notes,
    }


def milliseconds(seconds: float | None) -> float | None:
    """Seconds as milliseconds to a tenth; None stays None."""
    return None if seconds is None else _milliseconds(seconds)


def _milliseconds(seconds: float) -> float:
    return int(seconds * 10_000 + 0.5) / 10  # `round` takes four times as long, and calls have seven of these
