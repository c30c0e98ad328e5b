"""A row of the catalogue as a frozen record, its prices as decimals. No files, no look-ups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from proxy.pricing import fingerprint
from proxy.resources import Pricing, Tier

from .table import Row, Table

_EMPTY: Mapping[str, Any] = {}
_RATES = {
    "input": "input",
    "cached": "cached_input",
    "write": "cache_write",
    "writeLong": "cache_write_1h",
    "output": "output",
    "reasoning": "reasoning",
    "audioInput": "audio_input",
    "audioOutput": "audio_output",
    "imageInput": "image_input",
}
"""Members of a row's price to the rates they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What is known of a model. Absent flags and features, and None, are unknown. Days are ISO 8601, windows in tokens.

    `features` only holds what narrows a provider's upper bound, and the reasoning efforts. `places` are surcharges by the
    name of a place. `native_window` is what weights were trained for, not what a server gives them. `source` says where the
    figures are from and `confidence` what that is worth; the members in `inferred` are in no source.
    """

    id: str
    flags: Mapping[str, bool]
    features: Mapping[str, Any]
    default_effort: str | None = None
    context_window: int | None = None
    max_input: int | None = None
    max_output: int | None = None
    native_window: int | None = None
    pricing: Pricing | None = None
    places: Mapping[str, Decimal] = field(default_factory=lambda: _EMPTY)
    regions: tuple[str, ...] = ()
    released: str | None = None
    retires: str | None = None
    note: str | None = None
    inferred: tuple[str, ...] = ()
    source: str = ""
    as_of: str = ""
    confidence: str = ""


def entry_of(identity: str, row: Row, table: Table, surface: str = "") -> Entry:
    """The record of a whole `row` of `table`. What differs on a provider's `surface` ("vertex") stands under its name."""
    own = row.get(surface)
    if own is not None:
        row = {**row, **own, "price": {**row.get("price", {}), **own.get("price", {})}}
    source = table.sources[row["source"]]
    as_of = row.get("asOf", table.as_of)
    features = dict(row.get("features", {}))
    if "efforts" in row:
        features["reasoningEfforts"] = list(row["efforts"])
    price = row.get("price")
    return Entry(
        id=identity,
        flags=row.get("flags", {}),
        features=features,
        default_effort=row.get("effort"),
        context_window=row.get("window"),
        max_input=row.get("maxInput"),
        max_output=row.get("maxOutput"),
        native_window=row.get("nativeWindow"),
        pricing=None if price is None or "input" not in price else _pricing(price, as_of),
        places=_decimals((price or {}).get("places", {})),
        regions=tuple(row.get("regions", ())),
        released=row.get("released"),
        retires=row.get("retires"),
        note=row.get("note"),
        inferred=tuple(row.get("inferred", ())),
        source=source["name"],
        as_of=as_of,
        confidence=source["confidence"],
    )


def _pricing(price: Row, as_of: str) -> Pricing:
    """The prices of a row: those of its day, and behind them each announced change."""
    first, *later = price.get("changes", ()) or (None,)
    if first is None:
        return _stage(price, as_of, None, None)
    return _stage(price, as_of, first["from"], _pricing({**price, **first, "changes": later}, as_of))


def _stage(price: Row, as_of: str, until: str | None, then: Pricing | None) -> Pricing:
    rates: dict[str, Any] = {name: _decimal(price[member]) for member, name in _RATES.items() if member in price}
    plain = Pricing(
        **rates,
        service_tiers=_decimals(price.get("serviceTiers", {})),
        cached_service_tiers=_decimals(price.get("cachedServiceTiers", {})),
        tool_requests=_decimals(price.get("toolRequests", {})),
        until=until,
        then=then,
        as_of=as_of,
        source="catalog",
    )
    raised = tuple(_tier(plain, tier) for tier in price.get("tiers", ()))
    priced = replace(plain, tiers=tuple(sorted(raised, key=lambda tier: -tier.above)))
    return replace(priced, hash=fingerprint(priced))


def _tier(pricing: Pricing, tier: Row) -> Tier:
    """Long requests are dearer by a factor for each side; the other rates follow theirs."""
    return Tier(
        above=tier["above"],
        input=_times(pricing.input, tier["inputTimes"]),
        output=_times(pricing.output, tier["outputTimes"]),
    )


def _times(rate: Decimal | None, factor: float) -> Decimal | None:
    return None if rate is None else rate * _decimal(factor)


def _decimals(members: Mapping[str, float]) -> Mapping[str, Decimal]:
    return {name: _decimal(member) for name, member in members.items()}


def _decimal(number: float) -> Decimal:
    """The number as it is written in the file."""
    return Decimal(str(number))
