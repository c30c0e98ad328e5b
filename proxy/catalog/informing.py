"""Fills in what a Model record leaves out. What its operator wrote or an endpoint told stays as it is.

Capabilities are all or none: a record that declares one flag declares what it can do (decision 0006). The two limits and
the prices are filled in one by one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from proxy.pricing import RATES, fingerprint
from proxy.resources import Model, Pricing

from .entry import Entry, entry_of
from .table import is_own_engine, table_of

_LIKE_OUTPUT = frozenset({"output", "reasoning", "audio_output"})
_OPENAI = ".api.openai.com"
_EVERYWHERE = "global"
_UNDISCOUNTED = Pricing(input=Decimal(1), cached_input=Decimal(1), cache_write=Decimal(1), cache_write_1h=Decimal(1))


def find(model: Model) -> Entry | None:
    """What the catalogue knows of the model that `model` sends its calls to; None when it does not know it.

    The id is that of the feature `baseModel` where there is one, as a deployment may be called anything.
    """
    host = urlsplit(model.base_url or "").hostname or ""
    base = model.features.get("baseModel")
    asked = base if isinstance(base, str) else model.model
    return _find(model.provider, asked.removeprefix("models/"), host, _surface(model, host))


@lru_cache(maxsize=4096)
def _find(provider: str, identity: str, host: str, surface: str) -> Entry | None:
    table = table_of(provider)
    if table is None:
        return None
    row = table.find(identity, host)
    return None if row is None else entry_of(identity, row, table, surface)


def informed(model: Model) -> Model:
    """`model` with what the catalogue knows and the record does not say."""
    entry = find(model)
    pricing = priced(model, entry)
    if entry is None:
        return model if pricing is model.pricing else replace(model, pricing=pricing)
    told: dict[str, Any] = {}
    if not model.declares:
        told["flags"] = {**entry.flags, **model.flags}
        told["flag_sources"] = {**dict.fromkeys(entry.flags, "catalog"), **model.flag_sources}
        told["features"] = {**entry.features, **model.features}
    return replace(
        model,
        **told,
        context_window=model.context_window or entry.context_window,
        max_output=model.max_output or entry.max_output,
        pricing=pricing,
    )


def priced(model: Model, entry: Entry | None) -> Pricing | None:
    """The prices of `model`: the catalogue's with the surcharge of its place, or its own, completed by ratio.

    A declared price that says nothing of cached tokens, writes, sound or images stands to its input, or output, as the
    catalogue's do; engines that people run themselves know no discount. Service tiers multiply as they do there. Tiers by
    length are not taken over: a declared price is flat unless it says otherwise.
    """
    known = None if entry is None else entry.pricing
    own = model.pricing
    if own is None:
        return known if known is None or entry is None else _placed(known, _surcharge(model, entry.places))
    if own.source != "model":
        return own
    if known is None:
        known = _UNDISCOUNTED if is_own_engine(model.provider) else Pricing()
    rates: dict[str, Any] = {name: _by_ratio(own, known, name) for name in RATES if getattr(own, name) is None}
    completed = replace(
        own,
        **rates,
        service_tiers=own.service_tiers or known.service_tiers,
        cached_service_tiers=own.cached_service_tiers if own.service_tiers else known.cached_service_tiers,
        tool_requests=_converted(known.tool_requests, own.usd_rate),
    )
    return own if completed == own else replace(completed, hash=fingerprint(completed))


def _by_ratio(own: Pricing, known: Pricing, name: str) -> Decimal | None:
    side = "output" if name in _LIKE_OUTPUT else "input"
    declared, listed, wanted = getattr(own, side), getattr(known, side), getattr(known, name)
    if declared is None or not listed or wanted is None or name == side:
        return None
    ratio: Decimal = declared * wanted / listed
    return ratio


def _converted(prices: Mapping[str, Decimal], usd_rate: Decimal) -> Mapping[str, Decimal]:
    return {tool: price / usd_rate for tool, price in prices.items()} if usd_rate else {}


def _placed(pricing: Pricing, surcharge: Decimal) -> Pricing:
    if surcharge == 1:
        return pricing
    then = None if pricing.then is None else _placed(pricing.then, surcharge)
    raised = replace(pricing, surcharge=surcharge, then=then)
    return replace(raised, hash=fingerprint(raised))


def _surface(model: Model, host: str) -> str:
    """ "vertex" for what Google's cloud serves: where there is a project, or one of its hosts."""
    vertex = model.provider == "google" and (bool(model.place.get("project")) or "aiplatform" in host)
    return "vertex" if vertex else ""


def _surcharge(model: Model, places: Mapping[str, Decimal]) -> Decimal:
    """What the record's place multiplies prices by: that of OpenAI's residency hosts, else of its location or region.

    "*" stands for every place but the one that is everywhere.
    """
    host = urlsplit(model.base_url or "").hostname or ""
    if host.endswith(_OPENAI):
        return places.get(host.removesuffix(_OPENAI), Decimal(1))
    place = model.place.get("location") or model.region or _EVERYWHERE
    return Decimal(1) if place == _EVERYWHERE else places.get(place, places.get("*", Decimal(1)))
