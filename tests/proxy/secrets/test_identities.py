"""Which identity a model's calls have, and that models of one identity share its tokens."""

from pathlib import Path

import pytest

from proxy.resources import Auth
from proxy.secrets import SecretResolver
from proxy.secrets.identities import Identities
from tests.support.scripted import ScriptedServer
from translators.canonical import Reason, UpstreamError

from .services import OTHER_SCOPE, SCOPE, SECRET, Clock, form, granting, query, secret_in, source_of
from .test_google_tokens import key_file

ENTRA = Auth(type="entra", tenant_id="tenant", client_id="app")


async def token(env, auth: Auth, secret=None, **options) -> str:
    source, identities = source_of(env, auth, secret, **options)
    try:
        return await source.token()
    finally:
        await identities.close()


async def test_a_named_secret_is_looked_up_for_every_fetch(services: ScriptedServer) -> None:
    clock = Clock()
    env = {"AZURE_AUTHORITY_HOST": services.script("rotated", granting()), "CLIENT_SECRET": "first"}
    source, identities = source_of(env, ENTRA, secret_in(), clock=clock)
    assert await source.token() == "token-1"
    env["CLIENT_SECRET"] = "second"
    clock.now += 7200
    assert await source.token() == "token-2"
    assert [form(each)["client_secret"] for each in services.of("rotated")] == ["first", "second"]
    await identities.close()


async def test_what_the_record_leaves_out_the_environment_says(services: ScriptedServer, tmp_path: Path) -> None:
    env = {
        "AZURE_AUTHORITY_HOST": services.script("env", granting()),
        "AZURE_TENANT_ID": "their-tenant",
        "AZURE_CLIENT_ID": "their-app",
        "AZURE_CLIENT_SECRET": SECRET,
    }
    assert await token(env, Auth(type="entra")) == "token-1"
    (request,) = services.of("env")
    assert request.path.startswith("/env/their-tenant/")
    assert form(request)["client_secret"] == SECRET
    (tmp_path / "jwt").write_text("a.b.c")
    federated = {**env, "AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "jwt")}
    del federated["AZURE_CLIENT_SECRET"]
    for auth in (Auth(type="entra"), Auth(type="managed-identity")):
        await token(federated, auth)
        assert form(services.of("env")[-1])["client_assertion"] == "a.b.c"


async def test_entra_without_any_client_is_the_machines_own_identity(services: ScriptedServer) -> None:
    env = {"AZURE_POD_IDENTITY_AUTHORITY_HOST": services.script("machine", granting())}
    for auth in (Auth(type="entra", client_id="mine"), Auth(type="managed-identity", client_id="mine")):
        await token(env, auth)
        assert query(services.of("machine")[-1])["client_id"] == "mine"


@pytest.mark.parametrize(
    ("env", "auth", "words"),
    [
        ({"CLIENT_SECRET": SECRET}, Auth(type="entra", client_id="app"), "AZURE_TENANT_ID is not set"),
        ({"CLIENT_SECRET": SECRET}, Auth(type="entra", tenant_id="t"), "AZURE_CLIENT_ID is not set"),
        ({}, ENTRA, "secret client-secret: environment variable CLIENT_SECRET is not set"),
        ({}, Auth(type="google-sa"), "environment variable CLIENT_SECRET is not set"),
    ],
)
async def test_what_is_missing_is_named(env, auth: Auth, words: str) -> None:
    with pytest.raises(UpstreamError, match=words) as caught:
        await token(env, auth, secret_in())
    assert (caught.value.reason, caught.value.failure) == (Reason.UNAVAILABLE, "token_not_set_up")
    assert SECRET not in str(caught.value)


async def test_a_service_accounts_key_may_have_lines(services: ScriptedServer, tmp_path: Path) -> None:
    import json

    services.script("lines", granting())
    env = {"KEY_FILE": json.dumps(key_file(services, "lines"), indent=2)}
    assert "\n" in env["KEY_FILE"]
    assert await token(env, Auth(type="google-sa"), secret_in("KEY_FILE"), scopes=()) == "token-1"


async def test_models_of_one_identity_share_its_tokens() -> None:
    identities = Identities({}, SecretResolver({}))
    scopes = (SCOPE, OTHER_SCOPE)
    one = identities.of(ENTRA, secret_in(), "r.openai.azure.com", scopes)
    assert identities.of(ENTRA, secret_in(), "r.openai.azure.com", scopes) is one
    assert identities.of(ENTRA, secret_in("ANOTHER"), "r.openai.azure.com", scopes) is not one
    assert identities.of(ENTRA, secret_in(), "s.openai.azure.com", scopes) is not one
    await identities.close()


async def test_a_scope_of_the_configuration_goes_before_the_providers(services: ScriptedServer) -> None:
    env = {"AZURE_AUTHORITY_HOST": services.script("scoped", granting()), "CLIENT_SECRET": SECRET}
    own = Auth(type="entra", tenant_id="t", client_id="app", scope="api://gateway/.default")
    await token(env, own, secret_in())
    assert form(services.of("scoped")[0])["scope"] == "api://gateway/.default"


async def test_no_identity_service_is_asked_that_may_not_be_connected_to(services: ScriptedServer) -> None:
    env = {"AZURE_AUTHORITY_HOST": services.script("there", granting()), "CLIENT_SECRET": SECRET}
    clock = Clock()
    source, identities = source_of(env, ENTRA, secret_in(), clock=clock)
    services.requests.clear()
    identities.allow_only(("elsewhere.example",))
    with pytest.raises(UpstreamError, match="not among the hosts") as refused:
        await source.token()
    assert (refused.value.failure, services.requests) == ("token_not_set_up", [])
    identities.allow_only(("127.0.0.1",))
    clock.now += 600
    assert await source.token() == "token-1"
    await identities.close()
