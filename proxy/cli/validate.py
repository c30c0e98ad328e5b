"""`joch validate`: every problem of a configuration, one line each. Serves nothing, asks no provider."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import click

from proxy import config

from . import output
from .flags import config_options, output_option, plain_output
from .reading import NOTHING, load, paths_or_default


@click.command("validate")
@config_options
@click.option("--strict", is_flag=True, help="warnings are a failure too (exit code 1)")
@output_option
def command(paths: tuple[str, ...], overlay: tuple[str, ...], style: str, *, strict: bool) -> None:
    """Check a configuration. Exit code 0: it can be served; 1: --strict and there are warnings; 2: it has errors."""
    found = paths_or_default(paths)
    if not found:
        output.failure(NOTHING)
        sys.exit(2)
    snapshot = None
    try:
        loaded = load(found, overlay)
        snapshot, problems = loaded.snapshot, loaded.problems
    except config.ConfigError as error:
        problems = error.problems
    if style == "table":
        for problem in problems:
            _print(problem)
        served = [(snapshot.models, "model"), (snapshot.routes, "route")] if snapshot else []
        counts = "".join(f"{config.counted(len(all_of_it), what)}, " for all_of_it, what in served)
        verdict = "valid" if snapshot else "not valid"
        click.echo(f"{', '.join(found)}: {verdict}: {counts}{_tally(problems)}")
    else:
        output.document({"valid": snapshot is not None, "problems": [_member(problem) for problem in problems]}, style)
    sys.exit(2 if snapshot is None else 1 if strict and config.warnings(problems) else 0)


def _print(problem: config.Problem) -> None:
    line = str(problem)
    if sys.stdout.isatty() and not plain_output():
        code = click.style(problem.code, fg=output.COLOURS[problem.level])
        line = line.replace(problem.code, code, 1)
    click.echo(line)


def _tally(problems: Sequence[config.Problem]) -> str:
    errors, warnings = len(config.errors(problems)), len(config.warnings(problems))
    return f"{config.counted(errors, 'error')}, {config.counted(warnings, 'warning')}"


def _member(problem: config.Problem) -> dict[str, Any]:
    return {
        "code": problem.code,
        "level": problem.level,
        "file": problem.position.source,
        "line": problem.position.line or None,
        "column": problem.position.column or None,
        "resource": problem.resource or None,
        "path": problem.path or None,
        "message": problem.message,
        "hint": problem.hint,
    }
