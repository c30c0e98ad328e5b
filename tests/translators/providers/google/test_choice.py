from translators.canonical import Message, Request, Text
from translators.providers.google import PROVIDER
from translators.providers.google.choice import choose
from translators.providers.provider import ModelFacts

PLAIN = Request(messages=(Message("user", (Text("hi"),)),))


def chosen(model: str) -> str:
    return choose(PROVIDER.formats, "openai_chat", PLAIN, ModelFacts(model=model)).name


def test_google_speaks_its_own_format_and_claude_anthropics():
    assert chosen("gemini-3-flash") == chosen("acme-tuned") == "google_generate"
    assert (
        chosen("claude-opus-5-5@20261001")
        == chosen("publishers/anthropic/models/claude-opus-5-5")
        == "anthropic_messages"
    )


def test_keys_travel_in_a_header():
    assert PROVIDER.auth == "x-goog-api-key"
    assert PROVIDER.key_env == ("GOOGLE_API_KEY", "GEMINI_API_KEY")
    assert not PROVIDER.usage_option
