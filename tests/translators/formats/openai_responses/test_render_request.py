import dataclasses
from typing import Any

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
from translators.formats.openai_responses import CLIENT, PROVIDER

PLAIN = Request(messages=(Message("user", (Text("hi"),)),), model="asked")


def rendered(**members: Any):
    return PROVIDER.render_request(dataclasses.replace(PLAIN, **members), "gpt-5")


def body(**members: Any) -> dict[str, Any]:
    found = rendered(**members)
    assert found.transforms == ()
    return found.body


def losses(**members: Any) -> list[tuple[str, str]]:
    return [(loss.field, loss.action) for loss in rendered(**members).transforms]


def test_a_request_of_another_dialect_is_stateless_and_gets_its_reasoning_sealed():
    assert body() == {
        "model": "gpt-5",
        "input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}],
        "store": False,
        "include": ["reasoning.encrypted_content"],
    }
    stored = body(state=StateSpec(store=True))
    assert stored["store"] is True
    assert "include" not in stored


@pytest.mark.parametrize(
    "wire",
    [
        {
            "model": "gpt-5",
            "input": [{"role": "user", "type": "message", "content": [{"type": "input_text", "text": "x"}]}],
        },
        {"model": "gpt-5", "input": [], "previous_response_id": "resp_1", "store": True, "background": True},
        {"model": "gpt-5", "input": [], "conversation": {"id": "conv_1"}, "truncation": "auto", "max_tool_calls": 2},
        {"model": "gpt-5", "input": [], "prompt": {"id": "p"}, "context_management": [{"type": "compaction"}]},
        {
            "model": "gpt-5",
            "input": [],
            "prompt": {"id": "p"},
            "tools": [
                {"type": "function", "name": "f", "parameters": None},
                {"type": "function", "name": "g", "parameters": {}, "strict": False, "async": True},
                {"type": "custom", "name": "c", "format": {"type": "text"}},
                {"type": "mcp", "server_label": "s"},
            ],
            "tool_choice": {"type": "mcp", "server_label": "s"},
            "text": {"format": {"type": "json_schema", "name": "n", "schema": {}}, "verbosity": "low", "shape": 1},
            "reasoning": {"effort": "low", "summary": "auto", "mode": "pro"},
            "include": ["message.output_text.logprobs"],
            "top_logprobs": 2,
            "stream": True,
            "stream_options": {"include_obfuscation": False, "news": 1},
            "client_metadata": {"a": 1},
            "metadata": {"a": "b"},
        },
    ],
)
def test_a_request_of_this_dialect_is_said_again_as_it_was(wire):
    found = PROVIDER.render_request(CLIENT.parse_request(wire, b""), "gpt-5")
    assert found.body == wire
    assert found.transforms == ()


def test_ids_are_stripped_when_nothing_is_stored():
    item = {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "content": []}
    item["content"] = [{"type": "output_text", "text": "a", "annotations": []}]
    wire = {"model": "m", "input": [{"role": "user", "content": "x"}, item]}
    kept = PROVIDER.render_request(CLIENT.parse_request(wire, b""), "m").body["input"][1]
    assert kept == item
    stripped = PROVIDER.render_request(CLIENT.parse_request({**wire, "store": False}, b""), "m").body["input"][1]
    assert "id" not in stripped
    assert "status" not in stripped


def test_a_function_of_chat_says_strict_and_has_parameters():
    function = Tool(name="f", description="d")
    assert body(tools=(function,))["tools"] == [
        {
            "type": "function",
            "name": "f",
            "description": "d",
            "parameters": {"type": "object", "properties": {}, "additionalProperties": False},
            "strict": False,
        }
    ]
    schema = {"type": "object", "properties": {"z": {}, "a": {}}}
    (tool,) = body(tools=(Tool(name="f", parameters=schema, strict=True),))["tools"]
    assert tool["strict"] is True
    assert tool["parameters"] is schema


def test_chats_search_options_become_the_search_tool():
    options = {"search_context_size": "low", "user_location": {"type": "approximate", "approximate": {"city": "Oslo"}}}
    found = rendered(web_search=options)
    assert found.body["tools"] == [
        {
            "type": "web_search",
            "search_context_size": "low",
            "user_location": {"type": "approximate", "city": "Oslo"},
        }
    ]
    assert [loss.action for loss in found.transforms] == ["mapped"]
    assert rendered(web_search={}).body["tools"] == [{"type": "web_search"}]


def test_the_output_is_asked_for_in_the_flat_spelling():
    schema = {"type": "object"}
    spec = OutputSpec(kind="json_schema", name="n", schema=schema, strict=True, description="d")
    found = body(output=spec, verbosity="low")
    assert found["text"] == {
        "format": {"type": "json_schema", "name": "n", "schema": schema, "description": "d", "strict": True},
        "verbosity": "low",
    }
    assert found["text"]["format"]["schema"] is schema
    assert losses(output=OutputSpec(kind="json_schema", name="n")) == [("output.schema", "reshaped")]
    assert body(output=OutputSpec(kind="json_object"))["text"] == {"format": {"type": "json_object"}}


