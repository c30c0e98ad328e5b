import re
import time

import pytest

from translators.canonical import Transform
from translators.formats.anthropic_messages.pairs import NO_RESULT, finished, fitting_id, paired


def use(id: str) -> dict:
    return {"type": "tool_use", "id": id, "name": "f", "input": {}}


def result(id: str, text: str = "x") -> dict:
    return {"type": "tool_result", "tool_use_id": id, "content": [{"type": "text", "text": text}]}


def said(text: str) -> dict:
    return {"type": "text", "text": text}


def user(*content: dict) -> dict:
    return {"role": "user", "content": list(content)}


def assistant(*content: dict) -> dict:
    return {"role": "assistant", "content": list(content)}


def repaired(*turns: dict) -> tuple[list[dict], list[tuple[str, str]]]:
    transforms: list[Transform] = []
    return paired(list(turns), transforms), [(each.field, each.action) for each in transforms]


def test_a_conversation_in_order_stays_as_it_is():
    turns = [user(said("a")), assistant(use("1"), use("2")), user(result("1"), result("2"), said("b"))]
    expected = [{**turn, "content": list(turn["content"])} for turn in turns]
    assert repaired(*turns) == (expected, [])


def test_results_come_first_and_in_the_order_of_the_calls():
    turns, listed = repaired(user(said("a")), assistant(use("1"), use("2")), user(said("b"), result("2"), result("1")))
    assert turns[2] == user(result("1"), result("2"), said("b"))
    assert listed == []


def test_long_batches_and_ids_used_again_and_again_cost_no_more_than_their_length():
    """The time per call of a large conversation is that of a small one, whatever order the results come in."""

    def cost(size: int) -> float:
        batch = [use(str(at)) for at in range(size)]
        answers = [result(str(at)) for at in reversed(range(size))]
        again = [turn for _ in range(size) for turn in (assistant(use("x")), user(result("x")))]
        started = time.perf_counter()
        turns = paired([user(said("a")), assistant(*batch), user(*answers), *again], [])
        spent = time.perf_counter() - started
        assert [each["tool_use_id"] for each in turns[2]["content"]] == [each["id"] for each in batch]
        return spent

    assert min(cost(4000) for _ in range(3)) < 30 * min(cost(400) for _ in range(3))


def test_of_two_results_for_one_call_the_second_is_told():
    turns, listed = repaired(user(said("a")), assistant(use("1")), user(result("1", "x"), result("1", "y")))
    assert turns[2] == user(result("1", "x"), said("[result of the tool call 1]"), said("y"))
    assert listed == [("messages", "reshaped")]


def test_a_call_without_a_result_gets_one_that_says_so():
    missing = {"type": "tool_result", "tool_use_id": "2", "content": NO_RESULT, "is_error": True}
    turns, listed = repaired(user(said("a")), assistant(use("1"), use("2")), user(result("1")))
    assert turns[2] == user(result("1"), missing)
    assert listed == [("messages", "emulated")]


def test_calls_at_the_end_or_before_another_answer_are_answered_too():
    turns, listed = repaired(user(said("a")), assistant(use("1")))
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user"]
    assert turns[2]["content"][0]["tool_use_id"] == "1"
    assert len(listed) == 1
    turns, _ = repaired(user(said("a")), assistant(use("1")), {"role": "system", "content": [said("s")]})
    assert [turn["role"] for turn in turns] == ["user", "assistant", "user", "system"]


def test_a_result_without_its_call_becomes_text():
    turns, listed = repaired(user(result("9", "twelve"), said("a")))
    assert turns == [user(said("[result of the tool call 9]"), said("twelve"), said("a"))]
    assert listed == [("messages", "reshaped")]


def test_a_second_result_for_the_same_call_becomes_text_behind_the_results():
    turns, listed = repaired(user(said("a")), assistant(use("1")), user(result("1", "x"), result("1", "y"), said("b")))
    assert turns[2]["content"] == [result("1", "x"), said("[result of the tool call 1]"), said("y"), said("b")]
    assert listed == [("messages", "reshaped")]


def test_a_result_that_comes_a_turn_too_late_is_no_result():
    turns, listed = repaired(
        user(said("a")), assistant(use("1")), user(said("b")), assistant(said("c")), user(result("1"))
    )
    assert turns[2]["content"][0]["content"] == NO_RESULT
    assert turns[4]["content"][0] == said("[result of the tool call 1]")
    assert [action for _, action in listed] == ["emulated", "reshaped"]


def test_ids_that_come_again_are_told_apart():
    """Some clients number calls anew in every turn; the API refuses an id that it saw before."""
    turns, listed = repaired(
        user(said("a")),
        assistant(use("call_0")),
        user(result("call_0", "first")),
        assistant(use("call_0"), use("call_0")),
        user(result("call_0", "second"), result("call_0", "third")),
    )
    assert [block["id"] for turn in turns for block in turn["content"] if block["type"] == "tool_use"] == [
        "call_0",
        "call_0_2",
        "call_0_3",
    ]
    assert turns[4]["content"] == [result("call_0_2", "second"), result("call_0_3", "third")]
    assert listed == []


@pytest.mark.parametrize("given", ["call_1", "toolu_01ABC-x", "0"])
def test_a_fitting_id_stays(given):
    assert fitting_id(given) == given


@pytest.mark.parametrize("given", ["functions.f:0", "", "ü", "call 1", "\ud800"])
def test_another_is_replaced_the_same_way_each_time(given):
    made = fitting_id(given)
    assert re.fullmatch(r"toolu_[a-z2-7]{24}", made)
    assert made == fitting_id(given)
    assert made != fitting_id(given + "x")


def searched(id: str) -> dict:
    return {"type": "server_tool_use", "id": id, "name": "web_search", "input": {}}


def found(id: str) -> dict:
    return {"type": "web_search_tool_result", "tool_use_id": id, "content": []}


def test_a_search_that_was_cut_off_is_not_sent_again():
    """The API refuses a use of its own tools without a result, and so every later turn of such a conversation."""
    transforms: list[Transform] = []
    turns = [user(said("a")), assistant(searched("1"), found("1"), searched("2")), user(said("b"))]
    before = [{**turn, "content": list(turn["content"])} for turn in turns]
    assert finished(turns, transforms)[1] == assistant(searched("1"), found("1"))
    assert [(each.field, each.action) for each in transforms] == [("messages", "dropped")]
    assert turns == before


@pytest.mark.parametrize(
    "turns",
    [
        [user(said("a")), assistant(searched("1"), found("1")), user(said("b"))],
        [user(said("a")), assistant(searched("1"), use("2")), user(result("2"))],
        [user(said("a")), assistant(searched("1"))],
    ],
)
def test_a_search_that_is_answered_or_may_be_stays(turns):
    transforms: list[Transform] = []
    assert finished(turns, transforms) == turns
    assert transforms == []
