"""What OpenAI's models differ in: which efforts they know, and what chat completions refuses with them. From the wire notes.

Source: OpenAI's model pages as of 2026-11; openai/openai-openapi issue 541 for tools on chat. Deliberately not shared with the
provider package under test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_OLD = ("minimal", "low", "medium", "high")
_FIVE = ("none", "low", "medium", "high", "xhigh")
_SIX = ("low", "medium", "high", "xhigh", "max")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """`efforts` empty: it does not reason. `usual` is the effort when none is said. `chat_tools`: chat takes function tools
    while the model reasons. `chat`, `responses`: which API serves it.
    """

    efforts: tuple[str, ...] = ()
    usual: str = "none"
    chat_tools: bool = True
    chat: bool = True
    responses: bool = True

    def effort(self, asked: str | None) -> str:
        """The effort it works with."""
        return asked if asked is not None else self.usual


_TABLE = (
    (r"gpt-[\w.-]*-(?:codex|pro)|o\d-pro", Rules(efforts=_FIVE[1:], usual="medium", chat=False)),
    (r"gpt-audio|gpt-4o(?:-mini)?-audio", Rules(responses=False)),
    (r"gpt-4|gpt-3\.5", Rules()),
    (r"gpt-5(?:-mini|-nano)?(?:-\d{4}|$)", Rules(efforts=_OLD, usual="medium")),
    (r"gpt-5\.1", Rules(efforts=_FIVE[:4])),
    (r"gpt-5\.[234]", Rules(efforts=_FIVE, chat_tools=False)),
    (r"gpt-5\.[5-9]", Rules(efforts=_FIVE, usual="medium", chat_tools=False)),
    (r"gpt-6-(?:sol|luna)|gpt-6\.1-terra", Rules(efforts=("none", *_SIX), usual="medium", chat_tools=False)),
    (r"gpt-6", Rules(efforts=_SIX, usual="medium", chat_tools=False)),
    (r"o\d", Rules(efforts=("low", "medium", "high"), usual="medium")),
)
OPEN = Rules(efforts=("none", "minimal", "low", "medium", "high", "xhigh", "max"), usual="medium")
"""A model of a self-hosted server, which takes what it is given."""


def rules_of(model: str) -> Rules | None:
    """The rules of a model by its name, None for one that does not exist."""
    return next((rules for pattern, rules in _TABLE if re.match(pattern, model)), None)
