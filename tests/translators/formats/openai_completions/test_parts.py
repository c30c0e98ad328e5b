import pytest

from translators.canonical import Finish, UpstreamError, Usage
from translators.formats.openai_completions import parts

from .samples import recordings


@pytest.mark.parametrize(
    ("raw", "wire", "finish"),
    [
        ("stop", "stop", Finish.STOP),
        ("length", "length", Finish.LENGTH),
        ("content_filter", "content_filter", Finish.CONTENT_FILTER),
        ("eos_token", "stop", Finish.STOP),
        ("max_tokens", "length", Finish.LENGTH),
        ("tool_calls", "stop", Finish.STOP),
        ("whatever", "stop", Finish.OTHER),
    ],
)
def test_only_three_finish_reasons_reach_a_client(raw, wire, finish):
    assert parts.wire_finish(raw) == wire
    assert parts.parse_finish(raw) == (finish, raw)
    assert parts.render_finish(finish) == wire


@pytest.mark.parametrize("finish", list(Finish))
def test_every_canonical_finish_has_a_word(finish):
    assert parts.render_finish(finish) in ("stop", "length", "content_filter")


def test_a_word_for_failure_raises():
    with pytest.raises(UpstreamError) as caught:
        parts.wire_finish("abort")
    assert caught.value.failure == "inband_error"


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (None, None),
        ({}, None),
        ({"prompt_tokens": None, "completion_tokens": None}, None),
        ({"prompt_tokens": -1, "completion_tokens": 2}, None),
        ({"prompt_tokens": "5", "completion_tokens": 2}, None),
        ({"prompt_tokens": 5}, Usage(input=5)),
        ({"prompt_tokens": 5, "completion_tokens": 2, "prompt_tokens_details": None}, Usage(input=5, output=2)),
        ({"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, Usage(input=5, cached=5)),
        (
            {"prompt_tokens": 5, "completion_tokens": 3, "completion_tokens_details": {"reasoning_tokens": 2}},
            Usage(input=5, output=3, reasoning=2),
        ),
    ],
)
def test_counts_are_read_if_they_can_be_true(usage, expected):
    assert parts.parse_usage(usage) == expected


def test_usage_survives_both_ways():
    usage = Usage(input=9, output=4, cached=3, reasoning=2)
    assert parts.parse_usage(parts.render_usage(usage)) == usage


def test_nulls_among_the_counts_become_zero_and_nothing_else_changes():
    usage = {"prompt_tokens": 5, "completion_tokens": None, "prompt_tokens_details": None, "cost": None}
    assert parts.mend_usage(usage) == {**usage, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}}
    assert parts.mend_usage({"prompt_tokens": 5, "completion_tokens": 0}) is None
    assert parts.mend_usage(None) is None


def test_recorded_log_probabilities_survive_both_ways():
    (recording,) = [each for each in recordings() if each["id"].endswith("suffix-0-6660c")]
    for choice in recording["response"]["body_json"]["choices"]:
        assert parts.render_logprobs(parts.parse_logprobs(choice["logprobs"])) == choice["logprobs"]


def test_log_probabilities_in_chats_form_are_understood():
    entries = [
        {"token": "Hi", "logprob": -0.5, "bytes": [72, 105], "top_logprobs": []},
        {"token": "!", "logprob": -1.0, "bytes": [33], "top_logprobs": [{"token": "?", "logprob": -2.0}]},
    ]
    assert parts.parse_logprobs({"content": entries}) == tuple(entries)
    assert parts.render_logprobs(entries, 10) == {
        "tokens": ["Hi", "!"],
        "token_logprobs": [-0.5, -1.0],
        "top_logprobs": [None, {"?": -2.0}],
        "text_offset": [10, 12],
    }


def test_the_first_token_of_an_echo_has_no_log_probability():
    wire = {"tokens": ["a", "b"], "token_logprobs": [None, -1.5], "top_logprobs": None, "text_offset": [0, 1]}
    assert parts.render_logprobs(parts.parse_logprobs(wire)) == wire
