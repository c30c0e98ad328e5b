"""Ways to break an adapter on purpose: what it sends, what it hears whole or streamed, what it makes of errors.

A broken provider takes the place of the real one for as long as the monkeypatch lasts. Nothing else is touched, so that what
the suite finds is the defect.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from translators import providers
from translators.canonical import Chunk, Response, UpstreamError
from translators.formats import ProviderFormat
from translators.providers.provider import ModelFacts, Provider

Wire = dict[str, Any]
Plant = Callable[[pytest.MonkeyPatch], None]


@dataclass(frozen=True, slots=True)
class Defect:
    """A mistake somebody could make. `section` is where it must be found."""

    name: str
    provider: str
    section: str
    plant: Plant


def in_place_of(monkeypatch: pytest.MonkeyPatch, broken: Provider) -> None:
    """`broken` is loaded under its name from now on."""
    load = providers.load
    monkeypatch.setattr(providers, "load", lambda name: broken if name == broken.name else load(name))


def _provider(name: str) -> Provider:
    record = providers.load(name)
    assert isinstance(record, Provider)
    return record


def _with_formats(record: Provider, change: Callable[[ProviderFormat], ProviderFormat]) -> Provider:
    return replace(record, formats=tuple(change(known) for known in record.formats))


def sends(name: str, change: Callable[[Wire], Any]) -> Plant:
    """`change` is done to every body that goes out: in place, or as a new body that it returns."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        record = _provider(name)

        def amend(body: Wire, facts: ModelFacts) -> Wire:
            made = copy.deepcopy(record.amend(body, facts))
            changed = change(made)
            return changed if isinstance(changed, dict) else made

        in_place_of(monkeypatch, replace(record, amend=amend))

    return plant


def hears(name: str, change: Callable[[Response], Response]) -> Plant:
    """`change` is done to every whole answer."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(known: ProviderFormat) -> ProviderFormat:
            return replace(known, parse_response=lambda wire, issuer: change(known.parse_response(wire, issuer)))

        in_place_of(monkeypatch, _with_formats(_provider(name), broken))

    return plant


class _Stream:
    """A parser whose chunks are changed on their way. With `hides`, it swallows errors and says that all is well."""

    def __init__(self, parser: Any, change: Callable[[Chunk], Iterable[Chunk]]) -> None:
        self._parser, self._change = parser, change

    def feed(self, data: bytes) -> list[Chunk]:
        return [made for chunk in self._parser.feed(data) for made in self._change(chunk)]

    def close(self) -> list[Chunk]:
        return [made for chunk in self._parser.close() for made in self._change(chunk)]


def streams(name: str, change: Callable[[], Callable[[Chunk], Iterable[Chunk]]]) -> Plant:
    """Every chunk of a stream becomes what `change()` makes of it; a new `change()` for every stream."""
    return parses(name, lambda parser: _Stream(parser, change()))


def parses(name: str, wrap: Callable[[Any], Any]) -> Plant:
    """Every stream parser is wrapped."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(known: ProviderFormat) -> ProviderFormat:
            return replace(known, stream_parser=lambda issuer: wrap(known.stream_parser(issuer)))

        in_place_of(monkeypatch, _with_formats(_provider(name), broken))

    return plant


def goes_on(name: str, change: Callable[[Wire, Wire], Any]) -> Plant:
    """`change` is done to the body that asks to go on with a paused answer; its second argument is the body before."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        def broken(known: ProviderFormat) -> ProviderFormat:
            def resume(body: Wire, response: Response) -> Wire:
                assert known.resume is not None
                made = copy.deepcopy(known.resume(body, response))
                change(made, body)
                return made

            return replace(known, resume=resume if known.resume is not None else None)

        in_place_of(monkeypatch, _with_formats(_provider(name), broken))

    return plant


def fails(name: str, change: Callable[[UpstreamError, int, Mapping[str, str], bytes], UpstreamError]) -> Plant:
    """`change` is what becomes of an error the provider answered with."""

    def plant(monkeypatch: pytest.MonkeyPatch) -> None:
        record = _provider(name)

        def classify(error: UpstreamError, status: int, headers: Mapping[str, str], body: bytes) -> UpstreamError:
            return change(record.classify(error, status, headers, body), status, headers, body)

        in_place_of(monkeypatch, replace(record, classify=classify))

    return plant


def record_with(name: str, **members: Any) -> Plant:
    """The provider's record says something else."""
    return lambda monkeypatch: in_place_of(monkeypatch, replace(_provider(name), **members))


def patched(target: str, value: Any) -> Plant:
    """Something of the core is replaced."""
    return lambda monkeypatch: monkeypatch.setattr(target, value, raising=False)
