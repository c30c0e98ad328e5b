"""Routes: an ordered policy over candidates. Frozen records, resolved: every reference already names its Model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from .models import Clocks, Model, Zone

_EMPTY: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteEntry:
    """One candidate of a route, with what the route says about it alone. `clocks` None inherits the Model's.

    `model` is set for an implicit model, which stands in no snapshot. `step` is the place in the strategy: 0 the primary, 1
    the first fallback; the entries of one `balance` or `selector` share theirs. `weight` is an entry's share of the calls of
    a balanced step; None: the entries of the step are tried in the order they stand in.
    """

    ref: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    clocks: Clocks | None = None
    model: Model | None = None
    step: int = 0
    weight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Asking the same candidate again, at most `attempts` times a call. Times are seconds.

    Backoff doubles from `backoff` to `max_backoff`, with full jitter. A wait that the provider names is obeyed when it is at
    most `max_retry_after`; a longer one rests the candidate.
    """

    attempts: int = 0
    backoff: float = 0.25
    max_backoff: float = 4.0
    respect_retry_after: bool = True
    max_retry_after: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """What may move a call to the next candidate. A reason that is off ends the call at the candidate it befell.

    `on_health_degraded` off: health is not looked at. `on_ambiguous`: a call may move on, once, after a failure whose work
    the provider may bill. `on_side_effects`: what holds when the turn's tools have acted already. `last_resort`: candidates
    that are not well are tried when nobody else is left. `declared`: the route has a `failover` block of its own, which then
    wins over each Model's `fallback_policy`.
    """

    on_error: bool = True
    on_rate_limited: bool = True
    on_capability_mismatch: bool = True
    on_region_mismatch: bool = True
    on_budget_exceeded: bool = True
    on_health_degraded: bool = True
    on_content_filter: bool = False
    on_schema_invalid: bool = True
    on_ambiguous: bool = True
    on_side_effects: Literal["guard", "announce", "block", "allow"] = "guard"
    last_resort: bool = True
    max_attempts: int = 3
    declared: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraints:
    """What a route may spend and where its prompts may go. None is no limit.

    Money is US dollars; `per_execution` counts over all calls of one execution. `residency` is a code of the residency rules.
    `allow` and `deny` are globs of provider ids; `allow` None is all. `max_zone` is the widest zone that any candidate may lie
    in; None: the primary's own. `max_latency` (seconds) passes over candidates whose p95 is above, while another remains.
    """

    max_cost_per_execution: Decimal | None = None
    max_cost_per_call: Decimal | None = None
    max_tokens_per_execution: int | None = None
    max_calls_per_execution: int | None = None
    residency: str | None = None
    allow: tuple[str, ...] | None = None
    deny: tuple[str, ...] = ()
    max_zone: Zone | None = None
    max_latency: float | None = None

    @property
    def on_execution(self) -> bool:
        """Whether anything is counted over the calls of an execution."""
        return (self.max_cost_per_execution, self.max_tokens_per_execution, self.max_calls_per_execution) != (None,) * 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may name a route: agents by name or by all of `labels`, or teams. Others hear that it does not exist."""

    agents: tuple[str, ...] = ()
    labels: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRoute:
    """An ordered policy over candidates. `entries[0]` is the primary.

    `implicit` marks the single-model route that a bare model name resolves to; its name then starts with "~". `strict` is
    what a translation may not do: change or leave out what bears meaning, or anything at all. `required_regions` are those
    of which a candidate must list one. `sticky_seconds`: how long a conversation prefers the candidate that served it last,
    whose prompt cache is warm; 0 is never. `order` "latency" tries the candidates of a step with the shortest time to the
    first content first. `access` None: everybody may name it. `explain_on_fallback`: an answer of another candidate than the
    primary carries the explanation's address.
    """

    name: str
    entries: tuple[RouteEntry, ...]
    namespace: str = "default"
    description: str | None = None
    aliases: tuple[str, ...] = ()
    requirements: Mapping[str, bool] = field(default_factory=lambda: _EMPTY)
    context_window_min: int | None = None
    max_output_min: int | None = None
    required_regions: tuple[str, ...] = ()
    constraints: Constraints = Constraints()
    retry: Retry = Retry()
    sticky_seconds: float = 300.0
    order: Literal["declared", "latency"] = "declared"
    access: Access | None = None
    explain_on_fallback: bool = False
    failover: Failover = field(default_factory=Failover)
    parameters: Mapping[str, Any] = field(default_factory=lambda: _EMPTY)
    strict: Literal["none", "semantic", "all"] = "none"
    implicit: bool = False
    hash: str = ""
