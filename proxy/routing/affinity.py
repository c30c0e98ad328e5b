"""Which candidate holds a conversation's prompt in its cache: the one that served it last, for a while.

Local to this process and advisory: a conversation that another worker served is unknown here, and served as any other.
"""

from __future__ import annotations

from collections import OrderedDict

_KEPT = 50_000


class Affinity:
    """Conversations by key, with the ref of a Model record and how long its cache is taken to be warm. Times in seconds."""

    def __init__(self) -> None:
        self._warm: OrderedDict[str, tuple[str, float]] = OrderedDict()

    def served(self, conversation: str, ref: str, until: float) -> None:
        """`ref` answered a call of `conversation`; its cache is warm until then."""
        self._warm[conversation] = (ref, until)
        self._warm.move_to_end(conversation)
        if len(self._warm) > _KEPT:
            self._warm.popitem(last=False)

    def warm(self, conversation: str, now: float) -> str | None:
        """The ref whose cache is warm for `conversation`, if one is."""
        kept = self._warm.get(conversation)
        if kept is None:
            return None
        if kept[1] <= now:
            del self._warm[conversation]
            return None
        return kept[0]
