"""Identities: written in a Model, or found by a provider's convention; and where their tokens may go."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config.zero import from_environment
from proxy.resources import Auth, Model
from proxy.secrets import SecretResolver

from .writing import loaded, model, only, problems, secret, settings, told

AZURE = {"AZURE_OPENAI_ENDPOINT": "https://r.openai.azure.com/"}
CLIENT = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}
RESOURCE = "endpoint: { baseUrl: 'https://r.openai.azure.com' }"


def one(tmp_path: Path, spec: str, env: dict[str, str] | None = None, more: str = "") -> Model:
    """The one model of a configuration without problems."""
    found = loaded(tmp_path, more + model("m", spec), env or {})
    assert [str(problem) for problem in found.problems] == []
    return next(iter(found.snapshot.models.values()))


# --- written ----------------------------------------------------------------------------------------------------------


def test_a_client_of_entra_as_written(tmp_path: Path) -> None:
    spec = f"provider: microsoft\n{RESOURCE}\nauth: {{ type: entra, tenantId: t-1, clientId: c-1, scope: 'api://x/.default', secretRef: s }}"
    record = one(tmp_path, spec, more=secret("s"))
    assert record.auth == Auth(type="entra", tenant_id="t-1", client_id="c-1", scope="api://x/.default")
    assert record.secret is not None
    assert record.secret.name == "s"


@pytest.mark.parametrize(
    ("auth", "expected"),
    [
        ("{ type: entra }", Auth(type="entra")),
        ("{ type: managed-identity }", Auth(type="managed-identity")),
        ("{ type: managed-identity, clientId: c }", Auth(type="managed-identity", client_id="c")),
        ("{ type: google-adc }", Auth(type="google-adc")),
    ],
)
def test_an_identity_without_a_secret_needs_none(tmp_path: Path, auth: str, expected: Auth) -> None:
    record = one(tmp_path, f"provider: microsoft\n{RESOURCE}\nauth: {auth}", AZURE | {"AZURE_OPENAI_API_KEY": "k"})
    assert record.auth == expected
    assert (record.secret, record.secret_problem) == (None, None)


@pytest.mark.parametrize(
    ("auth", "path", "words"),
    [
        ("{ tenantId: t }", "spec.auth.tenantId", "belongs to auth of type entra"),
        ("{ type: google-adc, clientId: c }", "spec.auth.clientId", "entra or managed-identity"),
        ("{ type: managed-identity, tenantId: t }", "spec.auth.tenantId", "type entra"),
        ("{ type: bearer, scope: s }", "spec.auth.scope", "google-adc"),
        ("{ type: managed-identity, secretRef: s }", "spec.auth.secretRef", "takes no secret"),
        ("{ type: google-adc, secretRef: s }", "spec.auth.secretRef", "takes no secret"),
        ("{ type: none, secretRef: s }", "spec.auth.secretRef", "takes no secret"),
        ("{ type: google-sa }", "spec.auth", "needs secretRef"),
        ("{ type: entra, tenantId: 'a/b' }", "spec.auth.tenantId", "one word"),
    ],
)
def test_what_does_not_belong_together_is_an_error(tmp_path: Path, auth: str, path: str, words: str) -> None:
    problem = only(tmp_path, secret("s") + model("m", f"provider: microsoft\n{RESOURCE}\nauth: {auth}"))
    assert (problem.code, problem.path) == ("E-TYPE", path)
    assert words in problem.message


def test_a_client_secret_needs_a_tenant_and_a_client(tmp_path: Path) -> None:
    text = secret("s") + model("m", f"provider: microsoft\n{RESOURCE}\nauth: {{ type: entra, secretRef: s }}")
    found = problems(tmp_path, text, {})
    assert [(problem.code, problem.hint) for problem in found] == [
        ("E-TYPE", "write auth.tenantId, or set AZURE_TENANT_ID"),
        ("E-TYPE", "write auth.clientId, or set AZURE_CLIENT_ID"),
    ]
    assert told(tmp_path, text, CLIENT) == []


def test_a_provider_that_names_no_scope_needs_one(tmp_path: Path) -> None:
    spec = "provider: generic-openai\nendpoint: { baseUrl: 'https://gateway' }\nauth: { type: managed-identity"
    problem = only(tmp_path, model("m", f"{spec} }}"))
    assert (problem.code, problem.path) == ("E-TYPE", "spec.auth")
    assert one(tmp_path, f"{spec}, scope: 'api://gateway/.default' }}").auth.scope == "api://gateway/.default"


@pytest.mark.parametrize("endpoint", ["{ project: 'a/b' }", "{ location: 'x?y' }", "{ apiVersion: 'a b' }"])
def test_words_of_a_place_cannot_change_an_address(tmp_path: Path, endpoint: str) -> None:
    assert [code for code, _ in told(tmp_path, model("m", f"provider: openai\nendpoint: {endpoint}"))] == ["E-TYPE"]


def test_the_words_of_a_place_are_kept(tmp_path: Path) -> None:
    spec = "provider: microsoft\nendpoint: { baseUrl: 'https://r.openai.azure.com', apiVersion: 2024-10-21 }\nauth: {}"
    assert one(tmp_path, spec).place == {"apiVersion": "2024-10-21"}
    surface = f"provider: microsoft\n{RESOURCE}\nauth: {{}}\ncapabilities: {{ features: {{ surface: classic }} }}"
    assert one(tmp_path, surface).features["surface"] == "classic"
    assert told(tmp_path, model("m", surface.replace("classic", "other")))[0][0] == "E-ENUM"


def test_a_service_accounts_key_is_a_document_with_lines(tmp_path: Path) -> None:
    spec = "provider: google\nendpoint: { project: p }\nauth: { type: google-sa, secretRef: s }"
    text = secret("s") + model("m", spec)
    check = SecretResolver({"MY_KEY": '{\n"type": "service_account"\n}'}).problem
    assert told(tmp_path, text, fault_of=check) == []
    assert told(tmp_path, text, fault_of=SecretResolver({}).problem) == [("W-SECRET-UNRESOLVED", "spec.auth")]


# --- by convention ----------------------------------------------------------------------------------------------------


def test_a_project_means_vertex_and_its_identity(tmp_path: Path) -> None:
    record = one(tmp_path, "provider: google\nendpoint: { project: p, location: eu }", {"GEMINI_API_KEY": "k"})
    assert (record.auth, record.secret) == (Auth(type="google-adc"), None)
    assert record.place == {"project": "p", "location": "eu"}
    express = one(tmp_path, "provider: google\nauth: { type: x-goog-api-key }", {"GEMINI_API_KEY": "k"})
    assert (express.secret is not None, express.place) == (True, {})


def test_the_environments_project_fills_in_what_a_model_leaves_out(tmp_path: Path) -> None:
    env = {"GOOGLE_CLOUD_PROJECT": "theirs", "GOOGLE_CLOUD_LOCATION": "europe-west4"}
    assert one(tmp_path, "provider: google", env).place == {"project": "theirs", "location": "europe-west4"}
    record = one(tmp_path, "provider: google\nendpoint: { project: mine }\nauth: { type: google-adc }", env)
    assert record.place == {"project": "mine", "location": "europe-west4"}


@pytest.mark.parametrize(
    ("env", "by_token"),
    [
        ({"GOOGLE_CLOUD_PROJECT": "p"}, True),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GEMINI_API_KEY": "k"}, False),
        ({"GOOGLE_CLOUD_PROJECT": "p", "GEMINI_API_KEY": "k", "GOOGLE_GENAI_USE_VERTEXAI": "True"}, True),
        ({"GOOGLE_GENAI_USE_VERTEXAI": "true", "GEMINI_API_KEY": "k"}, False),
    ],
)
def test_vertex_or_the_gemini_api_as_googles_sdk_decides(tmp_path: Path, env: dict[str, str], by_token: bool) -> None:
    assert one(tmp_path, "provider: google", env).auth.by_token is by_token
    (template, patterns), *_ = from_environment(env, {}).implicit
    assert (template.provider, template.auth.by_token, bool(template.place)) == ("google", by_token, by_token)
    assert patterns == ("gemini-*",)


def test_no_identity_goes_to_an_address_that_only_a_file_names(tmp_path: Path) -> None:
    env = {"GOOGLE_CLOUD_PROJECT": "p", **CLIENT}
    for provider in ("google", "microsoft"):
        spec = f"provider: {provider}\nendpoint: {{ baseUrl: 'https://evil.example' }}"
        found = loaded(tmp_path, model("m", spec), env)
        record = found.snapshot.models[f"{provider}:m"]
        assert record.auth == Auth()
        assert record.secret_problem is not None
    google = one(tmp_path, "provider: google\nendpoint: { baseUrl: 'https://eu-aiplatform.googleapis.com' }", env)
    assert google.auth.by_token


# --- Microsoft, from the environment ----------------------------------------------------------------------------------


def template(env: dict[str, str]) -> Model | None:
    found = [made for made, _ in from_environment(env, {}).implicit if made.provider == "microsoft"]
    return found[0] if found else None


def test_azure_is_served_where_its_own_variables_say_it_is() -> None:
    made = template(AZURE | {"AZURE_OPENAI_API_KEY": "k"})
    assert made is not None
    assert (made.base_url, made.auth) == ("https://r.openai.azure.com", Auth())
    assert made.secret is not None
    assert made.secret.source.location == "AZURE_OPENAI_API_KEY"
    assert template({"AZURE_OPENAI_API_KEY": "k"}) is None


def test_azure_by_a_client_of_the_environment() -> None:
    foundry = {"AZURE_FOUNDRY_PROJECT_ENDPOINT": "https://r.services.ai.azure.com/api/projects/p"}
    made = template(foundry | CLIENT)
    assert made is not None
    assert (made.base_url, made.auth, made.secret) == (*foundry.values(), Auth(type="entra"), None)
    federated = {**CLIENT, "AZURE_FEDERATED_TOKEN_FILE": "/f"}
    del federated["AZURE_CLIENT_SECRET"]
    made = template(AZURE | federated)
    assert made is not None
    assert made.auth == Auth(type="entra")
    assert template(AZURE | {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}) is None


@pytest.mark.parametrize("variable", ["AZURE_OPENAI_API_VERSION", "OPENAI_API_VERSION"])
def test_the_version_that_azures_sdks_would_ask_with(variable: str) -> None:
    made = template({**AZURE, "AZURE_OPENAI_API_KEY": "k", variable: "2024-10-21"})
    assert made is not None
    assert made.place == {"apiVersion": "2024-10-21"}


def test_a_key_of_the_settings_goes_before_an_identity_of_the_environment(tmp_path: Path) -> None:
    text = settings("{ providers: { microsoft: { secretRef: s } } }") + secret("s") + model("m", "provider: microsoft")
    found = loaded(tmp_path, text, AZURE | CLIENT).snapshot
    record, made = found.models["microsoft:m"], found.implicit[0][0]
    assert (record.auth, made.auth) == (Auth(), Auth())
    assert record.secret is not None
    assert made.secret is not None


def test_a_model_of_a_file_has_the_environments_client_too(tmp_path: Path) -> None:
    assert one(tmp_path, "provider: microsoft", AZURE | CLIENT).auth == Auth(type="entra")
    found = loaded(tmp_path, model("m", "provider: microsoft"), AZURE | CLIENT).snapshot
    assert [made.auth for made, _ in found.implicit] == [Auth(type="entra")]
