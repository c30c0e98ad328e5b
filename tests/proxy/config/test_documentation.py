"""What the repository shows people to copy is loaded here: the example, and every YAML block of every page.

The reference names every field that a file may have, and every code that may be said of one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proxy import config
from proxy.config import load
from proxy.config.schema.fields import Mark
from proxy.routing.resolve import Resolver

from .schemas import SCHEMAS, records
from .writing import TODAY

ROOT = Path(__file__).parents[3]
REFERENCE = (ROOT / "docs" / "configuration.md").read_text()
FENCED = re.compile(r"^```ya?ml\n(.*?)^```", re.MULTILINE | re.DOTALL)
BLOCKS = FENCED.findall(REFERENCE)
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
KEYS = {f"{name}_API_KEY": "k" for name in ("ANTHROPIC", "AZURE_OPENAI", "GEMINI", "OPENAI")} | {
    "GATEWAY_URL": "http://gateway/v1"
}


def shown() -> list[Any]:
    """Every block of every page that is a configuration."""
    return [
        pytest.param(block, id=f"{page.relative_to(ROOT)}-{number}")
        for page in PAGES
        for number, block in enumerate(FENCED.findall(page.read_text()))
        if "apiVersion" in block
    ]


def example(env: dict[str, str]) -> config.Loaded:
    return load([str(ROOT / "config.example.yaml")], env=env, today=TODAY)


def test_the_example_shows_no_price_that_is_old_and_no_model_that_ends() -> None:
    """On the day of the other tests: what is shown grows old with the catalogue, not with the calendar."""
    assert {problem.code for problem in example(KEYS).problems} == {"W-UNENFORCED", "W-NOT-YET", "W-KIND-LATER"}


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


@pytest.mark.parametrize("block", shown())
def test_every_configuration_of_every_page_loads(tmp_path: Path, block: str) -> None:
    (tmp_path / "block.yaml").write_text(block)
    load([str(tmp_path / "block.yaml")], env=KEYS, today=TODAY)


def test_every_page_and_every_block_of_the_reference_is_looked_at() -> None:
    names = {str(parameter.id).rpartition("-")[0] for parameter in shown()}
    assert {"README.md", "docs/configuration.md", "docs/providers/openai.md"} <= names
    assert sum("configuration.md" in str(parameter.id) for parameter in shown()) == len(BLOCKS)


NOT_TO_BE_COPIED = {
    "W-NOT-YET",
    "W-UNENFORCED",
    "W-KIND-LATER",
    "W-ROUTE-UNSATISFIABLE",
    "W-SELECTOR-EMPTY",
    "W-RETIRES",
}


def test_no_block_of_the_reference_shows_what_does_not_work(tmp_path: Path) -> None:
    for block in BLOCKS:
        (tmp_path / "block.yaml").write_text(block)
        found = load([str(tmp_path / "block.yaml")], env=KEYS, today=TODAY).problems
        assert [str(problem) for problem in found if problem.code in NOT_TO_BE_COPIED] == []


WORDS = set(re.findall(r"\w+", REFERENCE))


def named(schema: Any) -> Iterator[str]:
    """The fields that the reference has to name: of what is not acted on yet, the outermost is enough."""
    for name, field in schema.model_fields.items():
        yield field.alias or name
        if not any(isinstance(item, Mark) for item in field.metadata):
            yield from (inner for record, _ in records(field.annotation, ()) for inner in named(record))


@pytest.mark.parametrize("kind", SCHEMAS)
def test_every_field_is_named_in_the_reference(kind: str) -> None:
    assert sorted(set(named(SCHEMAS[kind])) - WORDS) == []


def test_every_variable_is_named_in_the_reference() -> None:
    read = {
        name
        for folder in ("config", "cli")
        for path in (ROOT / "proxy" / folder).rglob("*.py")
        for name in re.findall(r'"(JOCH_[A-Z_]+)"', path.read_text())
    }
    assert sorted(read - WORDS) == []


def test_every_code_is_explained() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "proxy" / "config").rglob("*.py"))
    codes = set(re.findall(r'"([EWI]-[A-Z-]+)"', sources))
    assert codes - set(re.findall(r"`([EWI]-[A-Z-]+)`", REFERENCE)) == set()
