from typing import Any

import pytest

from translators.canonical import (
    CacheHint,
    Message,
    OutputSpec,
    Reason,
    ReasoningSpec,
    Request,
    Sampling,
    StateSpec,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    UpstreamError,
)
from translators.formats.anthropic_messages.request import render_request

USER = Message("user", (Text("hi"),))
SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def rendered(**members: Any) -> tuple[dict, list[tuple[str, str]]]:
    result = render_request(Request(**{"messages": (USER,), **members}), "claude-x")
    return result.body, [(each.field, each.action) for each in result.transforms]


def sampled(**members: Any) -> tuple[dict, list[tuple[str, str]]]:
    return rendered(sampling=Sampling(**members))


def refused(param: str, **members: Any) -> None:
    with pytest.raises(UpstreamError) as caught:
        rendered(**members)
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, param)


def test_the_least_there_is():
    assert rendered() == (
        {
            "model": "claude-x",
            "max_tokens": 16_000,
            "messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}],
        },
        [],
    )


def test_a_limit_is_always_said():
    assert rendered(stream=True)[0]["max_tokens"] == 32_000
    assert sampled(max_output_tokens=7)[0]["max_tokens"] == 7


def test_a_stream_is_asked_for():
    assert rendered(stream=True)[0]["stream"] is True
    assert "stream" not in rendered()[0]


def test_settings_of_sampling():
    body, listed = sampled(temperature=0.2, top_k=5, stop=("a", "###"))
    assert (body["temperature"], body["top_k"], body["stop_sequences"]) == (0.2, 5, ["a", "###"])
    assert listed == []
    assert sampled(top_p=0.5)[0]["top_p"] == 0.5


def test_heat_ends_at_one():
    body, listed = sampled(temperature=1.7)
    assert body["temperature"] == 1
    assert listed == [("sampling.temperature", "reshaped")]


def test_where_it_thinks_it_is_not_told_how_to_sample():
    sampling = Sampling(temperature=0.2, top_p=0.5, top_k=5)
    body, listed = rendered(sampling=sampling, reasoning=ReasoningSpec(effort="low"))
    assert body.keys().isdisjoint({"temperature", "top_p", "top_k"})
    assert listed == [(f"sampling.{name}", "dropped") for name in ("temperature", "top_p", "top_k")]
    allowed, listed = rendered(sampling=Sampling(temperature=1, top_p=0.97), reasoning=ReasoningSpec(effort="low"))
    assert (allowed["temperature"], allowed["top_p"], listed) == (1, 0.97, [])
    assert rendered(sampling=sampling, reasoning=ReasoningSpec(effort="none"))[0]["temperature"] == 0.2


def test_a_stop_sequence_says_something():
    refused("stop", sampling=Sampling(stop=("a", " \n")))
    assert "stop_sequences" not in sampled(stop=())[0]


@pytest.mark.parametrize(
    ("param", "members"),
    [
        ("n", {"n": 2}),
        ("logprobs", {"logprobs": True}),
        ("logprobs", {"top_logprobs": 3}),
        ("prediction", {"prediction": {"type": "content"}}),
        ("logit_bias", {"logit_bias": {"1": 5}}),
        ("frequency_penalty", {"frequency_penalty": 0.5}),
        ("presence_penalty", {"presence_penalty": -0.5}),
    ],
)
def test_what_there_is_no_parameter_for_is_refused(param, members):
    refused(param, sampling=Sampling(**members))


def test_what_changes_nothing_is_listed_only():
    body, listed = sampled(n=1, logprobs=False, logit_bias={}, frequency_penalty=0, presence_penalty=0.0)
    assert body == rendered()[0]
    assert listed == [
        ("sampling.logit_bias", "mapped"),
        ("sampling.frequency_penalty", "mapped"),
        ("sampling.presence_penalty", "mapped"),
    ]
    assert sampled(seed=5)[1] == [("sampling.seed", "dropped")]


def test_a_schema_binds_the_answer():
    body, listed = rendered(output=OutputSpec(kind="json_schema", name="n", schema=SCHEMA, strict=True))
    assert body["output_config"] == {"format": {"type": "json_schema", "schema": SCHEMA}}
    assert "system" not in body
    assert listed == []


def test_a_schema_and_an_effort_are_one_member():
    body, _ = rendered(output=OutputSpec(kind="json_schema", schema=SCHEMA), reasoning=ReasoningSpec(effort="low"))
    assert body["output_config"].keys() == {"format", "effort"}


def test_what_a_schema_is_for_stands_in_it():
    output = OutputSpec(kind="json_schema", schema=SCHEMA, description="an answer")
    body, listed = rendered(output=output)
    assert body["output_config"]["format"]["schema"]["description"] == "an answer"
    assert listed == [("output.description", "mapped")]
    own = OutputSpec(kind="json_schema", schema={**SCHEMA, "description": "mine"}, description="an answer")
    assert rendered(output=own)[1] == [("output.description", "dropped")]


