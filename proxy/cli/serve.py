"""`joch serve`: flags to options, and what `--check` prints. The serving itself is `proxy.serve`."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

import click

from proxy.options import ServeOptions
from proxy.resources import Snapshot

from .flags import config_options


@click.command("serve")
@config_options
@click.option("--port", type=click.IntRange(0, 65535), help="listen here; 0 takes a free port")
@click.option("--host", metavar="ADDRESS", help="listen on this address instead of 127.0.0.1")
@click.option(
    "--local",
    is_flag=False,
    flag_value="",
    metavar="[MODEL]",
    help="send unknown model names to a local model: MODEL, or the first that can call tools",
)
@click.option("--check", is_flag=True, help="load, resolve, print what would be served, and leave")
@click.option("--watch", is_flag=True, help="reload when a file changes")
@click.option("--workers", type=click.IntRange(1, 256), default=1, show_default=True, help="processes on one port")
@click.option("--log-level", type=click.Choice(["debug", "info", "warning", "error"]), help="how much to log")
@click.option("--events", "events_file", metavar="FILE", help="append events to FILE, one JSON object a line")
def command(paths: tuple[str, ...], workers: int, *, check: bool, **flags: Any) -> None:
    """Start the router. Without a configuration it serves what it finds: keys in the environment, a local Ollama, and
    the built-in demo:echo."""
    options = ServeOptions(paths=paths, workers=workers, check=check, **flags)
    sys.exit(_check(options) if options.check else _serve(options))


def _serve(options: ServeOptions) -> int:
    from proxy import serve, workers

    if options.workers == 1:
        return serve.run(options)
    return workers.supervise(options.workers, lambda: serve.run(options, shared_port=True))


def _check(options: ServeOptions) -> int:
    from proxy import config, serve

    try:
        started = asyncio.run(serve.configure(options, os.environ))
    except config.ConfigError as error:
        click.echo(str(error), err=True)
        return 2
    for note in started.notes:
        click.echo(note, err=True)
    for line in summary(started.snapshot):
        click.echo(line)
    return 0


def summary(snapshot: Snapshot) -> list[str]:
    """What a client may say and what it leads to, one line each."""
    settings = snapshot.settings
    lines = [f"listen  http://{settings.address}:{settings.port}"]
    lines += [
        f"route   {name} -> {', '.join(entry.ref for entry in route.entries)}"
        for name, route in snapshot.routes.items()
    ]
    lines += [f"alias   {name} -> {target}" for name, target in settings.aliases.items()]
    for ref, model in snapshot.models.items():
        problem = model.secret_problem or ("disabled" if model.disabled else "")
        lines.append(f"model   {ref} -> {model.model}" + (f"  (cannot serve: {problem})" if problem else ""))
    lines += [f"models  {template.provider}:*  {' '.join(bare)}".rstrip() for template, bare in snapshot.implicit]
    return lines
