"""Token counts of chat answers, both ways. Canonical totals are inclusive, as OpenAI counts.

Dialects that differ: DeepSeek and others put cache hits beside the total, SGLang and Copilot `reasoning_tokens` at the top,
xAI counts reasoning outside `completion_tokens`. Figures that cannot be true give no usage at all.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Usage
from translators.formats import Wire

_HUGE = 2**53

_PROMPT = ("cached_tokens", "cache_write_tokens", "audio_tokens")
_COMPLETION = ("reasoning_tokens", "audio_tokens", "accepted_prediction_tokens", "rejected_prediction_tokens")


def parse_usage(usage: Any) -> Usage | None:
    """What a `usage` member says, or None when it is absent, empty or impossible (negative, beyond 2^53)."""
    if type(usage) is not dict:
        return None
    prompt, completion = usage.get("prompt_tokens"), usage.get("completion_tokens")
    if len(usage) == 3 and type(prompt) is int and type(completion) is int and "total_tokens" in usage:
        return Usage(input=prompt, output=completion) if 0 <= prompt <= _HUGE and 0 <= completion <= _HUGE else None
    if type(prompt) is not int and type(completion) is not int:
        return None
    counts = _Counts()
    read, output = counts.take(prompt), counts.take(completion)
    inner, outer = _details(usage, "prompt_tokens_details"), _details(usage, "completion_tokens_details")
    cached = counts.first(
        inner.get("cached_tokens"),
        usage.get("prompt_cache_hit_tokens"),
        usage.get("cache_read_input_tokens"),
        usage.get("cached_tokens"),
        usage.get("num_cached_tokens"),
    )
    written = counts.first(
        inner.get("cache_write_tokens"), inner.get("created_cache_tokens"), usage.get("cache_creation_input_tokens")
    )
    reasoning = counts.first(outer.get("reasoning_tokens"), usage.get("reasoning_tokens"))
    total = usage.get("total_tokens")
    if reasoning and type(total) is int and total == read + output + reasoning:
        output += reasoning  # xAI
    cached = min(cached, read)
    result = Usage(
        input=read,
        output=output,
        cached=cached,
        cache_write=min(written, read - cached),
        reasoning=min(reasoning, output),
        audio_in=counts.take(inner.get("audio_tokens")),
        audio_out=counts.take(outer.get("audio_tokens")),
        image_in=counts.take(inner.get("image_tokens")),
        accepted_prediction=counts.take(outer.get("accepted_prediction_tokens")),
        rejected_prediction=counts.take(outer.get("rejected_prediction_tokens")),
    )
    return None if counts.impossible else result


class _Counts:
    """Reads counts and remembers whether one of them could not be true."""

    __slots__ = ("impossible",)

    def __init__(self) -> None:
        self.impossible = False

    def take(self, value: Any) -> int:
        if value is None or value == 0:
            return 0
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not 0 <= value <= _HUGE:
            self.impossible = True
            return 0
        return value

    def first(self, *values: Any) -> int:
        return next((count for value in values if (count := self.take(value))), 0)


def _details(usage: Wire, key: str) -> Wire:
    details = usage.get(key)
    return details if type(details) is dict else {}


def render_usage(usage: Usage) -> Wire:
    """The `usage` member with every detail an integer: frameworks add them up."""
    rendered: Wire = {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached,
            "cache_write_tokens": usage.cache_write,
            "audio_tokens": usage.audio_in,
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning,
            "audio_tokens": usage.audio_out,
            "accepted_prediction_tokens": usage.accepted_prediction,
            "rejected_prediction_tokens": usage.rejected_prediction,
        },
    }
    if usage.image_in:
        rendered["prompt_tokens_details"]["image_tokens"] = usage.image_in
    return rendered


def mend_usage(usage: Any) -> bool:
    """Turn null details into integers, in place. Returns whether anything changed."""
    if type(usage) is not dict:
        return False
    changed = False
    for key, names in (("prompt_tokens_details", _PROMPT), ("completion_tokens_details", _COMPLETION)):
        if key not in usage:
            continue
        details = usage[key]
        if type(details) is not dict:
            usage[key] = dict.fromkeys(names, 0)
            changed = True
        elif None in details.values():
            usage[key] = {name: 0 if count is None else count for name, count in details.items()}
            changed = True
    for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
        if key in usage and usage[key] is None:
            usage[key] = 0
            changed = True
    return changed