def test_a_schema_that_cannot_bind_is_asked_for_in_words():
    body, listed = rendered(output=OutputSpec(kind="json_schema", schema={"type": "object"}, description="d"))
    assert "output_config" not in body
    (demand,) = body["system"]
    assert demand["text"].startswith("Answer with one JSON object")
    assert demand["text"].endswith('{"type":"object"}')
    assert listed == [("output", "emulated"), ("output.description", "mapped")]


def test_any_json_is_asked_for_in_words_behind_the_instructions():
    body, listed = rendered(instructions=(Text("be brief"),), output=OutputSpec(kind="json_object"))
    assert [block["text"][:8] for block in body["system"]] == ["be brief", "Answer w"]
    assert listed == [("output", "emulated")]
    assert "schema" in rendered(output=OutputSpec(kind="json_object", schema=SCHEMA))[0]["system"][0]["text"]


def test_a_grammar_is_refused():
    refused("response_format", output=OutputSpec(kind="grammar", raw={}))


def test_tools_that_were_used_are_declared():
    messages = (USER, Message("assistant", (ToolCall("1", "f", "{}"),)), Message("tool", (ToolResult("1", ()),)))
    body, listed = rendered(messages=messages)
    assert [tool["name"] for tool in body["tools"]] == ["f"]
    assert body["tool_choice"] == {"type": "none"}
    assert listed == [("tools", "reshaped")]
    offered, listed = rendered(messages=messages, tools=(Tool(name="g"),))
    assert [tool["name"] for tool in offered["tools"]] == ["g"]
    assert listed == []


def test_marks_count_over_the_whole_prompt():
    cached = Text("a", cache=CacheHint())
    body, listed = rendered(
        tools=(Tool(name="f", cache=CacheHint()),),
        tool_choice=ToolChoice(mode="auto"),
        instructions=(cached, cached),
        messages=(Message("user", (cached, cached)),),
    )
    assert "cache_control" not in body["tools"][0]
    assert listed == [("tools[0].cache", "dropped")]
    automatic, listed = rendered(
        instructions=(cached, cached),
        messages=(Message("user", (cached, cached)),),
        extensions={"cache_control": {"type": "ephemeral"}},
    )
    assert "cache_control" not in automatic["system"][0]
    assert len(listed) == 1


def test_a_user_is_never_named():
    body, listed = rendered(user="ann@example.com")
    assert body["metadata"]["user_id"] != "ann@example.com"
    assert len(body["metadata"]["user_id"]) == 64
    assert listed == [("user", "mapped")]
    assert rendered(user="ann@example.com")[0] == body, "the same for the same user"
    both, listed = rendered(user="ann", safety_identifier="s")
    assert both["metadata"] == rendered(safety_identifier="s")[0]["metadata"]
    assert listed == [("safety_identifier", "mapped"), ("user", "dropped")]


@pytest.mark.parametrize(
    ("tier", "said", "listed"),
    [
        ("auto", "auto", []),
        ("default", "standard_only", [("service_tier", "mapped")]),
        ("priority", "auto", [("service_tier", "mapped")]),
        ("flex", None, [("service_tier", "dropped")]),
    ],
)
def test_tiers(tier, said, listed):
    body, found = rendered(service_tier=tier)
    assert (body.get("service_tier"), found) == (said, listed)


def test_a_container_is_named():
    body, _ = rendered(tools=(Tool(name="c", kind="hosted", hosted={"type": "code_interpreter", "container": "c_1"}),))
    assert body["container"] == "c_1"


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "background", "prompt", "context_management"])
def test_state_is_refused(name):
    refused(name, state=StateSpec(**{name: {"id": "x"}}))


def test_other_hints_are_listed():
    state = StateSpec(store=True, truncation="auto", include=("reasoning.encrypted_content", "marker"))
    _, listed = rendered(state=state, cache={"prompt_cache_key": "k"}, metadata={"m": "x"}, audio={}, verbosity="low")
    assert [field for field, action in listed if action == "dropped"] == [
        "state.store",
        "state.truncation",
        "state.include",
        "audio",
        "verbosity",
        "cache.prompt_cache_key",
        "metadata.m",
    ]
    assert (
        rendered(state=StateSpec(store=False, truncation="disabled", include=("reasoning.encrypted_content",)))[1] == []
    )


def test_what_is_no_text_and_moderation_are_refused():
    refused("modalities", modalities=("text", "audio"))
    refused("moderation", moderation={})


def test_anthropics_own_members_pass():
    body, listed = rendered(extensions={"inference_geo": "us", "thinking": {"type": "adaptive"}, "min_p": 1})
    assert (body["inference_geo"], body["thinking"]) == ("us", {"type": "adaptive"})
    assert listed == [("extensions.min_p", "dropped")]
