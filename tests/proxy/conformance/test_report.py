"""Words and tables made of cells."""

from __future__ import annotations

from typing import Any

from proxy.conformance.report import Cell, Report, cell_text, markdown


def cell(word: Any, feature: str = "tools", dialect: str = "chat", provider: str = "acme", **members: Any) -> Cell:
    return Cell(
        **{
            "target": provider,
            "provider": provider,
            "section": "tool-calling",
            "scenario": "s",
            "feature": feature,
            "dialect": dialect,
            "mode": "whole",
            "model": "m",
            "word": word,
            **members,
        }
    )


def test_the_worst_word_counts() -> None:
    report = Report([cell("exact"), cell("emulated"), cell("refused", dialect="responses"), cell("failed", "vision")])
    assert report.word("acme", "tools", "chat") == "emulated"
    assert report.word("acme", "tools", "responses") == "refused"
    assert report.word("acme", "vision", "chat") == "failed"
    assert report.word("acme", "vision", "responses") is None
    assert [failed.feature for failed in report.failed] == ["vision"]
    assert report.sections("acme") == {"tool-calling": (3, 4)}


def test_the_table() -> None:
    report = Report(
        [cell("exact"), cell("loss", dialect="responses"), cell("refused", "n"), cell("exact", provider="b")]
    )
    assert markdown(report).splitlines() == [
        "| | `acme` | `b` |",
        "|---|---|---|",
        "| tools | chat: exact; responses: reported loss | exact |",
        "| n | refused | - |",
    ]


def test_a_variant_has_no_column_of_its_own() -> None:
    report = Report([cell("exact"), cell("exact", target="acme (elsewhere)")])
    assert report.providers() == ["acme"]


def test_one_cell() -> None:
    assert cell_text("exact", "exact") == cell_text("exact", None) == cell_text(None, "exact") == "exact"
    assert cell_text("failed", None) == "FAILED"


def test_the_document_holds_everything() -> None:
    document = Report([cell("failed", failures=("why",))], ["note"]).document()
    assert document["passed"] is False
    assert document["matrix"] == {"tools": {"acme": {"chat": "failed"}}}
    assert document["cells"][0]["failures"] == ["why"]
    assert document["notes"] == ["note"]
