"""Every usage that providers were recorded with has the cost that its raw figures say, by the catalogue's prices.

The figures are read twice: by the formats, and here from the JSON as the vendor's billing page adds them up.
`JOCH_RECORDINGS` may name a folder with more recordings of the same shape.
"""

from __future__ import annotations

import importlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from proxy import catalog
from proxy.pricing import cost_of
from proxy.resources import Model, Pricing
from translators import exchange
from translators.canonical import Response, UpstreamError

FOLDERS = [Path(__file__).parents[1] / "recordings"]
if "JOCH_RECORDINGS" in os.environ:
    FOLDERS.append(Path(os.environ["JOCH_RECORDINGS"]))

FORMATS = {
    "chat": "openai_chat",
    "responses": "openai_responses",
    "messages": "anthropic_messages",
    "generateContent": "google_generate",
    "streamGenerateContent": "google_generate",
}
SOLD_BY = {"openai": "openai", "azure": "microsoft", "anthropic": "anthropic", "google": "google", "vertex": "google"}
MILLION = Decimal(1_000_000)


def recorded() -> list[Any]:
    """Answers that were given, by the folders of their providers, each once."""
    found: dict[str, dict[str, Any]] = {}
    for folder in FOLDERS:
        for path in sorted(file for name in SOLD_BY for file in (folder / name).glob("*.json")):
            exchanged = json.loads(path.read_text())
            if exchanged["api"] in FORMATS and exchanged["response"]["status"] == 200:
                found.setdefault(exchanged["id"], exchanged)
    return [pytest.param(exchanged, id=identity) for identity, exchanged in found.items()]


def documents(exchanged: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The JSON objects of an answer: one, those of its stream, or (Google's other way to stream) those of a list."""
    body, text = exchanged["response"].get("body_json"), exchanged["response"].get("body_text", "")
    if body is None and text.startswith("["):
        body = json.loads(text)
    if body is not None:
        yield from body if isinstance(body, list) else [body]
        return
    for line in text.splitlines():
        data = line.removeprefix("data:").strip()
        if line.startswith("data:") and data.startswith("{"):
            yield json.loads(data)


def parsed(exchanged: dict[str, Any]) -> Response:
    wire_format = importlib.import_module(f"translators.formats.{FORMATS[exchanged['api']]}").PROVIDER
    body = exchanged["response"].get("body_json")
    if isinstance(body, dict) and not exchanged["stream"]:
        response: Response = wire_format.parse_response(body, "test")
        return response
    raw = exchanged["response"].get("body_text") or json.dumps(body)
    return exchange.fold_stream(wire_format, "test", raw.encode())


Billed = dict[str, int]
"""Tokens by what a vendor charges for."""


def by_openai(usage: dict[str, Any]) -> Billed:
    """Both dialects: what is cached, written or heard is part of the total."""
    read = usage.get("prompt_tokens", usage.get("input_tokens"))
    told = usage.get("completion_tokens", usage.get("output_tokens"))
    inner = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    outer = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    cached, written = inner.get("cached_tokens") or 0, inner.get("cache_write_tokens") or 0
    heard, spoken = inner.get("audio_tokens") or 0, outer.get("audio_tokens") or 0
    fresh = read - cached - written - heard
    return {
        "input": fresh,
        "cached_input": cached,
        "cache_write": written,
        "audio_input": heard,
        "output": told - spoken,
        "audio_output": spoken,
    }


def by_anthropic(usage: dict[str, Any]) -> Billed:
    """What was read from the cache and written to it stands beside the input, and compaction beside all of it."""
    total: Counter[str] = Counter()
    for part in (usage, *(step for step in usage.get("iterations") or () if step["type"] == "compaction")):
        hour = (part.get("cache_creation") or {}).get("ephemeral_1h_input_tokens") or 0
        total["input"] += part.get("input_tokens") or 0
        total["cached_input"] += part.get("cache_read_input_tokens") or 0
        total["cache_write"] += (part.get("cache_creation_input_tokens") or 0) - hour
        total["cache_write_1h"] += hour
        total["output"] += part.get("output_tokens") or 0
    return dict(total)


def by_google(usage: dict[str, Any]) -> Billed:
    """Thoughts are billed as output, what tools brought as input. How much of the sound was cached cannot be kept."""
    cached = usage.get("cachedContentTokenCount", 0)
    tools = usage.get("toolUsePromptTokenCount", 0)
    heard = sum(
        part.get("tokenCount", 0) for part in usage.get("promptTokensDetails", ()) if part["modality"] == "AUDIO"
    )
    read, said = usage.get("promptTokenCount", 0), usage.get("candidatesTokenCount", 0)
    heard = min(heard, read + tools - cached)
    thought = usage.get("thoughtsTokenCount", 0)
    if thought and read + said + tools == usage.get("totalTokenCount"):
        thought = 0  # already in what was said
    return {
        "input": read - cached - heard + tools,
        "cached_input": cached,
        "audio_input": heard,
        "output": said + thought,
    }


def billed(exchanged: dict[str, Any]) -> Billed:
    """The last figures an answer gives: Anthropic's of each member, the others' as a whole."""
    usage: dict[str, Any] = {}
    for document in documents(exchanged):
        for place in (document, document.get("response"), document.get("message")):
            told = place.get("usage") or place.get("usageMetadata") if isinstance(place, dict) else None
            if isinstance(told, dict):
                kept = usage if exchanged["api"] == "messages" else {}
                usage = {**kept, **{name: count for name, count in told.items() if count is not None}}
    if exchanged["api"] == "messages":
        return by_anthropic(usage)
    return by_openai(usage) if exchanged["api"] in ("chat", "responses") else by_google(usage)


def expected(pricing: Pricing, tokens: Billed, tier: str | None, requests: dict[str, int]) -> Decimal | None:
    factor = Decimal(1) if tier in (None, "default", "standard", "auto") else pricing.service_tiers.get(tier)
    total = sum(tokens[name] for name in tokens if name.endswith("input") or name.startswith("cache_write"))
    assert not any(total > above.above for above in pricing.tiers), "no recording is that long"
    money = Decimal(0)
    for name, count in tokens.items():
        rate = getattr(pricing, name)
        if count and (rate is None or factor is None):
            return None
        money += count * (rate or 0) * (factor or 0) / MILLION
    for tool, count in requests.items():
        price = pricing.tool_requests.get(tool)
        if price is None:
            return None
        money += count * price
    return money


@pytest.mark.parametrize("exchanged", recorded())
def test_a_recorded_usage_costs_what_its_raw_figures_say(exchanged: dict[str, Any]) -> None:
    try:
        response = parsed(exchanged)
    except UpstreamError:
        return  # an answer that is a failure; the formats' own tests say which
    usage = response.usage
    assert usage.source == "none" or usage.is_sane()
    model = Model(name="m", provider=SOLD_BY[exchanged["provider"]], model=response.model or exchanged["model"] or "?")
    pricing = catalog.informed(model).pricing
    cost = cost_of(pricing, usage, service_tier=response.service_tier)
    if usage.source == "none":
        assert cost.usd == 0
    elif pricing is None:
        assert cost.usd is None
    else:
        wanted = expected(pricing, billed(exchanged), response.service_tier, dict(usage.tool_requests))
        assert cost.usd == wanted
        assert wanted is None or 0 <= wanted < 10
