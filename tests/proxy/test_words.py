"""A word of a client's or a provider's is shown; anything that could be more than that is not."""

from __future__ import annotations

import pytest

from proxy.words import HIDDEN, code, word
from tests.support.snapshots import KEY


@pytest.mark.parametrize(
    "text",
    [
        "toolCalling",
        "feature:hostedTools",
        "web_search_20250305",
        "messages[3].content[1]",
        "POST /embeddings",
        "openai:gpt-5.1",
        "hf.co/org/model@q4",
        "$ref",
        "x" * 128,
    ],
)
def test_words_are_shown(text: str) -> None:
    assert word(text) == text


@pytest.mark.parametrize(
    "text", ["the quick canary", "POST the letter", "bitte\nnicht", "écoute", "私の秘密", "", "x" * 129]
)
def test_what_may_be_a_prompt_is_not(text: str) -> None:
    assert word(text) == HIDDEN


@pytest.mark.parametrize(
    "text", ["rate_limit_exceeded", "RESOURCE_EXHAUSTED", "1113", "Quota.TPM-429", "InvalidParameter"]
)
def test_codes_are_shown(text: str) -> None:
    assert code(text) == text


@pytest.mark.parametrize("text", [KEY, "no such thing", "x" * 65, "123456789", "x12345"])
def test_what_may_be_a_key_is_not(text: str) -> None:
    assert code(text) == HIDDEN
