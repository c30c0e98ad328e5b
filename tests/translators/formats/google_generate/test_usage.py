import pytest

from translators.canonical import NO_USAGE, Usage
from translators.formats.google_generate.usage import counts_tokens, parse_tier, parse_usage

PROMPT = {"promptTokenCount": 100, "cachedContentTokenCount": 40, "toolUsePromptTokenCount": 5}
PLAIN = {**PROMPT, "candidatesTokenCount": 30, "thoughtsTokenCount": 20, "totalTokenCount": 155}


def test_thoughts_are_output_and_what_tools_fed_back_is_input():
    assert parse_usage(PLAIN) == Usage(input=105, output=50, cached=40, reasoning=20)
    assert parse_usage(PLAIN).total == PLAIN["totalTokenCount"]


def test_the_total_tells_when_thoughts_are_counted_inside():
    assert parse_usage({**PLAIN, "totalTokenCount": 135}) == Usage(input=105, output=30, cached=40, reasoning=20)


def test_thoughts_cannot_be_inside_a_smaller_count():
    odd = {"promptTokenCount": 10, "candidatesTokenCount": 2, "thoughtsTokenCount": 20, "totalTokenCount": 12}
    assert parse_usage(odd) == Usage(input=10, output=22, reasoning=20)


def test_modalities_are_counted_apart():
    details = {
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 1},
            {"modality": "AUDIO", "tokenCount": 2},
            {"modality": "IMAGE", "tokenCount": 3},
            {"modality": 2, "tokenCount": 4},
            {"modality": "VIDEO", "tokenCount": 5},
            {},
            5,
        ],
        "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 6}],
    }
    got = parse_usage({**PLAIN, **details})
    assert (got.audio_in, got.image_in, got.audio_out) == (2, 7, 6)


def test_searches_are_billed_by_piece():
    assert parse_usage(PLAIN, 3).tool_requests == {"web_search": 3}


@pytest.mark.parametrize("metadata", [None, {}, {"trafficType": "ON_DEMAND"}, {"promptTokenCount": "many"}])
def test_no_counts_are_no_usage(metadata):
    assert parse_usage(metadata) == NO_USAGE
    assert not counts_tokens(metadata)


def test_an_answer_without_the_prompts_count_is_partial():
    assert parse_usage({"candidatesTokenCount": 3, "promptTokenCount": None}).source == "partial"


@pytest.mark.parametrize(
    ("metadata", "tier"),
    [
        ({"serviceTier": "standard"}, "default"),
        ({"serviceTier": "flex"}, "flex"),
        ({"trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ({"trafficType": "PROVISIONED_THROUGHPUT"}, "scale"),
        ({"trafficType": 1}, None),
        ({"serviceTier": "brand-new"}, None),
        (None, None),
    ],
)
def test_tiers_have_openais_names(metadata, tier):
    assert parse_tier(metadata) == tier
