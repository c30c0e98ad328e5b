"""The answers of Google's simulator are what Google's own SDK takes for answers."""

from __future__ import annotations

import json
from typing import Any

from google.genai.types import GenerateContentResponse

from proxy.conformance.simulators.script import Call, Say, Thought, Tokens
from tests.proxy.conformance.simulators.asking import Gemini, heard, says

TOOLS = [{"functionDeclarations": [{"name": "look"}]}]
SHOW = {"thinkingConfig": {"includeThoughts": True}}
EVERYTHING = says(
    Thought("Hm, hm."),
    Say(("One", " moment.")),
    Call("look", '{"at":"sky"}'),
    Call("look", "{}"),
    tokens=Tokens(input=900, output=80, cached=512, reasoning=40),
)


def _chunks(gemini: Gemini, **members: Any) -> list[dict[str, Any]]:
    asked = heard(f"{gemini.path}:streamGenerateContent?alt=sse", {**gemini.body, **members})
    gemini.dialect.check(asked)
    data = b"".join(event.data for event in gemini.dialect.events(members.pop("answer", EVERYTHING), asked))
    assert data.endswith(b"\r\n\r\n")
    return [json.loads(line.removeprefix("data: ")) for line in data.decode().split("\r\n") if line]


def _known_to_the_sdk(said: dict[str, Any]) -> dict[str, Any]:
    """An answer without `serviceTier` in its usage, which the service sends and the SDK does not know."""
    usage = {name: value for name, value in said["usageMetadata"].items() if name != "serviceTier"}
    return {**said, "usageMetadata": usage}


def _parts(*responses: dict[str, Any]) -> list[dict[str, Any]]:
    return [part for response in responses for part in response["candidates"][0]["content"].get("parts", ())]


def test_a_whole_answer_is_a_response() -> None:
    said = Gemini().answer(EVERYTHING, tools=TOOLS, generationConfig=SHOW)
    response = GenerateContentResponse.model_validate(_known_to_the_sdk(said))
    assert [call.name for call in response.function_calls or ()] == ["look", "look"]
    assert response.usage_metadata is not None
    assert response.usage_metadata.candidates_token_count == 40
    assert ["thoughtSignature" in part for part in _parts(said)] == [False, False, True, False]
    assert said["candidates"][0]["finishReason"] == "STOP"


def test_the_chunks_together_are_the_answer() -> None:
    chunks = _chunks(Gemini(), tools=TOOLS, generationConfig=SHOW)
    for chunk in chunks:
        GenerateContentResponse.model_validate(_known_to_the_sdk(chunk))
    parts = _parts(*chunks)
    assert "".join(part["text"] for part in parts if part.get("thought")) == "Hm, hm."
    assert "".join(part["text"] for part in parts if "text" in part and "thought" not in part) == "One moment."
    assert sum("functionCall" in part for part in parts) == 2
    assert [chunk["candidates"][0].get("finishReason") for chunk in chunks][-1] == "STOP"
    assert len({chunk["responseId"] for chunk in chunks}) == 1


def test_a_streamed_text_is_signed_at_its_end_on_a_part_of_its_own() -> None:
    gemini = Gemini()
    asked = heard(f"{gemini.path}:streamGenerateContent?alt=sse", gemini.body)
    gemini.dialect.check(asked)
    data = b"".join(event.data for event in gemini.dialect.events(says(), asked)).decode()
    last = json.loads(data.split("\r\n\r\n")[-2].removeprefix("data: "))
    assert _parts(last)[0]["text"] == ""
    assert _parts(last)[0]["thoughtSignature"]


def test_nothing_is_shown_or_counted_that_was_not_thought() -> None:
    off = {"thinkingConfig": {"thinkingBudget": 0}}
    said = Gemini("gemini-2.5-flash").answer(EVERYTHING, tools=TOOLS, generationConfig=off)
    assert not any("thoughtSignature" in part or part.get("thought") for part in _parts(said))
    assert "thoughtsTokenCount" not in said["usageMetadata"]
    assert not any(part.get("thought") for part in _parts(Gemini().answer(EVERYTHING, tools=TOOLS)))
