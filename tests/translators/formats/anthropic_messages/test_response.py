import pytest

from translators.canonical import Finish, Message, Opaque, Reason, Reasoning, Text, ToolCall, UpstreamError
from translators.formats.anthropic_messages.response import parse_response

BODY = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-opus-5",
    "content": [
        {"type": "thinking", "thinking": "", "signature": "SIG"},
        {"type": "text", "text": "Checking."},
        {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"b": 1, "a": "ü"}},
    ],
    "stop_reason": "tool_use",
    "stop_sequence": None,
    "stop_details": None,
    "container": None,
    "usage": {"input_tokens": 3, "output_tokens": 4, "service_tier": "standard", "inference_geo": "global"},
}


def test_a_whole_answer():
    response = parse_response(BODY, "anthropic:claude-opus-5")
    sealed = Opaque("anthropic:claude-opus-5", "thinking", '{"type":"thinking","thinking":"","signature":"SIG"}')
    assert response.choices[0].message == Message(
        "assistant",
        (Reasoning(opaque=(sealed,)), Text("Checking."), ToolCall("toolu_1", "f", '{"b":1,"a":"ü"}')),
    )
    assert (response.id, response.model, response.created) == ("msg_1", "claude-opus-5", 0)
    assert response.choices[0].finish is Finish.TOOL_CALLS
    assert (response.usage.input, response.usage.output) == (3, 4)
    assert response.service_tier == "default"
    assert response.extensions == {"inference_geo": "global"}


def test_unknown_members_and_nulls_do_no_harm():
    odd = {"id": None, "model": None, "usage": None, "content": [None, {"type": None}], "tomorrows": 1}
    response = parse_response({**BODY, **odd}, "x")
    assert (response.id, response.model, response.usage.source) == ("", "", "none")
    assert response.choices[0].message.blocks == ()


@pytest.mark.parametrize("body", [{}, {"content": "x"}, {"content": None}, {"choices": []}])
def test_another_shape_is_refused(body):
    with pytest.raises(UpstreamError) as caught:
        parse_response(body, "x")
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_an_error_with_status_200_is_an_error():
    body = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with pytest.raises(UpstreamError) as caught:
        parse_response(body, "x")
    assert (caught.value.reason, caught.value.failure) == (Reason.ERROR_5XX, "inband_error")
    with pytest.raises(UpstreamError):
        parse_response({"error": {"message": "x"}}, "x")
