"""Whole answers that pass through: untouched, or corrected where an SDK would break."""

import copy

import pytest

from translators.canonical import UpstreamError
from translators.formats.openai_chat.mend import mend

from .wire import answer

CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def message(sent, **settings):
    body = answer(sent, **settings)
    before = copy.deepcopy(body)
    mended = mend(body)
    assert body == before, "the body was changed in place"
    return None if mended is None else mended["choices"][0]["message"]


def test_a_good_answer_is_left_alone():
    assert mend(answer({"content": "hi"})) is None
    assert mend(answer({"tool_calls": [CALL]}, finish="tool_calls")) is None
    assert (
        mend(answer({"content": "hi"}, usage={"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 0}}))
        is None
    )
    assert mend(answer({"content": "hi", "tool_calls": None, "reasoning": "x"}, provider="x")) is None


def test_missing_keys_are_added():
    body = answer({})
    body["choices"][0]["message"] = {"role": "assistant", "tool_calls": [CALL]}
    mended = mend(body)["choices"][0]
    assert mended["message"] == {"role": "assistant", "tool_calls": [CALL], "content": None, "refusal": None}
    assert mended["finish_reason"] == "tool_calls"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ({"id": "c", "function": {"name": "f", "arguments": "{}"}}, CALL),
        ({"id": "c", "type": "", "function": {"name": "f", "arguments": {}}}, CALL),
        ({"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}, CALL),
        ({"id": "c", "type": "function", "function": {"name": "f", "arguments": "null"}}, CALL),
        ({"id": "c", "type": "function", "function": {"name": "f", "arguments": None}}, CALL),
        ({"id": "c", "type": "function", "function": {"name": "f"}}, CALL),
    ],
)
def test_calls_are_made_complete(call, expected):
    assert message({"tool_calls": [call]}, finish="tool_calls")["tool_calls"] == [expected]


def test_a_call_without_id_gets_one():
    bare = {"type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert message({"tool_calls": [bare]}, finish="tool_calls")["tool_calls"][0]["id"].startswith("call_")


def test_empty_calls_go_since_clients_look_for_the_member():
    assert "tool_calls" not in message({"content": "a", "tool_calls": []})
    assert "function_call" not in message({"content": "a", "function_call": {"name": "", "arguments": ""}})


@pytest.mark.parametrize(("said", "passed"), [("eos", "stop"), ("", "stop"), (None, "stop"), ("max_tokens", "length")])
def test_the_finish_reason_becomes_one_of_the_five(said, passed):
    assert mend(answer({"content": "a"}, finish=said))["choices"][0]["finish_reason"] == passed


def test_a_finish_reason_that_means_failure_fails():
    with pytest.raises(UpstreamError):
        mend(answer({"content": "half"}, finish="error"))


def test_content_that_is_no_string_becomes_one():
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "4"}]
    assert message({"content": parts})["content"] == "4"
    assert message({"content": parts})["reasoning_content"] == "hm"
    assert message({"content": {"title": "Apples"}})["content"] == '{"title":"Apples"}'


def test_what_azure_filtered_gets_a_message():
    body = answer({})
    body["choices"] = [{"index": 0, "finish_reason": "content_filter"}]
    assert mend(body)["choices"][0]["message"] == {"role": "assistant", "content": None, "refusal": None}


def test_null_usage_details_and_a_missing_object_are_put_right():
    body = answer({"content": "a"}, usage={"prompt_tokens": 1, "prompt_tokens_details": None})
    del body["object"]
    mended = mend(body)
    assert mended["object"] == "chat.completion"
    assert mended["usage"]["prompt_tokens_details"]["cached_tokens"] == 0
    assert mended["choices"] is body["choices"]
    assert body["usage"]["prompt_tokens_details"] is None


def test_no_choices_are_no_answer():
    with pytest.raises(UpstreamError):
        mend({"object": "chat.completion"})
