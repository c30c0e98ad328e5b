"""Responses answers are what OpenAI's SDK takes for answers, whole and in events."""

from __future__ import annotations

import json
from typing import Any

from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from proxy.conformance.simulators.script import Call, Decline, Say, Thought, Tokens
from tests.proxy.conformance.simulators.asking import Gpt, says

LOOK = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
EVERYTHING = says(
    Thought("Hm."), Say(("One", " moment.")), Call("look", '{"at":"sky"}'), tokens=Tokens(output=90, reasoning=40)
)
ASKED = {"tools": [LOOK], "reasoning": {"summary": "auto"}, "include": ["reasoning.encrypted_content"]}
EVENT: Any = TypeAdapter(ResponseStreamEvent)


def _whole(answer: Any = EVERYTHING, model: str = "gpt-6.2-sol", **members: Any) -> dict[str, Any]:
    gpt = Gpt(model)
    asked = gpt.responses(**{**ASKED, **members})
    gpt.dialect.check(asked)
    said: dict[str, Any] = json.loads(gpt.dialect.whole(answer, asked).body)
    return said


def test_a_whole_answer() -> None:
    response = Response.model_validate(_whole())
    assert [item.type for item in response.output] == ["reasoning", "message", "function_call"]
    assert response.output_text == "One moment."
    assert response.usage is not None
    assert response.usage.output_tokens_details.reasoning_tokens == 40


def test_reasoning_is_shown_and_sealed_as_asked() -> None:
    shown = _whole()["output"][0]
    assert shown["summary"][0]["text"] == "Hm."
    assert shown["encrypted_content"].startswith("gAAAA")
    hidden = _whole(reasoning={}, include=[])["output"][0]
    assert (hidden["summary"], "encrypted_content" in hidden) == ([], False)
    assert [item["type"] for item in _whole(model="gpt-5.4", reasoning={"effort": "none"})["output"]] == [
        "message",
        "function_call",
    ]


def test_a_cut_answer_and_a_refusal() -> None:
    cut = _whole(says(finish="length"))
    assert (cut["status"], cut["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    part = _whole(says(Decline(("No",))))["output"][0]["content"][0]
    assert part == {"type": "refusal", "refusal": "No"}


def test_every_event_is_an_event_and_together_they_are_the_answer() -> None:
    gpt = Gpt("gpt-6.2-sol")
    asked = gpt.responses(stream=True, **ASKED)
    gpt.dialect.check(asked)
    data = b"".join(event.data for event in gpt.dialect.events(EVERYTHING, asked)).decode()
    events = [json.loads(line.removeprefix("data: ")) for line in data.splitlines() if line.startswith("data: ")]
    for event in events:
        EVENT.validate_python(event)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    assert events[-1]["type"] == "response.completed"
    assert events[-1]["response"]["output"] == done
    assert "".join(e["delta"] for e in events if e["type"] == "response.output_text.delta") == "One moment."
