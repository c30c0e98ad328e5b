"""The table of paths over a real socket: what is served, under which spellings, and how everything else is refused."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from proxy.server import dispatch
from tests.support.answers import chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import scripted_server
from tests.support.snapshots import model, route, snapshot

CHAT = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


@pytest.fixture(scope="module")
def joch() -> Iterator[RunningJoch]:
    with scripted_server() as upstream:
        url = upstream.script("up", chat_upstream())
        records = [model("openai", url, "m"), model("openai", url, "org/name:v1")]
        with running_joch(snapshot(records, [route("r", "openai:m")])) as running:
            yield running


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/chat/completions"])
def test_the_surface_is_served_with_and_without_v1(joch: RunningJoch, path: str) -> None:
    assert httpx.post(joch.root + path, json=CHAT).status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_another_method_is_405_and_says_which_is_allowed(joch: RunningJoch, method: str) -> None:
    answer = httpx.request(method, joch.base_url + "/chat/completions")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    "path",
    ["/v1/nope", "/v1", "/", "/v1/audio/speech", "/v1/chat/completions/", "/v1/files", "/admin", "/v1/models/x/y"],
)
def test_any_other_path_is_a_404_in_json(joch: RunningJoch, path: str) -> None:
    answer = httpx.get(joch.root + path)
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["error"]["code"] in ("UnsupportedEndpoint", "model_not_found")


@pytest.mark.parametrize("path", ["//v1/models", "/v1/../health", "/v1/%2e%2e/health", "/v1%2fmodels", "/v1//models"])
def test_no_second_spelling_of_a_path_is_served(joch: RunningJoch, path: str) -> None:
    import socket

    with socket.create_connection(("127.0.0.1", joch.app.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(64).startswith(b"HTTP/1.1 404")


@pytest.mark.parametrize("spelled", ["org/name:v1", "org%2Fname:v1", "org%2Fname%3Av1"])
def test_a_model_id_may_hold_slashes_and_colons(joch: RunningJoch, spelled: str) -> None:
    assert httpx.get(f"{joch.base_url}/models/{spelled}").json()["id"] == "org/name:v1"


def test_health_readiness_and_metrics(joch: RunningJoch) -> None:
    assert httpx.get(joch.root + "/health").json()["status"] == "ok"
    assert httpx.get(joch.root + "/ready").json()["status"] == "ready"
    httpx.post(joch.base_url + "/chat/completions", json=CHAT)
    text = httpx.get(joch.root + "/metrics").text
    assert 'joch_modelcalls_total{model="openai:m",outcome="ok",provider="openai",reason=""}' in text
    assert 'joch_http_requests_total{endpoint="/v1/chat/completions",status="200"}' in text


def test_nothing_to_serve_is_not_ready() -> None:
    with running_joch(snapshot([])) as empty:
        answer = httpx.get(empty.root + "/ready")
    assert (answer.status_code, answer.json()["status"]) == (503, "not ready")


def test_a_bug_is_a_500_with_an_id_and_no_trace(joch: RunningJoch, caplog: pytest.LogCaptureFixture) -> None:
    def broken(core: object) -> None:
        raise ZeroDivisionError("secret detail")

    original, dispatch.models.list_models = dispatch.models.list_models, broken
    try:
        answer = httpx.get(joch.base_url + "/models")
    finally:
        dispatch.models.list_models = original
    assert answer.status_code == 500
    assert answer.json()["error"]["code"] == "internal_error"
    assert "secret detail" not in answer.text
    assert answer.headers["x-request-id"] in caplog.text
