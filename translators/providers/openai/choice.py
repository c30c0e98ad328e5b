"""Which of OpenAI's two APIs serves a request: the client's own, unless the model or the request forbids it.

A chat request goes to /responses when chat would certainly refuse it (the model is not there, or takes no function tools
while it reasons) and nothing in it is known to chat alone. See `families` for the facts.
"""

from __future__ import annotations

from translators.canonical import Request
from translators.formats import ProviderFormat
from translators.providers.provider import ModelFacts, insisting, lost_between

from . import families


def choose(formats: tuple[ProviderFormat, ...], client: str, request: Request, facts: ModelFacts) -> ProviderFormat:
    """The format to use; `facts.api` decides alone unless it is "auto".

    Raises `UpstreamError(UNSUPPORTED)` when the only possible API cannot say what the request needs.
    """
    chat, responses, completions = formats
    if client == completions.name and (
        families.has_legacy_completions(facts.model) or lost_between(client, chat, request) is not None
    ):
        return completions
    if facts.api == "chat" or (facts.api == "auto" and families.chat_only(facts.model)):
        return insisting(client, chat, request)
    if facts.api == "responses" or families.responses_only(facts.model):
        return insisting(client, responses, request)
    if client == responses.name:
        return responses
    if _is_refused_on_chat(request, facts.model) and lost_between(client, responses, request) is None:
        return responses
    return chat


def _is_refused_on_chat(request: Request, model: str) -> bool:
    effort = request.reasoning.effort if request.reasoning is not None else None
    if effort == "max" and families.keeps_max_effort_for_responses(model):
        return True
    return (
        any(tool.kind == "function" for tool in request.tools)
        and families.takes_no_tools_while_reasoning_on_chat(model)
        and families.is_reasoning_now(model, effort)
    )
