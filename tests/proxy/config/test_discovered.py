import pytest

from proxy.config import ConfigError
from proxy.config.discovered import models_of, with_catch_all
from proxy.resources import Model, Settings, Snapshot
from translators.providers.provider import Discovered

from .writing import record

OLLAMA = record("ollama", local=True)
FOUND = [
    Discovered(model="nomic:latest", flags={"embeddings": True}),
    Discovered(model="llama3:8b", flags={"text": True}),
    Discovered(model="qwen3:8b", flags={"text": True, "toolCalling": True}, context_window=8192),
]


def snapshot(*models: Model, aliases: dict[str, str] | None = None) -> Snapshot:
    return Snapshot(settings=Settings(aliases=aliases or {}), models={model.ref: model for model in models}, routes={})


def test_a_discovered_model_is_called_what_its_endpoint_calls_it() -> None:
    first, _, third = models_of(FOUND, OLLAMA, "http://localhost:11434", None)
    assert (first.ref, first.aliases) == ("ollama:nomic:latest", ("nomic",))
    assert (third.model, third.context_window, third.origin) == ("qwen3:8b", 8192, "discovered")
    assert {flag for flag, source in third.flag_sources.items() if source == "probed"} == {"text", "toolCalling"}
    assert third.pricing is not None
    assert (third.local, third.pricing.source, third.clocks.first_byte) == (True, "local", 300.0)


def test_an_endpoint_elsewhere_is_not_local() -> None:
    first = models_of(FOUND, OLLAMA, "http://gpu:11434", None)[0]
    assert (first.local, first.pricing, first.clocks.first_byte) == (False, None, 60.0)


def test_unknown_names_go_to_the_first_that_can_call_tools() -> None:
    here = snapshot(*models_of(FOUND, OLLAMA, "http://localhost:11434", None), aliases={"a": "ollama:llama3:8b"})
    assert with_catch_all(here, "").settings.aliases == {"a": "ollama:llama3:8b", "*": "ollama:qwen3:8b"}
    assert with_catch_all(here, "nomic").settings.aliases["*"] == "ollama:nomic:latest"
    assert with_catch_all(here, "ollama:llama3:8b").settings.aliases["*"] == "ollama:llama3:8b"


def test_without_tools_the_first_that_talks_does() -> None:
    here = snapshot(*models_of(FOUND[:2], OLLAMA, "http://localhost:11434", None))
    assert with_catch_all(here, "").settings.aliases == {"*": "ollama:llama3:8b"}


@pytest.mark.parametrize(("wanted", "hint"), [("", "start Ollama"), ("qwen3:8", "did you mean qwen3:8b?")])
def test_a_wish_that_cannot_be_met_says_what_can_be_done(wanted: str, hint: str) -> None:
    here = snapshot(*models_of(FOUND if wanted else FOUND[:1], OLLAMA, "http://localhost:11434", None))
    with pytest.raises(ConfigError, match=hint) as caught:
        with_catch_all(here, wanted)
    assert caught.value.problems[0].position.source == "flag --local"
