"""ModelRoute resources as written to the records everything runs with, and what is doubtful about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from proxy import places
from proxy.resources import (
    ZONES,
    Access,
    Constraints,
    Failover,
    Model,
    ModelRoute,
    Residency,
    Retry,
    RouteEntry,
    Zone,
)
from translators.canonical.capabilities import FLAGS

from .documents import Path
from .envelope import Resource
from .models import digest
from .problems import Problem, suggestion
from .references import GLOB, References, route_key
from .schema.route import Access as AccessSpec
from .schema.route import ByLabels, Entry, Member, ModelRouteSpec, Strategy
from .settings import failover, retry, with_clocks


@dataclass(slots=True)
class RouteBuilder:
    """Builds the route records of one configuration, adding to `problems`. The last three are RouterSettings' own."""

    references: References
    problems: list[Problem]
    failover: Failover
    retry: Retry
    residency: Residency

    def build(self, resource: Resource, spec: ModelRouteSpec) -> ModelRoute | None:
        """The route, or None after adding the reason as an error."""
        before = len(self.problems)
        written = _written_entries(spec.strategy)
        if spec.strategy.primary is None:
            hint = "write strategy: { primary: provider:name, fallback: [ … ] }"
            self._add(resource, "E-ROUTE-EMPTY", "the route has no primary candidate", ("spec", "strategy"), hint)
        found = [self._entries(resource, item, path, step) for step, (path, item) in enumerate(written)]
        entries = [entry for step in found for entry in step or ()]
        if written and spec.strategy.primary is not None and found[0] == []:
            self._add(resource, "E-ROUTE-EMPTY", "the primary's selector finds no model", written[0][0])
        requirements = spec.requirements
        route = ModelRoute(
            name=route_key(resource.namespace, resource.name),
            namespace=resource.namespace,
            entries=tuple(entries),
            description=spec.description,
            aliases=tuple(spec.aliases),
            requirements=requirements.flags(),
            context_window_min=requirements.context_window_min,
            max_output_min=requirements.max_output_tokens_min,
            required_regions=tuple(requirements.regions or ()),
            constraints=self._constraints(resource, spec),
            retry=retry(spec.strategy.retry, self.retry),
            sticky_seconds=ModelRoute(name="", entries=()).sticky_seconds
            if spec.strategy.sticky_seconds is None
            else spec.strategy.sticky_seconds,
            order=spec.strategy.order,
            access=_access(spec.access),
            explain_on_fallback=spec.observability.explain_on_fallback,
            failover=failover(spec.strategy.failover, self.failover),
            parameters=spec.parameters.given(),
            strict=spec.strict,
            hash=digest(resource.spec),
        )
        unresolved = None in found  # perhaps without an error here: where it is declared has one
        if unresolved or any(problem.level == "error" for problem in self.problems[before:]):
            return None
        paths = [path for (path, _), step in zip(written, found, strict=True) for _ in step or ()]
        self._repetitions(resource, route, paths)
        self._dead_candidates(resource, route, paths)
        return route

    def _entries(self, resource: Resource, item: Entry, path: Path, step: int) -> list[RouteEntry] | None:
        """The candidates of one step, or None where one of them is not there."""
        if item.balance is not None:
            members = [
                self._entry(resource, member, (*path, "balance", index), step)
                for index, member in enumerate(item.balance)
            ]
            return (
                [
                    replace(entry, weight=member.weight or self._model(entry).weight)
                    for member, entry in zip(item.balance, members, strict=True)
                    if entry is not None
                ]
                if None not in members
                else None
            )
        if item.selector is not None:
            return self._selected(resource, item, path, step)
        entry = self._entry(resource, item, path, step)
        return None if entry is None else [entry]

    def _selected(self, resource: Resource, item: Entry, path: Path, step: int) -> list[RouteEntry]:
        """All models that have the labels, by their priority."""
        labels = item.selector.match_labels.items() if item.selector is not None else {}.items()
        models = [model for model in self.references.models.values() if labels <= model.labels.items()]
        models.sort(key=lambda model: -model.priority)
        if not models:
            self._add(resource, "W-SELECTOR-EMPTY", "the selector finds no model", (*path, "selector"))
        return [self._with(RouteEntry(ref=model.ref), item, step) for model in models]

    def _entry(self, resource: Resource, item: Entry | Member, path: Path, step: int) -> RouteEntry | None:
        if item.ref is None:
            return None
        found = self.references.candidate(item.ref, resource, path)
        return None if found is None else self._with(found, item, step)

    def _with(self, entry: RouteEntry, item: Entry | Member, step: int) -> RouteEntry:
        clocks = with_clocks(self._model(entry).clocks, item.timeouts) if item.timeouts.given() else None
        return replace(entry, parameters=item.parameters.given(), clocks=clocks, step=step)

    def _constraints(self, resource: Resource, spec: ModelRouteSpec) -> Constraints:
        written = spec.constraints
        providers = written.providers
        self._provider_names(resource, spec)
        return Constraints(
            max_cost_per_execution=written.max_cost_usd_per_execution,
            max_cost_per_call=written.max_cost_usd_per_call,
            max_tokens_per_execution=written.max_tokens_per_execution,
            max_calls_per_execution=written.max_calls_per_execution,
            residency=self.code(resource, written.data_residency, ("spec", "constraints", "dataResidency")),
            allow=None if providers is None or providers.allow is None else tuple(providers.allow),
            deny=tuple(providers.deny or ()) if providers is not None else (),
            max_zone=written.max_zone,
            max_latency=written.max_latency_ms,
        )

    def _provider_names(self, resource: Resource, spec: ModelRouteSpec) -> None:
        """A misspelt name would deny nobody, or allow nobody."""
        for verb in ("allow", "deny"):
            for index, name in enumerate(getattr(spec.constraints.providers, verb, None) or ()):
                if GLOB.isdisjoint(name) and name not in self.references.providers:
                    message = f"no installed package offers the provider {name[:40]!r}"
                    hint = suggestion(name, self.references.providers)
                    path = ("spec", "constraints", "providers", verb, index)
                    self._add(resource, "E-PROVIDER", message, path, hint)

    def code(self, resource: Resource, written: str | None, path: Path) -> str | None:
        """A residency code as its rule is called, or None after adding an error where there is no such rule."""
        if written is None:
            return None
        known = places.known_code(written, self.residency)
        if known is None:
            message = f"there is no residency rule {written[:40]!r}"
            hint = f"one of: {', '.join(self.residency.rules)}; or write one under residency in RouterSettings"
            self._add(resource, "E-RESIDENCY-CODE", message, path, hint)
        return known

    def _model(self, entry: RouteEntry) -> Model:
        return entry.model or self.references.models[entry.ref]

    def _add(self, resource: Resource, code: str, message: str, path: Path, hint: str | None = None) -> None:
        self.problems.append(resource.problem(code, message, path, hint))

    def _repetitions(self, resource: Resource, route: ModelRoute, paths: Sequence[Path]) -> None:
        seen: set[str] = set()
        for path, entry in zip(paths, route.entries, strict=True):
            if entry.ref in seen:
                self._add(resource, "W-CANDIDATE-TWICE", f"{entry.ref} is listed twice", path, "delete one of the two")
            seen.add(entry.ref)

    def _dead_candidates(self, resource: Resource, route: ModelRoute, paths: Sequence[Path]) -> None:
        """Candidates that cannot serve whatever the request is, and a route that has no other."""
        primaries = [self._model(entry).zone for entry in route.entries if entry.step == 0]
        own: Zone = max(primaries, key=ZONES.index)
        widest: Zone = route.constraints.max_zone or own
        misses = []
        for path, entry in zip(paths, route.entries, strict=True):
            model = self._model(entry)
            reason = why_dead(model, route, self.residency)
            if reason:
                misses.append(f"{entry.ref}: {reason}")
                self._add(resource, "W-CANDIDATE-DEAD", f"{entry.ref} cannot serve: {reason}", path)
            elif places.wider(model.zone, widest):
                misses.append(f"{entry.ref}: it lies in zone {model.zone}")
                message = (
                    f"{entry.ref} is never asked: it lies in zone {model.zone}, and prompts may go to {widest} only"
                )
                self._add(
                    resource,
                    "W-ZONE",
                    message,
                    path,
                    f"write constraints: {{ maxZone: {model.zone} }} if they may go there",
                )
        if len(misses) == len(route.entries):
            message = f"no candidate can serve this route ({'; '.join(misses)})"
            self._add(resource, "W-ROUTE-UNSATISFIABLE", message, ("spec", "strategy"))


