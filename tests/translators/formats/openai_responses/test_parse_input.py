import pytest

from translators.canonical import (
    HostedItem,
    Message,
    Native,
    Opaque,
    Origin,
    Reasoning,
    RequestError,
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats.openai_responses.parse_input import ITEM_LIMIT, MEDIA_LIMIT, parse_input


def test_a_string_is_one_message_of_the_user():
    (message,) = parse_input("hi")
    assert message == Message("user", (Text("hi", origin=Origin("/input")),), origin=Origin("/input"))


@pytest.mark.parametrize("role", ["user", "system", "developer"])
@pytest.mark.parametrize("kind", [{}, {"type": "message"}, {"type": None}])
def test_a_message_needs_no_type_and_keeps_its_role(role, kind):
    (message,) = parse_input([{"role": role, "content": "hi", **kind}])
    assert message.role == role
    assert message.blocks == (Text("hi", origin=Origin("/input/0/content", 0, "message")),)


def test_adjacent_items_of_the_assistant_are_one_turn_in_their_order():
    items = [
        {"role": "user", "content": "go"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "hm"}],
         "content": None, "status": None, "encrypted_content": "BLOB"},
        {"type": "message", "id": "msg_1", "role": "assistant", "status": "completed", "phase": "commentary",
         "content": [{"type": "output_text", "text": "one", "annotations": []}, {"type": "refusal", "refusal": "two"}]},
        {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": "{}"},
        {"type": "custom_tool_call", "call_id": "call_2", "name": "g", "input": "free", "namespace": "ns"},
        {"type": "function_call_output", "call_id": "call_1", "output": "out"},
        {"type": "custom_tool_call_output", "call_id": "call_2", "output": [{"type": "input_text", "text": "x"}]},
        {"role": "assistant", "content": "done"},
    ]  # fmt: skip
    messages = parse_input(items)
    assert [message.role for message in messages] == ["user", "assistant", "tool", "tool", "assistant"]
    thought, one, two, searched, call, custom = messages[1].blocks
    assert thought == Reasoning(
        ("hm",),
        opaque=(Opaque("openai", "openai.encrypted_content", "BLOB"),),
        origin=Origin("/input/1", 1, "reasoning", "rs_1"),
    )
    assert one.origin == Origin("/input/2/content/0", 2, "message", "msg_1", "completed", "commentary")
    assert (one.text, two.text, two.origin.item) == ("one", "two", 2)
    assert searched == HostedItem(
        "web_search", items[3], None, Origin("/input/3", 3, "web_search_call", "ws_1", "completed")
    )
    assert call == ToolCall("call_1", "f", "{}", origin=Origin("/input/4", 4, "function_call", "fc_1"))
    assert custom == ToolCall("call_2", "g", "free", "custom", "ns", origin=Origin("/input/5", 5, "custom_tool_call"))
    (result,) = messages[2].blocks
    assert isinstance(result, ToolResult)
    assert (result.call_id, result.kind, result.content[0].text) == ("call_1", "function", "out")
    assert messages[3].blocks[0].kind == "custom"
    assert messages[1].origin == Origin("/input/1", 1)


@pytest.mark.parametrize(
    "item",
    [
        {"role": "assistant", "content": [{"type": "output_text", "text": "a"}]},
        {"type": "message", "role": "assistant", "content": None},
        {"type": "message", "role": "assistant", "content": [], "status": None, "id": None},
        {"type": "reasoning", "id": "rs_1"},
        {"type": "reasoning", "summary": [], "content": None, "encrypted_content": None, "status": None},
        {"id": "msg_1"},
        {"type": "item_reference", "id": "msg_1"},
    ],
)
def test_what_real_clients_replay_is_accepted(item):
    parse_input([{"role": "user", "content": "hi"}, item])


def test_raw_reasoning_text_is_kept_as_text():
    (turn,) = parse_input([{"type": "reasoning", "content": [{"type": "reasoning_text", "text": "raw"}]}])
    assert turn.blocks[0].text == "raw"


