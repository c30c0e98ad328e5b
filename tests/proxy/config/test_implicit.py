from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from proxy.config.implicit import PATTERNS, find, template
from proxy.resources import Clocks

from .writing import loaded, model, record, settings


@pytest.mark.parametrize(
    "name",
    [
        "gpt-4o",
        "gpt-5-mini-2025-08-07",
        "o3",
        "o4-mini",
        "chatgpt-4o-latest",
        "text-embedding-3-small",
        "ft:gpt-4o:org::id",
    ],
)
def test_ids_that_openai_is_known_for(name: str) -> None:
    assert any(fnmatchcase(name, pattern) for pattern in PATTERNS["openai"])


@pytest.mark.parametrize(
    ("provider", "name"),
    [("anthropic", "claude-opus-5"), ("google", "gemini-4-argon"), ("google", "gemini-flash-latest")],
)
def test_ids_that_others_are_known_for(provider: str, name: str) -> None:
    assert [known for known in PATTERNS if any(fnmatchcase(name, each) for each in PATTERNS[known])] == [provider]


@pytest.mark.parametrize("name", ["ollama", "opus", "claude-sonnet", "qwen3:8b", "research-default", "omni"])
def test_ids_that_are_none_of_openais(name: str) -> None:
    assert not any(fnmatchcase(name, pattern) for pattern in PATTERNS["openai"])


def test_a_qualified_name_finds_its_own_provider_only() -> None:
    made = [
        template(record(name), "http://h", secret=None, clocks=Clocks(), headers={}, local=name == "ollama")
        for name in ("openai", "ollama")
    ]
    for name, provider, bare in [
        ("openai:x", "openai", "x"),
        ("ollama:gpt-x", "ollama", "gpt-x"),
        ("gpt-x", "openai", "gpt-x"),
    ]:
        found = find(made, name)
        assert found is not None
        assert (found[0].provider, found[1]) == (provider, bare)
    assert find(made, "vllm:x") is None
    assert made[1][0].clocks.first_byte == 300.0


def test_only_providers_in_use_with_a_key_have_implicit_models(tmp_path: Path) -> None:
    text = model("a", "provider: ollama")
    assert [made.provider for made, _ in loaded(tmp_path, text).snapshot.implicit] == ["ollama"]
    text = settings("{ providers: { openai: {} } }") + text
    assert [made.provider for made, _ in loaded(tmp_path, text).snapshot.implicit] == ["openai", "ollama"]
    assert [made.provider for made, _ in loaded(tmp_path, text, {}).snapshot.implicit] == ["ollama"]
    assert loaded(tmp_path, settings("{ implicitModels: off }") + model("a")).snapshot.implicit == ()
