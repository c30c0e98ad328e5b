"""How every stream of a provider is read: cut into events, each taken by its format, and an error behind good ones held back.

No format and no content is known here; what an event means, and whether the stream may end, is its reader's to say.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, Protocol, TypeVar

from translators.canonical import UpstreamError

from . import json
from .upstream_errors import unreadable

Unit = TypeVar("Unit")
Made = TypeVar("Made")


def second_look(data: bytes) -> Any:
    """The value in an event's data that is no strict JSON: servers cut between the halves of a surrogate pair.

    Raises `UpstreamError` for what is no JSON at all: garbage is never passed on.
    """
    try:
        return json.loads_mending_surrogates(data)
    except ValueError:
        raise unreadable("sse_garbage" if json.is_utf8(data) else "bad_utf8") from None


class Splitter(Protocol[Unit]):
    """Bytes split anywhere to whole events or lines."""

    def feed(self, data: bytes) -> list[Unit]: ...

    def close(self) -> list[Unit]: ...


class StreamReader(ABC, Generic[Unit, Made]):
    """One stream. An error that comes behind good events is raised by the next call, so that what they made is not lost."""

    def __init__(self, splitter: Splitter[Unit]) -> None:
        self._splitter = splitter
        self._failure: UpstreamError | None = None

    @abstractmethod
    def _take(self, unit: Unit, made: list[Made]) -> None:
        """Add to `made` what one event makes. Raises `UpstreamError` for what cannot be trusted."""

    def _read(self, data: bytes) -> list[Made]:
        """What `data` completes. Raises `UpstreamError` at once when nothing came before it, else by the next call."""
        if self._failure is not None:
            raise self._failure
        if not data:  # whoever asks only whether something was held back
            return []
        made: list[Made] = []
        try:
            for unit in self._splitter.feed(data):
                self._take(unit, made)
        except UpstreamError as error:
            self._failure = error
            if not made:
                raise
        return made

    def _read_rest(self) -> list[Made]:
        """What the end of input completes. Raises `UpstreamError`, one that was held back included."""
        if self._failure is not None:
            raise self._failure
        made: list[Made] = []
        for unit in self._splitter.close():
            self._take(unit, made)
        return made
