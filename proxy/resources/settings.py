"""RouterSettings, resolved: one record per process, and the records of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from .models import Clocks, SecretRef

_EMPTY: Mapping[str, Any] = {}

ContextField = Literal[
    "execution", "session", "turn", "user", "tags", "trigger", "residency", "agent", "team", "environment", "namespace"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """What RouterSettings says of one provider: where it is and which key it takes when a Model does not say."""

    base_url: str | None = None
    secret: SecretRef | None = None
    headers: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    clocks: Clocks | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ResidencyRule:
    """Which regions satisfy a residency code: globs, in lower case. `deny` wins over `allow`.

    `match` "all": a model must have no region that does not.
    """

    allow: tuple[str, ...]
    deny: tuple[str, ...] = ()
    match: Literal["any", "all"] = "any"


RESIDENCY_RULES: Mapping[str, ResidencyRule] = {
    "EU": ResidencyRule(
        allow=(
            *("eu", "eea", "eu-*", "europe-*", "*-eu"),
            *("westeurope", "northeurope", "francecentral", "francesouth", "germanywestcentral", "germanynorth"),
            *("swedencentral", "swedensouth", "polandcentral", "italynorth", "spaincentral", "austriaeast"),
            *("belgiumcentral", "denmarkeast", "finlandcentral", "greececentral"),
        ),
        deny=("europe-west2", "eu-west-2", "europe-west6", "eu-central-2"),  # London and Zurich
    ),
    "US": ResidencyRule(
        allow=(
            *("us", "usa", "us-*", "*-us", "centralus", "eastus", "eastus2", "westus", "westus2", "westus3"),
            *("northcentralus", "southcentralus", "westcentralus"),
        ),
        deny=("us-gov-*",),
    ),
    "UK": ResidencyRule(allow=("uk", "gb", "uk-*", "gb-*", "uksouth", "ukwest", "europe-west2", "eu-west-2")),
    "CH": ResidencyRule(
        allow=("ch", "ch-*", "switzerlandnorth", "switzerlandwest", "europe-west6", "eu-central-2"),
    ),
    "CA": ResidencyRule(
        allow=("ca", "ca-*", "canadacentral", "canadaeast", "northamerica-northeast1", "northamerica-northeast2"),
    ),
    "AU": ResidencyRule(
        allow=(
            *("au", "au-*", "australiaeast", "australiasoutheast", "australiacentral", "australiacentral2"),
            *("australia-southeast1", "australia-southeast2", "ap-southeast-2", "ap-southeast-4"),
        ),
    ),
    "JP": ResidencyRule(
        allow=(
            *("jp", "jp-*", "japaneast", "japanwest", "asia-northeast1", "asia-northeast2"),
            *("ap-northeast-1", "ap-northeast-3"),
        ),
    ),
    "IN": ResidencyRule(
        allow=(
            *("in", "in-*", "centralindia", "southindia", "westindia", "jioindiawest", "jioindiacentral"),
            *("asia-south1", "asia-south2", "ap-south-1", "ap-south-2"),
        ),
    ),
    "SG": ResidencyRule(allow=("sg", "sg-*", "southeastasia", "asia-southeast1", "ap-southeast-1")),
}
"""The rules that hold unless the configuration writes others: bare codes and the region names of the large clouds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Residency:
    """`strict`: a claim that is not credible (OpenAI's default host in "eu") satisfies nothing. `trust_local`: models at
    private addresses satisfy any code while `locality` is not set. `locality` is the region this router runs in.
    """

    rules: Mapping[str, ResidencyRule] = field(default_factory=lambda: RESIDENCY_RULES)
    strict: bool = False
    trust_local: bool = True
    locality: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimation:
    """How tokens are reckoned before a provider counts them. `safety` multiplies an estimate that must not be too small.

    `default_output_tokens` is what an answer is reserved with when the client names no limit.
    """

    tokenizer: str = "auto"
    chars_per_token: float = 3.2
    image_tokens: int = 1105
    default_output_tokens: int = 1024
    safety: float = 1.1


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthSettings:
    """When a candidate is not well. Times are seconds, shares 0 to 1. Defaults are those of the reliability design, 3.5.

    A candidate opens at `min_samples` results in `window` of which `unhealthy_error_rate` failed, or at
    `consecutive_failures` in a row; it is degraded from `degraded_error_rate` or a p95 of `latency_degraded` on. `probe`
    is what active checks do: "list" asks for the models, "tcp" connects, "off" nothing.
    """

    window: float = 10.0
    min_samples: int = 20
    unhealthy_error_rate: float = 0.6
    degraded_error_rate: float = 0.2
    consecutive_failures: int = 5
    latency_degraded: float = 15.0
    open_seconds: float = 5.0
    max_open_seconds: float = 60.0
    probe: Literal["list", "tcp", "off"] = "list"
    probe_interval: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolGateway:
    """The optional service that knows which tool calls are under way."""

    url: str
    secret: SecretRef | None = None
    timeout: float = 1.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    address: str = "127.0.0.1"
    port: int = 8083
    base_paths: tuple[str, ...] = ("/v1", "/")
    allowed_hosts: tuple[str, ...] = ()
    max_body_bytes: int = 67_108_864
    auth_mode: Literal["open", "keys"] = "open"
    admin_token: SecretRef | None = None  # None: operators' endpoints answer on loopback only
    trust_headers: tuple[ContextField, ...] | None = None  # None: all of them in open mode, harmless ones with keys
    projects: Mapping[str, str] = field(default_factory=lambda: _EMPTY)  # OpenAI-Project to agent
    organizations: Mapping[str, str] = field(default_factory=lambda: _EMPTY)  # OpenAI-Organization to team
    residency: Residency = field(default_factory=Residency)
    estimation: Estimation = Estimation()
    unknown_cost: Literal["allow", "deny", "catalog"] = "catalog"
    health: HealthSettings = HealthSettings()
    default_side_effect: str = "unknown"
    tool_gateway: ToolGateway | None = None
    execution_inference: Literal["off", "traceparent", "prefix"] = "prefix"
    execution_idle: float = 900.0
    egress_hosts: tuple[str, ...] | None = None  # None: wherever the configuration leads
    explain_seconds: float = 30 * 86400.0  # how long explanations are kept
    clocks: Clocks = field(default_factory=Clocks)
    providers: Mapping[str, ProviderSettings] = field(default_factory=lambda: _EMPTY)
    implicit_models: Literal["off", "catalog", "any"] = "catalog"
    unknown_model: Literal["error", "default-route"] = "error"
    default_route: str | None = None
    aliases: Mapping[str, str] = field(default_factory=lambda: _EMPTY)
    model_field: Literal["upstream", "requested", "ref"] = "upstream"
    response_headers: bool = True
    expose_reasoning: Literal["auto", "reasoning_content", "never"] = "auto"
    keep_alive_seconds: float = 15.0
    max_concurrent: int = 512
    max_queue_seconds: float = 2.0
    unknown_fields: Literal["forward", "drop", "reject"] = "forward"
    output_validation: Literal["enforce", "observe", "off"] = "enforce"
    output_buffered: bool = False  # hold a streamed answer back until its schema is checked
    store_path: str | None = None  # None: the default place; ":memory:": nowhere
    vault_seconds: float = 3600.0
    vault_entries: int = 50_000
    prometheus: bool = True
    events_file: str | None = None
    log_level: str = "info"
    log_format: Literal["json", "text"] = "json"
