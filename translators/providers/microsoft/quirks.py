"""What a deployment refuses and clients send all the same, by the model that is behind it and the surface before it.

The rules of OpenAI's own models are in `openai_models`; what is Azure's own is here and in `history`. Pure and idempotent.
Sources: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning, .../api-version-lifecycle
"""

from __future__ import annotations

from translators.canonical import Request
from translators.formats import Wire, openai_models
from translators.providers.provider import Adapted, ModelFacts, system_for_developer

from . import claude
from .history import respelled, without_foreign
from .surfaces import is_anothers, is_older, is_on_chat_only, is_serverless, known_as

USAGE_SINCE = "2024-09-01-preview"
"""The first api-version of classic deployments that knows `stream_options`."""
DEVELOPER_SINCE = "2024-12-01-preview"
"""The first one that knows the role `developer`."""
NEW_LIMIT_SINCE = "2024-09-01-preview"
"""The first one that knows `max_completion_tokens`."""

# They refuse `max_tokens` though they do not reason.
_takes_new_limit_only = openai_models.named(r"gpt-5(?:\.\d+)?-chat", r"gpt-chat", r"gpt-audio")
_takes_cache_marks = openai_models.named(r"gpt-5\.[6-9]", r"gpt-[6-9](?:\.\d+)?", r"gpt-\d\d")


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    """Takes out what Azure does not know, and what the model behind the deployment refuses."""
    if claude.is_claude(facts):
        return claude.adapt(request, facts)
    model = known_as(facts)
    cleaned, losses = without_foreign(request, marks=_takes_cache_marks(model))
    on_chat_only = facts.api == "chat" or is_on_chat_only(facts)
    fitted, changes = openai_models.fitted(cleaned, model, on_chat_only=on_chat_only)
    return Adapted(fitted, (*losses, *changes))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """The body in Azure's spelling; the same object when it is so already."""
    if claude.is_claude(facts):
        return claude.amend(body, facts)
    body = respelled(body, marks=_takes_cache_marks(known_as(facts)))
    return _as_chat(body, facts) if "messages" in body else body


def _as_chat(body: Wire, facts: ModelFacts) -> Wire:
    model = known_as(facts)
    if openai_models.is_reasoning(model) or _takes_new_limit_only(model):
        body = openai_models.with_new_limit(body)
    elif is_anothers(facts) or is_older(facts, NEW_LIMIT_SINCE):
        body = _with_old_limit(body)
    if "stream_options" in body and (is_serverless(facts) or is_older(facts, USAGE_SINCE)):
        body = {key: value for key, value in body.items() if key != "stream_options"}
    if is_anothers(facts) or is_older(facts, DEVELOPER_SINCE) or _mixes_roles(body):
        body = system_for_developer(body)
    return body


def _with_old_limit(body: Wire) -> Wire:
    if "max_completion_tokens" not in body:
        return body
    amended = {key: value for key, value in body.items() if key != "max_completion_tokens"}
    if amended.get("max_tokens") is None and body["max_completion_tokens"] is not None:
        amended["max_tokens"] = body["max_completion_tokens"]
    return amended


def _mixes_roles(body: Wire) -> bool:
    """ "You should not use both a developer message and a system message in the same API request." """
    messages = body["messages"]
    roles = {each.get("role") for each in messages if isinstance(each, dict)} if isinstance(messages, list) else set()
    return {"system", "developer"} <= roles
