import json
from typing import Any

import pytest

from translators.canonical import (
    Block,
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
    Transform,
    UpstreamError,
)
from translators.formats.anthropic_messages.caching import Marks
from translators.formats.anthropic_messages.messages import EMPTY, GO_ON, Messages

from . import sdk

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "SIG"}
SEALED = Opaque("anthropic:claude", "thinking", json.dumps(THOUGHT))


def rendered(*messages: Message, instructions: tuple[Block, ...] = ()) -> tuple[list, list, list[tuple[str, str]]]:
    transforms: list[Transform] = []
    marks = Marks(transforms)
    system, turns = Messages(Request(messages=messages, instructions=instructions), marks, transforms).render()
    marks.write(automatic=False)
    body = {"model": "m", "max_tokens": 1, "messages": turns, **({"system": system} if system else {})}
    sdk.check(body)
    return system, turns, [(each.field, each.action) for each in transforms]


def user(*blocks: Block | str) -> Message:
    return Message("user", tuple(Text(block) if isinstance(block, str) else block for block in blocks))


def assistant(*blocks: Block | str) -> Message:
    return Message("assistant", tuple(Text(block) if isinstance(block, str) else block for block in blocks))


def system(text: str) -> Message:
    return Message("system", (Text(text),))


def tool(id: str, text: str = "x", **members: Any) -> Message:
    return Message("tool", (ToolResult(id, (Text(text),), **members),))


def said(text: str) -> dict:
    return {"type": "text", "text": text}


def refused(*messages: Message) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        rendered(*messages)
    assert caught.value.reason is Reason.UNSUPPORTED
    return caught.value


def test_a_plain_conversation():
    found = rendered(user("a"), assistant("b"), user("c"))
    assert found == (
        [],
        [
            {"role": "user", "content": [said("a")]},
            {"role": "assistant", "content": [said("b")]},
            {"role": "user", "content": [said("c")]},
        ],
        [],
    )


def test_neighbours_of_one_role_are_one_turn():
    _, turns, listed = rendered(user("a"), user("b"), assistant("c"), assistant("d"))
    assert [(turn["role"], len(turn["content"])) for turn in turns] == [("user", 2), ("assistant", 2)]
    assert listed == []


def test_leading_instructions_are_the_system_prompt_block_by_block():
    developer = Message("developer", (Text("two"), Text("three")))
    prompt, turns, listed = rendered(system("one"), developer, user("a"), instructions=(Text("zero"),))
    assert prompt == [said("zero"), said("one"), said("two"), said("three")]
    assert len(turns) == 1
    assert listed == []


def test_an_instruction_behind_a_users_turn_keeps_its_role():
    _, turns, listed = rendered(user("a"), system("s"), assistant("b"), user("c"), system("t"), system("u"))
    assert [(turn["role"], turn["content"]) for turn in turns] == [
        ("user", [said("a")]),
        ("system", [said("s")]),
        ("assistant", [said("b")]),
        ("user", [said("c")]),
        ("system", [said("t"), said("u")]),
    ]
    assert listed == []


@pytest.mark.parametrize(
    ("messages", "roles", "place"),
    [
        ((user("a"), system("s"), user("b")), ["user"], (0, 1)),
        ((user("a"), assistant("b"), system("s"), user("c")), ["user", "assistant", "user"], (2, 0)),
        ((user("a"), assistant("b"), system("s")), ["user", "assistant", "user"], (2, 0)),
        ((user("a"), assistant("b"), system("s"), assistant("c")), ["user", "assistant", "user", "assistant"], (2, 0)),
    ],
)
def test_an_instruction_that_may_not_stand_there_is_a_marked_note(messages, roles, place):
    _, turns, listed = rendered(*messages)
    assert [turn["role"] for turn in turns] == roles
    turn, position = place
    assert turns[turn]["content"][position] == said("<system>\ns\n</system>")
    assert listed == [("messages", "reshaped")]


def test_nothing_stands_between_calls_and_their_results():
    call = ToolCall("1", "f", "{}")
    _, turns, _ = rendered(user("a"), assistant(call), system("s"), tool("1"), user("b"))
    assert [block["type"] for block in turns[2]["content"]] == ["tool_result", "text", "text"]
    assert turns[2]["content"][1] == said("<system>\ns\n</system>")


