"""The explanation of one call: every candidate with its verdict, every attempt with its end. Pure, and JSON all through.

Members follow the events reference, section 7. What a client or a provider said in free words is not in it, only classes,
and names and codes as far as they are words: anything else may repeat the prompt.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from proxy import accounting
from proxy.call import Attempt, Call
from proxy.resources import Model
from proxy.routing import GATES, Candidate, Plan, Skip
from proxy.words import code, word
from translators.canonical import CapabilitySet, JochError, Need

from .what_if import Change, Inputs, what_if

API_VERSION = "router.joch.dev/v1alpha1"
KIND = "RouteExplanation"
_DIALECTS: Mapping[str, str] = {"openai_chat": "chat", "openai_responses": "responses", "joch_native": "native"}
_EXPLAINED = 8
"""For how many rejected candidates of a route the smallest change is looked for."""


def document(
    call: Call,
    capabilities_of: Callable[[Model], CapabilitySet],
    *,
    outcome: str = "",
    error: JochError | None = None,
    served: Candidate | None = None,
    seconds: float = 0.0,
    dry_run: bool = False,
) -> dict[str, Any]:
    """The document of `call`. What its execution had come to before is told by whoever reads it back."""
    plan = call.plan
    made: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "callId": call.id,
        "at": call.created,
        **({"dryRun": True} if dry_run else {}),
        "execution": {
            "id": call.identity.execution,
            "source": call.identity.execution_source,
            "callsBefore": None,
            "costUsdBefore": None,
        },
        "identity": _identity(call),
        "request": _request(call),
        "constraints": _constraints(call),
        **({"turn": dict(call.turn)} if call.turn else {}),
        "candidates": [] if plan is None else _candidates(call, plan, capabilities_of),
        "outcome": _outcome(call, outcome, error, served, seconds, dry_run=dry_run),
    }
    made["summary"] = summary(made)
    return made


def served_by(call: Call) -> Candidate | None:
    """The candidate that answered, if one did."""
    last = call.trail[-1] if call.trail else None
    answered = last is not None and last.result is not None and last.result.outcome == "ok"
    return last.candidate if last is not None and answered else None


def _identity(call: Call) -> dict[str, Any]:
    who = call.identity
    return {
        "agent": f"{who.namespace}/{who.agent}",
        "agentSource": who.agent_source,
        "team": who.team,
        "environment": who.environment,
        "session": who.session,
        "turnId": who.turn,
        "framework": who.framework,
        "keyId": who.key_id,
    }


def _request(call: Call) -> dict[str, Any]:
    request, size = call.request, call.size
    needs = [shown_need(need) for need in call.wanted]
    if size.most:
        wanted = size.most + (size.output or 0)
        needs.append(
            {"need": f"contextWindow>={wanted}", "because": f"{size.most} input + {size.output or 0} output tokens"}
        )
    route = call.route
    needs += [{"need": flag, "because": "route.requirements"} for flag, wanted in route.requirements.items() if wanted]
    if route.context_window_min:
        needs.append({"need": f"contextWindow>={route.context_window_min}", "because": "route.requirements"})
    return {
        "dialect": _DIALECTS.get(call.client.name, call.client.name),
        "stream": request.stream,
        "requestedModel": None if request.model is None else word(request.model),
        "resolvedBy": call.resolved_by,
        "route": route.name,
        "routeHash": route.hash or None,
        "generation": call.snapshot.generation,
        "inputTokensEstimated": size.most or None,
        "tokenizer": size.method or None,
        "maxOutputTokens": request.sampling.max_output_tokens,
        "sdkRetry": call.sdk_retries,
        "needs": needs,
    }


def shown_need(need: Need) -> dict[str, str]:
    """A need of the request as the document has it."""
    name = word(need.name)
    return {"need": name if need.value is True else f"{name}={word(str(need.value))}", "because": word(need.because)}


def _constraints(call: Call) -> dict[str, Any]:
    limits = call.route.constraints
    return {
        "maxCostUsdPerExecution": number(limits.max_cost_per_execution),
        "maxCostUsdPerCall": number(limits.max_cost_per_call),
        "maxTokensPerExecution": limits.max_tokens_per_execution,
        "maxCallsPerExecution": limits.max_calls_per_execution,
        "dataResidency": [*([limits.residency] if limits.residency else []), *call.identity.residency] or None,
        "maxZone": limits.max_zone,
        "providers": None
        if limits.allow is None and not limits.deny
        else {"allow": None if limits.allow is None else list(limits.allow), "deny": list(limits.deny)},
    }


# --- candidates ------------------------------------------------------------------------------------------------------


def _candidates(call: Call, plan: Plan, capabilities_of: Callable[[Model], CapabilitySet]) -> list[dict[str, Any]]:
    """All entries of the route, in its order."""
    skips = {skip.index: skip for skip in (*plan.skips, *call.passed)}
    standing = {candidate.index: candidate for candidate in plan.candidates}
    attempts: dict[int, list[Attempt]] = {}
    for attempt in call.trail:
        attempts.setdefault(attempt.candidate.index, []).append(attempt)
    rows = []
    for index, entry in enumerate(call.route.entries):
        made, skip = attempts.get(index, []), skips.get(index)
        row: dict[str, Any] = {"index": index, "step": entry.step, "ref": entry.ref}
        row["result"] = _result(made, skip, plan, index)
        row["gates"] = _gates(call, standing.get(index), skip)
        if made:
            row |= _tried(made)
        elif skip is None and index not in standing:
            row["detail"] = "behind the candidate at which the route ends the call"
        rows.append(row)
    _add_changes(call, plan, rows, capabilities_of)
    return rows


def _result(made: list[Attempt], skip: Skip | None, plan: Plan, index: int) -> str:
    if made:
        last = made[-1].result
        if last is not None and last.outcome == "ok":
            return "served"
        return "cancelled" if last is not None and last.outcome == "cancelled" else "failed"
    if skip is not None:
        return "rejected"
    first = bool(plan.candidates) and plan.candidates[0].index == index
    return "chosen" if first else "standby"


def _gates(call: Call, candidate: Candidate | None, skip: Skip | None) -> list[dict[str, Any]]:
    """The gates as far as they were passed. Behind the one that failed none was looked at."""
    gates: list[dict[str, Any]] = []
    for gate in GATES:
        if skip is not None and skip.gate == gate:
            failed: dict[str, Any] = {"gate": gate, "ok": False, "detail": accounting.reason_for(call, skip)}
            if skip.missing:
                failed["missing"] = [word(name) for name in skip.missing]
            if skip.wait is not None:
                failed["waitSeconds"] = round(skip.wait, 3)
            if skip.evidence:
                failed["evidence"] = accounting.plain(skip.evidence)
            return [*gates, failed]
        row: dict[str, Any] = {"gate": gate, "ok": True}
        if candidate is not None:
            row |= _passed(call, gate, candidate)
        gates.append(row)
    return gates


def _passed(call: Call, gate: str, candidate: Candidate) -> dict[str, Any]:
    model = candidate.model
    match gate:
        case "region":
            return {"region": candidate.region} if candidate.region else {"detail": "no constraint"}
        case "zone":
            return {"zone": model.zone}
        case "health":
            return {"detail": candidate.condition.name, "p95Ms": accounting.milliseconds(candidate.condition.p95)}
        case "limit" if model.requests_per_minute is None and model.tokens_per_minute is None:
            return {"detail": "no limit"}
        case "limit":
            return {"requestsPerMinute": model.requests_per_minute, "tokensPerMinute": model.tokens_per_minute}
        case "budget" if candidate.estimate is not None:
            spent = call.spent.execution + call.spent.held
            return {"estimateUsd": number(candidate.estimate), "projectedRunUsd": number(spent + candidate.estimate)}
        case _:
            return {}


def _tried(made: list[Attempt]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    last = made[-1]
    if last.transforms:
        row["transforms"] = [
            {"field": word(change.field), "action": change.action, "detail": change.detail}
            for change in last.transforms
        ]
    if last.defaults:
        row["defaultsApplied"] = dict(last.defaults)
    shown = [_attempt(attempt) for attempt in made]
    row["attempt"] = shown[-1]
    if len(shown) > 1:
        row["earlierAttempts"] = shown[:-1]
    if last.switch is not None:
        row["switch"] = {
            "trigger": last.switch.trigger,
            "allowed": last.switch.allowed,
            "to": last.switch.to,
            "why": last.switch.why or None,
        }
    return row


def _attempt(attempt: Attempt) -> dict[str, Any]:
    result, timing, cost, usage = attempt.result, attempt.timing, attempt.cost, attempt.usage
    region, source = accounting.region_of(attempt.candidate, attempt.tally.region)
    made: dict[str, Any] = {
        "n": attempt.number,
        "api": attempt.api or None,
        "lane": attempt.lane or None,
        "host": attempt.host or None,
        "startedAt": round(attempt.wall, 3),
        "region": region,
        "regionSource": source,
    }
    if "region_mismatch" in attempt.tally.notes:
        made["regionMismatch"] = True
    if timing is not None:
        made["ms"] = accounting.milliseconds(timing.seconds)
        made["firstChunkMs"] = accounting.milliseconds(timing.first_content)
    if result is not None:
        made["outcome"] = result.outcome
        made["httpStatus"] = result.http_status
        if result.outcome != "ok":
            made |= {
                "reason": result.reason,
                "failure": result.failure,
                "replay": result.replay or None,
                "billedRisk": result.billed_risk,
                "upstreamCode": None if result.upstream_code is None else code(result.upstream_code),
                "retryAfterMs": None if result.retry_after is None else round(result.retry_after * 1000),
            }
    if attempt.hold is not None:
        made["costUsdReserved"] = number(attempt.candidate.estimate)
    if cost is not None:
        made["costUsd"] = number(cost.usd)
        made["usage"] = {
            "inputTokens": usage.input,
            "cachedInputTokens": usage.cached,
            "outputTokens": usage.output,
            "reasoningTokens": usage.reasoning,
            "source": usage.source,
        }
    if attempt.switch is not None and attempt.switch.waited:
        made["waitedMs"] = accounting.milliseconds(attempt.switch.waited)
    return made


def _add_changes(
    call: Call, plan: Plan, rows: list[dict[str, Any]], capabilities_of: Callable[[Model], CapabilitySet]
) -> None:
    """To each rejected candidate, the smallest change that would have picked it."""
    if call.surveyed is None or call.moment is None:
        return
    inputs = Inputs(call.snapshot, call.route, call.surveyed.terms, call.moment)
    rejected = [row for row in rows if row["result"] == "rejected"][:_EXPLAINED]
    for row in rejected:
        changes, _ = what_if(inputs, row["index"], capabilities_of)
        row["wouldTake"] = [_change(change) for change in changes]


def _change(change: Change) -> dict[str, Any]:
    return {"change": change.where, "to": change.to}


# --- the end ---------------------------------------------------------------------------------------------------------


def _outcome(
    call: Call,
    outcome: str,
    error: JochError | None,
    served: Candidate | None,
    seconds: float,
    *,
    dry_run: bool,
) -> dict[str, Any]:
    if dry_run:
        chosen = None if call.plan is None or not call.plan.candidates else call.plan.candidates[0].model.ref
        return {"wouldServe": chosen, **({"error": _error(error)} if error else {})}
    return {
        "status": _status(call, outcome, error),
        "outcome": outcome,
        "servedBy": None if served is None else served.model.ref,
        "fallbackIndex": None if served is None else served.step,
        "attempts": call.attempts,
        "switches": call.switches,
        "notice": call.notice or None,
        "costUsd": number(call.cost),
        "totalMs": accounting.milliseconds(seconds),
        "overheadMs": accounting.milliseconds(max(seconds - call.waited, 0.0)),
        "error": _error(error),
    }


def _status(call: Call, outcome: str, error: JochError | None) -> int | None:
    """What the client was told, None where it left before it was told anything."""
    if call.content or outcome == "ok":
        return 200
    return None if error is None else error.status


def _error(error: JochError | None) -> dict[str, Any] | None:
    if error is None:
        return None
    named = error.body.code
    return {"status": error.status, "type": code(error.body.type), "code": None if named is None else code(named)}


def number(amount: Decimal | None) -> float | None:
    """Money as the document has it: a number of US dollars to twelve digits; None where it is not known."""
    return None if amount is None else float(round(amount, 12))


def summary(made: Mapping[str, Any]) -> str:
    """The whole story in one sentence for people."""
    parts = []
    for row in made["candidates"]:
        name = row["ref"].partition(":")[2] or row["ref"]
        match row["result"]:
            case "failed" | "cancelled":
                attempt = row["attempt"]
                status = attempt.get("httpStatus")
                parts.append(f"{name} failed ({attempt.get('reason')}{f' {status}' if status else ''})")
            case "rejected":
                failed = row["gates"][-1]
                parts.append(f"{name} was passed over ({failed['gate']}: {failed['detail']})")
            case "served":
                cost = made["outcome"].get("costUsd")
                price = "at an unknown cost" if cost is None else f"at {cost:g} USD"
                parts.append(f"{name} served the call {price}")
            case "chosen" if made.get("dryRun"):
                parts.append(f"{name} would be asked first")
            case _:
                continue
    return "; ".join(parts) + "." if parts else "No candidate was looked at."
