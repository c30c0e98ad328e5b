"""Finish reasons: any vendor's word in, one of OpenAI's five out."""

import pytest

from translators.canonical import Finish, UpstreamError
from translators.formats.openai_chat.finish import parse_finish, render_finish, wire_finish

FIVE = {"stop", "length", "tool_calls", "content_filter", "function_call"}


@pytest.mark.parametrize(
    ("raw", "five"),
    [
        ("stop", "stop"),
        ("eos", "stop"),
        ("end_turn", "stop"),
        ("STOP", "stop"),
        ("length", "length"),
        ("max_tokens", "length"),
        ("MAX_TOKENS", "length"),
        ("model_length", "length"),
        ("tool_use", "tool_calls"),
        ("content_filter", "content_filter"),
        ("SAFETY", "content_filter"),
        ("function_call", "function_call"),
        ("something new", "stop"),
    ],
)
def test_vendors_words_become_the_five(raw, five):
    assert wire_finish(raw, calls=False) == five


def test_a_stop_with_calls_means_tool_calls_but_a_length_stays_one():
    assert wire_finish("stop", calls=True) == "tool_calls"
    assert wire_finish("length", calls=True) == "length"


@pytest.mark.parametrize("raw", ["error", "abort", "Error"])
def test_a_word_for_failure_is_a_failure(raw):
    with pytest.raises(UpstreamError) as caught:
        wire_finish(raw, calls=False)
    assert caught.value.failure == "inband_error"


def test_the_raw_word_is_kept_and_an_unknown_one_is_other():
    assert parse_finish("max_tokens", calls=False) == (Finish.LENGTH, "max_tokens")
    assert parse_finish("something new", calls=False) == (Finish.OTHER, "something new")
    assert parse_finish("something new", calls=True) == (Finish.TOOL_CALLS, "something new")


@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_reason_is_read_from_what_was_said(absent):
    assert parse_finish(absent, calls=False) == (Finish.STOP, None)
    assert parse_finish(absent, calls=True) == (Finish.TOOL_CALLS, None)


@pytest.mark.parametrize("finish", list(Finish))
@pytest.mark.parametrize("calls", [True, False])
@pytest.mark.parametrize("refused", [True, False])
def test_only_the_five_leave(finish, calls, refused):
    assert render_finish(finish, calls=calls, refused=refused, legacy=False) in FIVE


def test_a_refusal_with_text_stops_and_one_without_was_filtered():
    assert render_finish(Finish.REFUSAL, calls=False, refused=True, legacy=False) == "stop"
    assert render_finish(Finish.REFUSAL, calls=False, refused=False, legacy=False) == "content_filter"


def test_a_client_of_functions_is_told_function_call():
    assert render_finish(Finish.TOOL_CALLS, calls=True, refused=False, legacy=True) == "function_call"
