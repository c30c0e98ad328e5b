"""The listening socket: aiohttp's HTTP/1.1 server with its limits set by hand, and an orderly end.

aiohttp does not cancel a handler when the client leaves unless told to, decompresses bodies by default, and answers
malformed requests with text; each is changed here.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from translators.canonical import RequestError

from .core import Core
from .errors import error_response, internal_error

_log = logging.getLogger("joch.server")
KEEP_ALIVE_SECONDS = 30.0
HEADER_LIMIT = 8190


class _Protocol(RequestHandler):
    """One connection. Whatever the parser refuses is answered in OpenAI's envelope, then closed."""

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None and hasattr(socket, "TCP_USER_TIMEOUT"):
            # a peer that vanished without a FIN is found within 30 s of the first unacknowledged byte
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        if status >= 500:
            _log.error("error outside a handler: %s", type(exc).__name__ if exc else message)
            response = error_response(internal_error(), "none")
        else:
            refused = RequestError("The request is not valid HTTP.", status=status, code="invalid_http")
            response = error_response(refused, "none")
        response.force_close()
        return response


class _Server(web.Server):
    """aiohttp's connection factory with our protocol class."""

    def __call__(self) -> RequestHandler:
        return _Protocol(self, loop=self._loop, **self._kwargs)


class Listener:
    """Serves `handler` on one address until `close`."""

    def __init__(self, core: Core, handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]) -> None:
        self._core = core
        self._handler = handler
        self._running: set[asyncio.Task[Any]] = set()
        self._server: _Server | None = None
        self._listening: asyncio.Server | None = None
        self.port = 0

    async def open(self, host: str, port: int, *, shared: bool = False) -> None:
        """Listen. `shared` lets several processes take the same port. Raises `OSError` when the port is taken."""
        loop = asyncio.get_running_loop()
        self._server = _Server(
            self._serve,
            handler_cancellation=True,
            auto_decompress=False,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=1.0,
            max_line_size=HEADER_LIMIT,
            max_field_size=HEADER_LIMIT,
            access_log=None,
        )
        self._listening = await loop.create_server(
            self._server, host, port, backlog=1024, reuse_address=True, reuse_port=shared or None
        )
        self.port = self._listening.sockets[0].getsockname()[1]

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        task = asyncio.current_task()
        if task is None:
            raise AssertionError("aiohttp runs handlers in tasks")
        self._running.add(task)
        try:
            return await self._handler(request)
        finally:
            self._running.discard(task)

    async def close(self, drain_seconds: float) -> tuple[int, int]:
        """Stop: no new calls, `drain_seconds` for those running, then an explicit in-band end for the rest.

        Returns how many were drained and how many cut.
        """
        self._core.stopping = True
        if self._listening is not None:
            self._listening.close()
        begun = len(self._running)
        if self._running:
            await asyncio.wait(self._running, timeout=drain_seconds)
        cut = len(self._running)
        for task in list(self._running):
            task.cancel()
        if self._running:
            await asyncio.wait(self._running, timeout=1.0)
        if self._server is not None:
            for connection in self._server.connections:
                connection.close()  # once its answer is out; `shutdown` would wait for idle ones as well
            await self._server.shutdown(1.0)
        return begun - cut, cut
