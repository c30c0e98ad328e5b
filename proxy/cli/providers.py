"""`joch providers`: what is installed, and which keys would be found. Asks nobody. `verify` is in a module of its own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from proxy.config.environment import base_url_variable_set, is_ours
from translators import providers
from translators.providers.provider import Provider

from . import output, verify
from .flags import output_option

HEADERS = ("PROVIDER", "ADDRESS", "FORMATS", "KEY")


@click.group("providers", invoke_without_command=True)
@output_option
@click.pass_context
def command(ctx: click.Context, style: str) -> None:
    """List installed providers, or verify them."""
    if ctx.invoked_subcommand is not None:
        return
    rows = [described(name, os.environ) for name in providers.names()]
    if style == "table":
        output.columns(HEADERS, [_cells(row) for row in rows])
    else:
        output.document(rows, style)


command.add_command(verify.command)


def described(name: str, env: Mapping[str, str]) -> dict[str, Any]:
    """One provider, with names of variables only."""
    try:
        record = providers.load(name)
    except providers.BrokenProviderError as error:
        return {"provider": name, "problem": str(error)}
    if not isinstance(record, Provider):
        return {"provider": name, "builtIn": True, "models": list(record.models)}
    variable = base_url_variable_set(name, env)
    return {
        "provider": name,
        "baseUrl": env[variable] if variable else record.base_url,
        "baseUrlFrom": variable or "default",
        "formats": [known.name for known in record.formats],
        "local": record.local,
        "keys": {variable: _status(env.get(variable)) for variable in record.key_env},
    }


def _status(value: str | None) -> str:
    if not value:
        return "not set"
    return "not a provider's key" if is_ours(value) else "set"


def _cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    if "problem" in row:
        return row["provider"], "-", "-", f"broken: {row['problem']}"
    if row.get("builtIn"):
        return row["provider"], "built in", "-", "none needed"
    keys = ", ".join(f"{name} {status}" for name, status in row["keys"].items())
    need = " (optional)" if row["local"] and keys else ""
    return row["provider"], row["baseUrl"] or "by Model", ", ".join(row["formats"]), keys + need or "by Model"
