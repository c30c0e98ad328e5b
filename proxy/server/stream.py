"""The client's side of a streamed answer: opened at the first content, or by a keep-alive while the provider thinks."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web

KEEP_ALIVE = b": keepalive\n"
"""A comment without a blank line: SDKs that saw an `id:` field would take a blank line for an empty event."""
_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache",
    "X-Accel-Buffering": "no",
}


class SseStream:
    """One streamed answer. While nothing was written for `interval` seconds, a comment keeps load balancers patient.

    A client that has gone shows as `asyncio.CancelledError`, whether aiohttp noticed first or a write failed.
    """

    def __init__(self, request: web.BaseRequest, call_id: str, interval: float) -> None:
        self._request = request
        self._call_id = call_id
        self._interval = interval
        self._loop = asyncio.get_running_loop()
        self._written = self._loop.time()
        self._timer = self._loop.call_later(interval, self._tick)
        self._beat: asyncio.Task[None] | None = None
        self._opening = asyncio.Lock()
        self.response: web.StreamResponse | None = None

    @property
    def opened(self) -> bool:
        return self.response is not None

    async def open(self, headers: Mapping[str, str]) -> None:
        async with self._opening:
            if self.response is not None:
                return
            response = web.StreamResponse(headers={**_HEADERS, "x-request-id": self._call_id, **headers})
            try:
                await response.prepare(self._request)
            except ConnectionResetError:
                raise asyncio.CancelledError from None
            self.response = response

    async def write(self, data: bytes) -> None:
        self._written = self._loop.time()
        if self.response is None or not data:
            return
        try:
            await self.response.write(data)
        except ConnectionResetError:
            raise asyncio.CancelledError from None

    async def finish(self) -> None:
        """End the body in the ordinary way."""
        self.stop()
        if self.response is not None:
            try:
                await self.response.write_eof()
            except ConnectionResetError:
                raise asyncio.CancelledError from None

    def stop(self) -> None:
        """No more keep-alives."""
        self._timer.cancel()
        if self._beat is not None:
            self._beat.cancel()

    def _tick(self) -> None:
        rest = self._written + self._interval - self._loop.time()
        if rest <= 0:
            self._beat = self._loop.create_task(self._keep_alive())
            rest = self._interval
        self._timer = self._loop.call_later(rest, self._tick)

    async def _keep_alive(self) -> None:
        try:
            await self.open({})
            await self.write(KEEP_ALIVE)
        except asyncio.CancelledError:
            return  # the handler hears of a gone client by itself
