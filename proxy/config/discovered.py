"""What an endpoint told of its models, as Model records; and which of them stands in for unknown names on demand."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from proxy import catalog, places
from proxy.resources import Clocks, Model, SecretRef, Snapshot
from translators.providers.provider import Discovered, Provider

from .keys import LOCAL_PRICING, is_local, local_clocks
from .problems import ConfigError, Position, Problem, suggestion

CATCH_ALL = "*"


def models_of(found: Iterable[Discovered], record: Provider, base_url: str, secret: SecretRef | None) -> list[Model]:
    """A record for each discovered model, called what the endpoint calls it."""
    local = is_local(base_url, provider_is_local=record.local)
    found_here = [
        Model(
            name=model.model,
            provider=record.name,
            model=model.model,
            aliases=_short_names(model.model, record.name),
            local=local,
            base_url=base_url,
            clocks=local_clocks(Clocks()) if local else Clocks(),
            secret=secret,
            flags=model.flags,
            flag_sources=dict.fromkeys(model.flags, "probed"),
            context_window=model.context_window,
            pricing=LOCAL_PRICING if local else None,
            regions=("on-prem",) if local else (),
            zone=places.zone_of(base_url),
            origin="discovered",
        )
        for model in found
    ]
    return [catalog.informed(model) for model in found_here]


def _short_names(model: str, provider: str) -> tuple[str, ...]:
    """`llama3` is `llama3:latest` to Ollama."""
    name, _, tag = model.rpartition(":")
    return (name,) if provider == "ollama" and tag == "latest" else ()


def with_catch_all(snapshot: Snapshot, wanted: str) -> Snapshot:
    """`snapshot` with every unknown name led to one local model: `wanted`, or the best one when it is "".

    Raises `ConfigError` when there is no such model. Names that resolve otherwise are not touched.
    """
    ref = _named(snapshot.models, wanted) if wanted else _best(snapshot.models)
    if ref is None:
        local = {model.name for model in snapshot.models.values() if model.local}
        if wanted:
            message, hint = f"no local model is called {wanted}", suggestion(wanted, local)
        else:
            message, hint = "no local model was found", "start Ollama and pull a model, or name one: --local demo:echo"
        raise ConfigError([Problem(code="E-REF", message=message, position=Position("flag --local"), hint=hint)])
    aliases = {name: target for name, target in snapshot.settings.aliases.items() if name != CATCH_ALL}
    settings = replace(snapshot.settings, aliases={**aliases, CATCH_ALL: ref})
    return replace(snapshot, settings=settings)


def _named(models: Mapping[str, Model], wanted: str) -> str | None:
    if wanted in models:
        return wanted
    for ref, model in models.items():
        if model.local and wanted in (model.name, model.model, *model.aliases):
            return ref
    return None


def _best(models: Mapping[str, Model]) -> str | None:
    """The first that can call tools, else the first that can talk. Endpoints list what was used or changed last first."""
    talking = [
        ref
        for ref, model in models.items()
        if model.local and model.base_url and not model.disabled and not model.flags.get("embeddings")
    ]
    with_tools = [ref for ref in talking if models[ref].flags.get("toolCalling")]
    return next(iter([*with_tools, *talking]), None)
