"""ClientKey, Agent, Team, Environment and Tool resources as written to the records everything runs with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from proxy.resources import Agent, ClientKey, Environment, ModelRoute, Team, Tool

from .documents import Path
from .envelope import Resource
from .problems import Problem
from .references import References, route_key
from .routes import RouteBuilder
from .schema.fields import Reference
from .schema.identities import AgentSpec, ClientKeySpec, EnvironmentSpec, TeamSpec, ToolSpec
from .settings import doubt_of_effect
from .validate import validated


@dataclass(slots=True)
class Callers:
    """What one configuration says of who calls. Keys are by digest, agents by `route_key`, the rest by name."""

    keys: dict[str, ClientKey] = field(default_factory=dict)
    agents: dict[str, Agent] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    environments: dict[str, Environment] = field(default_factory=dict)
    tools: list[Tool] = field(default_factory=list)


@dataclass(slots=True)
class CallerBuilder:
    """Builds them, adding to `problems`."""

    references: References
    routes: Mapping[str, ModelRoute]
    codes: RouteBuilder
    problems: list[Problem]

    def build(self, resources: Sequence[Resource]) -> Callers:
        """All of them."""
        made = Callers()
        for resource in resources:
            match resource.kind:
                case "ClientKey":
                    self._key(resource, made)
                case "Agent":
                    self._agent(resource, made)
                case "Team":
                    self._team(resource, made)
                case "Environment":
                    self._environment(resource, made)
                case "Tool":
                    self._tool(resource, made)
                case _:
                    continue
        return made

    def _key(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, ClientKeySpec, self.problems)
        if spec is None or spec.digest is None:
            return
        if spec.digest in made.keys:
            other = made.keys[spec.digest].name
            self._add(resource, "E-DUP-RESOURCE", f"has the same key as {other}", ("spec", "hash"), "delete one")
        pinned = spec.identity
        made.keys[spec.digest] = ClientKey(
            name=resource.name,
            digest=spec.digest,
            namespace=pinned.namespace,
            agent=pinned.agent,
            team=pinned.team,
            environment=pinned.environment,
            user=pinned.user,
            labels=pinned.labels,
            expires=spec.expires_at,
            routes=_globs(spec.allow.routes),
            models=_globs(spec.allow.models),
            trust_headers=None if spec.trust_headers is None else tuple(spec.trust_headers),
            requests_per_minute=spec.limits.requests_per_minute,
            tokens_per_minute=spec.limits.tokens_per_minute,
        )

    def _agent(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, AgentSpec, self.problems)
        if spec is None:
            return
        use = spec.model_route
        made.agents[route_key(resource.namespace, resource.name)] = Agent(
            name=resource.name,
            namespace=resource.namespace,
            labels=resource.labels,
            route=self._route(resource, use.route_ref, ("spec", "modelRoute", "routeRef")),
            force_route=use.mode == "force",
            allowed=_globs(spec.model_policy.allowed),
            team=resource.labels.get("team"),
            tokens_per_run=spec.budgets.token_limit_per_run,
            tool_calls_per_run=spec.budgets.tool_call_limit_per_run,
        )

    def _team(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, TeamSpec, self.problems)
        if spec is not None and self._is_first(resource, made.teams):
            made.teams[resource.name] = Team(
                name=resource.name, namespaces=tuple(spec.namespaces), allowed=_globs(spec.model_policy.allowed)
            )

    def _environment(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, EnvironmentSpec, self.problems)
        if spec is None or not self._is_first(resource, made.environments):
            return
        made.environments[resource.name] = Environment(
            name=resource.name,
            region=spec.region,
            residency=self.codes.code(
                resource, spec.compliance.data_residency, ("spec", "compliance", "dataResidency")
            ),
            route=self._route(resource, spec.defaults.model_route_ref, ("spec", "defaults", "modelRouteRef")),
            allowed=_globs(spec.model_policy.allowed),
        )

    def _tool(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, ToolSpec, self.problems)
        if spec is None:
            return
        effects = spec.side_effects
        if doubt := doubt_of_effect(resource, effects.level, ("spec", "sideEffects", "level")):
            self.problems.append(doubt)
        made.tools.append(
            Tool(pattern=resource.name, level=effects.level, idempotent=effects.idempotent, execution=spec.execution)
        )

    def _is_first(self, resource: Resource, made: Mapping[str, object]) -> bool:
        """Calls name teams and environments without a namespace, so one of a name is all there can be."""
        if resource.name in made:
            message = f"there is a {resource.kind} {resource.name} in another namespace, and calls name none"
            self._add(resource, "E-DUP-RESOURCE", message, ("metadata", "name"), "rename one")
        return resource.name not in made

    def _route(self, resource: Resource, reference: Reference | None, path: Path) -> str | None:
        if reference is None:
            return None
        found = self.references.target(reference, resource, path, self.routes)
        if found is not None and found not in self.routes:
            self._add(resource, "E-REF", f"{reference} is a model, and an agent needs a route", path)
            return None
        return found

    def _add(self, resource: Resource, code: str, message: str, path: Path, hint: str | None = None) -> None:
        self.problems.append(resource.problem(code, message, path, hint))


def _globs(written: Sequence[str] | None) -> tuple[str, ...] | None:
    return None if written is None else tuple(written)
