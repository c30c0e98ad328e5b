"""Google's tokens: a key that really signs, application default credentials, and the metadata server."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from proxy.secrets.google_tokens import SCOPE, application_default, credentials_file, service_account
from proxy.secrets.token_endpoint import Fetched, TokenEndpoints, TokenError
from tests.support.scripted import ScriptedServer, whole

from .services import document, form, granting, query, refusing

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
EMAIL = "joch@project.iam.gserviceaccount.com"


def key_file(services: ScriptedServer, name: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "service_account",
        "project_id": "project",
        "private_key_id": "key-1",
        "private_key": PEM,
        "client_email": EMAIL,
        "token_uri": f"{services.url(name)}/token",
        **members,
    }


def user_file(services: ScriptedServer, name: str, **members: Any) -> dict[str, Any]:
    return {
        "type": "authorized_user",
        "client_id": "id.apps.googleusercontent.com",
        "client_secret": "s",
        "refresh_token": "refresh-canary",
        "token_uri": f"{services.url(name)}/token",
        **members,
    }


def decoded(part: str) -> Any:
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


async def test_a_service_account_signs_for_its_token(services: ScriptedServer) -> None:
    services.script("sa", granting())
    got = await service_account(TokenEndpoints(), document(key_file(services, "sa")), SCOPE)
    assert got.token == "token-1"
    assert 3590 < got.lifetime < 3600
    assert got.headers == {}
    (request,) = services.of("sa")
    assert form(request)["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = form(request)["assertion"].split(".")
    KEY.public_key().verify(
        base64.urlsafe_b64decode(signature + "=" * (-len(signature) % 4)),
        f"{head}.{claims}".encode(),
        padding.PKCS1v15(),
        hashes.SHA256(),
    )
    assert decoded(head)["alg"] == "RS256"
    assert decoded(head)["kid"] == "key-1"
    said = decoded(claims)
    assert (said["iss"], said["aud"]) == (EMAIL, "https://oauth2.googleapis.com/token")
    assert said["scope"] == SCOPE
    assert abs(said["exp"] - said["iat"] - 3600) <= 1
    assert abs(said["iat"] - time.time()) < 60


async def test_a_key_that_google_refuses(services: ScriptedServer) -> None:
    services.script("bad-sa", refusing(400, "invalid_grant", "Invalid JWT Signature. canary"))
    with pytest.raises(TokenError) as caught:
        await service_account(TokenEndpoints(), document(key_file(services, "bad-sa")), SCOPE)
    assert str(caught.value) == "Google refused the gateway's credentials (invalid_grant)."
    assert (caught.value.fault, caught.value.code) == ("refused", "invalid_grant")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("not json canary", "is not JSON"),
        ("[]", "not a JSON object"),
        ('{"type": "authorized_user"}', 'no JSON key file with type "service_account"'),
        ('{"type": "service_account", "client_email": "canary"}', "incomplete or damaged"),
        (
            '{"type": "service_account", "client_email": "a", "token_uri": "http://x", "private_key": "canary"}',
            "incomplete or damaged",
        ),
    ],
)
async def test_what_is_no_key_file_is_told_without_quoting_it(text: str, words: str) -> None:
    with pytest.raises(TokenError, match=words) as caught:
        await service_account(TokenEndpoints(), text, SCOPE)
    assert caught.value.fault == "not_set_up"
    assert "canary" not in str(caught.value)


async def test_a_credential_is_not_carried_on_to_where_a_redirect_points(services: ScriptedServer) -> None:
    services.script("moved", [whole(307, b"", Location=f"{services.url('elsewhere')}/token")])
    services.script("elsewhere", granting())
    with pytest.raises(TokenError, match=r"cannot be reached|cannot answer now") as caught:
        await service_account(TokenEndpoints(), document(key_file(services, "moved")), SCOPE)
    assert caught.value.fault == "unreachable"
    assert services.of("elsewhere") == []


async def test_a_token_endpoint_that_is_not_there(services: ScriptedServer) -> None:
    info = key_file(services, "x", token_uri="http://127.0.0.1:9/token")
    with pytest.raises(TokenError, match=r"cannot be reached|cannot answer now") as caught:
        await service_account(TokenEndpoints(), document(info), SCOPE)
    assert caught.value.fault == "unreachable"


@pytest.mark.parametrize("answer", [[whole(200, b"<html>")], [whole(200, {})]])
async def test_a_token_endpoint_that_answers_something_else(services: ScriptedServer, answer) -> None:
    services.script("odd-sa", answer)
    with pytest.raises(TokenError) as caught:
        await service_account(TokenEndpoints(), document(key_file(services, "odd-sa")), SCOPE)
    assert caught.value.fault in ("unreachable", "refused")


# --- application default credentials ----------------------------------------------------------------------------------


async def found(env: dict[str, str]) -> Fetched:
    endpoints = TokenEndpoints()
    try:
        return await application_default(endpoints, env, SCOPE)
    finally:
        await endpoints.close()


async def test_a_users_login_names_the_project_that_pays(services: ScriptedServer, tmp_path: Path) -> None:
    services.script("user", granting())
    file = tmp_path / "adc.json"
    file.write_text(document(user_file(services, "user", quota_project_id="payer")))
    got = await found({"GOOGLE_APPLICATION_CREDENTIALS": str(file)})
    assert (got.token, got.headers) == ("token-1", {"x-goog-user-project": "payer"})
    (request,) = services.of("user")
    assert form(request)["grant_type"] == "refresh_token"
    assert form(request)["refresh_token"] == "refresh-canary"
    named = {"GOOGLE_APPLICATION_CREDENTIALS": str(file), "GOOGLE_CLOUD_QUOTA_PROJECT": "other"}
    assert (await found(named)).headers == {"x-goog-user-project": "other"}


async def test_gclouds_own_file_is_found_where_gcloud_puts_it(services: ScriptedServer, tmp_path: Path) -> None:
    services.script("sdk", granting())
    file = tmp_path / ".config" / "gcloud" / "application_default_credentials.json"
    file.parent.mkdir(parents=True)
    file.write_text(document(key_file(services, "sdk")))
    assert (await found({"HOME": str(tmp_path)})).token == "token-1"
    assert credentials_file({"CLOUDSDK_CONFIG": str(file.parent)}) == file
    assert credentials_file({"HOME": "/nowhere"}) is None
    assert credentials_file({}) is None


async def test_other_types_are_google_auths_to_read(services: ScriptedServer, tmp_path: Path) -> None:
    """Workload identity federation: a token of another cloud is exchanged for one of Google's, in one request."""
    (tmp_path / "subject").write_text("their-token")
    services.script("sts", granting(issued_token_type="urn:ietf:params:oauth:token-type:access_token"))
    info = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/x",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": f"{services.url('sts')}/v1/token",
        "credential_source": {"file": str(tmp_path / "subject")},
    }
    (tmp_path / "adc.json").write_text(document(info))
    assert (await found({"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "adc.json")})).token == "token-1"
    (request,) = services.of("sts")
    assert form(request)["subject_token"] == "their-token"
    assert form(request)["scope"] == SCOPE


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "cannot be read"),
        ("x", "is not JSON"),
        ('{"type": "unheard-of"}', "incomplete or damaged"),
        ('{"type": "authorized_user"}', "of type authorized_user are incomplete or damaged"),
    ],
)
async def test_a_file_that_is_none(tmp_path: Path, content: str | None, words: str) -> None:
    if content is not None:
        (tmp_path / "adc.json").write_text(content)
    with pytest.raises(TokenError, match=words) as caught:
        await found({"GOOGLE_APPLICATION_CREDENTIALS": str(tmp_path / "adc.json")})
    assert caught.value.fault == "not_set_up"
    assert str(tmp_path) not in str(caught.value)


