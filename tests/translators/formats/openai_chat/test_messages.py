"""The client's messages, in every shape clients send them."""

import pytest

from translators.canonical import (
    CacheHint,
    Media,
    Native,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    RequestError,
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats.openai_chat.messages import parse_messages, split_data_url

PIXEL = "iVBORw0KGgo="


def parse(*messages):
    return parse_messages({"messages": list(messages)})


def blocks(message):
    return parse(message)[0].blocks


def user(*parts):
    return blocks({"role": "user", "content": list(parts)})


def test_system_messages_stay_where_they_stand():
    spoken = parse(
        {"role": "user", "content": "a"},
        {"role": "system", "content": "b"},
        {"role": "developer", "content": [{"type": "text", "text": "c"}], "name": "ops"},
    )
    assert [(message.role, message.blocks[0].text) for message in spoken] == [
        ("user", "a"),
        ("system", "b"),
        ("developer", "c"),
    ]
    assert spoken[2].name == "ops"


def test_everything_knows_its_place_in_the_body():
    message = {
        "role": "assistant",
        "content": [{"type": "text", "text": "a"}],
        "reasoning_content": "hm",
        "refusal": "no",
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    first, second = parse({"role": "user", "content": "x"}, message)
    assert first.origin == Origin("/messages/0")
    assert [block.origin.pointer for block in second.blocks] == [
        "/messages/1/reasoning_content",
        "/messages/1/content/0",
        "/messages/1/refusal",
        "/messages/1/tool_calls/0",
    ]


def test_media_parts_are_split_into_what_they_are():
    assert user(
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,JVBERi0=", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ) == (
        Media(kind="image", data=PIXEL, mime="image/png", detail="low", origin=Origin("/messages/0/content/0")),
        Media(kind="image", url="https://example.com/a.png", origin=Origin("/messages/0/content/1")),
        Media(kind="audio", data="UklGRg==", mime="audio/wav", origin=Origin("/messages/0/content/2")),
        Media(
            kind="file",
            data="JVBERi0=",
            mime="application/pdf",
            filename="a.pdf",
            origin=Origin("/messages/0/content/3"),
        ),
        Media(kind="file", file_id="file-1", provider="openai", origin=Origin("/messages/0/content/4")),
        Media(kind="video", url="https://example.com/a.mp4", origin=Origin("/messages/0/content/5")),
    )


def test_an_image_may_be_a_bare_url():
    assert user({"type": "image_url", "image_url": "https://example.com/a.png"})[0].url == "https://example.com/a.png"


def test_a_part_of_unknown_type_is_kept_whole():
    part = {"type": "hologram", "hologram": {"depth": 3}}
    assert user(part) == (Native("openai_chat", part, Origin("/messages/0/content/0")),)


def test_cache_marks_of_both_spellings_are_hints():
    marked = user(
        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
        {"type": "text", "text": "b", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "c"},
    )
    assert [block.cache for block in marked] == [CacheHint("30m"), CacheHint(), None]


def test_an_echoed_sdk_dump_is_accepted():
    """What `messages.append(choice.message.model_dump())` sends."""
    dumped = {
        "role": "assistant",
        "content": None,
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "parsed": None,
        "reasoning_content": "thinking",
        "tool_calls": [
            {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}, "index": 0},
            {"id": "c2", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}},
        ],
    }
    message = parse(dumped)[0]
    assert [type(block) for block in message.blocks] == [Reasoning, ToolCall, ToolCall]
    assert message.blocks[0].text == "thinking"
    assert (message.blocks[2].kind, message.blocks[2].arguments) == ("custom", "4 + 4")
    assert message.extra == {}


def test_members_nobody_knows_are_kept_and_nulls_are_not():
    message = parse({"role": "assistant", "content": "a", "reasoning_details": [{"type": "x"}], "odd": None})[0]
    assert message.extra == {"reasoning_details": [{"type": "x"}]}


def test_a_thought_signature_on_a_call_is_kept_as_sealed_and_as_it_came():
    extra = {"google": {"thought_signature": "S1"}}
    function = {"name": "f", "arguments": "{}"}
    call = {"id": "c", "type": "function", "function": function, "extra_content": extra}
    block = blocks({"role": "assistant", "tool_calls": [call]})[0]
    assert block.opaque == (Opaque("google", "thought_signature", "S1"),)
    assert block.origin.rest == {"extra_content": extra}


def test_arguments_are_carried_to_the_byte():
    text = '{"a" : 1,\n "b":[ ]}'
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": text}}
    assert blocks({"role": "assistant", "tool_calls": [call]})[0].arguments == text


