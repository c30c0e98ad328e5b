"""What events and metrics say of attempts and calls: pure functions from records to payloads.

Payload members follow the events reference, section 3; `failure` and `billedRisk` beside `reason` are the precise class
and whether the provider may bill although it failed. Usage that no provider reported is an estimate and says so; an
aborted answer is never a measured zero, and a cost that is not known is null and never 0.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, Literal

from proxy import pricing
from proxy.call import Call
from proxy.events.envelope import Severity
from proxy.pricing import Cost
from proxy.resources import Model, Pricing
from proxy.routing import Candidate
from translators.canonical import (
    NO_USAGE,
    JochError,
    Media,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
    UpstreamError,
    Usage,
    value,
)
from translators.formats import Tally

_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_TOKENS_PER_IMAGE = 1105
_MONEY_DIGITS = 12


@value
class Result:
    """How an attempt ended."""

    outcome: Literal["ok", "error", "aborted", "cancelled"]
    reason: str = ""
    failure: str = ""
    billed_risk: bool = False
    http_status: int | None = None
    upstream_code: str | None = None
    retry_after: float | None = None
    notes: tuple[str, ...] = ()


def result_of(error: BaseException | None, *, content: bool) -> Result:
    """The result an attempt's exception stands for; `content` whether the client saw some of the answer."""
    if error is None:
        return Result("ok", http_status=200)
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
        )
    if isinstance(error, JochError):
        return Result("error", "invalid_request", "refused")
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
    return Usage(input=estimate_input(request), output=-(-tally.output_chars // _BYTES_PER_TOKEN), source="estimated")


def estimator(request: Request) -> Callable[[Tally], Usage]:
    """`estimate` with the request already known."""
    return lambda tally: estimate(request, tally)


def estimate_input(request: Request) -> int:
    """Input tokens by the bytes of all text in the request, plus a little per message and a flat figure per image."""
    size = sum(_size(block) for block in request.instructions)
    for message in request.messages:
        size += _TOKENS_PER_MESSAGE * _BYTES_PER_TOKEN + sum(_size(block) for block in message.blocks)
    size += sum(
        len(tool.name) + len(tool.description or "") + len(str(tool.parameters or "")) for tool in request.tools
    )
    return -(-size // _BYTES_PER_TOKEN)


def _size(block: object) -> int:
    match block:
        case Text() | Refusal():
            return len(block.text.encode())
        case Reasoning():
            return sum(map(len, block.summary)) + len(block.text or "")
        case ToolCall():
            return len(block.name) + len(block.arguments.encode())
        case ToolResult():
            return sum(_size(part) for part in block.content)
        case Media():
            return _TOKENS_PER_IMAGE * _BYTES_PER_TOKEN
        case _:
            return 0


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


def severity_of(result: Result) -> Severity:
    """How much an attempt's end should worry an operator: a key that was refused is an alarm."""
    if result.failure in ("credential_rejected", "address_blocked", "redirect", "model_gone", "provider_quota", "tls"):
        return "error"
    return "info" if result.outcome in ("ok", "cancelled") else "warning"


def started(
    call: Call, candidate: Candidate, *, api: str, lane: str, host: str, transforms: Sequence[Transform] = ()
) -> dict[str, Any]:
    """The payload of ModelCallStarted."""
    model, request = candidate.model, call.request
    return {
        "provider": model.provider,
        "model": model.model,
        "modelRef": model.ref,
        "region": model.region,
        "candidateIndex": candidate.index,
        "fallbackIndex": candidate.index,
        "api": api,
        "lane": lane,
        "endpointHost": host,
        "stream": request.stream,
        "maxOutputTokens": request.sampling.max_output_tokens,
        "transforms": [
            {"field": change.field, "action": change.action, "detail": change.detail} for change in transforms
        ],
    }


def completed(
    candidate: Candidate,
    tally: Tally,
    usage: Usage,
    cost: Cost,
    result: Result,
    timing: Timing,
    upstream_request_id: str | None,
) -> dict[str, Any]:
    """The payload of ModelCallCompleted. Milliseconds are rounded to a tenth."""
    model = candidate.model
    return {
        "provider": model.provider,
        "model": model.model,
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "costUsd": _money(cost.usd),
        "latencyMs": _milliseconds(timing.seconds),
        "region": model.region,
        "responseModel": tally.response_model,
        "responseId": tally.response_id,
        "outcome": result.outcome,
        "reason": result.reason,
        "failure": result.failure,
        "billedRisk": result.billed_risk,
        "httpStatus": result.http_status,
        "upstreamCode": result.upstream_code,
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
        "firstChunkMs": None if timing.first_content is None else _milliseconds(timing.first_content),
        "chunks": tally.chunks,
        "finishReasons": tally.finishes,
        "toolCalls": tally.tool_calls,
        "notes": [*tally.notes, *result.notes],
        "retryAfterMs": None if result.retry_after is None else round(result.retry_after * 1000),
        "upstreamRequestId": upstream_request_id,
        "fallbackIndex": candidate.index,
    }


@value
class Timing:
    """Seconds since the attempt began."""

    seconds: float
    first_content: float | None


def failure_detail(candidate: Candidate, result: Result) -> dict[str, Any]:
    """One failed attempt, for the details of an error."""
    return {
        "ref": candidate.model.ref,
        "reason": result.reason,
        "failure": result.failure,
        "httpStatus": result.http_status,
    }


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
        "client": {"userAgent": call.user_agent, "retryCount": call.sdk_retries},
        "notes": call.notes,
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
