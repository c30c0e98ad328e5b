"""What the repository shows people to copy is loaded here: the example, and every YAML block of the reference."""

import re
from pathlib import Path

import pytest

from proxy import config
from proxy.config import load
from proxy.routing.resolve import Resolver

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", REFERENCE, re.MULTILINE | re.DOTALL)
KEYS = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "GATEWAY_URL": "http://gateway/v1"}


def example(env: dict[str, str]) -> config.Loaded:
    return load([str(ROOT / "config.example.yaml")], env=env)


def test_the_example_has_no_error_with_or_without_keys() -> None:
    for env in ({}, KEYS):
        loaded = example(env)
        assert len(loaded.snapshot.models) == 5
        assert len(loaded.snapshot.routes) == 4


@pytest.mark.parametrize(
    ("asked", "first"),
    [
        ("research-default", "openai:gpt-5-thinking"),
        ("gpt-4o", "openai:gpt-4o"),
        ("openai:gpt-5-thinking", "openai:gpt-5-thinking"),
        ("gpt-5.5-thinking", "openai:gpt-5-thinking"),
        ("gpt-4o-mini-2024-07-18", "ollama:qwen3-local"),
        ("claude-sonnet", "anthropic:claude-sonnet"),
        ("qwen3:8b", "ollama:qwen3-local"),
        ("o4-mini", "openai:o4-mini"),
        ("text-embedding-3-small", "ollama:nomic-embed-text"),
        (None, "openai:gpt-5-thinking"),
    ],
)
def test_names_lead_where_the_reference_says(asked: str | None, first: str) -> None:
    route, _ = Resolver(example(KEYS).snapshot).resolve(asked)
    assert route.entries[0].ref == first


def test_a_warning_of_the_example_is_announced_in_its_comments() -> None:
    """A field that does nothing yet says "later" on its line, in the line above, or in the comment over its resource."""
    lines = (ROOT / "config.example.yaml").read_text().splitlines()
    for problem in example(KEYS).problems:
        if problem.code in ("W-NOT-YET", "W-UNENFORCED"):
            around = " ".join(lines[max(problem.position.line - 5, 0) : problem.position.line])
            assert "later" in around, f"say that this comes later: {problem}"


@pytest.mark.parametrize("block", BLOCKS, ids=[str(number) for number in range(len(BLOCKS))])
def test_every_block_of_the_reference_loads(tmp_path: Path, block: str) -> None:
    (tmp_path / "block.yaml").write_text(block)
    load([str(tmp_path / "block.yaml")], env=KEYS)


def test_no_block_of_the_reference_shows_what_does_not_work_yet(tmp_path: Path) -> None:
    for block in BLOCKS:
        (tmp_path / "block.yaml").write_text(block)
        codes = {problem.code for problem in load([str(tmp_path / "block.yaml")], env=KEYS).problems}
        assert codes & {"W-NOT-YET", "W-UNENFORCED", "W-KIND-LATER"} == set()


def test_every_code_is_explained() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "proxy" / "config").rglob("*.py"))
    codes = set(re.findall(r'"([EWI]-[A-Z-]+)"', sources))
    assert codes - set(re.findall(r"`([EWI]-[A-Z-]+)`", REFERENCE)) == set()
