"""Short ways to write a configuration and to read what was found in it."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from proxy.config import ConfigError, Loaded, Problem, load
from translators.canonical import CapabilitySet
from translators.providers import BrokenProviderError, UnknownProviderError
from translators.providers.provider import Provider

KEY = {"OPENAI_API_KEY": "k"}
TODAY = date(2026, 11, 25)


def resource(kind: str, name: str, spec: str, namespace: str = "default") -> str:
    """One YAML document."""
    body = textwrap.indent(textwrap.dedent(spec).strip("\n"), "  ")
    return (
        f"apiVersion: joch.dev/v1alpha1\nkind: {kind}\n"
        f"metadata: {{ name: {name}, namespace: {namespace} }}\nspec:\n{body}\n---\n"
    )


def model(name: str, spec: str = "provider: openai", namespace: str = "default") -> str:
    """A Model whose doubts (price, window) are settled, so that only what a test is about remains."""
    settled = (
        "limits: { contextWindowTokens: 1000 }\npricing: { inputPerMillionTokens: 1, outputPerMillionTokens: 2 }\n"
    )
    return resource("Model", name, textwrap.dedent(spec).strip("\n") + "\n" + settled, namespace)


def route(name: str, spec: str, namespace: str = "default") -> str:
    return resource("ModelRoute", name, spec, namespace)


def settings(spec: str) -> str:
    return resource("RouterSettings", "default", spec)


def secret(name: str, spec: str = "source: { type: env, name: MY_KEY }", namespace: str = "default") -> str:
    return resource("Secret", name, spec, namespace)


def loaded(folder: Path, text: str, env: Mapping[str, str] = KEY, **options: Any) -> Loaded:
    """The configuration `text`, which must have no errors, as it is on one and the same day."""
    file = folder / "c.yaml"
    file.write_text(text)
    return load([str(file)], env=env, **{"today": TODAY, **options})


def problems(folder: Path, text: str, env: Mapping[str, str] = KEY, **options: Any) -> tuple[Problem, ...]:
    """Everything found in `text`, whether it can be served or not."""
    try:
        return loaded(folder, text, env, **options).problems
    except ConfigError as error:
        return error.problems


def told(folder: Path, text: str, env: Mapping[str, str] = KEY, **options: Any) -> list[tuple[str, str]]:
    """(code, path) of everything found."""
    return [(problem.code, problem.path) for problem in problems(folder, text, env, **options)]


def only(folder: Path, text: str, env: Mapping[str, str] = KEY, **options: Any) -> Problem:
    """The one problem of `text`."""
    found = problems(folder, text, env, **options)
    assert len(found) == 1, "\n".join(map(str, found))
    return found[0]


class Records:
    """Provider records of a test, as `translators.providers` offers them."""

    def __init__(self, *records: Provider, broken: tuple[str, ...] = ()) -> None:
        self._records = {record.name: record for record in records}
        self._broken = broken

    def names(self) -> tuple[str, ...]:
        return tuple(sorted([*self._records, *self._broken]))

    def load(self, name: str) -> Provider:
        if name in self._broken:
            raise BrokenProviderError(f"provider {name!r} could not be loaded: no module named x")
        if name not in self._records:
            raise UnknownProviderError(name)
        return self._records[name]


def record(name: str, **members: Any) -> Provider:
    """A provider record with nothing but a name and what is given."""
    return Provider(name=name, formats=(), paths={}, capabilities=CapabilitySet(flags={}), **members)
