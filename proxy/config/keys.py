"""Where a provider is reached and which key it takes when a Model does not say. Pure: names of variables, never values.

A key found by convention (`OPENAI_API_KEY`) is only sent where the operator pointed the provider by the environment, or
to the provider's own address. A base URL written elsewhere needs its own word about the key, so that a line in a file
cannot carry a key to another host.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from proxy.pricing import RATES
from proxy.resources import Clocks, Model, Pricing, SecretRef, SecretSource
from translators.providers.provider import Provider

from .environment import base_url_from, key_by_convention
from .problems import Problem
from .urls import is_loopback, same_origin

if TYPE_CHECKING:
    from .envelope import Resource  # it brings PyYAML along, and a start without a file comes by here

_NOTHING: dict[str, Any] = dict.fromkeys(RATES, Decimal(0))
LOCAL_PRICING = Pricing(**_NOTHING, source="local")
"""What a call on the user's own machine costs."""
LOCAL_FIRST_BYTE = 300.0
"""Seconds. A local engine may load gigabytes of weights before its first token."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a provider is. `trusted`: its conventional key may be sent there."""

    base_url: str | None
    trusted: bool


def place_of(
    record: Provider,
    env: Mapping[str, str],
    problems: list[Problem],
    *,
    written: str | None = None,
    configured: str | None = None,
) -> Place:
    """The base URL in force: a Model's own (`written`), the environment's, RouterSettings' (`configured`), the default."""
    moved = base_url_from(record.name, env, problems)
    for url, trusted in ((written, False), (moved, True), (configured, False), (record.base_url, True)):
        if url:
            home = (moved, record.base_url)
            return Place(url, trusted or any(known and same_origin(url, known) for known in home))
    return Place(None, trusted=False)


def convention(record: Provider, place: Place, env: Mapping[str, str]) -> tuple[SecretRef | None, str | None]:
    """The key by convention and, when one is needed and there is none, why not.

    A provider without conventional variables, and one that people run themselves, needs no key unless a Model names one.
    """
    if record.auth == "none" or not record.key_env:
        return None, None
    found = key_by_convention(record, env) if place.trusted else None
    if found or record.local:
        return found, None
    if place.trusted:
        return None, f"{' or '.join(record.key_env)} is not set"
    return None, f"no key is named for it, and {record.key_env[0]} is only sent to {record.name}'s own address"


def reused(models: Iterable[tuple[Resource, Model]]) -> list[Problem]:
    """A warning for each key that goes to hosts of two providers, either of which could then use it at the other."""
    first: dict[SecretSource, Model] = {}
    problems = []
    for resource, model in models:
        if model.secret is None or model.base_url is None or model.auth.by_token or model.disabled:
            continue
        other = first.setdefault(model.secret.source, model)
        if other.provider != model.provider and not same_origin(other.base_url or "", model.base_url):
            message = f"the key {model.secret.name} also goes to {other.ref}, at another host"
            hint = "make a key for each host, and bind its Secret with scope.boundTo.models"
            problems.append(resource.problem("W-KEY-REUSED", message, ("spec", "auth", "secretRef"), hint))
    return problems


def is_local(base_url: str | None, *, provider_is_local: bool) -> bool:
    """Whether a model runs on this machine, when its record does not say."""
    return provider_is_local and (base_url is None or is_loopback(base_url))


def local_clocks(clocks: Clocks) -> Clocks:
    """`clocks` with a patient first byte, unless somebody already changed that clock."""
    if clocks.first_byte != Clocks().first_byte:
        return clocks
    return replace(clocks, first_byte=LOCAL_FIRST_BYTE)
