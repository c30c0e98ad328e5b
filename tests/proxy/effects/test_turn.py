"""What the tools of a turn did, read from requests as clients send them, in both dialects."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.effects import UNKNOWN, Act, Acted, Effect, Levels, acted, with_kept
from proxy.effects.turn import NOTHING
from proxy.resources import Tool
from translators.canonical import Message, Request, ToolResult
from translators.formats import openai_chat, openai_responses
from translators.formats.json import dumps

LEVELS = Levels(
    (
        Tool(pattern="look_up", level="read_only"),
        Tool(pattern="send_email", level="communication"),
        Tool(pattern="put_record", level="external_write", idempotent=True),
        Tool(pattern="crm.*", level="financial"),
    )
)


def chat(*messages: dict[str, Any]) -> Request:
    body = {"model": "m", "messages": list(messages)}
    return openai_chat.CLIENT.parse_request(body, dumps(body))


def responses(*items: dict[str, Any]) -> Request:
    body = {"model": "m", "input": list(items)}
    return openai_responses.CLIENT.parse_request(body, dumps(body))


def said(text: str = "go") -> dict[str, Any]:
    return {"role": "user", "content": text}


def calls(**named: str) -> dict[str, Any]:
    """An assistant's message of chat that calls tools, by call id."""
    made = [{"id": id, "type": "function", "function": {"name": name, "arguments": "{}"}} for id, name in named.items()]
    return {"role": "assistant", "content": None, "tool_calls": made}


def result(id: str) -> dict[str, Any]:
    return {"role": "tool", "tool_call_id": id, "content": "done"}


def call_item(id: str, name: str, **more: Any) -> dict[str, Any]:
    return {"type": "function_call", "call_id": id, "name": name, "arguments": "{}", **more}


def result_item(id: str) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": id, "output": "done"}


def found(request: Request, levels: Levels = LEVELS) -> Acted:
    return acted(request, levels)


# --- where a turn begins ---------------------------------------------------------------------------------------------


def test_a_turn_begins_where_the_user_speaks() -> None:
    before = [said(), calls(a="send_email"), result("a"), {"role": "assistant", "content": "sent"}]
    assert found(chat(*before, said("and now?"))) is NOTHING
    assert found(chat(*before)).known[0].tool == "send_email"


@pytest.mark.parametrize("role", ["system", "developer"])
def test_instructions_in_between_begin_no_turn(role: str) -> None:
    request = chat(said(), calls(a="send_email"), result("a"), {"role": role, "content": "be quick"})
    assert [act.tool for act in found(request).known] == ["send_email"]


def test_results_of_tools_are_no_words_of_the_user_whoever_carries_them() -> None:
    request = chat(said(), calls(a="send_email", b="look_up"), result("a"))
    carried = Request(messages=(*request.messages, Message("user", (ToolResult("b", ()),))))
    assert [act.tool for act in found(carried).known] == ["send_email", "look_up"]


def test_an_item_that_asks_for_compaction_is_no_word_of_the_user() -> None:
    request = responses(said(), call_item("a", "send_email"), result_item("a"), {"type": "compaction_trigger"})
    assert [act.tool for act in found(request).known] == ["send_email"]


def test_an_empty_message_of_the_user_begins_a_turn() -> None:
    request = chat(said(), calls(a="send_email"), result("a"))
    assert found(Request(messages=(*request.messages, Message("user", ())))) is NOTHING


def test_without_a_word_of_the_user_everything_is_the_turn() -> None:
    assert found(responses(call_item("a", "send_email"), result_item("a"))).calls == 1


def test_a_turn_without_tools_has_done_nothing() -> None:
    assert found(chat(said())) is NOTHING
    assert found(chat(said(), {"role": "assistant", "content": "hm"})) is NOTHING
    assert found(responses(said(), {"role": "assistant", "content": "hm"})) is NOTHING


# --- calls and results -----------------------------------------------------------------------------------------------

