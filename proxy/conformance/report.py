"""What became of a run: cells, and the words and tables made of them. Nothing here runs anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .scenario import OUTCOMES, SECTIONS, load

Word = Literal["exact", "emulated", "loss", "refused", "failed", "skipped"]
SHOWN: dict[str, str] = {
    "exact": "exact",
    "emulated": "emulated",
    "loss": "reported loss",
    "refused": "refused",
    "failed": "FAILED",
    "skipped": "not run",
}
"""The words of the matrix."""
_RANK = {word: index for index, word in enumerate(("skipped", *OUTCOMES, "failed"))}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One scenario in one dialect and mode against one model of one target.

    `changes` are what the translation reported, as "action field: detail"; `refusal` is what a refusal said.
    """

    target: str
    provider: str
    section: str
    scenario: str
    feature: str
    dialect: str
    mode: str
    model: str
    word: Word
    failures: tuple[str, ...] = ()
    changes: tuple[str, ...] = ()
    refusal: str = ""

    @property
    def place(self) -> str:
        """Which cell this is, for people."""
        return f"{self.section}/{self.scenario} [{self.dialect}, {self.mode}, {self.model}]"


@dataclass(slots=True)
class Report:
    """All cells of a run, in the order they ran. `notes` are for people: what was assumed, where it stopped."""

    cells: list[Cell] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, cells: Iterable[Cell]) -> None:
        self.cells += cells

    @property
    def failed(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.word == "failed"]

    def sections(self, provider: str | None = None) -> dict[str, tuple[int, int]]:
        """How many cells of each section passed, and how many there were."""
        counted: dict[str, tuple[int, int]] = {}
        for section in SECTIONS:
            cells = [
                cell
                for cell in self.cells
                if cell.section == section and cell.word != "skipped" and provider in (None, cell.provider)
            ]
            if cells:
                counted[section] = (sum(cell.word != "failed" for cell in cells), len(cells))
        return counted

    def word(self, provider: str, feature: str, dialect: str) -> Word | None:
        """The worst of what became of a feature in one dialect; None where nothing was tried."""
        words: list[Word] = [
            cell.word
            for cell in self.cells
            if (cell.target, cell.feature, cell.dialect) == (provider, feature, dialect)
        ]
        if not words:
            return None
        return max(words, key=_rank)

    def features(self) -> list[str]:
        """The rows of the matrix, in the order the scenarios have them."""
        found = dict.fromkeys(cell.feature for cell in self.cells)
        order = [feature for feature in dict.fromkeys(scenario.feature for scenario in load()) if feature in found]
        return list(dict.fromkeys([*order, *found]))

    def providers(self) -> list[str]:
        """The columns of the matrix: targets that are a provider's first."""
        return list(dict.fromkeys(cell.target for cell in self.cells if cell.target == cell.provider))

    def document(self) -> dict[str, Any]:
        """Everything, for programs."""
        providers = self.providers()
        return {
            "passed": not self.failed,
            "notes": self.notes,
            "sections": {section: {"passed": a, "of": b} for section, (a, b) in self.sections().items()},
            "matrix": {
                feature: {
                    provider: {
                        dialect: word
                        for dialect in ("chat", "responses")
                        if (word := self.word(provider, feature, dialect)) is not None
                    }
                    for provider in providers
                }
                for feature in self.features()
            },
            "cells": [
                {
                    "target": cell.target,
                    "scenario": cell.scenario,
                    "section": cell.section,
                    "dialect": cell.dialect,
                    "mode": cell.mode,
                    "model": cell.model,
                    "outcome": cell.word,
                    "failures": list(cell.failures),
                    "changes": list(cell.changes),
                    "refusal": cell.refusal,
                }
                for cell in self.cells
            ],
        }


def _rank(word: Word) -> int:
    return _RANK[word]


def cell_text(chat: Word | None, responses: Word | None) -> str:
    """One cell of the matrix: one word where both dialects agree, or only one has such a thing."""
    if chat is None or responses is None or chat == responses:
        word = chat or responses
        return "-" if word is None else SHOWN[word]
    return f"chat: {SHOWN[chat]}; responses: {SHOWN[responses]}"


def markdown(report: Report, providers: Sequence[str] | None = None) -> str:
    """The matrix as a table of Markdown."""
    columns = list(providers or report.providers())
    lines = ["| | " + " | ".join(f"`{column}`" for column in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for feature in report.features():
        cells = [
            cell_text(report.word(column, feature, "chat"), report.word(column, feature, "responses"))
            for column in columns
        ]
        lines.append(f"| {feature} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"
