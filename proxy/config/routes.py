"""ModelRoute resources as written to the records everything runs with, and what is doubtful about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from proxy.resources import Failover, Model, ModelRoute, RouteEntry
from translators.canonical.capabilities import FLAGS

from .documents import Path
from .envelope import Resource
from .models import digest
from .problems import Problem
from .references import References, route_key
from .schema.route import Entry, ModelRouteSpec, Strategy
from .settings import failover, with_clocks


@dataclass(slots=True)
class RouteBuilder:
    """Builds the route records of one configuration, adding to `problems`. `failover` is RouterSettings' own."""

    references: References
    failover: Failover
    problems: list[Problem]

    def build(self, resource: Resource, spec: ModelRouteSpec) -> ModelRoute | None:
        """The route, or None after adding the reason as an error."""
        before = len(self.problems)
        written = _written_entries(spec.strategy)
        if spec.strategy.primary is None:
            hint = "write strategy: { primary: provider:name, fallback: [ … ] }"
            self._add(resource, "E-ROUTE-EMPTY", "the route has no primary candidate", ("spec", "strategy"), hint)
        entries = [entry for path, item in written if (entry := self._entry(resource, item, path))]
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
            failover=failover(spec.strategy.failover, self.failover),
            parameters=spec.parameters.given(),
            strict=spec.strict,
            hash=digest(resource.spec),
        )
        unresolved = len(entries) < len(written)  # perhaps without an error here: where it is declared has one
        if unresolved or any(problem.level == "error" for problem in self.problems[before:]):
            return None
        paths = [path for path, _ in written]
        self._repetitions(resource, route, paths)
        self._dead_candidates(resource, route, paths)
        return route

    def _entry(self, resource: Resource, item: Entry, path: Path) -> RouteEntry | None:
        found = self.references.candidate(item.ref, resource, path)
        if found is None:
            return None
        model = self._model(found)
        clocks = with_clocks(model.clocks, item.timeouts) if item.timeouts.given() else None
        return replace(found, parameters=item.parameters.given(), clocks=clocks)

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
        misses = []
        for path, entry in zip(paths, route.entries, strict=True):
            reason = why_dead(self._model(entry), route)
            if reason:
                misses.append(f"{entry.ref}: {reason}")
                self._add(resource, "W-CANDIDATE-DEAD", f"{entry.ref} cannot serve: {reason}", path)
        if len(misses) == len(route.entries):
            message = f"no candidate can serve this route ({'; '.join(misses)})"
            self._add(resource, "W-ROUTE-UNSATISFIABLE", message, ("spec", "strategy"))


def why_dead(model: Model, route: ModelRoute) -> str | None:
    """Why `model` can never serve `route`, by what is declared; unknown is not no."""
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
    return None


def _lacks(model: Model, flag: str) -> bool:
    """What is not declared or known is not lacking; `text` goes without saying."""
    return not model.flags.get(flag, flag == "text" or not model.declares)


def _written_entries(strategy: Strategy) -> list[tuple[Path, Entry]]:
    """All candidates in order, with where they stand."""
    written: list[tuple[Path, Entry]] = []
    if strategy.primary is not None:
        written.append((("spec", "strategy", "primary"), strategy.primary))
    return written + [(("spec", "strategy", "fallback", index), item) for index, item in enumerate(strategy.fallback)]
