"""Who calls and what their tools do: client keys, agents, teams, environments, tools. Frozen records, resolved.

A client's key is never here, only the digest that recognises it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .settings import ContextField

_EMPTY: Mapping[str, Any] = {}

EFFECTS = ("read_only", "local_write", "external_write", "communication", "financial", "destructive", "privileged")
"""What a tool does to the world, the harmless one first. Any other word counts as an effect of a kind unknown here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientKey:
    """One key of a client. What it pins, no header may say otherwise. `expires` is unix seconds.

    `routes` and `models` are globs of what it may name, None for everything. `trust_headers` None: as the settings say.
    """

    name: str
    digest: str
    namespace: str | None = None
    agent: str | None = None
    team: str | None = None
    environment: str | None = None
    user: str | None = None
    labels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    expires: float | None = None
    routes: tuple[str, ...] | None = None
    models: tuple[str, ...] | None = None
    trust_headers: tuple[ContextField, ...] | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """An app that calls. `route` is the key of the route it uses, whatever model it names if `force_route`.

    `allowed` are globs of model refs, None for all. Token and call limits are per execution, money per calendar day.
    """

    name: str
    namespace: str = "default"
    labels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    route: str | None = None
    force_route: bool = True
    allowed: tuple[str, ...] | None = None
    team: str | None = None
    tokens_per_run: int | None = None
    tool_calls_per_run: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """People who share a bill. Agents in one of `namespaces` are theirs."""

    name: str
    namespaces: tuple[str, ...] = ()
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Where an app runs, with what holds there. `route` is the key of its default route."""

    name: str
    region: str | None = None
    residency: str | None = None
    route: str | None = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tool:
    """What calls of a tool do. `pattern` is a name or a glob; `level` a word of `EFFECTS`, or another."""

    pattern: str
    level: str
    idempotent: bool = False
    execution: Literal["client", "gateway"] = "client"
