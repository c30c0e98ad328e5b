"""ModelRoute resources as written to the records everything runs with, and what is doubtful about each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

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

from .documents import Path
from .envelope import Resource
from .misses import miss_of
from .models import digest
from .problems import Problem, suggestion
from .references import GLOB, References, route_key
from .schema.route import Access as AccessSpec
from .schema.route import ByLabels, Entry, Member, ModelRouteSpec, Strategy
from .settings import failover, retry, with_clocks


@dataclass(slots=True)
class RouteBuilder:
    """Builds the route records of one configuration, adding to `problems`.

    `failover`, `retry`, `residency` and `unknown_cost` are RouterSettings' own. `bound_of` says what a provider can do at
    all; None where that is not known.
    """

    references: References
    problems: list[Problem]
    failover: Failover
    retry: Retry
    residency: Residency
    unknown_cost: str
    bound_of: Callable[[Model], Mapping[str, bool] | None]

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
            hint = "give a Model these labels, or name one as primary"
            self._add(resource, "E-ROUTE-EMPTY", "the primary's selector finds no model", written[0][0], hint)
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
            hint = f"write metadata: {{ labels: {{ {spelled(dict(labels))} }} }} in a Model"
            self._add(resource, "W-SELECTOR-EMPTY", "the selector finds no model", (*path, "selector"), hint)
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
            residency=residency_code(
                resource,
                written.data_residency,
                ("spec", "constraints", "dataResidency"),
                self.residency,
                self.problems,
            ),
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
        misses: list[str] = []
        end: str | None = None  # what ends every call at a candidate before
        for path, entry in zip(paths, route.entries, strict=True):
            model = self._model(entry)
            bound = self.bound_of(model)
            miss = miss_of(model, route, self.residency, bound=bound, unknown_cost=self.unknown_cost)
            if end is not None:
                misses.append(f"{entry.ref}: no call comes so far")
                self._add(
                    resource, "W-CANDIDATE-DEAD", f"{entry.ref} is never asked: {end}", path, "delete one of the two"
                )
            elif miss:
                misses.append(f"{entry.ref}: {miss.reason}")
                self._add(resource, "W-CANDIDATE-DEAD", f"{entry.ref} cannot serve: {miss.reason}", path, miss.hint)
                if miss.ends(route.failover):
                    end = f"every call ends at {entry.ref}, since failover.{miss.written_flag} is false"
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
            hint = "its calls are all refused: change what it asks for, or add a candidate that has it"
            self._add(resource, "W-ROUTE-UNSATISFIABLE", message, ("spec", "strategy"), hint)


def spelled(labels: Mapping[str, str]) -> str:
    """Labels as one would write them."""
    return ", ".join(f"{name}: {text}" for name, text in labels.items())


def residency_code(
    resource: Resource, written: str | None, path: Path, residency: Residency, problems: list[Problem]
) -> str | None:
    """A residency code as its rule is called, or None after adding an error where there is no such rule."""
    if written is None:
        return None
    known = places.known_code(written, residency)
    if known is None:
        message = f"there is no residency rule {written[:40]!r}"
        hint = f"one of: {', '.join(residency.rules)}; or write one under residency in RouterSettings"
        problems.append(resource.problem("E-RESIDENCY-CODE", message, path, hint))
    return known


def _access(spec: AccessSpec | None) -> Access | None:
    if spec is None:
        return None
    by_labels = spec.agents if isinstance(spec.agents, ByLabels) else None
    return Access(
        agents=tuple(spec.agents) if isinstance(spec.agents, list) else (),
        labels=by_labels.selector.match_labels if by_labels is not None else {},
        teams=tuple(spec.teams or ()),
    )


def _written_entries(strategy: Strategy) -> list[tuple[Path, Entry]]:
    """All candidates in order, with where they stand."""
    written: list[tuple[Path, Entry]] = []
    if strategy.primary is not None:
        written.append((("spec", "strategy", "primary"), strategy.primary))
    return written + [(("spec", "strategy", "fallback", index), item) for index, item in enumerate(strategy.fallback)]
