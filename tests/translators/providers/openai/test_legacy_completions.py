"""Where a client of the legacy completions API ends up: at that API for the models that have it, at chat for the rest."""

from __future__ import annotations

from typing import Any

import pytest

from translators import providers
from translators.formats import openai_completions
from translators.providers.provider import ModelFacts, Provider


def chosen(provider: str, model: str, body: dict[str, Any]) -> str:
    record = providers.load(provider)
    assert isinstance(record, Provider)
    request = openai_completions.CLIENT.parse_request({"model": model, **body}, b"{}")
    return record.choose(record.formats, "openai_completions", request, ModelFacts(model=model)).name


@pytest.mark.parametrize("model", ["gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct-0914", "davinci-002"])
def test_openais_completion_models_are_served_by_their_own_api(model: str) -> None:
    assert chosen("openai", model, {"prompt": "x"}) == "openai_completions"


def test_a_plain_prompt_for_a_chat_model_goes_to_chat() -> None:
    assert chosen("openai", "gpt-4o", {"prompt": "x"}) == "openai_chat"


def test_what_only_the_legacy_api_can_say_stays_there() -> None:
    assert chosen("openai", "gpt-4o", {"prompt": "x", "echo": True}) == "openai_completions"


@pytest.mark.parametrize("provider", ["vllm", "llama-cpp", "generic-openai"])
def test_compatible_servers_keep_the_clients_dialect(provider: str) -> None:
    assert chosen(provider, "m", {"prompt": ["a", "b"]}) == "openai_completions"


def test_ollama_gets_a_plain_prompt_as_a_chat() -> None:
    assert chosen("ollama", "m", {"prompt": "x"}) == "ollama_chat"
