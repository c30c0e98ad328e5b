"""What a call of a tool does to the world, by the tool's name. Pure lookups in what the configuration declares.

No level is guessed from a name here: what nobody declared has the level of the settings, which is "unknown" unless they say
otherwise. Sources: configuration reference, 5.6 Tool and `tools.defaultSideEffect`; requirement X45.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from fnmatch import translate
from typing import Literal

from proxy.resources import EFFECTS, Tool
from translators.canonical import value

READ_ONLY = EFFECTS[0]
UNKNOWN = "unknown"
"""The level of a tool of which nobody says anything."""

_REMEMBERED = 4096
_LONGEST = 256
"""Names are the clients' own, so neither many nor long ones are kept. APIs allow 64 to 128 characters."""


@value
class Effect:
    """`level` is a word of `EFFECTS`, another one the operator chose, or `UNKNOWN`.

    `idempotent`: calling twice does no more than calling once.
    """

    level: str
    idempotent: bool = False

    @property
    def known(self) -> bool:
        """Whether somebody says what the tool does. A word that is not in `EFFECTS` says that it does something."""
        return self.level != UNKNOWN

    @property
    def harmless(self) -> bool:
        return self.level == READ_ONLY

    @property
    def repeatable(self) -> bool:
        """Whether it does not matter that it may happen twice."""
        return self.known and (self.idempotent or self.harmless)


@value
class Act:
    """One call of a tool. `id` is the call's own, where there is one; `source` is who says that there was a call.

    "unreachable": nobody could say, so there may have been one.
    """

    tool: str
    effect: Effect
    id: str = ""
    source: Literal["history", "ledger", "gateway", "unreachable"] = "history"


class Levels:
    """Tool names to effects, for one snapshot. `tools` in the order they are declared; `default` for all others.

    A record that names the tool wins over globs, whatever the order; among globs the first one declared wins.
    """

    def __init__(self, tools: tuple[Tool, ...], default: str = UNKNOWN) -> None:
        self._exact: dict[str, Effect] = {}
        self._globs: list[tuple[Callable[[str], object], Effect]] = []
        for tool in tools:
            effect = Effect(tool.level, tool.idempotent)
            if any(sign in tool.pattern for sign in "*?["):
                self._globs.append((re.compile(translate(tool.pattern)).match, effect))
            else:
                self._exact.setdefault(tool.pattern, effect)
        self._default = Effect(default)
        self._remembered: dict[str, Effect | None] = {}

    def of(self, *names: str) -> Effect:
        """As `declared`, with the default for what nobody declared."""
        return self.declared(*names) or self._default

    def declared(self, *names: str) -> Effect | None:
        """What is declared of the first of `names`, the most precise one first, that a record knows; None if none is."""
        for name in names:
            found = self._remembered[name] if name in self._remembered else self._looked_up(name)
            if found is not None:
                return found
        return None

    def _looked_up(self, name: str) -> Effect | None:
        found = self._exact.get(name)
        if found is None:
            found = next((effect for matches, effect in self._globs if matches(name)), None)
        if len(self._remembered) < _REMEMBERED and len(name) <= _LONGEST:
            self._remembered[name] = found
        return found
