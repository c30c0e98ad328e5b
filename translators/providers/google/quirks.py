"""What one model or one of Google's endpoints takes and the others do not. The facts stand in `families`.

Claude on Vertex follows the rules of Anthropic's format, with a version in the body in place of the model's name.
Sources: https://ai.google.dev/gemini-api/docs/thinking, https://docs.claude.com/en/api/claude-on-vertex-ai
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from translators.canonical import (
    Media,
    Reason,
    ReasoningSpec,
    Request,
    ToolResult,
    Transform,
    UpstreamError,
)
from translators.formats import Wire
from translators.formats.anthropic_messages import models as claude
from translators.formats.google_generate.errors import error_of, parse_error
from translators.formats.google_generate.media import is_googles_own
from translators.formats.json import loads
from translators.providers.provider import Adapted, ModelFacts

from . import families
from .families import Family, family_of
from .places import is_vertex, model_of

ANTHROPIC_VERSION = "vertex-2023-10-16"
"""Takes the place of the header `anthropic-version` in the body. Source: recorded requests."""

_PENALTIES = ("frequency_penalty", "presence_penalty")


def adapt(request: Request, facts: ModelFacts) -> Adapted:
    """Raises `UpstreamError(UNSUPPORTED)` for what the model or the endpoint is certain to refuse."""
    if families.is_claude(model_of(facts)):
        return _adapted_claude(request, facts)
    family = family_of(model_of(facts))
    transforms: list[Transform] = []
    _refuse_pairs(request, family, facts)
    _refuse_urls(request, facts)
    for change in (_with_known_thinking, _with_known_sampling, _without_idle_penalties):
        request = change(request, family, facts, transforms)
    if not is_vertex(facts):
        request = _without_labels(request, transforms)
    return Adapted(request, tuple(transforms))


def unsupported(facts: ModelFacts, what: str, param: str) -> UpstreamError:
    return UpstreamError(Reason.UNSUPPORTED, f"{facts.model} cannot take {what}.", failure="unsupported", param=param)


def _refuse_pairs(request: Request, family: Family, facts: ModelFacts) -> None:
    """What cannot be asked for together, or more than one of."""
    functions = any(tool.kind == "function" for tool in request.tools)
    own = any(tool.kind == "hosted" for tool in request.tools) or request.web_search is not None
    if functions and own and (is_vertex(facts) or not family.own_tools_with_functions):
        raise unsupported(facts, "Google's own tools beside functions", "tools")
    if (functions or own) and request.output.kind.startswith("json") and not family.schema_with_tools:
        raise unsupported(facts, "tools beside an answer in JSON", "response_format")
    if (request.sampling.n or 1) > 1 and not family.candidates:
        raise unsupported(facts, "n above 1", "n")
    for name in _PENALTIES:
        if getattr(request.sampling, name) and _endpoint(facts) not in family.penalties:
            raise unsupported(facts, "penalties", name)


def _refuse_urls(request: Request, facts: ModelFacts) -> None:
    """The Gemini API fetches nothing but Google's own addresses; Vertex fetches any."""
    if is_vertex(facts):
        return
    for media, where in _media(request):
        if media.url is not None and not media.url.startswith("data:") and not is_googles_own(media.url):
            raise unsupported(facts, f"{media.kind} input by URL", where)


def _media(request: Request) -> Iterator[tuple[Media, str]]:
    for index, message in enumerate(request.messages):
        for block in message.blocks:
            for part in block.content if isinstance(block, ToolResult) else (block,):
                if isinstance(part, Media):
                    yield part, f"messages[{index}]"


def _with_known_thinking(request: Request, family: Family, facts: ModelFacts, transforms: list[Transform]) -> Request:
    """The effort as a level or a budget that the model has."""
    reasoning = request.reasoning
    thinking = family.thinking
    if reasoning is None:
        return request
    effort = reasoning.effort
    if effort is None and reasoning.budget_tokens is None:
        return _with_shown_thinking(request, reasoning, thinking, facts, transforms)
    if effort is not None and effort not in families.EFFORTS:
        raise unsupported(facts, f"the reasoning effort {effort[:32]!r}", "reasoning_effort")
    if thinking.levels:
        wanted = _as_level(reasoning, thinking.levels, transforms)
    elif thinking.budget is not None:
        wanted = _as_budget(reasoning, thinking, transforms)
    elif effort == "none" or reasoning.budget_tokens == 0:
        transforms.append(Transform("reasoning.effort", "dropped", "the model does not think"))
        wanted = replace(reasoning, effort=None, budget_tokens=None)
    else:
        raise unsupported(facts, "a reasoning effort", "reasoning_effort")
    return request if wanted == reasoning else replace(request, reasoning=wanted)


def _with_shown_thinking(
    request: Request,
    reasoning: ReasoningSpec,
    thinking: families.Thinking,
    facts: ModelFacts,
    transforms: list[Transform],
) -> Request:
    """Whoever asks to see thoughts and not for how many gets as many as the model likes, if it thinks at all."""
    if reasoning.summary is None:
        return request
    if not thinking.levels and thinking.budget is None:
        raise unsupported(facts, "a wish to see its thoughts", "reasoning.summary")
    if not thinking.asleep:
        return request
    transforms.append(Transform("reasoning.summary", "mapped", "the model thinks only when told to: it is"))
    return replace(request, reasoning=replace(reasoning, budget_tokens=-1))


