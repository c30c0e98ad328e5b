"""Token counts in every dialect of chat, counted inclusively."""

import pytest

from translators.canonical import Usage
from translators.formats.openai_chat.usage import mend_usage, parse_usage, render_usage


def usage(prompt=100, completion=50, **members):
    return parse_usage({"prompt_tokens": prompt, "completion_tokens": completion, **members})


def test_openai_counts_inclusively_and_is_taken_as_it_is():
    assert usage(
        prompt_tokens_details={"cached_tokens": 40, "cache_write_tokens": 10, "audio_tokens": 3, "image_tokens": 2},
        completion_tokens_details={
            "reasoning_tokens": 30,
            "audio_tokens": 4,
            "accepted_prediction_tokens": 5,
            "rejected_prediction_tokens": 6,
        },
    ) == Usage(
        input=100,
        output=50,
        cached=40,
        cache_write=10,
        reasoning=30,
        audio_in=3,
        audio_out=4,
        image_in=2,
        accepted_prediction=5,
        rejected_prediction=6,
    )


@pytest.mark.parametrize(
    "members",
    [
        {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},  # DeepSeek
        {"cached_tokens": 64},  # Together
        {"num_cached_tokens": 64},  # Mistral
        {"cache_read_input_tokens": 64},  # Venice, Databricks
    ],
)
def test_cache_hits_stand_in_several_places(members):
    assert usage(**members).cached == 64


def test_reasoning_at_the_top_counts_as_reasoning():
    assert usage(reasoning_tokens=20) == Usage(input=100, output=50, reasoning=20)  # SGLang, Copilot


def test_reasoning_outside_the_completion_is_added_to_it():
    """xAI: total = prompt + completion + reasoning."""
    counted = usage(completion=9, total_tokens=189, completion_tokens_details={"reasoning_tokens": 80})
    assert counted == Usage(input=100, output=89, reasoning=80)


def test_a_part_larger_than_its_whole_is_cut_to_it():
    """OpenRouter has counted more reasoning than output."""
    counted = usage(
        prompt=10,
        completion=5,
        prompt_tokens_details={"cached_tokens": 12},
        completion_tokens_details={"reasoning_tokens": 11},
    )
    assert counted == Usage(input=10, output=5, cached=10, reasoning=5)
    assert counted.is_sane()


@pytest.mark.parametrize(
    "raw",
    [
        None,
        [],
        {},
        {"prompt_tokens": None, "completion_tokens": None},
        {"prompt_tokens": -1, "completion_tokens": 5},
        {"prompt_tokens": 2**60, "completion_tokens": 5},
        {"prompt_tokens": 5, "completion_tokens": "many"},
        {"prompt_tokens": 5, "completion_tokens": 1.5},
        {"prompt_tokens": 5, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": -4}},
    ],
)
def test_figures_that_cannot_be_true_are_no_usage(raw):
    assert parse_usage(raw) is None


def test_details_that_are_null_are_none():
    assert usage(prompt_tokens_details=None, completion_tokens_details=None) == Usage(input=100, output=50)


def test_every_detail_is_rendered_as_an_integer():
    rendered = render_usage(Usage(input=3, output=2, reasoning=1))
    assert rendered["total_tokens"] == 5
    figures = [*rendered["prompt_tokens_details"].values(), *rendered["completion_tokens_details"].values()]
    assert all(type(figure) is int for figure in figures)
    assert parse_usage(rendered) == Usage(input=3, output=2, reasoning=1)


def test_null_details_are_mended_and_good_ones_are_not_touched():
    bad = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": None, "prompt_tokens_details": None}
    assert mend_usage(bad)
    assert bad["total_tokens"] == 0
    assert bad["prompt_tokens_details"]["cached_tokens"] == 0
    partly = {"completion_tokens_details": {"reasoning_tokens": None, "odd": 3}}
    assert mend_usage(partly)
    assert partly == {"completion_tokens_details": {"reasoning_tokens": 0, "odd": 3}}
    good = render_usage(Usage(input=1))
    assert not mend_usage(good)
    assert not mend_usage(None)
