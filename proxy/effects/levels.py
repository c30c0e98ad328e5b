"""What a tool does to the world, by its name: the Tool records of one configuration, compiled. Pure."""

from __future__ import annotations

from fnmatch import fnmatchcase

from proxy.resources import EFFECTS, Tool
from translators.canonical import value

HARMLESS = EFFECTS[0]
_REMEMBERED = 4096


@value
class Level:
    """`word` as declared, or the settings' default. `known`: a Tool record says it."""

    word: str
    idempotent: bool
    known: bool

    @property
    def harmless(self) -> bool:
        """Whether doing it twice is as good as once: it only reads."""
        return self.known and self.word == HARMLESS


class Levels:
    """Tools by name. An exact name comes before globs, and globs in declared order. `default` is for all others."""

    def __init__(self, tools: tuple[Tool, ...], default: str) -> None:
        self._exact = {tool.pattern: _level(tool) for tool in tools if not _is_glob(tool.pattern)}
        self._globs = tuple((tool.pattern, _level(tool)) for tool in tools if _is_glob(tool.pattern))
        declared = default != "unknown"
        self._default = Level(default, idempotent=False, known=declared)
        self._remembered: dict[str, Level] = {}

    def of(self, name: str) -> Level:
        """The level of the tool called `name`."""
        found = self._exact.get(name) or self._remembered.get(name)
        if found is None:
            found = next((level for glob, level in self._globs if fnmatchcase(name, glob)), self._default)
            if len(self._remembered) < _REMEMBERED:  # clients make names up
                self._remembered[name] = found
        return found


def _level(tool: Tool) -> Level:
    return Level(tool.level, tool.idempotent, known=True)


def _is_glob(pattern: str) -> bool:
    return any(mark in pattern for mark in "*?[")
