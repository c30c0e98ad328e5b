"""Which calls are of one execution, when nobody says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.identity import Executions, Identity
from proxy.identity.executions import turn_of
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
    StateSpec,
    Text,
    ToolCall,
    ToolResult,
)

from .calling import Clock, said

IDLE = 900.0
Ask = Callable[..., str]


def asking(executions: Executions, caller: str = "default a") -> Ask:
    """Asks for the execution of these messages; a new one is called run-1, run-2 and so on."""
    numbers = count(1)

    def ask(*texts: str, caller: str = caller, **fields: Any) -> str:
        return executions.inferred(caller, said(*texts, **fields), f"run-{next(numbers)}", IDLE).execution

    return ask


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def executions(clock: Clock) -> Executions:
    return Executions(b"salt", clock=clock)


@pytest.fixture
def ask(executions: Executions) -> Ask:
    return asking(executions)


# --- histories that grow ------------------------------------------------------------------------------------------


def test_a_loop_that_resends_what_it_sent_stays_in_its_execution(ask: Ask) -> None:
    history = ["system: s", "user: q"]
    for turn in range(5):
        assert ask(*history) == "run-1"
        history += [f"assistant: a{turn}", f"tool: t{turn}"]


def test_a_retry_joins(ask: Ask) -> None:
    assert ask("user: q", "assistant: a", "tool: t") == "run-1"
    assert ask("user: q", "assistant: a", "tool: t") == "run-1"


@pytest.mark.parametrize(
    "other",
    [
        ("system: other", "user: q", "assistant: a", "tool: t"),
        ("system: s", "user: other", "assistant: a", "tool: t"),
        ("system: s", "user: q", "assistant: other", "tool: t"),
        ("system: s", "user: q"),
        ("user: q", "assistant: a", "tool: t"),
        ("system: s", "user: q", "assistant: a", "user: t"),
    ],
)
def test_a_history_that_forks_starts_anew(ask: Ask, other: tuple[str, ...]) -> None:
    assert ask("system: s", "user: q", "assistant: a", "tool: t") == "run-1"
    assert ask(*other) == "run-2"
    assert ask("system: s", "user: q", "assistant: a", "tool: t", "user: on") == "run-1", (
        "the fork took the first along"
    )


def test_two_runs_of_one_prompt_are_one_until_they_differ(ask: Ask) -> None:
    assert ask("user: q") == ask("user: q") == "run-1"
    assert ask("user: q", "assistant: a") == "run-1"
    assert ask("user: q", "assistant: b") == "run-4"
    assert ask("user: q", "assistant: b", "tool: b") == "run-4"
    assert ask("user: q", "assistant: a", "tool: a") == "run-1"


def test_of_two_that_fit_the_nearer_one_is_gone_on_with(ask: Ask) -> None:
    assert ask("user: q", "assistant: a", "tool: t") == "run-1"
    assert ask("user: q") == "run-2"
    assert ask("user: q", "assistant: a", "tool: t", "user: on") == "run-1"


def test_callers_and_salts_part_executions(executions: Executions, clock: Clock) -> None:
    ask = asking(executions)
    assert ask("user: q", caller="default a") != ask("user: q", caller="default b")
    assert ask("user: q", caller="x a") != ask("user: q", caller="x")


def test_instructions_are_part_of_the_beginning(ask: Ask) -> None:
    assert ask("user: q", instructions=(Text("be brief"),)) == "run-1"
    assert ask("user: q", "assistant: a", instructions=(Text("be brief"),)) == "run-1"
    assert ask("user: q", "assistant: a", instructions=(Text("be long"),)) == "run-3"
    assert ask("user: q", "assistant: a") == "run-4"


def test_an_execution_ends_when_nothing_is_heard_of_it(ask: Ask, executions: Executions, clock: Clock) -> None:
    assert ask("user: q") == "run-1"
    clock.now += IDLE - 1
    assert ask("user: q", "assistant: a") == "run-1"
    clock.now += IDLE - 1
    assert ask("user: q", "assistant: a", "tool: t") == "run-1"
    clock.now += IDLE
    assert ask("user: q", "assistant: a", "tool: t", "user: on") == "run-4"
    assert executions.kept == 1, "what has ended is still kept"


def test_one_run_that_goes_on_does_not_keep_another_of_its_prompt_alive(
    ask: Ask, executions: Executions, clock: Clock
) -> None:
    assert ask("user: q", "assistant: a") == "run-1"
    assert ask("user: q", "assistant: b") == "run-2"
    clock.now += IDLE - 1
    assert ask("user: q", "assistant: b", "tool: t") == "run-2"
    clock.now += 1
    assert ask("user: q", "assistant: a") == "run-4"
    assert executions.kept == 2


def test_of_runs_of_one_prompt_the_one_that_is_idle_ends(ask: Ask, executions: Executions, clock: Clock) -> None:
    assert ask("user: q", "assistant: a") == "run-1"
    clock.now += 1
    assert ask("user: q", "assistant: b") == "run-2"
    clock.now += IDLE - 2
    assert ask("user: q", "assistant: a", "tool: t") == "run-1"
    clock.now += 3
    assert ask("user: q", "assistant: a", "tool: t", "user: on") == "run-1"
    assert executions.kept == 1


def test_what_has_ended_goes_whoever_calls_next(ask: Ask, executions: Executions, clock: Clock) -> None:
    for number in range(5):
        ask(f"user: {number}")
    clock.now += IDLE
    ask("user: other")
    assert executions.kept == 1, "ended executions wait for somebody to ask for them"


def test_memory_is_bounded_and_the_longest_idle_goes_first(clock: Clock) -> None:
    executions = Executions(b"salt", clock=clock, limit=10)
    ask = asking(executions)
    for number in range(1, 101):
        assert ask(f"user: {number}") == f"run-{number}"
        assert executions.kept <= 10
    assert ask("user: 91") == "run-91"
    assert ask("user: 90") == "run-102", "more is kept than the limit says"


def test_a_run_that_goes_on_is_kept_before_one_that_does_not(clock: Clock) -> None:
    ask = asking(Executions(b"salt", clock=clock, limit=2))
    assert ask("user: 1") == "run-1"
    assert ask("user: 2") == "run-2"
    assert ask("user: 1", "assistant: a") == "run-1"
    assert ask("user: 3") == "run-4"
    assert ask("user: 1", "assistant: a", "tool: t") == "run-1"


def test_one_prompt_that_is_run_often_at_once_does_not_fill_the_memory(clock: Clock) -> None:
    executions = Executions(b"salt", clock=clock)
    ask = asking(executions)
    for number in range(1000):
        ask("user: q", f"assistant: {number}")
    assert executions.kept == 64
    assert ask("user: q", "assistant: 999") == "run-1000"
    assert ask("user: q", "assistant: 0") == "run-1002"


@pytest.mark.parametrize("messages", [(), (Message("user", ()),)])
def test_calls_that_say_nothing_have_nothing_in_common(executions: Executions, messages: tuple[Message, ...]) -> None:
    found = {executions.inferred("c", Request(messages=messages), f"run-{n}", IDLE).execution for n in range(2)}
    assert len(found) == 2


TALK = st.lists(st.sampled_from(["system: s", "user: q", "user: r", "assistant: a", "tool: t"]), min_size=1, max_size=5)


@given(st.lists(TALK, max_size=40))
@settings(max_examples=200, deadline=None)
def test_property_calls_are_joined_as_the_rule_says(talks: list[list[str]]) -> None:
    """The rule by the letter, with whole lists: same beginning, and the last list of an execution is how this one starts."""
    ask = asking(Executions(b"salt", clock=Clock()))
    last: dict[str, list[str]] = {}
    for number, talk in enumerate(talks, 1):
        fitting = [run for run, before in last.items() if beginning(before) == beginning(talk) and starts(before, talk)]
        expected = max(fitting, key=lambda run: len(last[run]), default=f"run-{number}")
        assert ask(*talk) == expected
        last[expected] = talk


def starts(before: list[str], talk: list[str]) -> bool:
    return talk[: len(before)] == before


def beginning(talk: list[str]) -> list[str]:
    for index, text in enumerate(talk):
        if text.startswith("user"):
            return talk[: index + 1]
    leading = next((index for index, text in enumerate(talk) if not text.startswith("system")), len(talk))
    return talk[:leading]


# --- how a message is spelled -------------------------------------------------------------------------------------

PLACE = Origin("/messages/7")
BLOCKS = [
    Text("a"),
    Text("b"),
    Text("1:a"),
    Refusal("a"),
    Media(kind="image", url="a"),
    Media(kind="image", data="a"),
    Media(kind="image", file_id="a"),
    Media(kind="file", url="a"),
    Reasoning(("a",)),
    Reasoning((), "a"),
    Reasoning(("a",), None, (Opaque("i", "k", "blob"),)),
    ToolCall("a", "b", "c"),
    ToolCall("ab", "", "c"),
    ToolCall("a", "b", "d"),
    ToolCall("a", "b", "1:c"),
    ToolCall("a", "b3:", "c"),
    ToolResult("a", (Text("b"),)),
    ToolResult("a", (Text("b"), Text("c"))),
    ToolResult("b", (Text("b"),)),
    ToolResult("a", ()),
    HostedItem("web_search", {"type": "web_search_call", "id": "a"}),
    Native("openai_responses", {"type": "new"}),
    Native("openai_responses", "a"),
]


def of(executions: Executions, message: Message, new: str) -> str:
    history = (Message("user", (Text("q"),)), message)
    return executions.inferred("c", Request(messages=history), new, IDLE).execution


def test_messages_that_say_something_else_are_never_taken_for_each_other(executions: Executions) -> None:
    messages = [Message("assistant", (block,)) for block in BLOCKS]
    messages += [Message("assistant", (block, Text("and"))) for block in BLOCKS]
    messages += [Message("assistant", (Text("ab"),)), Message("assistant", (Text("a"), Text("b")))]
    messages += [Message("assistant", (Text("a"), Text("btc"))), Message("assistant", (Text("atb"), Text("c")))]
    messages += [Message("assistant", (Text("a"),), "n"), Message("assistant", (Text("a"),), "m")]
    messages += [Message("tool", (Text("a"),)), Message("assistant", ())]
    found = [of(executions, message, f"run-{number}") for number, message in enumerate(messages)]
    assert found == [f"run-{number}" for number in range(len(messages))]


def test_where_a_message_stood_and_what_is_no_part_of_it_does_not_count(executions: Executions) -> None:
    hint = CacheHint("5m")
    one = Message("assistant", (Text("a", (), None, hint, PLACE), ToolCall("i", "n", "{}", origin=PLACE)), None, PLACE)
    two = Message("assistant", (Text("a", ({"url": "u"},), (1,)), ToolCall("i", "n", "{}")), None, None, {"x": 1})
    assert of(executions, one, "run-1") == of(executions, two, "run-2") == "run-1"


def test_half_a_surrogate_pair_is_no_error(ask: Ask) -> None:
    assert ask("user: \ud83d") == ask("user: \ud83d") == "run-1"


@pytest.mark.parametrize("length", [65_536, 65_537, 200_000, 3_000_001])
def test_very_long_texts_are_told_apart_by_samples(executions: Executions, length: int) -> None:
    long = "x" * length
    ask = asking(executions)
    assert ask(f"user: {long}") == "run-1"
    assert ask(f"user: {long}") == "run-1"
    assert ask(f"user: {long}x") == "run-3"
    assert ask(f"user: y{long[1:]}") == "run-4"
    assert ask(f"user: {long[:-1]}y") == "run-5"


# --- chains of responses ------------------------------------------------------------------------------------------

WHO = Identity(execution="run-1", execution_source="header", agent="a", turn="turn-1")


def following(previous: str | None = None, conversation: Any = None, *texts: str) -> Request:
    return said(*texts, state=StateSpec(previous_response_id=previous, conversation=conversation))


def test_a_response_leads_to_the_execution_it_was_made_in(executions: Executions) -> None:
    executions.remember("resp_1", WHO)
    found = executions.chained(WHO.scope, following("resp_1"))
    assert found is not None
    assert (found.execution, found.source, found.turn) == ("run-1", "responses", "turn-1")
    executions.remember("resp_2", replace(WHO, execution=found.execution))
    on = executions.chained(WHO.scope, following("resp_2"))
    assert on is not None
    assert on.execution == "run-1", "the chain broke at its third link"


def test_a_new_message_of_the_user_begins_a_new_turn(executions: Executions) -> None:
    executions.remember("resp_1", WHO)
    found = executions.chained(WHO.scope, following("resp_1", None, "user: more"))
    assert found is not None
    assert (found.execution, found.turn) == ("run-1", None)
    turns = {turn_of("run-1", following(previous, None, "user: more")) for previous in (None, "resp_1", "resp_2")}
    assert len(turns) == 3, "turns of one chain are taken for each other"


def test_an_unknown_response_is_named_after_itself_for_one_caller_alone(executions: Executions) -> None:
    one = executions.chained("default a", following("resp_x"))
    again = executions.chained("default a", following("resp_x"))
    other = executions.chained("default b", following("resp_x"))
    assert one is not None
    assert one == again
    assert one != other
    assert one.execution.startswith("exec-r-")
    assert "resp_x" not in one.execution


def test_what_a_response_is_called_elsewhere_leads_nowhere(executions: Executions) -> None:
    executions.remember("resp_1", WHO)
    found = executions.chained("default b", following("resp_1"))
    assert found is not None
    assert found.execution != "run-1", "an id of another caller led into its execution"


@pytest.mark.parametrize("written", ["conv_1", {"id": "conv_1"}])
def test_a_conversation_is_an_execution(executions: Executions, written: Any) -> None:
    plain = executions.chained("s", following(None, "conv_1"))
    assert plain is not None
    assert plain == executions.chained("s", following(None, written, "user: more"))
    assert plain != executions.chained("t", following(None, written))
    assert plain.source == "responses"


@pytest.mark.parametrize("written", [None, "", {}, {"id": 7}, 7])
def test_what_names_no_conversation_chains_nothing(executions: Executions, written: Any) -> None:
    assert executions.chained("s", following(None, written)) is None


def test_names_are_made_with_the_salt() -> None:
    found = {Executions(salt).chained("s", following("resp_x")) for salt in (b"one", b"two")}
    assert len(found) == 2, "whoever knows an id can tell its execution"
    assert Executions(b"one").chained("s", following("resp_x")) in found, "two workers name it differently"


def test_responses_are_remembered_within_bounds_the_last_used_longest() -> None:
    executions = Executions(b"salt", limit=3)
    for number in range(3):
        executions.remember(f"resp_{number}", replace(WHO, execution=f"run-{number}"))
    executions.chained(WHO.scope, following("resp_0"))
    executions.remember("resp_3", replace(WHO, execution="run-3"))
    known = {
        number
        for number in range(4)
        if (found := executions.chained(WHO.scope, following(f"resp_{number}"))) and found.execution == f"run-{number}"
    }
    assert known == {0, 2, 3}


def test_prompts_are_not_kept(ask: Ask, executions: Executions) -> None:
    ask("system: canary-1", "user: canary-2", "assistant: canary-3")
    executions.remember("resp_canary", WHO)
    kept = repr([vars(executions)["_beginnings"], vars(executions)["_responses"]])
    assert "canary" not in kept
