"""Anthropic's counts to ours. It counts what the cache read and what it wrote beside `input_tokens`; here input contains both.

In a stream every message_delta repeats the counts so far, some of them: the last value of each counts, null is no value. Steps
of `iterations` that the totals leave out (compaction) are added, since they are billed. Source:
https://platform.claude.com/docs/en/build-with-claude/prompt-caching and /compaction, on usage
"""

from __future__ import annotations

from typing import Any

from translators.canonical import NO_USAGE, Usage

TIERS = {"standard": "default", "priority": "priority", "batch": "batch"}
"""`usage.service_tier` in OpenAI's words."""

_TOOLS = {"web_search_requests": "web_search", "web_fetch_requests": "web_fetch"}
_UNCOUNTED = frozenset({"compaction"})  # types of iterations that the totals leave out


class Counts:
    """What was said of one answer's usage so far."""

    __slots__ = ("_said",)

    def __init__(self) -> None:
        self._said: dict[str, Any] = {}

    def add(self, usage: object) -> None:
        """More of it: a whole answer's `usage`, or that of one event."""
        if isinstance(usage, dict):
            self._said.update({name: value for name, value in usage.items() if value is not None})

    @property
    def service_tier(self) -> str | None:
        """The tier that served the call, in OpenAI's words."""
        tier = self._said.get("service_tier")
        if self._said.get("speed") == "fast":  # a price of its own, whatever the tier
            return "fast"
        return TIERS.get(tier, tier) if isinstance(tier, str) else None

    def extensions(self) -> dict[str, str]:
        """What decides the price beside the counts, and where the call was served. "standard" is what nobody asked for."""
        geo, speed = self._said.get("inference_geo"), self._said.get("speed")
        told: dict[str, str] = {}
        if isinstance(geo, str) and geo != "not_available":
            told["inference_geo"] = geo
        if isinstance(speed, str) and speed != "standard":
            told["speed"] = speed
        return told

    def usage(self) -> Usage:
        """The canonical counts; `NO_USAGE` when none were given."""
        said = self._said
        if not any(type(said.get(name)) is int for name in ("input_tokens", "output_tokens")):
            return NO_USAGE
        parts = [_part(said)]
        steps = said.get("iterations")
        further = steps if isinstance(steps, list) else []
        parts += [_part(step) for step in further if isinstance(step, dict) and step.get("type") in _UNCOUNTED]
        output, reasoning = sum(part.output for part in parts), sum(part.reasoning for part in parts)
        return Usage(
            input=sum(part.input for part in parts),
            output=output,
            cached=sum(part.cached for part in parts),
            cache_write=sum(part.cache_write for part in parts),
            cache_write_1h=sum(part.cache_write_1h for part in parts),
            reasoning=min(reasoning, output),
            tool_requests=_tool_requests(said.get("server_tool_use")),
        )


def _part(said: dict[str, Any]) -> Usage:
    split = said.get("cache_creation")
    hour, minutes = _count(split, "ephemeral_1h_input_tokens"), _count(split, "ephemeral_5m_input_tokens")
    # A stream states the split once, at its start; the total may grow until its end.
    written = max(_count(said, "cache_creation_input_tokens"), hour + minutes)
    read = _count(said, "cache_read_input_tokens")
    return Usage(
        input=_count(said, "input_tokens") + read + written,
        output=_count(said, "output_tokens"),
        cached=read,
        cache_write=written,
        cache_write_1h=hour,
        reasoning=_count(said.get("output_tokens_details"), "thinking_tokens"),
    )


def _tool_requests(counts: object) -> dict[str, int]:
    return {tool: count for name, tool in _TOOLS.items() if (count := _count(counts, name))}


def _count(said: object, name: str) -> int:
    value = said.get(name) if isinstance(said, dict) else None
    return value if type(value) is int and value > 0 else 0
