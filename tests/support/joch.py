"""A joch that really listens, in the test process, with its events in a list."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aiohttp.abc import AbstractResolver

from proxy.app import App
from proxy.events import Event
from proxy.resources import Snapshot

from .loops import LoopThread
from .snapshots import KEY, KEY_VARIABLE


class EventList:
    """A sink that keeps every event."""

    dropped = 0

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self._arrived = threading.Condition()

    def put(self, event: Event) -> None:
        with self._arrived:
            self.events.append(json.loads(event.line))
            self._arrived.notify_all()

    def close(self) -> None:
        pass

    def of(self, type: str) -> list[dict[str, Any]]:
        """The events of one type, oldest first."""
        return [event for event in self.events if event["type"] == type]

    def completed(self, call_id: str, timeout: float = 5.0) -> list[dict[str, Any]]:
        """All events of the call `call_id`, once it is over: a client may be done with a stream before joch is."""

        def those() -> list[dict[str, Any]]:
            return [event for event in self.events if event.get("callId") == call_id]

        with self._arrived:
            over = self._arrived.wait_for(lambda: any(e["type"] == "x.CallCompleted" for e in those()), timeout)
        if not over:
            raise TimeoutError(f"no x.CallCompleted for {call_id}")
        return those()

    def payloads(self, type: str) -> list[dict[str, Any]]:
        """Their payloads."""
        return [event["payload"] for event in self.of(type)]


class RunningJoch:
    """`base_url` is what an app puts into OPENAI_BASE_URL."""

    def __init__(self, app: App, events: EventList, loop: LoopThread) -> None:
        self.app, self.events, self.loop = app, events, loop
        self.root = f"http://127.0.0.1:{app.port}"
        self.base_url = f"{self.root}/v1"


@contextmanager
def running_joch(
    snapshot: Snapshot,
    *,
    env: Mapping[str, str] | None = None,
    resolver: AbstractResolver | None = None,
    body_seconds: float = 30.0,
    store: Path | None = None,
) -> Iterator[RunningJoch]:
    """joch serving `snapshot` on a free port, on a loop of its own. `store` is the file of its store, None for memory."""
    loop = LoopThread()
    events = EventList()
    values = {KEY_VARIABLE: KEY} if env is None else env

    async def start() -> App:
        app = App(snapshot, env=values, sinks=[events], resolver=resolver, body_seconds=body_seconds, store=store)
        await app.start(port=0)
        return app

    app = loop.run(start())
    try:
        yield RunningJoch(app, events, loop)
    finally:
        loop.run(app.stop(drain_seconds=0.1))
        loop.close()
