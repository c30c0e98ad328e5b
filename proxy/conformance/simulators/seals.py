"""The blobs a provider signs or encrypts and wants back untouched: issued here, remembered, recognised again.

A seal is opaque to everybody else, as the real ones are. Each simulator has an owner's key of its own, so that a blob of
another provider, another account or another run is as foreign to it as it would be to the real one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """One issued blob. `name` is "S1", "S2", ... in the order of issue; `about` is what the blob belongs to.

    `place` says where it was put ("thinking", "call", "text", ...), `bound` what else the provider ties it to.
    """

    name: str
    blob: str
    model: str
    place: str
    about: str
    bound: str = ""


class Seals:
    """What one simulator issued. `dialect` decides only how the blobs look.

    `layouts` maps an issued answer to the order its parts had, in words of its wire.
    """

    def __init__(self, owner: str, dialect: str) -> None:
        self._key = hashlib.sha256(f"seal:{owner}".encode()).digest()
        self._dialect = dialect
        self._issued: dict[str, Seal] = {}
        self.layouts: dict[str, tuple[str, ...]] = {}

    def issue(self, *, model: str, place: str, about: str, bound: str = "") -> Seal:
        """A new blob, never the same twice."""
        name = f"S{len(self._issued) + 1}"
        blob = self._blob(f"{name}|{model}|{place}|{about}|{bound}")
        seal = Seal(name=name, blob=blob, model=model, place=place, about=about, bound=bound)
        self._issued[blob] = seal
        return seal

    def __len__(self) -> int:
        return len(self._issued)

    def of(self, blob: object) -> Seal | None:
        """The seal a blob is, or None for one that was not issued here or was altered."""
        return self._issued.get(blob) if isinstance(blob, str) else None

    def names(self, blobs: list[str]) -> tuple[str, ...]:
        """The names of blobs in their order, "?" for a foreign one."""
        return tuple(seal.name if (seal := self._issued.get(blob)) is not None else "?" for blob in blobs)

    def _blob(self, text: str) -> str:
        first = hmac.new(self._key, text.encode(), hashlib.sha512).digest()
        data = first + hashlib.sha512(first).digest()
        match self._dialect:
            case "openai":  # a Fernet token begins with its version and a time
                return base64.urlsafe_b64encode(b"\x80\x00\x00\x00\x00\x6a" + data).decode()
            case "google":
                return base64.b64encode(b"\x0a\x20" + data).decode()
            case _:
                return base64.b64encode(b"\x12\xaa" + data).decode()
