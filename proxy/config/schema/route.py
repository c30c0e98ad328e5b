"""ModelRoute: an ordered policy over candidates."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from .fields import (
    NOT_YET,
    REFUSED,
    Milliseconds,
    Money,
    NonNegative,
    Parameters,
    Positive,
    Record,
    Ref,
    SecondsOrNone,
    Spec,
    Text,
    Timeouts,
    Zone,
    broken,
)
from .model import Flags

_FORMS = (
    "a reference such as openai:gpt-4o, { ref: …, parameters: …, timeouts: … }, { selector: … } or { balance: [ … ] }"
)


_CONDITION = REFUSED.but_for(
    note="this version knows no conditional candidates", hint="leave it out, or make a route for each case"
)


def _entry(value: Any) -> Any:
    """The short forms of a candidate, brought to the long one."""
    if isinstance(value, str):
        return {"ref": value}
    if not isinstance(value, dict):
        raise broken("E-TYPE", "should be one candidate", f"write {_FORMS}")
    if "name" in value:
        return {"ref": value}
    return value


def _member(value: Any) -> Any:
    for form in ("balance", "selector"):
        if isinstance(value, dict) and form in value:
            raise broken("E-TYPE", f"a balance has no {form} inside", "write its models out, one by one", at=form)
    return _entry(value)


class Selector(Record):
    match_labels: Annotated[dict[str, str], Field(min_length=1)]


class Member(Record):
    """One model of a `balance`. `weight` None is the Model's own."""

    ref: Ref
    weight: Positive | None = None
    parameters: Parameters = Field(default_factory=Parameters)
    timeouts: Timeouts = Field(default_factory=Timeouts)


class Entry(Record):
    """One step of the strategy: a model, all that a selector finds, or several that share the calls."""

    ref: Ref | None = None
    selector: Selector | None = None
    balance: Annotated[list[Annotated[Member, BeforeValidator(_member)]] | None, Field(min_length=1)] = None
    parameters: Parameters = Field(default_factory=Parameters)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    weight: Positive | None = None
    when: Annotated[dict[str, Any] | None, _CONDITION] = None

    @model_validator(mode="after")
    def _has_one_form(self) -> Entry:
        if sum(form is not None for form in (self.ref, self.selector, self.balance)) != 1:
            raise broken("E-TYPE", "should be one candidate", f"write {_FORMS}")
        if self.balance is not None:
            for name in ("parameters", "timeouts", "weight"):
                if name in self.model_fields_set:
                    hint = "write it at the members it is meant for"
                    raise broken("E-TYPE", f"a balance has no {name} of its own", hint, at=name)
        elif self.weight is not None:
            raise broken("E-TYPE", "a weight counts among the members of a balance only", "leave it out", at="weight")
        return self


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
    on_budget_exceeded: bool = True
    on_region_mismatch: bool = True
    on_health_degraded: bool = True
    on_policy_denied: Annotated[bool, NOT_YET] = True
    on_schema_invalid: bool = True
    on_ambiguous: bool = True
    on_side_effects: Literal["guard", "announce", "block", "allow"] = "guard"
    last_resort: bool = True


class Strategy(Record):
    primary: Candidate | None = None
    fallback: Candidates = Field(default_factory=list)
    retry: Retry | None = None
    hedge: Annotated[Hedge | None, NOT_YET] = None
    failover: Failover | None = None
    sticky_seconds: SecondsOrNone | None = None
    order: Literal["declared", "latency"] = "declared"


class Requirements(Flags):
    context_window_min: Positive | None = None
    max_output_tokens_min: Positive | None = None
    regions: Annotated[list[Text] | None, Field(min_length=1)] = None


class AllowDeny(Record):
    allow: list[Text] | None = None
    deny: list[Text] | None = None


class Constraints(Record):
    max_cost_usd_per_execution: Money | None = None
    max_cost_usd_per_call: Money | None = None
    max_tokens_per_execution: Positive | None = None
    max_calls_per_execution: Positive | None = None
    data_residency: Text | None = None
    providers: AllowDeny | None = None
    max_zone: Zone | None = None
    max_latency_ms: Milliseconds | None = None


class Observability(Record):
    explain_on_fallback: bool = False
    events: Annotated[dict[str, Any] | None, NOT_YET] = None


class ByLabels(Record):
    selector: Selector


def _agents(value: Any) -> Any:
    if isinstance(value, dict) and "matchLabels" in value:
        return {"selector": value}
    return [value] if isinstance(value, str) else value


class Access(Record):
    agents: Annotated[list[Text] | ByLabels | None, BeforeValidator(_agents)] = None
    teams: Annotated[list[Text] | None, BeforeValidator(_agents)] = None

    @model_validator(mode="after")
    def _lets_somebody_in(self) -> Access:
        if not self.agents and not self.teams:
            hint = "name agents or teams, or leave access out: everybody may then name the route"
            raise broken("E-TYPE", "nobody may name the route", hint)
        return self


class ModelRouteSpec(Spec):
    description: Text | None = None
    aliases: list[Text] = Field(default_factory=list)
    requirements: Requirements = Field(default_factory=Requirements)
    strategy: Strategy = Field(default_factory=Strategy)
    constraints: Constraints = Field(default_factory=Constraints)
    parameters: Parameters = Field(default_factory=Parameters)
    observability: Observability = Field(default_factory=Observability)
    access: Access | None = None
    strict: Literal["none", "semantic", "all"] = "none"
