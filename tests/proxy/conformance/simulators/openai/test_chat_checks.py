"""What chat-completions servers refuse, each by its own rules."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.conformance.simulators.openai import AZURE_FLAVOUR, GENERIC_FLAVOUR, LLAMA_FLAVOUR, VLLM_FLAVOUR
from tests.proxy.conformance.simulators.asking import PNG, Gpt

LOOK = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CALL = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
HI = {"role": "user", "content": "Hi"}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
SEEN = {"role": "tool", "tool_call_id": "c1", "content": "x"}
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def _format(schema: Any, **rest: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, **rest}}}


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown member": ("gpt-5.4", {"frobnicate": 1}, "Unrecognized request argument supplied: frobnicate"),
    "no messages": ("gpt-5.4", {"messages": []}, "empty array"),
    "a role nobody knows": ("gpt-5.4", {"messages": [{"role": "model", "content": "x"}]}, "Invalid value: 'model'"),
    "an unanswered call": (
        "gpt-5.4",
        {"messages": [HI, CALLED, HI], "tools": [LOOK]},
        "must be followed by tool messages",
    ),
    "a call at the end": ("gpt-5.4", {"messages": [HI, CALLED], "tools": [LOOK]}, "must be followed by tool messages"),
    "a result for nothing": ("gpt-5.4", {"messages": [HI, SEEN]}, "must be a response to a preceeding message"),
    "arguments as an object": (
        "gpt-5.4",
        {"messages": [HI, {**CALLED, "tool_calls": [{**CALL, "function": {"name": "look", "arguments": {}}}]}, SEEN]},
        "expected a string",
    ),
    "an id that is too long": (
        "gpt-5.4",
        {"messages": [HI, {**CALLED, "tool_calls": [{**CALL, "id": "c" * 65}]}, {**SEEN, "tool_call_id": "c" * 65}]},
        "maximum length 64",
    ),
    "an image in a result": (
        "gpt-5.4",
        {"messages": [HI, CALLED, {**SEEN, "content": [{"type": "image_url", "image_url": {"url": "x"}}]}]},
        "Content blocks are expected to be either text or image_url",
    ),
    "an image that is none": (
        "gpt-5.4",
        {
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "image_url", "image_url": {"url": "data:image/jpeg;base64," + PNG}}],
                }
            ]
        },
        "unsupported image",
    ),
    "a file without a name": (
        "gpt-5.4",
        {
            "messages": [
                {"role": "user", "content": [{"type": "file", "file": {"file_data": "data:text/plain;base64,eA=="}}]}
            ]
        },
        "filename",
    ),
    "an empty list of tools": ("gpt-5.4", {"tools": []}, "empty array"),
    "a flat tool": ("gpt-5.4", {"tools": [{"type": "function", "name": "look"}]}, "Invalid value: 'function'"),
    "a choice without tools": ("gpt-5.4", {"tool_choice": "auto"}, "only allowed when 'tools'"),
    "a choice that is not there": (
        "gpt-5.4",
        {"tools": [LOOK], "tool_choice": {"type": "function", "function": {"name": "x"}}},
        "not found in 'tools'",
    ),
    "parallel calls without tools": ("gpt-5.4", {"parallel_tool_calls": True}, "only allowed when 'tools'"),
    "stream options without a stream": ("gpt-5.4", {"stream_options": {"include_usage": True}}, "only allowed when"),
    "five stop sequences": ("gpt-4.1", {"stop": list("abcde")}, "array too long"),
    "a loose schema in strict mode": ("gpt-5.4", _format({"type": "object"}, strict=True), "'additionalProperties' is"),
    "an optional property in strict mode": (
        "gpt-5.4",
        _format({**SCHEMA, "required": []}, strict=True),
        "Missing 'a'",
    ),
    "a strict tool with a loose schema": (
        "gpt-5.4",
        {"tools": [{"type": "function", "function": {**LOOK["function"], "strict": True}}]},
        "Invalid schema for function 'look'",
    ),
    "JSON without the word": ("gpt-5.4", {"response_format": {"type": "json_object"}}, "must contain the word 'json'"),
    "max_tokens on a reasoning model": ("gpt-5.4", {"max_tokens": 5}, "Use 'max_completion_tokens' instead"),
    "temperature while it reasons": ("gpt-6.2-sol", {"temperature": 0.2}, "Only the default (1) value is supported"),
    "stop while it reasons": ("gpt-6.2-sol", {"stop": ["x"]}, "'stop' is not supported with this model"),
    "an effort it does not know": ("gpt-5.4", {"reasoning_effort": "minimal"}, "Supported values are: 'none', 'low'"),
    "no effort where it always reasons": ("gpt-6.2-sol", {"reasoning_effort": "none"}, "does not support 'none'"),
    "an effort on a model without": ("gpt-4.1", {"reasoning_effort": "low"}, "Unrecognized request argument"),
    "tools while it reasons": (
        "gpt-5.4",
        {"tools": [LOOK], "reasoning_effort": "low"},
        "Function tools with reasoning_effort are not supported for gpt-5.4",
    ),
    "tools where it always reasons": ("gpt-6.2-sol", {"tools": [LOOK]}, "Please use /v1/responses"),
    "a model of the other API": ("gpt-5.3-codex", {}, "only supported in v1/responses"),
    "a model that does not exist": ("gpt-next", {}, "does not exist or you do not have access"),
}


@pytest.mark.parametrize(("model", "members", "words"), BAD.values(), ids=BAD)
def test_what_openai_refuses(model: str, members: dict[str, Any], words: str) -> None:
    why = Gpt(model).refusal_on_chat(**members)
    assert why is not None
    assert words in why


GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "a tool loop": ("gpt-5.4", {"messages": [HI, CALLED, SEEN], "tools": [LOOK]}),
    "tools with reasoning on gpt-5": ("gpt-5", {"tools": [LOOK], "reasoning_effort": "low"}),
    "temperature on an older model": ("gpt-4.1", {"temperature": 0.2, "stop": ["x"], "n": 2, "logprobs": True}),
    "a strict schema": ("gpt-5.4", _format(SCHEMA, strict=True)),
    "a loose schema": ("gpt-5.4", _format({"type": "object", "not": {}})),
}


@pytest.mark.parametrize(("model", "members"), GOOD.values(), ids=GOOD)
def test_what_openai_takes(model: str, members: dict[str, Any]) -> None:
    assert Gpt(model).refusal_on_chat(**members) is None


def test_azure_knows_deployments_and_no_vendor_members() -> None:
    azure = Gpt("prod", AZURE_FLAVOUR, "/openai/v1", deployments={"prod": "gpt-5.4"})
    assert azure.refusal_on_chat() is None
    assert "Unrecognized request argument supplied: reasoning_content" in (
        azure.refusal_on_chat(reasoning_content="x") or ""
    )
    assert "no deployment" in (Gpt("gone", AZURE_FLAVOUR, "/openai/v1").refusal_on_chat() or "")


def test_a_classic_deployment_wants_its_version() -> None:
    azure = Gpt("prod", AZURE_FLAVOUR, "/openai/deployments/prod", deployments={"prod": "gpt-5.4"})
    asked = azure.chat()
    assert azure.dialect.serves(asked) is None
    assert azure.refusal_on_chat() == "Resource not found"


def test_vllm_takes_members_it_does_not_know_but_no_empty_tools() -> None:
    vllm = Gpt("Qwen/Qwen3-32B", VLLM_FLAVOUR)
    assert vllm.refusal_on_chat(frobnicate=1, temperature=0.2) is None
    assert "empty array" in (vllm.refusal_on_chat(tools=[]) or "")


def test_llama_cpp_knows_choices_as_words_alone() -> None:
    llama = Gpt("m", LLAMA_FLAVOUR)
    named = {"type": "function", "function": {"name": "look"}}
    assert "must be a string" in (llama.refusal_on_chat(tools=[LOOK], tool_choice=named) or "")
    assert llama.refusal_on_chat(tools=[LOOK], tool_choice="required") is None
    assert llama.refusal_on_chat(messages=[{"role": "developer", "content": "x"}]) == "Invalid value: 'developer'."


def test_an_unknown_endpoint_is_lenient() -> None:
    assert Gpt("m", GENERIC_FLAVOUR).refusal_on_chat(tools=[LOOK], tool_choice="any") is None
    assert Gpt("m", GENERIC_FLAVOUR).refusal_on_chat(tools=[]) is None
