"""`joch serve` as a process: how it starts, reloads, refuses and ends."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.support.answers import chat_chunk
from tests.support.scripted import HANG, scripted_server, stream

CONFIG = """
apiVersion: model.joch.dev/v1alpha1
kind: Model
metadata: {{ name: {name} }}
spec:
  provider: generic-openai
  endpoint: {{ type: local, baseUrl: "{url}" }}
  auth: {{}}
"""


class Process:
    """A running `joch serve` and what it said on stderr so far."""

    def __init__(self, *args: str, env: dict[str, str] | None = None) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.endswith("_API_KEY")}
        clean |= {"JOCH_PROVIDER_OLLAMA_BASE_URL": "http://127.0.0.1:9", "HOME": "/nonexistent"} | (env or {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "proxy", "serve", *args], stderr=subprocess.PIPE, text=True, env=clean, bufsize=1
        )
        self.said = ""

    def until(self, words: str, seconds: float = 20.0) -> re.Match[str]:
        """Wait until stderr matches `words`; a joch that does not say them in time is ended."""
        assert self.process.stderr is not None
        impatience = threading.Timer(seconds, self.process.kill)
        impatience.start()
        try:
            while (found := re.search(words, self.said)) is None:
                line = self.process.stderr.readline()
                assert line, f"joch ended without saying {words!r}:\n{self.said}"
                self.said += line
        finally:
            impatience.cancel()
        return found

    @property
    def url(self) -> str:
        return self.until(r"export OPENAI_BASE_URL=(\S+)").group(1)


@contextmanager
def joch(*args: str, env: dict[str, str] | None = None) -> Iterator[Process]:
    running = Process(*args, env=env)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.process.kill()
        running.process.communicate()


def say(url: str, model: str, text: str = "hi") -> httpx.Response:
    body = {"model": model, "messages": [{"role": "user", "content": text}]}
    return httpx.post(f"{url}/chat/completions", json=body, timeout=20)


def test_without_a_configuration_the_demo_answers_and_the_banner_has_the_lines_to_paste() -> None:
    with joch("--port", "0") as running:
        answer = say(running.url, "demo:echo", "is anybody there")
        assert answer.json()["choices"][0]["message"]["content"] == "echo: is anybody there"
        assert "export OPENAI_API_KEY=" in running.said or running.until("export OPENAI_API_KEY=")


def test_an_unknown_model_is_told_what_would_fix_it() -> None:
    with joch("--port", "0") as running:
        answer = say(running.url, "gpt-4o")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "model_not_found"
        assert "OPENAI_API_KEY" in answer.json()["error"]["message"]


def test_a_taken_port_is_one_clear_line_and_exit_code_1() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with joch("--port", str(port)) as running:
            assert running.process.wait(timeout=20) == 1
            assert running.process.stderr is not None
            said = running.process.stderr.read()
            assert f"cannot listen on 127.0.0.1:{port}: the port is in use" in said
            assert "Traceback" not in said


def test_a_broken_configuration_does_not_start(tmp_path: Path) -> None:
    file = tmp_path / "joch.yaml"
    file.write_text(CONFIG.format(name="m", url="http://127.0.0.1:9/v1").replace("provider", "provder"))
    with joch("-f", str(file), "--port", "0") as running:
        assert running.process.wait(timeout=20) == 2
        assert running.process.stderr is not None
        said = running.process.stderr.read()
        assert "joch.yaml:6:" in said
        assert "E-UNKNOWN-FIELD" in said
        assert "provider" in said


def test_a_reload_is_all_or_nothing(tmp_path: Path) -> None:
    file, events = tmp_path / "joch.yaml", tmp_path / "events.jsonl"
    file.write_text(CONFIG.format(name="first", url="http://127.0.0.1:9/v1"))
    with joch("-f", str(file), "--port", "0", "--events", str(events)) as running:
        url = running.url
        file.write_text("kind: [")
        running.process.send_signal(signal.SIGHUP)
        running.until("was rejected, the old one stays")
        assert [row["id"] for row in httpx.get(f"{url}/models").json()["data"]] == ["generic-openai:first", "first"]
        file.write_text(CONFIG.format(name="second", url="http://127.0.0.1:9/v1"))
        running.process.send_signal(signal.SIGHUP)
        running.until("configuration reloaded")
        assert "second" in [row["id"] for row in httpx.get(f"{url}/models").json()["data"]]
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=20) == 0
    told = [json.loads(line) for line in events.read_text().splitlines()]
    assert [event["type"] for event in told] == ["x.ConfigRejected", "ResourceApplied", "ResourceApplied"]


SETTINGS = """---
apiVersion: router.joch.dev/v1alpha1
kind: RouterSettings
metadata: {{ name: default }}
spec:
  logging: {{ level: {level} }}
  store: {{ path: ":memory:", vault: {{ maxEntries: {entries} }} }}
