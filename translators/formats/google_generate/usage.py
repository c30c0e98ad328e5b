"""`usageMetadata` to canonical usage, and the tier that served the call.

Google counts the prompt with what came from the cache, but without what its own tools fed back; and thoughts beside the answer,
though both are billed as output. Some answers count thoughts inside the answer after all: then the total tells.
Source: https://ai.google.dev/api/generate-content#UsageMetadata and recorded answers.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import NO_USAGE, Usage
from translators.formats import Wire

_COUNTS = ("promptTokenCount", "candidatesTokenCount", "totalTokenCount")
_TIERS = {
    "standard": "default",
    "flex": "flex",
    "priority": "priority",
    "ON_DEMAND": "default",
    "ON_DEMAND_FLEX": "flex",
    "ON_DEMAND_PRIORITY": "priority",
    "PROVISIONED_THROUGHPUT": "scale",
}
"""Google's words for tiers (`serviceTier` of the Gemini API, `trafficType` of Vertex) and OpenAI's."""

_NUMBERS = {"IMAGE": 2, "AUDIO": 4}  # enums as numbers, which a query parameter may ask for


def counts_tokens(metadata: Any) -> bool:
    """Whether `metadata` says more than the kind of traffic: early chunks of Vertex do not."""
    return isinstance(metadata, dict) and any(type(metadata.get(name)) is int for name in _COUNTS)


def parse_usage(metadata: Wire | None, searches: int = 0) -> Usage:
    """The counts of the last metadata of an answer. `searches` are the web searches it made, billed by piece."""
    if metadata is None or not counts_tokens(metadata):
        return NO_USAGE
    prompt, answer = _count(metadata, "promptTokenCount"), _count(metadata, "candidatesTokenCount")
    tools, thoughts = _count(metadata, "toolUsePromptTokenCount"), _count(metadata, "thoughtsTokenCount")
    inside = 0 < thoughts <= answer and prompt + tools + answer == _count(metadata, "totalTokenCount")
    return Usage(
        input=prompt + tools,
        output=answer if inside else answer + thoughts,
        cached=_count(metadata, "cachedContentTokenCount"),
        reasoning=thoughts,
        audio_in=_of_modality(metadata, "promptTokensDetails", "AUDIO"),
        image_in=_of_modality(metadata, "promptTokensDetails", "IMAGE"),
        audio_out=_of_modality(metadata, "candidatesTokensDetails", "AUDIO"),
        tool_requests={"web_search": searches} if searches else {},
        source="provider" if type(metadata.get("promptTokenCount")) is int else "partial",
    )


def parse_tier(metadata: Wire | None) -> str | None:
    """The tier in OpenAI's words; None where Google did not say, or says something new."""
    if metadata is None:
        return None
    return _TIERS.get(str(metadata.get("serviceTier"))) or _TIERS.get(str(metadata.get("trafficType")))


def _count(metadata: Wire, name: str) -> int:
    value = metadata.get(name)
    return value if type(value) is int else 0


def _of_modality(metadata: Wire, name: str, modality: str) -> int:
    details = metadata.get(name)
    if not isinstance(details, list):
        return 0
    return sum(
        _count(entry, "tokenCount")
        for entry in details
        if isinstance(entry, dict) and entry.get("modality") in (modality, _NUMBERS[modality])
    )
