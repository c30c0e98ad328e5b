"""What the names of OpenAI's models say about the rules they follow. Tables only, no decisions about requests.

A name may carry a date ("gpt-5.4-2026-03-05") or be a fine-tune ("ft:gpt-4.1:acme::id"). Names nobody knows yet are taken
to follow the newest generation. Facts and their sources as of 2026-11: openai/openai-openapi issue 541 and reports of
LiteLLM (34569), LibreChat (14231) and pipecat (4043) for tools on chat; OpenAI's model pages for the rest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

Predicate = Callable[[str], bool]


def _named(*patterns: str) -> Predicate:
    pattern = re.compile("(?:ft:)?(?:" + "|".join(patterns) + ")(?![.0-9])")
    return lru_cache(maxsize=512)(lambda model: pattern.match(model) is not None)


_DATE = r"(?:-\d{4}-\d\d-\d\d)?"

# Served by /responses alone; chat answers "This model is only supported in v1/responses and not in v1/chat/completions."
responses_only = _named(
    r"gpt-[\w.]*-codex",
    r"gpt-[\w.-]*-pro",
    r"o\d+-pro",
    r"o\d+(?:-mini)?-deep-research",
    r"codex-",
    r"computer-use",
)

# Served by /chat/completions alone.
chat_only = _named(r"gpt-audio", r"gpt-4o(?:-mini)?-audio", r"[\w.-]+-search-preview")

# The legacy completions API; chat answers "This is not a chat model".
has_legacy_completions = _named(r"gpt-3\.5-turbo-instruct", r"davinci-002", r"babbage-002")

_NEWER = (r"gpt-[7-9](?:\.\d+)?", r"gpt-\d\d(?:\.\d+)?")

reasons_when_asked = _named(r"gpt-5\.[1-4]")
"""Effort defaults to none: they reason only when the request says so."""

reasons_unless_told = _named(r"gpt-5\.[5-9]", r"gpt-6-sol", r"gpt-6-luna", r"gpt-6\.1-terra")
"""Effort defaults to more than none, and none is accepted."""

reasons_always = _named(
    rf"gpt-5(?:-mini|-nano|-pro)?{_DATE}$",
    r"o\d",
    r"gpt-6-astra",
    r"gpt-6\.1-sol",
    r"gpt-6\.[2-9]",
    r"gpt-[\w.]*-codex",
    r"codex-",
    *_NEWER,
)
"""Reasoning cannot be turned off."""

knows_minimal_effort = _named(rf"gpt-5(?:-mini|-nano)?{_DATE}$")

# "Function tools with reasoning_effort are not supported for M in /v1/chat/completions ... use /v1/responses or set
# reasoning_effort to 'none'."  gpt-5, gpt-5.1 and the o series take them.
takes_no_tools_while_reasoning_on_chat = _named(r"gpt-5\.[24-9]", r"gpt-6(?:\.\d+)?", *_NEWER)

keeps_max_effort_for_responses = _named(r"gpt-6(?:\.\d+)?", *_NEWER)


def is_reasoning(model: str) -> bool:
    return reasons_always(model) or reasons_unless_told(model) or reasons_when_asked(model)


def is_reasoning_now(model: str, effort: str | None) -> bool:
    """Whether `model` would reason about a request with this effort; None is an effort left unsaid."""
    if reasons_always(model):
        return True
    if effort is None:
        return reasons_unless_told(model)
    return effort != "none"
