"""What a model can do, and what a request needs: sets of the same names, so that routing is a difference of sets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Any

from .blocks import JSON
from .value import named_value, value

FLAGS = (
    "text",
    "vision",
    "audio",
    "toolCalling",
    "structuredOutput",
    "jsonSchema",
    "streaming",
    "reasoning",
    "computerUse",
    "embeddings",
)

_EMPTY: Mapping[str, Any] = {}


@value
class Need:
    """One thing a request cannot do without.

    `name` is a flag of `FLAGS`, `feature:<x>`, `ext:<field>` or `affinity:<provider>`; `because` names the place in the
    request that asks for it ("tools[0]"), for error messages and explanations.
    """

    name: str
    because: str
    value: JSON = True


@named_value
class CapabilitySet:
    """`flags` by name; `features` by name (true, false, or the list of accepted values); windows in tokens.

    The feature "ext:*" stands for a provider that takes members of the body we do not know, as it is meant to.
    """

    flags: Mapping[str, bool]
    features: Mapping[str, JSON] = field(default_factory=lambda: _EMPTY)
    context_window: int | None = None
    max_output: int | None = None

    def missing(self, needs: Iterable[Need]) -> tuple[Need, ...]:
        """The needs this set does not meet, in order."""
        return tuple(need for need in needs if not self._meets(need))

    def _meets(self, need: Need) -> bool:
        if need.name in self.flags:
            return self.flags[need.name]
        kind, _, name = need.name.partition(":")
        if kind in ("feature", "ext", "affinity"):
            have = self.features.get(name if kind == "feature" else need.name, False)
            if kind == "ext":
                have = have or self.features.get("ext:*", False)
            return need.value in have if isinstance(have, (list, tuple, frozenset)) else bool(have)
        return False
