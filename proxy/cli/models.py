"""`joch models`: every Model with what it can do, from a configuration or from a running router."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any

import click

from proxy import config, known
from proxy.resources import Model, Snapshot
from proxy.secrets import SecretResolver

from . import output
from .flags import DEFAULT_SERVER, config_options, server_option, wide_output_option
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


@click.command("models")
@config_options
@server_option
@wide_output_option
def command(paths: tuple[str, ...], overlay: tuple[str, ...], server: str | None, style: str) -> None:
    """List models: of the configuration named with -f, else of the running router."""
    if paths:
        try:
            snapshot = load(paths_or_default(paths), overlay).snapshot
        except config.ConfigError as error:
            click.echo(str(error), err=True)
            sys.exit(2)
        rows: Sequence[Row] = offline(snapshot, SecretResolver(os.environ))
    else:
        rows = _from_server(server or DEFAULT_SERVER)
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


def _from_server(server: str) -> list[Row]:
    import httpx

    try:
        answer = httpx.get(f"{server.rstrip('/')}/v1/models/capabilities", timeout=5.0, trust_env=False)
        rows = answer.raise_for_status().json()["data"]
    except httpx.HTTPStatusError as error:
        output.failure(f"{server} answered {error.response.status_code}: is it a joch router?")
        sys.exit(1)
    except (httpx.HTTPError, httpx.InvalidURL):
        output.failure(f"no router answers at {server}: start one with joch serve, or name a configuration with -f")
        sys.exit(3)
    except (ValueError, KeyError, TypeError):
        output.failure(f"{server} is not a joch router")
        sys.exit(1)
    return list(rows)


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
    return f"{day} (in {left} days)" if left > 0 else f"{day} (over)"


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