"""


def test_a_reload_changes_the_log_and_says_what_needs_a_restart(tmp_path: Path) -> None:
    file, models = tmp_path / "joch.yaml", CONFIG.format(name="m", url="http://127.0.0.1:9/v1")
    file.write_text(models + SETTINGS.format(level="warning", entries=10))
    with joch("-f", str(file), "--port", "0") as running:
        assert running.url
        file.write_text(models + SETTINGS.format(level="info", entries=20))
        running.process.send_signal(signal.SIGHUP)
        running.until("configuration reloaded: RouterSettings default changed")
    assert "vault_entries changes with a restart only" in running.said


def test_watch_reloads_when_a_file_changes(tmp_path: Path) -> None:
    file = tmp_path / "joch.yaml"
    file.write_text(CONFIG.format(name="first", url="http://127.0.0.1:9/v1"))
    with joch("-f", str(file), "--port", "0", "--watch") as running:
        url = running.url
        file.write_text(CONFIG.format(name="other", url="http://127.0.0.1:9/v1"))
        running.until("configuration reloaded")
        assert "other" in [row["id"] for row in httpx.get(f"{url}/models").json()["data"]]


def test_a_stream_that_a_second_signal_cuts_is_told_so(tmp_path: Path) -> None:
    file = tmp_path / "joch.yaml"
    with scripted_server() as upstream:
        begun = stream(chat_chunk({"role": "assistant", "content": "half"}), end=False)
        url = upstream.script("slow", [*begun, HANG])
        file.write_text(CONFIG.format(name="slow", url=url))
        with joch("-f", str(file), "--port", "0") as running:
            body = {"model": "slow", "stream": True, "messages": [{"role": "user", "content": "hi"}]}
            with httpx.stream("POST", f"{running.url}/chat/completions", json=body, timeout=20) as answer:
                pieces = answer.iter_text()
                text = next(pieces)
                running.process.send_signal(signal.SIGTERM)
                wait_for(lambda: refuses(running.url))  # the first is being acted on: two at once would be one
                running.process.send_signal(signal.SIGTERM)
                text += "".join(pieces)
            assert running.process.wait(timeout=20) == 0
    assert "half" in text
    assert "server_shutting_down" in text
    assert "[DONE]" not in text


def test_two_workers_share_a_port_and_a_dead_one_is_replaced(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with joch("--port", str(port), "--workers", "2") as running:
        url = f"http://127.0.0.1:{port}/v1"
        wait_for(lambda: say(url, "demo:echo").status_code == 200)
        children = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
        assert len(children) == 2
        os.kill(int(children[0]), signal.SIGKILL)
        running.until("a worker ended")
        wait_for(lambda: say(url, "demo:echo").status_code == 200)
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(timeout=20) == 0


def refuses(url: str) -> bool:
    """Whether nobody listens there."""
    try:
        httpx.get(f"{url}/models")
    except httpx.ConnectError:
        return True
    return False


def wait_for(true: object, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            if callable(true) and true():
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.05)
