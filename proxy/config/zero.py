"""A snapshot without any file: from the keys in the environment and from what local endpoints say they serve.

The asking itself is done by the caller, which may use the network. Imports neither PyYAML nor pydantic, since this is
the path of the first start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from proxy.places import is_loopback_host
from proxy.resources import Auth, Clocks, Model, Settings, Snapshot
from translators import providers as installed
from translators.providers import BrokenProviderError
from translators.providers.provider import AdapterProvider, Discovered, Provider

from .discovered import models_of, with_catch_all
from .environment import Providers, base_url_from, base_url_variable, overridden
from .identity import identity_by_convention, version_from, words_from
from .implicit import Implicit, find, template
from .keys import convention, is_local, place_of
from .problems import ConfigError, Position, Problem, errors
from .urls import leads_to

ASKED_UNBIDDEN = ("ollama",)
"""Endpoints asked at their usual address. Others only when a variable says that they are there."""
_NAMED = 5


class Endpoint(NamedTuple):
    """An address to ask for its models."""

    provider: str
    base_url: str


def endpoints(env: Mapping[str, str], *, providers: Providers = installed) -> tuple[Endpoint, ...]:
    """The endpoints whose models are worth asking for: free, on machines the user runs. Raises `ConfigError`."""
    problems: list[Problem] = []
    found = []
    for record in _records(providers):
        if isinstance(record, Provider) and record.discovery and _is_own(record, env):
            place = place_of(record, env, problems)
            if place.base_url:
                found.append(Endpoint(record.name, place.base_url))
    if problems:
        raise ConfigError(problems)
    return tuple(found)


def from_environment(
    env: Mapping[str, str],
    discovered: Mapping[str, Sequence[Discovered]],
    *,
    local: str | None = None,
    overrides: Mapping[str, Any] | None = None,
    providers: Providers = installed,
) -> Snapshot:
    """The whole configuration when there is none. `discovered` is what each provider of `endpoints` answered.

    `local` is the model that takes unknown names ("" picks one). Raises `ConfigError`.
    """
    problems: list[Problem] = []
    settings = overridden(Settings(), env, overrides or {}, problems)
    problems += _open_bind(settings)
    models: dict[str, Model] = {}
    implicit: list[Implicit] = []
    keyless: list[str] = []
    for record in _records(providers):
        if isinstance(record, AdapterProvider):
            built_in = [_built_in(record, name) for name in record.models]
            models |= {model.ref: model for model in built_in}
            continue
        place = place_of(record, env, problems)
        if place.base_url is None:
            continue
        if leads_to(place.base_url, settings.address, settings.port):
            problems.append(_self_loop(record.name))
            continue
        auth = identity_by_convention(record, place, env)
        secret, missing = (None, None) if auth else convention(record, place, env)
        own = models_of(discovered.get(record.name, ()), record, place.base_url, secret)
        models |= {model.ref: model for model in own}
        if missing:
            keyless.append(f"{record.name} ({' or '.join(record.key_env)})")
        elif auth or secret or own or base_url_from(record.name, env, []):
            implicit.append(
                template(
                    record,
                    place.base_url,
                    secret=secret,
                    clocks=Clocks(),
                    headers={},
                    local=is_local(place.base_url, provider_is_local=record.local),
                    auth=auth,
                    place={**version_from(record.name, env), **words_from(record.name, auth or Auth(), env)},
                )
            )
    if env.get("JOCH_DEFAULT_MODEL"):
        settings = _with_default(settings, env["JOCH_DEFAULT_MODEL"], models, implicit, problems)
    if errors(problems):
        raise ConfigError(_once(problems))
    snapshot = Snapshot(
        settings=settings, models=models, routes={}, implicit=tuple(implicit), hint=_hint(models, keyless)
    )
    return snapshot if local is None else with_catch_all(snapshot, local)


def _records(providers: Providers) -> Iterator[Provider | AdapterProvider]:
    """All installed providers that work. A broken one must not keep the others from starting; `joch providers` shows it."""
    for name in providers.names():
        try:
            yield providers.load(name)
        except BrokenProviderError:
            continue


def _is_own(record: Provider, env: Mapping[str, str]) -> bool:
    """Whether asking costs nothing and tells nobody: the usual local one, or where a variable leads to an own server."""
    moved = bool(env.get(base_url_variable(record.name)))
    return record.name in ASKED_UNBIDDEN or (moved and (record.local or not record.key_env))


def _built_in(record: AdapterProvider, name: str) -> Model:
    known = {flag: value for flag, value in record.capabilities.flags.items() if value}
    return Model(
        name=name,
        provider=record.name,
        model=name,
        local=True,
        flags=known,
        flag_sources=dict.fromkeys(known, "declared"),
        context_window=record.capabilities.context_window,
        max_output=record.capabilities.max_output,
        zone="device",
        origin="implicit",
    )


def _with_default(
    settings: Settings, wanted: str, models: Mapping[str, Model], implicit: Sequence[Implicit], problems: list[Problem]
) -> Settings:
    ref = next((ref for ref, model in models.items() if wanted in (ref, model.name, *model.aliases)), None)
    if ref is None and find(implicit, wanted):
        ref = wanted
    if ref is None:
        position = Position("environment variable JOCH_DEFAULT_MODEL")
        hint = f"known here: {', '.join(models)}"
        problems.append(Problem(code="E-REF", message="there is no such model", position=position, hint=hint))
    return replace(settings, default_route=ref)


def _open_bind(settings: Settings) -> list[Problem]:
    if is_loopback_host(settings.address):
        return []
    message = (
        f"{settings.address} can be reached from other machines, and without a configuration anyone could use the keys"
    )
    hint = "listen on 127.0.0.1, or write a RouterSettings with auth: { mode: open } if everyone who can reach it may"
    return [Problem(code="E-OPEN-BIND", message=message, position=Position("listen address"), hint=hint)]


def _self_loop(provider: str) -> Problem:
    position = Position(f"environment variable {base_url_variable(provider)}")
    message = "the base URL leads back to this router"
    return Problem(code="E-SELF-LOOP", message=message, position=position, hint="name the provider's own address")


def _hint(models: Mapping[str, Model], keyless: Sequence[str]) -> str:
    """What would make an unknown name known."""
    words = [f"No key is set for {', '.join(keyless)}."] if keyless else []
    local = [model.name for model in models.values() if model.origin == "discovered"]
    if local:
        more = f" and {len(local) - _NAMED} more" if len(local) > _NAMED else ""
        words.append(f"Models found here: {', '.join(local[:_NAMED])}{more}.")
        words.append("To send unknown names to one of them, start with `joch serve --local`, or set an alias.")
    else:
        words.append("No local models were found. `demo:echo` always answers, without a model behind it.")
    return " ".join(words)


def _once(problems: Sequence[Problem]) -> list[Problem]:
    return list(dict.fromkeys(problems))