def test_a_tool_result_may_hold_text_and_pictures():
    result = blocks(
        {
            "role": "tool",
            "tool_call_id": "c1",
            "content": [
                {"type": "text", "text": "see"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        }
    )[0]
    assert isinstance(result, ToolResult)
    assert result.call_id == "c1"
    assert [type(block) for block in result.content] == [Text, Media]


def test_a_spoken_answer_is_referred_to_by_its_id():
    sound = blocks({"role": "assistant", "content": None, "audio": {"id": "audio_1"}})[0]
    assert (sound.kind, sound.file_id, sound.provider) == ("audio", "audio_1", "openai")


def test_the_deprecated_function_calls_become_calls_and_results_that_belong_together():
    spoken = parse(
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": "1"},
        {"role": "assistant", "content": None, "function_call": {"name": "f", "arguments": "{}"}},
        {"role": "function", "name": "f", "content": None},
    )
    ids = [spoken[0].blocks[0].id, spoken[1].blocks[0].call_id, spoken[2].blocks[0].id, spoken[3].blocks[0].call_id]
    assert ids[0] == ids[1]
    assert ids[2] == ids[3]
    assert ids[0] != ids[2]
    assert spoken[1].role == "tool"
    assert spoken[1].blocks[0].name == "f"
    assert spoken[3].blocks[0].content == ()


def test_refusal_parts_and_the_refusal_member_are_refusals():
    part = {"type": "refusal", "refusal": "no"}
    assert isinstance(blocks({"role": "assistant", "content": [part]})[0], Refusal)
    assert isinstance(blocks({"role": "assistant", "refusal": "no"})[0], Refusal)


def test_an_assistant_with_an_empty_text_is_not_an_assistant_without_one():
    assert blocks({"role": "assistant", "content": ""})[0].text == ""


@pytest.mark.parametrize(
    ("message", "param", "code"),
    [
        ("hi", "messages[0]", "invalid_type"),
        ({"content": "x"}, "messages[0].role", "missing_required_parameter"),
        ({"role": "robot", "content": "x"}, "messages[0].role", "invalid_value"),
        ({"role": ["user"], "content": "x"}, "messages[0].role", "invalid_type"),
        ({"role": "user"}, "messages[0].content", "missing_required_parameter"),
        ({"role": "user", "content": 7}, "messages[0].content", "invalid_type"),
        ({"role": "user", "content": {"type": "text"}}, "messages[0].content", "invalid_type"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]", "invalid_type"),
        ({"role": "user", "content": [{}]}, "messages[0].content[0].type", "missing_required_parameter"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text", "missing_required_parameter"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {}}]},
            "messages[0].content[0].image_url.url",
            "missing_required_parameter",
        ),
        (
            {"role": "user", "content": [{"type": "file", "file": {}}]},
            "messages[0].content[0].file.file_data",
            "missing_required_parameter",
        ),
        ({"role": "user", "content": "x", "name": 3}, "messages[0].name", "invalid_type"),
        ({"role": "assistant"}, "messages[0].content", "missing_required_parameter"),
        ({"role": "assistant", "content": "", "tool_calls": {}}, "messages[0].tool_calls", "invalid_type"),
        (
            {"role": "assistant", "tool_calls": [{"type": "function", "function": {"name": "f"}}]},
            "messages[0].tool_calls[0].id",
            "missing_required_parameter",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]},
            "messages[0].tool_calls[0].function.arguments",
            "missing_required_parameter",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "f", "arguments": {}}}]},
            "messages[0].tool_calls[0].function.arguments",
            "invalid_type",
        ),
        (
            {"role": "assistant", "tool_calls": [{"id": "c", "type": "mcp"}]},
            "messages[0].tool_calls[0].type",
            "invalid_value",
        ),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id", "missing_required_parameter"),
        ({"role": "tool", "tool_call_id": "c"}, "messages[0].content", "missing_required_parameter"),
        ({"role": "function", "content": "x"}, "messages[0].name", "missing_required_parameter"),
    ],
)
def test_a_mistake_names_the_member_at_fault(message, param, code):
    with pytest.raises(RequestError) as caught:
        parse(message)
    assert (caught.value.body.param, caught.value.body.code) == (param, code)


def test_more_than_sixteen_media_parts_in_a_request_are_refused():
    picture = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
    parse(*[{"role": "user", "content": [picture] * 8}] * 2)
    with pytest.raises(RequestError) as caught:
        parse(*[{"role": "user", "content": [picture] * 9}] * 2)
    assert caught.value.body.param == "messages[1].content[7]"


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("data:image/png;base64,QUJD", ("image/png", "QUJD")),
        ("data:;base64,QUJD", (None, "QUJD")),
        ("data:text/plain,hi", (None, None)),
        ("data:image/png;base64", (None, None)),
        ("https://example.com/data:image/png;base64,QUJD", (None, None)),
    ],
)
def test_only_base64_data_urls_are_taken_apart(url, parts):
    assert split_data_url(url) == parts