def test_the_results_of_a_batch_are_one_turn_in_the_order_of_the_calls():
    calls = assistant("both", ToolCall("1", "f", '{"a":1}'), ToolCall("2", "g", ""))
    _, turns, listed = rendered(user("a"), calls, tool("2", "two"), tool("1", "one", is_error=True), user("so?"))
    assert turns[1]["content"] == [
        said("both"),
        {"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}},
        {"type": "tool_use", "id": "2", "name": "g", "input": {}},
    ]
    assert turns[2]["content"] == [
        {"type": "tool_result", "tool_use_id": "1", "content": [said("one")], "is_error": True},
        {"type": "tool_result", "tool_use_id": "2", "content": [said("two")]},
        said("so?"),
    ]
    assert listed == []


@pytest.mark.parametrize("arguments", ["not json", "[1]", '"x"', "null", '{"a":'])
def test_arguments_that_are_no_object_are_wrapped(arguments):
    _, turns, listed = rendered(user("a"), assistant(ToolCall("1", "f", arguments)), tool("1"))
    assert turns[1]["content"][0]["input"] == {"_raw": arguments}
    assert listed == [("messages[1].content[0].arguments", "reshaped")]


def test_an_id_that_is_not_fit_is_replaced_in_call_and_result():
    _, turns, _ = rendered(user("a"), assistant(ToolCall("functions.f:0", "f", "{}")), tool("functions.f:0"))
    assert turns[1]["content"][0]["id"] == turns[2]["content"][0]["tool_use_id"]
    assert turns[1]["content"][0]["id"].startswith("toolu_")


def test_a_namespace_is_part_of_the_name():
    _, turns, listed = rendered(user("a"), assistant(ToolCall("1", "f", "{}", namespace="crm")), tool("1"))
    assert turns[1]["content"][0]["name"] == "crm__f"
    assert listed == [("messages[1].content[0]", "reshaped")]


def test_media_in_a_result_stay_there():
    result = ToolResult("1", (Text("see"), Media(kind="image", data=PNG, mime="image/png")))
    _, turns, _ = rendered(user("a"), assistant(ToolCall("1", "f", "{}")), Message("tool", (result,)))
    assert [part["type"] for part in turns[2]["content"][0]["content"]] == ["text", "image"]


def test_an_empty_result_has_no_content():
    _, turns, _ = rendered(user("a"), assistant(ToolCall("1", "f", "{}")), tool("1", ""))
    assert turns[2]["content"] == [{"type": "tool_result", "tool_use_id": "1"}]


def test_text_that_says_nothing_is_left_out():
    _, turns, listed = rendered(user("a", "", " \n"), assistant("", ToolCall("1", "f", "{}")), tool("1"))
    assert turns[0]["content"] == [said("a")]
    assert [block["type"] for block in turns[1]["content"]] == ["tool_use"]
    assert listed == [("messages[0].content[2]", "dropped")]


def test_a_message_that_says_nothing_says_so_and_an_answer_goes():
    _, turns, listed = rendered(user(""), assistant(""), user("a"))
    assert turns == [{"role": "user", "content": [said(EMPTY), said("a")]}]
    assert listed == [("messages[0]", "emulated"), ("messages[1]", "dropped")]


@pytest.mark.parametrize("messages", [(), (system("s"),), (assistant("hello"), user("a"))])
def test_a_conversation_begins_with_a_user(messages):
    _, turns, listed = rendered(*messages)
    assert turns[0] == {"role": "user", "content": [said(GO_ON)]}
    assert ("messages", "emulated") in listed


def test_a_begun_answer_does_not_end_with_a_blank():
    _, turns, listed = rendered(user("a"), assistant("It is \n"))
    assert turns[1]["content"] == [said("It is")]
    assert listed == [("messages", "reshaped")]


def test_a_refusal_is_what_it_said():
    _, turns, _ = rendered(user("a"), assistant(Refusal("no")), user("b"))
    assert turns[1]["content"] == [said("no")]


def test_thoughts_go_back_as_they_came_in_their_place():
    redacted = Opaque("anthropic:claude", "redacted_thinking", "BLOB")
    answer = assistant(
        Reasoning(("hm",), opaque=(SEALED,)),
        "a",
        Reasoning(opaque=(redacted,)),
        ToolCall("1", "f", "{}"),
    )
    _, turns, listed = rendered(user("a"), answer, tool("1"))
    assert [block["type"] for block in turns[1]["content"]] == ["thinking", "text", "redacted_thinking", "tool_use"]
    assert turns[1]["content"][0] == THOUGHT
    assert turns[1]["content"][2] == {"type": "redacted_thinking", "data": "BLOB"}
    assert listed == []


@pytest.mark.parametrize(
    "thought",
    [
        Reasoning(text="raw"),
        Reasoning(("summary",)),
        Reasoning(opaque=(Opaque("openai", "openai.encrypted_content", "E"),)),
        Reasoning(opaque=(Opaque("anthropic:claude", "thinking", "no json"),)),
        Reasoning(opaque=(Opaque("anthropic:claude", "block", "[]"),)),
    ],
)
def test_a_thought_without_a_seal_of_ours_is_left_out_and_listed(thought):
    _, turns, listed = rendered(user("a"), assistant(thought, "b"), user("c"))
    assert turns[1]["content"] == [said("b")]
    assert listed == [("messages[1].content[0]", "dropped")]


def test_records_of_the_providers_tools_go_back_and_what_readers_saw_does_not():
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
    kept = Reasoning(opaque=tuple(Opaque("anthropic:claude", "block", json.dumps(each)) for each in (use, found)))
    seen = HostedItem("web_search", {"type": "web_search_call", "id": "srv_1"})
    cited = Text("so", ({"type": "url_citation", "url": "https://a.example"},))
    _, turns, listed = rendered(user("a"), assistant(kept, seen, cited), user("b"))
    assert turns[1]["content"] == [use, found, said("so")]
    assert listed == [("messages[1].content[1]", "mapped"), ("messages[1].content[2].annotations", "mapped")]


def test_traces_of_tools_that_ran_elsewhere_are_left_out():
    seen = HostedItem("web_search", {"type": "web_search_call", "id": "ws_1"})
    cited = Text("so", ({"type": "url_citation", "url": "https://a.example"},))
    _, turns, listed = rendered(user("a"), assistant(seen, cited), user("b"))
    assert turns[1]["content"] == [said("so")]
    assert [action for _, action in listed] == ["dropped", "dropped"]


@pytest.mark.parametrize(
    "block",
    [
        HostedItem("file_search", {"type": "file_search_call"}),
        Native("openai_responses", {"type": "x"}),
        Media(kind="image", data=PNG),
        ToolCall("1", "f", "x", "custom"),
    ],
)
def test_what_an_answer_cannot_hold_is_refused(block):
    assert refused(user("a"), assistant(block)).body.param == "messages[1].content[0]"


@pytest.mark.parametrize(
    "block",
    [
        Native("openai_chat", {"type": "x"}),
        Media(kind="audio", data="QUJD"),
        HostedItem("computer", {"type": "computer_call_output"}),
        ToolResult("1", (Text("x"),), kind="custom"),
        ToolResult("1", (Reasoning(text="x"),)),
    ],
)
def test_what_a_user_cannot_say_is_refused(block):
    refused(user(block))


def test_an_instruction_is_text():
    refused(Message("system", (Media(kind="image", data=PNG),)))


def test_marks_stand_where_the_client_put_them():
    result = Message("tool", (ToolResult("1", (Text("x"),), cache=CacheHint("1h")),))
    prompt, turns, listed = rendered(
        system("s"), user(Text("a", cache=CacheHint("1h"))), assistant(ToolCall("1", "f", "{}")), result
    )
    hour = {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in prompt[0]
    assert turns[0]["content"][0]["cache_control"] == hour
    assert turns[2]["content"][0]["cache_control"] == hour
    assert listed == []


def test_marks_on_thoughts_and_empty_texts_are_listed():
    thought = Reasoning(("hm",), opaque=(SEALED,), cache=CacheHint())
    _, _, listed = rendered(user("a", Text("", cache=CacheHint())), assistant(thought, "b"), user("c"))
    assert listed == [("messages[0].content[1].cache", "dropped"), ("messages[1].content[0].cache", "dropped")]


def test_names_and_unknown_members_are_listed():
    message = Message("user", (Text("a"),), name="ann", extra={"mood": "good"})
    assert rendered(message)[2] == [("messages[0].name", "dropped"), ("messages[0].mood", "dropped")]
