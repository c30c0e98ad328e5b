"""`python -m proxy.conformance`."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.conformance import __main__ as program
from proxy.conformance import readme


def test_it_writes_the_table_into_a_readme(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "README.md"
    path.write_text(f"{readme.BEGIN}\n{readme.END}\n")
    monkeypatch.setattr(readme, "table", lambda: "| made |\n")
    assert program.main(["--readme", str(path)]) == 0
    assert path.read_text() == f"{readme.BEGIN}\n| made |\n{readme.END}\n"
    assert program.main(["--readme", str(path)]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{path}: written", f"{path}: up to date"]


@pytest.mark.parametrize("arguments", [[], ["--table"], ["--readme", "a", "b"]])
def test_anything_else_is_wrong(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert program.main(arguments) == 2
    assert "usage" in capsys.readouterr().err
