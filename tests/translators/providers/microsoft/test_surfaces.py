"""Where a deployment is reached, for every way an operator writes its address."""

import pytest

from translators.canonical import Reason, UpstreamError
from translators.providers.microsoft import PROVIDER
from translators.providers.microsoft.surfaces import (
    has_responses,
    is_anothers,
    is_older,
    is_on_chat_only,
    known_as,
    surface_of,
)
from translators.providers.provider import ModelFacts

OPENAI = "https://r.openai.azure.com"
FOUNDRY = "https://r.services.ai.azure.com"
PREVIEW = "2024-05-01-preview"


def facts(base_url: str | None = OPENAI, model: str = "d", version: str | None = None, **options: str) -> ModelFacts:
    place = {} if version is None else {"apiVersion": version}
    return ModelFacts(model=model, base_url=base_url, place=place, options=options)


def url(record: ModelFacts, operation: str = "openai_chat") -> str:
    assert PROVIDER.base_of is not None
    assert PROVIDER.path_of is not None
    return f"{PROVIDER.base_of(record)}{PROVIDER.path_of(record, operation, False)}"


@pytest.mark.parametrize(
    ("base_url", "chat", "responses", "embeddings"),
    [
        (
            OPENAI,
            f"{OPENAI}/openai/v1/chat/completions",
            f"{OPENAI}/openai/v1/responses",
            f"{OPENAI}/openai/v1/embeddings",
        ),
        (
            f"{FOUNDRY}/openai/v1/",
            f"{FOUNDRY}/openai/v1/chat/completions",
            f"{FOUNDRY}/openai/v1/responses",
            f"{FOUNDRY}/openai/v1/embeddings",
        ),
        (
            "https://r.cognitiveservices.azure.com",
            "https://r.cognitiveservices.azure.com/openai/v1/chat/completions",
            "https://r.cognitiveservices.azure.com/openai/v1/responses",
            "https://r.cognitiveservices.azure.com/openai/v1/embeddings",
        ),
        (
            "https://apim.example/ai/openai",
            "https://apim.example/ai/openai/v1/chat/completions",
            "https://apim.example/ai/openai/v1/responses",
            "https://apim.example/ai/openai/v1/embeddings",
        ),
        (
            f"{FOUNDRY}/api/projects/p/openai/v1",
            f"{FOUNDRY}/api/projects/p/openai/v1/chat/completions",
            f"{FOUNDRY}/api/projects/p/openai/v1/responses",
            f"{FOUNDRY}/api/projects/p/openai/v1/embeddings",
        ),
        (
            f"{FOUNDRY}/api/projects/p",
            f"{FOUNDRY}/openai/v1/chat/completions",
            f"{FOUNDRY}/openai/v1/responses",
            f"{FOUNDRY}/openai/v1/embeddings",
        ),
        (
            f"{OPENAI}/openai/v1/chat/completions",
            f"{OPENAI}/openai/v1/chat/completions",
            f"{OPENAI}/openai/v1/responses",
            f"{OPENAI}/openai/v1/embeddings",
        ),
    ],
)
def test_the_v1_api_is_the_default(base_url, chat, responses, embeddings):
    record = facts(base_url)
    assert surface_of(record) == "v1"
    assert (url(record), url(record, "openai_responses"), url(record, "embeddings")) == (chat, responses, embeddings)
    assert url(record, "models").endswith("/openai/v1/models")
    assert url(record, "openai_completions").endswith("/openai/v1/completions")


@pytest.mark.parametrize(
    "record",
    [
        facts(version="2024-10-21"),
        facts(surface="classic"),
        facts(f"{OPENAI}/openai/deployments/d"),
        facts(f"{OPENAI}/openai/deployments"),
        facts(f"{OPENAI}/openai/deployments/d/chat/completions", model="another"),
        facts(f"{OPENAI}/openai", version="2024-10-21"),
    ],
)
def test_classic_deployments_have_their_name_in_the_path_and_a_dated_version(record):
    assert surface_of(record) == "classic"
    assert url(record) == f"{OPENAI}/openai/deployments/d/chat/completions?api-version=2024-10-21"
    assert url(record, "embeddings") == f"{OPENAI}/openai/deployments/d/embeddings?api-version=2024-10-21"
    assert url(record, "openai_completions") == f"{OPENAI}/openai/deployments/d/completions?api-version=2024-10-21"
    assert url(record, "openai_responses") == f"{OPENAI}/openai/responses?api-version=preview"
    assert url(record, "models") == f"{OPENAI}/openai/models?api-version=2024-10-21"


