"""The table of paths, and the one place where an exception becomes an answer.

Paths are matched as sent: no decoding, no dot segments, no doubled slashes, so nothing can be reached by two spellings.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from urllib.parse import unquote

from aiohttp import web

from proxy.metrics import CONTENT_TYPE
from proxy.resources import Settings
from translators.canonical import JochError
from translators.formats import ClientFormat
from translators.formats.json import dumps

from . import models
from .core import Core
from .embeddings import embed
from .errors import error_response, internal_error, method_not_allowed, not_found
from .generate import generate, shutting_down
from .guard import check

Handler = Callable[[web.BaseRequest, str], Awaitable[web.StreamResponse]]
_log = logging.getLogger("joch.server")


class Dispatcher:
    """Serves every request of the process. `clients` are the formats by the path they are spoken at."""

    def __init__(self, core: Core, clients: dict[str, ClientFormat]) -> None:
        self._core = core
        settings = core.live.current.snapshot.settings
        self._routes: dict[str, tuple[str, Handler]] = {}
        self._prefixes: list[str] = []
        for base in settings.base_paths:
            self._mount(base.rstrip("/"), clients)
        for path, handler in (
            ("/health", self._health),
            ("/healthz", self._health),
            ("/ready", self._ready),
            ("/readyz", self._ready),
            ("/metrics", self._metrics),
        ):
            self._routes[path] = ("GET", handler)

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
        found = self._routes.get(path)
        if found is None:
            return await self._by_prefix(request, path)
        method, handler = found
        if request.method != method:
            raise method_not_allowed(request.method, method)
        if core.stopping and method == "POST":
            raise shutting_down()
        core.metrics.inflight.value += 1
        try:
            return await handler(request, call_id)
        finally:
            core.metrics.inflight.value -= 1

    async def _by_prefix(self, request: web.BaseRequest, path: str) -> web.StreamResponse:
        for prefix in self._prefixes:
            if path.startswith(prefix) and ".." not in path and "//" not in path:
                if request.method != "GET":
                    raise method_not_allowed(request.method, "GET")
                return models.retrieve_model(self._core, unquote(path.removeprefix(prefix)))
        raise not_found(request.method, path)

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
        return models.list_models(self._core)

    async def _capabilities(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return models.capabilities(self._core)

    async def _health(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        return _json({"status": "ok", "version": self._core.version}, 200)

    async def _ready(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        """Ready: a configuration is loaded, at least one model can be asked, and no shutdown has begun."""
        snapshot = self._core.live.current.snapshot
        usable = [ref for ref, model in snapshot.models.items() if not model.disabled and model.secret_problem is None]
        ready = bool(usable or snapshot.implicit) and not self._core.stopping
        body = {"status": "ready" if ready else "not ready", "models": len(usable), "generation": snapshot.generation}
        return _json(body, 200 if ready else 503)

    async def _metrics(self, request: web.BaseRequest, call_id: str) -> web.StreamResponse:
        if not self._core.live.current.snapshot.settings.prometheus:
            raise not_found(request.method, "/metrics")
        self._core.metrics.events_dropped.value = self._core.events.dropped
        text = self._core.metrics.render()
        return web.Response(body=text, headers={"Content-Type": CONTENT_TYPE})


def _json(body: Mapping[str, object], status: int) -> web.Response:
    return web.Response(body=dumps(body), status=status, content_type="application/json")