def metadata(services: ScriptedServer, *scripts) -> dict[str, str]:
    services.script("computeMetadata", *scripts)
    services.requests.clear()
    return {"GCE_METADATA_HOST": f"127.0.0.1:{services.port}"}


async def test_the_metadata_server_needs_no_package(services: ScriptedServer) -> None:
    token = {"access_token": "of-this-machine", "expires_in": 1799, "token_type": "Bearer"}
    got = await found(metadata(services, [whole(200, token, Metadata_Flavor="Google")]))
    assert (got.token, got.lifetime) == ("of-this-machine", 1799.0)
    (request,) = services.of("computeMetadata")
    assert request.path.partition("?")[0] == "/computeMetadata/v1/instance/service-accounts/default/token"
    assert query(request) == {"scopes": SCOPE}
    assert request.headers["metadata-flavor"] == "Google"


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ([whole(200, {"access_token": "a-strangers"})], "none of Google's"),
        ([whole(404, {}, Metadata_Flavor="Google")], "no service account"),
        ([whole(503, {}, Metadata_Flavor="Google")], "status 503"),
    ],
)
async def test_what_the_metadata_server_does_not_give(services: ScriptedServer, answer, words: str) -> None:
    with pytest.raises(TokenError, match=words):
        await found(metadata(services, answer))


async def test_nothing_at_all_says_what_was_looked_for() -> None:
    with pytest.raises(TokenError, match="no GOOGLE_APPLICATION_CREDENTIALS, no gcloud login") as caught:
        await found({"GCE_METADATA_HOST": "127.0.0.1:9"})
    assert caught.value.fault == "not_set_up"


@pytest.mark.parametrize(("hosts", "asked"), [(("127.0.0.1",), 1), (("elsewhere.example",), 0)])
async def test_no_key_file_leads_to_a_host_that_may_not_be_connected_to(
    services: ScriptedServer, hosts: tuple[str, ...], asked: int
) -> None:
    endpoints, key = TokenEndpoints(), document(key_file(services, "sa"))
    endpoints.allowed_hosts = hosts
    services.requests.clear()
    if asked:
        await service_account(endpoints, key, SCOPE)
    else:
        with pytest.raises(TokenError, match="not among the hosts"):
            await service_account(endpoints, key, SCOPE)
    assert len(services.requests) == asked


MISSING = """
import asyncio, sys
sys.modules["google.auth"] = None
from proxy.secrets.google_tokens import service_account
from proxy.secrets.token_endpoint import TokenEndpoints
try:
    asyncio.run(service_account(TokenEndpoints(), '{"type": "service_account"}', "s"))
except Exception as error:
    print(error)
print("google.oauth2" in sys.modules)
"""


def test_without_google_auth_one_is_told_how_to_get_it() -> None:
    ran = subprocess.run([sys.executable, "-c", MISSING], capture_output=True, text=True, check=True)
    assert ran.stdout.splitlines() == ["google-auth is not installed: pip install 'joch-proxy[google]'", "False"]


def test_google_auth_is_not_imported_before_it_is_needed() -> None:
    code = (
        "import sys, proxy.secrets.identities; "
        "print([name for name in sys.modules if name.startswith(('google', 'requests'))])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
