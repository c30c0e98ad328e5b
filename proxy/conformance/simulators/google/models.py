"""What Gemini models differ in: how thinking is asked for, whether calls are signed and carry ids. Written from the wire notes.

Source: Google's thinking, thought-signature and model pages as of 2026-11. Deliberately not shared with the provider package.
"""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`levels` are the thinking levels it knows; `budgets` the range of `thinkingBudget`, None where that is refused.

    `off`: a budget of 0 is taken. `signs`: calls come signed and must be returned signed; `ids`: calls have ids. `n`: more
    than one candidate can be asked for.
    """

    levels: tuple[str, ...] = ()
    budgets: tuple[int, int] | None = None
    off: bool = False
    thinks: bool = True
    signs: bool = True
    ids: bool = True
    mixes_tools: bool = True
    n: bool = False
    output: int = 65_536


_FOUR = ("minimal", "low", "medium", "high")
_THREE = ("low", "medium", "high")
_OLD = Rules(budgets=(0, 24_576), off=True, signs=False, ids=False, mixes_tools=False, n=True)
_TABLE = (
    (
        r"gemini-2\.5-pro",
        Rules(budgets=(128, 32_768), signs=False, ids=False, mixes_tools=False, n=True),
    ),
    (
        r"gemini-2\.5-flash-lite",
        Rules(budgets=(512, 24_576), off=True, thinks=False, signs=False, ids=False, mixes_tools=False, n=True),
    ),
    (r"gemini-2\.5-flash", _OLD),
    (r"gemini-2\.0", Rules(thinks=False, signs=False, ids=False, mixes_tools=False, n=True, output=8_192)),
    (r"gemini-3-flash|gemini-3\.[15]-flash", Rules(levels=_FOUR, budgets=(0, 32_768), off=True)),
    (r"gemini-3(?:\.\d)?-", Rules(levels=_THREE, budgets=(0, 32_768))),
    (r"gemini-4-hydrogen", Rules(levels=(*_THREE, "xhigh"))),
    (r"gemini-4-", Rules(levels=_THREE)),
)


def rules_of(model: str) -> Rules | None:
    """The rules of a model by its name, None for one that does not exist."""
    return next((rules for pattern, rules in _TABLE if re.match(pattern, model)), None)
