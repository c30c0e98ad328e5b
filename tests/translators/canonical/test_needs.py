from dataclasses import replace

import pytest

from translators.canonical import (
    CapabilitySet,
    HostedItem,
    Media,
    Message,
    Native,
    Need,
    Origin,
    OutputSpec,
    Reasoning,
    ReasoningSpec,
    Refusal,
    Request,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from translators.canonical.needs import needs

PLAIN = Request(messages=(Message("user", (Text("hi"),)),))
FUNCTION = Tool(name="f", parameters={"type": "object"})
CUSTOM = Tool(name="c", kind="custom")
SEARCH = Tool(name="web_search", kind="hosted", hosted={"type": "web_search_preview"})


def names(request: Request) -> list[str]:
    return [need.name for need in needs(request) if need.name != "text"]


def with_block(block, role="user") -> Request:
    """A request whose block stands in an old message, so that only a look at the whole history finds it."""
    return replace(PLAIN, messages=(Message(role, (Text("look"), block)), *PLAIN.messages))


def test_a_plain_question_needs_text_alone():
    assert needs(PLAIN) == (Need("text", "messages"),)


def test_streaming_is_a_need():
    assert needs(replace(PLAIN, stream=True)) == (Need("text", "messages"), Need("streaming", "stream"))


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (ToolCall("1", "f", "{}"), ["toolCalling"]),
        (ToolCall("1", "f", "x", kind="custom"), ["toolCalling", "feature:customTools"]),
        (ToolResult("1", (Text("r"),)), ["toolCalling"]),
        (ToolResult("1", (Text("r"),), kind="custom"), ["toolCalling", "feature:customTools"]),
        (ToolResult("1", (Media(kind="image", data="AA=="),)), ["toolCalling", "vision"]),
        (Media(kind="image", data="AA=="), ["vision"]),
        (Media(kind="image", url="data:image/png;base64,AA=="), ["vision"]),
        (Media(kind="image", url="https://example.com/a.png"), ["vision", "feature:imageUrl"]),
        (Media(kind="image", file_id="file-1"), ["vision", "affinity:openai"]),
        (Media(kind="file", file_id="file-1", provider="anthropic"), ["feature:fileInput", "affinity:anthropic"]),
        (Media(kind="file", data="AA=="), ["feature:fileInput"]),
        (Media(kind="file", url="https://example.com/a.pdf"), ["feature:fileInput", "feature:fileUrl"]),
        (Media(kind="audio", data="AA=="), ["audio"]),
        (Media(kind="video", data="AA=="), ["feature:videoInput"]),
        (Native("openai_responses", {"type": "compaction"}), ["feature:native:openai_responses"]),
        (HostedItem("web_search_call", {}), ["feature:hostedTools"]),
        (Reasoning(text="hm"), []),
        (Refusal("no"), []),
    ],
)
def test_a_block_anywhere_in_the_history_is_seen(block, expected):
    assert names(with_block(block)) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tools": (FUNCTION,)}, ["toolCalling"]),
        ({"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="none")}, ["toolCalling"]),
        ({"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="auto")}, ["toolCalling"]),
        ({"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="required")}, ["toolCalling", "feature:forcedTool"]),
        (
            {"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="named", names=("f",))},
            ["toolCalling", "feature:forcedTool"],
        ),
        (
            {"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="allowed", names=("f",), allowed_mode="required")},
            ["toolCalling", "feature:forcedTool"],
        ),
        (
            {"tools": (FUNCTION,), "tool_choice": ToolChoice(mode="allowed", names=("f",), allowed_mode="auto")},
            ["toolCalling"],
        ),
        ({"tools": (FUNCTION,), "parallel_tool_calls": False}, ["toolCalling", "feature:serialTools"]),
        ({"tools": (FUNCTION,), "parallel_tool_calls": True}, ["toolCalling"]),
        ({"parallel_tool_calls": False}, []),
        ({"tools": (FUNCTION, CUSTOM)}, ["toolCalling", "feature:customTools"]),
        ({"tools": (FUNCTION, SEARCH)}, ["toolCalling", "feature:hostedTools"]),
        (
            {"tools": (Tool(name="computer", kind="hosted", hosted={"type": "computer_use_preview"}),)},
            ["feature:hostedTools", "computerUse"],
        ),
        ({"web_search": {}}, ["feature:hostedTools"]),
        ({"output": OutputSpec(kind="json_object")}, ["structuredOutput"]),
        ({"output": OutputSpec(kind="json_schema", schema={})}, ["jsonSchema"]),
        ({"output": OutputSpec(kind="grammar")}, ["feature:grammar"]),
        ({"reasoning": ReasoningSpec(effort="low")}, ["reasoning"]),
        ({"reasoning": ReasoningSpec(effort="none")}, []),
        ({"reasoning": ReasoningSpec(budget_tokens=512)}, ["reasoning"]),
        ({"reasoning": ReasoningSpec(summary="auto")}, ["reasoning"]),
        ({"modalities": ("text", "audio")}, ["audio", "feature:audioOutput"]),
        ({"moderation": {}}, ["feature:moderation"]),
        ({"state": StateSpec(previous_response_id="resp_1")}, ["feature:state"]),
        ({"state": StateSpec(conversation={"id": "conv_1"})}, ["feature:state"]),
        ({"state": StateSpec(background=True)}, ["feature:state"]),
        ({"state": StateSpec(prompt={"id": "pmpt_1"})}, ["feature:state"]),
        ({"state": StateSpec(context_management=[{"type": "compaction"}])}, ["feature:state"]),
        ({"state": StateSpec(store=True, background=False, truncation="auto")}, []),
        ({"extensions": {"min_p": 0.1}}, ["ext:min_p"]),
        ({"instructions": (Media(kind="image", data="AA=="),)}, ["vision"]),
    ],
)
def test_what_is_asked_of_the_whole_request(change, expected):
    assert names(replace(PLAIN, **change)) == expected


@pytest.mark.parametrize(
    ("sampling", "expected"),
    [
        (Sampling(n=1), []),
        (Sampling(n=2), ["feature:nChoices"]),
        (Sampling(stop=()), []),
        (Sampling(stop=("x",)), ["feature:stop"]),
        (Sampling(logprobs=False), []),
        (Sampling(logprobs=True, top_logprobs=2), ["feature:logprobs"]),
        (Sampling(top_logprobs=2), ["feature:logprobs"]),
        (Sampling(frequency_penalty=0.0, presence_penalty=0.0), []),
        (Sampling(frequency_penalty=0.5), ["feature:penalties"]),
        (Sampling(presence_penalty=0.5), ["feature:penalties"]),
        (Sampling(logit_bias={}), []),
        (Sampling(logit_bias={"1": 0}), []),
        (Sampling(logit_bias={"1": -100}), ["feature:logitBias"]),
        (Sampling(prediction={"type": "content"}), ["feature:prediction"]),
        (Sampling(seed=1, temperature=0.5, top_p=0.5, top_k=3, max_output_tokens=9), []),
    ],
)
def test_what_is_asked_of_sampling(sampling, expected):
    assert names(replace(PLAIN, sampling=sampling)) == expected


def test_hints_are_no_needs():
    request = replace(
        PLAIN,
        verbosity="low",
        service_tier="flex",
        user="u",
        safety_identifier="s",
        metadata={"a": "b"},
        cache={"prompt_cache_key": "k"},
        include_obfuscation=False,
    )
    assert names(request) == []


def test_each_hosted_tool_is_a_need_of_its_own_value():
    request = replace(
        PLAIN,
        tools=(
            SEARCH,
            Tool(name="mcp", kind="hosted", hosted={"type": "mcp", "server_label": "a"}),
            Tool(name="mcp", kind="hosted", hosted={"type": "mcp", "server_label": "b"}),
        ),
    )
    values = [need.value for need in needs(request) if need.name == "feature:hostedTools"]
    assert values == ["web_search_preview", "mcp"]


def test_a_need_is_listed_once_with_the_first_place():
    image = Media(kind="image", data="AA==")
    request = replace(PLAIN, messages=(Message("user", (Text("a"), image, image)), Message("user", (image,))))
    assert needs(request)[1:] == (Need("vision", "messages[0].content[1]"),)


def test_the_place_is_where_the_client_wrote_it():
    call = ToolCall("1", "f", "{}", origin=Origin(pointer="/messages/3/tool_calls/0"))
    assert needs(with_block(call))[1].because == "messages[3].tool_calls[0]"


def test_a_responses_client_reads_its_own_words():
    source = Source(format="openai_responses", body={}, raw=b"{}")
    request = replace(
        with_block(Media(kind="image", data="AA==")),
        source=source,
        output=OutputSpec(kind="json_schema", schema={}),
        reasoning=ReasoningSpec(effort="high"),
    )
    assert [need.because for need in needs(request)[1:]] == ["input[0].content[1]", "text.format", "reasoning.effort"]


def test_a_provider_that_takes_anything_meets_unknown_members():
    request = replace(PLAIN, extensions={"min_p": 0.1})
    asked = needs(request)
    assert CapabilitySet(flags={"text": True}).missing(asked) == (Need("ext:min_p", "min_p"),)
    assert CapabilitySet(flags={"text": True}, features={"ext:*": True}).missing(asked) == ()
    assert CapabilitySet(flags={"text": True}, features={"ext:min_p": True}).missing(asked) == ()


def test_a_hosted_tool_must_be_among_the_accepted_ones():
    request = replace(PLAIN, tools=(SEARCH,))
    without = CapabilitySet(flags={"text": True}, features={"hostedTools": ["mcp"]})
    having = CapabilitySet(flags={"text": True}, features={"hostedTools": ["mcp", "web_search_preview"]})
    assert [need.value for need in without.missing(needs(request))] == ["web_search_preview"]
    assert having.missing(needs(request)) == ()
