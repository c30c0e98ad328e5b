"""What OpenAI's reasoning models refuse and older clients still send. Only what the API is certain to refuse is touched.

"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
Source: https://platform.openai.com/docs/guides/reasoning, https://platform.openai.com/docs/guides/latest-model
"""

from __future__ import annotations

from dataclasses import replace

from translators.canonical import REMOVED, Patch, Request, Transform, edited
from translators.formats import Wire
from translators.providers.provider import Adapted, ModelFacts

from . import families

_EFFORT_POINTERS = {"openai_chat": "/reasoning_effort", "openai_responses": "/reasoning/effort"}


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    """Drops temperature and top_p where the model reasons, and moves an effort it does not know to the nearest one."""
    if not families.is_reasoning(facts.model):
        return Adapted(request)
    transforms: list[Transform] = []
    effort = request.reasoning.effort if request.reasoning is not None else None
    if families.is_reasoning_now(facts.model, effort):
        request = _without_sampling(request, transforms)
    return Adapted(_with_known_effort(request, facts.model, transforms), tuple(transforms))


def _without_sampling(request: Request, transforms: list[Transform]) -> Request:
    for name in ("temperature", "top_p"):
        value = getattr(request.sampling, name)
        if value is not None and value != 1:
            sampling = replace(request.sampling, **{name: None})
            request = edited(request, Patch(f"/{name}", REMOVED), sampling=sampling)
            transforms.append(
                Transform(f"sampling.{name}", "dropped", "the model takes no other than 1 while it reasons")
            )
    return request


def _with_known_effort(request: Request, model: str, transforms: list[Transform]) -> Request:
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort not in ("none", "minimal"):
        return request
    if reasoning.effort == "none" and not families.reasons_always(model):
        return request
    effort = "minimal" if families.knows_minimal_effort(model) else "low"
    if effort == reasoning.effort:
        return request
    transforms.append(
        Transform("reasoning.effort", "mapped", f"{reasoning.effort} is not known to the model: {effort}")
    )
    pointer = _EFFORT_POINTERS.get(request.source.format if request.source is not None else "", "")
    return edited(request, Patch(pointer, effort), reasoning=replace(reasoning, effort=effort))


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """Renames chat's old `max_tokens` for reasoning models; the newer name wins where both are there."""
    if body.get("max_tokens") is None or not families.is_reasoning(facts.model):
        return body
    amended = {key: value for key, value in body.items() if key != "max_tokens"}
    if amended.get("max_completion_tokens") is None:
        amended["max_completion_tokens"] = body["max_tokens"]
    return amended
