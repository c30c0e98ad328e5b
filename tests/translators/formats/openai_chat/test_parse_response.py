"""Whole answers of providers, in the shapes they come in."""

import pytest

from translators.canonical import (
    NO_USAGE,
    Finish,
    Media,
    Reason,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
)
from translators.formats.openai_chat import PROVIDER

from .wire import answer

CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"x": 1}'}}


def parse(message, *, finish="stop", **members):
    return PROVIDER.parse_response(answer(message, finish=finish, **members), "issuer")


def blocks(message, **settings):
    return parse(message, **settings).choices[0].message.blocks


def test_a_plain_answer_keeps_what_the_provider_reported():
    response = parse(
        {"content": "hi"},
        usage={"prompt_tokens": 1, "completion_tokens": 2},
        service_tier="default",
        system_fingerprint="fp",
        citations=["https://example.com"],
    )
    assert (response.id, response.model, response.created) == ("chatcmpl-1", "m", 7)
    assert response.choices[0].message.blocks == (Text("hi"),)
    assert response.choices[0].finish is Finish.STOP
    assert response.usage == Usage(input=1, output=2)
    assert (response.service_tier, response.fingerprint) == ("default", "fp")
    assert response.extensions == {"citations": ["https://example.com"]}


def test_blocks_come_in_one_order():
    said = blocks(
        {
            "content": "hi",
            "reasoning_content": "hm",
            "refusal": "no",
            "audio": {"id": "a", "data": "QUJD", "transcript": "t", "expires_at": 1},
            "tool_calls": [CALL],
        }
    )
    assert [type(block) for block in said] == [Reasoning, Text, Refusal, Media, ToolCall]


def test_empty_members_make_no_blocks():
    assert (
        blocks({"content": "", "refusal": "", "tool_calls": [], "function_call": {"name": "", "arguments": ""}}) == ()
    )


def test_arguments_are_kept_to_the_byte_and_objects_written_out():
    assert blocks({"tool_calls": [CALL]}) == (ToolCall("call_1", "f", '{"x": 1}'),)
    as_object = {"id": "c", "type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    assert blocks({"tool_calls": [as_object]})[0].arguments == '{"x":1}'
    absent = {"id": "c", "type": "function", "function": {"name": "f", "arguments": None}}
    assert blocks({"tool_calls": [absent]})[0].arguments == ""


def test_a_stop_with_calls_is_tool_calls():
    assert parse({"tool_calls": [CALL]}).choices[0].finish is Finish.TOOL_CALLS


def test_a_call_without_id_gets_one():
    first, second = blocks({"tool_calls": [{"function": {"name": "f", "arguments": "{}"}}] * 2})
    assert first.id.startswith("call_")
    assert first.id != second.id


def test_the_deprecated_function_call_is_a_call():
    said = blocks({"function_call": {"name": "f", "arguments": "{}"}}, finish="function_call")
    assert (said[0].name, said[0].arguments) == ("f", "{}")


def test_logprobs_and_citations_stay_with_the_text():
    body = answer({"content": "hi", "annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]})
    body["choices"][0]["logprobs"] = {"content": [{"token": "hi"}], "refusal": None}
    said = PROVIDER.parse_response(body, "issuer").choices[0].message.blocks
    assert said == (Text("hi", ({"type": "url_citation", "url": "u"},), ({"token": "hi"},)),)


def test_impossible_usage_is_no_usage_and_the_answer_passes():
    assert parse({"content": "hi"}, usage={"prompt_tokens": -5, "completion_tokens": 1}).usage == NO_USAGE


def test_what_azure_filtered_has_no_message():
    body = answer({})
    body["choices"] = [{"index": 0, "finish_reason": "content_filter"}]
    assert PROVIDER.parse_response(body, "issuer").choices[0].finish is Finish.CONTENT_FILTER


def test_the_old_name_of_the_finish_reason_is_read():
    body = answer({"content": "The"})
    del body["choices"][0]["finish_reason"]
    body["choices"][0]["finish_details"] = {"type": "max_tokens"}
    assert PROVIDER.parse_response(body, "issuer").choices[0].finish is Finish.LENGTH


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": "x"},
        {"choices": ["x"]},
        {"choices": [{"index": 0, "finish_reason": "stop"}]},
        {"choices": [{"message": {"content": 7}}]},
        {"choices": [{"message": {"content": "x", "tool_calls": {}}}]},
        {"choices": [{"message": {"content": "x", "tool_calls": ["f"]}}]},
        {"choices": [{"message": {"content": ""}, "finish_reason": "something new"}]},
        [],
    ],
)
def test_a_body_of_another_shape_is_refused(body):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "issuer")
    assert caught.value.reason is Reason.BAD_RESPONSE
    assert caught.value.failure == "bad_shape"
    assert caught.value.billed_risk


@pytest.mark.parametrize(
    ("body", "reason", "status"),
    [
        ({"error": {"message": "busy", "code": 503}}, Reason.ERROR_5XX, 502),
        ({"error": {"message": "slow down", "code": 429}}, Reason.RATE_LIMITED, 429),
        ({"error": {"message": "bad", "type": "invalid_request_error"}}, Reason.INVALID_REQUEST, 400),
        ({"error": "it broke"}, Reason.ERROR_5XX, 502),
        ({"object": "error", "message": "bad", "code": 400}, Reason.INVALID_REQUEST, 400),
        ({"detail": "not allowed"}, Reason.ERROR_5XX, 502),
        ({"error": {"message": "key"}, "status": 401}, Reason.AUTH, 502),
        ({"choices": [{"error": {"code": 502, "message": "x"}}]}, Reason.ERROR_5XX, 502),
    ],
)
def test_an_error_of_status_200_is_an_error_as_its_own_status_says(body, reason, status):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "issuer")
    assert (caught.value.reason, caught.value.status) == (reason, status)
    assert caught.value.failure == "inband_error"


def test_a_finish_reason_that_means_failure_fails():
    with pytest.raises(UpstreamError) as caught:
        parse({"content": "half"}, finish="error")
    assert caught.value.failure == "inband_error"
