"""RouterSettings as written to the `Settings` everything runs with. Aliases and the default route come later, with names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from proxy.resources import Clocks, Failover, ProviderSettings, SecretRef, Settings

from .envelope import Resource
from .problems import Problem
from .schema import route as route_schema
from .schema.fields import Timeouts
from .schema.settings import RouterSettingsSpec
from .secret_index import SecretIndex


def build(resource: Resource, spec: RouterSettingsSpec, secrets: SecretIndex, problems: list[Problem]) -> Settings:
    """Everything but aliases and the default route."""
    clocks = with_clocks(Clocks(), spec.timeouts)
    settings = Settings(
        clocks=clocks, auth_mode="open", providers=_providers(resource, spec, clocks, secrets, problems)
    )
    return replace(settings, **_given(spec))


def _given(spec: RouterSettingsSpec) -> dict[str, Any]:
    """The settings that were written, by the names of `Settings`; the rest keeps its defaults."""
    unknown_model = "error" if spec.unknown_model == "passthrough-first" else spec.unknown_model
    written = {
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


def _tuple(items: list[str] | None) -> tuple[str, ...] | None:
    return None if items is None else tuple(dict.fromkeys(items))


def _providers(
    resource: Resource, spec: RouterSettingsSpec, clocks: Clocks, secrets: SecretIndex, problems: list[Problem]
) -> Mapping[str, ProviderSettings]:
    providers = {}
    for name, written in spec.providers.items():
        secret: SecretRef | None = None
        if written.secret_ref:
            found = secrets.find(written.secret_ref, resource, ("spec", "providers", name, "secretRef"), problems)
            secret = found.ref if found else None
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
        on_schema_invalid=spec.on_schema_invalid,
        max_attempts=spec.max_attempts or Failover().max_attempts,
        declared=True,
    )
