"""What the name of a Gemini model says about the grammar of its requests. Tables only, no decisions about requests.

A name may carry a path ("models/gemini-2.5-pro"), a preview or a version. Names without a generation (aliases, tuned models,
models nobody knows yet) are taken to follow the newest one.
Source: https://ai.google.dev/gemini-api/docs/thought-signatures, .../docs/function-calling (read 2026-11).
"""

from __future__ import annotations

import re
from functools import lru_cache

NEWEST = (9999, 0)
"""The generation of models whose name does not tell."""

_GENERATION = re.compile(r"gemini-(\d+)(?:\.(\d+))?(?![\d.])")


@lru_cache(maxsize=512)
def generation(model: str) -> tuple[int, int]:
    """Major and minor version: "gemini-3.1-pro-preview" is (3, 1)."""
    found = _GENERATION.search(model)
    return (int(found[1]), int(found[2] or 0)) if found else NEWEST


def takes_call_ids(model: str) -> bool:
    """Whether calls and their results are matched by id. Older models match them by place, and the API refused ids."""
    return generation(model) >= (3, 0)


def demands_signatures(model: str) -> bool:
    """Whether a call of the running turn that comes without its thought signature is refused."""
    return generation(model) >= (3, 0)


def takes_media_in_results(model: str) -> bool:
    """Whether a function's result may hold pictures and documents itself."""
    return generation(model) >= (3, 0)


def longest_tool_name(model: str) -> int:
    return 128 if generation(model) >= (3, 0) else 64
