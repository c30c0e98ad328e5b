"""Tokens before a provider counts them: a bound that holds, and an estimate within its own error."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proxy.estimation import bound, quick
from proxy.resources import Estimation
from translators.canonical import Request
from translators.formats import openai_chat

SETTINGS = Estimation()


def asked(content: Any, **body: Any) -> Request:
    wire = {"model": "m", "messages": [{"role": "user", "content": content}], **body}
    return openai_chat.CLIENT.parse_request(wire, json.dumps(wire, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("text", "tokens"),  # as o200k counts the text alone
    [
        ("The quick brown fox jumps over the lazy dog. " * 40, 401),
        ("日本語の文章をいくつか書いてみます。" * 30, 330),
        ("Съешь же ещё этих мягких французских булок, да выпей чаю. " * 30, 540),
        ("def add(left, right):\n    return left + right\n" * 40, 480),
    ],
)
def test_an_estimate_is_within_its_own_error(text: str, tokens: int) -> None:
    found = quick(asked(text), SETTINGS)
    assert found.at_least * 0.8 <= tokens <= found.at_most * 1.2, found
    assert found.method == "size"


@pytest.mark.parametrize("text", ["x" * 5000, "語" * 3000, "🙂" * 2000, "a b c " * 900])
def test_the_bound_is_never_below_the_estimate(text: str) -> None:
    request = asked(text)
    assert bound(request, SETTINGS) >= quick(request, SETTINGS).tokens


def test_images_and_tools_have_tokens_too() -> None:
    plain = quick(asked("x"), SETTINGS).tokens
    image = [{"type": "text", "text": "x"}, {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}]
    assert quick(asked(image), SETTINGS).tokens >= plain + SETTINGS.image_tokens * 0.9
    tool = {"type": "function", "function": {"name": "f", "description": "d" * 400, "parameters": {"type": "object"}}}
    assert quick(asked("x", tools=[tool]), SETTINGS).tokens > plain + 80


def test_an_estimate_grows_with_the_text_and_not_faster() -> None:
    small, large = quick(asked("word " * 1_000), SETTINGS).tokens, quick(asked("word " * 100_000), SETTINGS).tokens
    assert 90 <= large / small <= 101
