from pathlib import Path

import pytest

from proxy.cli.reading import paths_or_default


def test_what_was_named_comes_before_what_is_there(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JOCH_CONFIG", raising=False)
    assert paths_or_default(()) == ()
    (folder / "joch.yaml").write_text("")
    assert paths_or_default(()) == ("joch.yaml",)
    assert paths_or_default(("a", "b")) == ("a", "b")
