"""Fragments of tool calls find their call, however carelessly a server numbers them."""

import pytest

from translators.formats.openai_chat.calls import CallTable, call_id, kind_of, name_of, text_of


def gathered(*fragments):
    """Position, id, name and arguments of the calls that `fragments` amount to."""
    table = CallTable("answer")
    for fragment in fragments:
        call, _ = table.find(fragment)
        call.add(text_of(fragment))
    return [(call.position, call.id, call.name, call.text) for call in table.calls]


def piece(arguments=None, *, name=None, **members):
    function = {}
    if name is not None:
        function["name"] = name
    if arguments is not None:
        function["arguments"] = arguments
    return {**members, "function": function}


TWO = [(0, "a", "f", '{"x":1}'), (1, "b", "g", '{"y":2}')]


@pytest.mark.parametrize(
    "fragments",
    [
        pytest.param(
            [
                piece("", name="f", index=0, id="a"),
                piece('{"x"', index=0),
                piece(":1}", index=0),
                piece("", name="g", index=1, id="b"),
                piece('{"y":2}', index=1),
            ],
            id="as OpenAI numbers them",
        ),
        pytest.param(
            [
                piece("", name="f", index=0, id="a"),
                piece("", name="g", index=1, id="b"),
                piece('{"y"', index=1),
                piece('{"x":1}', index=0),
                piece(":2}", index=1),
            ],
            id="interleaved",
        ),
        pytest.param(
            [
                piece('{"x"', name="f", index=0, id="a"),
                piece(":1}", name="f", index=0, id="a"),
                piece('{"y":2}', name="g", index=1, id="b"),
            ],
            id="id and name repeated",
        ),
        pytest.param(
            [piece('{"x":1}', name="f", id="a"), piece('{"y":2}', name="g", id="b")],
            id="no index",
        ),
        pytest.param(
            [
                piece("", name="f", id="a"),
                piece('{"x":1}'),
                piece("", name="g", id="b"),
                piece('{"y":2}'),
            ],
            id="no index, fragments without id",
        ),
        pytest.param(
            [piece('{"x":1}', name="f", index=0, id="a"), piece('{"y":2}', name="g", index=0, id="b")],
            id="index 0 for every call",
        ),
        pytest.param(
            [
                piece("", name="f", index=0, id="a"),
                piece('{"x":1}', index=0, id="a"),
                piece("", name="g", index=0, id="b"),
                piece('{"y":2}', index=0, id="b"),
            ],
            id="index 0 for every call, told apart by id",
        ),
        pytest.param(
            [
                piece("", name="f", index=1, id="a"),
                piece('{"x":1}', index=1),
                piece('{"y":2}', name="g", index=2, id="b"),
            ],
            id="index from 1",
        ),
        pytest.param(
            [
                piece({"x": 1}, name="f", index=0, id="a"),
                piece({"y": 2}, name="g", index=1, id="b"),
            ],
            id="arguments as objects",
        ),
        pytest.param(
            [
                piece('{"x":1}', name="f", index=0, id="a"),
                piece('{"x":1}', index=0),
                piece('{"y":2}', name="g", index=1, id="b"),
            ],
            id="whole arguments twice",
        ),
        pytest.param(
            [
                piece(None, name="f", index=0, id="a"),
                piece('{"x":1}', index=0, id=None, type=None),
                piece('{"y":2}', name="g", index=1, id="b"),
            ],
            id="nulls and no arguments at first",
        ),
    ],
)
def test_two_calls_are_two_calls(fragments):
    assert gathered(*fragments) == TWO


def test_calls_without_ids_are_told_apart_by_their_names():
    assert [call[2:] for call in gathered(piece('{"x":1}', name="f"), piece('{"x":2}', name="f"))] == [
        ("f", '{"x":1}'),
        ("f", '{"x":2}'),
    ]


def test_a_missing_id_is_made_up_from_the_answer_and_stays_the_same():
    first = gathered(piece("{}", name="f"))[0][1]
    assert first == call_id("answer", 0) == gathered(piece("{}", name="f"))[0][1]
    assert first.startswith("call_")
    assert first != call_id("answer", 1)
    assert first != call_id("other answer", 0)


def test_a_repeated_digit_is_no_repetition_of_the_arguments():
    assert gathered(piece("1", name="f", index=0, id="a"), piece("1", index=0))[0][3] == "11"


def test_a_custom_call_is_told_by_its_type_and_an_empty_member_beside_it_does_not_count():
    custom = {"id": "c", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}}
    assert (kind_of(custom), name_of(custom), text_of(custom)) == ("custom", "g", "4 + 4")
    both = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}, "custom": {"name": ""}}
    assert (kind_of(both), name_of(both), text_of(both)) == ("function", "f", "{}")
