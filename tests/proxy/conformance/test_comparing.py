"""What is not as it should be, in plain words."""

from __future__ import annotations

from typing import Any

import pytest

from proxy.conformance.clients import Seen
from proxy.conformance.comparing import at, wrong_answer, wrong_error, wrong_facts, wrong_members, wrong_turns
from proxy.conformance.scenario import Step
from proxy.conformance.simulators.facts import Facts, Turn
from proxy.conformance.simulators.script import Answer, Call, Decline, Say, Tokens
from proxy.conformance.targets import TARGETS

SAID: list[Turn] = [
    ("system", "Be brief."),
    ("user", "Weather?"),
    ("assistant", "I look."),
    ("call look", "{}"),
    ("result look", "snow"),
]


def turns(heard: list[Turn], how: str = "all", *, emulated: bool = False) -> list[str]:
    return list(wrong_turns(SAID, heard, how, emulated=emulated))


def test_a_conversation_that_arrived() -> None:
    assert turns(SAID) == []
    split: list[Turn] = [("system", "Be"), ("system", "brief."), *SAID[1:]]
    assert turns(split) == [], "one text in two parts is the same text"


@pytest.mark.parametrize(
    ("heard", "words"),
    [
        (SAID[1:], "the system text 'Be brief.' did not arrive"),
        ([*SAID[:2], *SAID[3:]], "turn 2 should be assistant"),
        (SAID[:-1], "this did not arrive: result look"),
        ([*SAID, ("user", "x")], "this was not said by anybody: user: 'x'"),
        ([SAID[0], ("user", "weather?"), *SAID[2:]], "turn 1 should be user: 'Weather?'"),
        ([("system", "Be brief. Call a tool."), *SAID[1:]], "not the client's alone"),
        ([*SAID[:3], SAID[4], SAID[3]], "turn 3 should be call look"),
    ],
)
def test_a_conversation_that_did_not(heard: list[Turn], words: str) -> None:
    assert words in turns(heard)[0]


def test_what_was_emulated_may_add_to_the_instructions() -> None:
    assert turns([("system", "Be brief. Call a tool."), *SAID[1:]], emulated=True) == []


def test_looser_ways_to_compare() -> None:
    assert turns([*SAID[:3], SAID[4], SAID[3]], "unordered") == []
    assert turns([("user", "Be brief. Weather?"), *SAID[2:]], "some") == []
    assert "did not arrive in its order" in turns([*SAID[2:], *SAID[:2]], "some")[0]


def test_facts() -> None:
    facts = Facts(model="m", stream=False, tools=["a"], user="hashed")
    assert list(wrong_facts({"tools": ["a"], "user": "any", "limit": None}, facts)) == []
    assert "tools should be ['b'], and is ['a']" in next(iter(wrong_facts({"tools": ["b"]}, facts)))
    assert list(wrong_facts({"stop": "any"}, facts)) == ["stop should be 'something', and is None"]


def test_members() -> None:
    body = {"a": [{"b/c": 1}]}
    assert at(body, "/a/0/b~1c") == at(body, "/a/-1/b~1c") == 1
    assert list(wrong_members({"/a/0/b~1c": 1, "/d": None}, body)) == []
    assert list(wrong_members({"/a/1": 1, "/a": None}, body)) == [
        "/a/1 should be 1, and is absent",
        "/a must not be there",
    ]


def answer_wrong(answer: Answer, seen: Seen, sees: dict[str, Any] | None = None, *, usage: bool = True) -> list[str]:
    return list(wrong_answer(answer, seen, Step(sees=sees or {}), TARGETS[0], usage=usage))


USAGE = {"input": 20, "output": 7, "cached": 0, "written": 0, "reasoning": 0}


def test_an_answer_as_it_was_said() -> None:
    answer = Answer(blocks=(Say(("a", "b")), Call("f", '{"x":1}')))
    seen = Seen(texts=["ab"], calls=[("c", "f", '{"x": 1}')], finish="tool_calls", usage=dict(USAGE))
    assert answer_wrong(answer, seen) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"texts": ["b"]}, "the text should be"),
        ({"calls": []}, "the tool calls should be"),
        ({"calls": [("c", "f", '"{}"')]}, "the tool calls should be"),
        ({"finish": "stop"}, "the finish should be 'tool_calls'"),
        ({"usage": None}, "there is no usage"),
        ({"usage": {**USAGE, "cached": 4}}, "usage should be"),
        ({"refusal": "no"}, "the refusal should be ''"),
        ({"complaints": ["no id"]}, "no id"),
        ({"error": {"message": "m", "code": "c"}}, "the client got an error: m"),
    ],
)
def test_an_answer_that_is_not(change: dict[str, Any], words: str) -> None:
    seen = Seen(**{"texts": ["a"], "calls": [("c", "f", "{}")], "finish": "tool_calls", "usage": dict(USAGE), **change})
    assert words in answer_wrong(Answer(blocks=(Say(("a",)), Call("f", "{}"))), seen)[0]


def test_only_what_an_api_tells_is_expected_of_usage() -> None:
    answer = Answer(blocks=(Decline(("no",)),), tokens=Tokens(input=20, written=5))
    assert answer_wrong(answer, Seen(refusal="no", finish="stop", usage=dict(USAGE))) == []


ERROR = {
    "status": 429,
    "message": "Wait for it.",
    "type": "rate_limit_error",
    "code": "rate_limit_exceeded",
    "param": None,
}


def test_an_error_as_it_should_be() -> None:
    seen = Seen(error=ERROR, headers={"retry-after": "7", "x-should-retry": "true"}, raw="Wait for it.")
    expected = {
        "status": 429,
        "code": ["x", "rate_limit_exceeded"],
        "has": ["wait"],
        "retry_after": 7,
        "should_retry": "true",
    }
    assert list(wrong_error(expected, seen)) == []
    assert list(wrong_error({"in_band": "either"}, seen)) == []


@pytest.mark.parametrize(
    ("expected", "words"),
    [
        ({"status": 400}, "status should be 400"),
        ({"code": "quota"}, "code should be 'quota'"),
        ({"has": ["never"]}, "should say 'never'"),
        ({"lacks": ["wait"]}, "must not say 'wait'"),
        ({"retry_after": 8}, "retry-after should be 8"),
        ({"in_band": True}, "should come in the stream"),
    ],
)
def test_an_error_that_is_not(expected: dict[str, Any], words: str) -> None:
    assert words in next(iter(wrong_error(expected, Seen(error=ERROR, raw="Wait for it."))))


def test_an_answer_where_an_error_should_be() -> None:
    assert "there should be an error" in next(iter(wrong_error({}, Seen(texts=["ok"]))))
