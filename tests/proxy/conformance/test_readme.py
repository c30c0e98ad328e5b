"""The README's table is what the suite makes, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.conformance import readme

README = Path(__file__).resolve().parents[3] / "README.md"


def test_only_what_is_between_the_markers_is_replaced() -> None:
    text = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    made = readme.replaced(text, "new\n")
    assert made == f"before\n{readme.BEGIN}\nnew\n{readme.END}\nafter\n"
    assert readme.replaced(made, "new\n") == made


def test_markers_that_are_missing_are_an_error() -> None:
    with pytest.raises(ValueError, match="markers"):
        readme.replaced("no markers", "new")


def test_the_readme_has_the_markers() -> None:
    readme.replaced(README.read_text(encoding="utf-8"), "")


@pytest.mark.slow
def test_the_table_of_the_readme_is_what_the_suite_makes() -> None:
    text = README.read_text(encoding="utf-8")
    made = readme.table()
    assert "FAILED" not in made, "a provider does not do what the table would say: joch providers verify --all"
    assert text == readme.replaced(text, made), "write it anew: make conformance-table"
