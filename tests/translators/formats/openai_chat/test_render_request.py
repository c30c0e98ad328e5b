"""Canonical requests as chat bodies, with every change listed."""

import json

import pytest

from translators.canonical import (
    CacheHint,
    Message,
    OutputSpec,
    ReasoningSpec,
    Request,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
)
from translators.formats.openai_chat import CLIENT, PROVIDER

HI = (Message("user", (Text("hi"),)),)
FUNCTION = Tool(
    name="f", description="d", parameters={"type": "object", "properties": {"z": {}, "a": {}}}, strict=False
)


def rendered(**members):
    result = PROVIDER.render_request(Request(messages=HI, **members), "upstream")
    return result.body, [(transform.field, transform.action) for transform in result.transforms]


def body(**members):
    result, transforms = rendered(**members)
    assert transforms == []
    return result


@pytest.mark.parametrize(
    "sent",
    [
        {"temperature": 0.5, "top_p": 0.9, "seed": 1, "n": 2, "stop": ["a"], "max_completion_tokens": 5},
        {"max_tokens": 5},
        {"logprobs": True, "top_logprobs": 3, "logit_bias": {"1": 2}, "frequency_penalty": 1, "presence_penalty": 1},
        {"stream": True, "stream_options": {"include_usage": True, "include_obfuscation": False}},
        {"reasoning_effort": "low", "verbosity": "low", "service_tier": "flex", "user": "u", "safety_identifier": "s"},
        {"store": False, "metadata": {"a": "b"}, "prompt_cache_key": "k", "prompt_cache_options": {"mode": "implicit"}},
        {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "format": "wav"}},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {"b": 1, "a": 2}}}},
        {"prediction": {"type": "content", "content": "x"}, "moderation": {"model": "m"}, "web_search_options": {}},
        {
            "tools": [
                {"type": "function", "function": {"name": "f", "parameters": {}, "strict": False}},
                {
                    "type": "custom",
                    "custom": {
                        "name": "g",
                        "format": {"type": "grammar", "grammar": {"definition": "x", "syntax": "lark"}},
                    },
                },
            ],
            "tool_choice": {
                "type": "allowed_tools",
                "allowed_tools": {
                    "mode": "auto",
                    "tools": [
                        {"type": "function", "function": {"name": "f"}},
                        {"type": "custom", "custom": {"name": "g"}},
                    ],
                },
            },
            "parallel_tool_calls": False,
        },
        {"tools": [{"type": "browser_search"}], "tool_choice": {"type": "browser_search"}},
        {
            "tools": [
                {"type": "function", "function": {"name": "f", "x": 1}, "cache_control": {"type": "ephemeral"}},
            ],
            "tool_choice": {"type": "function", "function": {"name": "f"}},
        },
        {"chat_template_kwargs": {"enable_thinking": False}, "min_p": 0.1},
    ],
)
def test_what_a_client_of_chat_sent_is_what_a_provider_of_chat_gets(sent):
    """Rebuilt from the canonical form alone, member for member."""
    sent = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **sent}
    result = PROVIDER.render_request(CLIENT.parse_request(sent, json.dumps(sent).encode()), "m")
    assert result.body == sent
    assert result.transforms == ()


def test_the_model_is_the_upstream_id():
    assert body()["model"] == "upstream"


def test_schemas_keep_their_order_and_strict_its_three_states():
    function = body(tools=(FUNCTION,))["tools"][0]["function"]
    assert list(function["parameters"]["properties"]) == ["z", "a"]
    assert function["strict"] is False
    assert "strict" not in body(tools=(Tool(name="f"),))["tools"][0]["function"]
    assert "strict" not in body(output=OutputSpec(kind="json_schema", name="n"))["response_format"]["json_schema"]


def test_every_tool_choice_is_nested():
    tools = (FUNCTION, Tool(name="g", kind="custom"))

    def choice(**members):
        return body(tools=tools, tool_choice=ToolChoice(**members))["tool_choice"]

    assert choice(mode="required") == "required"
    assert choice(mode="named", names=("f",)) == {"type": "function", "function": {"name": "f"}}
    assert choice(mode="named", names=("g",), kind="custom") == {"type": "custom", "custom": {"name": "g"}}
    assert choice(mode="allowed", names=("f", "g"), allowed_mode="required") == {
        "type": "allowed_tools",
        "allowed_tools": {
            "mode": "required",
            "tools": [{"type": "function", "function": {"name": "f"}}, {"type": "custom", "custom": {"name": "g"}}],
        },
    }


def test_a_tool_choice_without_tools_is_listed_and_not_sent():
    result, transforms = rendered(tool_choice=ToolChoice(mode="none"), parallel_tool_calls=True)
    assert "tool_choice" not in result
    assert "parallel_tool_calls" not in result
    assert transforms == [("tool_choice", "dropped")]


def test_top_logprobs_alone_asks_for_logprobs_too():
    assert body(sampling=Sampling(top_logprobs=2)) == {**body(), "logprobs": True, "top_logprobs": 2}


def test_what_chat_has_no_word_for_is_listed():
    result, transforms = rendered(
        reasoning=ReasoningSpec(effort="low", summary="auto", budget_tokens=5, raw={"mode": "pro"}),
        state=StateSpec(truncation="auto", max_tool_calls=3, include=("x",)),
        tools=(Tool(name="f", cache=CacheHint()), Tool(name="web_search", kind="hosted")),
    )
    assert result["reasoning_effort"] == "low"
    assert [tool["function"]["name"] for tool in result["tools"]] == ["f"]
    assert transforms == [
        ("tools.f.cache", "dropped"),
        ("tools.web_search", "dropped"),
        ("reasoning.summary", "dropped"),
        ("reasoning.budget_tokens", "dropped"),
        ("reasoning.raw", "dropped"),
        ("state.truncation", "dropped"),
        ("state.max_tool_calls", "dropped"),
        ("state.include", "dropped"),
    ]


def test_another_dialects_members_are_listed_and_not_sent():
    source = Source(format="openai_responses", body={}, raw=b"{}")
    hosted = {"type": "file_search"}
    result, transforms = rendered(
        extensions={"odd": 1}, tools=(Tool(name="file_search", kind="hosted", hosted=hosted),), source=source
    )
    assert "odd" not in result
    assert "tools" not in result
    assert transforms == [("tools.file_search", "dropped"), ("extensions.odd", "dropped")]
    assert body(extensions={"odd": 1})["odd"] == 1


def test_an_extension_never_replaces_a_known_member():
    assert body(extensions={"model": "other"})["model"] == "upstream"


def test_options_of_a_stream_are_sent_only_with_a_stream():
    assert body(stream=True, include_usage=True)["stream_options"] == {"include_usage": True}
    assert "stream_options" not in body(stream=True)
    result, transforms = rendered(include_usage=True)
    assert "stream_options" not in result
    assert transforms == [("stream_options", "dropped")]


def test_rendering_is_pure():
    request = Request(messages=HI, tools=(FUNCTION,), sampling=Sampling(stop=("a",)))
    first = PROVIDER.render_request(request, "m")
    first.body["messages"].clear()
    first.body["stop"].clear()
    assert PROVIDER.render_request(request, "m").body["stop"] == ["a"]
