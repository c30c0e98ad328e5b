"""The plan of a call: every candidate of the route with a verdict, before anything is sent.

`plan` is pure: the same evaluator serves the live path, a dry run and the record. Gates, in order: disabled, key,
requirement (of the route), request (its needs), rest. A candidate that fails one is a `Skip` with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from proxy.resources import Clocks, Model, ModelRoute, RouteEntry, Snapshot
from translators.canonical import FLAGS, CapabilitySet, Need, value

from .rests import Rest


@value
class Candidate:
    """One try the call may make. `index` is the place in the route, 0 being the primary."""

    index: int
    model: Model
    parameters: Mapping[str, Any]
    clocks: Clocks


@value
class Skip:
    """A candidate passed over. `gate` is disabled | auth | requirement | request | rest; `detail` is for people."""

    index: int
    ref: str
    gate: str
    detail: str
    missing: tuple[str, ...] = ()
    wait: float | None = None


@value
class Plan:
    route: ModelRoute
    candidates: tuple[Candidate, ...]
    skips: tuple[Skip, ...]
    needs: tuple[Need, ...]


def plan(
    snapshot: Snapshot,
    route: ModelRoute,
    needs: Sequence[Need],
    capabilities_of: Callable[[Model], CapabilitySet],
    rest_of: Callable[[str], Rest | None],
    now: float,
) -> Plan:
    """The candidates that may serve a request with `needs`, in order.

    A candidate whose rest the provider itself named is passed over; so is one that rests by our guess while another is
    awake. When only guesses stand between the call and every candidate, the one that wakes first is used: never refuse
    because of a guess.
    """
    candidates: list[Candidate] = []
    skips: list[Skip] = []
    drowsy: list[tuple[float, Candidate, Skip]] = []
    for index, entry in enumerate(route.entries):
        model = entry.model or snapshot.models[entry.ref]
        skip = _static_skip(index, model) or _unmet(index, route, model, needs, capabilities_of(model))
        if skip is not None:
            skips.append(skip)
            continue
        candidate = _candidate(index, entry, route, model)
        rest = rest_of(entry.ref)
        if rest is None:
            candidates.append(candidate)
            continue
        wait = rest.until - now
        skip = Skip(index, entry.ref, "rest", f"rate limited for another {wait:.1f} s", wait=wait)
        if not rest.told:
            drowsy.append((rest.until, candidate, skip))
        skips.append(skip)
    if not candidates and drowsy:
        _, first, its_skip = min(drowsy, key=lambda item: item[0])
        candidates.append(first)
        skips.remove(its_skip)
    return Plan(route, tuple(candidates), tuple(skips), tuple(needs))


def _candidate(index: int, entry: RouteEntry, route: ModelRoute, model: Model) -> Candidate:
    parameters = entry.parameters or route.parameters or model.default_parameters
    if sum(map(bool, (entry.parameters, route.parameters, model.default_parameters))) > 1:
        parameters = {**model.default_parameters, **route.parameters, **entry.parameters}
    return Candidate(index, model, parameters, entry.clocks or model.clocks)


def _static_skip(index: int, model: Model) -> Skip | None:
    if model.disabled:
        return Skip(index, model.ref, "disabled", "disabled in the configuration")
    if model.secret_problem is not None:
        return Skip(index, model.ref, "auth", model.secret_problem)
    return None


def _unmet(
    index: int, route: ModelRoute, model: Model, needs: Sequence[Need], capabilities: CapabilitySet
) -> Skip | None:
    demanded = [Need(flag, "route.requirements") for flag in FLAGS if route.requirements.get(flag)]
    missing = capabilities.missing(demanded)
    if missing:
        return Skip(index, model.ref, "requirement", _lacks(missing), _names(missing))
    if _too_small(capabilities.context_window, route.context_window_min):
        detail = f"context window {capabilities.context_window} is below the route's {route.context_window_min}"
        return Skip(index, model.ref, "requirement", detail, ("contextWindow",))
    if _too_small(capabilities.max_output, route.max_output_min):
        detail = f"maximum output {capabilities.max_output} is below the route's {route.max_output_min}"
        return Skip(index, model.ref, "requirement", detail, ("maxOutput",))
    missing = capabilities.missing(needs)
    if missing:
        return Skip(index, model.ref, "request", _lacks(missing), _names(missing))
    return None


def _too_small(have: int | None, wanted: int | None) -> bool:
    return have is not None and wanted is not None and have < wanted


def _names(missing: Sequence[Need]) -> tuple[str, ...]:
    return tuple(need.name for need in missing)


def _lacks(missing: Sequence[Need]) -> str:
    return "lacks " + ", ".join(f"{need.name.removeprefix('feature:')} ({need.because})" for need in missing)
