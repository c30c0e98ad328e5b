import json

import pytest

from translators.canonical import HostedItem, Media, Native, Opaque, Reasoning, Text, ToolCall, UpstreamError
from translators.formats.json import dumps

from .asking import assistant, call, changes, contents, rendered, result, thought, user


def turn(*blocks, more=()) -> list[dict]:
    return contents(user("q"), assistant(*blocks), *more)[1][1]


def test_signatures_go_back_on_the_parts_they_came_with():
    part = {"executableCode": {"code": "1", "language": "PYTHON"}, "thoughtSignature": "E"}
    got = turn(
        thought("thought_signature", "T", "thinking"),
        Text("a"),
        thought("text_signature", "A"),
        thought("part", json.dumps(part)),
        thought("call_signature", "C"),
        call("x"),
        call("y"),
        more=(result("x", "1"), result("y", "2")),
    )
    assert got == [
        {"text": "thinking", "thought": True, "thoughtSignature": "T"},
        {"text": "a", "thoughtSignature": "A"},
        part,
        {"functionCall": {"id": "x", "name": "f", "args": {}}, "thoughtSignature": "C"},
        {"functionCall": {"id": "y", "name": "f", "args": {}}},
    ]


def test_the_signature_of_an_empty_text_keeps_its_own_part():
    assert turn(Text("a"), thought("thought_signature", "S")) == [{"text": "a"}, {"text": "", "thoughtSignature": "S"}]


def test_a_picture_is_signed_where_it_stands():
    picture = Media(kind="image", mime="image/png", data="iVBORw0KGgo=")
    assert turn(picture, thought("media_signature", "S")) == [
        {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}, "thoughtSignature": "S"}
    ]


def test_one_block_may_carry_several_blobs_in_their_order():
    blobs = (Opaque("g", "text_signature", "A"), Opaque("g", "call_signature", "C"))
    got = turn(Text("a"), Reasoning(opaque=blobs), call("x"), more=(result("x", "1"),))
    assert [part["thoughtSignature"] for part in got] == ["A", "C"]


def test_a_signature_that_a_chat_client_echoes_on_its_call_counts():
    echoed = ToolCall("x", "f", "{}", opaque=(Opaque("google", "thought_signature", "S"),))
    assert turn(echoed, more=(result("x", "1"),))[0]["thoughtSignature"] == "S"


@pytest.mark.parametrize(
    "blocks",
    [
        (thought("text_signature", "S"), Text("a")),  # the text before is gone
        (Text("a"), thought("media_signature", "S")),
        (Text("a"), thought("text_signature", "1"), thought("text_signature", "S")),
        (Text("a"), thought("call_signature", "S")),
        (Text("a"), thought("anthropic.signature", "S")),
        (Text("a"), thought("part", "[]")),
    ],
)
def test_a_signature_never_moves_to_another_part(blocks):
    assert all(part.get("thoughtSignature") != "S" for part in turn(*blocks))
    assert "messages[1].reasoning: dropped" in changes(user("q"), assistant(*blocks))


def test_a_thought_of_its_own_goes_back_with_its_words():
    assert turn(thought("thought", "unsigned", "so"), Text("a")) == [{"text": "so", "thought": True}, {"text": "a"}]
    thinking = Reasoning(summary=("hm",), opaque=(Opaque("g", "call_signature", "S"),))
    got = turn(thinking, call("x"), more=(result("x", "1"),))
    assert got == [
        {"text": "hm", "thought": True},
        {"functionCall": {"id": "x", "name": "f", "args": {}}, "thoughtSignature": "S"},
    ]
    assert changes(user("q"), assistant(thinking, call("x")), result("x", "1")) == []


@pytest.mark.parametrize(
    "thinking",
    [Reasoning(summary=("hm",)), Reasoning(text="hm"), Reasoning(summary=("hm",), opaque=(Opaque("g", "other", "S"),))],
)
def test_a_thought_that_may_be_anybodys_stays_here(thinking):
    assert turn(thinking, Text("a")) == [{"text": "a"}]
    assert "messages[1].reasoning: dropped" in changes(user("q"), assistant(thinking, Text("a")))


@pytest.mark.parametrize(
    ("arguments", "args"),
    [("", {}), ('{"a": 1}', {"a": 1}), ("[1]", {"_raw": "[1]"}), ('{"a": ', {"_raw": '{"a": '})],
)
def test_arguments_are_an_object(arguments, args):
    got = turn(call("x", "f", arguments), more=(result("x", "1"),))
    assert got[0]["functionCall"]["args"] == args


def test_arguments_too_deep_to_be_written_stand_as_text():
    deep = '{"a":' * 248 + "{}" + "}" * 248
    body = rendered(user("q"), assistant(call("x", arguments=deep)))
    assert dumps(body)
    assert body["contents"][1]["parts"][0]["functionCall"]["args"] == {"_raw": deep}


def test_a_namespace_becomes_part_of_the_name_of_call_and_result():
    spaced = ToolCall("x", "f", "{}", namespace="ns")
    got = contents(user("q"), assistant(spaced), result("x", "1"))
    assert got[1][1][0]["functionCall"]["name"] == got[2][1][0]["functionResponse"]["name"] == "ns__f"


@pytest.mark.parametrize("name", ["1f", "f g", "ä", "f" * 129, ""])
def test_a_name_that_google_refuses_is_named(name):
    with pytest.raises(UpstreamError) as caught:
        turn(call("x", name), more=(result("x", "1"),))
    assert name in caught.value.body.message
    assert caught.value.body.param == "messages[1].tool_calls[0]"


def test_what_a_tool_of_the_provider_did_is_left_out():
    item = HostedItem("web_search", {"type": "web_search_call", "id": "ws_1"})
    assert turn(item, Text("a")) == [{"text": "a"}]
    assert "messages[1].content: dropped" in changes(user("q"), assistant(item, Text("a")))


@pytest.mark.parametrize("block", [HostedItem("mcp", {"type": "mcp_call"}), Native("openai_responses", {})])
def test_the_traces_of_other_tools_are_refused(block):
    with pytest.raises(UpstreamError):
        turn(block)


def test_custom_calls_are_refused():
    with pytest.raises(UpstreamError, match="custom"):
        turn(ToolCall("x", "f", "text", kind="custom"))
