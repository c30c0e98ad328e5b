"""What every row stands on: the scripted provider, the two kinds of server, and measuring them turn by turn."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import bodies, load
from .servers import Recipe, Server
from .upstream import Pace, Upstream

CHAT_PATH = "/v1/chat/completions"
PACED = 0.02  # seconds between two pieces of a stream: 50 a second, as fast models write
DELIVERED = 0.97  # share of the pieces sent in a window that must arrive in it, or the core is full
MOST_STREAMS = 1200

_CONFIG = """\
apiVersion: router.joch.dev/v1alpha1
kind: RouterSettings
metadata: {{name: default}}
spec:
  events: {{file: {events}}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: first}}
spec: {{provider: generic-openai, model: bench-1, api: chat, endpoint: {{baseUrl: "http://127.0.0.1:{port}/v1"}}}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: second}}
spec: {{provider: generic-openai, model: bench-2, api: chat, endpoint: {{baseUrl: "http://127.0.0.1:{port}/v1"}}}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: local}}
spec: {{provider: ollama, model: bench-1, endpoint: {{baseUrl: "http://127.0.0.1:{port}"}}}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: claude}}
spec: {{provider: anthropic, model: bench-1, endpoint: {{baseUrl: "http://127.0.0.1:{port}"}}, auth: {{type: none}}}}
---
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{name: gemini}}
spec: {{provider: google, model: bench-1, endpoint: {{baseUrl: "http://127.0.0.1:{port}"}}, auth: {{type: none}}}}
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: {{name: bench-claude}}
spec: {{strategy: {{primary: "anthropic:claude"}}}}
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: {{name: bench-gemini}}
spec: {{strategy: {{primary: "google:gemini"}}}}
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: {{name: bench}}
spec: {{strategy: {{primary: "generic-openai:first", fallback: ["generic-openai:second"]}}}}
---
apiVersion: joch.dev/v1alpha1
kind: ModelRoute
metadata: {{name: bench-local}}
spec: {{strategy: {{primary: "ollama:local"}}}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The same work asked of both: as the bare forwarder must be asked to pass it on, and as an app asks joch."""

    bare_path: str = CHAT_PATH
    bare_body: bytes
    joch_path: str = CHAT_PATH
    joch_body: bytes
    joch_mark: bytes = b'"content":"t='
    bare_mark: bytes = b'"content":"t='

    def ask(self, server: Server) -> load.Ask:
        if server.recipe.name == "bare":
            return self.ask_directly(server.port)
        return load.Ask(server.port, self.joch_path, self.joch_body, self.joch_mark)

    def ask_directly(self, port: int) -> load.Ask:
        return load.Ask(port, self.bare_path, self.bare_body, self.bare_mark)


def same(body: bytes) -> Work:
    return Work(bare_body=body, joch_body=body)


SMALL = same(bodies.small_chat("bench"))
LARGE = same(bodies.large_chat("bench"))
VERBATIM = same(bodies.streamed_chat("bench"))
RESPONSES_OVER_CHAT = Work(
    bare_body=bodies.streamed_chat("bench"),
    joch_path="/v1/responses",
    joch_body=bodies.streamed_responses("bench"),
    joch_mark=b'"delta":"t=',
)
CHAT_OVER_OLLAMA = Work(
    bare_path="/api/chat",
    bare_body=bodies.streamed_ollama("bench-1"),
    joch_body=bodies.streamed_chat("bench-local"),
)
_TEXT_MARK = b'"text":"t='
_CLAUDE_BODY, _GEMINI_BODY = bodies.streamed_anthropic("bench-1"), bodies.streamed_gemini()
CHAT_OVER_ANTHROPIC = Work(
    bare_path="/v1/messages",
    bare_body=_CLAUDE_BODY,
    bare_mark=_TEXT_MARK,
    joch_body=bodies.streamed_chat("bench-claude"),
)
RESPONSES_OVER_ANTHROPIC = Work(
    bare_path="/v1/messages",
    bare_body=_CLAUDE_BODY,
    bare_mark=_TEXT_MARK,
    joch_path="/v1/responses",
    joch_body=bodies.streamed_responses("bench-claude"),
    joch_mark=b'"delta":"t=',
)
_GEMINI_STREAM = "/v1beta/models/bench-1:streamGenerateContent?alt=sse"
CHAT_OVER_GEMINI = Work(
    bare_path=_GEMINI_STREAM,
    bare_body=_GEMINI_BODY,
    bare_mark=_TEXT_MARK,
    joch_body=bodies.streamed_chat("bench-gemini"),
)
RESPONSES_OVER_GEMINI = Work(
    bare_path=_GEMINI_STREAM,
    bare_body=_GEMINI_BODY,
    bare_mark=_TEXT_MARK,
    joch_path="/v1/responses",
    joch_body=bodies.streamed_responses("bench-gemini"),
    joch_mark=b'"delta":"t=',
)
TRANSLATED = {
    "responses over chat": RESPONSES_OVER_CHAT,
    "chat over ollama": CHAT_OVER_OLLAMA,
    "chat over anthropic": CHAT_OVER_ANTHROPIC,
    "responses over anthropic": RESPONSES_OVER_ANTHROPIC,
    "chat over gemini": CHAT_OVER_GEMINI,
    "responses over gemini": RESPONSES_OVER_GEMINI,
}
"""A client of one format over an upstream of another, by the name of the row."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One figure of both in the same round, and over all rounds the medians. `ratio` is the median of rounds' ratios."""

    bare: float
    joch: float
    ratio: float


def medians(rounds: Sequence[tuple[float, float]]) -> Pair:
    ratios = [joch / bare for bare, joch in rounds if bare > 0]
    bare, joch = (statistics.median(column) for column in zip(*rounds, strict=True))
    return Pair(bare, joch, statistics.median(ratios) if ratios else float("inf"))


class Stage:
    """Upstream and recipes of one run. `subject` "bare" measures the forwarder against itself, to see the noise."""

    def __init__(self, upstream: Upstream, core: int | None, folder: Path, *, rounds: int, subject: str) -> None:
        self.upstream = upstream
        self.rounds = rounds
        self.bare_streams: tuple[int, str] | None = None  # what the forwarder carries; measured once a run
        self.core = core
        self._subject = subject
        self._config = folder / "bench.yaml"
        self._config.write_text(_CONFIG.format(port=upstream.port, events=folder / "events.jsonl"))

    def bare(self, *, decode: bool = False) -> Recipe:
        address = f"http://127.0.0.1:{self.upstream.port}"
        arguments = ["-m", "tests.bench.forwarder", "--port", "{port}", "--upstream", address]
        return Recipe("bare", (*arguments, "--json") if decode else tuple(arguments))

    def joch(self, *options: str) -> Recipe:
        if self._subject == "bare":
            return self.bare()
        return Recipe("joch", ("-m", "proxy", "serve", "-f", str(self._config), "--port", "{port}", *options))

    @contextlib.asynccontextmanager
    async def running(self, recipe: Recipe, work: Work) -> AsyncIterator[Server]:
        """A server that has answered this work once."""
        self.upstream.pace = Pace(2)
        async with Server(recipe, self.core) as server:
            await server.ready(work.ask(server))
            yield server

    @contextlib.asynccontextmanager
    async def both(self, work: Work, *, decode: bool = False) -> AsyncIterator[tuple[Server, Server]]:
        bare, joch = self.bare(decode=decode), self.joch()
        async with self.running(bare, work) as first, self.running(joch, work) as second:
            yield first, second

    async def in_turns(
        self, measure: Callable[[Server], Awaitable[float]], bare: Server, joch: Server, rounds: int | None = None
    ) -> Pair:
        """A B, B A, A B, ...: each round measures both, one right after the other."""
        seen = []
        for number in range(rounds or self.rounds):
            if number % 2:
                second = await measure(joch)
                seen.append((await measure(bare), second))
            else:
                first = await measure(bare)
                seen.append((first, await measure(joch)))
        return medians(seen)

    async def cpu_per_call(self, server: Server, work: Work, *, connections: int = 16, seconds: float = 1.2) -> float:
        """Milliseconds of CPU for one call, in a closed loop."""
        before = server.cpu
        calls = await load.closed_loop(work.ask(server), connections=connections, seconds=seconds)
        return (server.cpu - before) / calls.count * 1000

    async def paced(self, server: Server, work: Work, streams: int, *, window: float) -> tuple[float, float, float]:
        """`streams` paced streams at once. Yields us of CPU per piece, the share delivered, and the share sent in time."""
        self.upstream.pace = Pace(100_000, PACED)
        load_side = load.Streams()
        try:
            await load_side.open(work.ask(server), streams, ramp=min(1.0, 0.2 + streams / 800))
            await asyncio.sleep(0.2)
            sent, arrived, cpu, began = self.upstream.sent, load_side.pieces, server.cpu, time.perf_counter()
            await asyncio.sleep(window)
            sent, arrived = self.upstream.sent - sent, load_side.pieces - arrived
            cpu, elapsed = server.cpu - cpu, time.perf_counter() - began
        finally:
            self.upstream.stop_streams()
            await load_side.ended(within=5)
        if not arrived:
            raise load.BadAnswerError(f"{server.recipe.name}: no piece of a stream arrived\n{server.last_words()}")
        return cpu / arrived * 1e6, arrived / max(sent, 1), sent / (streams * elapsed / PACED)

    async def most_streams(self, server: Server, work: Work, cpu: float) -> tuple[int, str]:
        """How many paced streams one core carries, stepped around what `cpu` us per piece suggests. With a remark."""
        streams = max(10, min(MOST_STREAMS, round(PACED * 1e6 / cpu * 0.95 / 10) * 10))
        held, remark = 0, ""
        for _ in range(6):
            passed, on_time = await self._carries(server, work, streams)
            if passed:
                held, remark = streams, "stopped while it still held"
                streams = round(streams * 1.12 / 10) * 10
            elif held:
                return held, "" if on_time >= DELIVERED else "the clients' own core was full: it may be more"
            else:
                streams = max(10, round(streams * 0.85 / 10) * 10)
        if not held:
            raise load.BadAnswerError(f"{server.recipe.name}: {streams} streams did not get through")
        return held, remark

    async def _carries(self, server: Server, work: Work, streams: int) -> tuple[bool, float]:
        """Whether `streams` streams get through; a second try, since one may meet a bad moment of the machine."""
        on_time = 0.0
        for _ in range(2):
            _, delivered, on_time = await self.paced(server, work, streams, window=1.2)
            if delivered >= DELIVERED and on_time >= DELIVERED:
                return True, on_time
        return False, on_time
