import pytest

from proxy.continuity.turns import read_turn, write_turn
from translators.canonical import HostedItem, Opaque, Reasoning, Refusal, Text, ToolCall

TURN = (
    Reasoning(("a", "b"), "raw", (Opaque("i", "k", "d"), Opaque("i", "k2", "e"))),
    Text("t"),
    Refusal("no"),
    ToolCall("c", "f", '{"x": 1.0}', "custom", "ns", (Opaque("i", "k", "s"),)),
)


def test_a_turn_comes_back_as_it_was_in_its_order():
    assert read_turn(write_turn(TURN)) == TURN


def test_what_a_provider_did_itself_is_left_out():
    assert read_turn(write_turn((HostedItem("web_search", {}), Text("t")))) == (Text("t"),)


def test_anything_else_is_no_turn():
    with pytest.raises(ValueError, match="not a turn"):
        read_turn(b'[["song", "la"]]')
