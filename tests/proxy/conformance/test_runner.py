"""Scenarios played against a simulated provider: what passes, what fails and in which words."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.conformance import runner, scenario
from proxy.conformance.report import Cell
from proxy.conformance.stage import stage
from proxy.conformance.targets import TARGETS, of

from .planting import sends

OLLAMA = next(target for target in TARGETS if target.name == "ollama")
LIBRARY: dict[str, Any] = {"tools": {"look": {"parameters": {"type": "object"}}}, "schemas": {}, "files": {}}


def made(**entry: Any) -> scenario.Scenario:
    return scenario.read({"name": "n", "says": "It works.", "feature": "f", **entry}, "request-fidelity", LIBRARY)


def cells(*scenarios: scenario.Scenario) -> list[Cell]:
    return list(runner.run(OLLAMA, scenarios))


PLAIN = {"ask": {"user": "Hi"}, "answer": {"say": ["Hello"]}}


def test_a_scenario_is_played_in_both_dialects_whole_and_streamed() -> None:
    played = cells(made(steps=[PLAIN]))
    assert [(cell.dialect, cell.mode, cell.word) for cell in played] == [
        ("chat", "whole", "exact"),
        ("chat", "stream", "exact"),
        ("responses", "whole", "exact"),
        ("responses", "stream", "exact"),
    ]


@pytest.mark.parametrize(
    ("step", "words"),
    [
        ({**PLAIN, "sees": {"text": "Bye"}}, "the text should be 'Bye', and is 'Hello'"),
        ({**PLAIN, "hears": {"limit": 5}}, "limit should be 5, and is None"),
        ({**PLAIN, "receives": {"ollama": {"/stream": 7}}}, "/stream should be 7"),
        ({"ask": {"user": "Hi"}, "answers": [{"say": ["a"]}, {"say": ["b"]}]}, "was asked 1 times, not 2"),
        ({"ask": {"user": "Hi"}, "answer": {"blocks": [{"call": "look"}]}}, "the tool look was not offered to it"),
        ({**PLAIN, "sees": {"error": {"status": 502}}}, "there should be an error"),
    ],
)
def test_what_is_wrong_is_said_in_plain_words(step: dict[str, Any], words: str) -> None:
    (cell,) = cells(made(steps=[step], dialects=["chat"], modes=["whole"]))
    assert cell.word == "failed"
    assert any(words in failure for failure in cell.failures)


def test_a_step_that_fails_is_the_last_and_is_named() -> None:
    wrong = {**PLAIN, "sees": {"text": "Bye"}}
    (cell,) = cells(made(steps=[PLAIN, wrong, wrong], dialects=["chat"], modes=["whole"]))
    assert [failure.split(":")[0] for failure in cell.failures] == ["step 2"]


def test_outcomes() -> None:
    two = {"ask": {"user": "Hi", "n": 2}, "answer": {"say": ["Hello"]}}
    forced = {"ask": {"user": "Hi", "tools": ["look"], "choice": "required"}, "answer": {"blocks": [{"call": "look"}]}}
    once: dict[str, Any] = {"dialects": ["chat"], "modes": ["whole"]}
    words = [
        cells(made(steps=[two], needs=["nChoices"], outcomes={"ollama": "refused"}, **once))[0],
        cells(made(steps=[two], needs=["nChoices"], **once))[0],
        cells(made(steps=[two], **once))[0],
        cells(made(steps=[forced], outcomes={"ollama": "emulated"}, **once))[0],
        cells(made(steps=[forced], outcomes={"ollama": "loss"}, **once))[0],
    ]
    assert [cell.word for cell in words] == ["refused", "failed", "failed", "emulated", "emulated"]
    assert "nChoices" in words[0].refusal
    assert "this should be exact, and was refused" in words[1].failures[0]


@pytest.mark.parametrize(
    ("change", "about", "word"),
    [
        ("dropped sampling.seed: x", "", "loss"),
        ("mapped sampling.seed: x", "", "exact"),
        ("mapped sampling.seed: x", "sampling.seed", "loss"),
        ("reshaped messages[0]: x", "", "emulated"),
        ("emulated tool_choice: x", "", "emulated"),
        ("dropped state.include: ", "", "exact"),
        ("dropped messages[0].content[1].detail: x", "", "exact"),
    ],
)
def test_what_a_reported_change_makes_of_a_cell(change: str, about: str, word: str) -> None:
    assert runner._weight(change, about) == word


def test_which_models_a_scenario_runs_with() -> None:
    target = next(each for each in TARGETS if each.name == "anthropic")
    assert runner.models_of(target, made(steps=[])) == target.models[:1]
    assert runner.models_of(target, made(steps=[], models="all")) == target.models
    assert runner.models_of(target, made(steps=[], models={"anthropic": "claude-sonnet-4-5"})) == ("claude-sonnet-4-5",)
    assert runner.models_of(target, made(steps=[], models={"google": "all"})) == target.models[:1]
    assert runner.models_of(target, made(steps=[], models={"others": "none"})) == ()
    assert runner.models_of(target, made(steps=[], models={"anthropic": "claude-0"})) == ()


def test_what_a_call_costs() -> None:
    usage = {"input": 1_000_000, "cached": 500_000, "written": 250_000, "output": 100_000, "reasoning": 90_000}
    assert runner.cost_of(usage) == pytest.approx(0.25 * 2 + 0.5 * 0.2 + 0.25 * 2.5 + 0.1 * 10)


def test_verify_runs_all_targets_of_a_provider() -> None:
    report = runner.verify("ollama", [made(steps=[PLAIN], modes=["whole"])])
    assert {cell.target for cell in report.cells} == {target.name for target in of("ollama")}
    assert not report.failed


def test_a_broken_adapter_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    sends("ollama", lambda body: body["messages"].clear())(monkeypatch)
    assert {cell.word for cell in cells(made(steps=[PLAIN]))} == {"failed"}


def test_a_cell_that_went_wrong_on_purpose_leaves_nothing_behind() -> None:
    limited = made(
        steps=[
            {"ask": {"user": "Hi"}, "answer": {"fault": {"kind": "rate_limited", "wait": 60}}, "sees": {"error": {}}}
        ]
    )
    with stage(OLLAMA) as opened:
        for each in (limited, made(steps=[PLAIN])):
            assert runner.run_cell(opened, each, "chat", "whole", OLLAMA.models[0]).word == "exact"
