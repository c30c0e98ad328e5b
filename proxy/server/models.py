"""GET /v1/models, /v1/models/{id} and /v1/models/capabilities: what may be asked for, and what it can do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proxy.adapters.capabilities import flag_source, reckoned
from proxy.resources import Model, ModelRoute
from translators.canonical import RequestError
from translators.formats.json import dumps

from .core import Core


def list_models(core: Core) -> web.Response:
    """Routes, aliases and models in OpenAI's list shape, each with a `joch` member that says what it is."""
    configured = core.live.current
    rows: dict[str, dict[str, Any]] = {}
    for name, kind, target in configured.resolver.names():
        route, _ = configured.resolver.resolve(name)
        rows.setdefault(name, _row(core, name, kind, target, route))
    return _json({"object": "list", "data": list(rows.values())})


def retrieve_model(core: Core, name: str) -> web.Response:
    """Any name that resolves, globs and implicit models included. Raises `RequestError` 404 `model_not_found`."""
    configured = core.live.current
    if not name:
        raise RequestError("you must provide a model id", param="model", code="missing_required_parameter")
    route, how = configured.resolver.resolve(name)
    if how == "default-route":
        raise RequestError(
            f"The model {name[:64]!r} does not exist or you do not have access to it.",
            code="model_not_found",
            status=404,
        )
    kind = "model" if route.implicit else "route"
    return _json(_row(core, name, kind, route.name.removeprefix("~"), route))


def capabilities(core: Core) -> web.Response:
    """Per Model record: all ten flags with their source, features, limits and the routes that use it."""
    snapshot = core.live.current.snapshot
    used: dict[str, list[str]] = {}
    for route in snapshot.routes.values():
        for entry in route.entries:
            used.setdefault(entry.ref, []).append(route.name)
    rows = [_capabilities(core, model, used.get(ref, [])) for ref, model in snapshot.models.items()]
    return _json({"object": "list", "data": rows})


def _row(core: Core, name: str, kind: str, target: str, route: ModelRoute) -> dict[str, Any]:
    first = route.entries[0]
    model = first.model or core.live.current.snapshot.models[first.ref]
    flags = reckoned(model).flags
    return {
        "id": name,
        "object": "model",
        "created": 0,
        "owned_by": "joch" if kind != "model" else model.provider,
        "joch": {
            "kind": kind,
            "resolvesTo": target,
            "candidates": [entry.ref for entry in route.entries],
            "capabilities": [flag for flag, value in flags.items() if value],
        },
    }


def _capabilities(core: Core, model: Model, routes: list[str]) -> dict[str, Any]:
    has = reckoned(model)
    return {
        "ref": model.ref,
        "provider": model.provider,
        "model": model.model,
        "capabilities": dict(has.flags),
        "source": {flag: flag_source(model, flag) for flag in has.flags},
        "features": {
            name: list(value) if isinstance(value, frozenset) else value for name, value in has.features.items()
        },
        "limits": {"contextWindowTokens": has.context_window, "maxOutputTokens": has.max_output},
        "regions": list(model.regions),
        "endpointType": "local" if model.local else "hosted",
        "pricing": _pricing(model),
        "routes": routes,
    }


def _pricing(model: Model) -> dict[str, Any] | None:
    price = model.pricing
    if price is None:
        return None
    return {
        "currency": price.currency,
        "inputPerMillionTokens": None if price.input is None else float(price.input),
        "cachedInputPerMillionTokens": None if price.cached_input is None else float(price.cached_input),
        "outputPerMillionTokens": None if price.output is None else float(price.output),
        "source": price.source,
    }


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=dumps(body), content_type="application/json")
