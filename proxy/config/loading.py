"""From paths to one snapshot: the steps of reading a configuration, in order. All problems are found in one run.

Each step works on what the one before understood; what a broken resource would have been called is remembered, so that
references to it are not reported as well.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any, Literal, Protocol

from proxy.places import is_loopback_host
from proxy.resources import (
    Auth,
    ClientKey,
    Failover,
    Model,
    ModelRoute,
    ProviderSettings,
    Retry,
    SecretRef,
    Settings,
    Snapshot,
)
from translators import providers as installed
from translators.providers import BrokenProviderError
from translators.providers.provider import Provider

from . import aliases, documents, envelope, implicit, settings, sources
from .callers import CallerBuilder, unmatched_access
from .discovered import with_catch_all
from .environment import ADMIN_TOKEN, Providers, base_url_from, overridden
from .identity import identity_by_convention, version_from, words_from
from .inline import masked, pasted_keys
from .keys import convention, is_local, place_of, reused
from .models import ModelBuilder
from .problems import ConfigError, Position, Problem, errors, suggestion
from .references import References
from .routes import RouteBuilder
from .schema.fields import Reference
from .schema.model import ModelSpec
from .schema.route import ModelRouteSpec
from .schema.secret import SecretSpec
from .schema.settings import RouterSettingsSpec
from .secret_index import SecretIndex, unreadable_sources
from .validate import validated


class SecretFault(Protocol):
    """Why a secret has no value now. `fault` "invalid" means it must not be sent; `detail` never holds the value."""

    fault: Literal["missing", "invalid"]
    detail: str


_ECHOES = ("E-REF", "E-OPEN-BIND", "W-ROUTE-UNSATISFIABLE", "W-SELECTOR-EMPTY", "W-KEY-MISSING")
"""What is only said because something is not there."""
_ONE_PER_FIELD = ("W-NOT-YET", "W-PRICE-STALE", "W-UNENFORCED")


class FaultOf(Protocol):
    """Whether a secret could be resolved now. `lines`: it is a document, which never becomes a header."""

    def __call__(self, ref: SecretRef, *, lines: bool = False) -> SecretFault | None: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """A whole configuration, and the warnings and infos found on the way."""

    snapshot: Snapshot
    problems: tuple[Problem, ...]


def load(
    paths: Sequence[str],
    *,
    env: Mapping[str, str],
    overlay: Sequence[str] = (),
    overrides: Mapping[str, Any] | None = None,
    local: str | None = None,
    providers: Providers = installed,
    fault_of: FaultOf | None = None,
    today: date | None = None,
) -> Loaded:
    """Read, check and resolve everything below `paths`, then `overlay`, whose resources replace.

    `overrides` are flags, by the names of `Settings`. `local` names the local model that takes unknown names ("" picks
    one). `fault_of` tells whether a secret could be resolved now; without it nothing is looked at. `today` is the day by
    which prices grow old, keys expire and models retire. Raises `ConfigError` with all problems when one of them is an error.
    """
    texts, problems = sources.read(paths, overlay)
    now = datetime.now(UTC) if today is None else datetime.combine(today, time(), UTC)
    reading = _Reading(env, overrides or {}, providers, fault_of, now.timestamp(), now.date(), problems)
    parsed = []
    for source in texts:
        found, wrong = documents.parse(source.text, source.name)
        problems += pasted_keys(source.text, source.name) + wrong
        parsed += [(document, source.overlay) for document in found]
    resources, wrong = envelope.read(parsed)
    problems += wrong
    if not resources and not errors(problems):
        names = ", ".join(source.name for source in texts) or "the given paths"
        position, hint = (
            Position(names),
            f"declare one of {', '.join(envelope.KINDS)}; without a file joch serve starts too",
        )
        problems.append(Problem(code="E-FILE", message="no resource of the router in it", position=position, hint=hint))
    snapshot = reading.snapshot(resources, tuple(source.name for source in texts))
    told = [_masked(problem) for problem in _grouped(_without_echoes(problems))]
    in_order = _in_order(told, [source.name for source in texts])
    if errors(in_order):
        raise ConfigError(in_order)
    return Loaded(snapshot if local is None else with_catch_all(snapshot, local), tuple(in_order))


@dataclass(slots=True)
class _Reading:
    """One run. The steps share `problems` and the sets of what is broken."""

    env: Mapping[str, str]
    flags: Mapping[str, Any]
    providers: Providers
    fault_of: FaultOf | None
    now: float
    today: date
    problems: list[Problem]
    secrets: SecretIndex = field(default_factory=SecretIndex)
    broken: set[tuple[str, str, str]] = field(default_factory=set)

    def snapshot(self, resources: Sequence[envelope.Resource], names: tuple[str, ...]) -> Snapshot:
        """Everything resolved. Only to be used when `problems` holds no error."""
        self.broken |= {_identity(problem) for problem in errors(self.problems) if problem.resource}
        self._secrets(resources)
        own, spec = self._own_settings(resources)
        base = settings.build(own, spec, self.secrets, self.problems) if own and spec else Settings()
        base = overridden(base, self.env, self.flags, self.problems)
        self._provider_addresses(own, base)
        has_keys = any(resource.kind == "ClientKey" for resource in resources)
        self._bind(own, spec, base, has_keys=has_keys)
        models = self._models(resources, base, spec.fx if spec else {})
        self.problems += reused(models)
        by_ref = {model.ref: model for _, model in models}
        templates = self._implicit(base, by_ref.values())
        references = References(by_ref, templates, self._provider_names(by_ref), self.broken, self.problems)
        routes = self._routes(resources, references, spec, base)
        by_key = {route.name: route for _, route in routes}
        final = self._named(own, spec, base, references, by_key)
        written = aliases.declared(own, spec.aliases if spec else {}, routes, models)
        self.problems += aliases.shadowed(written, by_key)
        self._secret_faults(own, base, models)
        callers = CallerBuilder(references, by_key, base.residency, self.now, self.problems).build(resources)
        if len(callers.agents) + len(callers.keys) == sum(each.kind in ("Agent", "ClientKey") for each in resources):
            self.problems += unmatched_access(routes, callers)  # otherwise one that is broken may match
        self._locked(own, spec, has_keys=has_keys)
        return Snapshot(
            settings=replace(final, auth_mode=self._mode(spec, callers.keys)),
            models=by_ref,
            routes=by_key,
            implicit=templates,
            sources=names,
            keys=callers.keys,
            agents=callers.agents,
            teams=callers.teams,
            environments=callers.environments,
            tools=tuple(callers.tools),
        )

    # --- resources by kind -----------------------------------------------------------------------------------------

    def _secrets(self, resources: Sequence[envelope.Resource]) -> None:
        read = []
        for resource in resources:
            if resource.kind == "Secret":
                spec = validated(resource, SecretSpec, self.problems)
                self.secrets.add(resource, spec)
                read += [(resource, spec)] if spec else []
        self.problems += unreadable_sources(read)

    def _own_settings(
        self, resources: Sequence[envelope.Resource]
    ) -> tuple[envelope.Resource | None, RouterSettingsSpec | None]:
        own = [resource for resource in resources if resource.kind == "RouterSettings"]
        for extra in own[1:]:
            message = f"there is one RouterSettings per router; the other is at {own[0].document.at(('kind',))}"
            self.problems.append(extra.problem("E-DUP-RESOURCE", message, ("kind",), "merge the two"))
        return (own[0], validated(own[0], RouterSettingsSpec, self.problems)) if own else (None, None)

    def _models(
        self, resources: Sequence[envelope.Resource], base: Settings, fx: Mapping[str, Decimal]
    ) -> list[tuple[envelope.Resource, Model]]:
        builder = ModelBuilder(base, self.secrets, self.providers, self.env, fx, self.today, self.problems)
        built: dict[str, tuple[envelope.Resource, Model]] = {}
        for resource in resources:
            if resource.kind != "Model":
                continue
            spec = validated(resource, ModelSpec, self.problems)
            model = builder.build(resource, spec) if spec else None
            if model is None:
                self._remember_broken(resource)
            elif model.ref in built:
                other = built[model.ref][0]
                message = f"{model.ref} is already {other.id}: within a provider names are unique"
                self.problems.append(resource.problem("E-DUP-RESOURCE", message, ("metadata", "name"), "rename one"))
            else:
                built[model.ref] = (resource, model)
        return list(built.values())

    def _routes(
        self,
        resources: Sequence[envelope.Resource],
        references: References,
        spec: RouterSettingsSpec | None,
        base: Settings,
    ) -> list[tuple[envelope.Resource, ModelRoute]]:
        inherited = settings.failover(spec.failover if spec else None, Failover())
        own_retry = settings.retry(spec.retry if spec else None, Retry())
        builder = RouteBuilder(
            references,
            self.problems,
            replace(inherited, declared=False),
            own_retry,
            base.residency,
            base.unknown_cost,
            self._bound_of,
        )
        built = []
        for resource in resources:
            if resource.kind != "ModelRoute":
                continue
            route_spec = validated(resource, ModelRouteSpec, self.problems)
            route = builder.build(resource, route_spec) if route_spec else None
            if route is None:
                self._remember_broken(resource)
            else:
                built.append((resource, route))
        return built

    def _remember_broken(self, resource: envelope.Resource) -> None:
        self.broken.add((resource.kind, resource.namespace, resource.name))

    # --- settings that need the rest -------------------------------------------------------------------------------

    def _provider_addresses(self, own: envelope.Resource | None, base: Settings) -> None:
        """Variables that move a provider, and providers in RouterSettings that are not installed."""
        for name in self.providers.names():
            base_url_from(name, self.env, self.problems)
        if own is not None:
            builder = ModelBuilder(base, self.secrets, self.providers, self.env, {}, self.today, self.problems)
            for name in base.providers:
                builder.provider(own, name, ("spec", "providers", name))

    def _mode(self, spec: RouterSettingsSpec | None, keys: Mapping[str, ClientKey]) -> Literal["open", "keys"]:
        """As written; else keys are asked for where there are any."""
        written = spec.auth.mode if spec is not None else None
        if written in ("open", "keys"):
            return "open" if written == "open" else "keys"
        return "keys" if keys else "open"

    def _bind(
        self, own: envelope.Resource | None, spec: RouterSettingsSpec | None, base: Settings, *, has_keys: bool
    ) -> None:
        """An address others can reach needs client keys, or the operator's word that anyone may use it."""
        if is_loopback_host(base.address) or (spec and spec.auth.mode == "open") or has_keys:
            return
        message = f"{base.address} can be reached from other machines, and there is no ClientKey"
        hint = (
            "make keys with joch keys create, listen on 127.0.0.1, or write auth: { mode: open } if everyone who can "
            "reach it may use it"
        )
        if own is not None and spec is not None and spec.listen.address == base.address:
            self.problems.append(own.problem("E-OPEN-BIND", message, ("spec", "listen", "address"), hint))
        else:
            position = Position(
                "flag --host" if "address" in self.flags else "environment variable JOCH_LISTEN_ADDRESS"
            )
            self.problems.append(Problem(code="E-OPEN-BIND", message=message, position=position, hint=hint))

    def _locked(self, own: envelope.Resource | None, spec: RouterSettingsSpec | None, *, has_keys: bool) -> None:
        """A router that asks for keys which nobody can have."""
        if own is not None and spec is not None and spec.auth.mode == "keys" and not has_keys:
            message = "calls need a key, and there is no ClientKey: every call is refused"
            hint = "make one with joch keys create, and add the ClientKey that it prints"
            self.problems.append(own.problem("W-KEY-MISSING", message, ("spec", "auth", "mode"), hint))

    def _named(
        self,
        own: envelope.Resource | None,
        spec: RouterSettingsSpec | None,
        base: Settings,
        references: References,
        routes: Mapping[str, ModelRoute],
    ) -> Settings:
        """The settings with aliases and default route leading where they finally lead."""
        default, found = None, {}
        if own is not None and spec is not None:
            found = aliases.settled(spec.aliases, own, references, routes, self.problems)
            if spec.default_model_route_ref:
                path: documents.Path = ("spec", "defaultModelRouteRef")
                default = references.target(spec.default_model_route_ref, own, path, routes)
        wanted = self.env.get("JOCH_DEFAULT_MODEL")
        if wanted:
            reference = Reference(wanted)
            served = implicit.find(references.implicit, wanted)
            default = found.get(wanted) or references.known(reference, "default", routes) or (served and wanted) or None
            if default is None and not self.broken:
                position = Position("environment variable JOCH_DEFAULT_MODEL")
                hint = suggestion(wanted, {*routes, *references.models}) or "declare it, or name another"
                self.problems.append(
                    Problem(code="E-REF", message="there is no such route or model", position=position, hint=hint)
                )
        return replace(base, aliases=found, default_route=default)

    # --- models without a record -----------------------------------------------------------------------------------

    def _provider_names(self, models: Mapping[str, Model]) -> set[str]:
        return {*self.providers.names(), *(model.provider for model in models.values())}

    def _implicit(self, base: Settings, models: Any) -> tuple[implicit.Implicit, ...]:
        """A template for each provider this configuration uses, if there is a key for it."""
        if base.implicit_models == "off":
            return ()
        used = dict.fromkeys([*base.providers, *(model.provider for model in models if not model.disabled)])
        found = (self._template(base, name) for name in used if name in self.providers.names())
        return tuple(template for template in found if template)

    def _bound_of(self, model: Model) -> Mapping[str, bool] | None:
        """The flags that the provider of `model` can have at all."""
        if model.provider not in self.providers.names():
            return None
        record = self.providers.load(model.provider)
        return (record.bound(model.api) if isinstance(record, Provider) else record.capabilities).flags

    def _template(self, base: Settings, name: str) -> implicit.Implicit | None:
        try:
            record = self.providers.load(name)
        except BrokenProviderError:  # where it is used says so
            return None
        if not isinstance(record, Provider):
            return None
        configured = base.providers.get(name, ProviderSettings())
        place = place_of(record, self.env, [], configured=configured.base_url)
        auth = None if configured.secret else identity_by_convention(record, place, self.env)
        secret, problem = (None, None) if auth else convention(record, place, self.env)
        if configured.secret is not None:
            secret, problem = configured.secret, None
        if problem or place.base_url is None:
            return None
        return implicit.template(
            record,
            place.base_url,
            secret=secret,
            clocks=configured.clocks or base.clocks,
            headers=configured.headers,
            local=is_local(place.base_url, provider_is_local=record.local),
            auth=auth,
            place={**version_from(name, self.env), **words_from(name, auth or Auth(), self.env)},
        )

    # --- secrets ---------------------------------------------------------------------------------------------------

    def _secret_faults(
        self, own: envelope.Resource | None, base: Settings, models: Sequence[tuple[envelope.Resource, Model]]
    ) -> None:
        """Secrets that cannot be resolved now. A missing one may come later; an invalid one must never be sent."""
        if self.fault_of is None:
            return
        users: dict[SecretRef, tuple[envelope.Resource, documents.Path]] = {}
        documents_in = {model.secret for _, model in models if model.auth.type == "google-sa"}
        gateway = base.tool_gateway
        if base.admin_token == ADMIN_TOKEN:
            self._fault_of_variable(base.admin_token)
        elif base.admin_token and own is not None:
            users[base.admin_token] = (own, ("spec", "auth", "adminTokenSecretRef"))
        if gateway and gateway.secret and own is not None:
            users[gateway.secret] = (own, ("spec", "toolGateway", "secretRef"))
        for name, configured in base.providers.items():
            if configured.secret and own is not None:
                users.setdefault(configured.secret, (own, ("spec", "providers", name, "secretRef")))
        for resource, model in models:
            for secret in (model.secret, model.base_url_secret):
                if secret and not model.disabled:
                    users.setdefault(secret, (resource, ("spec", "auth")))
        for secret, (resource, path) in users.items():
            fault = self.fault_of(secret, lines=True) if secret in documents_in else self.fault_of(secret)
            if fault is None:
                continue
            code = "W-SECRET-UNRESOLVED" if fault.fault == "missing" else "E-SECRET-INVALID"
            what = (
                "what needs it is closed"
                if resource.kind == "RouterSettings"
                else "the models that need it are skipped"
            )
            hint = f"{what} until it is there" if fault.fault == "missing" else None
            self.problems.append(resource.problem(code, f"secret {secret.name}: {fault.detail}", path, hint))

    def _fault_of_variable(self, token: SecretRef) -> None:
        """The operators' token in the environment: it is there, but perhaps nothing that can be sent."""
        fault = self.fault_of(token) if self.fault_of is not None else None
        if fault is not None:
            position, hint = (
                Position(f"environment variable {token.name}"),
                "set it to one line of printable characters",
            )
            self.problems.append(Problem(code="E-SECRET-INVALID", message=fault.detail, position=position, hint=hint))


