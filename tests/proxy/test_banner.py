"""The banner names what was found and never a key."""

from __future__ import annotations

from dataclasses import replace

import pytest

from proxy.banner import lines
from proxy.discovery import Found
from proxy.serve import Started
from tests.support.snapshots import KEY, model, route, snapshot


def shown(**fields: object) -> str:
    records = [
        model("ollama", "http://o", "qwen3:8b", origin="discovered", flags={"toolCalling": True}, context_window=8192),
        model("openai", "http://a", "gpt-4o", secret=None, secret_problem="OPENAI_API_KEY is not set"),
    ]
    configured = snapshot(records, [route("r", "openai:gpt-4o", "ollama:qwen3:8b")], {"mini": "r"})
    template = model("openai", "https://api", "template")
    started = Started(replace(configured, implicit=((template, ("gpt-*",)),)), (), (), **fields)
    return "\n".join(lines(started, 9000))


def test_it_ends_with_the_lines_to_paste() -> None:
    assert "export OPENAI_BASE_URL=http://127.0.0.1:9000/v1" in shown()
    assert "export OPENAI_API_KEY=" in shown()


@pytest.mark.parametrize(("address", "host"), [("::1", "[::1]"), ("::", "[::1]"), ("0.0.0.0", "127.0.0.1")])
def test_the_line_to_paste_is_a_url_that_works(address: str, host: str) -> None:
    started = Started(snapshot([], address=address), (), (), ())
    assert f"export OPENAI_BASE_URL=http://{host}:9000/v1" in "\n".join(lines(started, 9000))


def test_models_routes_aliases_and_keys_by_name() -> None:
    text = shown()
    assert "qwen3:8b (tools 8k)" in text
    assert "gpt-4o (disabled: OPENAI_API_KEY is not set)" in text
    assert "route r" in text
    assert "openai:gpt-4o -> ollama:qwen3:8b" in text
    assert "alias mini" in text
    assert "key from TEST_PROVIDER_KEY" in text
    assert KEY not in text


def test_an_endpoint_that_was_not_there_is_mentioned() -> None:
    text = shown(found=(Found("ollama", "http://127.0.0.1:11434", problem="connect_refused"),))
    assert "http://127.0.0.1:11434  not there (connect_refused)" in text
