"""What depends on the model: its context window, and the thinking that gpt-oss cannot turn off or exceed."""

from __future__ import annotations

from dataclasses import replace

from translators.canonical import Request, Transform
from translators.formats import Wire
from translators.providers.provider import Adapted, ModelFacts

# gpt-oss ignores booleans and knows three levels. https://docs.ollama.com/capabilities/thinking
_GPT_OSS_EFFORTS = {"none": "low", "xhigh": "high", "max": "high"}


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort not in _GPT_OSS_EFFORTS or "gpt-oss" not in facts.model:
        return Adapted(request)
    effort = _GPT_OSS_EFFORTS[reasoning.effort]
    mapped = Transform("reasoning.effort", "mapped", f"gpt-oss has no {reasoning.effort}: {effort}")
    return Adapted(replace(request, reasoning=replace(reasoning, effort=effort)), (mapped,))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """With the model's own window, whatever the client's options say: another one would reload the model."""
    return with_window(body, facts)


def with_window(body: Wire, facts: ModelFacts) -> Wire:
    options = body.get("options") or {}
    if facts.context_window is None or options.get("num_ctx") == facts.context_window:
        return body
    return {**body, "options": {**options, "num_ctx": facts.context_window}}
