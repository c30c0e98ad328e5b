"""An answer that comes in several streams, or several whole answers, is one answer to the client."""

from translators.canonical import (
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    End,
    Finish,
    Message,
    Response,
    Start,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
    fold,
)
from translators.exchange.hops import Hops, added, joined


def said(text: str, index: int = 0) -> list:
    return [BlockStart(0, index, Text("")), BlockDelta(0, index, "text", text), BlockStop(0, index, Text(text))]


FIRST = [
    Start("a", "m"),
    *said("one "),
    ChoiceStop(0, Finish.PAUSE, "pause_turn"),
    UsageUpdate(Usage(input=10, output=3, cached=4, tool_requests={"web_search": 1})),
    End(extensions={"continuation_token": "T"}),
]
SECOND = [
    Start("b", "m"),
    *said("two"),
    BlockStart(0, 1, ToolCall("c", "f", "")),
    BlockStop(0, 1, ToolCall("c", "f", "{}")),
    ChoiceStop(0, Finish.TOOL_CALLS, "tool_use"),
    UsageUpdate(Usage(input=12, output=5, cached=6, tool_requests={"web_search": 2})),
    End(),
]


def test_two_streams_fold_to_one_answer_with_one_beginning_and_one_end():
    hops = Hops()
    seen = hops.join(FIRST)
    assert hops.paused is not None
    assert not any(isinstance(chunk, (End, ChoiceStop)) for chunk in seen)
    paused = hops.paused
    assert paused.choices[0].message.blocks == (Text("one "),)
    assert paused.extensions == {"continuation_token": "T"}
    seen += hops.join(SECOND)
    answer = fold(seen)
    assert answer.id == "a"
    assert answer.choices[0].message.blocks == (Text("one "), Text("two"), ToolCall("c", "f", "{}"))
    assert answer.choices[0].finish is Finish.TOOL_CALLS
    assert answer.usage == Usage(input=22, output=8, cached=10, tool_requests={"web_search": 3})


def test_what_came_before_a_second_pause_is_all_of_it():
    hops = Hops()
    hops.join(FIRST)
    hops.join(FIRST)
    assert hops.paused is not None
    assert hops.paused.choices[0].message.blocks == (Text("one "), Text("one "))
    assert hops.paused.usage.input == 20


def test_whole_answers_are_joined_under_the_first_ones_name():
    def answer(id: str, text: str, finish: Finish) -> Response:
        choice = Choice(index=0, message=Message("assistant", (Text(text),)), finish=finish)
        return Response(id=id, model="m", choices=(choice,), usage=Usage(input=1, output=2))

    whole = joined([answer("a", "x", Finish.PAUSE), answer("b", "y", Finish.LENGTH)])
    assert (whole.id, whole.choices[0].finish, whole.usage) == ("a", Finish.LENGTH, Usage(input=2, output=4))
    assert whole.choices[0].message.blocks == (Text("x"), Text("y"))


def test_tokens_that_nobody_counted_make_a_sum_partial():
    none = Usage(source="none")
    assert added(none, Usage(input=3)) == Usage(input=3)
    assert added(Usage(input=3), none) == Usage(input=3, source="partial")
