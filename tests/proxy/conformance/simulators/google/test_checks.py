"""What Google demands of a request around its contents."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.conformance.simulators.asking import Gemini, heard, refusal

LOOK = {"name": "look", "parametersJsonSchema": {"type": "object", "properties": {}}}


def _config(**members: Any) -> dict[str, Any]:
    return {"generationConfig": members}


def _functions(*declared: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"tools": [{"functionDeclarations": list(declared), **rest}]}


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "an unknown member": ("gemini-3.5-flash", {"max_tokens": 5}, 'Unknown name "max_tokens"'),
    "an unknown setting": ("gemini-3.5-flash", _config(effort="low"), "at 'generation_config'"),
    "labels on the Gemini API": ("gemini-3.5-flash", {"labels": {"a": "b"}}, 'Unknown name "labels"'),
    "an image in the instructions": (
        "gemini-3.5-flash",
        {"systemInstruction": {"parts": [{"inlineData": {}}]}},
        "only supports text",
    ),
    "too many tokens": ("gemini-3.5-flash", _config(maxOutputTokens=70_000), "supported range"),
    "several candidates": ("gemini-3.5-flash", _config(candidateCount=2), "Multiple candidates"),
    "a penalty": ("gemini-2.5-flash", _config(presencePenalty=0.5), "Penalty is not enabled"),
    "log probabilities": ("gemini-3.5-flash", _config(responseLogprobs=True), "Logprobs is not enabled"),
    "six stop sequences": ("gemini-3.5-flash", _config(stopSequences=list("abcdef")), "Up to 5"),
    "a level and a budget": (
        "gemini-3.5-flash",
        _config(thinkingConfig={"thinkingLevel": "low", "thinkingBudget": 1}),
        "only set only one",
    ),
    "a level on an old model": ("gemini-2.5-pro", _config(thinkingConfig={"thinkingLevel": "low"}), "level is not"),
    "a level it does not know": (
        "gemini-3.7-flash",
        _config(thinkingConfig={"thinkingLevel": "minimal"}),
        "MINIMAL is not supported",
    ),
    "a budget on Gemini 4": ("gemini-4-argon", _config(thinkingConfig={"thinkingBudget": 512}), "budget is not"),
    "no thinking on 2.5 pro": ("gemini-2.5-pro", _config(thinkingConfig={"thinkingBudget": 0}), "is invalid"),
    "a schema without its type": (
        "gemini-3.5-flash",
        _config(responseJsonSchema={"type": "object"}),
        "only supported for mime type application/json",
    ),
    "two schemas": (
        "gemini-3.5-flash",
        _config(responseMimeType="application/json", responseSchema={}, responseJsonSchema={}),
        "Only one of",
    ),
    "additionalProperties in a Schema": (
        "gemini-3.5-flash",
        _functions({"name": "look", "parameters": {"type": "OBJECT", "additionalProperties": False}}),
        'Unknown name "additionalProperties"',
    ),
    "a reference with a neighbour": (
        "gemini-3.5-flash",
        _functions(
            {"name": "look", "parametersJsonSchema": {"$ref": "#/$defs/A", "type": "object", "$defs": {"A": {}}}}
        ),
        "only fields starting with '$'",
    ),
    "a reference into nothing": (
        "gemini-3.5-flash",
        _functions({"name": "look", "parametersJsonSchema": {"$ref": "#/$defs/A"}}),
        "does not resolve",
    ),
    "both kinds of parameters": (
        "gemini-3.5-flash",
        _functions({**LOOK, "parameters": {"type": "OBJECT"}}),
        "only one of parameters",
    ),
    "strict, which it does not know": (
        "gemini-3.5-flash",
        _functions({**LOOK, "strict": True}),
        'Unknown name "strict"',
    ),
    "a name with a space": ("gemini-3.5-flash", _functions({**LOOK, "name": "a b"}), "Invalid function name"),
    "two functions of one name": ("gemini-3.5-flash", _functions(LOOK, LOOK), "Duplicate function declaration"),
    "search beside functions": ("gemini-2.5-flash", _functions(LOOK, googleSearch={}), "is unsupported"),
    "names without ANY": (
        "gemini-3.5-flash",
        {
            **_functions(LOOK),
            "toolConfig": {"functionCallingConfig": {"mode": "AUTO", "allowedFunctionNames": ["look"]}},
        },
        "only be set when",
    ),
    "a name that is not declared": (
        "gemini-3.5-flash",
        {**_functions(LOOK), "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["x"]}}},
        "not in function_declarations",
    ),
    "a mode in OpenAI's words": (
        "gemini-3.5-flash",
        {**_functions(LOOK), "toolConfig": {"functionCallingConfig": {"mode": "required"}}},
        "function_calling_config.mode",
    ),
    "a model that does not exist": ("gemini-99", {}, "is not found for API version v1beta"),
}


@pytest.mark.parametrize(("model", "members", "words"), BAD.values(), ids=BAD)
def test_what_it_refuses(model: str, members: dict[str, Any], words: str) -> None:
    why = Gemini(model).refusal(**members)
    assert why is not None
    assert words in why


GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "both spellings": (
        "gemini-3.5-flash",
        {"system_instruction": {"parts": [{"text": "x"}]}, "generation_config": {"max_output_tokens": 5, "topK": 3}},
    ),
    "the newer format": (
        "gemini-4-argon",
        _config(responseFormat=[{"text": {"mimeType": "application/json", "schema": {"type": "object"}}}]),
    ),
    "a level": ("gemini-4-hydrogen", _config(thinkingConfig={"thinkingLevel": "xhigh", "includeThoughts": True})),
    "a budget": ("gemini-2.5-flash", _config(thinkingConfig={"thinkingBudget": -1})),
    "any JSON schema": (
        "gemini-3.5-flash",
        _functions({**LOOK, "parametersJsonSchema": {"type": "object", "not": {}}}),
    ),
}


@pytest.mark.parametrize(("model", "members"), GOOD.values(), ids=GOOD)
def test_what_it_takes(model: str, members: dict[str, Any]) -> None:
    assert Gemini(model).refusal(**members) is None


def test_vertex_takes_labels() -> None:
    assert Gemini(vertex=True).refusal(labels={"a": "b"}) is None


def test_a_stream_is_asked_for_as_server_sent_events() -> None:
    gemini = Gemini()
    path = f"{gemini.path}:streamGenerateContent"
    assert "alt=sse" in (refusal(gemini.dialect, heard(path, gemini.body)) or "")
    assert refusal(gemini.dialect, heard(f"{path}?alt=sse", gemini.body)) is None
