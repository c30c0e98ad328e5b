"""An unmodified app before Vertex AI: by a service account's key, by a user's login and by the metadata server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import openai
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from proxy.resources import Auth, SecretRef, SecretSource
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import Received, ScriptedServer, Step, scripted_server, whole
from tests.support.snapshots import model, snapshot

from .clients import SyncSdk, sync_sdk

HELLO = [{"role": "user", "content": "hi"}]
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ANSWER = {
    "candidates": [
        {"content": {"role": "model", "parts": [{"text": "hello you"}]}, "finishReason": "STOP", "index": 0}
    ],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 2, "totalTokenCount": 5},
    "modelVersion": "gemini-3.8-flash",
    "responseId": "r-1",
}


def signed_by(request: Received) -> str:
    """Who signed the assertion of a token request."""
    form = parse_qs(request.body.decode())
    claims = form["assertion"][0].split(".")[1]
    return json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["iss"]


def google(request: Received) -> list[Step]:
    """Google's token endpoint."""
    form = parse_qs(request.body.decode())
    who = form["refresh_token"][0] if "refresh_token" in form else signed_by(request)
    return [whole(200, {"access_token": f"ya29.{who}", "expires_in": 3599, "token_type": "Bearer"})]


def written(folder: Path, name: str, document: dict[str, Any]) -> str:
    path = folder / name
    path.write_text(json.dumps(document, indent=2))
    return str(path)


@pytest.fixture(scope="module")
def upstream() -> Iterator[ScriptedServer]:
    with scripted_server() as server:
        yield server


@pytest.fixture(scope="module")
def joch(upstream: ScriptedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningJoch]:
    folder = tmp_path_factory.mktemp("google")
    token_uri = f"{upstream.script('oauth', google)}/token"
    account = {"type": "service_account", "client_email": "joch@p", "private_key": PEM, "token_uri": token_uri}
    user = {
        "type": "authorized_user",
        "client_id": "i",
        "client_secret": "s",
        "refresh_token": "refresh",
        "token_uri": token_uri,
        "quota_project_id": "payer",
    }
    key_file = SecretRef(
        name="key-file", source=SecretSource(type="file", location=written(folder, "sa.json", account))
    )
    at: dict[str, Any] = {
        "provider": "google",
        "model": "gemini-3.8-flash",
        "place": {"project": "p", "location": "global"},
    }
    url = upstream.script("vertex", [whole(200, ANSWER)])
    records = [
        model(base_url=url, name="by-key", auth=Auth(type="google-sa"), secret=key_file, **at),
        model(base_url=url, name="by-login", auth=Auth(type="google-adc"), secret=None, **at),
    ]
    env = {"GOOGLE_APPLICATION_CREDENTIALS": written(folder, "adc.json", user)}
    with running_joch(snapshot(records), env=env) as running:
        yield running


@pytest.fixture(scope="module")
def sdk(joch: RunningJoch) -> Iterator[SyncSdk]:
    with sync_sdk(joch.base_url) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "token", "payer"), [("by-key", "ya29.joch@p", None), ("by-login", "ya29.refresh", "payer")]
)
def test_calls_carry_a_token_in_the_keys_place(
    sdk: SyncSdk, joch: RunningJoch, upstream: ScriptedServer, name: str, token: str, payer: str | None
) -> None:
    upstream.requests.clear()
    for _ in range(2):
        assert sdk.chat(model=name, messages=HELLO).choices[0].message.content == "hello you"
    requests = upstream.of("vertex")
    assert {each.headers["authorization"] for each in requests} == {f"Bearer {token}"}
    assert {each.headers.get("x-goog-user-project") for each in requests} == {payer}
    assert "x-goog-api-key" not in requests[0].headers
    assert "/projects/p/locations/global/publishers/google/models/gemini-3.8-flash" in requests[0].path
    assert len(upstream.of("oauth")) == 1, "one token for both calls"
    assert "ya29" not in str(joch.events.events)


def test_on_googles_own_machines_nothing_has_to_be_said(upstream: ScriptedServer) -> None:
    metadata = {"access_token": "ya29.machine", "expires_in": 1799, "token_type": "Bearer"}
    upstream.script("computeMetadata", [whole(200, metadata, Metadata_Flavor="Google")])
    upstream.requests.clear()
    record = model(
        "google",
        upstream.script("vertex", [whole(200, ANSWER)]),
        "m",
        model="gemini-3.8-flash",
        place={"project": "p"},
        auth=Auth(type="google-adc"),
        secret=None,
    )
    env = {"GCE_METADATA_HOST": f"127.0.0.1:{upstream.port}"}
    with running_joch(snapshot([record]), env=env) as running, sync_sdk(running.base_url) as client:
        assert client.chat(model="m", messages=HELLO).choices[0].message.content == "hello you"
    assert upstream.of("vertex")[0].headers["authorization"] == "Bearer ya29.machine"


def test_without_any_credentials_the_app_is_told_what_is_missing(upstream: ScriptedServer) -> None:
    record = model(
        "google", upstream.url("vertex"), "m", place={"project": "p"}, auth=Auth(type="google-adc"), secret=None
    )
    with (
        running_joch(snapshot([record]), env={"GCE_METADATA_HOST": "127.0.0.1:9"}) as running,
        sync_sdk(running.base_url) as client,
        pytest.raises(openai.InternalServerError) as caught,
    ):
        client.chat(model="m", messages=HELLO)
    assert caught.value.status_code == 503
    assert "There are no application default credentials" in str(caught.value)
