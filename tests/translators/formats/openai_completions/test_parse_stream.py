import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import ChoiceStop, End, Finish, Reason, Start, Text, UpstreamError, Usage, fold
from translators.formats.openai_completions import PROVIDER

from .samples import DONE, event, parsed, said

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
STREAM = (
    event(said("Hé"))
    + b": ping\n\n"
    + event(said("Ho", index=1), said("llo\n\n"))
    + event(said("", "length", 1))
    + event(said("", "stop"))
    + event(usage=USAGE)
    + DONE
)


def test_a_stream_folds_to_its_answer():
    response = fold(parsed(STREAM))
    assert [choice.message.blocks for choice in response.choices] == [(Text("Héllo\n\n"),), (Text("Ho"),)]
    assert [choice.finish for choice in response.choices] == [Finish.STOP, Finish.LENGTH]
    assert response.usage == Usage(input=3, output=2)
    assert (response.id, response.model, response.created) == ("cmpl-1", "m", 5)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64])
def test_a_stream_may_be_split_anywhere(step):
    assert fold(parsed(STREAM, step)) == fold(parsed(STREAM))


@pytest.mark.parametrize("ending", [b"\r\n", b"\r"])
def test_lines_may_end_in_any_way(ending):
    stream = STREAM.replace(b"\n", ending)
    assert fold(parsed(stream)) == fold(parsed(stream, 1)) == fold(parsed(STREAM))


choices = st.lists(
    st.tuples(st.lists(st.text(max_size=6), max_size=4), st.sampled_from(["stop", "length", "content_filter", "eos"])),
    min_size=1,
    max_size=3,
)


@given(choices, st.booleans(), st.randoms(use_true_random=False))
def test_a_stream_means_what_the_whole_answer_means(pieces, with_usage, random):
    turns = [(index, text) for index, (texts, _) in enumerate(pieces) for text in texts]
    random.shuffle(turns)
    texts = ["".join(text for at, text in turns if at == index) for index in range(len(pieces))]
    whole = {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "choices": [said(texts[index], finish, index) for index, (_, finish) in enumerate(pieces)],
        "timings": {"x": 1},
    }
    stream = b"".join(event(said(text, index=index)) for index, text in turns)
    stream += b"".join(event(said("", finish, index)) for index, (_, finish) in enumerate(pieces))
    stream += event(timings={"x": 1}, **({"usage": USAGE} if with_usage else {})) + DONE
    if with_usage:
        whole["usage"] = USAGE
    cuts = sorted(random.randrange(len(stream)) for _ in range(random.randrange(8)))
    parser = PROVIDER.stream_parser("vllm")
    chunks = []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        chunks += parser.feed(stream[start:end])
    assert fold(chunks + parser.close()) == PROVIDER.parse_response(whole, "vllm")


def test_log_probabilities_stream_as_they_stand_in_the_whole_answer():
    def lists(tokens, offset):
        offsets = [offset + at for at in range(len(tokens))]
        return {"tokens": tokens, "token_logprobs": [-1.0] * len(tokens), "top_logprobs": None, "text_offset": offsets}

    stream = (
        event(said("ab", logprobs=lists(["a", "b"], 4))) + event(said("c", "stop", logprobs=lists(["c"], 6))) + DONE
    )
    whole = json.loads(event(said("abc", "stop", logprobs=lists(["a", "b", "c"], 4)))[6:])
    assert fold(parsed(stream)) == PROVIDER.parse_response(whole, "vllm")


def test_the_chunks_come_in_order():
    chunks = parsed(STREAM)
    assert isinstance(chunks[0], Start)
    assert isinstance(chunks[-1], End)
    assert [chunk.choice for chunk in chunks if isinstance(chunk, ChoiceStop)] == [0, 1]


def test_an_end_without_done_counts_once_every_choice_has_finished():
    assert fold(parsed(STREAM.removesuffix(DONE))) == fold(parsed(STREAM))
    assert fold(parsed(STREAM.removesuffix(b"\n\n"))) == fold(parsed(STREAM))


def test_nothing_behind_done_counts():
    assert parsed(STREAM + event(said("more")) + b"data: junk\n\n") == parsed(STREAM)


def test_a_stream_cut_at_any_byte_before_the_last_finish_has_failed():
    last = STREAM.index(event(said("", "stop"))) + len(event(said("", "stop"))) - 3
    for end in range(0, last, 5):
        parser = PROVIDER.stream_parser("vllm")
        parser.feed(STREAM[:end])
        with pytest.raises(UpstreamError) as caught:
            parser.close()
        assert caught.value.reason in (Reason.STREAM_CUT, Reason.BAD_RESPONSE)


def test_done_before_a_choice_has_finished_is_a_cut():
    with pytest.raises(UpstreamError) as caught:
        parsed(event(said("a"), said("b", "stop", 1)) + DONE)
    assert (caught.value.reason, caught.value.failure) == (Reason.STREAM_CUT, "no_terminal")


@pytest.mark.parametrize(
    ("bad", "reason", "failure"),
    [
        (b"data: {oops}\n\n", Reason.BAD_RESPONSE, "sse_garbage"),
        (b"data: [1]\n\n", Reason.BAD_RESPONSE, "sse_garbage"),
        (b'data: {"choices":[{"text":"\xff"}]}\n\n', Reason.BAD_RESPONSE, "bad_utf8"),
        (b'data: {"value":"Sure"}\n\n', Reason.BAD_RESPONSE, "bad_shape"),
        (b'data: {"choices":["x"]}\n\n', Reason.BAD_RESPONSE, "bad_shape"),
        (b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n', Reason.BAD_RESPONSE, "bad_shape"),
        (b'data: {"error":{"message":"no","code":429}}\n\n', Reason.RATE_LIMITED, "inband_error"),
        (b"event: error\ndata: gone\n\n", Reason.ERROR_5XX, "inband_error"),
        (b'event: error\ndata: {"message":"gone"}\n\n', Reason.ERROR_5XX, "inband_error"),
        (event(said("", "abort")), Reason.ERROR_5XX, "inband_error"),
        (event({"index": 0, "error": {"message": "no"}}), Reason.ERROR_5XX, "inband_error"),
    ],
)
def test_garbage_and_errors_raise_behind_what_was_good(bad, reason, failure):
    parser = PROVIDER.stream_parser("vllm")
    with pytest.raises(UpstreamError):
        parsed(bad + event(said("", "stop")) + DONE)
    assert parser.feed(event(said("good")) + bad)
    with pytest.raises(UpstreamError) as caught:
        parser.close()
    assert (caught.value.reason, caught.value.failure) == (reason, failure)
    with pytest.raises(UpstreamError):
        parser.feed(DONE)