def test_a_deployments_name_is_escaped():
    assert "/deployments/a%2Fb%3F/chat" in url(facts(model="a/b?", surface="classic"))


@pytest.mark.parametrize(
    ("version", "asked"),
    [
        ("2025-04-01-preview", "2025-04-01-preview"),
        ("2025-03-01-preview", "2025-03-01-preview"),
        ("2024-12-01-preview", "preview"),
        ("2025-06-01", "preview"),
    ],
)
def test_responses_are_asked_with_a_version_that_has_them(version, asked):
    assert url(facts(version=version), "openai_responses") == f"{OPENAI}/openai/responses?api-version={asked}"


@pytest.mark.parametrize(
    ("record", "root"),
    [
        (facts(f"{FOUNDRY}/models"), f"{FOUNDRY}/models"),
        (facts(FOUNDRY, version=PREVIEW), f"{FOUNDRY}/models"),
        (facts(FOUNDRY, surface="models"), f"{FOUNDRY}/models"),
        (facts(f"{FOUNDRY}/models/chat/completions"), f"{FOUNDRY}/models"),
        (facts("https://grok.eastus2.models.ai.azure.com"), "https://grok.eastus2.models.ai.azure.com"),
        (facts("https://apim.example/x/models"), "https://apim.example/x/models"),
    ],
)
def test_model_inference_has_chat_and_embeddings(record, root):
    assert surface_of(record) == "models"
    assert url(record) == f"{root}/chat/completions?api-version={PREVIEW}"
    assert url(record, "embeddings") == f"{root}/embeddings?api-version={PREVIEW}"
    for operation in ("openai_responses", "openai_completions"):
        with pytest.raises(UpstreamError) as caught:
            url(record, operation)
        assert caught.value.reason is Reason.UNSUPPORTED


def test_a_free_look_at_model_inference():
    assert url(facts(f"{FOUNDRY}/models"), "models") == f"{FOUNDRY}/openai/v1/models"
    serverless = facts("https://grok.eastus2.models.ai.azure.com")
    assert url(serverless, "models") == f"https://grok.eastus2.models.ai.azure.com/info?api-version={PREVIEW}"


@pytest.mark.parametrize(
    "record",
    [
        facts(f"{FOUNDRY}/anthropic"),
        facts(f"{FOUNDRY}/anthropic/v1"),
        facts(f"{FOUNDRY}/anthropic/v1/messages"),
        facts(FOUNDRY, model="claude-opus-5"),
        facts(FOUNDRY, baseModel="claude-sonnet-5"),
        facts(FOUNDRY, surface="anthropic"),
    ],
)
def test_claude_has_an_api_of_its_own(record):
    assert surface_of(record) == "anthropic"
    assert url(record, "anthropic_messages") == f"{FOUNDRY}/anthropic/v1/messages"
    assert url(record, "models") == f"{FOUNDRY}/openai/v1/models"
    with pytest.raises(UpstreamError):
        url(record, "embeddings")


def test_what_the_record_says_of_its_surface_is_the_last_word():
    assert surface_of(facts(f"{OPENAI}/openai/v1", version="2024-10-21", surface="classic")) == "classic"
    assert surface_of(facts(f"{OPENAI}/openai/deployments/d", surface="v1")) == "v1"
    assert surface_of(facts(FOUNDRY, model="claude-opus-5", surface="v1")) == "v1"
    assert surface_of(facts(OPENAI, surface="nonsense")) == "v1"


@pytest.mark.parametrize(
    ("version", "query"),
    [(None, ""), ("v1", ""), ("latest", ""), ("preview", "?api-version=preview")],
)
def test_the_v1_api_needs_no_version(version, query):
    assert url(facts(version=version)) == f"{OPENAI}/openai/v1/chat/completions{query}"


def test_an_addresss_own_query_is_kept_and_its_version_counts():
    record = facts(f"{OPENAI}/openai/deployments/d/chat/completions?api-version=2024-06-01&team=blue")
    assert PROVIDER.base_of is not None
    assert PROVIDER.path_of is not None
    assert PROVIDER.base_of(record) == f"{OPENAI}?api-version=2024-06-01&team=blue"
    assert PROVIDER.path_of(record, "openai_chat", False).endswith("?api-version=2024-06-01")


