"""The client credentials grant, as Entra sees it."""

from pathlib import Path

import pytest

from proxy.secrets.entra import Client, authority, client_credentials
from proxy.secrets.token_endpoint import TokenEndpoints, TokenError
from tests.support.scripted import ScriptedServer

from .services import SCOPE, SECRET, form, granting, refusing


async def asked(services: ScriptedServer, name: str, client: Client) -> str:
    endpoints = TokenEndpoints()
    try:
        env = {"AZURE_AUTHORITY_HOST": services.url(name)}
        return (await client_credentials(endpoints, env, client, SCOPE)).token
    finally:
        await endpoints.close()


async def test_a_secret_is_posted_in_a_form_and_stands_nowhere_else(services: ScriptedServer) -> None:
    services.script("secret", granting())
    client = Client(tenant="contoso.onmicrosoft.com", client_id="app", secret=SECRET)
    assert await asked(services, "secret", client) == "token-1"
    (request,) = services.of("secret")
    assert (request.method, request.path) == ("POST", "/secret/contoso.onmicrosoft.com/oauth2/v2.0/token")
    assert form(request) == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "client_secret": SECRET,
        "scope": SCOPE,
    }
    assert SECRET not in repr(client)


async def test_a_federated_token_is_read_for_each_request(services: ScriptedServer, tmp_path: Path) -> None:
    services.script("federated", granting())
    file = tmp_path / "token"
    client = Client(tenant="t", client_id="app", assertion_file=str(file))
    for assertion in ("jwt-one", "jwt-two"):
        file.write_text(f"{assertion}\n")
        await asked(services, "federated", client)
    first, second = map(form, services.of("federated"))
    assert first == {
        "grant_type": "client_credentials",
        "client_id": "app",
        "scope": SCOPE,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": "jwt-one",
    }
    assert second["client_assertion"] == "jwt-two"


@pytest.mark.parametrize("content", [None, ""])
async def test_without_its_federated_token_a_workload_is_not_set_up(
    services: ScriptedServer, tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "token").write_text(content)
    client = Client(tenant="t", client_id="app", assertion_file=str(tmp_path / "token"))
    with pytest.raises(TokenError, match="federated token file") as caught:
        await asked(services, "federated-none", client)
    assert caught.value.fault == "not_set_up"
    assert str(tmp_path) not in str(caught.value)


async def test_a_wrong_secret_is_refused_in_plain_words(services: ScriptedServer) -> None:
    description = f"AADSTS7000215: Invalid client secret provided. Value: {SECRET}. Trace ID: 1 Timestamp: 2"
    services.script("wrong", refusing(401, "invalid_client", description))
    with pytest.raises(TokenError) as caught:
        await asked(services, "wrong", Client(tenant="t", client_id="app", secret=SECRET))
    message = "Entra ID refused the gateway's credentials (AADSTS7000215: the client secret is wrong)."
    assert (str(caught.value), caught.value.fault) == (message, "refused")


@pytest.mark.parametrize("tenant", ["../other", "a/b", "", "t?x=1"])
async def test_a_tenant_cannot_lead_elsewhere(services: ScriptedServer, tenant: str) -> None:
    services.script("tenants", granting())
    with pytest.raises(TokenError, match="tenant"):
        await asked(services, "tenants", Client(tenant=tenant, client_id="app", secret=SECRET))
    assert services.of("tenants") == []


@pytest.mark.parametrize(
    ("env", "scope", "expected"),
    [
        ({}, SCOPE, "https://login.microsoftonline.com"),
        ({}, "https://cognitiveservices.azure.us/.default", "https://login.microsoftonline.us"),
        ({}, "https://cognitiveservices.azure.cn/.default", "https://login.chinacloudapi.cn"),
        ({}, "api://my-gateway/.default", "https://login.microsoftonline.com"),
        ({"AZURE_AUTHORITY_HOST": "login.microsoftonline.us"}, SCOPE, "https://login.microsoftonline.us"),
        ({"AZURE_AUTHORITY_HOST": "https://login.example/"}, SCOPE, "https://login.example"),
        ({"AZURE_AUTHORITY_HOST": ""}, SCOPE, "https://login.microsoftonline.com"),
    ],
)
def test_the_authority_is_the_environments_or_that_of_the_cloud(env, scope: str, expected: str) -> None:
    assert authority(env, scope) == expected


def test_no_secret_goes_to_an_authority_over_plain_http() -> None:
    with pytest.raises(TokenError, match="AZURE_AUTHORITY_HOST is no https address"):
        authority({"AZURE_AUTHORITY_HOST": "http://login.example"}, SCOPE)
