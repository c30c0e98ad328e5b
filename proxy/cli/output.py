"""How results are printed: columns for people, JSON and YAML for programs. Colour only on a terminal."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click

from .flags import plain_output

_UNBOUNDED = 10_000
"""Columns given to a table that goes into a pipe: nothing is cut there."""
COLOURS = {"error": "red", "fail": "red", "warning": "yellow", "warn": "yellow", "ok": "green", "info": "cyan"}


def columns(headers: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """A table without lines, as wide as the terminal. Headers named in `right` hold numbers."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    terminal = sys.stdout.isatty()
    table = Table(box=None, show_edge=False, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for header in headers:
        table.add_column(Text(header), justify="right" if header in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    console = Console(
        width=None if terminal else _UNBOUNDED, no_color=plain_output() or None, highlight=False, soft_wrap=not terminal
    )
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        click.echo(line.rstrip() if not terminal else line)


def document(value: Mapping[str, Any] | Sequence[Any], style: str) -> None:
    """The result as JSON or YAML, in the order of its members."""
    if style == "yaml":
        import yaml

        click.echo(yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=120), nl=False)
    else:
        click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def failure(message: str) -> None:
    """One line on standard error."""
    click.echo(f"joch: {message}", err=True)
