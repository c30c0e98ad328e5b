"""Parts of RouterSettings that are read and checked, and that this version does not act on.

Each class moves to the file of its own subject when a later version acts on it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from .fields import (
    NOT_YET,
    UNENFORCED,
    BaseUrl,
    Milliseconds,
    Money,
    NonNegative,
    Number,
    Positive,
    Record,
    Ref,
    Seconds,
    Share,
    Text,
)


class ResidencyRule(Record):
    allow: list[Text] = Field(default_factory=list)
    match: Literal["any", "all"] = "any"


class Residency(Record, extra="allow"):
    """`strict`, `trustLocal`, and a rule per residency code."""

    __pydantic_extra__: dict[str, ResidencyRule]
    strict: bool = False
    trust_local: bool = True


class Locality(Record):
    region: Annotated[Text | None, NOT_YET] = None


class Estimation(Record):
    tokenizer: Text = "auto"
    chars_per_token: Annotated[Number, Field(gt=0)] = 3.2
    image_tokens: NonNegative = 1105
    default_output_tokens: Positive = 1024
    safety: Annotated[Number, Field(gt=0)] = 1.1


class Cost(Record):
    unknown: Annotated[Literal["allow", "deny", "catalog"], UNENFORCED.but_for("allow", "catalog")] = "catalog"


class HealthCheck(Record):
    enabled: bool = True
    interval_seconds: Seconds | None = None
    mode: Literal["list", "tcp", "synthetic", "off"] = "list"
    synthetic_prompt: Text | None = None
    max_usd_per_day: Money | None = None


class Health(Record):
    window_seconds: Seconds | None = None
    min_samples: Positive | None = None
    degraded_error_rate: Share | None = None
    unhealthy_error_rate: Share | None = None
    consecutive_failures: Positive | None = None
    latency_degraded_ms: Milliseconds | None = None
    open_seconds: Seconds | None = None
    max_open_seconds: Seconds | None = None


class Tools(Record):
    default_side_effect: Annotated[Text, NOT_YET.but_for("unknown")] = "unknown"


class ToolGateway(Record):
    url: BaseUrl | None = None
    secret_ref: Ref | None = None
    timeout_ms: Milliseconds | None = None


class Hooks(Record):
    agent_trigger: Annotated[Literal["execution-start", "autonomous-only", "off"], NOT_YET.but_for("off")] = (
        "execution-start"
    )
    guardians: Annotated[list[Ref], UNENFORCED] = Field(default_factory=list)
    compose: Annotated[Text | None, NOT_YET] = None
    evaluate_all: Annotated[bool, NOT_YET] = False
    total_timeout_ms: Annotated[Milliseconds | None, NOT_YET] = None
    on_unsupported: Annotated[Text | None, UNENFORCED] = None
    tool_deny: Annotated[Text | None, UNENFORCED] = None


class Reasoning(Record):
    clamp: Annotated[Literal["off", "nearest"], NOT_YET.but_for("off")] = "off"
    carry_summaries: Annotated[bool, NOT_YET.but_for(False)] = False


class Execution(Record):
    inference: Annotated[Literal["off", "traceparent", "prefix"], NOT_YET.but_for("off")] = "prefix"
    idle_seconds: Annotated[Seconds | None, NOT_YET] = None


class ExportRetry(Record):
    max_attempts: NonNegative | None = None
    initial_interval_ms: Milliseconds | None = None


class Otel(Record):
    enabled: bool | Literal["auto"] = "auto"
    endpoint: BaseUrl | None = None
    protocol: Text | None = None
    headers_secret_ref: Ref | None = None
    compression: Text | None = None
    semconv: Text | None = None
    capture_content: Text | None = None
    sampling: Any = None
    propagate_upstream: bool = False
    retry: ExportRetry | None = None


class Ocsf(Record):
    enabled: bool = False
    sinks: list[Any] = Field(default_factory=list)
    profile: Text | None = None
    classes: list[int] = Field(default_factory=list)


class Egress(Record):
    allow_hosts: Annotated[list[Text] | None, UNENFORCED] = None
    images: Annotated[Literal["off", "public"], NOT_YET.but_for("off")] = "off"
