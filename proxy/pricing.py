"""What tokens cost: prices and a `Usage` to money, in decimals. Knows no catalogue, no configuration and no clock.

The totals of a `Usage` are inclusive, so tokens are first divided into buckets that do not overlap, and every bucket has
one rate. A bucket with tokens in it and no known rate makes the whole cost unknown, never smaller. What a tier, a service
tier or a place changes is multiplied in last. Source: the configuration reference, section 5.1, and what vendors publish
about long context, service tiers and residency (capabilities reference, section 11).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any, Literal

from proxy.resources import Pricing, Rates, Tier
from translators.canonical import Usage, value

RATES = tuple(rate.name for rate in fields(Rates))
"""The names of all rates."""

ORDINARY_TIERS = frozenset({"", "auto", "default", "standard", "standard_only", "on_demand"})
"""Names under which providers report that a call was served at the ordinary price."""

Grade = Literal["measured", "estimated", "partial", "none"]
"""What a cost is worth: the provider's own count, our estimate, the part it had told when it stopped, nothing used."""

_GRADES: Mapping[str, Grade] = {"provider": "measured", "estimated": "estimated", "partial": "partial", "none": "none"}
_MILLION = Decimal(1_000_000)
_ZERO = Decimal(0)
_ABSURD = 10**12
"""More tokens, or requests, than any call can have."""
_OUTPUT_SIDE = frozenset({"output", "reasoning", "audio_output"})
_STANDS_IN = {"reasoning": "output", "image_input": "input"}


@value
class Cost:
    """`usd` None is unknown. `original` is the same in the currency of the prices. A partial cost is a lower bound."""

    usd: Decimal | None
    original: Decimal | None
    grade: Grade


def buckets(usage: Usage) -> dict[str, int]:
    """Tokens by the name of the rate that bills them. They do not overlap: together they are `usage.total`.

    Sound and images are taken from the tokens that were neither read from a cache nor written to one, as providers do not
    say which of the cached tokens were sound.
    """
    cached = min(usage.cached, usage.input)
    written = min(usage.cache_write, usage.input - cached)
    kept = min(usage.cache_write_1h, written)
    fresh = usage.input - cached - written
    heard = min(usage.audio_in, fresh)
    seen = min(usage.image_in, fresh - heard)
    thought = min(usage.reasoning, usage.output)
    spoken = min(usage.audio_out, usage.output - thought)
    return {
        "input": fresh - heard - seen,
        "cached_input": cached,
        "cache_write": written - kept,
        "cache_write_1h": kept,
        "audio_input": heard,
        "image_input": seen,
        "output": usage.output - thought - spoken,
        "reasoning": thought,
        "audio_output": spoken,
    }


def cost_of(pricing: Pricing | None, usage: Usage, *, service_tier: str | None = None) -> Cost:
    """What `usage` costs, served by `service_tier` as the provider named it.

    Nothing used costs nothing, whatever the price. Figures that cannot be true have no cost.
    """
    grade = _GRADES[usage.source]
    if grade == "none":
        return Cost(_ZERO, _ZERO, grade)
    if pricing is None or not _can_be_true(usage):
        return Cost(None, None, grade)
    tokens = _tokens_cost(pricing, usage, service_tier or "")
    requests = _requests_cost(pricing, usage)
    if tokens is None or requests is None:
        return Cost(None, None, grade)
    original = tokens * pricing.surcharge + requests + pricing.per_request
    return Cost(original * pricing.usd_rate, original, grade)


def _can_be_true(usage: Usage) -> bool:
    """Also where `Usage.is_sane` has nothing to compare with: of the parts that only prices tell apart."""
    amounts = (*buckets(usage).values(), *usage.tool_requests.values())
    return usage.is_sane() and min(amounts) >= 0 and max(amounts) <= _ABSURD


def in_force(pricing: Pricing, day: str) -> Pricing:
    """The prices of `day` (ISO 8601)."""
    while pricing.then is not None and pricing.until is not None and day >= pricing.until:
        pricing = pricing.then
    return pricing


def rate_of(pricing: Pricing, name: str, tier: Tier | None = None) -> Decimal | None:
    """The rate called `name` in `tier`, money per million tokens. None when it is not known."""
    base: Decimal | None = getattr(pricing, name)
    own: Decimal | None = None if tier is None else getattr(tier, name)
    if base is None and name in _STANDS_IN:
        return rate_of(pricing, _STANDS_IN[name], tier) if own is None else own
    if tier is None:
        return base
    if own is not None or base is None:
        return own
    ordinary, raised = (pricing.output, tier.output) if name in _OUTPUT_SIDE else (pricing.input, tier.input)
    return base if raised is None or not ordinary else base * raised / ordinary


