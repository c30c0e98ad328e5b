"""Short ways to a snapshot. Times are small, so that a test of a time limit is quick."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.resources import (
    Clocks,
    Failover,
    Model,
    ModelRoute,
    RouteEntry,
    SecretRef,
    SecretSource,
    Settings,
    Snapshot,
)

KEY_VARIABLE = "TEST_PROVIDER_KEY"
KEY = "sk-test-canary-0123456789abcdef"


def key(variable: str = KEY_VARIABLE) -> SecretRef:
    """A secret in the environment variable `variable`."""
    return SecretRef(name=variable.lower().replace("_", "-"), source=SecretSource(type="env", location=variable))


def model(provider: str, base_url: str | None, name: str = "m", **fields: Any) -> Model:
    """A Model record served at `base_url`. A key is sent unless `secret=None`; the upstream id is the name."""
    defaults: dict[str, Any] = {
        "model": name,
        "base_url": base_url,
        "secret": key(),
        "local": provider in ("ollama", "vllm", "llama-cpp", "demo"),
        "clocks": Clocks(connect=2, first_byte=5, whole=None, idle=5, content=30, attempt=20, total=30),
    }
    return Model(name=name, provider=provider, **{**defaults, **fields})


def route(name: str, *refs: str, failover: Failover | None = None, **fields: Any) -> ModelRoute:
    """A route over models by ref, in order."""
    entries = tuple(RouteEntry(ref=ref, step=step) for step, ref in enumerate(refs))
    return ModelRoute(name=name, entries=entries, failover=failover or Failover(), **fields)


def snapshot(
    models: Sequence[Model],
    routes: Sequence[ModelRoute] = (),
    aliases: Mapping[str, str] | None = None,
    **settings: Any,
) -> Snapshot:
    """A snapshot of these resources; the port is free to choose."""
    return Snapshot(
        settings=Settings(port=0, aliases=aliases or {}, **settings),
        models={record.ref: record for record in models},
        routes={record.name: record for record in routes},
    )