def _as_level(reasoning: ReasoningSpec, levels: tuple[str, ...], transforms: list[Transform]) -> ReasoningSpec:
    effort = reasoning.effort
    if effort is None:
        effort = families.level_of_budget(reasoning.budget_tokens or 0)
        transforms.append(Transform("reasoning.budget_tokens", "mapped", f"the budget became {effort}"))
    level = families.level_for(effort, levels)
    if level != reasoning.effort and reasoning.effort is not None:
        transforms.append(Transform("reasoning.effort", "mapped", f"{effort} is not known to the model: {level}"))
    return replace(reasoning, effort=level, budget_tokens=None)


def _as_budget(reasoning: ReasoningSpec, thinking: families.Thinking, transforms: list[Transform]) -> ReasoningSpec:
    effort, budget = reasoning.effort, reasoning.budget_tokens
    if effort is not None:
        budget = families.budget_for(effort, thinking)
        transforms.append(Transform("reasoning.effort", "mapped", f"{effort} is a budget of {budget} tokens"))
    else:
        least, most = thinking.budget or (0, 0)
        known = budget if budget == 0 and thinking.off else max(least, min(budget or 0, most))
        if known != budget and budget != -1:  # -1 leaves it to the model
            transforms.append(Transform("reasoning.budget_tokens", "mapped", f"{budget} became {known}"))
            budget = known
    return replace(reasoning, effort=None, budget_tokens=budget)


def _with_known_sampling(request: Request, family: Family, facts: ModelFacts, transforms: list[Transform]) -> Request:
    """Models that decide by themselves ignore temperature and its kin, or refuse them."""
    if family.sampling:
        return request
    given = [name for name in ("temperature", "top_p", "top_k") if getattr(request.sampling, name) is not None]
    if not given:
        return request
    transforms += (Transform(f"sampling.{name}", "dropped", "the model decides by itself") for name in given)
    return replace(request, sampling=replace(request.sampling, **dict.fromkeys(given)))


def _without_idle_penalties(
    request: Request, family: Family, facts: ModelFacts, transforms: list[Transform]
) -> Request:
    """Many clients say 0 of what they do not want. Where a model has no penalties, that is none of its settings."""
    if _endpoint(facts) in family.penalties:
        return request
    given = [name for name in _PENALTIES if getattr(request.sampling, name) is not None]
    transforms += (Transform(f"sampling.{name}", "mapped", "no penalty is what the model has") for name in given)
    return replace(request, sampling=replace(request.sampling, **dict.fromkeys(given))) if given else request


def _endpoint(facts: ModelFacts) -> str:
    return "vertex" if is_vertex(facts) else "gemini"


def _without_labels(request: Request, transforms: list[Transform]) -> Request:
    """The Gemini API has no labels, so there is no place for who asks and why."""
    transforms += (
        Transform(f"metadata.{name}", "dropped", "the Gemini API has no labels") for name in request.metadata
    )
    asked = [name for name in ("user", "safety_identifier") if getattr(request, name) is not None]
    transforms += (Transform(name, "dropped", "the Gemini API has no labels") for name in asked)
    if not asked and not request.metadata:
        return request
    return replace(request, user=None, safety_identifier=None, metadata={})


def _adapted_claude(request: Request, facts: ModelFacts) -> Adapted:
    """Claude by Anthropic's own rules. Vertex fetches nothing for it, and has no tiers of its own."""
    for media, where in _media(request):
        if media.url is not None and not media.url.startswith("data:"):
            raise unsupported(facts, f"{media.kind} input by URL", where)
    request, changes = claude.adapt(request, model_of(facts), facts.max_output)
    if request.service_tier is not None:
        request = replace(request, service_tier=None)
        changes = (*changes, Transform("service_tier", "dropped", "Vertex has its own"))
    return Adapted(request, changes)


def amend(body: Wire, facts: ModelFacts) -> Wire:
    """Claude's body without what stands in the path, and with the version that Vertex wants in it."""
    if not families.is_claude(model_of(facts)):
        return body
    amended = claude.amend(body, model_of(facts), facts.max_output)
    if "model" not in amended and amended.get("stream") is not False and "anthropic_version" in amended:
        return amended
    kept = {name: value for name, value in amended.items() if name != "model" and (name, value) != ("stream", False)}
    return {**kept, "anthropic_version": ANTHROPIC_VERSION}


def classify(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
    """Before Claude stands Google, whose refusals have Google's shape whatever the format is."""
    try:
        refused = error_of(loads(body))
    except ValueError:
        return error
    if refused is None or not isinstance(refused.get("status"), str) or error.upstream_code == refused["status"]:
        return error
    return parse_error(status, headers, body)


def seal(name: str, facts: ModelFacts) -> str:
    """Who can read a blob: the same model at the same endpoint, as recorded signatures name different keys at each.

    Claude's signatures hold wherever Claude is served.
    """
    if families.is_claude(model_of(facts)):
        return claude.seal(model_of(facts))
    return f"{name}:{families.name_of(model_of(facts))}{'@vertex' if is_vertex(facts) else ''}"


def prefix_bound(facts: ModelFacts) -> bool:
    return families.is_claude(model_of(facts)) and claude.is_bound(model_of(facts))
