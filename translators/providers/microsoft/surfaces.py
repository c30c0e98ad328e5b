"""Where a deployment is reached: the four surfaces of one Azure resource, their paths, versions and token scopes.

    v1         {resource}/openai/v1/...                     plain OpenAI, the deployment's name in `model`
    classic    {resource}/openai/deployments/{name}/...     the path decides, and a dated api-version is demanded
    models     {resource}/models/...                        Foundry's model inference, and serverless endpoints
    anthropic  {resource}/anthropic/v1/messages             Claude

`features.surface` of the record says which; else the address says it, then the api-version, then the model's name. An
address may be a resource, a gateway before one, or a whole URL copied from a portal: what belongs to a surface is taken
off its end, so that nothing is appended twice. Pure text work, no requests.
Sources: https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle and .../openai/reference,
https://learn.microsoft.com/azure/ai-foundry/foundry-models/concepts/endpoints
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from translators.canonical import Reason, UpstreamError
from translators.formats import openai_models
from translators.formats.anthropic_messages import models as claude_models
from translators.providers.provider import ModelFacts

Surface = Literal["v1", "classic", "models", "anthropic"]

GA_VERSION = "2024-10-21"
"""The last dated version of classic deployments that is no preview."""
MODELS_VERSION = "2024-05-01-preview"
"""The one version of Foundry's model inference."""
RESPONSES_SINCE = "2025-03-01-preview"
"""The first dated version that has /responses. Dated versions that are no preview answer it with 404."""

_SERVERLESS = ".models.ai.azure.com"
_FOUNDRY = ".services.ai.azure.com"
_ROLLING = frozenset({"v1", "latest", "preview"})  # what a version may be called without a date: always the v1 API
_V1_DEFAULT = frozenset({None, "v1", "latest"})
_OPERATION = r"(?:/(?:chat/completions|completions|embeddings|responses|messages))?/?$"
_TAIL = re.compile(r"/(?:openai(?:/v1|/deployments(?:/(?P<deployment>[^/]+))?)?|models|anthropic(?:/v1)?)" + _OPERATION)
_SERVERLESS_TAIL = re.compile(r"(?:/v1)?/(?:chat/completions|embeddings|info)/?$")
_PROJECT = re.compile(r"/api/projects/[^/]+/?$")
_OPERATIONS = {
    "openai_chat": "/chat/completions",
    "openai_responses": "/responses",
    "openai_completions": "/completions",
    "embeddings": "/embeddings",
    "models": "/models",
}
_FOUNDRY_SCOPE = "https://ai.azure.com/.default"
_COGNITIVE_SCOPE = "https://cognitiveservices.azure.com/.default"
_SOVEREIGN = {
    ".azure.us": "https://cognitiveservices.azure.us/.default",
    ".azure.cn": "https://cognitiveservices.azure.cn/.default",
}


def surface_of(facts: ModelFacts) -> Surface:
    """The surface a record is served by."""
    declared = facts.options.get("surface")
    if declared in ("v1", "classic", "models", "anthropic"):
        return declared  # type: ignore[no-any-return]  # one of the four words, as was just seen
    host, path = _place(facts.base_url)
    found = _surface_of_path(path)
    if found is not None:
        return found
    if host.endswith(_SERVERLESS):
        return "models"
    version = api_version(facts)
    if version is not None and version not in _ROLLING:
        return "models" if version == MODELS_VERSION and host.endswith(_FOUNDRY) else "classic"
    return "anthropic" if known_as(facts).startswith("claude") else "v1"


@lru_cache(maxsize=512)
def _surface_of_path(path: str) -> Surface | None:
    tail = _TAIL.search(path)
    if tail is None:
        return None
    first, _, second = tail[0].strip("/").partition("/")
    if first == "openai":
        return "v1" if second.startswith("v1") else "classic" if second.startswith("deployments") else None
    return "models" if first == "models" else "anthropic"


@lru_cache(maxsize=512)
def _place(base_url: str | None) -> tuple[str, str]:
    """Host and path of an address, the host in lower case."""
    parts = urlsplit(base_url or "")
    return (parts.hostname or "").lower(), parts.path.rstrip("/")


def known_as(facts: ModelFacts) -> str:
    """The name by which rules know the model behind a deployment: `features.baseModel`, else the deployment's own."""
    base = facts.options.get("baseModel")
    name = (base if isinstance(base, str) and base else facts.model).lower().rpartition("/")[2]
    return name.replace("_", "-").replace("gpt-35", "gpt-3.5")


def api_version(facts: ModelFacts) -> str | None:
    """The api-version that the record, or its address, names."""
    named = facts.place.get("apiVersion")
    if named is None and facts.base_url and "?" in facts.base_url:
        named = next(iter(parse_qs(urlsplit(facts.base_url).query).get("api-version", ())), None)
    return named


def classic_version(facts: ModelFacts) -> str:
    return api_version(facts) or GA_VERSION


def deployment_of(facts: ModelFacts) -> str:
    """The deployment's name: the one in the address, for a whole URL of a classic deployment, else the record's model."""
    tail = _TAIL.search(_place(facts.base_url)[1])
    return unquote((tail["deployment"] if tail is not None else None) or "") or facts.model


