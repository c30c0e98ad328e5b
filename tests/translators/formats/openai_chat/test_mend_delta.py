"""Deltas that would break an SDK, and what becomes of them."""

import pytest

from translators.formats import Tally
from translators.formats.openai_chat.calls import CallTable
from translators.formats.openai_chat.mend_delta import Seen, mend_delta

from .wire import call, context, fragment


def passed(*sent, **settings):
    """The deltas as they are passed on, and whether each was changed; the role is out of the way."""
    seen, around = Seen(CallTable("answer"), Tally()), context(**settings)
    mend_delta({"role": "assistant"}, seen, around)
    return [(delta, mend_delta(delta, seen, around)) for delta in sent]


def calls(*sent):
    return [delta["tool_calls"] for delta, _ in passed(*({"tool_calls": entries} for entries in sent))]


def test_a_well_formed_delta_is_not_touched():
    for delta, changed in passed(
        {"content": "a"},
        {"content": None, "tool_calls": [call(0, "a", "f")]},
        {"tool_calls": [fragment(0, "{}")]},
        {"tool_calls": [{"index": 0, "id": None, "function": {"name": None, "arguments": None}}]},
        {"tool_calls": [{"index": 0, "id": "", "function": {"name": "", "arguments": ""}}]},
        {"refusal": "no"},
        {"annotations": [{"type": "url_citation"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "a", "index": 0}]},
    ):
        assert not changed, delta


@pytest.mark.parametrize(
    "opening",
    [
        {"id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 3, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "a", "type": "", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f"}},
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": None}},
    ],
)
def test_the_opening_of_a_call_is_made_complete(opening):
    assert calls([opening]) == [[call(0, "a", "f")]]


def test_a_call_without_id_gets_one():
    [[opened]] = calls([{"index": 0, "type": "function", "function": {"name": "f", "arguments": "{}"}}])
    assert opened["id"].startswith("call_")


@pytest.mark.parametrize(
    "later",
    [
        call(0, "a", "f", "{}"),
        {"index": 0, "type": "function", "function": {"arguments": "{}"}},
        {"index": 0, "type": None, "function": {"arguments": "{}"}},
        {"index": 0, "type": "", "function": {"arguments": "{}"}},
        {"id": "a", "function": {"arguments": "{}"}},
        {"index": 0, "function": {"arguments": {}}},
    ],
)
def test_later_fragments_say_nothing_twice(later):
    assert calls([call(0, "a", "f")], [later])[1] == [fragment(0, "{}")]


def test_parallel_calls_of_one_index_get_their_own():
    same = [call(0, "a", "f", "{}"), call(0, "b", "g", "{}")]
    assert calls(same) == [[call(0, "a", "f", "{}"), call(1, "b", "g", "{}")]]


def test_arguments_told_twice_are_told_once():
    assert calls([call(0, "a", "f", '{"x":1}')], [fragment(0, '{"x":1}')])[1] == [fragment(0, "")]


def test_a_custom_call_is_opened_like_any_other():
    custom = {"id": "c", "type": "custom", "custom": {"name": "g", "input": "4"}}
    assert calls([custom]) == [[{**custom, "index": 0}]]


def test_calls_that_are_no_list_go():
    assert passed({"content": "a", "tool_calls": {"index": 0}}) == [({"content": "a"}, True)]


def test_content_parts_become_a_string_and_reasoning():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert passed({"content": [thinking, {"type": "text", "text": "4"}]}) == [
        ({"content": "4", "reasoning_content": "hm"}, True)
    ]


def test_lists_without_index_are_numbered_from_the_second_on():
    """The Python helper raises on the second list whose entries have no index."""
    sent = [{"annotations": [{"type": "a"}]}, {"annotations": [{"type": "b"}, {"type": "c", "index": 9}]}]
    assert [delta["annotations"] for delta, _ in passed(*sent)] == [
        [{"type": "a"}],
        [{"type": "b", "index": 1}, {"type": "c", "index": 9}],
    ]


def test_hidden_reasoning_leaves_nothing():
    sent = {"content": "a", "reasoning": "b", "reasoning_content": "c", "reasoning_details": [{}]}
    assert passed(sent, show_reasoning=False) == [({"content": "a"}, True)]
