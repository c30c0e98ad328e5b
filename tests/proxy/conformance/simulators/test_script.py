"""Answers in no dialect."""

from proxy.conformance.simulators.script import Answer, Call, Decline, Say, Thought, compact


def test_an_answer_tells_its_parts() -> None:
    answer = Answer(blocks=(Thought("t"), Say(("a", "b")), Call("f", '{"x":1}'), Say(("c",)), Decline(("n", "o"))))
    assert (answer.text, answer.pieces, answer.declined) == ("abc", ("a", "b", "c"), "no")
    assert answer.calls[0].parsed == {"x": 1}
    assert [thought.text for thought in answer.thoughts] == ["t"]


def test_arguments_keep_their_order() -> None:
    assert compact({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}'
