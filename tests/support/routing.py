"""Random installations for property tests: models, a route over them, the state of everything and one request."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from proxy.resources import (
    ZONES,
    Constraints,
    Failover,
    Model,
    ModelRoute,
    Pricing,
    Residency,
    RouteEntry,
    Snapshot,
)
from proxy.routing import WELL, Condition, Moment, Plan, Size, Spent, Terms, plan
from translators.canonical import FLAGS, CapabilitySet, Need

from .snapshots import model, snapshot

NOW = 1_000.0
ASKED = ("vision", "toolCalling", "jsonSchema", "reasoning")
REGIONS = ("eu", "us", "europe-west2", "on-prem", "jp")
CONDITIONS = (
    WELL,
    Condition("healthy", p50=0.4, p95=0.9, first_p50=0.2),
    Condition("healthy", p50=2.0, p95=8.0),
    Condition("degraded", error_rate=0.3, p95=3.0),
    Condition("open", until=NOW + 4, since=NOW - 3, admits=False, spare=True),
    Condition("open", until=NOW + 9, since=NOW - 1, admits=False),
    Condition("half_open", admits=True),
    Condition("half_open", admits=False),
    Condition("resting", until=NOW + 20, told=True, since=NOW - 1, admits=False),
    Condition("resting", until=NOW + 2, since=NOW - 1, admits=False, spare=True),
    Condition("credential_bad", until=NOW + 50, admits=False),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Everything one plan is made of. `able` are each model's flags."""

    snapshot: Snapshot
    route: ModelRoute
    terms: Terms
    moment: Moment
    able: Mapping[str, Mapping[str, bool]]

    def capabilities_of(self, record: Model) -> CapabilitySet:
        return CapabilitySet(
            flags=self.able[record.ref], context_window=record.context_window, max_output=record.max_output
        )

    def plan(self) -> Plan:
        return plan(self.snapshot, self.route, self.terms, self.capabilities_of, self.moment)

    def model(self, ref: str) -> Model:
        return self.snapshot.models[ref]


def installation(seed: int) -> Installation:
    """One to five models in a route of steps, balanced or not, with any constraints, any state and any request.

    The same seed gives the same one, so that a failing test needs to tell no more.
    """
    rng = random.Random(seed)
    models = [_model(rng, f"m{number}") for number in range(rng.randint(1, 5))]
    route = _route(rng, models)
    conditions = {record.ref: rng.choice((WELL, WELL, *CONDITIONS)) for record in models}
    waits = {record.ref: rng.choice((0.0, 0.0, 0.0, 2.5)) for record in models}
    least, output = rng.randint(0, 30_000), rng.choice((None, rng.randint(1, 6_000)))
    moment = Moment(
        now=NOW,
        condition_of=lambda ref, now: conditions[ref],
        wait_of=lambda record, tokens: waits[record.ref],
        size=Size(least=least, most=int(least * 1.3), output=output, reserve=output or 1_024, method="size"),
        spent=Spent(execution=_money(rng) / 10, held=_money(rng) / 100, tokens=rng.randint(0, 60_000), calls=3),
        draw=rng.random(),
        warm=rng.choice((None, *(record.ref for record in models))),
        unknown_cost=rng.choice(("catalog", "allow")),
    )
    terms = Terms(
        needs=tuple(Need(flag, f"because {flag}") for flag in rng.sample(ASKED, rng.choice((0, 0, 0, 1, 2)))),
        residency=rng.choice(((), (), (), (), (), ("EU",), ("US",))),
        allowed=rng.choice(((), (), (), (("openai:*",),), (("*:m[0-3]",),))),
    )
    return Installation(
        snapshot=snapshot(models, [route], residency=Residency(locality=rng.choice((None, "eu-central")))),
        route=route,
        terms=terms,
        moment=moment,
        able={
            record.ref: {**dict.fromkeys(FLAGS, True), **{flag: rng.random() < 0.8 for flag in ASKED}}
            for record in models
        },
    )


def _money(rng: random.Random) -> Decimal:
    return Decimal(rng.randint(1, 400)) / 100


def _model(rng: random.Random, name: str) -> Model:
    local = rng.random() < 0.4
    return model(
        rng.choice(("openai", "anthropic")),
        "http://127.0.0.1:9" if local else "https://far.example",
        name,
        local=local,
        regions=tuple(rng.sample(REGIONS, rng.choice((0, 1, 2)))),
        region=rng.choice((None, None, "eu", "us")),
        zone=rng.choice(ZONES),
        context_window=rng.choice((None, 8_000, 32_000, 200_000)),
        max_output=rng.choice((None, 2_000, 64_000)),
        pricing=Pricing(input=_money(rng), output=_money(rng)) if rng.random() < 0.7 else None,
        disabled=rng.random() < 0.1,
        secret_problem="no key" if rng.random() < 0.1 else None,
    )


def _route(rng: random.Random, models: list[Model]) -> ModelRoute:
    steps, step = [], 0
    for number, _ in enumerate(models):
        step += rng.randint(0, 1) if number else 0
        steps.append(step)
    balanced = {step for step in steps if rng.random() < 0.4}
    flags = ("capability_mismatch", "region_mismatch", "budget_exceeded", "rate_limited", "health_degraded")
    return ModelRoute(
        name="r",
        entries=tuple(
            RouteEntry(ref=record.ref, step=step, weight=rng.randint(1, 5) if step in balanced else None)
            for record, step in zip(models, steps, strict=True)
        ),
        requirements=rng.choice(({}, {}, {}, {"toolCalling": True})),
        context_window_min=rng.choice((None, None, 16_000)),
        order=rng.choice(("declared", "latency")),
        constraints=Constraints(
            max_cost_per_execution=rng.choice((None, None, _money(rng))),
            max_cost_per_call=rng.choice((None, None, _money(rng))),
            max_tokens_per_execution=rng.choice((None, None, None, rng.randint(1_000, 90_000))),
            max_calls_per_execution=rng.choice((None, None, None, rng.randint(3, 6))),
            residency=rng.choice((None, None, None, None, "EU")),
            deny=rng.choice(((), (), (), ("anthropic",))),
            max_zone=rng.choice((None, "vendor", "vendor", *ZONES)),
            max_latency=rng.choice((None, None, 1.0)),
        ),
        failover=Failover(**{f"on_{flag}": rng.random() < 0.8 for flag in flags}, last_resort=rng.random() < 0.8),
    )
