"""Chat answers of every flavour are what OpenAI's SDK takes for answers, whole and in chunks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from proxy.conformance.simulators.openai import (
    AZURE_FLAVOUR,
    GENERIC_FLAVOUR,
    LLAMA_FLAVOUR,
    OPENAI_FLAVOUR,
    VLLM_FLAVOUR,
)
from proxy.conformance.simulators.openai.flavours import Flavour
from proxy.conformance.simulators.script import Call, Decline, Say, Thought
from tests.proxy.conformance.simulators.asking import Gpt, says

LOOK = {"type": "function", "function": {"name": "look"}}
FLAVOURS = {each.name: each for each in (OPENAI_FLAVOUR, AZURE_FLAVOUR, VLLM_FLAVOUR, LLAMA_FLAVOUR, GENERIC_FLAVOUR)}
EVERYTHING = says(Thought("Hm."), Say(("One", " moment.")), Call("look", '{"at":"sky"}'), Call("look", "{}"))


def _gpt(flavour: Flavour) -> Gpt:
    path = "/openai/v1" if flavour.filters else "/v1"
    return Gpt("gpt-5.4", flavour, path, deployments={"gpt-5.4": "gpt-5.4"})


def _chunks(gpt: Gpt, answer: Any = EVERYTHING, **members: Any) -> list[dict[str, Any]]:
    asked = gpt.chat(stream=True, stream_options={"include_usage": True}, **members)
    gpt.dialect.check(asked)
    lines = b"".join(event.data for event in gpt.dialect.events(answer, asked)).decode().split("\n\n")
    assert lines[-2:] == ["data: [DONE]", ""]
    return [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS)
def test_a_whole_answer(flavour: Flavour) -> None:
    gpt = _gpt(flavour)
    asked = gpt.chat(tools=[LOOK])
    gpt.dialect.check(asked)
    said = json.loads(gpt.dialect.whole(EVERYTHING, asked).body)
    completion = ChatCompletion.model_validate(said)
    message = completion.choices[0].message
    assert message.content == "One moment."
    assert [call.type for call in message.tool_calls or ()] == ["function", "function"]
    assert completion.choices[0].finish_reason == "tool_calls"
    if flavour.reasoning:
        assert said["choices"][0]["message"][flavour.reasoning] == "Hm."


@pytest.mark.parametrize("flavour", FLAVOURS.values(), ids=FLAVOURS)
def test_the_chunks_together_are_the_answer(flavour: Flavour) -> None:
    chunks = _chunks(_gpt(flavour), tools=[LOOK])
    for chunk in chunks[1 if flavour.filters else 0 :]:
        ChatCompletionChunk.model_validate(chunk)
    deltas = [choice.get("delta", {}) for chunk in chunks for choice in chunk["choices"]]
    assert "".join(delta.get("content") or "" for delta in deltas) == "One moment."
    calls = [call for delta in deltas for call in delta.get("tool_calls") or ()]
    assert "".join(call["function"]["arguments"] for call in calls if call["index"] == 0) == '{"at":"sky"}'
    assert chunks[-1]["usage"]["prompt_tokens"] == 20


def test_azure_begins_with_its_filter_and_may_end_without_a_delta() -> None:
    chunks = _chunks(_gpt(AZURE_FLAVOUR), says(Say(("x",)), finish="content_filter"))
    assert (chunks[0]["id"], chunks[0]["choices"]) == ("", [])
    assert "delta" not in chunks[-2]["choices"][0]


def test_a_refusal_and_several_choices() -> None:
    gpt = _gpt(OPENAI_FLAVOUR)
    whole = json.loads(gpt.dialect.whole(says(Decline(("No", "."))), gpt.chat()).body)
    assert whole["choices"][0]["message"]["refusal"] == "No."
    two = json.loads(gpt.dialect.whole(says(choices=(("Yo",),)), gpt.chat(n=2)).body)
    assert [choice["message"]["content"] for choice in two["choices"]] == ["Hi there", "Yo"]


def test_a_call_that_was_forced_by_name_ends_with_stop() -> None:
    gpt = _gpt(OPENAI_FLAVOUR)
    asked = gpt.chat(tools=[LOOK], tool_choice={"type": "function", "function": {"name": "look"}})
    said = json.loads(gpt.dialect.whole(says(Call("look", "{}")), asked).body)
    assert said["choices"][0]["finish_reason"] == "stop"
