"""What Anthropic's models differ in: which `thinking` each takes, and what it refuses. A table, written from the wire notes.

Source: Anthropic's model pages and the SDK's model types as of 2026-11 (thinking types, efforts, forced tools, sampling).
Deliberately not shared with the provider package under test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LEVELS = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`thinking` are the types it takes, `thinks` whether it does so unasked; `off_up_to` the highest effort at which it can be
    off. `shown`: thoughts are shown unless `display` says otherwise. `bound`: signatures hold for one conversation only.
    """

    thinking: tuple[str, ...]
    thinks: bool
    efforts: tuple[str, ...]
    forced: bool = True
    sampling: bool = False
    prefill: bool = False
    late_system: bool = False
    shown: bool = False
    bound: bool = False
    off_up_to: str = "max"
    window: int = 1_000_000
    output: int = 128_000


_OLD = Rules(
    thinking=("enabled", "disabled"),
    thinks=False,
    efforts=(),
    sampling=True,
    prefill=True,
    shown=True,
    window=200_000,
    output=64_000,
)
_ALWAYS = Rules(thinking=("adaptive",), thinks=True, efforts=LEVELS, late_system=True, bound=True)
_TABLE = (
    (
        r"opus-4-5",
        Rules(
            thinking=("enabled", "disabled"),
            thinks=False,
            efforts=("low", "medium", "high"),
            sampling=True,
            prefill=True,
            shown=True,
            window=200_000,
            output=64_000,
        ),
    ),
    (r"(?:sonnet|haiku)-4-5|(?:opus|sonnet)-4(?:-0|-1)?(?:-\d{8})?$|3-", _OLD),
    (
        r"(?:opus|sonnet)-4-6",
        Rules(
            thinking=("enabled", "adaptive", "disabled"),
            thinks=False,
            efforts=("low", "medium", "high", "max"),
            sampling=True,
            shown=True,
        ),
    ),
    (r"opus-4-7", Rules(thinking=("adaptive", "disabled"), thinks=False, efforts=LEVELS)),
    (r"opus-4-8", Rules(thinking=("adaptive", "disabled"), thinks=False, efforts=LEVELS, late_system=True)),
    (
        r"opus-5-5",
        Rules(thinking=("adaptive",), thinks=True, efforts=LEVELS, forced=False, late_system=True, bound=True),
    ),
    (
        r"opus-5",
        Rules(
            thinking=("adaptive", "disabled"),
            thinks=True,
            efforts=LEVELS,
            late_system=True,
            bound=True,
            off_up_to="high",
        ),
    ),
    (
        r"sonnet-5-5",
        Rules(
            thinking=("adaptive", "between_tools"),
            thinks=True,
            efforts=LEVELS,
            forced=False,
            late_system=True,
            bound=True,
        ),
    ),
    (r"sonnet-5", Rules(thinking=("adaptive", "disabled"), thinks=True, efforts=LEVELS, bound=True)),
    (
        r"haiku-5-5",
        Rules(
            thinking=("adaptive", "disabled"),
            thinks=True,
            efforts=LEVELS,
            late_system=True,
            bound=True,
            off_up_to="high",
        ),
    ),
    (
        r"(?:fable|mythos)-5-\d",
        Rules(thinking=("adaptive",), thinks=True, efforts=LEVELS, forced=False, late_system=True, bound=True),
    ),
    (r"(?:fable|mythos)-5", _ALWAYS),
)


def rules_of(model: str) -> Rules | None:
    """The rules of a model by its name, None for one that does not exist."""
    name = model.removeprefix("claude-")
    if name == model:
        return None
    return next((rules for pattern, rules in _TABLE if re.match(pattern, name)), None)
