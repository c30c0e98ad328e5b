import json
import socket
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.support.scripted import scripted_server, whole

from .running import NOBODY, joch, serving, write

MODEL = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: {{ name: m }}
spec:
  provider: openai
  endpoint: {{ baseUrl: "{url}/v1" }}
  auth: {{ secretRef: my-key }}
  limits: {{ contextWindowTokens: 1 }}
  pricing: {{ inputPerMillionTokens: 1, outputPerMillionTokens: 1 }}
---
apiVersion: joch.dev/v1alpha1
kind: Secret
metadata: {{ name: my-key }}
spec: {{ source: {{ type: env, name: CANARY_KEY }} }}
---
apiVersion: joch.dev/v1alpha1
kind: RouterSettings
metadata: {{ name: default }}
spec: {{ listen: {{ port: {port} }} }}
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def doctor(*arguments: str, **env: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and the findings by check."""
    ran = joch("doctor", "-o", "json", *arguments, env=env)
    assert "canary-value" not in ran.output
    return ran.exit_code, {found["check"]: found for found in json.loads(ran.stdout)}


def test_a_healthy_installation(folder: Path, port: int) -> None:
    with serving({"/v1/models": {"data": []}}) as (url, seen):
        write(folder / "joch.yaml", MODEL.format(url=url, port=port))
        code, found = doctor(CANARY_KEY="canary-value", OPENAI_BASE_URL=f"http://localhost:{port}/v1")
    assert code == 0
    assert {check: finding["status"] for check, finding in found.items()} == {
        "configuration": "ok",
        "port": "ok",
        "OPENAI_BASE_URL": "ok",
        "secret my-key": "ok",
        "provider openai": "ok",
        "ollama": "warn",
        "clock": "ok",
    }
    assert [path for path, _ in seen] == ["/v1/models"]
    assert seen[0][1]["Authorization"] == "Bearer canary-value"


def test_the_table_has_a_sentence_for_everything_to_do(folder: Path) -> None:
    ran = joch("doctor", env={"JOCH_ROUTER_PORT": "0"})
    assert ran.exit_code == 0
    lines = ran.stdout.splitlines()
    assert lines[0].split() == ["CHECK", "FOUND", "TO", "DO"]
    assert [line.split()[0] for line in lines[1:]] == ["ok", "ok", "warn", "warn", "ok"]
    assert all(line.endswith((".", "/v1")) for line in lines[1:] if line.startswith("warn"))
    assert "\x1b" not in ran.stdout


def test_a_broken_configuration_is_the_first_thing_to_mend(folder: Path) -> None:
    write(folder / "joch.yaml", MODEL.format(url="http://h", port=1).replace("provider: openai", "provider: opnai"))
    code, found = doctor()
    assert code == 1
    assert found["configuration"]["status"] == "fail"
    assert "E-PROVIDER" in found["configuration"]["detail"]
    assert "did you mean openai?" in found["configuration"]["fix"]


def test_a_missing_secret_is_named_and_its_provider_not_asked(folder: Path, port: int) -> None:
    with serving({"/v1/models": {}}) as (url, seen):
        write(folder / "joch.yaml", MODEL.format(url=url, port=port))
        code, found = doctor()
    assert (code, seen) == (0, [])
    assert found["secret my-key"]["detail"] == "environment variable CANARY_KEY is not set"
    assert found["provider openai"]["status"] == "warn"


@pytest.mark.parametrize(("status", "verdict"), [(401, "fail"), (403, "fail"), (500, "warn"), (200, "ok")])
def test_what_a_provider_answers(folder: Path, port: int, status: int, verdict: str) -> None:
    with serving({"/v1/models": {"error": {"message": "key canary-value is wrong"}}}, status) as (url, _):
        write(folder / "joch.yaml", MODEL.format(url=url, port=port))
        code, found = doctor(CANARY_KEY="canary-value")
    assert found["provider openai"]["status"] == verdict
    assert code == (1 if verdict == "fail" else 0)


def test_a_provider_that_is_not_there(folder: Path, port: int) -> None:
    write(folder / "joch.yaml", MODEL.format(url=NOBODY, port=port))
    code, found = doctor(CANARY_KEY="canary-value")
    assert code == 1
    assert "does not answer" in found["provider openai"]["detail"]


ENTRA = """\
apiVersion: joch.dev/v1alpha1
kind: Model
metadata: {{ name: m }}
spec:
  provider: microsoft
  endpoint: {{ baseUrl: "{url}" }}
  auth: {{ type: entra, tenantId: tenant, clientId: app, secretRef: my-secret }}
  limits: {{ contextWindowTokens: 1 }}
  pricing: {{ inputPerMillionTokens: 1, outputPerMillionTokens: 1 }}
---
apiVersion: joch.dev/v1alpha1
kind: Secret
metadata: {{ name: my-secret }}
spec: {{ source: {{ type: env, name: CANARY_SECRET }} }}
---
apiVersion: joch.dev/v1alpha1
kind: RouterSettings
metadata: {{ name: default }}
spec: {{ listen: {{ port: {port} }} }}
"""


@pytest.mark.parametrize(("status", "verdict"), [(200, "ok"), (401, "fail")])
def test_an_identity_is_tried_with_a_token(folder: Path, port: int, status: int, verdict: str) -> None:
    with scripted_server() as entra, serving({"/openai/v1/models": {"data": []}}, status) as (url, seen):
        authority = entra.script("login", [whole(200, {"access_token": "token-canary-value", "expires_in": 3600})])
        write(folder / "joch.yaml", ENTRA.format(url=url, port=port))
        code, found = doctor(CANARY_SECRET="canary-value", AZURE_AUTHORITY_HOST=authority)
    assert [(path, headers["Authorization"]) for path, headers in seen] == [
        ("/openai/v1/models", "Bearer token-canary-value")
    ]
    assert (found["provider microsoft"]["status"], code) == (verdict, 0 if verdict == "ok" else 1)
    assert found["secret my-secret"]["status"] == "ok"


def test_an_identity_without_a_token_says_why(folder: Path, port: int) -> None:
    refused = {
        "error": "invalid_client",
        "error_description": "AADSTS7000222: The provided client secret keys expired.",
    }
    with scripted_server() as entra, serving({}) as (url, seen):
        authority = entra.script("login", [whole(401, refused)])
        write(folder / "joch.yaml", ENTRA.format(url=url, port=port))
        code, found = doctor(CANARY_SECRET="canary-value", AZURE_AUTHORITY_HOST=authority)
    assert (code, seen) == (1, [])
    assert "AADSTS7000222: the client secret has expired" in found["provider microsoft"]["detail"]
    assert found["provider microsoft"]["fix"] == "Correct the model's auth, or what it names."


def test_a_port_in_use_is_told_apart_by_who_uses_it(folder: Path) -> None:
    with serving({"/health": {"status": "ok", "version": "1"}}) as (url, _):
        code, found = doctor(JOCH_ROUTER_PORT=url.rpartition(":")[2])
        assert (code, found["port"]["status"]) == (0, "ok")
        assert "served by joch" in found["port"]["detail"]
    with serving({"/health": {"status": "fine"}}) as (url, _):
        code, found = doctor(JOCH_ROUTER_PORT=url.rpartition(":")[2])
        assert (code, found["port"]["status"]) == (1, "fail")


@pytest.mark.parametrize("url", ["https://api.openai.com/v1", "nonsense", "http://127.0.0.1:1/v1"])
def test_apps_that_would_go_elsewhere(folder: Path, url: str) -> None:
    _, found = doctor(OPENAI_BASE_URL=url, JOCH_ROUTER_PORT="0")
    assert found["OPENAI_BASE_URL"]["status"] == "warn"
    assert "export OPENAI_BASE_URL=http://127.0.0.1:" in found["OPENAI_BASE_URL"]["fix"]


def test_ollama_and_its_models(folder: Path) -> None:
    with serving({"/api/tags": {"models": [{"name": "qwen3:8b"}]}}) as (url, _):
        _, found = doctor(OLLAMA_HOST=url, JOCH_ROUTER_PORT="0")
    assert (found["ollama"]["status"], found["ollama"]["detail"]) == ("ok", f"{url}: qwen3:8b")
    with serving({"/api/tags": {"models": []}}) as (url, _):
        _, found = doctor(OLLAMA_HOST=url, JOCH_ROUTER_PORT="0")
    assert found["ollama"]["fix"].startswith("Pull one")


def test_a_clock_that_differs_from_the_providers(folder: Path, port: int) -> None:
    for date, detail in [
        (formatdate(0, usegmt=True), "s away from a provider's"),
        ("yesterday", "no provider to compare"),
    ]:
        with serving({"/v1/models": {}}, headers={"Date": date}) as (url, _):
            write(folder / "joch.yaml", MODEL.format(url=url, port=port))
            _, found = doctor(CANARY_KEY="canary-value")
        assert detail in found["clock"]["detail"]