def test_unknown_items_and_references_stay_as_they_came():
    reference, news = {"id": "msg_1"}, {"type": "telepathy_call", "id": "tp_1", "thought": None}
    (turn,) = parse_input([reference, news])
    assert [block.raw for block in turn.blocks] == [reference, news]
    assert all(isinstance(block, Native) for block in turn.blocks)
    tools = {"type": "additional_tools", "role": "developer", "tools": []}
    trigger = {"type": "compaction_trigger"}
    assert [message.role for message in parse_input([tools, trigger])] == ["developer", "user"]


def test_the_clients_answer_to_a_hosted_tool_is_a_turn_of_its_own():
    call = {"type": "computer_call", "id": "cu_1", "call_id": "c1", "status": "completed"}
    output = {"type": "computer_call_output", "call_id": "c1", "output": {"type": "computer_screenshot"}}
    messages = parse_input([call, output])
    assert [message.role for message in messages] == ["assistant", "tool"]
    assert messages[1].blocks[0].raw is output


def test_unmodelled_members_ride_along():
    (message,) = parse_input([{"role": "user", "content": "a", "mood": 1}])
    assert message.origin.rest == {"mood": 1}
    (turn,) = parse_input([{"role": "assistant", "content": [{"type": "output_text", "text": "a"}], "mood": 1}])
    assert turn.blocks[0].origin.rest == {"message": {"mood": 1}}
    (turn,) = parse_input(
        [{"type": "function_call", "call_id": "c", "name": "f", "arguments": "", "caller": {"type": "direct"}}]
    )
    assert turn.blocks[0].origin.rest == {"caller": {"type": "direct"}}


@pytest.mark.parametrize(
    ("value", "param", "code"),
    [
        (3, "input", "invalid_type"),
        (["hi"], "input[0]", "invalid_type"),
        ([{}], "input[0].type", "missing_required_parameter"),
        ([{"type": 3}], "input[0].type", "invalid_type"),
        ([{"role": "tool", "content": "x"}], "input[0].role", "invalid_value"),
        ([{"role": "user"}], "input[0].content", "missing_required_parameter"),
        ([{"role": "user", "content": 3}], "input[0].content", "invalid_type"),
        ([{"role": "assistant", "content": 3}], "input[0].content", "invalid_type"),
        ([{"type": "function_call", "name": "f", "arguments": ""}], "input[0].call_id", "missing_required_parameter"),
        (
            [{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}],
            "input[0].arguments",
            "invalid_type",
        ),
        ([{"type": "function_call_output", "call_id": "c"}], "input[0].output", "missing_required_parameter"),
        ([{"type": "function_call_output", "output": "x"}], "input[0].call_id", "missing_required_parameter"),
        ([{"type": "function_call_output", "call_id": "c", "output": {}}], "input[0].output", "invalid_type"),
        ([{"type": "reasoning", "summary": "x"}], "input[0].summary", "invalid_type"),
        ([{"type": "reasoning", "encrypted_content": 1}], "input[0].encrypted_content", "invalid_type"),
    ],
)
def test_a_mistake_is_named_by_its_place(value, param, code):
    with pytest.raises(RequestError) as raised:
        parse_input(value)
    assert (raised.value.body.param, raised.value.body.code) == (param, code)


def test_limits_hold_at_the_limit_and_not_one_further():
    item = {"role": "user", "content": "x"}
    assert len(parse_input([item] * ITEM_LIMIT)) == ITEM_LIMIT
    with pytest.raises(RequestError, match="array too long"):
        parse_input([item] * (ITEM_LIMIT + 1))
    image = {"type": "input_image", "image_url": "https://x.test/a.png"}
    half = MEDIA_LIMIT // 2
    user = {"role": "user", "content": [image] * half}
    output = {"type": "function_call_output", "call_id": "c", "output": [image] * half}
    assert parse_input([user, output])
    with pytest.raises(RequestError, match="media parts"):
        parse_input([user, output, {"role": "user", "content": [image]}])
