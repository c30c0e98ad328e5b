"""What clients and providers wrote, shown only where it is a word. Pure.

Kinds of tools, names of members and codes of errors are theirs to choose, so that anything may stand in them, a prompt too.
"""

from __future__ import annotations

import re
from functools import lru_cache

HIDDEN = "…"
"""Stands for what is not shown."""

_WORD = re.compile(r"(?:POST )?[A-Za-z0-9_$.:/@+\[\]-]{1,128}")
_CODE = re.compile(r"[0-9]{1,8}|(?![0-9]*$)[A-Za-z0-9_.:/-]{1,64}")
_FEW = 4


@lru_cache(1024)
def word(text: str) -> str:
    """`text` if it is one word of at most 128 letters, digits and marks, as names and codes are; else `HIDDEN`."""
    return text if _WORD.fullmatch(text) else HIDDEN


def code(text: str) -> str:
    """`text` if it is an error code as providers have them: letters, marks and a few digits. Keys have more; they are hidden."""
    digits = sum(letter.isdigit() for letter in text)
    return text if _CODE.fullmatch(text) and (digits <= _FEW or len(text) == digits) else HIDDEN
