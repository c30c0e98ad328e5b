"""What the names of Claude models say about the rules they follow. Tables only, no decisions about requests.

A name may carry a date ("claude-sonnet-4-5-20250929", "…@20250929"), a vendor's prefix ("anthropic/", "anthropic.") or a dot for
a dash ("claude-haiku-4.5"). Names nobody knows yet follow the newest generation, as careful as any of its models asks for.
Facts as of 2026-11: Anthropic's pages on models, extended and adaptive thinking, effort, structured outputs and prefill; the
SDK's model types; LiteLLM's catalogue for what models refuse.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

from translators.canonical import named_value

Effort = Literal["low", "medium", "high", "xhigh", "max"]

EFFORTS: tuple[Effort, ...] = ("low", "medium", "high", "xhigh", "max")
"""From the least to the most."""

_TO_MAX: tuple[Effort, ...] = ("low", "medium", "high", "max")  # the 4.6 generation has no xhigh


@named_value
class Family:
    """`manual`, `adaptive`: the ways of thinking it takes; neither means that it cannot think.

    `off` is how thinking is turned off, None where it cannot be. `efforts` are the words `output_config.effort` may say.
    `sampling`: temperature, top_p and top_k are taken. `forced`: a tool call may be demanded. `prefill`: the conversation may end
    with the beginning of the answer. `late_system`: the role `system` may stand among the messages. `schema`: answers can be
    bound to a JSON schema. `hides_notes`: what it says between tool calls is shown as thinking or not at all. `bound`: its
    signatures hold for one conversation only. `max_output` in tokens.
    """

    adaptive: bool = True
    manual: bool = False
    off: Literal["disabled", "between_tools"] | None = "disabled"
    efforts: tuple[Effort, ...] = EFFORTS
    sampling: bool = False
    forced: bool = True
    prefill: bool = False
    late_system: bool = False
    schema: bool = True
    hides_notes: bool = False
    bound: bool = False
    max_output: int = 128_000


def _before_adaptive(max_output: int, *, manual: bool = True, schema: bool = False) -> Family:
    """The generations up to 4.5, which think with a budget or not at all. Opus 4.5 takes an effort too; the budget says more."""
    return Family(
        adaptive=False,
        manual=manual,
        efforts=(),
        sampling=True,
        prefill=True,
        schema=schema,
        max_output=max_output,
    )


_ALWAYS_ON = Family(off=None, late_system=True, bound=True)
NEWEST = Family(off=None, forced=False, late_system=True, hides_notes=True, bound=True)
"""Opus 5.5, Fable and Mythos 5.1 and later, and whatever is not known yet."""

_TABLE: tuple[tuple[str, Family], ...] = (
    (r"instant(?:-[\d-]+)?|2(?:-\d)?|3-(?:opus|sonnet|haiku)", _before_adaptive(4096, manual=False)),
    (r"3-5-(?:sonnet|haiku)", _before_adaptive(8192, manual=False)),
    (r"3-7-sonnet", _before_adaptive(64_000)),
    (r"opus-4-5", _before_adaptive(64_000, schema=True)),
    (r"(?:sonnet|haiku)-4-5", _before_adaptive(64_000, schema=True)),
    (r"(?:opus|sonnet)-4-6", Family(manual=True, efforts=_TO_MAX, sampling=True)),
    (r"opus-4-7", Family()),
    (r"opus-4-8", Family(late_system=True)),
    (r"opus-4-1", _before_adaptive(32_000, schema=True)),
    (r"opus-4(?:-0)?", _before_adaptive(32_000)),
    (r"sonnet-4(?:-0)?", _before_adaptive(64_000)),
    (r"opus-5-5", NEWEST),
    (r"opus-5(?:-0)?", Family(late_system=True, bound=True)),
    (
        r"sonnet-5-5",
        Family(
            off="between_tools",
            efforts=("low", "medium", "high"),
            forced=False,
            late_system=True,
            hides_notes=True,
            bound=True,
        ),
    ),
    (r"sonnet-5(?:-0)?", Family(bound=True)),
    (r"haiku-5-5", Family(late_system=True, bound=True)),
    (r"(?:fable|mythos)-5(?:-0)?", _ALWAYS_ON),
    (r"mythos-preview", Family(off=None, efforts=_TO_MAX, forced=False)),
)
_ROWS = tuple((re.compile(f"claude-(?:{names})"), family) for names, family in _TABLE)

_DATE = re.compile(r"(?:-v\d+)?[-@](?:\d{8}|latest|default)(?:-v\d+)?(?::\d+)?$|-v\d+(?::\d+)?$")
_FIRST_MINOR = re.compile(r"^(claude-[a-z]+-\d+)-0$")


@lru_cache(maxsize=512)
def name_of(model: str) -> str:
    """The family's name: without vendor, date and version of the serving. "claude-sonnet-4-0" is "claude-sonnet-4"."""
    at = model.rfind("claude-")
    name = _DATE.sub("", model[at:] if at > 0 else model).replace(".", "-")
    return _FIRST_MINOR.sub(r"\1", name)


@lru_cache(maxsize=512)
def family_of(model: str) -> Family:
    """The rules that `model` follows."""
    name = name_of(model)
    return next((family for pattern, family in _ROWS if pattern.fullmatch(name)), NEWEST)
