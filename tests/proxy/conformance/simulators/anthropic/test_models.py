"""The table of thinking types, row by row as the wire notes have it."""

from __future__ import annotations

import pytest

from proxy.conformance.simulators.anthropic.models import rules_of

TABLE = {
    "claude-opus-4-5": ("enabled disabled", False, True),
    "claude-sonnet-4-5-20250929": ("enabled disabled", False, True),
    "claude-haiku-4-5": ("enabled disabled", False, True),
    "claude-opus-4-6": ("enabled adaptive disabled", False, True),
    "claude-sonnet-4-6": ("enabled adaptive disabled", False, True),
    "claude-opus-4-7": ("adaptive disabled", False, False),
    "claude-opus-4-8": ("adaptive disabled", False, False),
    "claude-sonnet-5": ("adaptive disabled", True, False),
    "claude-opus-5": ("adaptive disabled", True, False),
    "claude-opus-5-5": ("adaptive", True, False),
    "claude-fable-5": ("adaptive", True, False),
    "claude-mythos-5-2": ("adaptive", True, False),
    "claude-sonnet-5-5": ("adaptive between_tools", True, False),
    "claude-haiku-5-5": ("adaptive disabled", True, False),
}


@pytest.mark.parametrize("model", TABLE)
def test_a_model_has_the_rules_of_its_row(model: str) -> None:
    types, thinks, sampling = TABLE[model]
    rules = rules_of(model)
    assert rules is not None
    assert (rules.thinking, rules.thinks, rules.sampling) == (tuple(types.split()), thinks, sampling)


def test_forced_calls() -> None:
    without = {name for name in TABLE if (rules := rules_of(name)) is not None and not rules.forced}
    assert without == {"claude-opus-5-5", "claude-sonnet-5-5", "claude-mythos-5-2"}


def test_what_is_no_claude() -> None:
    assert rules_of("gpt-4o") is None