def _tokens_cost(pricing: Pricing, usage: Usage, service_tier: str) -> Decimal | None:
    factor = Decimal(1) if service_tier in ORDINARY_TIERS else pricing.service_tiers.get(service_tier)
    if factor is None and pricing.source == "local":
        factor = Decimal(1)
    if factor is None:
        return None
    of_cached = pricing.cached_service_tiers.get(service_tier, factor)
    tier = next((tier for tier in pricing.tiers if usage.input > tier.above), None)
    total = _ZERO
    for name, tokens in buckets(usage).items():
        if tokens:
            rate = rate_of(pricing, name, tier)
            if rate is None:
                return None
            total += tokens * rate * (of_cached if name == "cached_input" else factor)
    return total / _MILLION


def _requests_cost(pricing: Pricing, usage: Usage) -> Decimal | None:
    total = _ZERO
    for tool, requests in usage.tool_requests.items():
        if requests:
            price = _ZERO if pricing.source == "local" else pricing.tool_requests.get(tool)
            if price is None:
                return None
            total += requests * price
    return total


# --- before a call -----------------------------------------------------------------------------------------------------


@value
class Tariff:
    """What a call may cost at most, in US dollars: `steps` are (input tokens above, per input token, per output token)."""

    steps: tuple[tuple[int, Decimal, Decimal], ...]
    fixed: Decimal

    def most(self, tokens: int, output: int) -> Decimal:
        """The most that `tokens` of input and `output` tokens of answer can cost."""
        for above, per_input, per_output in self.steps:
            if tokens > above:
                return self.fixed + tokens * per_input + output * per_output
        return self.fixed


def tariff_of(pricing: Pricing, day: str, service_tier: str = "", kinds: tuple[str, ...] = ()) -> Tariff | None:
    """The tariff of `day` (ISO 8601; "" for the prices as they stand). None where a price is not known.

    Every input token counts as the dearest kind it may turn out to be: fresh, written to a cache, or one of `kinds` (names
    of rates, "audio_input" for a request that holds sound). What tools of the provider cost is not in it: nobody knows how often they run.
    """
    pricing = in_force(pricing, day) if day else pricing
    factor = Decimal(1) if service_tier in ORDINARY_TIERS else pricing.service_tiers.get(service_tier, Decimal(1))
    scale = factor * pricing.surcharge * pricing.usd_rate / _MILLION
    kinds = ("input", "cache_write", "cache_write_1h", *kinds)
    steps = []
    for tier in (*pricing.tiers, None):
        inputs = [rate for kind in kinds if (rate := rate_of(pricing, kind, tier)) is not None]
        output = rate_of(pricing, "output", tier)
        thought = rate_of(pricing, "reasoning", tier)
        if rate_of(pricing, "input", tier) is None or output is None:
            return None
        steps.append((-1 if tier is None else tier.above, max(inputs) * scale, max(output, thought or output) * scale))
    return Tariff(tuple(steps), pricing.per_request * pricing.usd_rate)


# --- as text and as documents ----------------------------------------------------------------------------------------


def fingerprint(pricing: Pricing) -> str:
    """The first 12 hex digits of SHA-256 over all prices: equal prices have equal names, whoever wrote them."""
    text = json.dumps(_plain(pricing), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _plain(record: Pricing | Tier) -> dict[str, Any]:
    def plain(member: object) -> Any:
        match member:
            case Pricing() | Tier():
                return _plain(member)
            case tuple():
                return [plain(each) for each in member]
            case Mapping():
                return {key: plain(each) for key, each in member.items()}
            case Decimal():
                return str(member.normalize())
            case _:
                return member

    told = (each.name for each in fields(record) if each.name not in ("as_of", "hash", "source"))
    return {name: plain(getattr(record, name)) for name in told}


def document(pricing: Pricing) -> dict[str, Any]:
    """Prices the way the configuration spells them, numbers as JSON has them. A rate that is not known is null."""
    rates = {"currency": pricing.currency, **dict(_rates(pricing))}
    told = {
        "perRequest": float(pricing.per_request),
        "tiers": [{"aboveInputTokens": tier.above, **dict(_resolved(pricing, tier))} for tier in pricing.tiers],
        "serviceTierMultipliers": {name: float(factor) for name, factor in pricing.service_tiers.items()},
        "perToolRequest": {tool: float(price) for tool, price in pricing.tool_requests.items()},
        "surcharge": None if pricing.surcharge == 1 else float(pricing.surcharge),
        "until": pricing.until,
        "asOf": pricing.as_of,
    }
    return {**rates, **{name: member for name, member in told.items() if member}, "source": pricing.source}


def _rates(pricing: Pricing) -> Iterator[tuple[str, float | None]]:
    always = ("input", "cached_input", "output")
    for name in RATES:
        rate = getattr(pricing, name)
        if rate is not None or name in always:
            yield f"{_camel(name)}PerMillionTokens", None if rate is None else float(rate)


def _resolved(pricing: Pricing, tier: Tier) -> Iterator[tuple[str, float]]:
    for name in RATES:
        rate = rate_of(pricing, name, tier) if getattr(pricing, name) is not None else getattr(tier, name)
        if rate is not None:
            yield f"{_camel(name)}PerMillionTokens", float(rate)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)