DIALECTS = {
    "chat": chat(
        said(),
        calls(a="look_up", b="send_email"),
        result("b"),
        result("a"),
        calls(c="anything", d="send_email", e="look_up"),
        result("c"),
        result("d"),
    ),
    "responses": responses(
        said(),
        call_item("a", "look_up"),
        call_item("b", "send_email"),
        result_item("b"),
        result_item("a"),
        call_item("c", "anything"),
        call_item("d", "send_email"),
        call_item("e", "look_up"),
        result_item("c"),
        result_item("d"),
    ),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_both_dialects_tell_the_same(dialect: str) -> None:
    turn = found(DIALECTS[dialect])
    assert turn.calls == 5
    assert [(act.tool, act.effect.level) for act in turn.known] == [
        ("send_email", "communication"),
        ("look_up", "read_only"),
    ]
    assert turn.unknown == turn.undeclared == ("anything",)
    assert [(act.id, act.tool) for act in turn.in_flight] == [("e", "look_up")]
    assert turn.results == ("b", "a", "c", "d")
    assert turn.levels == ("read_only", "communication")


def test_a_custom_tool_is_a_tool() -> None:
    request = responses(
        said(),
        {"type": "custom_tool_call", "call_id": "a", "name": "send_email", "input": "to: x"},
        {"type": "custom_tool_call_output", "call_id": "a", "output": "done"},
    )
    assert [act.tool for act in found(request).known] == ["send_email"]


def test_the_functions_of_old_are_tools() -> None:
    request = chat(
        said(),
        {"role": "assistant", "content": None, "function_call": {"name": "send_email", "arguments": "{}"}},
        {"role": "function", "name": "send_email", "content": "done"},
    )
    turn = found(request)
    assert [act.tool for act in turn.known] == ["send_email"]
    assert turn.in_flight == ()


def test_a_namespace_belongs_to_the_name() -> None:
    request = responses(said(), call_item("a", "pay", namespace="crm"), result_item("a"))
    (act,) = found(request).known
    assert (act.tool, act.effect.level) == ("crm.pay", "financial")


def test_an_id_that_comes_again_is_another_call() -> None:
    request = chat(said(), calls(call_0="look_up"), result("call_0"), calls(call_0="send_email"))
    turn = found(request)
    assert turn.calls == 2
    assert [act.tool for act in turn.in_flight] == ["send_email"]


def test_a_result_whose_call_the_provider_keeps_has_a_call_that_nobody_can_name() -> None:
    turn = found(responses(result_item("call_7")))
    assert (turn.calls, turn.unknown, turn.in_flight) == (1, ("call_7",), ())


def test_a_result_that_names_its_tool_is_looked_up_by_it() -> None:
    turn = found(chat(said(), {**result("a"), "name": "send_email"}))
    assert [act.tool for act in turn.known] == ["send_email"]


def test_the_level_of_the_settings_counts_for_results_too() -> None:
    request = chat(said(), calls(a="anything"), result("a"))
    assert found(request, Levels((), "destructive")).levels == ("destructive",)


# --- tools of the provider -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("item", "tool", "level"),
    [
        ({"type": "web_search_call", "id": "ws_1", "status": "completed"}, "web_search", "read_only"),
        ({"type": "file_search_call", "id": "fs_1", "status": "completed"}, "file_search", "read_only"),
        ({"type": "image_generation_call", "id": "ig_1", "status": "completed"}, "image_generation", "read_only"),
        ({"type": "tool_search_call", "id": "ts_1", "status": "completed"}, "tool_search", "read_only"),
        ({"type": "code_interpreter_call", "id": "ci_1", "status": "completed"}, "code_interpreter", UNKNOWN),
        ({"type": "program", "id": "p_1", "call_id": "c", "code": "x"}, "programmatic_tool_calling", UNKNOWN),
        ({"type": "mcp_call", "id": "m_1", "server_label": "s", "name": "do"}, "s.do", UNKNOWN),
        ({"type": "mcp_call", "id": "m_1", "server_label": "crm", "name": "pay"}, "crm.pay", "financial"),
        ({"type": "mcp_call", "id": "m_1", "server_label": "s", "name": "send_email"}, "s.send_email", "communication"),
        ({"type": "telepathy_call", "id": "t_1"}, "telepathy", UNKNOWN),
    ],
)
def test_what_the_provider_ran_has_acted(item: dict[str, Any], tool: str, level: str) -> None:
    turn = found(responses(said(), item))
    assert [(act.tool, act.effect.level) for act in turn.hosted] == [(tool, level)]
    assert (turn.calls, turn.known, turn.unknown, turn.in_flight) == (1, (), (), ())
    assert turn.undeclared == ((tool,) if level == UNKNOWN else ())


