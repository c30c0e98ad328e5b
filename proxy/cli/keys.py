"""`joch keys`: keys for clients. A key is shown once and kept nowhere; what is kept is the resource that recognises it."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from . import output

_BYTES = 32
_DURATION = re.compile(r"([1-9]\d{0,4})([hdwy])")
_UNNAMEABLE = re.compile(r"[^a-z0-9._-]+")
_NAME = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?")
_HOURS = {"h": 1, "d": 24, "w": 168, "y": 8760}


@click.group("keys")
def command() -> None:
    """Make keys that clients are recognised by."""


@command.command("create")
@click.option("--agent", metavar="NAME", help="the agent that every call with the key is from")
@click.option("--team", metavar="NAME", help="its team")
@click.option("--namespace", metavar="NAME", help="its namespace")
@click.option("--environment", metavar="NAME", help="its environment")
@click.option("--user", metavar="NAME", help="its user, kept as a hash")
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="a label; may be given several times")
@click.option("--route", "routes", multiple=True, metavar="GLOB", help="a route it may name; every one without this")
@click.option("--model", "models", multiple=True, metavar="GLOB", help="a model it may name; every one without this")
@click.option("--expires", metavar="TIME", help="how long it is valid: 12h, 30d, 8w, 1y")
@click.option("--name", metavar="NAME", help="what the resource is called")
@click.option("-o", "--output", "style", type=click.Choice(["yaml", "json"]), default="yaml", help="how to print it")
def create(
    labels: tuple[str, ...],
    routes: tuple[str, ...],
    models: tuple[str, ...],
    expires: str | None,
    name: str | None,
    style: str,
    **pinned: str | None,
) -> None:
    """Make a key: shown once on standard error. The ClientKey resource goes to standard output, for the configuration."""
    key = f"joch-{secrets.token_urlsafe(_BYTES)}"
    digest = hashlib.sha256(key.encode()).hexdigest()
    identity: dict[str, Any] = {field: value for field, value in pinned.items() if value is not None}
    if labels:
        identity["labels"] = dict(map(_label, labels))
    spec: dict[str, Any] = {"hash": f"sha256:{digest}"}
    if identity:
        spec["identity"] = identity
    if expires is not None:
        spec["expiresAt"] = _until(expires)
    allowed = {field: list(globs) for field, globs in (("routes", routes), ("models", models)) if globs}
    if allowed:
        spec["allow"] = allowed
    called = (
        name or f"{_UNNAMEABLE.sub('-', (pinned.get('agent') or 'key').lower()).strip('.-_') or 'key'}-{digest[:8]}"
    )
    if not _NAME.fullmatch(called):
        raise click.BadParameter("use lower-case letters, digits, . _ -", param_hint="--name")
    click.echo(f"The key, shown this once: {key}", err=True)
    if style == "yaml":
        click.echo("---")
    output.document(
        {"apiVersion": "joch.dev/v1alpha1", "kind": "ClientKey", "metadata": {"name": called}, "spec": spec}, style
    )


def _label(written: str) -> tuple[str, str]:
    name, equals, text = written.partition("=")
    if not equals or not name:
        raise click.BadParameter(f"{written!r} is no NAME=VALUE", param_hint="--label")
    return name, text


def _until(written: str) -> str:
    found = _DURATION.fullmatch(written)
    if found is None:
        raise click.BadParameter("write a number and h, d, w or y, such as 30d", param_hint="--expires")
    end = datetime.now(UTC) + timedelta(hours=int(found[1]) * _HOURS[found[2]])
    return end.strftime("%Y-%m-%dT%H:%M:%SZ")
