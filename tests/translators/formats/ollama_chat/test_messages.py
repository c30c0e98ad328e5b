import pytest

from translators.canonical import (
    CacheHint,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    UpstreamError,
)
from translators.formats.ollama_chat.request import render_request

PNG = "iVBORw0KGgo="


def say(role: str, *texts: str) -> Message:
    return Message(role, tuple(Text(text) for text in texts))


def rendered(*messages: Message, **more):
    return render_request(Request(messages=messages, **more), "m")


def wire(*messages: Message, **more) -> list[dict]:
    return rendered(*messages, **more).body["messages"]


def listed(*messages: Message, **more) -> list[tuple[str, str]]:
    return [(change.field, change.action) for change in rendered(*messages, **more).transforms]


def test_text_parts_are_lines_of_one_string():
    assert wire(say("user", "a", "b")) == [{"role": "user", "content": "a\nb"}]


def test_the_parts_of_an_answer_are_one_text_again():
    assert wire(say("user", "q"), say("assistant", "a", "b"))[1] == {"role": "assistant", "content": "ab"}


def test_leading_instructions_are_one_system_message():
    messages = (say("system", "two"), say("developer", "three"), say("user", "q"))
    assert wire(*messages, instructions=(Text("one"),)) == [
        {"role": "system", "content": "one\n\ntwo\n\nthree"},
        {"role": "user", "content": "q"},
    ]
    assert listed(*messages) == [("messages[1].role", "mapped"), ("messages", "reshaped")]


def test_a_single_instruction_is_no_change_to_list():
    assert listed(say("system", "one"), say("user", "q")) == []


def test_a_late_instruction_joins_the_users_turn_before_it():
    got = wire(say("user", "q"), say("system", "be brief"), say("assistant", "a"), say("user", "r"))
    assert [(message["role"], message["content"]) for message in got] == [
        ("user", "q\n\n<system>\nbe brief\n</system>"),
        ("assistant", "a"),
        ("user", "r"),
    ]


def test_a_late_instruction_after_an_answer_waits_for_the_users_turn():
    got = wire(say("user", "q"), say("assistant", "a"), say("developer", "be brief"), say("user", "r"))
    assert got[2] == {"role": "user", "content": "<system>\nbe brief\n</system>\n\nr"}


def test_a_late_instruction_never_parts_a_call_from_its_result():
    got = wire(
        say("user", "q"),
        Message("assistant", (ToolCall("1", "f", "{}"),)),
        say("system", "be brief"),
        Message("tool", (ToolResult("1", (Text("r"),)),)),
    )
    assert [message["role"] for message in got] == ["user", "assistant", "tool", "user"]
    assert got[3]["content"] == "<system>\nbe brief\n</system>"


def test_a_late_instruction_between_answers_is_a_turn_of_its_own():
    got = wire(say("user", "q"), say("assistant", "a"), say("system", "s"), say("assistant", "b"), say("user", "r"))
    assert [message["role"] for message in got] == ["user", "assistant", "user", "assistant", "user"]


def test_images_stand_beside_the_text_without_their_prefix():
    message = Message(
        "user",
        (
            Text("look"),
            Media(kind="image", data=PNG, mime="image/png"),
            Media(kind="image", url=f"data:image/png;base64,{PNG}"),
            Media(kind="audio", data="UklGRg=="),
        ),
    )
    assert wire(message) == [{"role": "user", "content": "look", "images": [PNG, PNG, "UklGRg=="]}]


def test_image_detail_is_a_hint():
    message = Message("user", (Media(kind="image", data=PNG, detail="low"),))
    assert listed(message) == [("messages[0].content.detail", "dropped")]


@pytest.mark.parametrize(
    "block",
    [
        Media(kind="image", url="https://example.com/a.png"),
        Media(kind="image", url="data:image/png,raw"),
        Media(kind="image", file_id="file-1"),
        Media(kind="file", data="AA=="),
        Media(kind="video", data="AA=="),
        HostedItem("web_search_call", {}),
        Native("openai_responses", {}),
        ToolCall("1", "f", "{}"),
    ],
)
def test_what_ollama_cannot_take_raises(block):
    with pytest.raises(UpstreamError) as caught:
        wire(Message("user", (block,)))
    assert caught.value.reason is Reason.UNSUPPORTED
    assert caught.value.falls_forward


def test_media_in_an_instruction_raises():
    with pytest.raises(UpstreamError):
        wire(Message("system", (Media(kind="image", data=PNG),)))


