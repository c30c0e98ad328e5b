"""Where Google serves a model: the Gemini API by key, Vertex AI by project and location, Vertex in express mode by key alone.

A record that names a project, or a base URL of Vertex, is served by Vertex; everything else by the Gemini API. The path holds the
model and whether to stream. Sources: https://ai.google.dev/api, https://cloud.google.com/vertex-ai/docs/reference/rest and
https://cloud.google.com/vertex-ai/generative-ai/docs/learn/data-residency for the hosts.
"""

from __future__ import annotations

import re
from urllib.parse import quote, urlsplit

from translators.providers.provider import ModelFacts

from .families import is_claude

GEMINI = "https://generativelanguage.googleapis.com"
GLOBAL = "global"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"

_MULTI_REGIONS = frozenset({"us", "eu"})
_VERTEX_HOSTS = ("aiplatform.googleapis.com", ".rep.googleapis.com", "aiplatform.mtls.googleapis.com")
_RESOURCE = re.compile(r"projects/[^/]+/locations/([a-z0-9-]+)/")
_VERSIONS = ("/v1", "/v1beta", "/v1beta1", "/v1alpha")


def model_of(facts: ModelFacts) -> str:
    """The name by which rules know the model: what a tuned one or an endpoint was made of stands in `features.baseModel`."""
    base = facts.options.get("baseModel")
    return base if isinstance(base, str) and base else facts.model


def is_vertex(facts: ModelFacts) -> bool:
    host = urlsplit(facts.base_url or "").hostname or ""
    return (
        bool(facts.place.get("project") or _RESOURCE.match(facts.model))
        or host.endswith(_VERTEX_HOSTS)
        or is_claude(model_of(facts))
    )


def base_of(facts: ModelFacts) -> str:
    """The record's own base URL, else the host of its location. A version at its end is part of the path here."""
    if facts.base_url:
        base = facts.base_url.rstrip("/")
        return next((base.removesuffix(version) for version in _VERSIONS if base.endswith(version)), base)
    if not is_vertex(facts):
        return GEMINI
    location = _location(facts)
    if location == GLOBAL:
        return "https://aiplatform.googleapis.com"
    if location in _MULTI_REGIONS:
        return f"https://aiplatform.{location}.rep.googleapis.com"
    return f"https://{location}-aiplatform.googleapis.com"


def _location(facts: ModelFacts) -> str:
    """Where the model is: as its own name says, where that is a whole resource, else as the record says."""
    whole = _RESOURCE.match(facts.model)
    return whole[1] if whole is not None else facts.place.get("location") or GLOBAL


def path_of(facts: ModelFacts, operation: str, stream: bool) -> str | None:  # noqa: FBT001  # as every `path_of`
    """The path of an operation, "?alt=sse" included; None for operations that Google does not have here."""
    vertex = is_vertex(facts)
    if operation == "models":
        # Vertex lists what its publishers offer, whoever asks, and only in its beta version.
        return (
            "/v1beta1/publishers/google/models?pageSize=300" if vertex else f"/{_version(facts)}/models?pageSize=1000"
        )
    verb = _verb(facts, operation, stream=stream)
    if verb is None:
        return None
    return f"/{_version(facts)}/{_vertex_name(facts) if vertex else _gemini_name(facts.model)}:{verb}"


def _verb(facts: ModelFacts, operation: str, *, stream: bool) -> str | None:
    match operation:
        case "google_generate":
            return "streamGenerateContent?alt=sse" if stream else "generateContent"
        case "anthropic_messages":
            return "streamRawPredict" if stream else "rawPredict"
        case "embeddings":
            return "predict" if predicts(facts) else "batchEmbedContents"
        case _:
            return None


def predicts(facts: ModelFacts) -> bool:
    """Whether embeddings are asked for in Vertex's older way, which all but its Gemini models have."""
    return is_vertex(facts) and "gemini" not in model_of(facts).rpartition("/")[2]


def _version(facts: ModelFacts) -> str:
    return facts.place.get("apiVersion") or ("v1" if is_vertex(facts) else "v1beta")


def _gemini_name(model: str) -> str:
    return _quoted(model if model.startswith(("models/", "tunedModels/")) else f"models/{model}")


def _vertex_name(facts: ModelFacts) -> str:
    """The resource: what the record names whole, or the publisher's model below project and location."""
    model = facts.model.removeprefix("models/")
    if model.startswith("projects/"):
        return _quoted(model)
    if not model.startswith(("publishers/", "endpoints/")):
        publisher, slash, name = model.partition("/")
        if not slash:
            publisher, name = ("anthropic" if is_claude(model) else "google"), model
        model = f"publishers/{publisher}/models/{name}"
    project = facts.place.get("project")
    if not project:  # express mode: the key knows the project
        return _quoted(model)
    return _quoted(f"projects/{project}/locations/{_location(facts)}/{model}")


def _quoted(name: str) -> str:
    return quote(name, safe="/@.:-_")
