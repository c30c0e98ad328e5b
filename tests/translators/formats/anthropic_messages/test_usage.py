import pytest

from translators.canonical import NO_USAGE, Usage
from translators.formats.anthropic_messages.usage import Counts


def counted(*usages: object) -> Counts:
    counts = Counts()
    for usage in usages:
        counts.add(usage)
    return counts


def test_input_contains_what_the_cache_read_and_wrote():
    usage = counted(
        {
            "input_tokens": 10,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 5},
        }
    ).usage()
    assert usage == Usage(input=140, output=7, cached=100, cache_write=30, cache_write_1h=20, reasoning=5)
    assert usage.is_sane()


def test_the_last_value_of_each_count_holds_and_null_is_none():
    counts = counted(
        {"input_tokens": 3, "output_tokens": 1, "cache_read_input_tokens": 9, "cache_creation_input_tokens": None},
        {"output_tokens": 50, "cache_read_input_tokens": None},
        {"input_tokens": 20, "output_tokens": 60},
    )
    assert counts.usage() == Usage(input=29, output=60, cached=9)


def test_the_hour_is_told_once_while_the_total_grows():
    start = {"input_tokens": 3, "output_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 9}}
    usage = counted(start, {"cache_creation_input_tokens": 24, "output_tokens": 2}).usage()
    assert (usage.input, usage.cache_write, usage.cache_write_1h) == (27, 24, 9)


def test_compaction_is_billed_beside_the_totals():
    """As recorded: the totals hold the message's own step alone."""
    step = {"input_tokens": 100, "cache_creation_input_tokens": 55096, "output_tokens": 131}
    usage = counted(
        {
            "input_tokens": 229,
            "output_tokens": 5,
            "iterations": [
                {"type": "compaction", **step},
                {"type": "message", "input_tokens": 229, "output_tokens": 5},
                "nonsense",
            ],
        }
    ).usage()
    assert (usage.input, usage.output, usage.cache_write) == (229 + 100 + 55096, 136, 55096)


def test_the_providers_own_tools_are_counted():
    usage = counted(
        {"output_tokens": 1, "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 0, "other": 9}}
    ).usage()
    assert usage.tool_requests == {"web_search": 2}


@pytest.mark.parametrize("usage", [None, {}, [], {"input_tokens": None}, {"input_tokens": "9"}, {"service_tier": "x"}])
def test_without_counts_there_is_no_usage(usage):
    assert counted(usage).usage() is NO_USAGE


def test_figures_that_cannot_be_are_none():
    usage = counted({"input_tokens": -5, "output_tokens": 2, "output_tokens_details": {"thinking_tokens": 9}}).usage()
    assert usage.is_sane()
    assert (usage.input, usage.reasoning) == (0, 2)


@pytest.mark.parametrize(
    ("told", "tier"),
    [
        ({"service_tier": "standard"}, "default"),
        ({"service_tier": "priority"}, "priority"),
        ({"service_tier": "batch"}, "batch"),
        ({"service_tier": "standard", "speed": "fast"}, "fast"),
        ({"service_tier": "standard", "speed": "standard"}, "default"),
        ({"service_tier": "tomorrows"}, "tomorrows"),
        ({}, None),
    ],
)
def test_the_tier_that_decides_the_price_is_told_in_openais_words(told, tier):
    assert counted(told).service_tier == tier


def test_where_it_was_served_is_told_if_it_is_known():
    assert counted({"inference_geo": "us", "speed": "fast"}).extensions() == {"inference_geo": "us", "speed": "fast"}
    assert counted({"inference_geo": "not_available", "speed": "standard"}).extensions() == {}
