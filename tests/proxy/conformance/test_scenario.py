"""How scenarios are read, and that those that are shipped are as they should be."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.conformance import scenario
from proxy.conformance.simulators.script import Call, Decline, Fault, Say, Thought

LIBRARY: dict[str, Any] = {
    "tools": {"look": {"description": "d"}},
    "schemas": {},
    "files": {"a": {"mime": "image/png"}},
}


def read(**entry: Any) -> scenario.Scenario:
    return scenario.read({"name": "n", "says": "s", "feature": "f", **entry}, "vision", LIBRARY)


def test_every_section_has_scenarios_with_a_sentence_each() -> None:
    loaded = scenario.load()
    assert {each.section for each in loaded} == set(scenario.SECTIONS)
    for each in loaded:
        assert each.says.endswith("."), each.name
        assert each.steps, each.name
        assert all(word in scenario.OUTCOMES for words in each.outcomes.values() for word in words.values()), each.name


def test_a_step_is_resolved() -> None:
    step = read(
        steps=[
            {
                "ask": {"tools": ["look"], "files": ["a"]},
                "answer": {
                    "blocks": [{"think": "t"}, {"say": ["x"]}, {"call": "look", "with": {"a": 1}}, {"decline": "no"}]
                },
            }
        ]
    ).steps[0]
    assert step.ask["tools"] == [{"name": "look", "description": "d"}]
    assert step.ask["files"][0]["mime"] == "image/png"
    assert step.answers[0].blocks == (Thought("t"), Say(("x",)), Call("look", '{"a":1}'), Decline(("no",)))


def test_a_repeated_step_is_numbered() -> None:
    steps = read(steps=[{"repeat": 3, "ask": {"user": "step ${n}", "limit": "${n}"}}]).steps
    assert [(step.ask["user"], step.ask["limit"]) for step in steps] == [("step 1", 1), ("step 2", 2), ("step 3", 3)]


def test_faults_and_results() -> None:
    step = read(steps=[{"answer": {"fault": "overloaded"}, "results": {"look": "seen"}}]).steps[0]
    assert step.answers[0].fault == Fault(kind="overloaded")
    assert step.results["look"] == {"text": "seen", "files": []}


def test_outcomes_by_provider_and_dialect() -> None:
    made = read(steps=[{}], outcomes={"ollama": "refused", "google": {"chat": "loss"}, "all": "emulated"})
    assert (
        made.worst("ollama", "ollama", "chat"),
        made.worst("x", "google", "chat"),
        made.worst("x", "google", "responses"),
    ) == (
        "refused",
        "loss",
        "exact",
    )
    assert made.worst("anthropic", "anthropic", "chat") == "emulated"


@pytest.mark.parametrize(
    "entry", [{"steps": [{"asks": {}}]}, {"steps": [{}], "feeture": "x"}, {"steps": [{"ask": {"tools": ["fly"]}}]}]
)
def test_what_is_misspelled_is_not_ignored(entry: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"unknown members|has no"):
        read(**entry)
