"""Prompt-cache marks. A request has four at most, the last ones win; longer-lived ones must stand before the others.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from translators.canonical import CacheHint, Transform
from translators.formats import Wire

LIMIT = 4

_TTLS = {None: None, "5m": "5m", "1h": "1h", "30m": "1h", "12h": "1h", "24h": "1h"}
"""The client's word to one of Anthropic's two; None is its default, five minutes."""


class Marks:
    """Where the client wants the prompt to be cached, in the order of the prompt: tools, system, messages."""

    def __init__(self, transforms: list[Transform]) -> None:
        self._transforms = transforms
        self._marks: list[tuple[Wire, CacheHint, str]] = []

    def add(self, block: Wire, hint: CacheHint | None, where: str) -> None:
        """A mark behind `block`, which is at `where` in the request."""
        if hint is not None:
            self._marks.append((block, hint, where))

    def drop(self, hint: CacheHint | None, where: str) -> None:
        """A mark on what has no place for one."""
        if hint is not None:
            self._listed(where, "dropped", "nothing can be marked there")

    def write(self, *, automatic: bool) -> None:
        """Put the marks that count into their blocks. `automatic`: the server sets one by itself, which takes a place."""
        room = LIMIT - automatic
        for _, _, where in self._marks[:-room]:
            self._listed(where, "dropped", f"{room} marks are the most, and later ones count more")
        short = False
        for block, hint, where in self._marks[-room:]:
            ttl = _TTLS.get(hint.ttl)
            if hint.ttl is not None and ttl != hint.ttl:
                self._listed(where, "mapped", f"{ttl or 'five minutes'} instead of {hint.ttl}")
            if ttl == "1h" and short:
                ttl = None
                self._listed(where, "mapped", "five minutes, as an hour may not follow five minutes")
            short = short or ttl != "1h"
            block["cache_control"] = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}

    def _listed(self, where: str, action: str, detail: str) -> None:
        self._transforms.append(Transform(f"{where}.cache", action, detail))
