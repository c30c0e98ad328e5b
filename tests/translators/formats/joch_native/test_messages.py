"""Messages: where calls and results stand, who may hold what, and that an answer goes back in as it came out."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import Block, Message, RequestError, Text, ToolCall, ToolResult
from translators.formats.joch_native.messages import MEDIA_LIMIT, MESSAGE_LIMIT, parse_instructions, parse_messages
from translators.formats.joch_native.response import render_response

from .documents import ASKING, answer, blocks, context
from .test_blocks import bare, carried

CALL = {"id": "c", "name": "f", "args": {}}
RESULT = {"callId": "c", "content": "1"}


def parsed(*messages: Any) -> list[tuple[str, tuple[Block, ...]]]:
    found = parse_messages({"messages": list(messages)})
    return [(message.role, tuple(map(bare, message.blocks))) for message in found]


def refused(*messages: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        parse_messages({"messages": list(messages)})
    return caught.value


@given(st.lists(blocks(), min_size=1, max_size=6))
def test_an_answer_goes_back_in_as_it_came_out(turn: list[Block]) -> None:
    document = json.loads(json.dumps(render_response(answer(*turn), context())))
    message = document["choices"][0]["message"]
    ASKING.validate({"model": "m", "messages": [message]})
    (role, back), *rest = parsed(message)
    assert (role, rest) == ("assistant", [])
    assert back == tuple(map(carried, turn))


def test_calls_stand_behind_the_content_and_results_in_front_of_it() -> None:
    text, call = {"type": "text", "text": "x"}, ToolCall("c", "f", "{}")
    assert parsed({"role": "assistant", "content": [text], "toolCalls": [CALL]}) == [("assistant", (Text("x"), call))]
    assert parsed({"role": "user", "content": "x", "tool_results": [RESULT]}) == [
        ("tool", (ToolResult("c", (Text("1"),)),)),
        ("user", (Text("x"),)),
    ]


def test_content_order_places_calls_between_texts() -> None:
    texts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    message = {"role": "assistant", "content": texts, "toolCalls": [CALL], "contentOrder": ["c0", "t0", "c1"]}
    assert parsed(message) == [("assistant", (Text("a"), ToolCall("c", "f", "{}"), Text("b")))]


@pytest.mark.parametrize("order", [["c0"], ["c0", "t0", "t0"], ["c0", "t1"], ["t0", "c0", "x"], []])
def test_content_order_names_everything_once(order: list[str]) -> None:
    message = {"role": "assistant", "content": "a", "toolCalls": [CALL], "contentOrder": order}
    assert refused(message).body.param == "messages[0].contentOrder"


def test_every_result_is_a_message_of_the_tool_in_its_place() -> None:
    content = [
        {"type": "text", "text": "a"},
        {"type": "tool_result", **RESULT},
        {"type": "tool_result", **RESULT, "callId": "d"},
        {"type": "text", "text": "b"},
    ]
    assert [role for role, _ in parsed({"role": "user", "content": content})] == ["user", "tool", "tool", "user"]
    assert [role for role, _ in parsed({"role": "tool", "content": content[1:3]})] == ["tool", "tool"]


@pytest.mark.parametrize("content", ["", []])
def test_a_tools_message_may_hold_its_results_beside_the_content(content: Any) -> None:
    message = {"role": "tool", "content": content, "toolResults": [RESULT]}
    assert parsed(message) == [("tool", (ToolResult("c", (Text("1"),)),))]


def test_an_empty_text_beside_calls_is_no_block_and_alone_it_is_one() -> None:
    assert parsed({"role": "assistant", "content": "", "toolCalls": [CALL]})[0][1] == (ToolCall("c", "f", "{}"),)
    assert parsed({"role": "user", "content": ""}) == [("user", (Text(""),))]


def test_a_speaker_keeps_its_name_and_metadata_of_a_vendor_is_left_alone() -> None:
    said = {"role": "user", "name": "ada", "content": "x", "vendorMetadata": {"google": {"responseId": "r"}}}
    (message,) = parse_messages({"messages": [said]})
    assert (message.name, message.extra) == ("ada", {})


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("x", "messages[0]"),
        ({"content": "x"}, "messages[0].role"),
        ({"role": "human", "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": None}, "messages[0].content"),
        ({"role": "user", "content": "x", "contents": "x"}, "messages[0].contents"),
        ({"role": "user", "content": "x", "name": 1}, "messages[0].name"),
        ({"role": "user", "content": "x", "toolCalls": [CALL]}, "messages[0].toolCalls"),
        ({"role": "assistant", "content": "x", "toolResults": [RESULT]}, "messages[0].toolResults"),
        ({"role": "assistant", "content": "", "toolCalls": [{"id": "c"}]}, "messages[0].toolCalls[0].name"),
        ({"role": "assistant", "content": "x", "toolCalls": {}}, "messages[0].toolCalls"),
        ({"role": "user", "content": [{"type": "tool_call", **CALL}]}, "messages[0].content[0].type"),
        ({"role": "user", "content": [{"type": "reasoning", "text": "x"}]}, "messages[0].content[0].type"),
        ({"role": "system", "content": [{"type": "tool_result", **RESULT}]}, "messages[0].content[0].type"),
        ({"role": "assistant", "content": [{"type": "tool_result", **RESULT}]}, "messages[0].content[0].type"),
        ({"role": "tool", "content": "x"}, "messages[0].content"),
        ({"role": "tool", "content": [{"type": "text", "text": "x"}]}, "messages[0].content[0].type"),
        ({"role": "tool", "content": []}, "messages[0].toolResults"),
        ({"role": "tool", "content": "", "toolResults": [{"content": "x"}]}, "messages[0].toolResults[0].callId"),
        ({"role": "user", "content": "x", "vendorMetadata": []}, "messages[0].vendorMetadata"),
    ],
)
def test_a_mistake_names_its_member(message: Any, param: str) -> None:
    assert refused(message).body.param == param


def test_there_are_messages_and_not_too_many() -> None:
    for body, code in (({}, "missing_required_parameter"), ({"messages": []}, "empty_array")):
        with pytest.raises(RequestError) as caught:
            parse_messages(body)
        assert (caught.value.body.param, caught.value.body.code) == ("messages", code)
    many = [{"role": "user", "content": "x"}] * (MESSAGE_LIMIT + 1)
    assert refused(*many).body.code == "array_above_max_length"


def test_media_are_counted_wherever_they_stand() -> None:
    picture = {"type": "image", "uri": "https://example.com/a.png"}
    result = {"role": "tool", "content": "", "toolResults": [{"callId": "c", "content": [picture]}]}
    assert len(parsed({"role": "user", "content": [picture] * (MEDIA_LIMIT - 1)}, result)) == 2
    assert refused({"role": "user", "content": [picture] * MEDIA_LIMIT}, result).body.code == "too_many_media"


def test_instructions_are_words() -> None:
    assert parse_instructions({}) == ()
    assert [bare(block) for block in parse_instructions({"instructions": "be brief"})] == [Text("be brief")]
    with pytest.raises(RequestError) as caught:
        parse_instructions({"instructions": [{"type": "image", "uri": "https://a"}]})
    assert caught.value.body.param == "instructions[0].type"


def test_a_message_keeps_its_place() -> None:
    first, second = parse_messages({"messages": [{"role": "user", "content": "x"}, {"role": "user", "content": "y"}]})
    assert isinstance(first, Message)
    assert [message.origin and message.origin.pointer for message in (first, second)] == ["/messages/0", "/messages/1"]
