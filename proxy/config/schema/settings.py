"""RouterSettings: one per process. What this version acts on is here, the rest of its parts in `later`."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from . import deciding, later
from .fields import (
    NOT_YET,
    REFUSED,
    UNENFORCED,
    BaseUrl,
    Headers,
    Money,
    NonNegative,
    Positive,
    Record,
    Ref,
    Seconds,
    Spec,
    Text,
    Timeouts,
    broken,
)
from .route import Failover, Retry

ContextField = Literal[
    "execution", "session", "turn", "user", "tags", "trigger", "residency", "agent", "team", "environment", "namespace"
]


_TLS = REFUSED.but_for(
    note="this version listens without TLS", hint="leave it out, and put a proxy that ends TLS before the router"
)
_MODES = REFUSED.but_for("open", "keys", note="this version cannot pass clients' keys on", hint="write open or keys")


def _path(value: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._~/-]*", value):
        raise broken("E-TYPE", "should be a path", "start with / and use letters, digits and . _ ~ -")
    return value.rstrip("/") or "/"


BasePath = Annotated[str, AfterValidator(_path)]


class Tls(Record):
    cert_file: Text
    key_file: Text


class Listen(Record):
    address: Text | None = None
    port: Annotated[int, Field(ge=0, le=65535)] | None = None
    tls: Annotated[Tls | None, _TLS] = None
    base_paths: Annotated[list[BasePath], Field(min_length=1)] | None = None
    allowed_hosts: list[Text] | None = None
    max_body_bytes: Positive | None = None


class Auth(Record):
    mode: Annotated[Literal["open", "keys", "passthrough"] | None, _MODES] = None
    passthrough_provider: Annotated[Text | None, NOT_YET] = None
    admin_token_secret_ref: Ref | None = None
    trust_headers: list[ContextField] | None = None
    projects: dict[str, str] = Field(default_factory=dict)
    organizations: dict[str, str] = Field(default_factory=dict)


class Provider(Record):
    base_url: BaseUrl | None = None
    secret_ref: Ref | None = None
    timeouts: Timeouts = Field(default_factory=Timeouts)
    headers: Headers = Field(default_factory=dict)


class Answers(Record):
    model_field: Annotated[Literal["upstream", "requested", "ref"] | None, NOT_YET.but_for("upstream")] = None
    headers: bool | None = None


class Holdback(Record):
    max_chars: Positive | None = None
    max_ms: NonNegative | None = None


class Streaming(Record):
    buffer_size: Annotated[Positive | None, NOT_YET] = None
    keep_alive_seconds: Seconds | None = None
    holdback: Annotated[Holdback | None, NOT_YET] = None
    disconnect: Annotated[Literal["cancel", "drain"], NOT_YET.but_for("cancel")] = "cancel"


class Events(Record):
    retention_days: Annotated[Positive | None, NOT_YET] = None
    user_id: Annotated[Literal["hash", "plain"] | None, NOT_YET] = None
    content: Annotated[Literal["none", "redacted", "full"], NOT_YET.but_for("none")] = "none"
    file: Text | None = None


class Metrics(Record):
    prometheus: bool | None = None
    agent_label: Annotated[bool, NOT_YET.but_for(False)] = False


class Logging(Record):
    level: Literal["debug", "info", "warning", "error"] | None = None
    format: Literal["json", "text"] | None = None
    redact_patterns: Annotated[list[Text] | None, UNENFORCED] = None


class Load(Record):
    max_concurrent: Positive | None = None
    max_queue_ms: NonNegative | None = None


class OutputChecks(Record):
    validation: Literal["enforce", "observe", "off"] | None = Field(default=None, alias="validate")
    streaming: Literal["end", "buffer"] = "end"


class StoredResponses(Record):
    enabled: bool = True
    ttl_hours: Positive | None = None
    max_mb: Positive | None = None
    backend: Text | None = None


class Vault(Record):
    ttl_minutes: Positive | None = None
    max_entries: Positive | None = None


class Store(Record):
    path: Text | None = None
    explain_days: Positive | None = None
    responses: Annotated[StoredResponses | None, NOT_YET] = None
    vault: Vault = Field(default_factory=Vault)


class RouterSettingsSpec(Spec):
    listen: Listen = Field(default_factory=Listen)
    auth: Auth = Field(default_factory=Auth)
    providers: dict[str, Provider] = Field(default_factory=dict)
    timeouts: Timeouts = Field(default_factory=Timeouts)
    implicit_models: Literal["off", "catalog", "any"] | None = None
    unknown_model: Annotated[
        Literal["error", "default-route", "passthrough-first"] | None,
        NOT_YET.but_for("error", "default-route", note="this version answers unknown models with an error instead"),
    ] = None
    default_model_route_ref: Ref | None = None
    aliases: dict[str, Ref] = Field(default_factory=dict)
    response: Answers = Field(default_factory=Answers)
    expose_reasoning: Literal["auto", "reasoning_content", "never"] | None = None
    failover: Failover | None = None
    streaming: Streaming = Field(default_factory=Streaming)
    events: Events = Field(default_factory=Events)
    metrics: Metrics = Field(default_factory=Metrics)
    logging: Logging = Field(default_factory=Logging)
    limits: Load = Field(default_factory=Load)
    unknown_fields: Literal["forward", "drop", "reject"] | None = None
    fx: dict[str, Money] = Field(default_factory=dict)

    retry: Retry | None = None
    locality: deciding.Locality = Field(default_factory=deciding.Locality)
    residency: deciding.Residency | None = None
    estimation: deciding.Estimation = Field(default_factory=deciding.Estimation)
    cost: deciding.Cost = Field(default_factory=deciding.Cost)
    health_check: deciding.HealthCheck = Field(default_factory=deciding.HealthCheck)
    health: deciding.Health = Field(default_factory=deciding.Health)
    structured_output: OutputChecks = Field(default_factory=OutputChecks)
    tools: deciding.Tools = Field(default_factory=deciding.Tools)
    tool_gateway: deciding.ToolGateway | None = None
    hooks: later.Hooks = Field(default_factory=later.Hooks)
    reasoning: later.Reasoning = Field(default_factory=later.Reasoning)
    names: Annotated[Literal["drop", "prefix"] | None, NOT_YET] = None
    execution: deciding.Execution = Field(default_factory=deciding.Execution)
    store: Store = Field(default_factory=Store)
    otel: Annotated[later.Otel | None, NOT_YET] = None
    ocsf: Annotated[later.Ocsf | None, NOT_YET] = None
    passthrough: Annotated[dict[str, Text], NOT_YET] = Field(default_factory=dict)
    egress: deciding.Egress = Field(default_factory=deciding.Egress)

    @model_validator(mode="after")
    def _default_route_is_named(self) -> RouterSettingsSpec:
        if self.unknown_model == "default-route" and self.default_model_route_ref is None:
            raise broken(
                "E-REF", "unknownModel: default-route needs defaultModelRouteRef", "name the route", at="unknownModel"
            )
        return self
