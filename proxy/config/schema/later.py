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
    NonNegative,
    Record,
    Ref,
    Text,
)


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
