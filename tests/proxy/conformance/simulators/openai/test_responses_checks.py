"""What the Responses API refuses, sealed reasoning above all."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from proxy.conformance.simulators.openai import AZURE_FLAVOUR
from proxy.conformance.simulators.script import Call, Thought
from tests.proxy.conformance.simulators.asking import PNG, Gpt, says

Wire = dict[str, Any]
LOOK = {"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}}
HI = {"role": "user", "content": "Hi"}
CALL = {"type": "function_call", "call_id": "c1", "name": "look", "arguments": "{}"}
SEEN = {"type": "function_call_output", "call_id": "c1", "output": "x"}

BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown member": ("gpt-5.4", {"messages": []}, "Unknown parameter: 'messages'"),
    "stop": ("gpt-4.1", {"stop": ["x"]}, "Unknown parameter: 'stop'"),
    "an include nobody knows": ("gpt-5.4", {"include": ["reasoning"]}, "Invalid value: 'reasoning'"),
    "a response that is not kept": ("gpt-5.4", {"previous_response_id": "resp_x"}, "not found"),
    "a limit that is too small": ("gpt-5.4", {"max_output_tokens": 5}, "Expected a value >= 16"),
    "no input": ("gpt-5.4", {"input": []}, "Missing required parameter: 'input'"),
    "chat's text part": (
        "gpt-5.4",
        {"input": [{"role": "user", "content": [{"type": "text", "text": "x"}]}]},
        "'text'",
    ),
    "input text of the assistant": (
        "gpt-5.4",
        {"input": [{"role": "assistant", "content": [{"type": "input_text", "text": "x"}]}]},
        "Supported values are: 'output_text', 'refusal'",
    ),
    "an image that is none": (
        "gpt-5.4",
        {
            "input": [
                {"role": "user", "content": [{"type": "input_image", "image_url": "data:image/gif;base64," + PNG}]}
            ]
        },
        "unsupported image",
    ),
    "an unanswered call": (
        "gpt-5.4",
        {"input": [HI, CALL], "tools": [LOOK]},
        "No tool output found for function call c1",
    ),
    "a result for nothing": ("gpt-5.4", {"input": [HI, SEEN]}, "No tool call found"),
    "a result with no text": ("gpt-5.4", {"input": [HI, CALL, {**SEEN, "output": None}]}, "Invalid type"),
    "an id that is too long": (
        "gpt-5.4",
        {"input": [HI, {**CALL, "call_id": "c" * 65}, {**SEEN, "call_id": "c" * 65}]},
        "maximum length 64",
    ),
    "a reference": ("gpt-5.4", {"input": [HI, {"type": "item_reference", "id": "msg_1"}]}, "not found"),
    "a nested tool": ("gpt-5.4", {"tools": [{"type": "function", "function": {}}]}, "string does not match pattern"),
    "a strict tool with a loose schema": (
        "gpt-5.4",
        {"tools": [{**LOOK, "strict": True}]},
        "Invalid schema for function",
    ),
    "a reasoning item of somebody else": (
        "gpt-5.4",
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAAx"}, HI]},
        "could not be verified",
    ),
    "an envelope of the proxy's": (
        "gpt-5.4",
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "joch1.abc"}, HI]},
        "could not be verified",
    ),
    "a reasoning item without its content": (
        "gpt-5.4",
        {"input": [{"type": "reasoning", "id": "rs_1", "summary": []}, HI]},
        "Items are not persisted when `store` is set to false",
    ),
    "a summary on a model without": ("gpt-4.1", {"reasoning": {"summary": "auto"}}, "not supported with this model"),
    "an effort it does not know": ("gpt-6.2-sol", {"reasoning": {"effort": "none"}}, "Supported values are: 'low'"),
    "temperature while it reasons": ("gpt-6.2-sol", {"temperature": 0.2}, "'temperature' is not supported"),
}


@pytest.mark.parametrize(("model", "members", "words"), BAD.values(), ids=BAD)
def test_what_openai_refuses(model: str, members: dict[str, Any], words: str) -> None:
    why = Gpt(model).refusal_on_responses(**members)
    assert why is not None
    assert words in why


class Loop:
    """A tool loop whose first turn the simulator answered with a thought and a call."""

    def __init__(self) -> None:
        self.gpt = Gpt("gpt-6.2-sol")
        self.rest: Wire = {"tools": [LOOK], "include": ["reasoning.encrypted_content"]}
        asked = self.gpt.responses(input=[HI], **self.rest)
        self.gpt.dialect.check(asked)
        self.output = json.loads(self.gpt.dialect.whole(says(Thought("x"), Call("look", "{}")), asked).body)["output"]
        self.seen = {**SEEN, "call_id": self.output[1]["call_id"]}

    def refusal(self, *items: Wire) -> str | None:
        return self.gpt.refusal_on_responses(input=[HI, *(items or self.output), self.seen], **self.rest)


def test_sealed_reasoning_that_comes_back_as_it_was() -> None:
    loop = Loop()
    assert loop.refusal() is None
    bare = [{name: value for name, value in item.items() if name not in ("id", "status")} for item in loop.output]
    assert loop.refusal(*bare) is None, "items may come back without their ids"


def test_reasoning_that_is_left_out() -> None:
    loop = Loop()
    assert loop.refusal(loop.output[1]) is None


def test_reasoning_that_was_altered() -> None:
    loop = Loop()
    output = copy.deepcopy(loop.output)
    output[0]["encrypted_content"] += "x"
    assert "could not be verified" in (loop.refusal(*output) or "")


def test_reasoning_without_what_followed_it() -> None:
    loop = Loop()
    call = {**loop.output[1], "call_id": "c9"}
    why = loop.gpt.refusal_on_responses(input=[HI, loop.output[0], call, {**SEEN, "call_id": "c9"}], **loop.rest)
    assert "without its required following item" in (why or "")


def test_azure_takes_no_status() -> None:
    azure = Gpt("prod", AZURE_FLAVOUR, "/openai/v1", deployments={"prod": "gpt-5.4"})
    said = {
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "x"}],
    }
    assert "Unknown parameter: 'input[1].status'" in (azure.refusal_on_responses(input=[HI, said, HI]) or "")
    assert Gpt().refusal_on_responses(input=[HI, said, HI]) is None
