"""ClientKey, Agent, Team, Environment and Tool resources as written to the records everything runs with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase

from proxy.resources import Agent, ClientKey, Environment, ModelRoute, Residency, Team, Tool

from .documents import Path
from .envelope import Resource
from .problems import Problem, suggestion
from .references import GLOB, References, route_key
from .routes import residency_code, spelled
from .schema.fields import Reference
from .schema.identities import AgentSpec, ClientKeySpec, EnvironmentSpec, TeamSpec, ToolSpec
from .settings import doubt_of_effect
from .validate import validated

_POLICY: Path = ("spec", "modelPolicy", "allowed")


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
    """Builds them, adding to `problems`. `now` is unix seconds, for keys that have an end."""

    references: References
    routes: Mapping[str, ModelRoute]
    residency: Residency
    now: float
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
        if spec.expires_at is not None and spec.expires_at <= self.now:
            when = f"{datetime.fromtimestamp(spec.expires_at, UTC):%Y-%m-%d %H:%M} UTC"
            hint = "delete it, or make another with joch keys create"
            message = f"the key expired on {when}: calls with it are refused"
            self._add(resource, "W-KEY-EXPIRED", message, ("spec", "expiresAt"), hint)
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
            routes=self._route_globs(resource, spec.allow.routes, ("spec", "allow", "routes")),
            models=self._model_globs(resource, spec.allow.models, ("spec", "allow", "models")),
            trust_headers=None if spec.trust_headers is None else tuple(spec.trust_headers),
            requests_per_minute=spec.limits.requests_per_minute,
            tokens_per_minute=spec.limits.tokens_per_minute,
        )

    def _agent(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, AgentSpec, self.problems)
        if spec is None:
            return
        use = spec.model_route
        agent = Agent(
            name=resource.name,
            namespace=resource.namespace,
            labels=resource.labels,
            route=self._route(resource, use.route_ref, ("spec", "modelRoute", "routeRef")),
            force_route=use.mode == "force",
            allowed=self._model_globs(resource, spec.model_policy.allowed, _POLICY),
            team=resource.labels.get("team"),
            tokens_per_run=spec.budgets.token_limit_per_run,
            tool_calls_per_run=spec.budgets.tool_call_limit_per_run,
        )
        made.agents[route_key(resource.namespace, resource.name)] = agent
        self._shut_out(resource, agent)

    def _team(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, TeamSpec, self.problems)
        if spec is not None and self._is_first(resource, made.teams):
            allowed = self._model_globs(resource, spec.model_policy.allowed, _POLICY)
            made.teams[resource.name] = Team(name=resource.name, namespaces=tuple(spec.namespaces), allowed=allowed)

    def _environment(self, resource: Resource, made: Callers) -> None:
        spec = validated(resource, EnvironmentSpec, self.problems)
        if spec is None or not self._is_first(resource, made.environments):
            return
        made.environments[resource.name] = Environment(
            name=resource.name,
            region=spec.region,
            residency=residency_code(
                resource,
                spec.compliance.data_residency,
                ("spec", "compliance", "dataResidency"),
                self.residency,
                self.problems,
            ),
            route=self._route(resource, spec.defaults.model_route_ref, ("spec", "defaults", "modelRouteRef")),
            allowed=self._model_globs(resource, spec.model_policy.allowed, _POLICY),
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
            hint = f"make a route of it: strategy: {{ primary: {reference} }}"
            self._add(resource, "E-REF", f"{reference} is a model, and here a route is needed", path, hint)
            return None
        return found

    # --- what a caller may use -------------------------------------------------------------------------------------

    def _model_globs(self, resource: Resource, written: Sequence[str] | None, path: Path) -> tuple[str, ...] | None:
        """Globs as written, and names as the refs of the models they mean; a name that means none would allow nothing."""
        if written is None:
            return None
        found = []
        for index, name in enumerate(written):
            if not GLOB.isdisjoint(name):
                found.append(name)
            elif entry := self.references.candidate(Reference(name), resource, (*path, index)):
                found.append(entry.ref)
        if len(found) == len(written) and not any(map(self.references.globbed, found)):
            hint = "write references such as openai:gpt-4o or globs such as ollama:*, or leave it out to allow all"
            self._add(resource, "W-SELECTOR-EMPTY", "no model is allowed: every call is refused", path, hint)
        return tuple(found)

    def _route_globs(self, resource: Resource, written: Sequence[str] | None, path: Path) -> tuple[str, ...] | None:
        """As `_model_globs`, with the routes' own keys."""
        if written is None:
            return None
        found = []
        for index, name in enumerate(written):
            keys = (route_key(resource.namespace, name), name)
            if not GLOB.isdisjoint(name):
                found.append(name)
            elif key := next((key for key in keys if key in self.routes), None):
                found.append(key)
            elif not self.references.is_broken("ModelRoute", Reference(name), resource.namespace):
                hint = suggestion(name, self.routes) or "declare it as a ModelRoute"
                self._add(resource, "E-REF", f"there is no route {name}", (*path, index), hint)
        some = any(fnmatchcase(key, glob) for glob in found for key in self.routes)
        if len(found) == len(written) and not some and not self.references.has_broken("ModelRoute"):
            hint = "write names of routes or globs such as support-*, or leave it out to allow all"
            self._add(resource, "W-SELECTOR-EMPTY", "no route is allowed", path, hint)
        return tuple(found)

    def _shut_out(self, resource: Resource, agent: Agent) -> None:
        """An agent whose route has no candidate that it may use."""
        if agent.route is None or not agent.allowed:
            return
        refs = [entry.ref for entry in self.routes[agent.route].entries]
        if not any(fnmatchcase(ref, glob) for ref in refs for glob in agent.allowed):
            message = f"no candidate of its route {agent.route} is allowed ({', '.join(refs)})"
            hint = "allow one of them, or give the agent another route"
            self._add(resource, "W-ROUTE-UNSATISFIABLE", message, _POLICY, hint)

    def _add(self, resource: Resource, code: str, message: str, path: Path, hint: str | None = None) -> None:
        self.problems.append(resource.problem(code, message, path, hint))


def unmatched_access(routes: Sequence[tuple[Resource, ModelRoute]], callers: Callers) -> list[Problem]:
    """A warning for each route whose selector no caller can match: labels come from Agent records and from keys alone."""
    known: list[Mapping[str, str]] = [agent.labels for agent in callers.agents.values()]
    for key in callers.keys.values():
        pinned = [agent.labels for agent in callers.agents.values() if key.agent in (None, agent.name)]
        known += [key.labels, *({**labels, **key.labels} for labels in pinned)]
    problems = []
    for resource, route in routes:
        labels = route.access.labels if route.access is not None else {}
        if labels and not any(labels.items() <= each.items() for each in known):
            hint = f"give an Agent or a ClientKey the labels {spelled(labels)}"
            path = ("spec", "access", "agents")
            problems.append(resource.problem("W-SELECTOR-EMPTY", "selector matches no agents", path, hint))
    return problems
