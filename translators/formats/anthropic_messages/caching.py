"""Prompt-cache marks. A request has four at most, the last ones win; longer-lived ones must stand before the others.

Source: https://platform.claude.com/docs/en/build-with-claude/prompt-caching
"""

from __future__ import annotations

from collections.abc import Iterator

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

    def settle(self, body: Wire) -> None:
        """Put the marks in the order in which their blocks came to stand, and leave out those whose blocks went."""
        if not self._marks:
            return
        places = {id(block): place for place, block in enumerate(_blocks_of(body))}
        for block, _, where in self._marks:
            if id(block) not in places:
                self._listed(where, "dropped", "what it stood on is said otherwise")
        self._marks = [mark for mark in self._marks if id(mark[0]) in places]
        self._marks.sort(key=lambda mark: places[id(mark[0])])

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


def _blocks_of(body: Wire) -> Iterator[Wire]:
    """Whatever can have a mark, in the order of the prompt: what stands inside a result comes before its end."""
    yield from body.get("tools", ())
    yield from body.get("system", ())
    for turn in body["messages"]:
        for block in turn["content"]:
            inner = block.get("content")
            if block["type"] == "tool_result" and isinstance(inner, list):
                yield from inner
            yield block
