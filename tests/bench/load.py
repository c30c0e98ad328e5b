"""The clients: closed loops of whole calls, and streams whose pieces are counted. Hand-written HTTP/1.1, loopback only.

A client asks again when it has its answer, so a loop can never ask faster than it is served; each is bounded in time.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass, field
from typing import cast

_LENGTH = re.compile(rb"\r\ncontent-length:\s*(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ask:
    """One request: where it goes, and the bytes before each piece of text in a streamed answer, for counting."""

    port: int
    path: str
    body: bytes
    mark: bytes = b'"content":"t='

    @property
    def wire(self) -> bytes:
        head = (
            f"POST {self.path} HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/json\r\n"
            f"authorization: Bearer bench\r\naccept: */*\r\ncontent-length: {len(self.body)}\r\n\r\n"
        )
        return head.encode() + self.body


class BadAnswerError(RuntimeError):
    """An answer that is not 200, or a connection that ended before its answer did."""


class _Exchange(asyncio.Protocol):
    """One connection. `ask` sends the request and resolves when the answer is whole."""

    def __init__(self, request: Ask) -> None:
        self.pieces = 0
        self.first_piece: float | None = None
        self._wire = request.wire
        self._mark = request.mark
        self._transport: asyncio.Transport | None = None
        self._done: asyncio.Future[None] | None = None
        self._reset()

    def _reset(self) -> None:
        self.first_piece = None
        self._head = b""
        self._in_body = False
        self._left = -1  # bytes of the body still to come; -1 when it is chunked
        self._tail = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's own class, of the same shape

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._fail(f"the connection ended early: {exc}")

    def start(self) -> asyncio.Future[None]:
        if self._transport is None:
            raise BadAnswerError("the connection is closed")
        self._reset()
        self._done = asyncio.get_running_loop().create_future()
        self._transport.write(self._wire)
        return self._done

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def _fail(self, message: str) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_exception(BadAnswerError(message))

    def _finish(self) -> None:
        if self._done is not None and not self._done.done():
            self._done.set_result(None)

    def data_received(self, data: bytes) -> None:
        if not self._in_body:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            if not self._head.startswith(b"HTTP/1.1 200"):
                self._fail(self._head[:600].decode(errors="replace"))
                return
            found = _LENGTH.search(self._head, 0, end + 2)
            self._left = int(found[1]) if found else -1
            self._in_body = True
            data = self._head[end + 4 :]
        if self._left >= 0:
            self._left -= len(data)
            if self._left <= 0:
                self._finish()
            return
        self._count(data)

    def _count(self, data: bytes) -> None:
        """Count marks, also one that is split over two reads, and see the end of a chunked body."""
        seen = self._tail + data
        found = seen.count(self._mark)
        if found:
            self.pieces += found
            if self.first_piece is None:
                self.first_piece = time.perf_counter()
        if seen.endswith(b"\r\n0\r\n\r\n") or seen == b"0\r\n\r\n":
            self._finish()
        at = seen.rfind(self._mark)
        kept = len(self._mark) - 1 if at < 0 else min(len(self._mark) - 1, len(seen) - at - len(self._mark))
        self._tail = seen[len(seen) - kept :] if kept else b""


async def connect(request: Ask) -> _Exchange:
    loop = asyncio.get_running_loop()
    _, exchange = await loop.create_connection(lambda: _Exchange(request), "127.0.0.1", request.port)
    return exchange


async def first_answer(request: Ask, *, within: float) -> None:
    """Ask until there is an answer, for a server that is starting."""
    deadline = time.perf_counter() + within
    while True:
        try:
            exchange = await connect(request)
            try:
                async with asyncio.timeout(within):
                    await exchange.start()
            finally:
                exchange.close()
        except OSError as refused:
            if time.perf_counter() > deadline:
                raise BadAnswerError(f"no answer within {within:.0f} s: {refused}") from refused
            await asyncio.sleep(0.002)
        else:
            return


@dataclass(slots=True)
class Calls:
    """What a closed loop saw: calls that ended in the window, and seconds each took (first piece, for streams)."""

    count: int = 0
    seconds: list[float] = field(default_factory=list)

    def at(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def closed_loop(request: Ask, *, connections: int, seconds: float, limit: int = 200_000) -> Calls:
    """`connections` clients that ask, wait and ask again for `seconds`, and all of them together at most `limit` times."""
    calls = Calls()
    deadline = time.perf_counter() + seconds

    async def one(exchange: _Exchange) -> None:
        while (started := time.perf_counter()) < deadline and calls.count < limit:
            await exchange.start()
            calls.count += 1
            calls.seconds.append(time.perf_counter() - started)

    exchanges = [await connect(request) for _ in range(connections)]
    try:
        async with asyncio.timeout(seconds + 20):
            await asyncio.gather(*(one(exchange) for exchange in exchanges))
    finally:
        for exchange in exchanges:
            exchange.close()
    return calls


async def in_step(request: Ask, *, connections: int, seconds: float, limit: int = 20_000) -> Calls:
    """Streams that all start at the same moment, again and again: `seconds` holds the time to each one's first piece."""
    calls = Calls()
    deadline = time.perf_counter() + seconds
    exchanges = [await connect(request) for _ in range(connections)]
    try:
        async with asyncio.timeout(seconds + 20):
            while (started := time.perf_counter()) < deadline and calls.count < limit:
                await asyncio.gather(*[exchange.start() for exchange in exchanges])
                firsts = [exchange.first_piece for exchange in exchanges if exchange.first_piece is not None]
                if len(firsts) < connections:
                    raise BadAnswerError("a stream ended without a piece of text")
                calls.count += connections
                calls.seconds += [first - started for first in firsts]
    finally:
        for exchange in exchanges:
            exchange.close()
    return calls


class Streams:
    """Streams that run side by side, opened over `ramp` seconds so that their pieces do not come in step."""

    def __init__(self) -> None:
        self._exchanges: list[_Exchange] = []
        self._ends: list[asyncio.Future[None]] = []

    async def open(self, request: Ask, count: int, *, ramp: float) -> None:
        for number in range(count):
            started = time.perf_counter()
            exchange = await connect(request)
            self._exchanges.append(exchange)
            self._ends.append(exchange.start())
            await asyncio.sleep(max(0.0, ramp / count - (time.perf_counter() - started)) if number else 0)

    @property
    def pieces(self) -> int:
        return sum(exchange.pieces for exchange in self._exchanges)

    async def ended(self, *, within: float) -> None:
        """Wait for the ends, then close. An answer that was not 200 raises; one that is merely late does not."""
        try:
            done, _ = await asyncio.wait(self._ends, timeout=within)
            for end in done:
                end.result()
        finally:
            for exchange in self._exchanges:
                exchange.close()
            for end in self._ends:
                if not end.cancel() and not end.cancelled():
                    end.exception()  # retrieved, so that the loop does not report it a second time
