import pytest

from translators.formats import openai_models


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1", "gpt-4o-mini-2024-07-18", "gpt-5-chat-latest", "text-embedding-3-small", "whisper-1"]
)
def test_models_that_do_not_reason(model):
    assert not openai_models.is_reasoning(model)


@pytest.mark.parametrize(
    "model",
    [
        "o1",
        "o3-mini-2025-01-31",
        "gpt-5",
        "gpt-5-nano-2025-08-07",
        "gpt-5.1",
        "gpt-5.4-mini",
        "gpt-5.6-terra",
        "gpt-6-sol",
        "gpt-6.1-terra",
        "gpt-6.2-astra",
        "gpt-7.5",
        "gpt-10",
        "gpt-5.3-codex",
        "codex-mini-latest",
        "gpt-5.5-pro",
    ],
)
def test_models_that_reason(model):
    assert openai_models.is_reasoning(model)


@pytest.mark.parametrize(
    ("model", "effort", "reasons"),
    [
        ("gpt-5", None, True),
        ("gpt-5", "none", True),
        ("gpt-5.2", None, False),
        ("gpt-5.2", "low", True),
        ("gpt-5.6-sol", None, True),
        ("gpt-5.6-sol", "none", False),
        ("gpt-6.1-terra", None, True),
        ("gpt-6.1-terra", "none", False),
        ("gpt-6.1-sol", "none", True),
        ("gpt-5.4-pro", None, True),
    ],
)
def test_whether_it_reasons_now(model, effort, reasons):
    assert openai_models.is_reasoning_now(model, effort) is reasons


def test_a_number_goes_to_its_end():
    assert not openai_models.reasons_when_asked("gpt-5.12")
    assert not openai_models.keeps_max_effort_for_responses("gpt-61.5.2x")


@pytest.mark.parametrize(
    ("model", "effort", "nearest"),
    [
        ("gpt-5", "none", "minimal"),
        ("gpt-5", "xhigh", "high"),
        ("o3", "minimal", "low"),
        ("o3", "max", "high"),
        ("gpt-5.1", "xhigh", "high"),
        ("gpt-5.1", "none", "none"),
        ("gpt-5.1-codex-max", "xhigh", "xhigh"),
        ("gpt-5.2", "xhigh", "xhigh"),
        ("gpt-5.6-sol", "max", "xhigh"),
        ("gpt-6-sol", "max", "max"),
        ("gpt-6.2-astra", "none", "low"),
        ("gpt-5.5-pro", "low", "medium"),
        ("gpt-5.5-pro", "none", "medium"),
        ("gpt-5-pro", "low", "high"),
        ("o3-pro", "minimal", "medium"),
        ("gpt-7", "max", "max"),
        ("gpt-6-sol", "enormous", "enormous"),
    ],
)
def test_the_nearest_effort_that_a_model_knows(model, effort, nearest):
    assert openai_models.nearest_effort(effort, model) == nearest
    assert openai_models.nearest_effort(nearest, model) == nearest


def test_the_highest_effort_is_not_for_chat():
    assert openai_models.nearest_effort("max", "gpt-6-sol", on_chat_only=True) == "xhigh"
