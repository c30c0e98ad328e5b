"""What operators ask: why a call went where it went, what a call would do now, how candidates are. For them alone.

Answers are documents that other parts make; nothing here decides or computes. An unknown query member is refused with the
known ones named, so that a typo never widens what is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from proxy.call import Call
from proxy.explain import Found, as_text, document, report
from proxy.explain.document import served_by
from proxy.store import StoreError
from translators.canonical import RequestError
from translators.formats import ClientFormat
from translators.formats.json import dumps

from .body import read_json
from .core import Core
from .generate import make_call

_PATIENCE = 5.0
_MOST = 1000
_DIGITS = 12
"""More than unix seconds have in this era."""
_QUERY = ("execution", "call", "last", "agent", "since", "failed")


async def explain(request: web.BaseRequest, core: Core, route: str) -> web.Response:
    """`GET /v1/route/{name}/explain`: the newest documents that match, as JSON or, asked for `text/plain`, for people."""
    wanted = _wanted(request, route)
    try:
        found = await core.explanations.find(wanted, _PATIENCE)
    except StoreError:
        raise _store_down() from None
    if not found:
        days = core.live.current.snapshot.settings.explain_seconds / 86400
        raise RequestError(
            f"No call matches. Explanations are kept for {days:g} days.", status=404, code="NotFound", param=None
        )
    if "text/plain" in request.headers.get("Accept", ""):
        return web.Response(text="\n".join(map(as_text, found)), content_type="text/plain")
    single = wanted.last == 1 or wanted.call is not None
    return _json(found[0] if single else {"object": "list", "data": found})


async def dry_run(request: web.BaseRequest, core: Core, client: ClientFormat, route: str, call_id: str) -> web.Response:
    """`POST /v1/route/{name}/explain`: the document of the call in the body as it would be planned now; nothing is sent."""
    _given(request, ("dialect",))
    settings = core.live.current.snapshot.settings
    body, raw = await read_json(request, settings.max_body_bytes, core.body_seconds)
    parsed = client.parse_request(body, raw)
    named, has_token = None if route == "-" else route, settings.admin_token is not None
    call = make_call(request, core, client, parsed, call_id, route=named, by_operator=has_token)
    call, error = await core.gateway.dry_run(call)
    made = document(call, core.status.capabilities_of, error=error, dry_run=True)
    if "text/plain" in request.headers.get("Accept", ""):
        return web.Response(text=as_text(made), content_type="text/plain")
    return _json(made)


def explanation_of(core: Core, call: Call) -> Mapping[str, Any]:
    """The explanation of a call that has just ended, for the answer itself. What its execution had spent is not in it."""
    return document(call, core.status.capabilities_of, outcome="ok", served=served_by(call))


async def execution(core: Core, id: str) -> web.Response:
    """`GET /v1/executions/{id}`: what an execution has come to."""
    try:
        found = await core.explanations.execution(id, _PATIENCE)
    except StoreError:
        raise _store_down() from None
    if not found:
        raise RequestError("There is no such execution.", status=404, code="NotFound", param=None)
    return _json(found[0] if len(found) == 1 else {"object": "list", "data": found})


def health(core: Core) -> web.Response:
    """`GET /v1/health`: every model with its state and figures, as this process knows them."""
    rows = core.status.health(core.live.current.snapshot)
    return _json({"object": "list", "instance": core.instance, "data": rows})


def describe_route(core: Core, name: str) -> web.Response:
    """`GET /v1/route/{name}`: the route with its candidates as they are now."""
    snapshot = core.live.current.snapshot
    route = snapshot.routes.get(name)
    if route is None:
        raise RequestError("There is no such route.", status=404, code="NotFound", param=None)
    return _json(core.status.route(snapshot, route))


async def check(request: web.BaseRequest, core: Core) -> web.Response:
    """`GET /v1/route/-/check?agent=A&target=provider:model`: whether a model could take over what an agent's calls do."""
    given = _given(request, ("agent", "target"))
    snapshot = core.live.current.snapshot
    agent, target = given.get("agent"), given.get("target")
    if not agent or not target:
        raise RequestError("'agent' and 'target' are required.", param="agent" if not agent else "target")
    try:
        found = await core.explanations.find(Found(agent=agent, last=_MOST), _PATIENCE)
    except StoreError:
        raise _store_down() from None
    route, _ = core.live.current.resolver.resolve(target)
    entry = route.entries[0]
    model = entry.model or snapshot.models[entry.ref]
    return _json(report(agent, model, snapshot, core.status.capabilities_of(model), found))


def _wanted(request: web.BaseRequest, route: str) -> Found:
    given = _given(request, _QUERY)
    return Found(
        route=route,
        execution=given.get("execution"),
        call=given.get("call"),
        agent=given.get("agent"),
        since=_number(given, "since"),
        failed=_flag(given, "failed"),
        last=int(_number(given, "last") or 1),
    )


def _given(request: web.BaseRequest, known: tuple[str, ...]) -> Mapping[str, str]:
    given = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
    for name in given:
        if name not in known:
            raise RequestError(
                f"Unknown query parameter {name[:40]!r}; known are {', '.join(known)}.",
                param=name[:40],
                code="unknown_parameter",
            )
    return given


def _number(given: Mapping[str, str], name: str) -> float | None:
    text = given.get(name)
    if text is None:
        return None
    if (
        not text.isascii()
        or not text.isdigit()
        or len(text) > _DIGITS
        or (name == "last" and not 1 <= int(text) <= _MOST)
    ):
        limit = f"1 to {_MOST}" if name == "last" else "unix seconds"
        raise RequestError(f"'{name}' must be a whole number: {limit}.", param=name, code="invalid_value")
    return float(text)


def _flag(given: Mapping[str, str], name: str) -> bool:
    text = given.get(name, "false")
    if text not in ("true", "false"):
        raise RequestError(f"'{name}' must be true or false.", param=name, code="invalid_value")
    return text == "true"


def _store_down() -> RequestError:
    return RequestError(
        "The store cannot answer now.", status=503, type="server_error", code="overloaded", retry_after=1.0
    )


def _json(body: Mapping[str, Any]) -> web.Response:
    return web.Response(body=dumps(body), content_type="application/json")
