"""`joch describe`: a route with its candidates as they are now, or what an execution has come to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import click

from . import output
from .asking import ask
from .flags import output_option, server_option
from .models import window

_CANDIDATES = ("#", "CANDIDATE", "HEALTH", "P50/P95 ms", "REGIONS", "ZONE", "WINDOW", "IN/OUT USD per M", "VERDICT")
_PLACES = {"modelroute": "route", "execution": "executions"}
"""Kinds, and where the router has them."""


@click.command("describe")
@click.argument("kind", type=click.Choice(tuple(_PLACES)))
@click.argument("name")
@server_option
@output_option
def command(kind: str, name: str, server: str | None, style: str) -> None:
    """Show KIND NAME: a modelroute or an execution."""
    found = ask(server, f"/v1/{_PLACES[kind]}/{quote(name, safe='')}")
    if style != "table":
        output.document(found, style)
    elif kind == "execution":
        for row in found["data"] if found.get("object") == "list" else [found]:
            _execution(row)
    else:
        _route(found)


def _route(found: Mapping[str, Any]) -> None:
    limits = {name: limit for name, limit in found["constraints"].items() if limit is not None}
    rows = [
        ("Name", found["name"]),
        ("Description", found["description"] or "-"),
        ("Answers to", ", ".join(found["answersTo"])),
        ("Requirements", ", ".join(found["requirements"]) or "none"),
        ("Constraints", "  ".join(f"{name} {limit}" for name, limit in limits.items()) or "none"),
        ("Failover", found["failover"]),
        ("Strict", found["strict"]),
    ]
    for label, text in rows:
        click.echo(f"{label + ':':<14} {text}")
    click.echo("")
    output.columns(_CANDIDATES, [_candidate(row) for row in found["candidates"]])
    for warning in found["warnings"]:
        click.echo(f"warning  {warning}")


def _candidate(row: Mapping[str, Any]) -> tuple[str, ...]:
    price = row["price"]
    return (
        str(row["index"]),
        row["ref"],
        row["health"],
        f"{_whole(row['p50Ms'])}/{_whole(row['p95Ms'])}",
        ",".join(row["regions"]) or "-",
        row["zone"],
        window(row["contextWindowTokens"]),
        f"{price[0]}/{price[1]}" if price else "unknown",
        row["verdict"],
    )


def _whole(milliseconds: float | None) -> str:
    return "-" if milliseconds is None else f"{milliseconds:.0f}"


def _execution(row: Mapping[str, Any]) -> None:
    status = row["status"]
    cost = f"{status['costUsd']:.6f} USD" + (" and more" if status["callsOfUnknownCost"] else "")
    click.echo(f"{row['id']}  namespace {row['namespace']}  agent {row['agent']}  id from {row['source']}")
    click.echo(
        f"calls {status['modelCalls']}  failed {status['failedCalls']}  cost {cost}  "
        f"tokens {status['inputTokens']} in, {status['outputTokens']} out"
    )
