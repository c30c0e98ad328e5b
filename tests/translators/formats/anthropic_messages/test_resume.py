import json

from translators.canonical import Message, Request, Text
from translators.formats.anthropic_messages import PROVIDER
from translators.formats.anthropic_messages.resume import resume

from . import sdk
from .streams import block, end, folded, start, text, thinking

USE = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}}
FOUND = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
BODY = PROVIDER.render_request(
    Request(messages=(Message("user", (Text("hi"),)),), web_search={}), "claude-opus-4-6"
).body


def test_the_answer_so_far_goes_back_as_it_came_as_the_last_turn():
    paused = folded(start(), thinking(0, "hm"), text(1, "Let me look."), block(2, USE), end("pause_turn"))
    following = resume(BODY, paused)
    assert following["messages"] == [
        *BODY["messages"],
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": "hm", "signature": "SIG"},
                {"type": "text", "text": "Let me look."},
                USE,
            ],
        },
    ]
    assert {name: value for name, value in following.items() if name != "messages"} == {
        name: value for name, value in BODY.items() if name != "messages"
    }
    sdk.check(following)


def test_what_was_sent_is_not_changed():
    before = json.dumps(BODY)
    resume(BODY, folded(start(), block(0, USE), end("pause_turn")))
    assert json.dumps(BODY) == before


def test_traces_for_readers_do_not_go_back_beside_the_records():
    paused = folded(start(), block(0, USE), block(1, FOUND), block(2, {**USE, "id": "srv_2"}), end("pause_turn"))
    content = resume(BODY, paused)["messages"][-1]["content"]
    assert content == [USE, FOUND, {**USE, "id": "srv_2"}]


def test_the_container_is_named_so_that_the_program_goes_on_in_it():
    paused = folded(start(), block(0, USE), end("pause_turn", container={"id": "container_1", "expires_at": "x"}))
    assert resume(BODY, paused)["container"] == "container_1"


def test_an_answer_that_the_client_began_goes_on():
    begun = {"role": "assistant", "content": [{"type": "text", "text": "It is"}]}
    body = {**BODY, "messages": [*BODY["messages"], begun]}
    following = resume(body, folded(start(), text(0, " known"), block(1, USE), end("pause_turn")))
    assert following["messages"][-1]["content"] == [*begun["content"], {"type": "text", "text": " known"}, USE]
    assert len(following["messages"]) == len(body["messages"])
