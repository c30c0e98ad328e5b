"""Each provider has a page with the same eight headings, and every YAML block on it is a configuration that loads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from proxy.config import load

FOLDER = Path(__file__).parents[1] / "docs" / "providers"
PROVIDERS = ("anthropic", "generic-openai", "google", "llama-cpp", "microsoft", "ollama", "openai", "vllm")
HEADINGS = [
    "Authentication",
    "Capability vector",
    "Tool calling",
    "Streaming",
    "Region and residency",
    "Fallback",
    "Cost",
    "Known limits",
]
KEYS = {f"{name}_API_KEY": "k" for name in ("ANTHROPIC", "AZURE_OPENAI", "GEMINI", "OPENAI")}
"""A conventional key for each hosted provider; every other secret of the pages may be missing."""
PROMISES = {"W-NOT-YET", "W-UNENFORCED", "W-KIND-LATER"}
"""What a page must not show as if it worked."""

BLOCK = re.compile(r"^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def page(provider: str) -> str:
    path = FOLDER / f"{provider}.md"
    assert path.exists(), f"docs/providers/{provider}.md is missing"
    return path.read_text()


def blocks() -> list[Any]:
    return [
        pytest.param(block, id=f"{path.stem}-{number}")
        for path in sorted(FOLDER.glob("*.md"))
        for number, block in enumerate(BLOCK.findall(path.read_text()))
    ]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_page_has_the_eight_headings_in_their_order(provider: str) -> None:
    text = FENCED.sub("", page(provider))
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS


@pytest.mark.parametrize("provider", PROVIDERS)
def test_nothing_under_a_heading_is_empty_and_authentication_is_shown(provider: str) -> None:
    sections = dict(zip(HEADINGS, re.split(r"^## .+$", page(provider), flags=re.MULTILINE)[1:], strict=True))
    assert [heading for heading, body in sections.items() if len(body.split()) < 20] == []
    assert BLOCK.search(sections["Authentication"]), "show the Secret and the Model that uses it"
    assert f"provider: {provider}" in sections["Authentication"]


@pytest.mark.parametrize("block", blocks())
def test_every_block_is_a_configuration_that_loads(tmp_path: Path, block: str) -> None:
    (tmp_path / "block.yaml").write_text(block)
    found = load([str(tmp_path / "block.yaml")], env=KEYS)  # raises ConfigError with every error
    assert found.snapshot.models
    assert [str(problem) for problem in found.problems if problem.code in PROMISES] == []


def test_there_is_a_page_for_each_provider_and_no_other() -> None:
    assert {path.stem for path in FOLDER.glob("*.md")} == set(PROVIDERS)
