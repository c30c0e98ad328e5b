"""What a message says, whichever spelling the server uses."""

import pytest

from translators.canonical import Media, Opaque
from translators.formats.openai_chat.content import (
    audio,
    flat_annotations,
    image,
    nested_annotations,
    reasoning_text,
    sealed,
    split_content,
    tokens,
)

CITATION = {"type": "url_citation", "start_index": 0, "end_index": 4, "title": "t", "url": "https://example.com"}


@pytest.mark.parametrize(
    "node",
    [
        {"reasoning_content": "hm"},  # DeepSeek, llama.cpp, SGLang, xAI
        {"reasoning": "hm"},  # vLLM, Ollama, Groq
        {"reasoning": {"content": "hm"}},
        {"thinking": "hm"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "h"}, {"type": "reasoning.summary", "summary": "m"}]},
        {
            "reasoning": "hm",
            "reasoning_details": [{"type": "reasoning.text", "text": "hm"}],
        },  # OpenRouter says it twice
        {"reasoning_content": "hm", "reasoning": "hm"},
        {"reasoning_content": "", "reasoning": "hm"},
    ],
)
def test_reasoning_is_found_under_every_name_and_once(node):
    assert reasoning_text(node) == "hm"


def test_content_parts_are_text_and_thinking():
    """Mistral."""
    parts = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "hi"}]
    assert split_content(parts) == ("hi", "hm")
    assert split_content("hi") == ("hi", "")
    assert split_content(None) == ("", "")


def test_content_that_is_the_json_asked_for_is_written_out():
    """Cloudflare."""
    assert split_content({"title": "Apples"}) == ('{"title":"Apples"}', "")


def test_sealed_reasoning_belongs_to_its_issuer():
    details = [
        {"type": "reasoning.text", "text": "hm", "signature": "S", "format": "anthropic-claude-v1"},
        {"type": "reasoning.encrypted", "data": "D"},
        {"type": "reasoning.text", "text": "open"},
    ]
    assert sealed({"reasoning_details": details}, "router") == (
        Opaque("router", "anthropic-claude-v1", "S"),
        Opaque("router", "reasoning.encrypted", "D"),
    )


def test_citations_are_flat_inside_and_nested_outside():
    nested = {"type": "url_citation", "url_citation": {k: v for k, v in CITATION.items() if k != "type"}}
    assert flat_annotations([nested]) == (CITATION,)
    assert flat_annotations([CITATION]) == (CITATION,)
    assert nested_annotations((CITATION, {"type": "file_citation", "file_id": "f"})) == [nested]
    assert flat_annotations(None) == ()


def test_logprobs_are_taken_only_where_there_are_tokens():
    assert tokens({"content": [{"token": "a"}]}, "content") == ({"token": "a"},)
    for nothing in (None, {"content": None}, {"content": []}, {"tokens": ["a"]}):
        assert tokens(nothing, "content") is None


def test_a_spoken_answer_needs_an_id_or_data():
    assert audio({"id": "audio_1", "data": "QUJD", "transcript": "hi", "expires_at": 9}, "p") == Media(
        kind="audio", file_id="audio_1", data="QUJD", transcript="hi", expires_at=9, provider="p"
    )
    assert audio({"data": "", "expires_at": 0, "id": "", "transcript": ""}, "p") is None  # Snowflake sends it empty
    assert audio(None, "p") is None


def test_a_picture_is_read_from_its_data_url():
    assert image({"image_url": {"url": "data:image/png;base64,QUJD"}}) == Media(
        kind="image", data="QUJD", mime="image/png"
    )
    assert image({"image_url": "x"}) is None