@pytest.mark.parametrize(
    "item",
    [
        {"type": "mcp_list_tools", "id": "l_1", "server_label": "s", "tools": []},
        {"type": "mcp_approval_request", "id": "r_1", "server_label": "s", "name": "do", "arguments": "{}"},
        {"type": "mcp_approval_response", "approval_request_id": "r_1", "approve": False},
        {"type": "item_reference", "id": "msg_1"},
    ],
    ids=lambda item: item["type"],
)
def test_an_item_about_a_tool_is_no_call_of_it(item: dict[str, Any]) -> None:
    assert found(responses(said(), item)) is NOTHING


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ({"type": "shell_call", "call_id": "c", "action": {}}, {"type": "shell_call_output", "call_id": "c"}),
        (
            {"type": "local_shell_call", "id": "x", "call_id": "c", "action": {}},
            {"type": "local_shell_call_output", "id": "c", "output": ""},
        ),
        (
            {"type": "local_shell_call", "id": "x", "call_id": "c", "action": {}},
            {"type": "function_call_output", "call_id": "c", "output": ""},
        ),
        ({"type": "computer_call", "call_id": "c", "action": {}}, {"type": "computer_call_output", "call_id": "c"}),
        ({"type": "apply_patch_call", "call_id": "c"}, {"type": "apply_patch_call_output", "call_id": "c"}),
    ],
    ids=["shell", "local shell", "local shell, as a function", "computer", "patch"],
)
def test_what_the_client_runs_for_the_provider_is_in_flight_until_its_result_is_there(
    call: dict[str, Any], answer: dict[str, Any]
) -> None:
    asked, answered = found(responses(said(), call)), found(responses(said(), call, answer))
    assert [act.id for act in asked.in_flight] == ["c"]
    assert (answered.calls, answered.in_flight, answered.results) == (1, (), ("c",))
    assert len(answered.undeclared) == 1


def test_a_result_of_the_clients_shell_without_its_call_has_acted_too() -> None:
    turn = found(responses({"type": "shell_call_output", "call_id": "c"}))
    assert (turn.calls, turn.undeclared) == (1, ("shell",))


def test_an_operator_may_declare_the_tools_of_a_provider() -> None:
    levels = Levels(
        (Tool(pattern="code_interpreter", level="local_write"), Tool(pattern="web_search", level="privileged"))
    )
    items = [{"type": "code_interpreter_call", "id": "a"}, {"type": "web_search_call", "id": "b"}]
    assert found(responses(said(), *items), levels).levels == ("local_write", "privileged")


def test_a_default_for_all_tools_leaves_a_search_a_search() -> None:
    request = responses(said(), {"type": "web_search_call", "id": "b"}, {"type": "code_interpreter_call", "id": "a"})
    assert found(request, Levels((), "destructive")).levels == ("read_only", "destructive")


# --- whether it may happen twice -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tools", "open_tools", "expected"),
    [
        (["look_up", "put_record"], [], True),
        (["look_up"], ["put_record"], True),
        (["send_email"], [], False),
        (["put_record"], ["send_email"], False),
        (["anything"], [], False),
        ([], ["anything"], False),
        ([], [], True),
    ],
)
def test_a_turn_is_idempotent_when_all_that_was_called_is(
    tools: list[str], open_tools: list[str], expected: bool
) -> None:
    answered = {f"a{place}": name for place, name in enumerate(tools)}
    asked = {f"o{place}": name for place, name in enumerate(open_tools)}
    request = chat(said(), calls(**answered, **asked), *map(result, answered)) if answered or asked else chat(said())
    assert found(request).idempotent is expected


def test_words_of_the_operators_own_stand_behind_the_known_levels() -> None:
    levels = Levels((Tool(pattern="a", level="quantum"), Tool(pattern="b", level="financial")))
    request = chat(said(), calls(x="a", y="b"), result("x"), result("y"))
    assert found(request, levels).levels == ("financial", "quantum")


# --- what the provider keeps, and the ledger knows -------------------------------------------------------------------

SENT = Act("send_email", Effect("communication"), "a", "ledger")
READ = Act("look_up", Effect("read_only"), "b", "ledger")
ODD = Act("anything", Effect(UNKNOWN), "c", "ledger")


def test_a_result_without_its_call_gets_its_name_from_the_ledger() -> None:
    bare = found(responses(result_item("a")))
    assert bare.undeclared == ("a",), "nothing but the call's id is known of it"
    made = with_kept(bare, [SENT])
    assert (made.calls, made.known, made.undeclared, made.results) == (1, (SENT,), (), ("a",))
    assert made.levels == ("communication",)


def test_what_the_turn_did_in_earlier_requests_is_brought_in() -> None:
    made = with_kept(found(responses(result_item("b"))), [SENT, READ, ODD])
    assert {act.tool for act in made.known} == {"send_email", "look_up"}
    assert (made.calls, made.undeclared, made.idempotent) == (3, ("anything",), False)


def test_where_the_request_holds_nothing_the_ledgers_word_is_all() -> None:
    made = with_kept(NOTHING, [SENT])
    assert (made.calls, made.known) == (1, (SENT,))
    assert with_kept(NOTHING, []) is NOTHING


def test_what_the_request_holds_itself_is_not_counted_twice() -> None:
    whole = found(chat(said(), calls(a="send_email", b="look_up"), result("a")))
    made = with_kept(whole, [SENT, Act("look_up", Effect("read_only"), "b", "ledger")])
    assert made == whole, "the request's own word of its calls counts"


def test_a_result_that_the_ledger_does_not_know_stays_unknown() -> None:
    assert with_kept(found(responses(result_item("z"))), [SENT]).undeclared == ("z",)
