import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import (
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    End,
    Finish,
    Reason,
    Reasoning,
    Start,
    Text,
    UpstreamError,
    Usage,
    UsageUpdate,
    fold,
)
from translators.formats.ollama_chat.response import parse_response
from translators.formats.ollama_chat.stream import Parser

WHEN = "2026-08-05T08:11:13.685368Z"
LAST = {"done": True, "done_reason": "stop", "prompt_eval_count": 181, "eval_count": 63}


def line(content="", **members):
    message = {"role": "assistant", "content": content}
    for key in ("thinking", "tool_calls"):
        if key in members:
            message[key] = members.pop(key)
    return {"model": "qwen3", "created_at": WHEN, "message": message, "done": False} | members


def call(name="weather", **arguments):
    return [{"function": {"index": 0, "name": name, "arguments": arguments}}]


def encoded(*lines) -> bytes:
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in lines)


def chunks(data: bytes, step: int | None = None):
    parser = Parser("ollama")
    step = step or max(len(data), 1)
    found = [chunk for at in range(0, len(data), step) for chunk in parser.feed(data[at : at + step])]
    return found + parser.close()


def test_thinking_text_and_end_in_order():
    got = chunks(encoded(line(thinking="Need "), line(thinking="it"), line("Oslo "), line("is cold"), line(**LAST)))
    assert got == [
        Start("", "qwen3", 1785917473),
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "text", "Need "),
        BlockDelta(0, 0, "text", "it"),
        BlockStop(0, 0, Reasoning(text="Need it")),
        BlockStart(0, 1, Text("")),
        BlockDelta(0, 1, "text", "Oslo "),
        BlockDelta(0, 1, "text", "is cold"),
        BlockStop(0, 1, Text("Oslo is cold")),
        ChoiceStop(0, Finish.STOP, "stop"),
        UsageUpdate(Usage(input=181, output=63)),
        End(),
    ]


def test_calls_on_several_lines_have_ids_of_their_own():
    got = fold(chunks(encoded(line(tool_calls=call(city="Oslo")), line(tool_calls=call(city="Oslo")), line(**LAST))))
    first, second = got.choices[0].message.blocks
    assert first.id != second.id
    assert got.choices[0].finish is Finish.TOOL_CALLS


def test_text_after_a_call_is_a_block_of_its_own():
    got = fold(chunks(encoded(line("a"), line(tool_calls=call()), line("b"), line("c"), line(**LAST))))
    kinds = [type(block).__name__ for block in got.choices[0].message.blocks]
    assert kinds == ["Text", "ToolCall", "Text"]
    assert got.choices[0].message.blocks[2].text == "bc"


def test_the_whole_answer_may_come_on_the_last_line():
    whole = line("all", thinking="hm", tool_calls=call(), **LAST)
    assert fold(chunks(encoded(whole))) == parse_response(whole, "ollama")


PIECES = st.lists(st.text("ab ü🦜\n", min_size=1, max_size=4), max_size=4)


@given(PIECES, PIECES, st.integers(0, 2), st.integers(1, 40))
def test_a_stream_folds_to_the_whole_answer_wherever_it_is_split(thinking, content, called, step):
    requested = [{"id": f"call_{n}", "function": {"name": "f", "arguments": {"n": n}}} for n in range(called)]
    lines = [line(thinking=piece) for piece in thinking] + [line(piece) for piece in content]
    lines += [line(tool_calls=[one]) for one in requested] + [line(**LAST)]
    whole = line("".join(content), thinking="".join(thinking), tool_calls=requested, **LAST)
    assert fold(chunks(encoded(*lines), step)) == parse_response(whole, "ollama")


@pytest.mark.parametrize("reason", ["length", "stop"])
def test_the_last_line_may_lack_its_line_feed(reason):
    got = fold(chunks(encoded(line("a"), line(**(LAST | {"done_reason": reason}))).rstrip(b"\n")))
    assert got.choices[0].finish_raw == reason


@pytest.mark.parametrize("data", [b"", encoded(line("a")), encoded(line(thinking="a")), encoded(line("a"))[:-20]])
def test_an_end_without_done_is_a_cut_stream(data):
    parser = Parser("ollama")
    parser.feed(data)
    with pytest.raises(UpstreamError) as caught:
        parser.close()
    assert caught.value.reason in (Reason.STREAM_CUT, Reason.BAD_RESPONSE)
    assert caught.value.billed_risk


def test_a_reason_left_empty_is_a_cut_stream():
    with pytest.raises(UpstreamError) as caught:
        chunks(encoded(line("a"), line(**(LAST | {"done_reason": ""}))))
    assert caught.value.reason is Reason.STREAM_CUT


def test_an_error_line_ends_the_stream():
    parser = Parser("ollama")
    assert len(parser.feed(encoded(line("a")))) == 3
    with pytest.raises(UpstreamError) as caught:
        parser.feed(encoded({"error": "an error was encountered while running the model: unexpected EOF"}))
    assert (caught.value.reason, caught.value.failure) == (Reason.ERROR_5XX, "inband_error")
    assert caught.value.billed_risk


def test_an_error_line_about_the_context_says_so():
    with pytest.raises(UpstreamError) as caught:
        chunks(encoded({"error": "the request exceeds the available context size, try increasing it"}))
    assert (caught.value.reason, caught.value.failure) == (Reason.CONTEXT_LENGTH, "inband_error")


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"<html>\n", "bad_json"),
        (b"[1]\n", "bad_shape"),
        (b'{"done": false}\n', "bad_shape"),
        (b'{"message": {"content": "\xff"}}\n', "bad_utf8"),
    ],
)
def test_a_line_that_cannot_be_trusted_raises(data, failure):
    with pytest.raises(UpstreamError) as caught:
        chunks(data)
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, failure)


def test_what_follows_the_end_is_ignored():
    done = encoded(line("a"), line(**LAST))
    assert chunks(done + b"garbage\n{}\n") == chunks(done)


def test_log_probabilities_travel_with_their_text():
    entry = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    got = fold(chunks(encoded(line("a", logprobs=[entry]), line("a", logprobs=[entry]), line(**LAST))))
    assert got.choices[0].message.blocks[0].logprobs == (entry, entry)


def test_no_counts_are_no_usage():
    got = fold(chunks(encoded(line("a"), line(done=True, done_reason="stop"))))
    assert got.usage.source == "none"
