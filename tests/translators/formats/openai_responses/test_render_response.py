import pytest
from openai.types.responses import Response as SdkResponse

from translators.canonical import Choice, Finish, Message, Refusal, Response, Text, ToolCall, Usage
from translators.formats.openai_responses import CLIENT
from translators.formats.openai_responses.render_response import render_tool, render_tool_choice

from .streams import context

EVERY_KEY = {
    "id", "object", "created_at", "completed_at", "status", "background", "error", "incomplete_details", "instructions",
    "max_output_tokens", "max_tool_calls", "metadata", "model", "output", "parallel_tool_calls", "presence_penalty",
    "frequency_penalty", "previous_response_id", "prompt_cache_key", "reasoning", "safety_identifier", "service_tier",
    "store", "temperature", "text", "tool_choice", "tools", "top_logprobs", "top_p", "truncation", "usage", "user",
}  # fmt: skip


def answer(*blocks, finish=Finish.STOP, **members):
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    return Response(**{"id": "chatcmpl-1", "model": "m", "choices": (choice,), "created": 7, **members})


def rendered(response, **body):
    return CLIENT.render_response(response, context({"model": "asked", "input": "hi", **body}))


def test_every_key_is_there_whatever_was_asked_or_answered():
    wire = rendered(answer(Text("a")))
    assert wire.keys() >= EVERY_KEY
    SdkResponse.model_validate(wire)
    assert (wire["object"], wire["status"], wire["error"], wire["metadata"]) == ("response", "completed", None, {})
    assert (wire["temperature"], wire["top_p"], wire["top_logprobs"], wire["store"]) == (1.0, 1.0, 0, True)
    assert wire["text"] == {"format": {"type": "text"}, "verbosity": "medium"}
    assert wire["reasoning"] == {"effort": None, "summary": None}
    assert (wire["truncation"], wire["tool_choice"], wire["tools"]) == ("disabled", "auto", [])
    assert isinstance(wire["created_at"], int)
    assert wire["completed_at"] >= wire["created_at"]


def test_what_was_asked_is_echoed_with_strict_written_out():
    schema = {"type": "json_schema", "name": "n", "schema": {"type": "object"}, "strict": True}
    wire = rendered(
        answer(Text("{}")),
        instructions="brief",
        temperature=0.2,
        top_p=0.9,
        max_output_tokens=99,
        store=False,
        parallel_tool_calls=False,
        metadata={"a": "b"},
        reasoning={"effort": "low", "summary": "auto", "context": "all_turns"},
        text={"format": schema, "verbosity": "low"},
        tools=[{"type": "function", "name": "f", "defer_loading": True}, {"type": "web_search"}],
        tool_choice={"type": "function", "name": "f"},
        conversation="conv_1",
        truncation="auto",
        prompt_cache_key="k",
    )
    SdkResponse.model_validate(wire)
    assert wire["instructions"] == "brief"
    assert (wire["temperature"], wire["top_p"], wire["max_output_tokens"]) == (0.2, 0.9, 99)
    assert (wire["store"], wire["parallel_tool_calls"], wire["truncation"]) == (False, False, "auto")
    assert wire["metadata"] == {"a": "b"}
    assert wire["reasoning"] == {"effort": "low", "summary": "auto", "context": "all_turns"}
    assert wire["text"] == {"format": schema, "verbosity": "low"}
    assert wire["tools"] == [
        {
            "defer_loading": True,
            "type": "function",
            "name": "f",
            "description": None,
            "parameters": None,
            "strict": False,
        },
        {"type": "web_search"},
    ]
    assert wire["tool_choice"] == {"type": "function", "name": "f"}
    assert wire["conversation"] == {"id": "conv_1"}
    assert wire["prompt_cache_key"] == "k"


