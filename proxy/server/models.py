"""GET /v1/models, /v1/models/{id} and /v1/models/capabilities: what may be asked for, and what it can do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proxy import known
from proxy.adapters.capabilities import reckoned
from proxy.identity import Identity, route_name, visible
from proxy.resources import ModelRoute
from translators.canonical import RequestError
from translators.formats.json import dumps

from .core import Core
from .generate import unknown_model


def list_models(core: Core, identity: Identity) -> web.Response:
    """What the caller may name, in OpenAI's list shape: routes, aliases and models, each with a `joch` member that says so."""
    configured = core.live.current
    rows: dict[str, dict[str, Any]] = {}
    for name, kind, target in configured.resolver.names():
        route, _ = configured.resolver.resolve(name)
        if not visible(route, identity):
            continue
        rows.setdefault(name, _row(core, name, kind, target, route))
    return _json({"object": "list", "data": list(rows.values())})


def retrieve_model(core: Core, name: str, identity: Identity) -> web.Response:
    """Any name that resolves, globs and implicit models included. Raises `RequestError` 404 `model_not_found`."""
    configured = core.live.current
    if not name:
        raise RequestError("you must provide a model id", param="model", code="missing_required_parameter")
    named = route_name(identity, configured.snapshot, name, None)
    if named is not None and named[1] == "route-name":
        route, how = configured.snapshot.routes[named[0]], named[1]
    else:
        route, how = configured.resolver.resolve(name, None, lambda target: visible(target, identity))
    if how == "default-route" or not visible(route, identity):
        raise unknown_model(name)
    kind = "model" if route.implicit else "route"
    return _json(_row(core, name, kind, route.name.removeprefix("~"), route))


def capabilities(core: Core, identity: Identity) -> web.Response:
    """Per Model record that the caller may use: all ten flags with their source, features, limits, prices and the routes that use it."""
    snapshot = core.live.current.snapshot
    used: dict[str, list[str]] = {}
    for route in filter(lambda route: visible(route, identity), snapshot.routes.values()):
        for entry in route.entries:
            used.setdefault(entry.ref, []).append(route.name)
    rows = [
        {**known.document(model), "health": core.status.condition(ref).name, "routes": used.get(ref, [])}
        for ref, model in snapshot.models.items()
        if visible(model, identity)
    ]
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


def _json(body: dict[str, Any]) -> web.Response:
    return web.Response(body=dumps(body), content_type="application/json")