def test_a_small_limit_is_raised_and_said():
    found = rendered(sampling=Sampling(max_output_tokens=5))
    assert found.body["max_output_tokens"] == 16
    assert [(loss.field, loss.action) for loss in found.transforms] == [("sampling.max_output_tokens", "reshaped")]
    assert body(sampling=Sampling(max_output_tokens=16))["max_output_tokens"] == 16


def test_probabilities_are_included_rather_than_switched_on():
    found = body(sampling=Sampling(logprobs=True, top_logprobs=3))
    assert "message.output_text.logprobs" in found["include"]
    assert found["top_logprobs"] == 3


def test_a_budget_of_thought_becomes_an_effort():
    found = rendered(reasoning=ReasoningSpec(budget_tokens=5000))
    assert found.body["reasoning"] == {"effort": "medium"}
    assert [loss.field for loss in found.transforms] == ["reasoning.budget_tokens"]
    assert rendered(reasoning=ReasoningSpec(budget_tokens=10**6)).body["reasoning"] == {"effort": "xhigh"}
    assert rendered(reasoning=ReasoningSpec(effort="low", budget_tokens=5000)).body["reasoning"] == {"effort": "low"}


def test_instructions_are_text():
    assert body(instructions=(Text("a"), Text("b")))["instructions"] == "a\n\nb"
    assert losses(instructions=(Text("a", cache=CacheHint()),)) == [("instructions.cache", "dropped")]


FIELDS: list[tuple[str, Any, str]] = [
    ("instructions", (Text("be brief"),), "instructions"),
    ("tools", (Tool(name="f", parameters={}),), "tools"),
    ("tools", (Tool(name="f", parameters={}, cache=CacheHint()),), "tools[0].cache"),
    ("tool_choice", ToolChoice(mode="required"), "tool_choice"),
    ("parallel_tool_calls", False, "parallel_tool_calls"),
    ("output", OutputSpec(kind="json_object"), "text"),
    ("output", OutputSpec(kind="json_object", schema={}), "output.schema"),
    ("output", OutputSpec(kind="grammar", raw=3), "output.grammar"),
    ("reasoning", ReasoningSpec(effort="low"), "reasoning"),
    ("reasoning", ReasoningSpec(summary="auto"), "reasoning"),
    ("modalities", ("text", "audio"), "modalities"),
    ("audio", {"voice": "x"}, "audio"),
    ("stream", True, "stream"),
    ("include_obfuscation", False, "stream_options"),
    ("cache", {"prompt_cache_key": "k"}, "prompt_cache_key"),
    ("verbosity", "low", "text"),
    ("service_tier", "flex", "service_tier"),
    ("user", "u", "user"),
    ("safety_identifier", "s", "safety_identifier"),
    ("moderation", {"model": "m"}, "moderation"),
    ("web_search", {}, "tools"),
    ("metadata", {"a": "b"}, "metadata"),
    ("extensions", {"top_a": 1}, "extensions.top_a"),
    *[
        ("sampling", Sampling(**{name: value}), place)
        for name, value, place in [
            ("temperature", 0.5, "temperature"),
            ("top_p", 0.5, "top_p"),
            ("top_k", 5, "sampling.top_k"),
            ("frequency_penalty", 1.0, "sampling.frequency_penalty"),
            ("presence_penalty", 1.0, "sampling.presence_penalty"),
            ("max_output_tokens", 99, "max_output_tokens"),
            ("stop", ("x",), "sampling.stop"),
            ("seed", 1, "sampling.seed"),
            ("n", 2, "sampling.n"),
            ("logprobs", True, "include"),
            ("top_logprobs", 1, "top_logprobs"),
            ("logit_bias", {"1": 1.0}, "sampling.logit_bias"),
            ("prediction", {"type": "content"}, "sampling.prediction"),
        ]
    ],
    *[
        ("state", StateSpec(**{name: value}), name)
        for name, value in [
            ("store", True),
            ("previous_response_id", "resp_1"),
            ("conversation", "conv_1"),
            ("background", True),
            ("truncation", "auto"),
            ("include", ("x",)),
            ("max_tool_calls", 2),
            ("context_management", [{}]),
            ("prompt", {"id": "p"}),
        ]
    ],
]
SILENT = {
    "messages": "tested with the items",
    "model": "the provider's own name is written",
    "include_usage": "this API always sends usage",
    "legacy_functions": "how the client wants its answer",
    "source": "where the request came from",
}


@pytest.mark.parametrize(("field", "value", "place"), FIELDS)
def test_every_field_set_alone_is_sent_or_listed(field, value, place):
    found = rendered(**{field: value})
    listed = {loss.field for loss in found.transforms}
    assert place in found.body or place in listed
    assert found.body != rendered().body or listed


def test_no_field_of_a_request_is_forgotten_here():
    assert {name for name, _, _ in FIELDS} | SILENT.keys() == {field.name for field in dataclasses.fields(Request)}
    for spec in (Sampling, StateSpec):
        name = {Sampling: "sampling", StateSpec: "state"}[spec]
        told = {
            inner.name
            for field, value, _ in FIELDS
            if field == name
            for inner in dataclasses.fields(value)
            if getattr(value, inner.name) not in (None, ())
        }
        assert told == {inner.name for inner in dataclasses.fields(spec)}


def test_a_source_of_another_format_is_another_dialect():
    source = Source(format="openai_chat", body={}, raw=b"")
    assert body(source=source)["store"] is False
