import pytest

from proxy.cli import output


def test_columns_in_a_pipe_are_plain_and_never_cut(capsys: pytest.CaptureFixture[str]) -> None:
    long = "x" * 300
    output.columns(("NAME", "N"), [("a", "1"), (long, "1000"), ("[red]b[/]", "20")], right=("N",))
    printed = capsys.readouterr().out
    assert printed.splitlines() == [
        "NAME" + " " * 298 + "   N",
        "a" + " " * 304 + "1",
        long + "  1000",
        "[red]b[/]" + " " * 295 + "20",
    ]
    assert "\x1b" not in printed


def test_yaml_keeps_the_order_and_the_letters(capsys: pytest.CaptureFixture[str]) -> None:
    output.document({"z": "ü", "a": [1]}, "yaml")
    assert capsys.readouterr().out == "z: ü\na:\n- 1\n"
    output.document({"z": "ü", "a": [1]}, "json")
    assert capsys.readouterr().out == '{\n  "z": "ü",\n  "a": [\n    1\n  ]\n}\n'


def test_a_failure_is_one_line_on_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    output.failure("it broke")
    assert capsys.readouterr() == ("", "joch: it broke\n")
