"""The table of paths, and the one place where an exception becomes an answer.

Paths are matched as sent: no decoding, no dot segments, no doubled slashes, so nothing can be reached by two spellings. One
part may stand before the paths of clients: `/a/AGENT`, by which an app that can only be given a base URL says who it is.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import unquote

from aiohttp import web

from proxy.identity import Identity, recognise, split_path
from proxy.metrics import CONTENT_TYPE
from proxy.resources import Settings
from translators.canonical import JochError, RequestError
from translators.formats import ClientFormat
from translators.formats.joch_native import CLIENT as NATIVE
from translators.formats.json import dumps

from . import models, operators
from .auth import check_operator
from .core import Core
from .embeddings import embed
from .errors import error_response, internal_error, method_not_allowed, not_found
from .generate import generate, identity_of, shutting_down
from .guard import check
from .native import NativeApi
from .operators import explanation_of

Handler = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
_log = logging.getLogger("joch.server")
_OPERATORS = ("/v1/health", "/v1/route/", "/v1/executions/")
"""Beginnings of paths that only operators may ask for."""


class Dispatcher:
    """Serves every request of the process. `clients` are the formats by the path they are spoken at."""

    def __init__(self, core: Core, clients: dict[str, ClientFormat]) -> None:
        self._core = core
        settings = core.live.current.snapshot.settings
        self._routes: dict[str, tuple[str, Handler]] = {}
        self._clients = clients
        self._prefixes: list[str] = []
        for base in settings.base_paths:
            self._mount(base.rstrip("/"), clients)
        for path, handler in (
            ("/health", self._health),
            ("/healthz", self._health),
            ("/ready", self._ready),
            ("/readyz", self._ready),
        ):
            self._routes[path] = ("GET", handler)
        self._open = frozenset(("/health", "/healthz", "/ready", "/readyz"))
        native = NativeApi(core, partial(explanation_of, core))
        self._routes["/v1/model/respond"] = ("POST", native.respond)
        self._routes["/v1/model/stream"] = ("POST", native.stream)

    def _mount(self, base: str, clients: dict[str, ClientFormat]) -> None:
        for path, client in clients.items():
            self._routes[base + path] = ("POST", partial(self._generate, client))
        self._routes[base + "/embeddings"] = ("POST", partial(self._embed, clients["/chat/completions"]))
        self._routes[base + "/models"] = ("GET", self._list_models)
        self._routes[base + "/models/capabilities"] = ("GET", self._capabilities)
        self._prefixes.append(base + "/models/")

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; never raises anything but cancellation."""
        core = self._core
        call_id = core.new_id("mc_")
        settings = core.live.current.snapshot.settings
        path = request.raw_path.partition("?")[0]
        try:
            response = await self._answer(request, call_id, path, settings)
        except JochError as error:
            if error.status >= 500:
                _log.warning("call %s failed: %s %s", call_id, error.status, error.body.code)
            response = self._refused(request, error, call_id)
        except Exception:  # noqa: BLE001 - the last line of defence: a bug must not reach the client as a stack trace
            _log.exception("internal error in call %s", call_id)
            response = error_response(internal_error(), call_id)
        if not response.prepared:
            response.headers.setdefault("x-request-id", call_id)
        core.metrics.requests.add((path if path in self._routes else "other", str(response.status)))
        return response

    async def _answer(
        self, request: web.BaseRequest, call_id: str, path: str, settings: Settings
    ) -> web.StreamResponse:
        core = self._core
        check(request, settings, core.instance)
        if path == "/metrics" or path.startswith(_OPERATORS):
            check_operator(request, settings, core.reveal)
            return await self._counted(self._operate(request, call_id, path))
        _, path = split_path(path)
        if path not in self._open:
            recognise(request.headers, core.live.current.snapshot, time.time())  # before the body is read
        found = self._routes.get(path)
        if found is None:
            return await self._by_prefix(request, path, call_id)
        method, handler = found
        if request.method != method:
            raise method_not_allowed(request.method, method)
        if core.stopping and method == "POST":
            raise shutting_down()
        return await self._counted(handler(request, call_id))

    async def _counted(self, answering: Awaitable[web.StreamResponse]) -> web.StreamResponse:
        """The answer, counted among those under way."""
        inflight = self._core.metrics.inflight
        inflight.value += 1
        try:
            return await answering
        finally:
            inflight.value -= 1

    async def _by_prefix(self, request: web.BaseRequest, path: str, call_id: str) -> web.StreamResponse:
        for prefix in self._prefixes:
            if path.startswith(prefix) and ".." not in path and "//" not in path:
                if request.method != "GET":
                    raise method_not_allowed(request.method, "GET")
                name = unquote(path.removeprefix(prefix))
                return models.retrieve_model(self._core, name, self._identity(request, call_id))
        raise not_found(request.method, path)

    def _identity(self, request: web.BaseRequest, call_id: str) -> Identity:
        return identity_of(request, self._core, None, call_id)

    # --- operators -----------------------------------------------------------------------------------------------

    async def _operate(self, request: web.BaseRequest, call_id: str, path: str) -> web.StreamResponse:
        """What operators ask, once it is known that one asks."""
        core, method = self._core, request.method
        if path == "/metrics":
            return await self._metrics(request, call_id)
        _, _, kind, *rest = path.split("/", 4)
        name = unquote(rest[0]) if rest else ""
        match kind, rest[1:], method:
            case "health", [], "GET" if not rest:
                return operators.health(core)
            case "executions", [], "GET" if name:
                return await operators.execution(core, name)
            case "route", [], "GET" if name:
                return operators.describe_route(core, name)
            case "route", ["check"], "GET" if name == "-":
                return await operators.check(request, core)
            case "route", ["explain"], "GET" if name:
                return await operators.explain(request, core, name)
            case "route", ["explain"], "POST" if name:
                return await operators.dry_run(request, core, self._spoken(request), name, call_id)
            case _:
                raise not_found(method, path)

    def _spoken(self, request: web.BaseRequest) -> ClientFormat:
        """The dialect of a dry run's body: `?dialect=chat` or `responses`, else joch's own."""
        dialects = {"chat": "/chat/completions", "responses": "/responses"}
        wanted = request.query.get("dialect")
        if wanted is not None and wanted not in dialects:
            raise RequestError("'dialect' must be chat or responses.", param="dialect", code="invalid_value")
        return self._clients[dialects[wanted]] if wanted else NATIVE

    def _refused(self, request: web.BaseRequest, error: JochError, call_id: str) -> web.Response:
        response = error_response(error, call_id)
        if error.status in (405, 413, 408) or self._core.stopping:
            response.force_close()  # the rest of the body is not worth reading
        if error.status == 405:
            response.headers["Allow"] = self._routes.get(request.path, ("GET", None))[0]
        return response

    async def _generate(self, client: ClientFormat, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return await generate(request, self._core, client, call_id)

    async def _embed(self, client: ClientFormat, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return await embed(request, self._core, client, call_id)

    async def _list_models(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return models.list_models(self._core, self._identity(request, call_id))

    async def _capabilities(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return models.capabilities(self._core, self._identity(request, call_id))

    async def _health(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return _json({"status": "ok", "version": self._core.version}, 200)

    async def _ready(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        """Ready: a configuration is loaded, at least one model can be asked and is not down, and no shutdown has begun."""
        snapshot = self._core.live.current.snapshot
        usable = [ref for ref, model in snapshot.models.items() if not model.disabled and model.secret_problem is None]
        ready = self._core.status.serves(snapshot) and not self._core.stopping
        body = {"status": "ready" if ready else "not ready", "models": len(usable), "generation": snapshot.generation}
        return _json(body, 200 if ready else 503)

    async def _metrics(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        if not self._core.live.current.snapshot.settings.prometheus:
            raise not_found(request.method, "/metrics")
        self._core.metrics.events_dropped.value = self._core.events.dropped
        self._core.metrics.health.replace(self._core.status.gauges(self._core.live.current.snapshot))
        text = self._core.metrics.render()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def _json(body: Mapping[str, object], status: int) -> web.Response:
    return web.Response(body=dumps(body), status=status, content_type="application/json")
