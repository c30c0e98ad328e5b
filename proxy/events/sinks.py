"""Where events go. A slow or dead sink never delays a call; what a sink had to drop is counted and said.

`JsonLines` writes one object per line from a thread of its own. Model-call events outlive the others when the queue
fills: below `_LIMIT` all are kept, above it only those whose type is in `_ESSENTIAL`, and at `_HARD_LIMIT` none.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from .envelope import Event

_LIMIT = 10_000
_HARD_LIMIT = 100_000
_INTERVAL_SECONDS = 0.05
_ESSENTIAL = frozenset({"ModelCallStarted", "ModelCallCompleted", "ProviderSwitched", "x.CallCompleted"})


class Sink(Protocol):
    """Takes events, at once and without raising. `dropped` counts those it lost."""

    dropped: int

    def put(self, event: Event) -> None: ...

    def close(self) -> None: ...


class EventLog:
    """All sinks as one. With no sink, `active` is false and callers need not build events at all."""

    def __init__(self, sinks: Iterable[Sink] = ()) -> None:
        self._sinks = tuple(sinks)
        self.active = bool(self._sinks)

    def emit(self, event: Event) -> None:
        for sink in self._sinks:
            sink.put(event)

    @property
    def dropped(self) -> int:
        """How many events were lost, over all sinks."""
        return sum(sink.dropped for sink in self._sinks)

    def close(self) -> None:
        """Write what is queued and let go of files."""
        for sink in self._sinks:
            sink.close()


class JsonLines:
    """Events as JSON lines appended to `path`. `on_problem(message)` hears of the first failure of a series."""

    def __init__(self, path: Path, on_problem: Callable[[str], None]) -> None:
        self._path = path
        self._on_problem = on_problem
        self._queue: deque[bytes] = deque()
        self._closing = threading.Event()
        self._failing = False
        self.dropped = 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._thread = threading.Thread(target=self._run, name="joch-events", daemon=True)
        self._thread.start()

    def put(self, event: Event) -> None:
        waiting = len(self._queue)
        if waiting >= _LIMIT and (event.type not in _ESSENTIAL or waiting >= _HARD_LIMIT):
            self.dropped += 1
            return
        self._queue.append(event.line)

    def close(self) -> None:
        self._closing.set()
        self._thread.join(timeout=5)
        self._file.close()

    def _run(self) -> None:
        # Looking at intervals costs a call nothing; waking this thread for each event would cost two context switches.
        while not self._closing.wait(_INTERVAL_SECONDS):
            self._write_queued()
        self._write_queued()

    def _write_queued(self) -> None:
        while self._queue:
            lines = [self._queue.popleft() for _ in range(min(len(self._queue), 500))]
            try:
                self._file.write(b"\n".join(lines) + b"\n")
                self._failing = False
            except OSError as error:
                self.dropped += len(lines)
                if not self._failing:
                    self._failing = True
                    self._on_problem(f"events cannot be written to {self._path}: {error.strerror}")
