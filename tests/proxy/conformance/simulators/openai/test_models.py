"""The table of efforts, row by row as the wire notes have it."""

from __future__ import annotations

import pytest

from proxy.conformance.simulators.openai.models import rules_of

TABLE = {
    "gpt-4o-mini": ("", "none", True),
    "gpt-4.1": ("", "none", True),
    "gpt-5-nano": ("minimal low medium high", "medium", True),
    "gpt-5.1": ("none low medium high", "none", True),
    "gpt-5.2": ("none low medium high xhigh", "none", False),
    "gpt-5.4-2026-03-05": ("none low medium high xhigh", "none", False),
    "gpt-5.5": ("none low medium high xhigh", "medium", False),
    "gpt-5.6-sol": ("none low medium high xhigh", "medium", False),
    "gpt-6-sol": ("none low medium high xhigh max", "medium", False),
    "gpt-6.1-terra": ("none low medium high xhigh max", "medium", False),
    "gpt-6-astra": ("low medium high xhigh max", "medium", False),
    "gpt-6.2-sol": ("low medium high xhigh max", "medium", False),
    "o3": ("low medium high", "medium", True),
}


@pytest.mark.parametrize("model", TABLE)
def test_a_model_has_the_rules_of_its_row(model: str) -> None:
    efforts, usual, tools = TABLE[model]
    rules = rules_of(model)
    assert rules is not None
    assert (rules.efforts, rules.usual, rules.chat_tools) == (tuple(efforts.split()), usual, tools)


def test_which_api_serves() -> None:
    codex, audio = rules_of("gpt-5.3-codex"), rules_of("gpt-audio-1.5")
    assert codex is not None
    assert audio is not None
    assert (codex.chat, audio.responses) == (False, False)
    assert rules_of("claude-opus-5") is None
