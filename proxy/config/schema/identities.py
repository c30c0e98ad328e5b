"""ClientKey, Agent, Team, Environment, Tool: who calls, and what their tools do.

Agents, teams and environments come from a larger system, whose other fields are no business of the router: they are passed
over. A ClientKey and a Tool are the router's own, and strict.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from proxy.config.inline import HINT, key_shape

from .fields import NOT_YET, REFUSED, UNENFORCED, Effect, Money, Positive, Record, Ref, Spec, Text, broken
from .settings import ContextField

_BY_HASH = REFUSED.but_for(note="this version knows a key by its hash alone", hint="write hash: sha256:…")
_DIGEST = re.compile(r"sha256:([0-9a-fA-F]{64})")


def _hash(value: Any) -> str:
    found = _DIGEST.fullmatch(value) if isinstance(value, str) else None
    if found is None and isinstance(value, str) and (value.startswith(("joch-", "sk-")) or key_shape(value)):
        raise broken("E-SECRET-INLINE", "this is a key, not its hash", HINT)
    if found is None:
        raise broken(
            "E-TYPE", "should be sha256: and 64 hexadecimal digits", "joch keys create makes a key and its hash"
        )
    return found[1].lower()


def _instant(value: Any) -> float:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise broken("E-TYPE", "should be a day or a time", "write 2027-01-31 or 2027-01-31T12:00:00Z") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Texts = Annotated[list[Text], BeforeValidator(_list)]


class Pinned(Record):
    agent: Text | None = None
    team: Text | None = None
    namespace: Text | None = None
    environment: Text | None = None
    user: Text | None = None
    labels: dict[str, str] = Field(default_factory=dict)


class Allowed(Record):
    routes: Texts | None = None
    models: Texts | None = None


class KeyLimits(Record):
    requests_per_minute: Annotated[Positive | None, UNENFORCED] = None
    tokens_per_minute: Annotated[Positive | None, UNENFORCED] = None


class ClientKeySpec(Spec):
    digest: Annotated[str, PlainValidator(_hash)] | None = Field(default=None, alias="hash")
    secret_ref: Annotated[Ref | None, _BY_HASH] = None
    identity: Pinned = Field(default_factory=Pinned)
    expires_at: Annotated[float, PlainValidator(_instant)] | None = None
    allow: Allowed = Field(default_factory=Allowed)
    trust_headers: list[ContextField] | None = None
    limits: KeyLimits = Field(default_factory=KeyLimits)
    description: Text | None = None

    @model_validator(mode="before")
    @classmethod
    def _holds_no_key(cls, value: Any) -> Any:
        for name in ("key", "value", "token"):
            if isinstance(value, dict) and name in value:
                hint = "write hash: sha256:…; joch keys create prints both"
                raise broken("E-SECRET-INLINE", "a ClientKey holds no key, only its hash", hint, at=name)
        return value

    @model_validator(mode="after")
    def _is_recognised(self) -> ClientKeySpec:
        if self.digest is None and self.secret_ref is None:
            raise broken("E-TYPE", "a ClientKey needs hash", "joch keys create makes a key and its hash")
        return self


class Open(Record, extra="ignore"):
    """A mapping of which only some members are ours."""


class RouteUse(Open):
    route_ref: Ref | None = None
    mode: Literal["force", "default"] = "force"


class ModelPolicy(Open):
    allowed: Texts | None = None


class AgentBudgets(Open):
    token_limit_per_run: Annotated[Positive | None, UNENFORCED] = None
    cost_limit_usd_per_day: Annotated[Money | None, UNENFORCED] = None
    tool_call_limit_per_run: Annotated[Positive | None, UNENFORCED] = None


class AgentSpec(Open):
    model_route: RouteUse = Field(default_factory=RouteUse)
    model_policy: ModelPolicy = Field(default_factory=ModelPolicy)
    budgets: AgentBudgets = Field(default_factory=AgentBudgets)
    policies: Annotated[list[Any] | None, UNENFORCED] = None
    guardians: Annotated[list[Any] | None, UNENFORCED] = None


class TeamSpec(Open):
    namespaces: Texts = Field(default_factory=list)
    model_policy: ModelPolicy = Field(default_factory=ModelPolicy)
    default_policies: Annotated[list[Any] | None, UNENFORCED] = None
    budget_refs: Annotated[list[Any] | None, UNENFORCED] = None


class Compliance(Open):
    data_residency: Text | None = None
    pii_mode: Annotated[Text | None, UNENFORCED] = None


class Defaults(Open):
    model_route_ref: Ref | None = None


class EnvironmentSpec(Open):
    region: Text | None = None
    compliance: Compliance = Field(default_factory=Compliance)
    defaults: Defaults = Field(default_factory=Defaults)
    model_policy: ModelPolicy = Field(default_factory=ModelPolicy)
    policies: Annotated[list[Any] | None, UNENFORCED] = None
    budget_refs: Annotated[list[Any] | None, UNENFORCED] = None
    guardians: Annotated[list[Any] | None, UNENFORCED] = None


class SideEffects(Record):
    level: Effect
    idempotent: bool = False


class ToolSpec(Open):
    side_effects: SideEffects
    execution: Annotated[Literal["client", "gateway"], NOT_YET.but_for("client")] = "client"
