"""The table of thinking levels and budgets, row by row as the wire notes have it."""

from __future__ import annotations

import pytest

from proxy.conformance.simulators.google.models import rules_of

TABLE = {
    "gemini-2.5-pro": ("", (128, 32768), False),
    "gemini-2.5-flash": ("", (0, 24576), True),
    "gemini-2.5-flash-lite": ("", (512, 24576), True),
    "gemini-3-flash-preview": ("minimal low medium high", (0, 32768), True),
    "gemini-3.1-pro-preview": ("low medium high", (0, 32768), False),
    "gemini-3.5-flash": ("minimal low medium high", (0, 32768), True),
    "gemini-3.8-flash": ("low medium high", (0, 32768), False),
    "gemini-3.1-flash-lite": ("minimal low medium high", (0, 32768), True),
    "gemini-4-argon": ("low medium high", None, False),
    "gemini-4-carbon": ("low medium high", None, False),
    "gemini-4-hydrogen": ("low medium high xhigh", None, False),
}


@pytest.mark.parametrize("model", TABLE)
def test_a_model_has_the_rules_of_its_row(model: str) -> None:
    levels, budgets, off = TABLE[model]
    rules = rules_of(model)
    assert rules is not None
    assert (rules.levels, rules.budgets, rules.off) == (tuple(levels.split()), budgets, off)
    assert rules.signs == (not model.startswith("gemini-2"))


def test_what_is_no_gemini() -> None:
    assert rules_of("gemma-3") is None
