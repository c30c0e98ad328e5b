"""Which files make up a configuration, and their text. Parses nothing.

A path is a YAML file, a directory (every `*.yaml` and `*.yml` below it, sorted by path; hidden names and
`*.disabled.yaml` left out) or `-` for standard input. Without paths the usual places are tried.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .problems import Position, Problem

SIZE_LIMIT = 4 * 1024 * 1024
"""The largest file in bytes."""
STDIN = "-"
_OURS = re.compile(rb"^kind:[ ]*[\"']?(Model|ModelRoute|RouterSettings)[\"']?[ ]*(#.*)?\r?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file's text. `overlay`: its resources replace those of the same identity."""

    name: str
    text: str
    overlay: bool = False


def default_paths(env: Mapping[str, str], *, directory: Path | None = None) -> tuple[str, ...]:
    """Where the configuration is when nobody said: `$JOCH_CONFIG`, `./joch.yaml`, `./joch/`, `./config.yaml`,
    `~/.joch/config.yaml`. Empty when there is none, which means zero-config.

    `./config.yaml` counts only if it names a kind of ours, since many programs have a file of that name.
    """
    if env.get("JOCH_CONFIG"):
        return (env["JOCH_CONFIG"],)
    here = directory or Path()
    if (here / "joch.yaml").is_file():
        return (str(here / "joch.yaml"),)
    if any(yaml_files(here / "joch")):
        return (str(here / "joch"),)
    shared = here / "config.yaml"
    if shared.is_file() and _names_our_kind(shared):
        return (str(shared),)
    home = env.get("HOME") or env.get("USERPROFILE")
    personal = Path(home) / ".joch" / "config.yaml" if home else None
    return (str(personal),) if personal and personal.is_file() else ()


def yaml_files(directory: Path) -> Iterator[Path]:
    """The YAML files below `directory`, sorted by path."""
    found = []
    for folder, folders, names in os.walk(directory):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder) / name for name in names if _is_yaml(name)]
    yield from sorted(found)


def files(path: str) -> tuple[Path, ...]:
    """What `path` stands for now; a path that does not exist stands for itself."""
    location = Path(path).expanduser()
    return tuple(yaml_files(location)) if location.is_dir() else (location,)


def read(paths: Sequence[str], overlay: Sequence[str] = ()) -> tuple[list[Source], list[Problem]]:
    """The text of all files, `overlay` last, and what could not be read."""
    sources: list[Source] = []
    problems: list[Problem] = []
    seen: set[Path] = set()
    for path, over in [*((path, False) for path in paths), *((path, True) for path in overlay)]:
        if path == STDIN:
            _add("<stdin>", sys.stdin.buffer.read(SIZE_LIMIT + 1), sources, problems, overlay=over)
            continue
        found = files(path)
        if not found:
            problems.append(_unreadable(path, "the directory holds no *.yaml or *.yml file"))
        for file in found:
            if file.resolve() in seen:
                continue
            seen.add(file.resolve())
            try:
                with file.open("rb") as opened:
                    data = opened.read(SIZE_LIMIT + 1)
            except OSError as error:
                problems.append(_unreadable(str(file), (error.strerror or type(error).__name__).lower()))
                continue
            _add(str(file), data, sources, problems, overlay=over)
    return sources, problems


def _add(name: str, data: bytes, sources: list[Source], problems: list[Problem], *, overlay: bool) -> None:
    if len(data) > SIZE_LIMIT:
        problems.append(_unreadable(name, f"larger than {SIZE_LIMIT // 1024 // 1024} MiB"))
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(
            Problem(
                code="E-YAML",
                message="not UTF-8 text",
                position=Position(name, line, 1),
                hint="save the file as UTF-8",
            )
        )
        return
    sources.append(Source(name, text, overlay))


def _unreadable(name: str, reason: str) -> Problem:
    hint = "name a *.yaml file, a directory that holds some, or - for standard input"
    return Problem(code="E-FILE", message=f"cannot be read: {reason}", position=Position(name), hint=hint)


def _is_yaml(name: str) -> bool:
    hidden = name.startswith(".") or name.endswith((".disabled.yaml", ".disabled.yml"))
    return name.endswith((".yaml", ".yml")) and not hidden


def _names_our_kind(file: Path) -> bool:
    try:
        with file.open("rb") as opened:
            return bool(_OURS.search(opened.read(SIZE_LIMIT)))
    except OSError:
        return False
