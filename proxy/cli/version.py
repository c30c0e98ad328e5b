"""`joch version`: what a bug report needs to say."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

import click

from proxy import catalog

from . import output
from .flags import output_option

_TOLD = ("aiohttp", "orjson", "pydantic", "uvloop")


@click.command("version")
@output_option
def command(style: str) -> None:
    """Print versions."""
    versions = {"joch": version("joch-proxy"), "python": platform.python_version(), "platform": platform.platform()}
    versions["catalogue"] = catalog.version()
    versions |= {name: _installed(name) for name in _TOLD}
    if style != "table":
        output.document(versions, style)
        return
    click.echo(f"joch {versions['joch']}")
    for name, value in list(versions.items())[1:]:
        click.echo(f"  {name:<9} {value}")


def _installed(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
