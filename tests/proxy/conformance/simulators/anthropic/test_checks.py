"""What Anthropic demands of a request around its conversation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.proxy.conformance.simulators.asking import Claude, heard, refusal

TOOL = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
STRICT = {
    "name": "look",
    "strict": True,
    "input_schema": {"type": "object", "properties": {}, "additionalProperties": False},
}
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}


def _format(schema: Any) -> dict[str, Any]:
    return {"output_config": {"format": {"type": "json_schema", "schema": schema}}}


BAD: dict[str, tuple[str, dict[str, Any], str]] = {
    "no output limit": ("claude-opus-4-8", {"max_tokens": None}, "max_tokens: Field required"),
    "a limit beyond the model's": (
        "claude-sonnet-4-5",
        {"max_tokens": 100_000},
        "maximum allowed number of output tokens",
    ),
    "an unknown member": ("claude-opus-4-8", {"seed": 1}, "seed: Extra inputs are not permitted"),
    "OpenAI's response_format": ("claude-opus-4-8", {"response_format": {}}, "Extra inputs are not permitted"),
    "a beta member without its beta": ("claude-opus-4-8", {"context_management": {}}, "Extra inputs are not permitted"),
    "blank stop sequences": ("claude-opus-4-8", {"stop_sequences": ["\n"]}, "non-whitespace"),
    "metadata of another kind": ("claude-opus-4-8", {"metadata": {"trace": "x"}}, "metadata.trace"),
    "empty instructions": ("claude-opus-4-8", {"system": [{"type": "text", "text": ""}]}, "non-empty"),
    "an image in the instructions": ("claude-opus-4-8", {"system": [{"type": "image", "source": {}}]}, "'text'"),
    "temperature on a model without": ("claude-opus-4-8", {"temperature": 0.2}, "`temperature` is deprecated"),
    "top_p on a model without": ("claude-opus-5-5", {"top_p": 0.9}, "`top_p` is deprecated"),
    "temperature above 1": ("claude-sonnet-4-5", {"temperature": 1.5}, "less than or equal to 1"),
    "temperature and top_p": ("claude-sonnet-4-5", {"temperature": 0.5, "top_p": 0.9}, "cannot both be specified"),
    "temperature with manual thinking": (
        "claude-sonnet-4-5",
        {"temperature": 0.5, "max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 2000}},
        "may only be set to 1",
    ),
    "a budget on an adaptive model": (
        "claude-opus-4-8",
        {"thinking": {"type": "enabled", "budget_tokens": 2000}},
        '"thinking.type.enabled" is not supported',
    ),
    "adaptive on an old model": ("claude-sonnet-4-5", {"thinking": {"type": "adaptive"}}, "thinking.type.adaptive"),
    "a model that always thinks": ("claude-opus-5-5", {"thinking": {"type": "disabled"}}, "thinking.type.disabled"),
    "no thinking at the highest effort": (
        "claude-opus-5",
        {"thinking": {"type": "disabled"}, "output_config": {"effort": "max"}},
        "cannot be disabled",
    ),
    "a budget that is too small": (
        "claude-sonnet-4-5",
        {"thinking": {"type": "enabled", "budget_tokens": 500}},
        "greater than or equal to 1024",
    ),
    "a budget beyond the limit": (
        "claude-sonnet-4-5",
        {"thinking": {"type": "enabled", "budget_tokens": 1024}},
        "must be greater than `thinking.budget_tokens`",
    ),
    "an effort nobody knows": ("claude-opus-4-8", {"output_config": {"effort": "minimal"}}, "Input should be"),
    "an effort on a model without": ("claude-sonnet-4-5", {"output_config": {"effort": "low"}}, "not supported"),
    "a tool without a schema": ("claude-opus-4-8", {"tools": [{"name": "look"}]}, "input_schema: Field required"),
    "a tool with another root": (
        "claude-opus-4-8",
        {"tools": [{"name": "look", "input_schema": {"type": "string"}}]},
        "Input should be 'object'",
    ),
    "a tool in OpenAI's shape": ("claude-opus-4-8", {"tools": [{"type": "function", "function": {}}]}, "expected tags"),
    "a tool with a dot": ("claude-opus-4-8", {"tools": [{**TOOL, "name": "a.b"}]}, "should match pattern"),
    "two tools of one name": ("claude-opus-4-8", {"tools": [TOOL, TOOL]}, "must be unique"),
    "strict without additionalProperties": (
        "claude-opus-4-8",
        {"tools": [{**STRICT, "input_schema": {"type": "object", "properties": {}}}]},
        "'additionalProperties' must be explicitly set to false",
    ),
    "21 strict tools": (
        "claude-opus-4-8",
        {"tools": [{**STRICT, "name": f"t{index}"} for index in range(21)]},
        "Too many strict tools (21)",
    ),
    "25 optional parameters": (
        "claude-opus-4-8",
        {
            "tools": [
                {
                    **STRICT,
                    "input_schema": {
                        **STRICT["input_schema"],
                        "properties": {f"p{index}": {"type": "string"} for index in range(25)},
                    },
                }
            ]
        },
        "too many optional parameters (25)",
    ),
    "a choice without tools": ("claude-opus-4-8", {"tool_choice": {"type": "auto"}}, "while providing tools"),
    "a choice in OpenAI's words": (
        "claude-opus-4-8",
        {"tools": [TOOL], "tool_choice": {"type": "required"}},
        "expected",
    ),
    "a choice that is not there": (
        "claude-opus-4-8",
        {"tools": [TOOL], "tool_choice": {"type": "tool", "name": "x"}},
        "not found in provided tools",
    ),
    "a forced call on a model without": (
        "claude-opus-5-5",
        {"tools": [TOOL], "tool_choice": {"type": "any"}},
        "'any' is not supported on this model",
    ),
    "a forced call with manual thinking": (
        "claude-sonnet-4-5",
        {
            "tools": [TOOL],
            "max_tokens": 4000,
            "tool_choice": {"type": "any"},
            "thinking": {"type": "enabled", "budget_tokens": 2000},
        },
        "Thinking may not be enabled when tool_choice forces tool use",
    ),
    "a bound in a schema": (
        "claude-opus-4-8",
        _format({**SCHEMA, "properties": {"a": {"type": "integer", "minimum": 0}}}),
        "'minimum' is not supported",
    ),
    "oneOf in a schema": ("claude-opus-4-8", _format({**SCHEMA, "oneOf": []}), "'oneOf' is not supported"),
    "a recursive schema": (
        "claude-opus-4-8",
        _format({**SCHEMA, "$defs": {"N": {"anyOf": [{"$ref": "#/$defs/N"}]}}}),
        "Recursive",
    ),
    "a name with the schema": (
        "claude-opus-4-8",
        {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA, "name": "x"}}},
        "Extra inputs",
    ),
    "a model that does not exist": ("claude-next", {}, "model: claude-next"),
}


@pytest.mark.parametrize(("model", "members", "words"), BAD.values(), ids=BAD)
def test_what_it_refuses(model: str, members: dict[str, Any], words: str) -> None:
    why = Claude(model).refusal(**members)
    assert why is not None
    assert words in why


GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "adaptive thinking": (
        "claude-opus-5-5",
        {"thinking": {"type": "adaptive", "display": "summarized"}, "output_config": {"effort": "max"}},
    ),
    "between tools": ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}}),
    "manual thinking": (
        "claude-haiku-4-5",
        {"max_tokens": 4000, "thinking": {"type": "enabled", "budget_tokens": 1024}, "temperature": 1},
    ),
    "a schema": ("claude-opus-4-8", _format(SCHEMA)),
    "a strict tool": ("claude-opus-4-8", {"tools": [STRICT], "tool_choice": {"type": "tool", "name": "look"}}),
    "a server tool": ("claude-opus-4-8", {"tools": [{"type": "web_search_20260209", "name": "web_search"}]}),
    "caching": ("claude-opus-4-8", {"cache_control": {"type": "ephemeral"}}),
}


@pytest.mark.parametrize(("model", "members"), GOOD.values(), ids=GOOD)
def test_what_it_takes(model: str, members: dict[str, Any]) -> None:
    assert Claude(model).refusal(**members) is None


def test_headers_count_as_well() -> None:
    claude = Claude()
    assert "header is required" in (refusal(claude.dialect, heard("/v1/messages", claude.body)) or "")
    wrong = heard("/v1/messages", claude.body, anthropic_version="2023-06-01", anthropic_beta="Output 128k")
    assert "anthropic-beta" in (refusal(claude.dialect, wrong) or "")
