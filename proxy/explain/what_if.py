"""The smallest change that would have picked another candidate. Pure: the evaluator is asked again with one thing changed.

Each change takes away one reason, the one the evaluator named; the next reason may then appear, until the candidate is
picked. So a list of changes is sufficient, and none of them can be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from proxy.resources import Model, ModelRoute, Snapshot
from proxy.routing import WELL, Moment, Plan, Skip, Terms, plan
from proxy.words import word
from translators.canonical import CapabilitySet, value

_CENT = Decimal("0.01")
_ROUNDS = 12
"""More reasons than there are gates."""


@value
class Change:
    """One thing that would have to be otherwise. `where` is the place, as the configuration or the request spells it."""

    where: str
    to: Any
    detail: str = ""


@value
class Inputs:
    """Everything a plan is made of."""

    snapshot: Snapshot
    route: ModelRoute
    terms: Terms
    moment: Moment


def planned(inputs: Inputs, capabilities_of: Callable[[Model], CapabilitySet]) -> Plan:
    """The plan of `inputs`."""
    return plan(inputs.snapshot, inputs.route, inputs.terms, capabilities_of, inputs.moment)


def what_if(
    inputs: Inputs, index: int, capabilities_of: Callable[[Model], CapabilitySet]
) -> tuple[tuple[Change, ...], Inputs]:
    """The changes after which the candidate at `index` of the route is tried first, and the inputs so changed."""
    changes: dict[str, Change] = {}
    wanted = inputs.route.entries[index]
    for _ in range(_ROUNDS):
        made = planned(inputs, capabilities_of)
        if made.candidates and made.candidates[0].index == index:
            return tuple(changes.values()), inputs
        skip = next((skip for skip in made.skips if skip.index == index), None)
        if skip is None:
            ending = made.ended
            if ending is not None and ending.index < index:
                skip = ending
            else:
                return (*changes.values(), Change("strategy.primary", wanted.ref)), _first(inputs, index)
        change, inputs = _CHANGES[skip.gate](inputs, skip)
        changes[change.where] = change  # a limit raised once more is one change, to the higher figure
    return tuple(changes.values()), inputs


def _first(inputs: Inputs, index: int) -> Inputs:
    """The candidate at `index` alone: what it is tried before does not matter."""
    entry = inputs.route.entries[index]
    route = replace(inputs.route, entries=(replace(entry, step=0, weight=None),))
    constraints = inputs.route.constraints
    model = entry.model or inputs.snapshot.models[entry.ref]
    if constraints.max_zone is None:
        route = replace(route, constraints=replace(constraints, max_zone=model.zone))
    return replace(inputs, route=route)


# --- one change per gate ---------------------------------------------------------------------------------------------


def _model(inputs: Inputs, skip: Skip, **fields: Any) -> Inputs:
    entry = inputs.route.entries[skip.index]
    model = replace(entry.model or inputs.snapshot.models[entry.ref], **fields)
    entries = list(inputs.route.entries)
    entries[skip.index] = replace(entry, model=model)
    return replace(inputs, route=replace(inputs.route, entries=tuple(entries)))


def _constraints(inputs: Inputs, **fields: Any) -> Inputs:
    route = inputs.route
    return replace(inputs, route=replace(route, constraints=replace(route.constraints, **fields)))


def _enabled(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    return Change(f"Model {skip.ref} disabled", False), _model(inputs, skip, disabled=False)


def _keyed(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    return Change(f"Model {skip.ref} auth", "a key", skip.detail), _model(inputs, skip, secret_problem=None)


def _allowed(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    return Change("caller allowed", skip.ref), replace(inputs, terms=replace(inputs.terms, allowed=()))


def _provider(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    return Change("constraints.providers", None, skip.detail), _constraints(inputs, allow=None, deny=())


def _requirement(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    route = inputs.route
    kept = {name: wanted for name, wanted in route.requirements.items() if name not in skip.missing}
    without = replace(route, requirements=kept)
    if "contextWindow" in skip.missing:
        without = replace(without, context_window_min=None)
    if "maxOutput" in skip.missing:
        without = replace(without, max_output_min=None)
    if "regions" in skip.missing:
        without = replace(without, required_regions=())
    names = ", ".join(skip.missing)
    return Change(f"requirements {names}", None, skip.detail), replace(inputs, route=without)


def _request(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    size = inputs.moment.size
    if skip.missing == ("contextWindow",):
        most = max(int(skip.evidence["have"]) - (size.output or 0), 0)
        smaller = replace(size, least=most, most=min(size.most, most))
        if size.output is not None and most == 0:
            smaller = replace(smaller, output=int(skip.evidence["have"]))
        return Change("request input tokens", most, skip.detail), _sized(inputs, smaller)
    if skip.missing == ("maxOutput",):
        most = int(skip.evidence["have"])
        smaller = replace(size, output=most, reserve=min(size.reserve, most * size.choices))
        return Change("request maximum output tokens", most, skip.detail), _sized(inputs, smaller)
    terms = inputs.terms
    left = tuple(need for need in terms.needs if need.name not in skip.missing)
    change = Change(f"request {', '.join(map(word, skip.missing))}", None, skip.detail)
    return change, replace(inputs, terms=replace(terms, needs=left))


def _sized(inputs: Inputs, size: Any) -> Inputs:
    return replace(inputs, moment=replace(inputs.moment, size=size))


def _region(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    without = _constraints(inputs, residency=None)
    change = Change("dataResidency", None, skip.detail)
    return change, replace(without, terms=replace(inputs.terms, residency=()))


def _zone(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    zone = skip.evidence["zone"]
    return Change("constraints.maxZone", zone, skip.detail), _constraints(inputs, max_zone=zone)


def _health(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    moment = inputs.moment
    was = moment.condition_of

    def well(ref: str, now: float) -> Any:
        return WELL if ref == skip.ref else was(ref, now)

    return Change(f"health of {skip.ref}", "Healthy", skip.detail), replace(
        inputs, moment=replace(moment, condition_of=well)
    )


def _limit(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    moment = inputs.moment
    was = moment.wait_of

    def waited(model: Model, tokens: int) -> float:
        return 0.0 if model.ref == skip.ref else was(model, tokens)

    return Change(f"Model {skip.ref} limits", "room", skip.detail), replace(
        inputs, moment=replace(moment, wait_of=waited)
    )


def _budget(inputs: Inputs, skip: Skip) -> tuple[Change, Inputs]:
    evidence: Mapping[str, Any] = skip.evidence
    if evidence.get("estimate") is None:
        change = Change("cost.unknown", "allow", skip.detail)
        return change, replace(inputs, moment=replace(inputs.moment, unknown_cost="allow"))
    needed = evidence["spent"] + evidence["held"] + evidence["estimate"]
    names = {
        ("usd", "call"): ("maxCostUsdPerCall", "max_cost_per_call"),
        ("usd", "run"): ("maxCostUsdPerExecution", "max_cost_per_execution"),
        ("tokens", "run"): ("maxTokensPerExecution", "max_tokens_per_execution"),
        ("calls", "run"): ("maxCallsPerExecution", "max_calls_per_execution"),
    }
    if needed <= evidence["limit"]:  # all of it is spent, and the candidate is free
        needed = evidence["limit"] + (_CENT if evidence["unit"] == "usd" else 1)
    public, field = names[evidence["unit"], evidence["window"]]
    shown = float(needed) if isinstance(needed, Decimal) else needed
    return Change(f"constraints.{public}", shown, skip.detail), _constraints(inputs, **{field: needed})


_CHANGES: Mapping[str, Callable[[Inputs, Skip], tuple[Change, Inputs]]] = {
    "disabled": _enabled,
    "auth": _keyed,
    "access": _allowed,
    "provider": _provider,
    "requirement": _requirement,
    "request": _request,
    "region": _region,
    "zone": _zone,
    "health": _health,
    "limit": _limit,
    "budget": _budget,
}
