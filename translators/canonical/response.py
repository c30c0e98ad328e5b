"""An answer, whatever provider gave it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum, unique
from typing import Any, Literal

from .blocks import JSON, Message
from .value import named_value

_EMPTY: Mapping[str, Any] = {}


@unique
class Finish(StrEnum):
    """Why a choice ended. Only the first four and `refusal` are answers; `pause`, `error`, `other` never leave as such."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    CONTENT_FILTER = "content_filter"
    REFUSAL = "refusal"
    PAUSE = "pause"
    ERROR = "error"
    OTHER = "other"


@named_value
class Usage:
    """Tokens, counted as OpenAI and OpenTelemetry count: totals are inclusive.

    `input` contains `cached` and `cache_write`; `output` contains `reasoning`. Providers that count otherwise are
    converted where they enter. `source` says how much the figures are worth.
    """

    input: int = 0
    output: int = 0
    cached: int = 0
    cache_write: int = 0
    cache_write_1h: int = 0
    reasoning: int = 0
    audio_in: int = 0
    audio_out: int = 0
    image_in: int = 0
    accepted_prediction: int = 0
    rejected_prediction: int = 0
    tool_requests: Mapping[str, int] = field(default_factory=lambda: _EMPTY)
    source: Literal["provider", "estimated", "partial", "none"] = "provider"

    @property
    def total(self) -> int:
        return self.input + self.output

    def is_sane(self) -> bool:
        """Whether the figures can be true: nothing negative, no part larger than its total."""
        parts = (
            self.input,
            self.output,
            self.cached,
            self.cache_write,
            self.cache_write_1h,
            self.reasoning,
            self.audio_in,
            self.audio_out,
            self.image_in,
            *self.tool_requests.values(),
        )
        return min(parts) >= 0 and self.cached + self.cache_write <= self.input and self.reasoning <= self.output


NO_USAGE = Usage(source="none")


@named_value
class Choice:
    index: int
    message: Message
    finish: Finish
    finish_raw: str | None = None
    stop_sequence: str | None = None
    filter: JSON | None = None


@named_value
class Response:
    """`id` and `model` as the provider reported them; `created` in unix seconds, 0 when it did not say."""

    id: str
    model: str
    choices: tuple[Choice, ...]
    usage: Usage = NO_USAGE
    created: int = 0
    incomplete_reason: str | None = None
    service_tier: str | None = None
    fingerprint: str | None = None
    extensions: Mapping[str, JSON] = field(default_factory=lambda: _EMPTY)
