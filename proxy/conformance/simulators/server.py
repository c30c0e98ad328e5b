"""A provider that really listens, on a loopback port of its own, and answers from a script.

It keeps what it heard, refuses what its wire says the real one refuses, and notices when its peer leaves. All of it runs on
the loop of the `Loop` it was opened on; `say`, `heard` and `wait_gone` may be used from any thread.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import deque
from collections.abc import Coroutine, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from aiohttp import web

from .facts import Facts
from .script import Answer, Fault

KEY = "conformance0123456789abcdefghijklmnop"
"""The key every simulator expects. It must never be seen anywhere but in the header it belongs to, and looks like nobody's key,
so that only who knows it can mask it."""
_GATE_SECONDS = 5.0
T = TypeVar("T")
Wire = dict[str, Any]


class Loop:
    """An event loop in a thread of its own: the proxy and the simulators live there, the client stays outside."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="conformance", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T], timeout: float = 30.0) -> T:
        """The result of `coroutine`, run to its end on the loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(timeout)

    def close(self) -> None:
        """Cancel what is left, and stop."""
        self.run(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)
        self.loop.close()

    @staticmethod
    async def _cancel_all() -> None:
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@dataclass(slots=True, kw_only=True)
class Heard:
    """One request as it arrived. `refused` says in plain words why it was not served, if it was not."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Wire
    raw: bytes
    facts: Facts | None = None
    refused: str | None = None
    gone: threading.Event = field(default_factory=threading.Event)
    answered: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole HTTP answer."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Event:
    """One write of a stream. `content`: the client would see something of the model in it."""

    data: bytes
    content: bool = False


class RefusedError(Exception):
    """The provider says no, with the body the real one has. `why` is the same for people."""

    def __init__(self, reply: Reply, why: str) -> None:
        super().__init__(why)
        self.reply, self.why = reply, why


class Dialect(Protocol):
    """How one provider speaks: where it is asked, what it refuses, what it heard, how it answers.

    The order of use: `serves`, `authorise`, `check`, `read`, then `fault` or `whole` or `events`.
    """

    stream_type: str

    def serves(self, heard: Heard) -> Reply | None:
        """None when this is a request for generation; else the answer to it, as for a path that does not exist."""
        ...

    def authorise(self, heard: Heard, key: str) -> None: ...

    def check(self, heard: Heard) -> None:
        """Raises `RefusedError` for whatever the real provider refuses."""
        ...

    def read(self, heard: Heard) -> Facts: ...

    def whole(self, answer: Answer, heard: Heard) -> Reply: ...

    def events(self, answer: Answer, heard: Heard) -> Iterator[Event]: ...

    def fault(self, fault: Fault, heard: Heard, key: str) -> Reply: ...

    def broken(self, fault: Fault, key: str) -> bytes:
        """The same in the middle of a stream."""
        ...


def json_reply(status: int, body: Any, headers: Mapping[str, str] | None = None) -> Reply:
    """A JSON answer."""
    return Reply(status=status, body=json.dumps(body).encode(), headers=headers or {})


def sse(data: Any, name: str | None = None, end: bytes = b"\n\n") -> bytes:
    """One server-sent event. `data` is bytes, or a value that is sent as JSON."""
    text = data if isinstance(data, bytes) else json.dumps(data, ensure_ascii=False).encode()
    return (f"event: {name}\n".encode() if name else b"") + b"data: " + text + end


_HTML = b"<html>\n<head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center></body>\n</html>"


