"""Finds providers through the entry-point group `joch.providers`; the core imports none by name.

An entry point names a module attribute that is a `Provider` or an `AdapterProvider`. Built-ins are registered the same
way in `pyproject.toml`, so a third party's wheel has the same standing. Loading is lazy: a provider's module is imported
when a Model record first names it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.metadata import EntryPoint, entry_points

from .provider import AdapterProvider, Provider

GROUP = "joch.providers"


class UnknownProviderError(LookupError):
    """No installed package offers a provider of this name."""


class BrokenProviderError(RuntimeError):
    """An entry point of the group does not lead to a provider record."""


@lru_cache(maxsize=1)
def _entry_points() -> Mapping[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def names() -> tuple[str, ...]:
    """The ids of all installed providers, sorted."""
    return tuple(sorted(_entry_points()))


@cache
def load(name: str) -> Provider | AdapterProvider:
    """The provider record called `name`.

    Raises `UnknownProviderError`, or `BrokenProviderError` when the package that offers it is at fault.
    """
    point = _entry_points().get(name)
    if point is None:
        raise UnknownProviderError(name)
    try:
        record = point.load()
    except Exception as error:
        raise BrokenProviderError(f"provider {name!r} ({point.value}) could not be loaded: {error}") from error
    if not isinstance(record, (Provider, AdapterProvider)) or record.name != name:
        raise BrokenProviderError(f"provider {name!r} ({point.value}) is not a provider record of that name")
    return record
