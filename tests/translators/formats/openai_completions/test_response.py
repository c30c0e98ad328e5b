import json

import pytest

from translators.canonical import (
    Choice,
    Finish,
    Message,
    Reason,
    Reasoning,
    Refusal,
    RequestError,
    Response,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
)
from translators.formats.openai_completions import CLIENT, PROVIDER

from .samples import ask, context, said

BODY = {
    "id": "cmpl-1",
    "object": "text_completion",
    "created": 5,
    "model": "m",
    "choices": [said("Hi", "stop"), said("Ho", "length", 1)],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5},
}


def test_an_answer_is_read():
    response = PROVIDER.parse_response({**BODY, "system_fingerprint": "fp", "timings": {"x": 1}}, "vllm")
    assert [choice.message.blocks for choice in response.choices] == [(Text("Hi"),), (Text("Ho"),)]
    assert [(choice.index, choice.finish) for choice in response.choices] == [(0, Finish.STOP), (1, Finish.LENGTH)]
    assert (response.id, response.model, response.created, response.fingerprint) == ("cmpl-1", "m", 5, "fp")
    assert response.usage == Usage(input=3, output=2)
    assert response.extensions == {"timings": {"x": 1}}


def test_reading_and_writing_an_answer_loses_nothing():
    response = PROVIDER.parse_response({**BODY, "timings": {"x": 1}}, "vllm")
    assert PROVIDER.parse_response(CLIENT.render_response(response, context()), "vllm") == response


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"choices": []},
        {"choices": {}},
        {"choices": ["x"]},
        {"choices": [{"index": 0, "finish_reason": "stop"}]},
        {"choices": [{"index": 0, "message": {"content": "a chat answer"}, "finish_reason": "stop"}]},
    ],
)
def test_what_is_no_completion_is_refused(body):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "vllm")
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "slow down", "code": 429}}, Reason.RATE_LIMITED),
        ({"error": "boom"}, Reason.ERROR_5XX),
        ({"object": "error", "message": "no", "code": 400}, Reason.INVALID_REQUEST),
        ({**BODY, "choices": [said("", "error")]}, Reason.ERROR_5XX),
    ],
)
def test_an_error_in_disguise_is_an_error(body, reason):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.parse_response(body, "vllm")
    assert (caught.value.reason, caught.value.failure) == (reason, "inband_error")


def test_a_chat_models_answer_becomes_a_completion():
    blocks = (Reasoning(text="hm"), Text("Hi"), Refusal(" no"), ToolCall("c", "f", "{}"))
    response = Response(
        id="chatcmpl-9",
        model="",
        choices=(Choice(index=0, message=Message("assistant", blocks), finish=Finish.TOOL_CALLS),),
    )
    assert CLIENT.render_response(response, context(ask(model="mine"))) == {
        "id": "cmpl-new1",
        "object": "text_completion",
        "created": 1700000000,
        "model": "mine",
        "choices": [{"index": 0, "text": "Hi no", "logprobs": None, "finish_reason": "stop"}],
        "usage": {
            "prompt_tokens": 0,
            "completion_tokens": 0,
            "total_tokens": 0,
            "prompt_tokens_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
        "system_fingerprint": None,
    }


def test_extras_never_replace_known_members():
    response = PROVIDER.parse_response({**BODY, "odd": 1}, "vllm")
    sly = Response(id="cmpl-1", model="m", choices=response.choices, extensions={"choices": [], "odd": 2})
    body = CLIENT.render_response(sly, context())
    assert (len(body["choices"]), body["odd"]) == (2, 2)


def test_a_good_answer_is_not_touched():
    assert CLIENT.mend(BODY) is None


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"object": "text.completion"}, {"object": "text_completion"}),
        (
            {"usage": {"prompt_tokens": 3, "completion_tokens": None, "total_tokens": None}},
            {"usage": {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 0}},
        ),
        ({"choices": [said("Hi", "eos_token")]}, {"choices": [said("Hi", "stop")]}),
        ({"choices": [said("Hi", None)]}, {"choices": [said("Hi", "stop")]}),
        (
            {"choices": [{"text": "Hi", "finish_reason": "stop"}]},
            {"choices": [{"text": "Hi", "finish_reason": "stop", "index": 0}]},
        ),
    ],
)
def test_what_would_break_an_sdk_is_mended_in_a_copy(member, expected):
    body = {**BODY, **member}
    before = json.dumps(body)
    assert CLIENT.mend(body) == {**BODY, **expected}
    assert json.dumps(body) == before


def test_an_error_has_all_four_keys():
    assert CLIENT.render_error(RequestError("no", param="n")) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "n", "code": "invalid_value"}
    }
    assert CLIENT.render_error(RequestError("no", details={"a": 1}))["error"]["details"] == {"a": 1}


def test_a_refusal_is_read():
    error = PROVIDER.parse_error(429, {"retry-after": "2"}, b'{"error":{"message":"wait","type":"requests"}}')
    assert (error.reason, error.body.message, error.retry_after) == (Reason.RATE_LIMITED, "wait", 2.0)
