"""The rules OpenAI's models follow, whoever serves them: tables of names, and the three changes that their API demands.

A name may carry a date ("gpt-5.4-2026-03-05") or be a fine-tune ("ft:gpt-4.1:acme::id"). Names nobody knows yet are taken
to follow the newest generation. Only what the API is certain to refuse is changed; which endpoint serves a request, and
what it is called there, is its provider's to say. Facts and their sources as of 2026-11: openai/openai-openapi issue 541
and reports of LiteLLM (34569), LibreChat (14231) and pipecat (4043) for tools on chat; OpenAI's model pages and
https://platform.openai.com/docs/guides/reasoning for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from translators.canonical import REMOVED, Patch, Request, Transform, edited
from translators.formats import Wire

Predicate = Callable[[str], bool]


def named(*patterns: str) -> Predicate:
    """Whether a name begins with one of `patterns` and does not go on with the rest of a version number."""
    pattern = re.compile("(?:ft:)?(?:" + "|".join(patterns) + ")(?![.0-9])")
    return lru_cache(maxsize=512)(lambda model: pattern.match(model) is not None)


_DATE = r"(?:-\d{4}-\d\d-\d\d)?"

# Served by /responses alone; chat answers "This model is only supported in v1/responses and not in v1/chat/completions."
responses_only = named(
    r"gpt-[\w.]*-codex",
    r"gpt-[\w.-]*-pro",
    r"o\d+-pro",
    r"o\d+(?:-mini)?-deep-research",
    r"codex-",
    r"computer-use",
)

# Served by /chat/completions alone.
chat_only = named(r"gpt-audio", r"gpt-4o(?:-mini)?-audio", r"[\w.-]+-search-preview")

# The legacy completions API; chat answers "This is not a chat model".
has_legacy_completions = named(r"gpt-3\.5-turbo-instruct", r"davinci-002", r"babbage-002")

_NEWER = (r"gpt-[7-9](?:\.\d+)?", r"gpt-\d\d(?:\.\d+)?")

reasons_when_asked = named(r"gpt-5\.[1-4]")
"""Effort defaults to none: they reason only when the request says so."""

reasons_unless_told = named(r"gpt-5\.[5-9]", r"gpt-6-sol", r"gpt-6-luna", r"gpt-6\.1-terra")
"""Effort defaults to more than none, and none is accepted."""

reasons_always = named(
    rf"gpt-5(?:-mini|-nano|-pro)?{_DATE}$",
    r"o\d",
    r"gpt-6-astra",
    r"gpt-6\.1-sol",
    r"gpt-6\.[2-9]",
    r"gpt-[\w.]*-codex",
    r"gpt-[\w.-]*-pro",
    r"codex-",
    *_NEWER,
)
"""Reasoning cannot be turned off."""

knows_minimal_effort = named(rf"gpt-5(?:-mini|-nano)?{_DATE}$")

knows_high_effort_only = named(rf"gpt-5-pro{_DATE}$")

starts_at_medium_effort = named(r"gpt-[\w.-]*-pro", r"o\d+-pro")

knows_xhigh_effort = named(r"gpt-5\.1-codex-max", r"gpt-5\.[2-9]", r"gpt-6(?:\.\d+)?", *_NEWER)

# "Function tools with reasoning_effort are not supported for M in /v1/chat/completions ... use /v1/responses or set
# reasoning_effort to 'none'."  gpt-5, gpt-5.1 and the o series take them.
takes_no_tools_while_reasoning_on_chat = named(r"gpt-5\.[24-9]", r"gpt-6(?:\.\d+)?", *_NEWER)

keeps_max_effort_for_responses = named(r"gpt-6(?:\.\d+)?", *_NEWER)
"""They know `max`, and on /responses alone. No others know it."""


def is_reasoning(model: str) -> bool:
    return reasons_always(model) or reasons_unless_told(model) or reasons_when_asked(model)


def is_reasoning_now(model: str, effort: str | None) -> bool:
    """Whether `model` would reason about a request with this effort; None is an effort left unsaid."""
    if reasons_always(model):
        return True
    if effort is None:
        return reasons_unless_told(model)
    return effort != "none"


def is_refused_on_chat(request: Request, model: str) -> bool:
    """Whether /chat/completions is certain to refuse what /responses would serve."""
    effort = request.reasoning.effort if request.reasoning is not None else None
    if effort == "max" and keeps_max_effort_for_responses(model):
        return True
    return (
        any(tool.kind == "function" for tool in request.tools)
        and takes_no_tools_while_reasoning_on_chat(model)
        and is_reasoning_now(model, effort)
    )


def fitted(request: Request, model: str, *, on_chat_only: bool) -> tuple[Request, tuple[Transform, ...]]:
    """`request` without what `model` is certain to refuse, and each change.

    temperature and top_p go where the model reasons, and an effort it does not know becomes the nearest one.
    `on_chat_only`: it will not go to /responses, whatever it holds.
    "Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported."
    """
    if not is_reasoning(model):
        return request, ()
    transforms: list[Transform] = []
    effort = request.reasoning.effort if request.reasoning is not None else None
    if is_reasoning_now(model, effort):
        request = _without_sampling(request, transforms)
    return _with_known_effort(request, model, transforms, on_chat_only=on_chat_only), tuple(transforms)


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


_EFFORT_POINTERS = {"openai_chat": "/reasoning_effort", "openai_responses": "/reasoning/effort"}


def _with_known_effort(request: Request, model: str, transforms: list[Transform], *, on_chat_only: bool) -> Request:
    reasoning = request.reasoning
    if reasoning is None or reasoning.effort is None:
        return request
    effort = nearest_effort(reasoning.effort, model, on_chat_only=on_chat_only)
    if effort == reasoning.effort:
        return request
    transforms.append(
        Transform("reasoning.effort", "mapped", f"{reasoning.effort} is not known to the model: {effort}")
    )
    pointer = _EFFORT_POINTERS.get(request.source.format if request.source is not None else "", "")
    return edited(request, Patch(pointer, effort), reasoning=replace(reasoning, effort=effort))


def nearest_effort(effort: str, model: str, *, on_chat_only: bool = False) -> str:
    """The effort of a reasoning model that is nearest to `effort`. A word nobody knows is left to the API to refuse."""
    if effort == "none" and not reasons_always(model):
        return effort
    if knows_high_effort_only(model):
        return "high"
    if effort in ("none", "minimal"):
        effort = "minimal" if knows_minimal_effort(model) else "low"
    elif effort == "max" and (on_chat_only or not keeps_max_effort_for_responses(model)):
        effort = "xhigh"
    if effort == "low" and starts_at_medium_effort(model):
        return "medium"
    return "high" if effort == "xhigh" and not knows_xhigh_effort(model) else effort


def with_new_limit(body: Wire) -> Wire:
    """A chat body with the old `max_tokens` renamed; the newer name wins where both are there. Unchanged without it.

    "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
    """
    if body.get("max_tokens") is None:
        return body
    amended = {key: value for key, value in body.items() if key != "max_tokens"}
    if amended.get("max_completion_tokens") is None:
        amended["max_completion_tokens"] = body["max_tokens"]
    return amended
