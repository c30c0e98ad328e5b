"""`joch models`: every Model with what it can do, from a configuration or from a running router."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import click

from proxy import config, known
from proxy.adapters.capabilities import reckoned
from proxy.explain import report
from proxy.explain.check import MARKS, word_for
from proxy.resources import Model, Snapshot
from proxy.routing import Resolver
from proxy.secrets import SecretResolver
from translators.canonical import RequestError

from . import output
from .asking import NOT_FOUND, ask
from .flags import config_options, output_option, server_option, wide_output_option
from .reading import load, paths_or_default

HEADERS = ("MODEL", "UPSTREAM ID", "ENDPOINT", "CAPABILITIES", "WINDOW", "IN/OUT PER M", "KEY")
_NUMBERS = ("WINDOW", "MAX OUT", "IN", "CACHED", "WRITE", "OUT")
WIDE_HEADERS = ("MODEL", "UPSTREAM ID", "CAPABILITIES", "EFFORTS", *_NUMBERS, "PER M", "PRICES OF", "RETIRES", "KEY")
_SHORT = {
    "toolCalling": "tools",
    "structuredOutput": "json",
    "jsonSchema": "schema",
    "computerUse": "computer",
    "embeddings": "embed",
}
_NOTICE_DAYS = 30
Row = Mapping[str, Any]


@click.group("models", invoke_without_command=True)
@config_options
@server_option
@wide_output_option
@click.pass_context
def command(
    context: click.Context, paths: tuple[str, ...], overlay: tuple[str, ...], server: str | None, style: str
) -> None:
    """List models: of the configuration named with -f, else of the running router."""
    if context.invoked_subcommand is None:
        _list(paths, overlay, server, style)


@command.command("check")
@click.option("--agent", required=True, metavar="NAME", help="the agent whose route and recent calls count")
@click.option("--target", required=True, metavar="REF", help="the model that could take over, as provider:name")
@click.option("--strict", is_flag=True, help="a warning is a failure")
@config_options
@server_option
@output_option
def check(
    agent: str,
    target: str,
    paths: tuple[str, ...],
    overlay: tuple[str, ...],
    server: str | None,
    style: str,
    *,
    strict: bool,
) -> None:
    """Whether a model could take over what an agent does: by its recent calls, or with -f by its route alone."""
    found = (
        _checked_offline(agent, target, paths, overlay)
        if paths
        else ask(server, "/v1/route/-/check", {"agent": agent, "target": target})
    )
    if style == "table":
        click.echo(f"Agent {found['agent']}   route {found['route'] or '-'}   calls looked at: {found['calls']}")
        click.echo(f"Compatibility check against {found['target']}")
        for row in found["checks"]:
            click.echo(f"  {MARKS[row['level']]} {word_for(row['id']):<28} {row['detail']}")
        click.echo(f"Result     {found['result']}")
    else:
        output.document(found, style)
    warned = any(row["level"] == "warn" for row in found["checks"])
    sys.exit(0 if found["compatible"] and not (strict and warned) else 1)


def _checked_offline(agent: str, target: str, paths: tuple[str, ...], overlay: tuple[str, ...]) -> Any:
    try:
        snapshot = load(paths, overlay).snapshot
        route, _ = Resolver(snapshot).resolve(target)
    except config.ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(2)
    except RequestError as error:
        output.failure(str(error))
        sys.exit(NOT_FOUND)
    entry = route.entries[0]
    model = entry.model or snapshot.models[entry.ref]
    return report(agent, model, snapshot, reckoned(model), ())


def _list(paths: tuple[str, ...], overlay: tuple[str, ...], server: str | None, style: str) -> None:
    if paths:
        try:
            snapshot = load(paths_or_default(paths), overlay).snapshot
        except config.ConfigError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        rows: Sequence[Row] = offline(snapshot, SecretResolver(os.environ))
    else:
        rows = ask(server, "/v1/models/capabilities", otherwise=", or name a configuration with -f")["data"]
    if style == "table":
        output.columns(HEADERS, [_cells(row) for row in rows], right=("WINDOW",))
    elif style == "wide":
        today = datetime.now(UTC).date()
        output.columns(WIDE_HEADERS, [_wide_cells(row, today) for row in rows], right=_NUMBERS)
    else:
        output.document(list(rows), style)


def offline(snapshot: Snapshot, secrets: SecretResolver) -> list[Row]:
    """One row per Model, in the shape of `GET /v1/models/capabilities` with address and key added."""
    return [_row(model, secrets) for model in snapshot.models.values()]


def _row(model: Model, secrets: SecretResolver) -> Row:
    return {**known.document(model), "baseUrl": model.base_url, "key": _key(model, secrets)}


def _key(model: Model, secrets: SecretResolver) -> str:
    """Which key is sent and whether it is there: its name, never its value."""
    if model.disabled:
        return "disabled"
    if model.secret_problem:
        return f"missing: {model.secret_problem}"
    if model.secret is None:
        return f"token ({model.auth.type})" if model.auth.by_token else "none"
    fault = secrets.problem(model.secret, lines=model.auth.type == "google-sa")
    return f"{model.secret.name}: {fault.detail}" if fault else f"{model.secret.name} ok"


def _cells(row: Row) -> tuple[str, ...]:
    limits = row.get("limits") or {}
    return (
        row["ref"],
        row["model"],
        row.get("baseUrl") or row["endpointType"],
        _flags(row),
        window(limits.get("contextWindowTokens")),
        _price(row.get("pricing")),
        row.get("key") or "-",
    )


def _wide_cells(row: Row, today: date) -> tuple[str, ...]:
    limits, pricing, told = row.get("limits") or {}, row.get("pricing") or {}, row.get("catalog") or {}
    return (
        row["ref"],
        row["model"],
        _flags(row),
        _efforts(row, told.get("defaultEffort")),
        window(limits.get("contextWindowTokens")),
        window(limits.get("maxOutputTokens")),
        *_rates(pricing),
        pricing.get("currency", "-"),
        _prices_of(pricing),
        retires(told.get("retires"), today),
        row.get("key") or "-",
    )


def _efforts(row: Row, default: str | None) -> str:
    """The reasoning efforts a model knows, its default in brackets."""
    efforts = (row.get("features") or {}).get("reasoningEfforts") or ()
    return " ".join(f"[{effort}]" if effort == default else effort for effort in efforts) or "-"


def _rates(pricing: Row) -> tuple[str, ...]:
    """Input, cached input, writes and output, per million tokens. "2.5/4": the second is for writes that are kept longer."""
    names = ("input", "cachedInput", "cacheWrite", "cacheWrite1h", "output")
    amounts = [pricing.get(f"{name}PerMillionTokens") for name in names]
    read, cached, write, kept, out = ("?" if amount is None else f"{amount:g}" for amount in amounts)
    both = "-" if write == kept == "?" else write if kept == "?" else f"{write}/{kept}"
    return (read, "-" if cached == "?" else cached, both, out) if pricing else ("?", "-", "-", "?")


def _prices_of(pricing: Row) -> str:
    """Since when prices are known, and from whom. "+tiers": long requests cost more."""
    if not pricing:
        return "unknown"
    more = " +tiers" if pricing.get("tiers") else ""
    return f"{pricing.get('asOf') or 'no date'} ({pricing['source']}){more}"


def retires(day: str | None, today: date) -> str:
    """The day a provider ends a model, and how long that is if it is near."""
    if day is None:
        return "-"
    left = (date.fromisoformat(day) - today).days
    if left > _NOTICE_DAYS:
        return day
    return f"{day} (in {config.counted(left, 'day')})" if left > 0 else f"{day} (over)"


def _flags(row: Row) -> str:
    """What it can do, and how that is known: "text tools (declared) vision (probed)"."""
    sources = row.get("source") or {}
    by_source: dict[str, list[str]] = {}
    for flag, value in row["capabilities"].items():
        if value:
            by_source.setdefault(sources.get(flag, "default"), []).append(_SHORT.get(flag, flag))
    return " ".join(f"{' '.join(names)} ({source})" for source, names in by_source.items()) or "-"


def window(tokens: int | None) -> str:
    """A number of tokens the way people say it: 32k, 400k, 1M."""
    if tokens is None:
        return "-"
    for unit, sizes in (("M", (1_000_000, 1_048_576)), ("k", (1_000, 1_024))):
        for size in sizes:
            if tokens >= size and tokens % size == 0:
                return f"{tokens // size}{unit}"
    return str(tokens)


def _price(pricing: Row | None) -> str:
    if not pricing:
        return "unknown"
    if pricing["source"] == "local":
        return "0 (local)"
    amounts = (pricing["inputPerMillionTokens"], pricing["outputPerMillionTokens"])
    shown = "/".join("?" if amount is None else f"{amount:g}" for amount in amounts)
    return f"{shown} {pricing['currency']}"
