"""Options that several commands share, and what they have in common."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

DEFAULT_SERVER = "http://127.0.0.1:8083"
FORMATS = ("table", "wide", "json", "yaml")
CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def config_options(function: CommandT) -> CommandT:
    """`-f` and `--overlay`, each of which may be given several times."""
    overlay = click.option(
        "--overlay", multiple=True, metavar="PATH", help="like -f, and its resources replace those of the same name"
    )
    files = click.option(
        "-f",
        "--config",
        "paths",
        multiple=True,
        metavar="PATH",
        help="a YAML file, a directory, or - for standard input",
    )
    return files(overlay(function))


def output_option(function: CommandT) -> CommandT:
    """`-o table|wide|json|yaml`, for a command whose table is as wide as it gets: "wide" is "table" to it."""
    return _output_option(lambda context, option, style: "table" if style == "wide" else style)(function)


def wide_output_option(function: CommandT) -> CommandT:
    """`-o table|wide|json|yaml`, for a command that has more to show."""
    return _output_option(None)(function)


def _output_option(callback: Callable[..., str] | None) -> Callable[[CommandT], CommandT]:
    return click.option(
        "-o",
        "--output",
        "style",
        type=click.Choice(FORMATS),
        default="table",
        envvar="JOCH_OUTPUT",
        help="how to print the result",
        callback=callback,
    )


def server_option(function: CommandT) -> CommandT:
    """`--server URL`, else `JOCH_SERVER`, else the usual address."""
    return click.option(
        "--server",
        envvar="JOCH_SERVER",
        metavar="URL",
        help=f"a running router; {DEFAULT_SERVER} if nothing else is said",
    )(function)


def plain_output() -> bool:
    """Whether colours are unwanted (`NO_COLOR`, `JOCH_NO_COLOR`); a pipe is found out elsewhere."""
    return bool(os.environ.get("NO_COLOR") or os.environ.get("JOCH_NO_COLOR"))
