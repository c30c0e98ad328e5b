"""Canonical messages as chat's, and what is lost."""

from translators.canonical import (
    CacheHint,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats.openai_chat.render_messages import Losses, render_messages


def rendered(*messages, own=False, instructions=()):
    losses = Losses(own=own)
    return render_messages(Request(messages=messages, instructions=instructions), losses), losses.transforms


def one(*blocks, role="user", own=False, **members):
    [message], transforms = rendered(Message(role, blocks, **members), own=own)
    return message, transforms


def fields(transforms: list[Transform]) -> list[tuple[str, str]]:
    return [(transform.field, transform.action) for transform in transforms]


def test_a_single_text_is_a_string_and_several_are_parts():
    assert one(Text("a"))[0] == {"role": "user", "content": "a"}
    assert one(Text("a"), Text("b"))[0]["content"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert one(Text("a"), Text("b"), role="assistant")[0]["content"] == "ab"


def test_instructions_are_the_first_system_message():
    messages, transforms = rendered(Message("user", (Text("hi"),)), instructions=(Text("be brief"),))
    assert messages[0] == {"role": "system", "content": "be brief"}
    assert fields(transforms) == [("instructions", "mapped")]


def test_names_and_roles_stay():
    message, transforms = one(Text("a"), role="developer", name="ops")
    assert message == {"role": "developer", "content": "a", "name": "ops"}
    assert transforms == []


def test_media_have_their_parts():
    message, transforms = one(
        Media(kind="image", data="QUJD", mime="image/png", detail="low"),
        Media(kind="image", url="https://example.com/a.png"),
        Media(kind="audio", data="QUJD", mime="audio/mp3"),
        Media(kind="file", data="QUJD", mime="application/pdf", filename="a.pdf"),
        Media(kind="file", file_id="file-1"),
        Media(kind="video", url="https://example.com/a.mp4"),
    )
    assert message["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD", "detail": "low"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "input_audio", "input_audio": {"data": "QUJD", "format": "mp3"}},
        {"type": "file", "file": {"file_data": "data:application/pdf;base64,QUJD", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_id": "file-1"}},
        {"type": "video_url", "video_url": {"url": "https://example.com/a.mp4"}},
    ]
    assert transforms == []


def test_a_medium_given_in_a_way_chat_has_not_is_listed():
    message, transforms = one(
        Text("see"),
        Media(kind="image", file_id="file-1"),
        Media(kind="audio", url="https://example.com/a.wav"),
        Media(kind="file", url="https://example.com/a.pdf"),
    )
    assert message["content"] == "see"
    assert fields(transforms) == [
        ("messages.image", "dropped"),
        ("messages.audio", "dropped"),
        ("messages.file", "dropped"),
    ]


def test_an_assistants_turn_holds_everything_it_said():
    message, transforms = one(
        Reasoning(text="hm"),
        Text("so"),
        Refusal("no"),
        ToolCall("a", "f", '{"x" : 1}'),
        ToolCall("b", "g", "4 + 4", "custom"),
        role="assistant",
    )
    assert message == {
        "role": "assistant",
        "content": "so",
        "reasoning_content": "hm",
        "refusal": "no",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x" : 1}'}},
            {"id": "b", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}},
        ],
    }
    assert transforms == []


def test_a_turn_of_calls_only_has_null_content():
    assert one(ToolCall("a", "f", "{}"), role="assistant")[0]["content"] is None
    assert one(Text(""), role="assistant")[0]["content"] == ""


def test_a_spoken_answer_is_referred_to_by_its_id():
    message, _ = one(Media(kind="audio", file_id="audio_1"), role="assistant")
    assert message == {"role": "assistant", "content": None, "audio": {"id": "audio_1"}}


def test_a_tools_result_is_text():
    message, transforms = one(ToolResult("a", (Text("1"), Text("2")), name="f"), role="tool")
    assert message == {"role": "tool", "tool_call_id": "a", "content": "12", "name": "f"}
    assert transforms == []


def test_media_in_results_move_behind_all_results_of_the_turn():
    picture = Media(kind="image", url="https://example.com/a.png")
    messages, transforms = rendered(
        Message("tool", (ToolResult("a", (Text("see"), picture)),)),
        Message("tool", (ToolResult("b", (Text("2"),)),)),
        Message("user", (Text("next"),)),
    )
    assert messages == [
        {"role": "tool", "tool_call_id": "a", "content": "see"},
        {"role": "tool", "tool_call_id": "b", "content": "2"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Output of tool call a:"},
                {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
            ],
        },
        {"role": "user", "content": "next"},
    ]
    assert fields(transforms) == [("messages.tool_result.media", "reshaped")]


def test_a_failed_tool_says_so_in_its_text():
    message, transforms = one(ToolResult("a", (Text("no such file"),), is_error=True), role="tool")
    assert message["content"] == "Error: no such file"
    assert fields(transforms) == [("messages.tool_result.is_error", "mapped")]


def test_results_and_text_of_one_message_are_told_one_after_the_other():
    messages, _ = rendered(Message("user", (ToolResult("a", (Text("1"),)), Text("go on"))))
    assert messages == [
        {"role": "tool", "tool_call_id": "a", "content": "1"},
        {"role": "user", "content": "go on"},
    ]


def test_cache_marks_become_breakpoints_where_there_is_a_place():
    message, transforms = one(Text("a", cache=CacheHint("30m")), Text("b", cache=CacheHint()))
    assert message["content"] == [
        {"type": "text", "text": "a", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
        {"type": "text", "text": "b", "prompt_cache_breakpoint": {"mode": "explicit"}},
    ]
    assert transforms == []
    _, transforms = one(ToolResult("a", (Text("x", cache=CacheHint()),), cache=CacheHint()), role="tool")
    assert fields(transforms) == [("messages.tool_result.cache", "dropped")]


def test_sealed_reasoning_and_hosted_items_are_listed_as_dropped():
    messages, transforms = rendered(
        Message("assistant", (Reasoning(opaque=(Opaque("p", "k", "d"),)), HostedItem("web_search", {})))
    )
    assert messages == []
    assert fields(transforms) == [
        ("messages.reasoning.opaque", "dropped"),
        ("messages.hosted.web_search", "dropped"),
    ]


def test_summaries_stand_in_for_reasoning_text():
    assert one(Reasoning(summary=("a", "b")), role="assistant")[0]["reasoning_content"] == "a\n\nb"


def test_a_namespace_is_joined_to_the_name():
    message, transforms = one(ToolCall("a", "f", "{}", namespace="ns"), role="assistant")
    assert message["tool_calls"][0]["function"]["name"] == "ns__f"
    assert fields(transforms) == [("messages.tool_call.namespace", "mapped")]


def test_what_is_native_to_chat_returns_to_it_and_to_nobody_else():
    part = {"type": "hologram"}
    assert one(Text("a"), Native("openai_chat", part))[0]["content"][1] == part
    _, transforms = one(Text("a"), Native("anthropic_messages", part))
    assert fields(transforms) == [("messages.native", "dropped")]


def test_unknown_members_return_to_a_client_of_chat_only():
    call = ToolCall("a", "f", "{}", opaque=(Opaque("google", "s", "S"),), origin=Origin(rest={"extra_content": {}}))
    own, transforms = one(call, role="assistant", own=True, extra={"odd": 1})
    assert own["odd"] == 1
    assert own["tool_calls"][0]["extra_content"] == {}
    assert transforms == []
    foreign, transforms = one(call, role="assistant", extra={"odd": 1})
    assert "odd" not in foreign
    assert fields(transforms) == [("messages.tool_call.opaque", "dropped"), ("messages.extra.odd", "dropped")]
