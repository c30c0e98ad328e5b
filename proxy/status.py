"""How things are, as documents for operators: candidates with their health, and a route with all of its candidates.

Reads what the router decides by, and decides nothing. No address, no key.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from proxy import accounting, pricing
from proxy.adapters import Bindings
from proxy.resources import Failover, Model, ModelRoute, Snapshot
from proxy.routing import Condition, Health, Moment, Plan, Quotas, Terms, plan
from translators.canonical import CapabilitySet

_FLAGS = (
    ("error", "on_error"),
    ("rate-limited", "on_rate_limited"),
    ("capability", "on_capability_mismatch"),
    ("region", "on_region_mismatch"),
    ("budget", "on_budget_exceeded"),
    ("health-degraded", "on_health_degraded"),
    ("schema-invalid", "on_schema_invalid"),
    ("content-filter", "on_content_filter"),
    ("ambiguous", "on_ambiguous"),
    ("last-resort", "last_resort"),
)

_GAUGE = {"Healthy": 3.0, "Degraded": 2.0, "RateLimited": 1.0, "Unhealthy": 1.0, "Unknown": 0.0}


class Status:
    """Answers for this process; other worker processes see their own part of the traffic."""

    def __init__(
        self, bindings: Bindings, health: Health, quotas: Quotas, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._bindings, self._health, self._quotas, self._clock = bindings, health, quotas, clock

    def capabilities_of(self, model: Model) -> CapabilitySet:
        """What a plan reckons with."""
        return self._bindings.of(model).capabilities()

    def condition(self, ref: str) -> Condition:
        """How the candidate `ref` is now."""
        return self._health.of(ref, self._clock())

    def serves(self, snapshot: Snapshot) -> bool:
        """Whether any model can be asked at all, as far as is known."""
        now = self._clock()
        usable = [model for model in snapshot.models.values() if not model.disabled and model.secret_problem is None]
        return bool(snapshot.implicit) or any(self._health.of(model.ref, now).name != "Unhealthy" for model in usable)

    def gauges(self, snapshot: Snapshot) -> dict[tuple[str, ...], float]:
        """Health as the metric has it: 3 Healthy, 2 Degraded, 1 Unhealthy or rate limited, 0 Unknown."""
        now = self._clock()
        return {(ref,): _GAUGE[self._health.of(ref, now).name] for ref in snapshot.models}

    def health(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """Every Model record, with its state and figures."""
        now = self._clock()
        return [self._row(model, now) for model in snapshot.models.values()]

    def _row(self, model: Model, now: float) -> dict[str, Any]:
        condition = self._health.of(model.ref, now)
        off = "disabled in the configuration" if model.disabled else model.secret_problem
        until = condition.until
        return {
            "ref": model.ref,
            "health": "Disabled" if off else condition.name,
            "state": condition.state,
            "detail": off or condition.describe(now),
            "untilSeconds": None if until is None else round(max(until - now, 0.0), 3),
            "errorRate": condition.error_rate,
            "samples": condition.samples,
            "p50Ms": accounting.milliseconds(condition.p50),
            "p95Ms": accounting.milliseconds(condition.p95),
            "firstContentP50Ms": accounting.milliseconds(condition.first_p50),
            "limits": self._quotas.standing(model, now) or None,
        }

    def route(self, snapshot: Snapshot, route: ModelRoute) -> dict[str, Any]:
        """A route with the verdict that each candidate would have for the plainest request, now."""
        now = self._clock()
        made = self._plainest(snapshot, route, now)
        limits = route.constraints
        aliases = [alias for alias, target in snapshot.settings.aliases.items() if target == route.name]
        return {
            "name": route.name,
            "namespace": route.namespace,
            "description": route.description,
            "hash": route.hash or None,
            "answersTo": [route.name, *route.aliases, *aliases],
            "requirements": _requirements(route),
            "constraints": {
                "maxCostUsdPerExecution": _number(limits.max_cost_per_execution),
                "maxCostUsdPerCall": _number(limits.max_cost_per_call),
                "maxTokensPerExecution": limits.max_tokens_per_execution,
                "maxCallsPerExecution": limits.max_calls_per_execution,
                "dataResidency": limits.residency,
                "maxZone": limits.max_zone,
            },
            "failover": _failover(route.failover),
            "strict": route.strict,
            "candidates": self._candidates(snapshot, route, made, now),
            "warnings": [] if made.candidates else ["no candidate can be asked now"],
        }

    def _plainest(self, snapshot: Snapshot, route: ModelRoute, now: float) -> Plan:
        moment = Moment(now=now, condition_of=self._health.of, unknown_cost=snapshot.settings.unknown_cost)
        return plan(snapshot, route, Terms(needs=()), self.capabilities_of, moment)

    def _candidates(self, snapshot: Snapshot, route: ModelRoute, made: Plan, now: float) -> list[dict[str, Any]]:
        skips = {skip.index: skip for skip in made.skips}
        rows = []
        for index, entry in enumerate(route.entries):
            model = entry.model or snapshot.models[entry.ref]
            skip, row = skips.get(index), self._row(model, now)
            price = model.pricing
            rates = None if price is None else (price.input, price.output)
            rows.append(
                {
                    **row,
                    "index": index,
                    "step": entry.step,
                    "weight": entry.weight,
                    "regions": [model.region] if model.region else list(model.regions),
                    "zone": model.zone,
                    "contextWindowTokens": model.context_window,
                    "price": None if not rates or None in rates else [f"{rate:f}" for rate in rates],
                    "priceSource": "none" if price is None else pricing.document(price)["source"],
                    "verdict": "ok" if skip is None else f"{skip.gate}: {skip.detail}",
                }
            )
        return rows


def _requirements(route: ModelRoute) -> list[str]:
    found = [flag for flag, wanted in route.requirements.items() if wanted]
    found += [f"contextWindow >= {route.context_window_min}"] if route.context_window_min else []
    found += [f"maxOutput >= {route.max_output_min}"] if route.max_output_min else []
    return found + ([f"regions {', '.join(route.required_regions)}"] if route.required_regions else [])


def _failover(failover: Failover) -> str:
    on = [word for word, flag in _FLAGS if getattr(failover, flag)]
    off = [word for word, flag in _FLAGS if not getattr(failover, flag)]
    shown = " ".join(on) + (f"   not: {' '.join(off)}" if off else "")
    return f"{shown}   side effects: {failover.on_side_effects}   at most {failover.max_attempts} attempts"


def _number(amount: Any) -> float | None:
    return None if amount is None else float(amount)
