"""The configuration in force: one snapshot and what was built from it, swapped whole.

A call takes `current` once and keeps it. Nothing here loads or validates.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.identity import Callers
from proxy.resources import Snapshot
from proxy.routing import Resolver


@dataclass(frozen=True, slots=True)
class Configured:
    """A snapshot with the lookups compiled from it."""

    snapshot: Snapshot
    resolver: Resolver
    callers: Callers


class Live:
    """Holds the current configuration."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.current = _configured(snapshot)

    def swap(self, snapshot: Snapshot) -> None:
        """From now on, new calls see `snapshot`. Compiling happens before the swap, so a failure changes nothing."""
        self.current = _configured(snapshot)


def _configured(snapshot: Snapshot) -> Configured:
    return Configured(snapshot, Resolver(snapshot), Callers(snapshot))
