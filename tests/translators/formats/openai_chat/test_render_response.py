"""Canonical answers as `chat.completion`, read by the official SDK at its strictest."""

import json

from translators.canonical import (
    Choice,
    Finish,
    HostedItem,
    Media,
    Message,
    Opaque,
    Reasoning,
    Refusal,
    Request,
    Response,
    Text,
    ToolCall,
    Usage,
)
from translators.formats.openai_chat import CLIENT

from . import sdk
from .wire import context


def rendered(*blocks, finish=Finish.STOP, request=None, show_reasoning=True, **members):
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    settings = {"id": "chatcmpl-1", "model": "m", "created": 7, **members}
    response = Response(choices=(choice,), **settings)
    body = CLIENT.render_response(response, context(request, show_reasoning=show_reasoning))
    sdk.whole(json.dumps(body).encode())  # raises when a type would not take it
    return body


def message(*blocks, **settings):
    return rendered(*blocks, **settings)["choices"][0]["message"]


def test_a_plain_answer_has_every_key_that_openai_sends():
    body = rendered(Text("hi"), usage=Usage(input=3, output=2))
    assert body == {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 7,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "hi", "refusal": None, "annotations": []},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        },
        "service_tier": None,
        "system_fingerprint": None,
    }


def test_a_foreign_id_is_replaced_and_missing_figures_filled_in():
    body = rendered(Text("hi"), id="msg_01", created=0)
    assert (body["id"], body["created"]) == ("chatcmpl-new1", 1790000000)


def test_text_blocks_are_joined():
    assert message(Text("a"), Text("b"))["content"] == "ab"


def test_content_is_null_only_where_something_else_was_said():
    call = ToolCall("c", "f", "{}")
    assert message(call, finish=Finish.TOOL_CALLS)["content"] is None
    assert message(Text("a"), call, finish=Finish.TOOL_CALLS)["content"] == "a"
    assert message(Refusal("no"))["content"] is None
    assert message()["content"] == ""


def test_calls_are_functions_and_custom_tools_and_never_have_empty_arguments():
    said = message(ToolCall("a", "f", ""), ToolCall("b", "g", "4 + 4", "custom"), ToolCall("", "h", "null"))
    assert said["tool_calls"] == [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}},
        {"id": "call_new1", "type": "function", "function": {"name": "h", "arguments": "{}"}},
    ]


def test_an_answer_without_calls_has_no_calls_member():
    assert "tool_calls" not in message(Text("a"))


def test_a_client_of_functions_gets_a_function_call():
    body = rendered(
        ToolCall("a", "f", "{}"),
        finish=Finish.TOOL_CALLS,
        request=Request(messages=(), legacy_functions=True),
    )
    assert body["choices"][0]["finish_reason"] == "function_call"
    assert body["choices"][0]["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert "tool_calls" not in body["choices"][0]["message"]


def test_reasoning_is_shown_only_where_the_client_may_see_it():
    thought = Reasoning(summary=("a", "b"), opaque=(Opaque("p", "k", "sealed"),))
    assert message(thought, Text("x"))["reasoning_content"] == "a\n\nb"
    assert message(Reasoning(text="raw", summary=("s",)), Text("x"))["reasoning_content"] == "raw"
    hidden = message(thought, Text("x"), show_reasoning=False)
    assert "reasoning_content" not in hidden
    assert "sealed" not in json.dumps(message(thought))


def test_a_refusal_stops_with_text_and_is_filtered_without():
    assert rendered(Refusal("no"), finish=Finish.REFUSAL)["choices"][0]["finish_reason"] == "stop"
    assert rendered(finish=Finish.REFUSAL)["choices"][0]["finish_reason"] == "content_filter"


def test_citations_of_several_texts_point_into_the_one_text_of_chat():
    first = {"type": "url_citation", "url": "a", "title": "t", "start_index": 1, "end_index": 3}
    said = message(Text("one ", (first,)), ToolCall("c", "f", "{}"), Text("two", ({**first, "url": "b"},)))
    assert said["content"] == "one \n\ntwo"  # what stands around a tool at work are two paragraphs
    places = [each["url_citation"] for each in said["annotations"]]
    assert [(place["url"], place["start_index"], place["end_index"]) for place in places] == [("a", 1, 3), ("b", 7, 9)]


def test_citations_are_nested_and_other_annotations_have_no_form():
    citation = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    said = message(Text("x", (citation, {"type": "file_citation", "file_id": "f"})))
    assert said["annotations"] == [
        {"type": "url_citation", "url_citation": {"url": "u", "title": "t", "start_index": 0, "end_index": 1}}
    ]


def test_logprobs_stand_beside_the_message():
    token = {"token": "x", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    assert rendered(Text("x", logprobs=(token,)))["choices"][0]["logprobs"] == {"content": [token], "refusal": None}


def test_a_spoken_answer():
    said = message(Media(kind="audio", file_id="audio_1", data="QUJD", transcript="hi", expires_at=9))
    assert said["audio"] == {"id": "audio_1", "data": "QUJD", "expires_at": 9, "transcript": "hi"}
    assert said["content"] is None


def test_a_picture():
    said = message(Media(kind="image", data="QUJD", mime="image/png"))
    assert said["images"] == [{"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}}]


def test_a_providers_own_members_stand_beside_and_never_instead():
    body = rendered(Text("x"), extensions={"citations": ["u"], "model": "other"})
    assert body["citations"] == ["u"]
    assert body["model"] == "m"


def test_what_chat_cannot_say_is_left_out():
    assert message(HostedItem("web_search", {"type": "web_search_call"}), Text("x"))["content"] == "x"
