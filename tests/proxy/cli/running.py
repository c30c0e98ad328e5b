"""Runs the command line as a user does, in a clean environment, and small HTTP servers for it to talk to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from proxy.cli import command

CLEARED = (
    *("JOCH_", "OPENAI_", "OLLAMA_", "VLLM_", "LLAMA_", "ANTHROPIC_", "NO_COLOR"),
    *("AZURE_", "IDENTITY_", "IMDS_", "MSI_", "GOOGLE_", "GEMINI_", "GCE_", "CLOUDSDK_"),
)
NOBODY = "http://127.0.0.1:1"
"""Where nothing listens."""


def joch(*arguments: str, env: Mapping[str, str] | None = None, input: str | None = None) -> Result:
    """`joch arguments…` with nothing in the environment but `env`."""
    import os

    cleared: dict[str, str | None] = {name: None for name in os.environ if name.startswith(CLEARED)}
    runner = CliRunner()
    return runner.invoke(command, list(arguments), env={**cleared, "OLLAMA_HOST": NOBODY, **(env or {})}, input=input)


@contextmanager
def serving(
    answers: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None
) -> Iterator[tuple[str, list[Any]]]:
    """A server that answers paths with JSON; yields its URL and the requests it saw as (path, headers)."""
    seen: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, dict(self.headers)))
            found = self.path in answers
            body = json.dumps(answers.get(self.path, {})).encode()
            if "Date" in (headers or {}):
                self.send_response_only(status if found else 404)
            else:
                self.send_response(status if found else 404)
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and home."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return path.name