class Simulator:
    """One provider in operation."""

    def __init__(self, dialect: Dialect, key: str = KEY) -> None:
        self.dialect, self.key = dialect, key
        self.heard: list[Heard] = []
        self._script: deque[Answer] = deque()
        self._gate = asyncio.Event()
        self._runner: web.ServerRunner | None = None
        self._loop: Loop | None = None
        self.port = 0
        self.gate_expired = False

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def open(self, loop: Loop) -> None:
        """Begin to listen."""
        self._loop = loop
        loop.run(self._open())

    async def _open(self) -> None:
        self._gate = asyncio.Event()
        self._runner = web.ServerRunner(
            web.Server(self._serve, handler_cancellation=True), handle_signals=False, shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    def close(self) -> None:
        """End. What still hangs is cut."""
        if self._loop is not None and self._runner is not None:
            self._loop.run(self._runner.cleanup())

    def say(self, *answers: Answer) -> int:
        """From now on, answer with these, one for each request. Returns how many requests were heard before."""
        self._script = deque(answers)
        self.gate_expired = False
        if self._loop is not None:
            self._loop.loop.call_soon_threadsafe(self._gate.clear)
        return len(self.heard)

    def open_gate(self) -> None:
        """The client has seen the first content: an answer with the ending "gate" may go on."""
        if self._loop is not None:
            self._loop.loop.call_soon_threadsafe(self._gate.set)

    @property
    def issued(self) -> int:
        """How many sealed blobs it has given out; a wire without them gives none."""
        seals = getattr(self.dialect, "seals", None)
        return 0 if seals is None else len(seals)

    @property
    def unsaid(self) -> int:
        """How many answers nobody asked for."""
        return len(self._script)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        heard = await _hear(request)
        self.heard.append(heard)
        try:
            answer = self._answer(heard)
            if isinstance(answer, Reply):
                return _response(answer)
            return await self._tell(request, heard, answer)
        except asyncio.CancelledError:
            heard.gone.set()
            raise

    def _answer(self, heard: Heard) -> Answer | Reply:
        dialect = self.dialect
        try:
            other = dialect.serves(heard)
            if other is not None:
                heard.refused = f"it serves nothing at {heard.method} {heard.path}"
                return other
            dialect.authorise(heard, self.key)
            dialect.check(heard)
        except RefusedError as refused:
            heard.refused = refused.why
            return refused.reply
        heard.facts = dialect.read(heard)
        if not self._script:
            heard.refused = "it was asked more often than the scenario has answers"
            return json_reply(500, {"error": {"message": heard.refused}})
        answer = self._script.popleft()
        unknown = [call.name for call in answer.calls if call.name not in heard.facts.tools]
        if unknown:
            heard.refused = f"the tool {unknown[0]} was not offered to it"
            return json_reply(500, {"error": {"message": heard.refused}})
        if answer.fault is not None and answer.ending == "complete":
            return self._failed(answer.fault, heard)
        return answer

    def _failed(self, fault: Fault, heard: Heard) -> Reply:
        if fault.kind == "gateway":
            return Reply(status=502, body=_HTML, type="text/html")
        if fault.kind == "empty":
            return Reply(type=self.dialect.stream_type if heard.facts and heard.facts.stream else "application/json")
        return self.dialect.fault(fault, heard, self._seen_key(heard))

    def _seen_key(self, heard: Heard) -> str:
        """The key as far as it was sent: nobody can repeat what he was not told."""
        return self.key if any(self.key in value for value in heard.headers.values()) else "none"

    async def _tell(self, request: web.BaseRequest, heard: Heard, answer: Answer) -> web.StreamResponse:
        if heard.facts is not None and heard.facts.stream:
            return await self._stream(request, heard, answer)
        if answer.ending == "hang":
            await asyncio.Event().wait()
        if answer.ending in ("cut", "silent", "error"):
            return await self._half(request, self.dialect.whole(answer, heard))
        response = _response(self.dialect.whole(answer, heard))
        heard.answered.set()
        return response

    async def _half(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        """Half of a whole answer, then the end of the connection."""
        response = web.StreamResponse(headers={"Content-Length": str(len(reply.body)), "Content-Type": reply.type})
        await response.prepare(request)
        await response.write(reply.body[: len(reply.body) // 2])
        _hang_up(request)
        return response

    async def _stream(self, request: web.BaseRequest, heard: Heard, answer: Answer) -> web.StreamResponse:
        response = web.StreamResponse()
        response.headers["Content-Type"] = self.dialect.stream_type
        await response.prepare(request)
        events = list(self.dialect.events(answer, heard))
        if answer.ending in ("cut", "silent", "error", "hang"):
            events = events[: _last_content(events) + 1]
        gated = answer.ending == "gate"
        for event in events:
            await response.write(event.data)
            if gated and event.content:
                gated = False
                await self._wait_for_client()
        match answer.ending:
            case "cut":
                _hang_up(request)
            case "error":
                await response.write(
                    self.dialect.broken(answer.fault or Fault(kind="server_error"), self._seen_key(heard))
                )
            case "hang":
                await asyncio.Event().wait()
        heard.answered.set()
        return response

    async def _wait_for_client(self) -> None:
        try:
            async with asyncio.timeout(_GATE_SECONDS):
                await self._gate.wait()
        except TimeoutError:
            self.gate_expired = True


def _last_content(events: list[Event]) -> int:
    return max((index for index, event in enumerate(events) if event.content), default=-1)


def _hang_up(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.abort()


async def _hear(request: web.BaseRequest) -> Heard:
    raw = await request.read()
    try:
        body = json.loads(raw) if raw else {}
    except ValueError:
        body = {}
    return Heard(
        method=request.method,
        path=request.path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=body if isinstance(body, dict) else {},
        raw=raw,
    )


def _response(reply: Reply) -> web.Response:
    return web.Response(status=reply.status, body=reply.body, headers={"Content-Type": reply.type, **reply.headers})
