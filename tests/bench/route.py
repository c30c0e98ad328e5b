"""One plan of a call, in this process: a route of five candidates with health, budget and residency on."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal

from proxy.resources import Constraints, HealthSettings, Pricing
from proxy.routing import Health, Moment, Quotas, Size, Spent, Terms, decide, survey
from tests.support.snapshots import model, route, snapshot
from translators.canonical import FLAGS, CapabilitySet, Need

_CALLS = 2_000


def planning() -> Callable[[], int]:
    """Makes one plan, with everything looked up that the live path looks up; gives how many candidates stand."""
    price = Pricing(input=Decimal(10), output=Decimal(30), cache_write=Decimal(12))
    windows = {"context_window": 200_000, "max_output": 64_000}
    models = [model("openai", "http://a", f"m{n}", regions=("eu",), pricing=price, **windows) for n in range(5)]
    limits = Constraints(max_cost_per_execution=Decimal(5), max_cost_per_call=Decimal(1), residency="EU")
    the_route = route("r", *(each.ref for each in models), constraints=limits)
    able = CapabilitySet(flags=dict.fromkeys(FLAGS, True), context_window=200_000, max_output=64_000)
    terms = Terms(needs=(Need("text", "messages"), Need("toolCalling", "tools[0]")))
    surveyed = survey(snapshot(models, [the_route]), the_route, terms, lambda record: able)
    health, quotas = Health(HealthSettings(), lambda: 0.5), Quotas()
    for each in models:
        ticket = health.began(each.ref, 1.0)
        health.succeeded(each.ref, 1.5, 0.5, 0.1, ticket)

    def once() -> int:
        conditions = {each.model.ref: health.of(each.model.ref, 2.0) for each in surveyed.standing}
        waits = {each.model.ref: quotas.wait(each.model, 2_100, 2.0) for each in surveyed.standing}
        moment = Moment(
            now=2.0,
            condition_of=lambda ref, _: conditions[ref],
            wait_of=lambda record, _: waits[record.ref],
            size=Size(least=900, most=1_100, output=1_000, reserve=1_000),
            spent=Spent(execution=Decimal("1.2")),
        )
        return len(decide(surveyed, moment).candidates)

    return once


def microseconds() -> float:
    """What one plan costs, CPU time of this process."""
    once = planning()
    if once() != 5:
        raise AssertionError("all five candidates stand")
    before = time.process_time()
    for _ in range(_CALLS):
        once()
    return (time.process_time() - before) / _CALLS * 1e6