def why_dead(model: Model, route: ModelRoute, residency: Residency) -> str | None:
    """Why `model` can never serve `route`, by what is declared; unknown is not no, but for where a model is."""
    if model.disabled:
        return "it is disabled"
    if model.secret_problem:
        return model.secret_problem
    missing = [flag for flag in FLAGS if route.requirements.get(flag) and _lacks(model, flag)]
    if missing:
        return f"it lacks {', '.join(missing)}"
    if route.context_window_min and model.context_window and model.context_window < route.context_window_min:
        return f"its context window is {model.context_window}, below {route.context_window_min}"
    if route.max_output_min and model.max_output and model.max_output < route.max_output_min:
        return f"its output limit is {model.max_output}, below {route.max_output_min}"
    limits = route.constraints
    if limits.allow is not None and not any(fnmatchcase(model.provider, glob) for glob in limits.allow):
        return f"provider {model.provider} is not among those that constraints.providers allows"
    if any(fnmatchcase(model.provider, glob) for glob in limits.deny):
        return f"constraints.providers denies provider {model.provider}"
    if route.required_regions and not {*map(str.lower, model.regions)} & {*map(str.lower, route.required_regions)}:
        return f"it is in none of the regions {', '.join(route.required_regions)}"
    if limits.residency is not None:
        found = places.satisfies(model, limits.residency, residency)
        return None if found.ok else found.detail
    return None


def _access(spec: AccessSpec | None) -> Access | None:
    if spec is None:
        return None
    by_labels = spec.agents if isinstance(spec.agents, ByLabels) else None
    return Access(
        agents=tuple(spec.agents) if isinstance(spec.agents, list) else (),
        labels=by_labels.selector.match_labels if by_labels is not None else {},
        teams=tuple(spec.teams or ()),
    )


def _lacks(model: Model, flag: str) -> bool:
    """What is not declared or known is not lacking; `text` goes without saying."""
    return not model.flags.get(flag, flag == "text" or not model.declares)


def _written_entries(strategy: Strategy) -> list[tuple[Path, Entry]]:
    """All candidates in order, with where they stand."""
    written: list[tuple[Path, Entry]] = []
    if strategy.primary is not None:
        written.append((("spec", "strategy", "primary"), strategy.primary))
    return written + [(("spec", "strategy", "fallback", index), item) for index, item in enumerate(strategy.fallback)]
