"""What a client says of itself, by path, header, metadata, baggage and traceparent, and what of it counts.

Three rules hold for every field. A value that may not stand in an event is refused with 400, whoever sends it. What the
ClientKey pins beats all, and a client that says otherwise by path, header or metadata is refused with 403: to answer it as
somebody else than it believes to be would be worse. What nothing pins counts only where the settings, or the key, trust the
client with it, and is left out otherwise. Nothing is looked up here but what the client sent.
Sources: CONFIG §7; W3C Trace Context §3.2; W3C Baggage §3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args
from urllib.parse import unquote

from proxy.resources import ContextField
from translators.canonical import RequestError

from .identity import ExecutionSource, Source

Claim = tuple[str, Source]
"""A value and where it was found."""

_VALUE = re.compile(r"[A-Za-z0-9._:@/-]{1,128}")
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}")
FIELDS: tuple[ContextField, ...] = get_args(ContextField)
_PLACES: Mapping[str, tuple[str, str]] = {
    **{name: (f"X-Joch-{name.title()}", f"joch.{name}") for name in FIELDS},
    "residency": ("X-Joch-Data-Residency", "joch.residency"),
}
"""Of each field the header and the member of the body's metadata."""

TELLING = frozenset({*(header.lower() for header, _ in _PLACES.values()), "baggage", "traceparent"})
"""The headers, in lower case, that say something of who calls."""
_NONE: Mapping[str, Any] = {}


def is_value(text: str) -> bool:
    """Whether `text` may stand in events and headers as an id."""
    return _VALUE.fullmatch(text) is not None


class Claims:
    """What the client says of itself. `sources` notes where each field that counts was found."""

    __slots__ = ("_baggage", "_metadata", "_parent", "headers", "sources", "trusted")

    def __init__(
        self, headers: Mapping[str, str], metadata: Mapping[str, str], trusted: tuple[ContextField, ...]
    ) -> None:
        self.headers, self.trusted = headers, trusted
        self.sources: dict[str, Source] = {}
        self._metadata = metadata
        self._baggage = _baggage(headers.get("baggage"))
        parent = headers.get("traceparent")
        self._parent = _TRACEPARENT.fullmatch(parent) if parent is not None else None

    @property
    def trace(self) -> str | None:
        """The trace id of `traceparent`, None where there is none or it is malformed."""
        return None if self._parent is None else self._parent[1]

    @property
    def parent_span(self) -> str | None:
        """The span that the client made this call in."""
        return None if self._parent is None else self._parent[2]

    def said(self, field: ContextField) -> list[tuple[str, str, Source]]:
        """(value, where, source) of the header and the metadata, as far as they name `field`. 400 for what is no value."""
        header, member = _PLACES[field]
        value = self.headers.get(header)
        if value is None and not self._metadata:
            return []  # as with most calls
        found: list[tuple[str, str, Source]] = []
        if value is not None:
            found.append((_checked(value, header), header, "header"))
        if member in self._metadata:
            where = f"metadata.{member}"
            found.append((_checked(self._metadata[member], where), where, "metadata"))
        return found

    def field(self, field: ContextField, pinned: str | None = None, path: str | None = None) -> Claim | None:
        """What counts of `field`: what is pinned, else the first of path, header and metadata if the client is trusted."""
        said = self.said(field)
        if path is not None:
            said.insert(0, (_checked(path, "path"), "path", "path"))
        if pinned is not None:
            for value, where, _ in said:
                if value != pinned:
                    raise _mismatch(where, field)
            return pinned, "key"
        if not said or field not in self.trusted:
            return None
        value, _, source = said[0]
        return value, source

    def carried(self, field: ContextField, member: str) -> Claim | None:
        """What the baggage says of `field`, if the client is trusted with it."""
        value = self._baggage.get(member)
        if value is None:
            return None
        value = _checked(value, f"baggage {member}")
        return (value, "baggage") if field in self.trusted else None

    def noted(self, field: ContextField, claim: Claim | None) -> str | None:
        """The value of `claim`, its source noted."""
        if claim is None:
            return None
        value, self.sources[field] = claim
        return value

    def execution(self, *, by_trace: bool) -> tuple[str, ExecutionSource] | None:
        """The execution that the client names, or whose trace it is part of."""
        said = self.field("execution")
        if said is not None:
            return said[0], "metadata" if said[1] == "metadata" else "header"
        carried = self.carried("execution", "joch.execution.id")
        if carried is not None:
            return carried[0], "baggage"
        if self.trace is not None and by_trace and "execution" in self.trusted:
            return f"exec-t-{self.trace[:16]}", "traceparent"
        return None


def _baggage(header: str | None) -> Mapping[str, str]:
    """Our members of a `baggage` header, percent-decoded. What is malformed is not ours."""
    if header is None or "joch." not in header:
        return _NONE
    found: dict[str, str] = {}
    for entry in header.split(","):
        name, equals, value = entry.partition(";")[0].partition("=")
        if equals and name.strip().startswith("joch."):
            found.setdefault(name.strip(), unquote(value.strip()))
    return found


def _checked(value: str, where: str) -> str:
    if _VALUE.fullmatch(value) is None:
        raise RequestError(
            f"{where} must be 1 to 128 characters of letters, digits and . _ : @ / -", param=where, code="invalid_value"
        )
    return value


def _mismatch(where: str, field: str) -> RequestError:
    return RequestError(
        f"The {field} in {where} is not the one that the API key stands for. Leave it out, or use another key.",
        param=where,
        status=403,
        type="permission_error",
        code="IdentityMismatch",
    )
