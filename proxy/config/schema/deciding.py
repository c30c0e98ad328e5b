"""Parts of RouterSettings that the router decides by: places, estimates, health, executions, tools."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from proxy.config.problems import suggestion

from .fields import (
    NOT_YET,
    REFUSED,
    BaseUrl,
    Effect,
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
    broken,
)

_OWN_MEMBERS = ("strict", "trustLocal")
_PROBES = REFUSED.but_for(
    "list",
    "off",
    note="this version cannot check health in that way",
    hint="write list, which asks for the models without using tokens, or off",
)


class ResidencyRule(Record):
    """`allow` and `deny` are globs of regions, in any case. None keeps what the built-in rule of that code says."""

    allow: list[Text] | None = None
    deny: list[Text] | None = None
    match: Literal["any", "all"] | None = None


class Residency(Record, extra="allow"):
    """`strict`, `trustLocal`, and a rule per residency code."""

    __pydantic_extra__: dict[str, ResidencyRule]
    strict: bool = False
    trust_local: bool = True

    @model_validator(mode="before")
    @classmethod
    def _has_rules(cls, value: Any) -> Any:
        for name, rule in value.items() if isinstance(value, dict) else ():
            if isinstance(rule, (bool, str, list)) and name not in _OWN_MEMBERS and not name.startswith("x-"):
                hint = suggestion(name, _OWN_MEMBERS) if isinstance(rule, bool) else None
                hint = hint or f"write {name[:40]}: {{ allow: [ … ] }}"
                raise broken("E-TYPE", "should be a mapping: the rule of a residency code", hint, at=name)
        return value


class Locality(Record):
    region: Text | None = None


class Estimation(Record):
    tokenizer: Literal["auto", "o200k_base", "cl100k_base", "heuristic"] = "auto"
    chars_per_token: Annotated[Number, Field(gt=0)] = 3.2
    image_tokens: NonNegative = 1105
    default_output_tokens: Positive = 1024
    safety: Annotated[Number, Field(ge=1)] = 1.1


class Cost(Record):
    unknown: Literal["allow", "deny", "catalog"] = "catalog"


class HealthCheck(Record):
    enabled: bool = True
    interval_seconds: Seconds | None = None
    mode: Annotated[Literal["list", "tcp", "synthetic", "off"], _PROBES] = "list"
    synthetic_prompt: Annotated[Text | None, NOT_YET] = None
    max_usd_per_day: Annotated[Money | None, NOT_YET] = None


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
    default_side_effect: Effect = "unknown"


class ToolGateway(Record):
    url: BaseUrl
    secret_ref: Ref | None = None
    timeout_ms: Milliseconds | None = None


class Execution(Record):
    inference: Literal["off", "traceparent", "prefix"] | None = None
    idle_seconds: Seconds | None = None


def _hosts(value: Any) -> Any:
    if isinstance(value, list) and any("/" in str(host) or ":" in str(host) for host in value):
        raise broken(
            "E-TYPE", "should be host names", "write api.openai.com or *.openai.azure.com, without scheme or port"
        )
    return value


class Egress(Record):
    allow_hosts: Annotated[list[Text] | None, BeforeValidator(_hosts)] = None
    images: Annotated[Literal["off", "public"], NOT_YET.but_for("off")] = "off"
