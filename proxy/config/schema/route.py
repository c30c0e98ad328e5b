"""ModelRoute: an ordered policy over candidates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from .fields import (
    NOT_YET,
    REFUSED,
    UNENFORCED,
    Milliseconds,
    Money,
    NonNegative,
    Parameters,
    Positive,
    Record,
    Ref,
    Spec,
    Text,
    Timeouts,
    broken,
)
from .model import Flags

_FORMS = "a reference such as openai:gpt-4o, or { ref: …, parameters: …, timeouts: … }"


def _entry(value: Any) -> Any:
    """The short forms of a candidate, brought to the long one."""
    if isinstance(value, str):
        return {"ref": value}
    if not isinstance(value, dict):
        raise broken("E-TYPE", "should be one candidate", f"write {_FORMS}")
    for form in ("selector", "balance"):
        if form in value:
            raise broken("E-NOT-YET", f"this version has no {form} candidates", f"list the models one by one: {_FORMS}")
    if "name" in value:
        return {"ref": value}
    return value


class Entry(Record):
    ref: Ref
    parameters: Parameters = Field(default_factory=Parameters)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    weight: Annotated[Positive | None, NOT_YET] = None
    when: Annotated[dict[str, Any] | None, REFUSED] = None


Candidate = Annotated[Entry, BeforeValidator(_entry)]
Candidates = Annotated[list[Candidate], BeforeValidator(lambda value: value if isinstance(value, list) else [value])]


class Retry(Record):
    attempts: NonNegative | None = None
    backoff_ms: Milliseconds | None = None
    max_backoff_ms: Milliseconds | None = None
    respect_retry_after: bool | None = None
    max_retry_after_ms: Milliseconds | None = None


class Hedge(Record):
    after_ms: Milliseconds


class Failover(Record):
    on_error: bool = True
    on_rate_limited: bool | None = None
    on_capability_mismatch: bool = True
    on_content_filter: bool = False
    max_attempts: Positive | None = None
    on_budget_exceeded: Annotated[bool, NOT_YET] = True
    on_region_mismatch: Annotated[bool, NOT_YET] = True
    on_health_degraded: Annotated[bool, NOT_YET] = True
    on_policy_denied: Annotated[bool, NOT_YET] = True
    on_schema_invalid: bool = True
    on_side_effects: Annotated[Literal["guard", "announce", "block", "allow"], UNENFORCED.but_for("allow")] = "guard"
    last_resort: Annotated[bool, NOT_YET] = True


class Strategy(Record):
    primary: Candidate | None = None
    fallback: Candidates = Field(default_factory=list)
    retry: Annotated[Retry | None, NOT_YET] = None
    hedge: Annotated[Hedge | None, NOT_YET] = None
    failover: Failover | None = None


class Requirements(Flags):
    context_window_min: Positive | None = None
    max_output_tokens_min: Positive | None = None
    regions: Annotated[list[Text] | None, UNENFORCED] = None


class AllowDeny(Record):
    allow: list[Text] | None = None
    deny: list[Text] | None = None


class Constraints(Record):
    max_cost_usd_per_execution: Annotated[Money | None, UNENFORCED] = None
    max_cost_usd_per_call: Annotated[Money | None, UNENFORCED] = None
    max_tokens_per_execution: Annotated[Positive | None, UNENFORCED] = None
    max_calls_per_execution: Annotated[Positive | None, UNENFORCED] = None
    data_residency: Annotated[Text | None, UNENFORCED] = None
    providers: Annotated[AllowDeny | None, UNENFORCED] = None
    max_latency_ms: Annotated[Milliseconds | None, NOT_YET] = None


class Observability(Record):
    explain_on_fallback: Annotated[bool, NOT_YET.but_for(False)] = False
    events: Annotated[dict[str, Any] | None, NOT_YET] = None


class Access(Record):
    agents: Annotated[Any, UNENFORCED] = None
    teams: Annotated[Any, UNENFORCED] = None


class ModelRouteSpec(Spec):
    description: Text | None = None
    aliases: list[Text] = Field(default_factory=list)
    requirements: Requirements = Field(default_factory=Requirements)
    strategy: Strategy = Field(default_factory=Strategy)
    constraints: Constraints = Field(default_factory=Constraints)
    parameters: Parameters = Field(default_factory=Parameters)
    observability: Observability = Field(default_factory=Observability)
    access: Access = Field(default_factory=Access)
    strict: Literal["none", "semantic", "all"] = "none"
