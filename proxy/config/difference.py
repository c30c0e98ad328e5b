"""What a reload changed, by resource. Compares records, so a secret that moved shows at the models that use it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from proxy.resources import Snapshot

_KEPT = (
    "address",
    "port",
    "base_paths",
    "store_path",
    "vault_seconds",
    "vault_entries",
    "events_file",
    "explain_seconds",
)
"""Settings that a running process keeps: where it listens, and which files it has open."""


@dataclass(frozen=True, slots=True)
class Change:
    """One resource that is other than before. `name` is "namespace/name" outside the namespace `default`."""

    action: Literal["added", "changed", "removed"]
    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.action}"


def diff(old: Snapshot, new: Snapshot) -> tuple[Change, ...]:
    """What is other in `new`, in its order; what is gone comes last."""
    before, after = _resources(old), _resources(new)
    changes = [
        Change("changed" if key in before else "added", *key)
        for key, record in after.items()
        if key not in before or before[key] != record
    ]
    return (*changes, *(Change("removed", *key) for key in before if key not in after))


def needs_restart(old: Snapshot, new: Snapshot) -> tuple[str, ...]:
    """The fields of `Settings` that differ and that only a restart changes."""
    return tuple(name for name in _KEPT if getattr(old.settings, name) != getattr(new.settings, name))


def _resources(snapshot: Snapshot) -> Mapping[tuple[str, str], Any]:
    found: dict[tuple[str, str], Any] = {("RouterSettings", "default"): snapshot.settings}
    for model in snapshot.models.values():
        prefix = "" if model.namespace == "default" else f"{model.namespace}/"
        found["Model", f"{prefix}{model.name}"] = model
    found |= {("ModelRoute", name): route for name, route in snapshot.routes.items()}
    found |= {("ClientKey", key.name): key for key in snapshot.keys.values()}
    found |= {("Agent", name): agent for name, agent in snapshot.agents.items()}
    found |= {("Team", name): team for name, team in snapshot.teams.items()}
    found |= {("Environment", name): place for name, place in snapshot.environments.items()}
    found |= {("Tool", tool.pattern): tool for tool in snapshot.tools}
    return found
