from pathlib import Path

import pytest

from proxy.config import sources


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path


def search(here: Path, **env: str) -> tuple[str, ...]:
    found = sources.default_paths({"HOME": str(here / "home"), **env}, directory=here)
    return tuple(str(Path(path).relative_to(here)) for path in found)


def write(path: Path, text: str = "kind: Model\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_the_usual_places_are_tried_in_order(here: Path) -> None:
    assert search(here) == ()
    write(here / "home/.joch/config.yaml")
    assert search(here) == ("home/.joch/config.yaml",)
    write(here / "config.yaml")
    assert search(here) == ("config.yaml",)
    write(here / "joch/a.yaml")
    assert search(here) == ("joch",)
    write(here / "joch.yaml")
    assert search(here) == ("joch.yaml",)
    assert sources.default_paths({"JOCH_CONFIG": "elsewhere.yaml"}, directory=here) == ("elsewhere.yaml",)


@pytest.mark.parametrize("text", ["port: 1\n", "# kind: Model\n", "kind: Deployment\n", "  kind: Model\n"])
def test_another_programs_config_yaml_is_left_alone(here: Path, text: str) -> None:
    write(here / "config.yaml", text)
    assert search(here) == ()


def test_an_empty_directory_is_no_configuration(here: Path) -> None:
    (here / "joch").mkdir()
    assert search(here) == ()


def test_a_directory_is_read_sorted_without_what_is_hidden_or_disabled(tmp_path: Path) -> None:
    for name in ("b.yaml", "a/z.yml", "a.yaml", ".hidden.yaml", ".git/x.yaml", "c.disabled.yaml", "notes.md"):
        write(tmp_path / name, name)
    texts, problems = sources.read([str(tmp_path)])
    assert problems == []
    assert [source.text for source in texts] == ["a/z.yml", "a.yaml", "b.yaml"]


def test_overlays_come_last_and_a_file_is_read_once(tmp_path: Path) -> None:
    write(tmp_path / "a.yaml")
    write(tmp_path / "b.yaml")
    first, second = str(tmp_path / "a.yaml"), str(tmp_path / "b.yaml")
    texts, _ = sources.read([first, first], [second])
    assert [(source.name, source.overlay) for source in texts] == [(first, False), (second, True)]


def test_what_cannot_be_read_is_a_problem_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write(tmp_path / "large.yaml", "x" * (sources.SIZE_LIMIT + 1))
    (tmp_path / "latin.yaml").write_bytes(b"a: 1\nb: \xe9\n")
    names = ["missing.yaml", "empty", "large.yaml", "latin.yaml"]
    _, problems = sources.read([str(tmp_path / name) for name in names])
    assert [(problem.code, Path(problem.position.source).name) for problem in problems] == [
        ("E-FILE", "missing.yaml"),
        ("E-FILE", "empty"),
        ("E-FILE", "large.yaml"),
        ("E-YAML", "latin.yaml"),
    ]
    assert problems[3].position.line == 2


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xef\xbb\xbfa: 1\n")
    texts, _ = sources.read([str(tmp_path / "a.yaml")])
    assert texts[0].text == "a: 1\n"
