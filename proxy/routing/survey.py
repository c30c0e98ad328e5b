"""What holds of every candidate of a route for every call of one kind: the part of a plan that no moment changes.

Gates, in order: disabled, auth, access, provider, requirement (of the route), request (its needs), region, zone. Made once and
kept, since it depends on configuration and on what the request needs alone. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from proxy import places
from proxy.pricing import Tariff, tariff_of
from proxy.resources import ZONES, Clocks, Model, ModelRoute, Pricing, RouteEntry, Snapshot, Zone
from translators.canonical import FLAGS, CapabilitySet, Need, named_value, value

from .condition import WELL, Condition

GATES = (
    "disabled",
    "auth",
    "access",
    "provider",
    "requirement",
    "request",
    "region",
    "zone",
    "health",
    "limit",
    "budget",
)
"""All gates in the order they are passed, so that the later one says how near a candidate came."""


@value
class Candidate:
    """One try the call may make. `index` is the place in the route, `step` that in its strategy, 0 being the primary.

    `region` is what satisfied the residency rules, if any hold. `reserve` is how many tokens its answers may have, and
    `estimate` the most the call may cost there, in US dollars; None where no price is known or nobody asked.
    """

    index: int
    model: Model
    parameters: Mapping[str, Any]
    clocks: Clocks
    step: int = 0
    weight: int | None = None
    region: str = ""
    reserve: int = 0
    estimate: Decimal | None = None
    condition: Condition = WELL

    @property
    def is_last_resort(self) -> bool:
        """Whether it was chosen though we believe it to be down, because nothing but that belief spoke against it."""
        condition = self.condition
        return condition.spare and not (condition.state == "half_open" and condition.admits)  # such a call is its probe


@value
class Skip:
    """A candidate passed over. `gate` is a word of `GATES`; `detail` is for people, `evidence` for programs.

    `missing` names the needs that are not met; `wait` is how many seconds it asks for.
    """

    index: int
    ref: str
    gate: str
    detail: str
    missing: tuple[str, ...] = ()
    wait: float | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


_DEARER = (("audio", "audio_input"), ("vision", "image_input"))
"""Needs that bring tokens with a rate of their own."""


@named_value
class Terms:
    """What a call demands of every candidate beyond what the route says: part of what is surveyed.

    `residency` are codes that must all hold; `allowed` globs of model refs, each tuple of which must have one that matches.
    `day` (ISO 8601) is the day whose prices count.
    """

    needs: tuple[Need, ...]
    residency: tuple[str, ...] = ()
    allowed: tuple[tuple[str, ...], ...] = ()
    service_tier: str | None = None
    day: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The part of a plan that does not depend on the moment. `skips` and `standing` together are all entries.

    `tariffs` are the prices of those standing, by index; `room` the smallest window among them, None where one is unknown.
    `codes` are the residency rules that hold, of the route and of the call.
    """

    route: ModelRoute
    terms: Terms
    standing: tuple[Candidate, ...]
    skips: tuple[Skip, ...]
    tariffs: Mapping[int, Tariff | None]
    windows: Mapping[int, int | None]
    outputs: Mapping[int, int | None]
    room: int | None
    largest_output: int | None
    codes: tuple[str, ...]
    plain: bool
    """Whether a moment in which all is well needs no look: nothing is balanced, counted, limited or sorted."""


def survey(
    snapshot: Snapshot, route: ModelRoute, terms: Terms, capabilities_of: Callable[[Model], CapabilitySet]
) -> Survey:
    """Every entry of `route` against what does not change from moment to moment."""
    judge = _Judge(snapshot, route, terms)
    standing: list[Candidate] = []
    skips: list[Skip] = []
    outputs: dict[int, int | None] = {}
    for index, entry in enumerate(route.entries):
        model = entry.model or snapshot.models[entry.ref]
        able = capabilities_of(model)
        found = judge.verdict(index, model, able)
        if isinstance(found, Skip):
            skips.append(found)
        else:
            standing.append(_candidate(index, entry, route, model, found))
            outputs[index] = able.max_output
    windows = {candidate.index: candidate.model.context_window for candidate in standing}
    kinds = tuple(rate for need, rate in _DEARER if any(need == each.name for each in terms.needs))
    limits = route.constraints
    counted = limits.on_execution or limits.max_cost_per_call is not None
    sorted_ = route.order == "latency" or limits.max_latency is not None
    balanced = any(candidate.weight is not None for candidate in standing)
    limited = any(
        (model.requests_per_minute, model.tokens_per_minute, model.max_concurrent) != (None,) * 3
        for model in (candidate.model for candidate in standing)
    )
    return Survey(
        route=route,
        terms=terms,
        standing=tuple(standing),
        skips=tuple(skips),
        tariffs={each.index: _tariff(each.model.pricing, terms, kinds) for each in standing} if counted else {},
        windows=windows,
        outputs=outputs,
        room=_smallest(windows.values()),
        largest_output=_smallest(outputs.values()),
        codes=judge.codes,
        plain=not (counted or sorted_ or balanced or limited),
    )


