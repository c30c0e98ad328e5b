"""One target ready to be asked: its simulator listens, a real joch is configured to it, and a client can talk to both.

The configuration is written as an operator would write it and read by the real loader, so that catalogue, capabilities and
prices are what they are in service.
"""

from __future__ import annotations

import json
import logging
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from proxy import config
from proxy.app import App
from proxy.resources import Snapshot

from . import reading
from .clients import Client, Seen
from .simulators.server import KEY, Loop, Simulator
from .targets import Target, name_of

KEY_VARIABLE = "CONFORMANCE_PROVIDER_KEY"
_SECRET = {
    "apiVersion": "ops.joch.dev/v1alpha1",
    "kind": "Secret",
    "metadata": {"name": "conformance"},
    "spec": {"source": {"type": "env", "name": KEY_VARIABLE}},
}
_PATIENCE = 20.0
_GONE_SECONDS = 3.0


class Events:
    """A sink that keeps every event."""

    dropped = 0

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._arrived = threading.Condition()

    def put(self, event: Any) -> None:
        line = event.line.decode() if isinstance(event.line, bytes) else event.line
        with self._arrived:
            self.lines.append(line)
            self._arrived.notify_all()

    def close(self) -> None:
        pass

    def of(self, call_id: str, timeout: float = 5.0) -> list[dict[str, Any]]:
        """All events of a call once it is over, oldest first; what there is when it does not end in time."""

        def those() -> list[dict[str, Any]]:
            return [
                event for line in self.lines if call_id in line and (event := json.loads(line)).get("callId") == call_id
            ]

        with self._arrived:
            self._arrived.wait_for(lambda: any(each["type"] == "x.CallCompleted" for each in those()), timeout)
            return those()


class Stage:
    """A target in operation. `events` is what joch told of it."""

    def __init__(self, target: Target, snapshot: Snapshot, loop: Loop, simulator: Simulator) -> None:
        self.target, self.simulator = target, simulator
        self.events = Events()
        self._snapshot, self._loop = snapshot, loop
        self._app = self._started()
        self._http = httpx.Client(timeout=_PATIENCE, trust_env=False)

    def _started(self) -> App:
        async def start() -> App:
            app = App(self._snapshot, env={KEY_VARIABLE: KEY}, sinks=[self.events])
            await app.start(port=0)
            return app

        return self._loop.run(start())

    def renew(self) -> None:
        """A fresh joch: nobody rests any more because of what went wrong before, and the vault is empty."""
        self._loop.run(self._app.stop(drain_seconds=0.1))
        self._app = self._started()

    def close(self) -> None:
        self._http.close()
        self._loop.run(self._app.stop(drain_seconds=0.1))

    @property
    def base_url(self) -> str:
        """What an app puts into OPENAI_BASE_URL."""
        return f"http://127.0.0.1:{self._app.port}/v1"

    def ref(self, model: str) -> str:
        """How a client asks for one of the target's models."""
        return f"{self.target.provider}:{name_of(model)}"

    def send(self, client: Client, body: dict[str, Any], leaves: str = "") -> Seen:
        """One request, read to its end unless the client `leaves`."""
        seen = Seen()
        url = f"http://127.0.0.1:{self._app.port}{client.path}"
        headers = {"Authorization": "Bearer sk-app", "Content-Type": "application/json"}
        content = json.dumps(body).encode()
        timeout = httpx.Timeout(_PATIENCE, read=0.3) if leaves == "before" else None
        options: Any = {} if timeout is None else {"timeout": timeout}
        try:
            with self._http.stream("POST", url, content=content, headers=headers, **options) as response:
                self._read(seen, response, leaves)
        except httpx.ReadTimeout:
            if leaves != "before":
                seen.complaints.append("the answer does not come")
        except httpx.HTTPError as error:
            seen.complaints.append(f"the connection broke: {type(error).__name__}")
        if not leaves:
            understand(seen, client.dialect, body)
        return seen

    def _read(self, seen: Seen, response: httpx.Response, leaves: str) -> None:
        seen.status, seen.headers = response.status_code, dict(response.headers)
        pieces: list[bytes] = []
        for piece in response.iter_bytes():
            pieces.append(piece)
            self.simulator.open_gate()
            if leaves == "during":
                break
        seen.raw = b"".join(pieces).decode(errors="replace")

    def gone(self) -> bool:
        """Whether the simulator saw its peer leave the last request."""
        heard = self.simulator.heard
        return bool(heard) and heard[-1].gone.wait(_GONE_SECONDS)


def understand(seen: Seen, dialect: str, body: Mapping[str, Any]) -> None:
    """Read what came as the client of `dialect` that sent `body` would."""
    media_type = seen.headers.get("content-type", "").partition(";")[0]
    if seen.status != 200:
        reading.read_error(seen, seen.raw)
    elif body.get("stream"):
        if media_type != "text/event-stream":
            seen.complaints.append(f"a stream was asked for, and {media_type} came")
        elif dialect == "chat":
            usage = bool((body.get("stream_options") or {}).get("include_usage"))
            reading.read_chat_stream(seen, seen.raw, usage=usage)
        else:
            reading.read_response_stream(seen, seen.raw)
    else:
        try:
            answer = json.loads(seen.raw)
        except ValueError:
            seen.complaints.append("the answer is not JSON")
            return
        if dialect == "chat":
            reading.read_chat(seen, answer)
        else:
            reading.read_response(seen, answer)


def configured(target: Target, root: str) -> Snapshot:
    """What the real loader makes of a configuration that leads to `root`."""
    documents = [*([_SECRET] if target.keyed else []), *(target.record(model, root) for model in target.models)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "joch.yaml")
        path.write_text("\n---\n".join(json.dumps(document) for document in documents), encoding="utf-8")
        return config.load([str(path)], env={KEY_VARIABLE: KEY}).snapshot


@contextmanager
def stage(target: Target) -> Iterator[Stage]:
    """A target in operation, for as long as the context lasts."""
    # What goes wrong here goes wrong on purpose, and is in the report; it is no news for a terminal.
    logging.getLogger("joch").addHandler(logging.NullHandler())
    loop = Loop()
    simulator = Simulator(target.make())
    try:
        simulator.open(loop)
        made = Stage(target, configured(target, simulator.root), loop, simulator)
        try:
            yield made
        finally:
            made.close()
            simulator.close()
    finally:
        loop.close()
