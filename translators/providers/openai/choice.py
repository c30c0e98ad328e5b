"""Which of OpenAI's two APIs serves a request: the client's own, unless the model or the request forbids it.

A chat request goes to /responses when chat would certainly refuse it (the model is not there, or takes no function tools
while it reasons) and nothing in it is known to chat alone. See `openai_models` for the facts.
"""

from __future__ import annotations

from translators.canonical import Request
from translators.formats import ProviderFormat, openai_models
from translators.providers.provider import ModelFacts, insisting, lost_between


def choose(formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts) -> ProviderFormat:
    """The format to use; `facts.api` decides alone unless it is "auto".

    Raises `UpstreamError(UNSUPPORTED)` when the only possible API cannot say what the request needs.
    """
    chat, responses, completions = formats
    if client == completions.name and (
        openai_models.has_legacy_completions(facts.model) or lost_between(client, chat, request) is not None
    ):
        return completions
    if facts.api == "chat" or (facts.api == "auto" and openai_models.chat_only(facts.model)):
        return insisting(client, chat, request)
    if facts.api == "responses" or openai_models.responses_only(facts.model):
        return insisting(client, responses, request)
    if client == responses.name:
        return responses
    if openai_models.is_refused_on_chat(request, facts.model) and lost_between(client, responses, request) is None:
        return responses
    return chat
