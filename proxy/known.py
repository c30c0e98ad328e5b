"""What is known of one Model, as a document: the rows of `GET /v1/models/capabilities` and of `joch models`.

Shown as it is reckoned with: capabilities capped by the provider, prices completed, and beside them what only the catalogue
tells. No address, no key, no decision.
"""

from __future__ import annotations

from typing import Any

from proxy import catalog, pricing
from proxy.adapters.capabilities import flag_source, reckoned
from proxy.resources import Model


def document(model: Model) -> dict[str, Any]:
    """All of it. `source` says of each flag whether it is declared, probed, from the catalogue or the provider's bound."""
    has = reckoned(model)
    features = {name: _plain(value) for name, value in has.features.items()}
    entry = catalog.find(model)
    efforts = model.features.get("reasoningEfforts") or (entry and entry.features.get("reasoningEfforts"))
    return {
        "ref": model.ref,
        "provider": model.provider,
        "model": model.model,
        "endpointType": "local" if model.local else "hosted",
        "capabilities": dict(has.flags),
        "source": {flag: flag_source(model, flag) for flag in has.flags},
        "features": {**features, "reasoningEfforts": efforts} if efforts else features,
        "limits": {"contextWindowTokens": has.context_window, "maxOutputTokens": has.max_output},
        "regions": list(model.regions),
        "pricing": None if model.pricing is None else pricing.document(model.pricing),
        "catalog": None if entry is None else _of_catalog(entry),
    }


def _plain(feature: Any) -> Any:
    """Accepted values as a list, whatever their provider keeps them in."""
    return sorted(feature) if isinstance(feature, (frozenset, tuple)) else feature


def _of_catalog(entry: catalog.Entry) -> dict[str, Any]:
    """What the catalogue says that a record has no place for. `offeredIn` is where a model is to be had, not where it runs."""
    told = {
        "defaultEffort": entry.default_effort,
        "maxInputTokens": entry.max_input,
        "nativeWindowTokens": entry.native_window,
        "offeredIn": list(entry.regions),
        "released": entry.released,
        "retires": entry.retires,
        "note": entry.note,
        "inferred": list(entry.inferred),
    }
    known = {name: member for name, member in told.items() if member}
    return {**known, "asOf": entry.as_of, "source": entry.source, "confidence": entry.confidence}
