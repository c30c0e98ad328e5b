"""What OpenAI's models refuse and older clients still send, as `openai_models` knows it. Nothing of its own."""

from __future__ import annotations

from translators.canonical import Request
from translators.formats import Wire, openai_models
from translators.providers.provider import Adapted, ModelFacts


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    return Adapted(*openai_models.fitted(request, facts.model, on_chat_only=facts.api == "chat"))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    return openai_models.with_new_limit(body) if openai_models.is_reasoning(facts.model) else body