def base_of(facts: ModelFacts) -> str | None:
    """The address without what a surface adds to it, its query kept.

    A project's address leads to the resource's models: only what stands behind it can be bound to the project.
    """
    if facts.base_url is None:
        return None
    parts = urlsplit(facts.base_url)
    path = parts.path.rstrip("/")
    tail = _TAIL.search(path)
    if tail is not None:
        root = path[: tail.start()]
    else:
        root = (_SERVERLESS_TAIL if is_serverless(facts) else _PROJECT).sub("", path)
    return urlunsplit((parts.scheme, parts.netloc, root, parts.query, ""))


def path_of(facts: ModelFacts, operation: str, stream: bool) -> str:  # noqa: FBT001  # as every provider's `path_of`
    """The path below `base_of`, query included. Raises `UpstreamError(UNSUPPORTED)` for what the surface does not have."""
    surface = surface_of(facts)
    if surface == "anthropic":
        path = {"anthropic_messages": "/anthropic/v1/messages", "models": "/openai/v1/models"}.get(operation)
    elif surface == "models":
        path = _models_path(facts, operation)
    elif operation not in _OPERATIONS:
        path = None
    elif surface == "classic":
        path = _classic_path(facts, operation)
    else:
        version = api_version(facts)
        path = "/openai/v1" + _OPERATIONS[operation] + ("" if version in _V1_DEFAULT else _query(version))
    if path is None:
        raise UpstreamError(Reason.UNSUPPORTED, f"This deployment does not serve {operation}.")
    return path


def _classic_path(facts: ModelFacts, operation: str) -> str:
    version = classic_version(facts)
    if operation == "openai_responses":
        return "/openai/responses" + _query(version if has_responses(version) else "preview")
    if operation == "models":
        return "/openai/models" + _query(version)
    return f"/openai/deployments/{quote(deployment_of(facts), safe='')}{_OPERATIONS[operation]}{_query(version)}"


def _models_path(facts: ModelFacts, operation: str) -> str | None:
    host, _ = _place(facts.base_url)
    root = "" if host.endswith(_SERVERLESS) else "/models"
    version = _query(api_version(facts) or MODELS_VERSION)
    if operation == "models":  # a Foundry resource lists its base models, a serverless endpoint tells of itself
        return "/openai/v1/models" if host.endswith(_FOUNDRY) else f"{root}/info{version}"
    return f"{root}{_OPERATIONS[operation]}{version}" if operation in ("openai_chat", "embeddings") else None


def has_responses(version: str) -> bool:
    return version in _ROLLING or (version.endswith("-preview") and version >= RESPONSES_SINCE)


def is_older(facts: ModelFacts, version: str) -> bool:
    """Whether a classic deployment is asked with an api-version before the dated `version`."""
    return surface_of(facts) == "classic" and classic_version(facts)[:10] < version[:10]


def is_serverless(facts: ModelFacts) -> bool:
    return _place(facts.base_url)[0].endswith(_SERVERLESS)


def _query(version: str | None) -> str:
    return f"?api-version={quote(version or '', safe='')}"


def scopes_of(facts: ModelFacts) -> tuple[str, ...]:
    """The scopes of tokens, the one to try first in front.

    The documented audience of v1, Foundry and Claude is ai.azure.com, that of classic deployments cognitiveservices; both
    are accepted today, and resources that accept only one say so with 401.
    """
    host, _ = _place(facts.base_url)
    for domain, scope in _SOVEREIGN.items():
        if host.endswith(domain):
            return (scope,)
    surface = surface_of(facts)
    if surface == "anthropic":
        return (_FOUNDRY_SCOPE,)
    return (_COGNITIVE_SCOPE, _FOUNDRY_SCOPE) if surface == "classic" else (_FOUNDRY_SCOPE, _COGNITIVE_SCOPE)


def seal(name: str, facts: ModelFacts) -> str:
    """Who can read a blob: the resource that made it, as its host. Claude's hold wherever the same model is served."""
    if surface_of(facts) == "anthropic":
        return claude_models.seal(known_as(facts))
    return f"{name}@{_place(facts.base_url)[0]}"


_OTHERS = re.compile(
    r"ai21|codestral|cohere|command|deepseek|embed-v|fw-|gpt-oss|grok|jais|jamba|kimi|llama|mai-|meta-|ministral|mistral"
    r"|model-router|phi-|qwen"
)


def is_anothers(facts: ModelFacts) -> bool:
    """Whether the model is certainly not one of OpenAI's own. A deployment whose name says nothing is taken for one."""
    return _OTHERS.match(known_as(facts)) is not None


def is_on_chat_only(facts: ModelFacts) -> bool:
    """Whether nothing but chat completions serves the model. Of the models of others, Grok alone is on /responses too."""
    name = known_as(facts)
    if surface_of(facts) == "models" or openai_models.chat_only(name):
        return True
    return is_anothers(facts) and not name.startswith(("grok", "model-router"))