def test_calls_carry_objects_and_results_the_name():
    got = wire(
        say("user", "q"),
        Message("assistant", (Text("so"), ToolCall("a", "f", '{"x": 1}'), ToolCall("b", "g", ""))),
        Message("tool", (ToolResult("b", (Text("B"),)),)),
        Message("tool", (ToolResult("a", (Text("A1"), Text("A2"))),)),
        Message("tool", (ToolResult("z", (Text("?"),)),)),
    )
    assert got[1] == {
        "role": "assistant",
        "content": "so",
        "tool_calls": [
            {"id": "a", "function": {"index": 0, "name": "f", "arguments": {"x": 1}}},
            {"id": "b", "function": {"index": 1, "name": "g", "arguments": {}}},
        ],
    }
    assert got[2:] == [
        {"role": "tool", "content": "B", "tool_call_id": "b", "tool_name": "g"},
        {"role": "tool", "content": "A1\nA2", "tool_call_id": "a", "tool_name": "f"},
        {"role": "tool", "content": "?", "tool_call_id": "z"},
    ]


@pytest.mark.parametrize("arguments", ['{"x": ', "[1]", '"text"', "NaN"])
def test_arguments_that_are_no_object_are_kept_whole(arguments):
    call = Message("assistant", (ToolCall("a", "f", arguments),))
    assert wire(call)[0]["tool_calls"][0]["function"]["arguments"] == {"_raw": arguments}
    assert listed(call) == [("messages[0].tool_calls[0]", "reshaped")]


def test_a_namespace_becomes_part_of_the_name():
    call = Message("assistant", (ToolCall("a", "f", "{}", namespace="crm"),))
    result = Message("tool", (ToolResult("a", (Text("r"),)),))
    got = wire(call, result)
    assert got[0]["tool_calls"][0]["function"]["name"] == "crm__f"
    assert got[1]["tool_name"] == "crm__f"


def test_images_of_results_follow_after_all_results():
    got = wire(
        Message("assistant", (ToolCall("a", "shot", "{}"), ToolCall("b", "f", "{}"))),
        Message("tool", (ToolResult("a", (Text("done"), Media(kind="image", data=PNG))),)),
        Message("tool", (ToolResult("b", (Text("B"),)),)),
        say("assistant", "fine"),
    )
    assert [message["role"] for message in got] == ["assistant", "tool", "tool", "user", "assistant"]
    assert got[3] == {"role": "user", "content": "Output of shot:", "images": [PNG]}


def test_a_failed_result_says_so_in_its_text():
    message = Message("tool", (ToolResult("a", (Text("no such file"),), is_error=True),))
    assert wire(message)[0]["content"] == "Error: no such file"
    assert listed(message) == [("messages[0]", "emulated")]


def test_results_in_a_users_turn_come_before_its_text():
    got = wire(Message("user", (Text("go on"), ToolResult("a", (Text("r"),)))))
    assert [message["role"] for message in got] == ["tool", "user"]


def test_thinking_goes_back_only_inside_the_running_turn():
    old = Message("assistant", (Reasoning(text="old"), Text("a")))
    running = Message("assistant", (Reasoning(text="new"), ToolCall("1", "f", "{}")))
    result = Message("tool", (ToolResult("1", (Text("r"),)),))
    messages = (say("user", "q"), old, say("user", "r"), running, result)
    got = wire(*messages)
    assert "thinking" not in got[1]
    assert got[3]["thinking"] == "new"
    assert listed(*messages) == [("messages[1].content[0]", "dropped")]


def test_another_providers_reasoning_stays_out():
    sealed = Message("assistant", (Reasoning(summary=("s",), opaque=(Opaque("openai", "encrypted", "x"),)), Text("a")))
    assert wire(say("user", "q"), sealed)[1] == {"role": "assistant", "content": "a"}
    assert listed(say("user", "q"), sealed) == [("messages[1].content[0]", "dropped")]


def test_a_refusal_is_what_the_assistant_said():
    assert wire(Message("assistant", (Refusal("no"),)))[0]["content"] == "no"


def test_hints_on_messages_are_listed():
    message = Message("user", (Text("q", cache=CacheHint(), annotations=({},)),), name="ann", extra={"audio": None})
    assert listed(message) == [
        ("messages[0].name", "dropped"),
        ("messages[0].audio", "dropped"),
        ("messages[0].content[0].cache", "dropped"),
        ("messages[0].content[0].annotations", "dropped"),
    ]
