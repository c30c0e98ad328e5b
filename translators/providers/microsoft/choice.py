"""Which API of a deployment serves a request: the client's own where it can, as at OpenAI.

Function tools with active reasoning go to /responses where chat refuses them. Foundry's own hosts refuse less than this
(gpt-5.6 then silently stops reasoning, later ones refuse), so the stricter rule holds for all. Claude has one API, and model
inference one. Source: https://learn.microsoft.com/azure/ai-foundry/openai/how-to/reasoning
"""

from __future__ import annotations

from translators.canonical import Reason, Request, UpstreamError
from translators.formats import ProviderFormat, openai_models
from translators.providers.provider import ModelFacts, insisting, lost_between

from .claude import insist
from .surfaces import is_on_chat_only, known_as, surface_of


def choose(formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts) -> ProviderFormat:
    """The format to use; `facts.api` decides alone unless it is "auto".

    Raises `UpstreamError(UNSUPPORTED)` when the only possible API cannot say what the request needs.
    """
    by_name = {known.name: known for known in formats}
    surface, model = surface_of(facts), known_as(facts)
    if surface == "anthropic":
        insist(request, facts)
        return by_name["anthropic_messages"]
    chat, responses, completions = (by_name[f"openai_{api}"] for api in ("chat", "responses", "completions"))
    if request.state.context_management:
        raise UpstreamError(
            Reason.UNSUPPORTED,
            "Azure's Responses API does not manage the context itself.",
            failure="unsupported",
            param="context_management",
        )
    if (
        client == completions.name
        and surface != "models"
        and (openai_models.has_legacy_completions(model) or lost_between(client, chat, request) is not None)
    ):
        return completions
    if facts.api == "chat" or surface == "models" or (facts.api == "auto" and is_on_chat_only(facts)):
        return insisting(client, chat, request)
    if facts.api == "responses" or openai_models.responses_only(model):
        return insisting(client, responses, request)
    if client == responses.name:
        return responses
    if openai_models.is_refused_on_chat(request, model) and lost_between(client, responses, request) is None:
        return responses
    return chat
