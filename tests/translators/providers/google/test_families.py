import pytest

from translators.providers.google.families import (
    NEWEST,
    budget_for,
    family_of,
    is_claude,
    level_for,
    level_of_budget,
    name_of,
)

ROWS = [
    ("gemini-2.5-pro", (), (128, 32_768), False),
    ("gemini-2.5-flash", (), (1, 24_576), True),
    ("gemini-2.5-flash-preview-09-2025", (), (1, 24_576), True),
    ("gemini-2.5-flash-lite", (), (512, 24_576), True),
    ("gemini-3-flash-preview", ("minimal", "low", "medium", "high"), None, False),
    ("gemini-3-pro-preview", ("low", "high"), None, False),
    ("gemini-3.1-pro-preview", ("low", "medium", "high"), None, False),
    ("gemini-3.1-flash-lite", ("minimal", "low", "medium", "high"), None, False),
    ("gemini-3.5-flash", ("minimal", "low", "medium", "high"), None, False),
    ("gemini-3.5-flash-lite", ("minimal", "low", "medium", "high"), None, False),
    ("gemini-3.6-flash", ("low", "medium", "high"), None, False),
    ("gemini-3.8-flash", ("low", "medium", "high"), None, False),
    ("gemini-4-argon", ("low", "medium", "high"), None, False),
    ("gemini-4-carbon", ("low", "medium", "high"), None, False),
    ("gemini-4-hydrogen", ("low", "medium", "high", "xhigh"), None, False),
    ("gemini-flash-latest", ("low", "medium", "high"), None, False),
    ("gemini-2.0-flash-001", (), None, False),
    ("gemini-2.5-flash-image", (), None, False),
    ("gemini-2.5-flash-preview-tts", (), None, False),
    ("gemini-3-pro-image", (), None, False),
]


@pytest.mark.parametrize(("model", "levels", "budget", "off"), ROWS)
def test_how_a_model_is_told_to_think(model, levels, budget, off):
    for name in (model, f"models/{model}", f"publishers/google/models/{model}"):
        thinking = family_of(name).thinking
        assert (thinking.levels, thinking.budget, thinking.off) == (levels, budget, off)


@pytest.mark.parametrize(
    ("model", "counts"),
    [
        ("gemini-2.5-pro", True),
        ("gemini-3.1-pro-preview", True),
        ("gemini-3.5-flash", True),
        ("gemini-3.5-flash-lite", False),
        ("gemini-3.6-flash", False),
        ("gemini-4-argon", False),
        ("gemini-9-unheard-of", False),
    ],
)
def test_where_temperature_counts(model, counts):
    assert family_of(model).sampling is counts


def test_what_nobody_knows_follows_the_newest():
    assert family_of("gemini-7-neon") is family_of("acme-tuned") is NEWEST
    assert NEWEST.schema_with_tools
    assert NEWEST.own_tools_with_functions
    assert not NEWEST.candidates


@pytest.mark.parametrize(
    ("effort", "levels", "level"),
    [
        ("none", ("minimal", "low"), "minimal"),
        ("none", ("low", "high"), "low"),
        ("medium", ("low", "high"), "low"),
        ("xhigh", ("low", "medium", "high"), "high"),
        ("max", ("low", "xhigh"), "xhigh"),
    ],
)
def test_the_nearest_level(effort, levels, level):
    assert level_for(effort, levels) == level


@pytest.mark.parametrize(
    ("model", "effort", "budget"),
    [
        ("gemini-2.5-flash", "none", 0),
        ("gemini-2.5-pro", "none", 128),
        ("gemini-2.5-pro", "minimal", 512),
        ("gemini-2.5-flash", "low", 1024),
        ("gemini-2.5-flash", "medium", 8192),
        ("gemini-2.5-flash", "high", 24_576),
        ("gemini-2.5-pro", "high", 32_768),
        ("gemini-2.5-flash-lite", "max", 24_576),
    ],
)
def test_efforts_are_budgets(model, effort, budget):
    assert budget_for(effort, family_of(model).thinking) == budget


@pytest.mark.parametrize(
    ("budget", "effort"), [(0, "none"), (1, "low"), (8192, "medium"), (9000, "high"), (30000, "xhigh")]
)
def test_budgets_are_efforts(budget, effort):
    assert level_of_budget(budget) == effort


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models/gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("gemini-2.0-flash-001", "gemini-2.0-flash"),
        ("gemini-2.5-pro-exp-03-25", "gemini-2.5-pro"),
        ("gemini-3-flash-preview", "gemini-3-flash"),
        ("gemini-3.5-flash", "gemini-3.5-flash"),
        ("gemini-4-argon", "gemini-4-argon"),
    ],
)
def test_a_name_without_its_version(model, name):
    assert name_of(model) == name


def test_claude_is_known_by_its_name():
    assert is_claude("claude-opus-5-5@20261001")
    assert is_claude("publishers/anthropic/models/claude-opus-5-5")
    assert not is_claude("gemini-3-flash")