def _identity(problem: Problem) -> tuple[str, str, str]:
    kind, namespace, name = problem.resource.split("/", 2)
    return kind, namespace, name


def _without_echoes(problems: Sequence[Problem]) -> list[Problem]:
    """When part of a file could not be read, what it declares is not missing, only unread."""
    if not any(problem.code in ("E-YAML", "E-FILE") for problem in problems):
        return list(problems)
    return [problem for problem in problems if problem.code not in _ECHOES]


def _masked(problem: Problem) -> Problem:
    """A key may have been pasted where a name belongs, and names are quoted."""
    return replace(
        problem,
        message=masked(problem.message),
        resource=masked(problem.resource),
        path=masked(problem.path),
        hint=problem.hint and masked(problem.hint),
    )


def _grouped(problems: Sequence[Problem]) -> list[Problem]:
    """`problems` with the same complaint about the same field of a kind said once, and how often it was found."""

    def complaint(problem: Problem) -> tuple[str, ...]:
        if problem.code not in _ONE_PER_FIELD:
            return (str(problem),)
        kind = problem.resource.partition("/")[0]
        return problem.code, kind, "".join(char for char in problem.path if not char.isdigit()), problem.message

    counts = Counter(complaint(problem) for problem in problems)
    result = []
    for problem in problems:
        count = counts.pop(complaint(problem), 0)
        if count > 1 and problem.code in _ONE_PER_FIELD:
            counted = replace(problem, message=f"{problem.message} (and {count - 1} more like it)")
            result.append(counted)
        elif count:
            result.append(problem)
    return result


def _in_order(problems: Sequence[Problem], names: Sequence[str]) -> list[Problem]:
    """By file in the order read, then by line."""
    rank = {name: index for index, name in enumerate(names)}

    def place(problem: Problem) -> tuple[int, int, int]:
        return rank.get(problem.position.source, -1), problem.position.line, problem.position.column

    return sorted(problems, key=place)
