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
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats.openai_responses.render_items import render_items

BLOB = Opaque("openai", "openai.encrypted_content", "BLOB")


def render(*messages, keep_ids=False):
    losses = []
    return render_items(messages, keep_ids=keep_ids, losses=losses), losses


def user(*blocks, **members):
    return Message("user", blocks, **members)


def test_every_role_stays_in_its_place():
    roles = ("system", "user", "developer", "assistant", "user")
    items, losses = render(*(Message(role, (Text(role),)) for role in roles))
    assert [item["role"] for item in items] == list(roles)
    assert items[1] == {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "user"}]}
    assert items[3]["content"] == [{"type": "output_text", "text": "assistant", "annotations": []}]
    assert losses == []


def test_a_turn_of_the_assistant_becomes_items_in_order():
    turn = Message(
        "assistant", (Text("a"), Refusal("b"), ToolCall("call_1", "f", ""), ToolCall("c", "g", "x", "custom"))
    )
    answers = (ToolResult("call_1", (Text("out"),)), ToolResult("c", (Text("ok"),)))
    items, _ = render(turn, *(Message("tool", (answer,)) for answer in answers))
    assert [item["type"] for item in items] == [
        "message",
        "function_call",
        "custom_tool_call",
        "function_call_output",
        "custom_tool_call_output",
    ]
    assert [part["type"] for part in items[0]["content"]] == ["output_text", "refusal"]
    assert items[1] == {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}
    assert items[3]["output"] == "out"


def test_text_and_media_of_a_message_stay_one_message():
    parts = (
        Text("look", cache=CacheHint("30m")),
        Media(kind="image", data="AA", mime="image/png"),
        Media(kind="image", url="https://x.test/a.png", detail="low", cache=CacheHint()),
        Media(kind="image", file_id="file-1"),
        Media(kind="file", data="AA", mime="application/pdf", filename="a.pdf"),
        Media(kind="file", file_id="file-2"),
        Media(kind="audio", data="AA", mime="audio/mp3"),
    )
    (item,), losses = render(user(*parts))
    assert item["content"] == [
        {"type": "input_text", "text": "look", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
        {"type": "input_image", "image_url": "data:image/png;base64,AA", "detail": "auto"},
        {
            "type": "input_image",
            "image_url": "https://x.test/a.png",
            "detail": "low",
            "prompt_cache_breakpoint": {"mode": "explicit"},
        },
        {"type": "input_image", "file_id": "file-1", "detail": "auto"},
        {"type": "input_file", "file_data": "data:application/pdf;base64,AA", "filename": "a.pdf"},
        {"type": "input_file", "file_id": "file-2"},
        {"type": "input_audio", "input_audio": {"data": "AA", "format": "mp3"}},
    ]
    assert losses == []


def test_a_result_of_several_parts_is_a_list_and_an_error_is_said():
    parts = (Text("seen"), Media(kind="image", data="AA", mime="image/png"))
    items, losses = render(
        Message("tool", (ToolResult("c1", parts),)),
        Message("tool", (ToolResult("c2", (Text("boom"),), is_error=True),)),
        Message("tool", (ToolResult("c3", parts, is_error=True),)),
        Message("tool", (ToolResult("c4", (), cache=CacheHint()),)),
    )
    assert [part["type"] for part in items[0]["output"]] == ["input_text", "input_image"]
    assert items[1]["output"] == "Error: boom"
    assert items[2]["output"][0] == {"type": "input_text", "text": "Error:"}
    assert items[3]["output"] == ""
    assert [(loss.field, loss.action) for loss in losses] == [
        ("messages[1].is_error", "reshaped"),
        ("messages[2].is_error", "reshaped"),
        ("messages[3].cache", "dropped"),
    ]


def test_a_call_and_its_result_are_renamed_alike():
    (call, result), _ = render(
        Message("assistant", (ToolCall("functions.f:0", "f", "{}"),)),
        Message("tool", (ToolResult("functions.f:0", (Text("x"),)),)),
    )
    assert call["call_id"] == result["call_id"]
    assert call["call_id"].startswith("call_")


def test_ids_are_sent_only_where_they_can_be_looked_up():
    turn = Message(
        "assistant",
        (
            Reasoning(opaque=(BLOB,), origin=Origin("/input/0", 0, "reasoning", "rs_1")),
            Text("a", origin=Origin("/input/1/content", 1, "message", "msg_1", "completed", "commentary")),
            ToolCall("c", "f", "{}", origin=Origin("/input/2", 2, "function_call", "fc_1", "completed")),
        ),
    )
    stored, _ = render(turn, keep_ids=True)
    assert [item["id"] for item in stored] == ["rs_1", "msg_1", "fc_1"]
    assert stored[1]["status"] == "completed"
    stateless, _ = render(turn)
    assert all("id" not in item and "status" not in item for item in stateless)
    assert stateless[0] == {"type": "reasoning", "summary": [], "encrypted_content": "BLOB"}
    assert stateless[1]["phase"] == "commentary"


def test_reasoning_goes_back_only_to_whom_it_came_from():
    foreign = Opaque("anthropic", "anthropic.signature", "S")
    thought = Reasoning(("s",), "raw", (foreign,))
    items, losses = render(Message("assistant", (thought, Text("a"))))
    assert [item["type"] for item in items] == ["message"]
    assert losses[0].field == "messages[0].reasoning"
    sealed = Reasoning(("s",), None, (foreign, BLOB))
    (item,), losses = render(Message("assistant", (sealed,)))
    assert item["encrypted_content"] == "BLOB"
    assert item["summary"] == [{"type": "summary_text", "text": "s"}]
    assert losses == []
    stored = Reasoning(origin=Origin("/input/0", 0, "reasoning", "rs_1"))
    assert render(Message("assistant", (stored,)), keep_ids=True)[0] == [
        {"type": "reasoning", "summary": [], "id": "rs_1"}
    ]


def test_two_messages_of_the_assistant_stay_two():
    blocks = [Text(name, origin=Origin(None, n, "message", f"msg_{n}")) for n, name in enumerate("ab")]
    items, _ = render(Message("assistant", tuple(blocks)), keep_ids=True)
    assert [item["id"] for item in items] == ["msg_0", "msg_1"]


def test_native_and_hosted_items_go_back_to_their_own_and_are_listed_elsewhere():
    reference = {"type": "item_reference", "id": "msg_1"}
    part = Native("openai_responses", {"type": "input_hologram"}, Origin("/input/0/content/0", 0, "message"))
    search = HostedItem("web_search", {"type": "web_search_call", "id": "ws_1"})
    items, losses = render(
        user(part),
        Message("assistant", (Native("openai_responses", reference, Origin("/input/1", 1, "item_reference")), search)),
    )
    assert items[0]["content"] == [{"type": "input_hologram"}]
    assert items[1:] == [reference, search.raw]
    assert losses == []
    theirs = HostedItem("web_search", {"type": "server_tool_use"}, "anthropic")
    items, losses = render(Message("assistant", (theirs, Native("openai_chat", {"type": "x"}))))
    assert items == []
    assert len(losses) == 2


def test_what_has_no_item_is_listed():
    items, losses = render(
        user(Text("a"), Media(kind="video", url="https://x.test/v.mp4"), name="ann", extra={"mood": 1}),
        Message("assistant", (Media(kind="audio", file_id="audio_1"),)),
    )
    assert len(items) == 1
    assert [loss.field for loss in losses] == [
        "messages[0].name",
        "messages[0].mood",
        "messages[0].video",
        "messages[1].audio",
    ]