def test_without_an_address_there_is_none():
    assert PROVIDER.base_of is not None
    assert PROVIDER.base_of(facts(None)) is None
    assert surface_of(facts(None)) == "v1"


@pytest.mark.parametrize(
    ("model", "base", "known"),
    [
        ("prod", "GPT-5.6-Sol", "gpt-5.6-sol"),
        ("gpt-35-turbo", None, "gpt-3.5-turbo"),
        ("gpt-5.2_2025-12-11", None, "gpt-5.2-2025-12-11"),
        ("fast", "openai/gpt-5-mini", "gpt-5-mini"),
        ("prod", None, "prod"),
        ("prod", "", "prod"),
    ],
)
def test_what_a_deployment_really_is(model, base, known):
    assert known_as(facts(model=model, **({} if base is None else {"baseModel": base}))) == known


@pytest.mark.parametrize(
    ("model", "anothers", "chat_only"),
    [
        ("gpt-5.6-sol", False, False),
        ("prod", False, False),
        ("gpt-audio-1.5", False, True),
        ("DeepSeek-V4-Pro", True, True),
        ("gpt-oss-120b", True, True),
        ("grok-4.7", True, False),
        ("model-router", True, False),
        ("Mistral-Large-3", True, True),
    ],
)
def test_models_of_others(model, anothers, chat_only):
    assert is_anothers(facts(model=model)) is anothers
    assert is_on_chat_only(facts(model=model)) is chat_only


@pytest.mark.parametrize(
    ("record", "older"),
    [
        (facts(version="2024-02-01"), True),
        (facts(version="2024-09-01-preview"), False),
        (facts(version="2024-10-21"), False),
        (facts(version="preview", surface="classic"), False),
        (facts(surface="classic"), False),
        (facts(version="2024-02-01", surface="v1"), False),
    ],
)
def test_versions_count_on_classic_deployments_alone(record, older):
    assert is_older(record, "2024-09-01-preview") is older


def test_which_versions_have_responses():
    versions = ["2024-10-21", "2025-01-01-preview", "2025-03-01-preview", "2026-01-01", "preview", "v1"]
    assert [has_responses(version) for version in versions] == [False, False, True, False, True, True]


@pytest.mark.parametrize(
    ("record", "first", "others"),
    [
        (facts(), "https://ai.azure.com/.default", 1),
        (facts(f"{FOUNDRY}/models"), "https://ai.azure.com/.default", 1),
        (facts(f"{FOUNDRY}/anthropic"), "https://ai.azure.com/.default", 0),
        (facts(surface="classic"), "https://cognitiveservices.azure.com/.default", 1),
        (facts("https://r.openai.azure.us"), "https://cognitiveservices.azure.us/.default", 0),
        (facts("https://r.openai.azure.cn"), "https://cognitiveservices.azure.cn/.default", 0),
    ],
)
def test_the_scope_of_tokens_by_surface_and_cloud(record, first, others):
    assert PROVIDER.scopes_of is not None
    scopes = PROVIDER.scopes_of(record)
    assert (scopes[0], len(scopes) - 1) == (first, others)
    assert len(set(scopes)) == len(scopes)


def test_blobs_are_read_by_the_resource_that_made_them():
    assert PROVIDER.seal("microsoft", facts("https://R.openai.azure.com/openai/v1")) == "microsoft@r.openai.azure.com"
    claude = facts(f"{FOUNDRY}/anthropic", model="smart", baseModel="claude-opus-5")
    assert PROVIDER.seal("microsoft", claude) == "anthropic:claude-opus-5"


@pytest.mark.parametrize(
    "tail", ["/chat/completions", "/v1/chat/completions", "/v1/chat/completions?api-version=x", "/info"]
)
def test_a_whole_url_of_a_serverless_endpoint_is_taken_apart_too(tail: str) -> None:
    host = "https://n.eastus.models.ai.azure.com"
    facts = ModelFacts(model="llama", base_url=host + tail)
    assert (PROVIDER.base_of(facts) or "").partition("?")[0] == host
    assert PROVIDER.path_of(facts, "openai_chat", False).startswith("/chat/completions?")


def test_a_name_that_is_escaped_in_the_address_is_escaped_once() -> None:
    facts = ModelFacts(model="m", base_url="https://apim.example/openai/deployments/my%20own")
    assert PROVIDER.path_of(facts, "openai_chat", False).startswith("/openai/deployments/my%20own/chat")