def _tariff(pricing: Pricing | None, terms: Terms, kinds: tuple[str, ...]) -> Tariff | None:
    return None if pricing is None else tariff_of(pricing, terms.day, terms.service_tier or "", kinds)


def _smallest(sizes: Sequence[int | None] | Any) -> int | None:
    known = [size for size in sizes if size is not None]
    return min(known, default=None)


def _candidate(index: int, entry: RouteEntry, route: ModelRoute, model: Model, region: str) -> Candidate:
    parameters = entry.parameters or route.parameters or model.default_parameters
    if sum(map(bool, (entry.parameters, route.parameters, model.default_parameters))) > 1:
        parameters = {**model.default_parameters, **route.parameters, **entry.parameters}
    clocks = entry.clocks or model.clocks
    return Candidate(index, model, parameters, clocks, entry.step, entry.weight, region)


class _Judge:
    """The gates that do not depend on the moment, for one route and the terms of one kind of call."""

    def __init__(self, snapshot: Snapshot, route: ModelRoute, terms: Terms) -> None:
        self._route, self._terms = route, terms
        self._residency = snapshot.settings.residency
        own = route.constraints.residency
        self.codes = tuple(dict.fromkeys([*([own] if own else []), *terms.residency]))
        self._demanded = [Need(flag, "route.requirements") for flag in FLAGS if route.requirements.get(flag)]
        primaries = [entry.model or snapshot.models[entry.ref] for entry in route.entries if entry.step == 0]
        widest: Zone = max((model.zone for model in primaries), key=ZONES.index)
        self._zone: Zone = route.constraints.max_zone or widest

    def verdict(self, index: int, model: Model, able: CapabilitySet) -> Skip | str:
        """The skip of `model`, or the region that satisfies the residency rules."""
        skip = self._usable(index, model) or self._required(index, model, able) or self._asked(index, model, able)
        if skip is not None:
            return skip
        region = ""
        for code in self.codes:
            found = places.satisfies(model, code, self._residency)
            if not found.ok:
                return Skip(index, model.ref, "region", found.detail, evidence={"demanded": code})
            region = found.region
        if places.wider(model.zone, self._zone):
            detail = f"lies in zone {model.zone}, beyond {self._zone}"
            return Skip(index, model.ref, "zone", detail, evidence={"zone": model.zone, "widest": self._zone})
        return region

    def _usable(self, index: int, model: Model) -> Skip | None:
        if model.disabled:
            return Skip(index, model.ref, "disabled", "disabled in the configuration")
        if model.secret_problem is not None:
            return Skip(index, model.ref, "auth", model.secret_problem)
        for globs in self._terms.allowed:
            if not any(fnmatchcase(model.ref, glob) for glob in globs):
                return Skip(index, model.ref, "access", "the caller may not use it")
        limits = self._route.constraints
        if limits.allow is not None and not any(fnmatchcase(model.provider, glob) for glob in limits.allow):
            return Skip(index, model.ref, "provider", f"provider {model.provider} is not among those the route allows")
        if any(fnmatchcase(model.provider, glob) for glob in limits.deny):
            return Skip(index, model.ref, "provider", f"the route denies provider {model.provider}")
        return None

    def _required(self, index: int, model: Model, able: CapabilitySet) -> Skip | None:
        route = self._route
        missing = able.missing(self._demanded)
        if missing:
            return Skip(index, model.ref, "requirement", _lacks(missing), _names(missing))
        for name, have, wanted, words in (
            ("contextWindow", able.context_window, route.context_window_min, "context window"),
            ("maxOutput", able.max_output, route.max_output_min, "maximum output"),
        ):
            if have is not None and wanted is not None and have < wanted:
                detail = f"{words} {have} is below the route's {wanted}"
                return Skip(index, model.ref, "requirement", detail, (name,), evidence={"have": have, "need": wanted})
        if route.required_regions and not {*map(str.lower, model.regions)} & {*map(str.lower, route.required_regions)}:
            wanted_regions = ", ".join(route.required_regions)
            return Skip(index, model.ref, "requirement", f"is in none of the regions {wanted_regions}", ("regions",))
        return None

    def _asked(self, index: int, model: Model, able: CapabilitySet) -> Skip | None:
        missing = able.missing(self._terms.needs)
        return Skip(index, model.ref, "request", _lacks(missing), _names(missing)) if missing else None


def _names(missing: Sequence[Need]) -> tuple[str, ...]:
    return tuple(need.name for need in missing)


def _lacks(missing: Sequence[Need]) -> str:
    return "lacks " + ", ".join(f"{need.name.removeprefix('feature:')} ({need.because})" for need in missing)
