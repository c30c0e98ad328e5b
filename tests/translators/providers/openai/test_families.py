import pytest

from translators.providers.openai import families


@pytest.mark.parametrize(
    "model", ["gpt-4o", "gpt-4.1", "gpt-4o-mini-2024-07-18", "gpt-5-chat-latest", "text-embedding-3-small", "whisper-1"]
)
def test_models_that_do_not_reason(model):
    assert not families.is_reasoning(model)


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
    ],
)
def test_models_that_reason(model):
    assert families.is_reasoning(model)


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
    ],
)
def test_whether_it_reasons_now(model, effort, reasons):
    assert families.is_reasoning_now(model, effort) is reasons


def test_a_number_goes_to_its_end():
    assert not families.reasons_when_asked("gpt-5.12")
    assert not families.keeps_max_effort_for_responses("gpt-61.5.2x")
