"""What is wrong with a configuration, as data: where, which rule, and what to write instead. Knows no YAML.

A problem never quotes a value that could be a secret.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

_LISTED = 24
"""So many names are few enough to be listed."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in a file (`line` and `column` from 1), or a flag or variable when they are 0."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One finding. `code` starts with E (refuses to start), W (`--strict` refuses) or I; docs/configuration.md lists them.

    `resource` is "Kind/namespace/name", `path` the field ("spec.strategy.fallback[1]"); either may be empty.
    """

    code: str
    message: str
    position: Position
    resource: str = ""
    path: str = ""
    hint: str | None = None

    @property
    def level(self) -> Literal["error", "warning", "info"]:
        """How much it matters, by the first letter of `code`."""
        return "error" if self.code.startswith("E") else "warning" if self.code.startswith("W") else "info"

    def __str__(self) -> str:
        columns = (str(self.position), self.code, self.resource or "-", self.path or "-", self.message)
        line = "  ".join(columns)
        return f"{line}  -> {self.hint}" if self.hint else line


class ConfigError(Exception):
    """The configuration cannot be used. `problems` holds everything found, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those that refuse a start."""
    return tuple(problem for problem in problems if problem.level == "error")


def warnings(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Those that a start only prints."""
    return tuple(problem for problem in problems if problem.level == "warning")


def counted(number: int, what: str) -> str:
    """`number` of `what`, whose plural ends in s: "1 model", "2 models"."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def suggestion(word: str, known: Iterable[str]) -> str | None:
    """The hint for a misspelt `word`: the nearest of `known`, else all of them if they are few."""
    options = sorted(known)
    folded = {option.casefold(): option for option in options}
    near = get_close_matches(word.casefold(), folded, n=1, cutoff=0.6)
    if near:
        return f"did you mean {folded[near[0]]}?"
    return f"one of: {', '.join(options)}" if 0 < len(options) <= _LISTED else None
