"""RouterSettings as written to the `Settings` everything runs with. Aliases and the default route come later, with names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any

from proxy.resources import (
    EFFECTS,
    RESIDENCY_RULES,
    Clocks,
    Estimation,
    Failover,
    HealthSettings,
    ProviderSettings,
    Residency,
    ResidencyRule,
    Retry,
    SecretRef,
    Settings,
    ToolGateway,
)

from .documents import Path
from .envelope import Resource
from .problems import Problem, suggestion
from .schema import route as route_schema
from .schema.fields import Reference, Timeouts
from .schema.settings import RouterSettingsSpec
from .secret_index import SecretIndex

_NO_RULE = ResidencyRule(allow=())
"""What a residency code that is not built in starts from."""


def build(resource: Resource, spec: RouterSettingsSpec, secrets: SecretIndex, problems: list[Problem]) -> Settings:
    """Everything but aliases and the default route."""
    clocks = with_clocks(Clocks(), spec.timeouts)
    gateway = spec.tool_gateway
    settings = Settings(
        clocks=clocks,
        providers=_providers(resource, spec, clocks, secrets, problems),
        residency=_residency(resource, spec, problems),
        admin_token=_secret(
            resource, spec.auth.admin_token_secret_ref, ("spec", "auth", "adminTokenSecretRef"), secrets, problems
        ),
        tool_gateway=None
        if gateway is None
        else ToolGateway(
            url=gateway.url,
            secret=_secret(resource, gateway.secret_ref, ("spec", "toolGateway", "secretRef"), secrets, problems),
            timeout=gateway.timeout_ms or 1.5,
        ),
    )
    settings = replace(settings, **_given(spec))
    problems += _doubts_of_health(resource, spec, settings.health)
    if doubt := doubt_of_effect(resource, settings.default_side_effect, ("spec", "tools", "defaultSideEffect")):
        problems.append(doubt)
    return settings


def doubt_of_effect(resource: Resource, level: str, path: Path) -> Problem | None:
    """A warning for a word that no side-effect level has. "unknown" says what leaving it out says."""
    if level in (*EFFECTS, "unknown"):
        return None
    message = f"{level} is no level known here, so that it counts as a lasting effect"
    hint = suggestion(level, (*EFFECTS, "unknown"))
    return resource.problem("W-EFFECT-UNKNOWN", message, path, hint)


def _given(spec: RouterSettingsSpec) -> dict[str, Any]:
    """The settings that were written, by the names of `Settings`; the rest keeps its defaults."""
    unknown_model = "error" if spec.unknown_model == "passthrough-first" else spec.unknown_model
    written = {
        "auth_mode": spec.auth.mode,
        "trust_headers": _tuple(spec.auth.trust_headers),
        "projects": spec.auth.projects or None,
        "organizations": spec.auth.organizations or None,
        "estimation": Estimation(**spec.estimation.model_dump()),
        "unknown_cost": spec.cost.unknown,
        "health": _health(spec),
        "default_side_effect": spec.tools.default_side_effect,
        "execution_inference": spec.execution.inference,
        "execution_idle": spec.execution.idle_seconds,
        "egress_hosts": _tuple(spec.egress.allow_hosts),
        "explain_seconds": None if spec.store.explain_days is None else spec.store.explain_days * 86400.0,
        "address": spec.listen.address,
        "port": spec.listen.port,
        "base_paths": _tuple(spec.listen.base_paths),
        "allowed_hosts": _tuple(spec.listen.allowed_hosts),
        "max_body_bytes": spec.listen.max_body_bytes,
        "implicit_models": spec.implicit_models,
        "unknown_model": unknown_model,
        "model_field": spec.response.model_field,
        "response_headers": spec.response.headers,
        "expose_reasoning": spec.expose_reasoning,
        "keep_alive_seconds": spec.streaming.keep_alive_seconds,
        "max_concurrent": spec.limits.max_concurrent,
        "max_queue_seconds": None if spec.limits.max_queue_ms is None else spec.limits.max_queue_ms / 1000,
        "unknown_fields": spec.unknown_fields,
        "output_validation": spec.structured_output.validation,
        "output_buffered": spec.structured_output.streaming == "buffer",
        "store_path": spec.store.path,
        "vault_seconds": None if spec.store.vault.ttl_minutes is None else spec.store.vault.ttl_minutes * 60.0,
        "vault_entries": spec.store.vault.max_entries,
        "prometheus": spec.metrics.prometheus,
        "events_file": spec.events.file,
        "log_level": spec.logging.level,
        "log_format": spec.logging.format,
    }
    return {name: value for name, value in written.items() if value is not None}


def _tuple(items: Iterable[Any] | None) -> tuple[Any, ...] | None:
    return None if items is None else tuple(dict.fromkeys(items))


def _health(spec: RouterSettingsSpec) -> HealthSettings:
    """The settings of the health machine: what is written, by the names of `HealthSettings`."""
    written, check = spec.health, spec.health_check
    given: dict[str, Any] = {
        "window": written.window_seconds,
        "min_samples": written.min_samples,
        "degraded_error_rate": written.degraded_error_rate,
        "unhealthy_error_rate": written.unhealthy_error_rate,
        "consecutive_failures": written.consecutive_failures,
        "latency_degraded": written.latency_degraded_ms,
        "open_seconds": written.open_seconds,
        "max_open_seconds": written.max_open_seconds,
        "probe": "off" if not check.enabled or check.mode == "off" else "list",
        "probe_interval": check.interval_seconds,
    }
    return replace(HealthSettings(), **{name: each for name, each in given.items() if each is not None})


def _doubts_of_health(resource: Resource, spec: RouterSettingsSpec, found: HealthSettings) -> Iterator[Problem]:
    """Figures that contradict each other, whichever of the two is written: the other then has its default."""
    written = spec.health.model_dump(by_alias=True, exclude_none=True)
    for lower, least, upper, most, unit in (
        ("degradedErrorRate", found.degraded_error_rate, "unhealthyErrorRate", found.unhealthy_error_rate, ""),
        ("openSeconds", found.open_seconds, "maxOpenSeconds", found.max_open_seconds, "s"),
    ):
        if least > most:
            where = lower if lower in written else upper
            message = f"{lower} is {least:g}{unit}, and {upper} is {most:g}{unit}: it cannot be below"
            hint = f"write {lower}: {most:g}{unit} or less, or {upper}: {least:g}{unit} or more"
            yield resource.problem("E-TYPE", message, ("spec", "health", where), hint)


def _residency(resource: Resource, spec: RouterSettingsSpec, problems: list[Problem]) -> Residency:
    """The built-in rules, changed by what is written of them, those that are added, and where this router runs."""
    written = spec.residency
    rules = dict(RESIDENCY_RULES)
    for code, rule in (written.__pydantic_extra__ if written is not None else {}).items():
        known = next((each for each in rules if each.lower() == code.lower()), code)
        old = rules.get(known, _NO_RULE)
        allow, deny = _lower(rule.allow, old.allow), _lower(rule.deny, old.deny)
        rules[known] = ResidencyRule(allow=allow, deny=deny, match=rule.match or old.match)
        path: Path = ("spec", "residency", code)
        if not allow:
            message = f"the rule {code} allows no region"
            problems.append(resource.problem("E-RESIDENCY-CODE", message, path, "write allow: [ … ]"))
        for index, name in enumerate(rule.allow or ()):
            if any(fnmatchcase(name.lower(), glob) for glob in deny):
                message = f"{name} is denied by the same rule, and deny wins"
                hint = f"write deny: [ … ] without it in the rule {code}, or delete it here"
                problems.append(resource.problem("W-RESIDENCY", message, (*path, "allow", index), hint))
    return Residency(
        rules=rules,
        strict=written is not None and written.strict,
        trust_local=written is None or written.trust_local,
        locality=spec.locality.region,
    )


def _lower(written: Sequence[str] | None, old: tuple[str, ...]) -> tuple[str, ...]:
    return old if written is None else tuple(map(str.lower, written))


def _secret(
    resource: Resource,
    reference: Reference | None,
    path: Path,
    secrets: SecretIndex,
    problems: list[Problem],
    user: str = "",
) -> SecretRef | None:
    """The secret of a door, or of all models of a provider, whose `user` is then such as "openai:*"."""
    if reference is None:
        return None
    found = secrets.find(reference, resource, path, problems)
    if found is not None and found.ref is None:  # without the secret the door would be another one than is written
        hint = "use a Secret of type env or file"
        problems.append(resource.problem("E-NOT-YET", found.problem or "this version cannot read it", path, hint))
    if found is not None and not found.covers(user):
        hint = f"add {user} to its scope.boundTo.models" if user else "make another Secret, without scope"
        message = f"Secret {reference} is bound to some models, and this is for more than those"
        problems.append(resource.problem("E-SECRET-SCOPE", message, path, hint))
    return found.ref if found else None


def retry(spec: route_schema.Retry | None, inherited: Retry) -> Retry:
    """The retry policy of a route: what it writes, over what it inherits."""
    if spec is None:
        return inherited
    given: dict[str, Any] = {
        "attempts": spec.attempts,
        "backoff": spec.backoff_ms,
        "max_backoff": spec.max_backoff_ms,
        "respect_retry_after": spec.respect_retry_after,
        "max_retry_after": spec.max_retry_after_ms,
    }
    return replace(inherited, **{name: each for name, each in given.items() if each is not None})


def _providers(
    resource: Resource, spec: RouterSettingsSpec, clocks: Clocks, secrets: SecretIndex, problems: list[Problem]
) -> Mapping[str, ProviderSettings]:
    providers = {}
    for name, written in spec.providers.items():
        path: Path = ("spec", "providers", name, "secretRef")
        secret = _secret(resource, written.secret_ref, path, secrets, problems, user=f"{name}:*")
        providers[name] = ProviderSettings(
            base_url=written.base_url,
            secret=secret,
            headers=written.headers,
            clocks=with_clocks(clocks, written.timeouts) if written.timeouts.given() else None,
        )
    return providers


def with_clocks(clocks: Clocks, timeouts: Timeouts) -> Clocks:
    """`clocks` with what was written in their place. A first byte in writing binds whole answers too."""
    given = timeouts.given()
    changed = replace(clocks, **given)
    return replace(changed, whole=None) if "first_byte" in given else changed


def failover(spec: route_schema.Failover | None, inherited: Failover) -> Failover:
    """A route's failover rules: its own block whole, else what it inherits."""
    if spec is None:
        return inherited
    return Failover(
        on_error=spec.on_error,
        on_rate_limited=spec.on_error if spec.on_rate_limited is None else spec.on_rate_limited,
        on_capability_mismatch=spec.on_capability_mismatch,
        on_content_filter=spec.on_content_filter,
        on_budget_exceeded=spec.on_budget_exceeded,
        on_region_mismatch=spec.on_region_mismatch,
        on_health_degraded=spec.on_health_degraded,
        on_ambiguous=spec.on_ambiguous,
        on_side_effects=spec.on_side_effects,
        last_resort=spec.last_resort,
        on_schema_invalid=spec.on_schema_invalid,
        max_attempts=spec.max_attempts or Failover().max_attempts,
        declared=True,
    )
