"""GET /v1/models, /v1/models/{id} and /v1/models/capabilities: what may be asked for, and what it can do."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from proxy import known
from proxy.adapters.capabilities import reckoned
from proxy.resources import ModelRoute
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
    """Per Model record: all ten flags with their source, features, limits, prices and the routes that use it."""
    snapshot = core.live.current.snapshot
    used: dict[str, list[str]] = {}
    for route in snapshot.routes.values():
        for entry in route.entries:
            used.setdefault(entry.ref, []).append(route.name)
    rows = [{**known.document(model), "routes": used.get(ref, [])} for ref, model in snapshot.models.items()]
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
