"""A provider's stream to canonical chunks."""

import pytest

from translators.canonical import (
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    End,
    Finish,
    Media,
    Opaque,
    Reason,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
    UsageUpdate,
    fold,
)
from translators.formats.openai_chat import PROVIDER

from .wire import TERMINAL, call, chunk, event, fragment, stream

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def parsed(data: bytes):
    parser = PROVIDER.stream_parser("issuer")
    return [*parser.feed(data), *parser.close()]


def folded(*bodies, **settings):
    return fold(parsed(stream(*bodies, **settings)))


def blocks(*bodies):
    return folded(*bodies, chunk(finish="stop")).choices[0].message.blocks


def failed(data: bytes) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        parsed(data)
    return caught.value


def test_a_text_stream_opens_grows_and_closes():
    chunks = parsed(
        stream(
            chunk({"role": "assistant", "content": ""}),
            chunk({"content": "he"}),
            chunk({"content": "y"}),
            chunk(finish="stop"),
            chunk(choices=[], usage=USAGE),
        )
    )
    assert chunks == [
        Start("chatcmpl-1", "m", 7),
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "he"),
        BlockDelta(0, 0, "text", "y"),
        BlockStop(0, 0, Text("hey")),
        ChoiceStop(0, Finish.STOP, "stop"),
        UsageUpdate(Usage(input=3, output=2)),
        End(),
    ]


def test_reasoning_closes_when_the_answer_begins_and_may_begin_again():
    chunks = parsed(
        stream(
            chunk({"reasoning": "a"}),
            chunk({"content": "b"}),
            chunk({"reasoning": "c"}),
            chunk({"content": "d"}, finish="stop"),
        )
    )
    stops = [chunk.block for chunk in chunks if isinstance(chunk, BlockStop)]
    assert stops == [Reasoning(text="a"), Reasoning(text="c"), Text("bd")]


def test_a_call_closes_when_it_is_whole_and_the_next_one_begins():
    chunks = parsed(
        stream(
            chunk({"tool_calls": [call(0, "a", "f", "{}")]}),
            chunk({"tool_calls": [call(1, "b", "g")]}),
            chunk({"tool_calls": [fragment(0, " "), fragment(1, "[]")]}),
            chunk(finish="tool_calls"),
        )
    )
    assert [type(one).__name__ for one in chunks[3:5]] == ["BlockStop", "BlockStart"]
    assert fold(chunks).choices[0].message.blocks == (ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))


def test_text_closes_when_a_call_begins_and_calls_may_interleave():
    chunks = parsed(
        stream(
            chunk({"content": "so"}),
            chunk({"tool_calls": [call(0, "a", "f")]}),
            chunk({"tool_calls": [call(1, "b", "g"), fragment(0, "{}")]}),
            chunk({"tool_calls": [fragment(1, "[]")]}),
            chunk(finish="tool_calls"),
        )
    )
    assert [type(chunk.block) for chunk in chunks if isinstance(chunk, BlockStop)] == [Text, ToolCall, ToolCall]
    starts = [(chunk.index, chunk.block) for chunk in chunks if isinstance(chunk, BlockStart)]
    assert starts == [(0, Text("")), (1, ToolCall("a", "f", "")), (2, ToolCall("b", "g", ""))]
    message = fold(chunks).choices[0].message
    assert message.blocks == (Text("so"), ToolCall("a", "f", "{}"), ToolCall("b", "g", "[]"))


@pytest.mark.parametrize(
    "delta",
    [{"reasoning_content": "hm"}, {"reasoning": "hm"}, {"thinking": "hm"}, {"reasoning_details": [{"text": "hm"}]}],
)
def test_reasoning_comes_under_many_names(delta):
    assert blocks(chunk(delta)) == (Reasoning(text="hm"),)


def test_sealed_reasoning_is_kept_with_the_block_it_belongs_to():
    details = [{"type": "reasoning.encrypted", "data": "S"}]
    said = blocks(chunk({"reasoning": "hm"}), chunk({"reasoning": None, "reasoning_details": details}))
    assert said == (Reasoning(text="hm", opaque=(Opaque("issuer", "reasoning.encrypted", "S"),)),)


def test_content_parts_are_text_and_thinking():
    thinking = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    said = blocks(chunk({"content": [thinking]}), chunk({"content": [{"type": "text", "text": "4"}]}))
    assert said == (Reasoning(text="hm"), Text("4"))


def test_refusals_logprobs_and_citations():
    token, citation = {"token": "no", "logprob": -1}, {"type": "url_citation", "url_citation": {"url": "u"}}
    first = chunk({"content": "a"})
    first["choices"][0]["logprobs"] = {"content": [token]}
    said = blocks(first, chunk({"annotations": [citation]}))
    assert said == (Text("a", ({"type": "url_citation", "url": "u"},), (token,)),)
    assert blocks(chunk({"refusal": "n"}), chunk({"refusal": "o"})) == (Refusal("no"),)


def test_a_spoken_answer_ends_with_its_expiry():
    """OpenAI sends no finish reason then."""
    response = folded(
        chunk({"role": "assistant"}),
        chunk({"content": None, "audio": {"id": "audio_1", "transcript": "hi"}}),
        chunk({"audio": {"data": "QUJD"}}),
        chunk(choices=[], usage=USAGE),
        chunk({"audio": {"expires_at": 99}}),
    )
    assert response.choices[0].message.blocks == (
        Media(kind="audio", file_id="audio_1", data="QUJD", transcript="hi", expires_at=99, provider="issuer"),
    )
    assert response.choices[0].finish is Finish.STOP
    assert response.usage == Usage(input=3, output=2)


