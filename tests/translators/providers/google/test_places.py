import json
from pathlib import Path

import pytest

from translators.providers.google import PROVIDER
from translators.providers.google.places import base_of, is_vertex, path_of
from translators.providers.provider import ModelFacts

RECORDINGS = Path(__file__).parents[3] / "recordings"
GEMINI = "https://generativelanguage.googleapis.com"


def facts(model: str = "gemini-3-flash-preview", base_url: str | None = None, **place: str) -> ModelFacts:
    return ModelFacts(model=model, base_url=base_url, place=place)


def url(given: ModelFacts, *, stream: bool = False, operation: str = "google_generate") -> str:
    return f"{base_of(given)}{path_of(given, operation, stream)}"


def test_the_gemini_api_by_default():
    assert url(facts()) == f"{GEMINI}/v1beta/models/gemini-3-flash-preview:generateContent"
    assert url(facts(), stream=True) == f"{GEMINI}/v1beta/models/gemini-3-flash-preview:streamGenerateContent?alt=sse"
    assert not is_vertex(facts(location="europe-west4")), "a location alone says nothing of Vertex"


@pytest.mark.parametrize(
    ("location", "host"),
    [
        (None, "aiplatform.googleapis.com"),
        ("global", "aiplatform.googleapis.com"),
        ("us", "aiplatform.us.rep.googleapis.com"),
        ("eu", "aiplatform.eu.rep.googleapis.com"),
        ("europe-west4", "europe-west4-aiplatform.googleapis.com"),
    ],
)
def test_vertex_by_project_and_location(location, host):
    place = {"project": "acme"} | ({"location": location} if location else {})
    assert url(facts(**place)) == (
        f"https://{host}/v1/projects/acme/locations/{location or 'global'}"
        "/publishers/google/models/gemini-3-flash-preview:generateContent"
    )


def test_express_mode_has_a_key_and_no_project():
    given = facts(base_url="https://aiplatform.googleapis.com")
    assert url(given, stream=True) == (
        "https://aiplatform.googleapis.com/v1/publishers/google/models/gemini-3-flash-preview:streamGenerateContent?alt=sse"
    )


@pytest.mark.parametrize("base_url", [f"{GEMINI}/", f"{GEMINI}/v1beta", f"{GEMINI}/v1beta/"])
def test_a_base_url_may_end_in_the_version(base_url):
    assert url(facts(base_url=base_url)) == f"{GEMINI}/v1beta/models/gemini-3-flash-preview:generateContent"
    assert base_of(facts(base_url="http://localhost:9/prefix")) == "http://localhost:9/prefix"


def test_the_version_may_be_said():
    assert "/v1alpha/models/" in url(facts(apiVersion="v1alpha"))
    assert "/v1beta1/projects/p/" in url(facts(project="p", apiVersion="v1beta1"))


@pytest.mark.parametrize(
    ("model", "place", "resource"),
    [
        ("models/gemini-2.5-pro", {}, "models/gemini-2.5-pro"),
        ("tunedModels/abc", {}, "tunedModels/abc"),
        ("gemini 5/x?y", {}, "models/gemini%205/x%3Fy"),
        ("meta/llama-4", {"project": "p"}, "projects/p/locations/global/publishers/meta/models/llama-4"),
        ("publishers/google/models/m", {"project": "p"}, "projects/p/locations/global/publishers/google/models/m"),
        ("endpoints/123", {"project": "p", "location": "us"}, "projects/p/locations/us/endpoints/123"),
        ("projects/q/locations/us/endpoints/1", {"project": "p"}, "projects/q/locations/us/endpoints/1"),
    ],
)
def test_names_may_be_whole_resources(model, place, resource):
    version = "v1" if place else "v1beta"
    assert path_of(facts(model, **place), "google_generate", False) == f"/{version}/{resource}:generateContent"


@pytest.mark.parametrize("place", [{}, {"project": "q"}, {"project": "q", "location": "eu"}])
def test_a_whole_resource_is_asked_where_it_is(place):
    name = "projects/q/locations/us-central1/endpoints/1"
    assert url(facts(name, **place)) == f"https://us-central1-aiplatform.googleapis.com/v1/{name}:generateContent"


def test_claude_is_anthropics_model_on_vertex():
    given = facts("claude-sonnet-5@20260401", project="p", location="us-east5")
    prefix = "https://us-east5-aiplatform.googleapis.com/v1/projects/p/locations/us-east5/publishers/anthropic/models"
    assert url(given, operation="anthropic_messages") == f"{prefix}/claude-sonnet-5@20260401:rawPredict"
    assert url(given, operation="anthropic_messages", stream=True).endswith(":streamRawPredict")


def test_embeddings_and_lists_have_their_own_paths():
    assert path_of(facts("gemini-embedding-001"), "embeddings", False) == (
        "/v1beta/models/gemini-embedding-001:batchEmbedContents"
    )
    assert path_of(facts("text-embedding-005", project="p"), "embeddings", False).endswith(
        "/text-embedding-005:predict"
    )
    assert path_of(facts("gemini-embedding-2", project="p"), "embeddings", False).endswith(":batchEmbedContents")
    assert path_of(facts(), "models", False) == "/v1beta/models?pageSize=1000"
    assert path_of(facts(project="p"), "models", False) == "/v1beta1/publishers/google/models?pageSize=300"
    assert path_of(facts(), "completions", False) is None


def recorded() -> list:
    found = []
    for path in sorted(RECORDINGS.glob("*/*.json")):
        if path.parent.name in ("google", "vertex"):
            exchange = json.loads(path.read_text())
            if "?" not in exchange["url_path"].replace("?alt=sse", "") and "<GOOGLE" not in exchange["url_path"]:
                found.append(pytest.param(exchange, id=exchange["id"]))
    return found


@pytest.mark.parametrize("exchange", recorded())
def test_recorded_paths_are_ours(exchange):
    path = exchange["url_path"].replace("//", "/")
    place: dict[str, str] = {"apiVersion": path.split("/")[1]}
    if "/locations/" in path:
        place |= {"project": "PROJECT", "location": path.split("/locations/")[1].split("/")[0]}
    base_url = "https://aiplatform.googleapis.com" if "/publishers/" in path else None
    name = path.rpartition("/")[2].partition(":")[0]
    given = facts(name, base_url, **place)
    operations = {"models": "models", "embeddings": "embeddings", "messages": "anthropic_messages"}
    operation = operations.get(exchange["api"], "google_generate")
    ours = path_of(given, operation, ":stream" in path)
    assert ours is not None
    assert ours.partition("?")[0] == path.partition("?")[0]


def test_tokens_are_asked_for_the_whole_platform():
    assert PROVIDER.scopes_of is not None
    assert PROVIDER.scopes_of(facts(project="p")) == ("https://www.googleapis.com/auth/cloud-platform",)
