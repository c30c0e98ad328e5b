"""`joch providers verify`: what it runs, prints and answers with its exit code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest

from proxy.cli import verify
from proxy.conformance.report import Cell, Report

from .running import joch

NARROW = ("--section", "cancellation")


def test_a_provider_is_verified_section_by_section() -> None:
    ran = joch("providers", "verify", "ollama", *NARROW)
    assert ran.exit_code == 0
    assert [line.split() for line in ran.stdout.splitlines()] == [
        ["PROVIDER", "SECTION", "RESULT", "PASSED"],
        ["ollama", "cancellation", "ok", "6/6"],
    ]


def test_the_matrix_for_people_and_for_programs() -> None:
    table = joch("providers", "verify", "ollama", *NARROW, "-o", "markdown").stdout
    assert table == "| | `ollama` |\n|---|---|\n| cancellation | exact |\n"
    document = json.loads(joch("providers", "verify", "ollama", *NARROW, "-o", "json").stdout)
    assert document["passed"] is True
    assert document["sections"] == {"cancellation": {"passed": 6, "of": 6}}


def test_one_scenario() -> None:
    ran = joch("providers", "verify", "ollama", "--scenario", "plain-text", "-o", "json")
    assert {cell["scenario"] for cell in json.loads(ran.stdout)["cells"]} == {"plain-text"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "name a provider, or say --all"),
        (("acme",), "no installed package offers the provider 'acme'"),
        (("ollama", "--section", "colours"), "no section 'colours'"),
        (("ollama", "--scenario", "colours"), "no scenario 'colours'"),
        (("demo",), "answers by itself"),
        (("openai", "ollama", "--live"), "one provider at a time"),
        (("openai", "--live", "--max-usd", "-1"), "an amount of US dollars"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str) -> None:
    ran = joch("providers", "verify", *arguments)
    assert ran.exit_code == 2
    assert words in ran.output


def test_live_without_a_model_asks_nobody(tmp_path: Path) -> None:
    (tmp_path / "joch.yaml").write_text(
        "apiVersion: model.joch.dev/v1alpha1\nkind: Model\nmetadata: { name: m }\n"
        'spec: { provider: vllm, endpoint: { type: hosted, baseUrl: "http://127.0.0.1:1/v1" }, auth: {} }\n'
    )
    configured = ("--live", "-f", str(tmp_path / "joch.yaml"))
    assert "has no model of ollama" in joch("providers", "verify", "ollama", *configured).output
    unknown = joch("providers", "verify", "vllm", *configured)
    assert unknown.exit_code == 2
    assert "price of vllm:m is not known" in unknown.output


def cell(**members: Any) -> Cell:
    return Cell(
        **{
            "target": "acme",
            "provider": "acme",
            "section": "vision",
            "scenario": "image",
            "feature": "image",
            "dialect": "chat",
            "mode": "whole",
            "model": "m",
            "word": "failed",
            "failures": ("the image did not arrive",),
            **members,
        }
    )


def test_failures_are_told_and_a_section_that_has_one_fails(capsys: pytest.CaptureFixture[str]) -> None:
    verify.show(Report([cell(), cell(word="exact", failures=())], ["a note"]), "table")
    printed = capsys.readouterr()
    assert printed.out.splitlines()[1].split() == ["acme", "vision", "fail", "1/2"]
    assert "acme: vision/image [chat, whole, m]\n  the image did not arrive" in printed.err
    assert "a note" in printed.err


def test_more_failures_than_anybody_reads_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    verify.show(Report([cell(scenario=f"s{number}") for number in range(20)]), "table")
    assert "... and 8 more" in capsys.readouterr().err


def test_amounts() -> None:
    context, option = click.Context(verify.command), verify.command.params[0]
    assert str(verify._amount(context, option, "0.25")) == "0.25"
    for wrong in ("0", "x", "inf"):
        with pytest.raises(click.BadParameter):
            verify._amount(context, option, wrong)