def test_the_deprecated_function_call_is_a_call():
    said = blocks(
        chunk({"function_call": {"name": "f", "arguments": ""}}), chunk({"function_call": {"arguments": "{}"}})
    )
    assert [(block.name, block.arguments) for block in said] == [("f", "{}")]


def test_several_choices_are_kept_apart():
    response = folded(
        chunk({"content": "a"}, index=0),
        chunk({"content": "b"}, index=1),
        chunk(finish="stop", index=1),
        chunk(finish="length", index=0),
    )
    assert [(choice.message.blocks, choice.finish) for choice in response.choices] == [
        ((Text("a"),), Finish.LENGTH),
        ((Text("b"),), Finish.STOP),
    ]


def test_usage_may_stand_anywhere_and_the_last_good_one_counts():
    response = folded(
        chunk({"content": "a"}, usage={"prompt_tokens": 1, "completion_tokens": 1}),
        chunk(finish="stop", usage=USAGE),
        chunk(choices=[], usage={"prompt_tokens": -1, "completion_tokens": 0}),
        chunk({}, usage=None),
    )
    assert response.usage == Usage(input=3, output=2)


def test_what_azures_filter_says_beside_the_text_is_no_part_of_it():
    choice = {"index": 0, "finish_reason": None, "content_filter_results": {}, "content_filter_offsets": {}}
    beside = {"id": "", "object": "", "created": 0, "model": "", "choices": [choice], "usage": None}
    plain = [chunk({"content": "a"}), chunk(finish="stop")]
    for place in range(3):
        assert folded(*plain[:place], beside, *plain[place:]) == folded(*plain)


@pytest.mark.parametrize("identity", ["", "of-a-gateway"])
def test_azures_first_chunk_does_not_name_the_answer(identity):
    filtered = {"choices": [], "id": identity, "model": "", "object": "", "created": 0, "prompt_filter_results": [1]}
    response = folded(filtered, chunk({"content": "a"}), chunk(finish="stop"))
    assert (response.id, response.model, response.created) == ("chatcmpl-1", "m", 7)
    assert response.extensions == {"prompt_filter_results": [1]}


def test_the_first_id_is_kept():
    assert folded(chunk({"content": "a"}), chunk(finish="stop", id="other")).id == "chatcmpl-1"


def test_an_end_without_done_is_good_after_a_finish_reason():
    assert folded(chunk({"content": "a"}), chunk(finish="stop"), done=False).choices[0].finish is Finish.STOP


def test_an_event_without_its_blank_line_still_counts():
    data = stream(chunk({"content": "a"}))[: -len(TERMINAL)] + event(chunk(finish="stop")).rstrip()
    assert fold(parsed(data)).choices[0].message.blocks == (Text("a"),)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        TERMINAL,
        stream(chunk({"content": "a"}), done=False),
        stream(chunk({"content": "a"})),
        stream(chunk({"content": "a"}, index=0), chunk(finish="stop", index=1), done=False),
        stream(chunk({"content": "a"}), chunk(choices=[]), done=False),
    ],
)
def test_a_stream_without_its_end_was_cut(data):
    error = failed(data)
    assert (error.reason, error.failure) == (Reason.STREAM_CUT, "no_terminal")
    assert error.billed_risk


def test_one_finish_reason_is_enough_when_the_provider_says_done():
    """LiteLLM gives only the first choice one."""
    response = folded(chunk({"content": "a"}, index=0), chunk({"content": "b"}, index=1), chunk(finish="stop", index=0))
    assert [choice.finish for choice in response.choices] == [Finish.STOP, Finish.STOP]


def test_what_follows_done_is_ignored():
    data = stream(chunk({"content": "a"}), chunk(finish="stop"))
    assert parsed(data + b"data: {garbage\n\n" + TERMINAL) == parsed(data)


def test_good_chunks_before_an_error_are_given_first():
    parser = PROVIDER.stream_parser("issuer")
    good = parser.feed(stream(chunk({"content": "a"}), {"error": {"message": "it broke"}}))
    assert BlockDelta(0, 0, "text", "a") in good
    for again in (lambda: parser.feed(b""), parser.close):
        with pytest.raises(UpstreamError, match="it broke"):
            again()


def test_an_error_in_the_first_event_is_raised_at_once():
    parser = PROVIDER.stream_parser("issuer")
    with pytest.raises(UpstreamError, match="it broke"):
        parser.feed(stream({"error": {"message": "it broke"}}))


@pytest.mark.parametrize(
    "bad",
    [
        chunk({"content": ""}, finish="error"),
        {"id": "x", "choices": [{"index": 0, "delta": {}, "error": {"message": "it broke"}}]},
    ],
)
def test_a_choice_that_failed_fails_the_stream_at_its_end(bad):
    data = stream(chunk({"content": "a"}), bad, chunk(finish="stop"))
    assert failed(data).failure == "inband_error"


def test_a_finish_reason_told_twice_ends_a_choice_once():
    chunks = parsed(stream(chunk({"content": "a"}), chunk(finish="stop"), chunk({"content": ""}, finish="stop")))
    assert [type(chunk) for chunk in chunks[-2:]] == [ChoiceStop, End]
    assert sum(isinstance(chunk, ChoiceStop) for chunk in chunks) == 1
