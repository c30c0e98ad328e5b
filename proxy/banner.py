"""What the user sees first: where joch listens, what it found, and the two lines to paste. Names only, never a key."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, TextIO

from proxy.config.urls import reached_at
from proxy.resources import Model, Snapshot

if TYPE_CHECKING:
    from proxy.serve import Started

_SHOWN = 6


def show(started: Started, port: int, out: TextIO) -> None:
    """Write the banner to `out`."""
    print("\n".join(lines(started, port)), file=out, flush=True)


def lines(started: Started, port: int) -> Iterator[str]:
    """The banner, line by line."""
    snapshot = started.snapshot
    settings = snapshot.settings
    host = reached_at(settings.address)
    where = "zero-config" if not started.paths else ", ".join(started.paths)
    yield f"joch  http://{host}:{port}/v1   ({where}, keys: any)"
    yield ""
    yield from _providers(snapshot)
    for found in started.found:
        if found.problem is not None:
            yield f"  {found.provider:<15} {found.base_url}  not there ({found.problem})"
    for name, route in snapshot.routes.items():
        yield f"  route {name:<9} {' -> '.join(entry.ref for entry in route.entries)}"
    for alias, target in list(snapshot.settings.aliases.items())[:_SHOWN]:
        yield f"  alias {alias:<9} {target}"
    yield ""
    yield f"  export OPENAI_BASE_URL=http://{host}:{port}/v1"
    yield "  export OPENAI_API_KEY=${OPENAI_API_KEY:-local}"
    yield ""


def _providers(snapshot: Snapshot) -> Iterator[str]:
    by_provider: dict[str, list[Model]] = {}
    for model in snapshot.models.values():
        by_provider.setdefault(model.provider, []).append(model)
    for provider, models in by_provider.items():
        names = [_described(model) for model in models[:_SHOWN]]
        more = f" and {len(models) - _SHOWN} more" if len(models) > _SHOWN else ""
        yield f"  {provider:<15} {', '.join(names)}{more}"
    for template, _ in snapshot.implicit:
        key = f"key from {template.secret.source.location}" if template.secret else "no key"
        how = f"token of {template.auth.type}" if template.auth.by_token else key
        yield f"  {template.provider:<15} any model, {how}"


def _described(model: Model) -> str:
    problem = f" (disabled: {model.secret_problem})" if model.secret_problem else ""
    kinds = [
        word
        for word, flag in (("tools", "toolCalling"), ("vision", "vision"), ("embed", "embeddings"))
        if model.flags.get(flag)
    ]
    window = f" {model.context_window // 1024}k" if model.context_window else ""
    about = f" ({' '.join(kinds)}{window})" if (kinds or window) and model.origin == "discovered" else ""
    return model.name + about + problem
