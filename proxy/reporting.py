"""What became of calls, told: events, metrics and response headers. Decides nothing, and never tells a prompt or a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from proxy import accounting
from proxy.call import Attempt, Call, Switch
from proxy.events import EventLog, process_event
from proxy.events.envelope import Severity
from proxy.metrics import Metrics
from proxy.routing import Candidate, Condition, Skip
from translators.canonical import JochError


class Reporter:
    """Writes to `events` and `metrics`. `explained(call, outcome, error, served, seconds)` keeps the call's explanation."""

    def __init__(
        self,
        events: EventLog,
        metrics: Metrics,
        new_id: Callable[[str], str],
        explained: Callable[[Call, str, JochError | None, Candidate | None, float], None],
    ) -> None:
        self._events, self._metrics, self._new_id, self._explained = events, metrics, new_id, explained

    def headers(self, call: Call, attempt: Attempt) -> dict[str, str]:
        """What the client is told beside an answer, unless the settings say that it is told nothing."""
        if not call.snapshot.settings.response_headers:
            return {}
        headers = {
            "x-joch-model": attempt.candidate.model.ref,
            "x-joch-fallback-index": str(attempt.candidate.step),
            "x-joch-attempts": str(call.attempts),
        }
        if not call.route.implicit:
            headers["x-joch-route"] = call.route.name
        if attempt.transforms:
            headers["x-joch-loss"] = accounting.loss(attempt.transforms)
        if call.notice:
            headers["x-joch-notice"] = call.notice
        if call.route.explain_on_fallback and attempt.candidate.index:
            headers["x-joch-explain"] = f"/v1/route/{call.route.name}/explain?call={call.id}"
        return headers

    def opened(self, call: Call, attempt: Attempt) -> None:
        """A request is about to go out."""
        if self._events.active:
            self._emit(call, attempt, "ModelCallStarted", accounting.started(call, attempt))

    def over(self, call: Call, attempt: Attempt) -> None:
        """An attempt is over: its result, usage, cost and timing are known."""
        result, timing, cost = attempt.result, attempt.timing, attempt.cost
        if result is None or timing is None or cost is None:
            raise RuntimeError("an attempt was reported before it was settled")
        labels = accounting.labels(attempt.candidate.model)
        self._metrics.count_attempt(labels, result.outcome, result.reason, timing.seconds, timing.first_content)
        self._metrics.count_cost(labels, cost.usd)
        for kind, amount in accounting.token_kinds(attempt.usage):
            if amount:
                self._metrics.tokens.add((*labels, kind), amount)
        if not self._events.active:
            return
        if attempt.opened:
            payload = accounting.completed(attempt, result, cost, timing)
            self._emit(call, attempt, "ModelCallCompleted", payload, severity=accounting.severity_of(attempt, result))
        else:  # it never got as far as a request: a key was missing, say
            payload = {
                "ref": attempt.candidate.model.ref,
                "index": attempt.candidate.index,
                "gate": result.failure,
                "detail": result.detail,
            }
            self._emit(call, attempt, "x.CandidateSkipped", payload, severity="warning")

    def switched(self, call: Call, attempt: Attempt, following: Candidate, switch: Switch) -> None:
        """The call moves on from `attempt` to `following`."""
        source, target = attempt.candidate, following
        reason = attempt.result.reason if attempt.result else switch.trigger
        self._metrics.switches.add(
            (route_label(call), accounting.label(source.model), accounting.label(target.model), reason)
        )
        if self._events.active:
            payload = {
                "scope": "call",
                "from": source.model.ref,
                "to": target.model.ref,
                "fromIndex": source.index,
                "toIndex": target.index,
                "reason": reason,
                "detail": attempt.result.failure if attempt.result else "",
                **(switch.effects or {}),
            }
            self._emit(call, attempt, "ProviderSwitched", payload, severity="notice")

    def skipped(self, call: Call, skip: Skip) -> None:
        """A candidate was passed over."""
        self._metrics.skips.add((route_label(call), "implicit" if call.route.implicit else skip.ref, skip.gate))
        if self._events.active:
            payload = {
                "ref": skip.ref,
                "index": skip.index,
                "gate": skip.gate,
                "detail": accounting.reason_for(call, skip),
                "evidence": accounting.plain(skip.evidence),
            }
            self._events.emit(call.scope.event("x.CandidateSkipped", payload, model_ref=skip.ref))

    def limited(self, call: Call, skip: Skip, action: str) -> None:
        """A limit of the route was hit. `action` is deny or fall_forward."""
        if self._events.active:
            evidence = accounting.plain(skip.evidence)
            reserved = {"reserved": evidence.pop("held")} if "held" in evidence else {}
            payload = {"budget": call.route.name, "level": "hard", **evidence, **reserved, "action": action}
            severity: Severity = "warning" if action == "deny" else "notice"
            self._events.emit(call.scope.event("BudgetExceeded", payload, model_ref=skip.ref, severity=severity))

    def finished(
        self,
        call: Call,
        outcome: str,
        error: JochError | None,
        served: Candidate | None,
        seconds: float,
        **more: Any,
    ) -> None:
        """The call is over, whichever way."""
        overhead = max(seconds - call.waited, 0.0)
        self._metrics.count_call(route_label(call), outcome, stream=call.request.stream, overhead=overhead)
        if self._events.active:
            payload = accounting.call_completed(call, outcome, error, served, seconds)
            self._events.emit(call.scope.event("x.CallCompleted", {**payload, **more}))
        self._explained(call, outcome, error, served, seconds)

    def health(self, ref: str, before: Condition, after: Condition, now: float) -> None:
        """A candidate is in another state than before."""
        if self._events.active and before.state != after.state and not (before.well and after.well):
            payload = {
                "modelRef": ref,
                "from": before.name,
                "to": after.name,
                "cause": after.describe(now),
                "errorRate": after.error_rate,
                "p50Ms": accounting.milliseconds(after.p50),
                "p95Ms": accounting.milliseconds(after.p95),
                "samples": after.samples,
                "openUntil": None if after.until is None else round(after.until - now, 3),
            }
            severity: Severity = "info" if after.well else "warning"
            self._events.emit(process_event(self._new_id, "x.HealthChanged", payload, severity=severity))

    def _emit(self, call: Call, attempt: Attempt, type: str, payload: Mapping[str, Any], **envelope: Any) -> None:
        ref = attempt.candidate.model.ref
        self._events.emit(call.scope.event(type, payload, model_ref=ref, attempt=attempt.number, **envelope))


def route_label(call: Call) -> str:
    """The route as a metric label: its name, or "implicit" for names that clients made up."""
    return "implicit" if call.route.implicit else call.route.name
