import pytest

from translators.canonical import NO_USAGE, Finish, Reason, Reasoning, Text, ToolCall, UpstreamError, Usage
from translators.formats.ollama_chat.response import parse_response

ANSWER = {
    "model": "qwen3:4b",
    "created_at": "2026-08-05T08:11:13.685368123Z",
    "message": {"role": "assistant", "content": "Hi."},
    "done": True,
    "done_reason": "stop",
    "prompt_eval_count": 12,
    "eval_count": 3,
}


def answer(message=None, **members):
    return ANSWER | {"message": ANSWER["message"] | (message or {})} | members


def parsed(message=None, **members):
    return parse_response(answer(message, **members), "ollama")


def calls(*functions, **call):
    return {"content": "", "tool_calls": [{"function": function} | call for function in functions]}


def test_a_plain_answer():
    response = parsed()
    assert response.model == "qwen3:4b"
    assert response.created == 1785917473
    assert response.usage == Usage(input=12, output=3)
    assert response.choices[0].message.blocks == (Text("Hi."),)
    assert (response.choices[0].finish, response.choices[0].finish_raw) == (Finish.STOP, "stop")


def test_thinking_comes_before_the_text():
    assert parsed({"thinking": "hm"}).choices[0].message.blocks == (Reasoning(text="hm"), Text("Hi."))


def test_calls_without_ids_get_stable_ones_that_differ():
    message = calls({"name": "f", "arguments": {"x": 1}}, {"name": "f", "arguments": {"x": 1}})
    first, second = parsed(message).choices[0].message.blocks
    assert (first, second) == parsed(message).choices[0].message.blocks
    assert first.id != second.id
    assert first.id.startswith("call_")
    assert len(first.id) == 21
    assert first.arguments == '{"x":1}'


def test_the_same_call_in_another_answer_has_another_id():
    message = calls({"name": "f", "arguments": {}})
    (first,) = parsed(message).choices[0].message.blocks
    (second,) = parsed(message, created_at="2026-08-05T08:11:14Z").choices[0].message.blocks
    assert first.id != second.id


def test_ids_of_the_server_are_kept_unless_they_repeat():
    message = calls({"name": "f", "arguments": {}}, {"name": "g", "arguments": {}}, id="call_abc")
    first, second = parsed(message).choices[0].message.blocks
    assert first.id == "call_abc"
    assert second.id not in ("call_abc", "")


@pytest.mark.parametrize(("arguments", "text"), [(None, "{}"), ("", "{}"), ('{"x": 1}', '{"x": 1}'), ({}, "{}")])
def test_arguments_are_always_text(arguments, text):
    assert parsed(calls({"name": "f", "arguments": arguments})).choices[0].message.blocks[0].arguments == text


@pytest.mark.parametrize(
    ("reason", "called", "finish"),
    [
        ("stop", False, Finish.STOP),
        ("stop", True, Finish.TOOL_CALLS),
        ("length", False, Finish.LENGTH),
        ("length", True, Finish.LENGTH),
        ("load", False, Finish.STOP),
        ("unload", False, Finish.STOP),
        ("new", False, Finish.OTHER),
    ],
)
def test_why_it_ended(reason, called, finish):
    message = calls({"name": "f", "arguments": {}}) if called else None
    choice = parsed(message, done_reason=reason).choices[0]
    assert (choice.finish, choice.finish_raw) == (finish, reason)


def test_servers_that_give_no_reason_are_taken_at_their_done():
    body = answer()
    del body["done_reason"]
    assert parse_response(body, "ollama").choices[0].finish is Finish.STOP


def test_an_empty_reason_is_a_cut_answer():
    with pytest.raises(UpstreamError) as caught:
        parsed(done_reason="")
    assert caught.value.reason is Reason.STREAM_CUT


@pytest.mark.parametrize(
    ("counts", "usage"),
    [
        ({"prompt_eval_count": None}, Usage(output=3, source="partial")),
        ({"eval_count": None}, Usage(input=12, source="partial")),
        ({"prompt_eval_count": None, "eval_count": None}, NO_USAGE),
        ({"prompt_eval_count": -1, "eval_count": True}, NO_USAGE),
        ({"prompt_eval_count": 0}, Usage(input=0, output=3)),
    ],
)
def test_counts_that_are_missing_or_wrong_say_so(counts, usage):
    assert parsed(**counts).usage == usage


def test_log_probabilities_take_openais_shape():
    entry = {"token": "Hi", "logprob": -0.1, "bytes": [72, 105], "top_logprobs": [{"token": "Ho", "logprob": -2.0}]}
    text = parsed(logprobs=[entry, {"token": ".", "logprob": -0.2}]).choices[0].message.blocks[0]
    assert text.logprobs == (
        entry | {"top_logprobs": [{"token": "Ho", "logprob": -2.0, "bytes": None}]},
        {"token": ".", "logprob": -0.2, "bytes": None, "top_logprobs": []},
    )


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": "x", "done": True},
        answer({"content": 5}),
        answer({"tool_calls": {}}),
        answer({"tool_calls": [{"function": {"name": ""}}]}),
        answer({"tool_calls": [{}]}),
        answer(done=False),
    ],
)
def test_another_shape_is_a_bad_response(body):
    with pytest.raises(UpstreamError) as caught:
        parse_response(body, "ollama")
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_an_error_inside_an_answer_is_an_error():
    with pytest.raises(UpstreamError) as caught:
        parse_response({"error": "unexpected EOF"}, "ollama")
    assert (caught.value.reason, caught.value.failure) == (Reason.ERROR_5XX, "inband_error")
    with pytest.raises(UpstreamError) as caught:
        parse_response({"error": {"message": "slow down", "code": 429}}, "ollama")
    assert caught.value.reason is Reason.RATE_LIMITED


def test_a_date_that_cannot_be_read_is_no_date():
    assert parsed(created_at="soon").created == 0
    assert parsed(created_at=None).created == 0
    assert parsed(created_at="2026-99-99T99:99:99Z").created == 0


def test_a_date_with_an_offset_is_the_same_moment():
    assert parsed(created_at="2026-08-05T01:11:13.6-07:00").created == 1785917473
    assert parsed(created_at="2026-08-05T10:11:13+02:00").created == 1785917473


def test_blocks_of_calls_are_calls():
    assert all(isinstance(block, ToolCall) for block in parsed(calls({"name": "f"})).choices[0].message.blocks)
