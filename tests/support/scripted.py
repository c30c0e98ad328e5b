"""A scripted upstream on raw sockets: the bytes on the wire are exactly what the script says.

A script is a list of steps. Bytes are sent as they are; `Pause`, `RESET`, `CLOSE` and `HANG` do what they say. The request's
path selects the script: `server.script("name", steps)` is served to every request whose first path segment is `name`, so
`server.url("name")` is a base URL. Each request is recorded whole, how much of the script was sent, and when its connection
was seen to end. With `tls` the same server speaks TLS with that context.
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from .loops import LoopThread


class Act(Enum):
    """Things a server does that are not bytes."""

    RESET = auto()
    CLOSE = auto()
    HANG = auto()


RESET, CLOSE, HANG = Act.RESET, Act.CLOSE, Act.HANG


@dataclass(frozen=True)
class Pause:
    """Wait this many seconds, with what was written so far flushed."""

    seconds: float


Step = bytes | Act | Pause
Script = Sequence[Step] | Callable[["Received"], Iterable[Step]]


@dataclass
class Received:
    """One request as it arrived. `ended` is set to the monotonic time at which its connection was seen to end.

    `sent` counts the bytes of the answer that were taken off our hands, `played` says whether those were all the script has;
    the body of a request answered early is empty.
    """

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    connection: int
    at: float = field(default_factory=time.monotonic)
    ended: float | None = None
    sent: int = 0
    played: bool = False

    @property
    def name(self) -> str:
        """The script's name: the first segment of the path."""
        return self.path.split("/")[1]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class ScriptedServer:
    """Serves scripts by the first segment of the path."""

    def __init__(self, loop: LoopThread, tls: ssl.SSLContext | None = None) -> None:
        self._loop = loop
        self._tls = tls
        self._scripts: dict[str, list[Script]] = {}
        self._early: set[str] = set()
        self._connections = 0
        self._listening: asyncio.Server | None = None
        self.requests: list[Received] = []
        self.port = 0

    def script(self, name: str, *scripts: Script) -> str:
        """Serve `scripts` in turn under `name`, the last one for ever. Returns the base URL."""
        self._scripts[name] = list(scripts)
        return self.url(name)

    def script_early(self, name: str, *scripts: Script) -> str:
        """As `script`, but played as soon as the headers are in: the body is never read."""
        self._early.add(name)
        return self.script(name, *scripts)

    def url(self, name: str, host: str = "127.0.0.1") -> str:
        return f"{'http' if self._tls is None else 'https'}://{host}:{self.port}/{name}"

    def of(self, name: str) -> list[Received]:
        """The requests that `name` got."""
        return [request for request in self.requests if request.path.startswith(f"/{name}/")]

    async def open(self) -> None:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20, ssl=self._tls)
        self.port = self._listening.sockets[0].getsockname()[1]

    async def shut(self) -> None:
        if self._listening is not None:
            self._listening.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        connection = self._connections
        try:
            while True:
                request = await self._receive(reader, writer, connection)
                self.requests.append(request)
                if not await self._play(request, reader, writer):
                    return
        except (asyncio.IncompleteReadError, ConnectionError, OSError):
            pass
        finally:
            for request in self.requests:
                if request.connection == connection and request.ended is None:
                    request.ended = time.monotonic()
            writer.close()

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, connection: int) -> Received:
        request = await _read_head(reader, connection)
        if request.name in self._early:
            writer.transport.pause_reading()
        else:
            request.body = await reader.readexactly(int(request.headers.get("content-length", "0")))
        return request

    async def _play(self, request: Received, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        waiting = self._scripts.get(request.name)
        script: Script = [whole(404, {"error": {"message": f"no script {request.name}"}})]
        if waiting:
            script = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        steps = script(request) if callable(script) else script
        for step in steps:
            match step:
                case bytes():
                    writer.write(step)
                    await writer.drain()
                    request.sent += len(step)
                case Pause():
                    await asyncio.sleep(step.seconds)
                case Act.RESET:
                    _reset(writer)
                    return False
                case Act.CLOSE:
                    return False
                case Act.HANG:
                    await reader.read(1)  # returns when the peer leaves
                    request.ended = time.monotonic()
                    return False
        request.played = True
        return True


def _reset(writer: asyncio.StreamWriter) -> None:
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _read_head(reader: asyncio.StreamReader, connection: int) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.strip().split("\r\n")
    method, path, _ = first.split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    return Received(method, path, headers, b"", connection)


def whole(status: int, body: Any, content_type: str = "application/json", **headers: str) -> bytes:
    """A whole HTTP response. `body` is bytes, or a value that is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\nContent-Length: {len(data)}\r\n{extra}\r\n"
    return head.encode() + data


STREAM_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
NDJSON_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
STREAM_END = b"0\r\n\r\n"


def piece(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def event(data: Any, name: str | None = None) -> bytes:
    """One server-sent event. `data` is bytes, or a value that is sent as JSON."""
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + text + b"\n\n"


DONE = event(b"[DONE]")


def stream(*events: bytes, end: bool = True) -> list[Step]:
    """A chunked stream, one chunk per event."""
    return [STREAM_HEAD, *(piece(each) for each in events), *([STREAM_END] if end else [])]


@contextmanager
def scripted_server(tls: ssl.SSLContext | None = None) -> Iterator[ScriptedServer]:
    """A scripted upstream on a free loopback port, on a loop of its own."""
    loop = LoopThread()
    server = ScriptedServer(loop, tls)
    loop.run(server.open())
    try:
        yield server
    finally:
        loop.run(server.shut())
        loop.close()
