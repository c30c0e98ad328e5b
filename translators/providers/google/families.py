"""What the names of Google's models say about the rules they follow. Tables only, no decisions about requests.

A name may carry a path, a date or a version ("models/gemini-2.5-flash-preview-09-2025"). Names nobody knows yet, and aliases such as
"gemini-flash-latest", follow the newest generation. Facts as of 2026-11: https://ai.google.dev/gemini-api/docs/thinking,
.../docs/models, .../docs/function-calling; recorded answers for what 2.5 takes (two candidates, penalties on Vertex).
"""

from __future__ import annotations

import re
from functools import lru_cache

from translators.canonical import named_value

MINIMAL_TO_HIGH = ("minimal", "low", "medium", "high")
LOW_TO_HIGH = ("low", "medium", "high")
LOW_TO_XHIGH = ("low", "medium", "high", "xhigh")


@named_value
class Thinking:
    """How a model is told how much to think: by one of `levels`, or by a `budget` (least and most tokens).

    Neither means that it does not think. `off`: a budget of 0 turns it off. `asleep`: it thinks only when told to.
    """

    levels: tuple[str, ...] = ()
    budget: tuple[int, int] | None = None
    off: bool = False
    asleep: bool = False


@named_value
class Family:
    """The rules of one model.

    `sampling`: whether temperature, topP and topK count. `candidates`: whether it gives more than one. `penalties`: where it takes
    them ("vertex" alone, everywhere, nowhere). `schema_with_tools`, `own_tools_with_functions`: what may be asked for together.
    """

    thinking: Thinking = Thinking(levels=LOW_TO_HIGH)
    sampling: bool = False
    candidates: bool = False
    penalties: tuple[str, ...] = ()
    schema_with_tools: bool = True
    own_tools_with_functions: bool = True


_NO_THINKING = Thinking()
_OLD = Family(
    thinking=_NO_THINKING,
    sampling=True,
    candidates=True,
    penalties=("gemini", "vertex"),
    schema_with_tools=False,
    own_tools_with_functions=False,
)


def _budgeted(least: int, most: int, *, off: bool, asleep: bool = False) -> Family:
    return Family(
        thinking=Thinking(budget=(least, most), off=off, asleep=asleep),
        sampling=True,
        candidates=True,
        penalties=("vertex",),
        schema_with_tools=False,
        own_tools_with_functions=False,
    )


def _third(*levels: str, sampling: bool = True) -> Family:
    return Family(thinking=Thinking(levels=levels), sampling=sampling)


_ROWS: tuple[tuple[re.Pattern[str], Family], ...] = tuple(
    (re.compile(pattern), family)
    for pattern, family in (
        (r"gemini-(?:1(?:\.\d)?|2\.0)-", _OLD),
        # Models that speak or draw: no thinking that could be set.
        (r"gemini-2\.5-.*(?:image|tts|audio)", Family(thinking=_NO_THINKING, sampling=True, schema_with_tools=False)),
        (r"gemini-3.*(?:image|tts|audio)", Family(thinking=_NO_THINKING, sampling=True)),
        (r"gemini-2\.5-pro", _budgeted(128, 32_768, off=False)),
        (r"gemini-2\.5-flash-lite", _budgeted(512, 24_576, off=True, asleep=True)),
        (r"gemini-2\.5-", _budgeted(1, 24_576, off=True)),
        (r"gemini-3-pro", _third("low", "high")),
        (r"gemini-3-flash", _third(*MINIMAL_TO_HIGH)),
        (r"gemini-3\.1-pro", _third(*LOW_TO_HIGH)),
        (r"gemini-3\.1-flash-lite", _third(*MINIMAL_TO_HIGH)),
        (r"gemini-3\.5-flash-lite", _third(*MINIMAL_TO_HIGH, sampling=False)),
        (r"gemini-3\.5-flash", _third(*MINIMAL_TO_HIGH)),
        (r"gemini-3(?:\.[1-5])?-", _third(*LOW_TO_HIGH)),
        (r"gemini-4-hydrogen", Family(thinking=Thinking(levels=LOW_TO_XHIGH))),
    )
)
NEWEST = Family()
"""Gemini 3.6 and later, and whatever is not known yet."""

BUDGETS = {"minimal": 512, "low": 1024, "medium": 8192}
"""Effort to tokens of thinking, as Google's own OpenAI endpoint has it; what is more is the most a model takes."""

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From the least to the most."""

_LEVEL_OF_BUDGET = ((1024, "low"), (8192, "medium"), (24_576, "high"))

_PATH = re.compile(r".*/")
_VERSION = re.compile(
    r"(?:-(?:latest|stable|exp|experimental|preview|\d{2,3}|\d{2}-\d{4}|\d{2}-\d{2}|\d{4}-\d\d-\d\d|\d{8}))+$"
)


@lru_cache(maxsize=512)
def family_of(model: str) -> Family:
    """The rules that `model` follows."""
    name = _PATH.sub("", model)
    return next((family for pattern, family in _ROWS if pattern.match(name)), NEWEST)


@lru_cache(maxsize=512)
def name_of(model: str) -> str:
    """The name without path and version: "models/gemini-2.5-flash-preview-09-2025" is "gemini-2.5-flash"."""
    return _VERSION.sub("", _PATH.sub("", model)) or model


def is_claude(model: str) -> bool:
    """Whether Google only resells it: such models speak Anthropic's format."""
    return _PATH.sub("", model).startswith("claude-")


def level_for(effort: str, levels: tuple[str, ...]) -> str:
    """The level that comes nearest to `effort`: the highest below it, else the lowest there is."""
    wanted = EFFORTS.index(effort)
    below = [level for level in levels if EFFORTS.index(level) <= wanted]
    return below[-1] if below else levels[0]


def budget_for(effort: str, thinking: Thinking) -> int:
    """The budget for `effort` within what the model takes; 0 where thinking can be turned off and should be."""
    least, most = thinking.budget or (0, 0)
    if effort == "none":
        return 0 if thinking.off else least
    return max(least, min(BUDGETS.get(effort, most), most))


def level_of_budget(budget: int) -> str:
    """The effort that a budget amounts to."""
    if budget == 0:
        return "none"
    return next((effort for most, effort in _LEVEL_OF_BUDGET if budget <= most), "xhigh")
