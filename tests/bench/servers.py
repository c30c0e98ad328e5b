"""Processes under test: started, pinned, watched through /proc, and ended whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from . import load

ROOT = Path(__file__).resolve().parents[2]


def cores() -> tuple[int, int] | None:
    """(clients and upstream, process under test), or None where there is only one core."""
    available = sorted(os.sched_getaffinity(0))
    return (available[0], available[1]) if len(available) > 1 else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _descendants(pid: int) -> Iterator[int]:
    yield pid
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in Path(f"/proc/{pid}/task/{task}/children").read_text().split():
                yield from _descendants(int(child))


def cpu_seconds(pid: int) -> float:
    """CPU that all threads of one process have used, from the scheduler's own nanoseconds."""
    total = 0
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            total += int(Path(f"/proc/{pid}/task/{task}/schedstat").read_text().split()[0])
    return total / 1e9


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a server is started. `arguments` follow the interpreter; `{port}` in them is replaced."""

    name: str
    arguments: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)


class Server:
    """A running process. Use as `async with Server(recipe, core) as server`."""

    def __init__(self, recipe: Recipe, core: int | None) -> None:
        self.recipe = recipe
        self.port = free_port()
        self._core = core
        self._home = tempfile.TemporaryDirectory(prefix="bench-")
        self._log = Path(self._home.name) / "stderr"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
        home = {"HOME": self._home.name, "PYTHONPATH": str(ROOT)}
        arguments = [argument.format(port=self.port) for argument in self.recipe.arguments]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=self._home.name,
                env=kept | home | self.recipe.environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,
            )
        if self._core is not None:
            os.sched_setaffinity(self.process.pid, {self._core})

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def pids(self) -> tuple[int, ...]:
        return tuple(_descendants(self.process.pid)) if self.process is not None else ()

    @property
    def cpu(self) -> float:
        """Seconds of CPU, all processes of this server together."""
        return sum(cpu_seconds(pid) for pid in self.pids)

    @property
    def megabytes(self) -> float:
        """Resident memory, shared pages counted by their share."""
        total = 0
        for pid in self.pids:
            with contextlib.suppress(OSError):
                for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1])
        return total / 1024

    def last_words(self) -> str:
        with contextlib.suppress(OSError):
            return self._log.read_text(errors="replace")[-800:].strip()
        return ""

    async def ready(self, request: load.Ask, within: float = 20.0) -> float:
        """Seconds until the first answered call, counted from this moment."""
        began = time.perf_counter()
        try:
            await load.first_answer(request, within=within)
        except load.BadAnswerError as error:
            raise load.BadAnswerError(f"{self.recipe.name}: {error}\n{self.last_words()}") from error
        return time.perf_counter() - began

    async def stop(self) -> None:
        """End the process and what it started: asked first, forced after five seconds."""
        process, self.process = self.process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            for _ in range(500):
                if process.poll() is not None:
                    break
                await asyncio.sleep(0.01)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._home.cleanup()