@pytest.mark.parametrize(
    ("finish", "reason", "status", "details"),
    [
        (Finish.STOP, None, "completed", None),
        (Finish.TOOL_CALLS, None, "completed", None),
        (Finish.LENGTH, None, "incomplete", {"reason": "max_output_tokens"}),
        (Finish.LENGTH, "steered", "incomplete", {"reason": "steered"}),
        (Finish.LENGTH, "model_context_window_exceeded", "incomplete", {"reason": "max_output_tokens"}),
        (Finish.CONTENT_FILTER, None, "incomplete", {"reason": "content_filter"}),
        (Finish.REFUSAL, None, "incomplete", {"reason": "content_filter"}),
        (Finish.OTHER, None, "completed", None),
    ],
)
def test_how_it_ended(finish, reason, status, details):
    wire = rendered(answer(Text("a"), finish=finish, incomplete_reason=reason))
    assert (wire["status"], wire["incomplete_details"]) == (status, details)
    assert (wire["completed_at"] is None) == (status == "incomplete")
    assert wire["output"][-1]["status"] == status


def test_a_refusal_in_words_is_a_complete_answer():
    wire = rendered(answer(Refusal("no"), finish=Finish.REFUSAL))
    assert wire["status"] == "completed"
    assert wire["output"][0]["content"] == [{"type": "refusal", "refusal": "no"}]


def test_usage_has_every_count_as_an_integer():
    usage = rendered(answer(usage=Usage(input=10, output=5, cached=4, cache_write=2, reasoning=3)))["usage"]
    assert usage == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "output_tokens": 5,
        "output_tokens_details": {"reasoning_tokens": 3},
        "total_tokens": 15,
    }
    assert rendered(answer())["usage"]["total_tokens"] == 0


def test_the_providers_id_is_kept_where_it_is_one_of_this_api():
    assert rendered(answer(id="resp_up"))["id"] == "resp_up"
    assert rendered(answer())["id"].startswith("resp_new")


def test_what_the_provider_said_beyond_the_model_is_passed_on_but_never_over_ours():
    wire = rendered(answer(Text("a"), extensions={"billing": {"payer": "x"}, "tools": "nonsense"}, service_tier="flex"))
    assert wire["billing"] == {"payer": "x"}
    assert wire["tools"] == []
    assert wire["service_tier"] == "flex"


def test_only_the_first_of_several_choices_has_a_place():
    other = Choice(index=1, message=Message("assistant", (Text("b"),)), finish=Finish.STOP)
    response = answer(Text("a"))
    response = answer(Text("a"), choices=(*response.choices, other))
    assert len(rendered(response)["output"]) == 1


def test_a_choice_and_a_tool_of_chat_are_flattened():
    chat = pytest.importorskip("translators.formats.openai_chat")
    function = {"type": "function", "function": {"name": "f", "strict": True, "parameters": {"type": "object"}}}
    custom = {"type": "custom", "custom": {"name": "c"}}
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [function, custom]}
    pick = {"type": "function", "function": {"name": "f"}}
    allowed = {
        "type": "allowed_tools",
        "allowed_tools": {"mode": "auto", "tools": [pick, {"type": "custom", "custom": {"name": "c"}}]},
    }
    request = chat.CLIENT.parse_request({**body, "tool_choice": pick}, b"")
    assert render_tool(request.tools[0])["name"] == "f"
    assert render_tool(request.tools[1]) == {"type": "custom", "name": "c"}
    assert render_tool_choice(request.tool_choice, request.tools) == {"type": "function", "name": "f"}
    request = chat.CLIENT.parse_request({**body, "tool_choice": allowed}, b"")
    assert render_tool_choice(request.tool_choice, request.tools) == {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "function", "name": "f"}, {"type": "custom", "name": "c"}],
    }


def test_a_call_of_a_translated_answer_keeps_its_id():
    (item,) = rendered(answer(ToolCall("call_9", "f", '{"a": 1}'), finish=Finish.TOOL_CALLS))["output"]
    assert (item["call_id"], item["arguments"]) == ("call_9", '{"a": 1}')
    assert item["id"] != item["call_id"]
