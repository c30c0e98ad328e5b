import pytest

from proxy.cli.flags import plain_output

from .running import joch


@pytest.mark.parametrize("variable", ["NO_COLOR", "JOCH_NO_COLOR"])
def test_colours_can_be_refused(monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    for name in ("NO_COLOR", "JOCH_NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    assert not plain_output()
    monkeypatch.setenv(variable, "1")
    assert plain_output()


def test_an_unknown_output_style_is_wrong_usage() -> None:
    assert joch("version", "-o", "xml").exit_code == 2
