"""One whole configuration: what a call takes at its start and keeps to its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .identities import Agent, ClientKey, Environment, Team, Tool
from .models import Model
from .routes import ModelRoute
from .settings import Settings

_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """One whole, valid configuration. `models` by ref, `routes` by name; order of declaration is kept in both.

    `implicit` are the models nobody declared: a template per provider with a key, and the glob patterns of the bare ids
    it is known to serve (`provider:anything` always matches its own provider). `hint` ends the message for an unknown
    model: what would fix it here.
    """

    settings: Settings
    models: Mapping[str, Model]
    routes: Mapping[str, ModelRoute]
    generation: int = 1
    sources: tuple[str, ...] = ()
    implicit: tuple[tuple[Model, tuple[str, ...]], ...] = ()
    hint: str = ""
    keys: Mapping[str, ClientKey] = field(default_factory=lambda: _EMPTY)
    agents: Mapping[str, Agent] = field(default_factory=lambda: _EMPTY)
    teams: Mapping[str, Team] = field(default_factory=lambda: _EMPTY)
    environments: Mapping[str, Environment] = field(default_factory=lambda: _EMPTY)
    tools: tuple[Tool, ...] = ()
