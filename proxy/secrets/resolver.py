"""Looks a secret up at the moment of use: an environment variable or a file. Caches nothing, logs nothing.

A rotated file or variable is therefore seen by the next call. Errors name the secret and where it was looked for, never
what was found there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal, NoReturn

from proxy.resources import SecretRef

MASK = "***"
SIZE_LIMIT = 64 * 1024
"""The largest secret in bytes: above any key or certificate chain, and small enough to be read in one call."""
_FORBIDDEN = ("\r", "\n", "\0")


class SecretError(LookupError):
    """A secret has no usable value. `fault` is "missing" (may come later) or "invalid" (must never be sent)."""

    def __init__(self, name: str, fault: Literal["missing", "invalid"], detail: str) -> None:
        super().__init__(f"secret {name}: {detail}")
        self.name = name
        self.fault: Literal["missing", "invalid"] = fault
        self.detail = detail


class SecretValue:
    """A secret on its way to a request header. Printed, formatted or dumped it is `***`."""

    __slots__ = ("_value", "name")

    def __init__(self, name: str, value: str) -> None:
        self.name = name
        self._value = value

    def reveal(self) -> str:
        """The value itself. Only for the line that puts it on the wire."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __reduce__(self) -> tuple[type[SecretValue], tuple[str, str]]:
        return SecretValue, (self.name, MASK)

    def __eq__(self, other: object) -> NoReturn:
        # An equality check would be a comparison in variable time, and a way to ask for the value.
        raise TypeError("secrets are not compared")


class SecretResolver:
    """Finds the values of `SecretRef`s in `env` and in files."""

    __slots__ = ("_env",)

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def resolve(self, ref: SecretRef) -> SecretValue:
        """The value as it is now. Raises `SecretError`.

        One trailing newline of a file is dropped, since editors and `echo` add it. A CR, LF or NUL anywhere else is
        refused: it would split the header the value is put into (RFC 9110 §5.5).
        """
        value = self.document(ref)
        if any(mark in value.reveal() for mark in _FORBIDDEN):
            raise SecretError(ref.name, "invalid", f"the value of {_place(ref)} has a line break or NUL inside")
        return value

    def document(self, ref: SecretRef) -> SecretValue:
        """As `resolve`, for a value that never becomes a header and may have lines (a service account's JSON)."""
        text = self._from_env(ref) if ref.source.type == "env" else self._from_file(ref)
        if not text.strip():
            raise SecretError(ref.name, "missing", f"{_place(ref)} is empty")
        return SecretValue(ref.name, text)

    def problem(self, ref: SecretRef, *, lines: bool = False) -> SecretError | None:
        """What `resolve`, or with `lines` `document`, would raise now, or None: for checks that must not hold the value."""
        try:
            (self.document if lines else self.resolve)(ref)
        except SecretError as error:
            return error
        return None

    def _from_env(self, ref: SecretRef) -> str:
        value = self._env.get(ref.source.location)
        if value is None:
            raise SecretError(ref.name, "missing", f"{_place(ref)} is not set")
        if len(value) > SIZE_LIMIT:
            raise SecretError(ref.name, "invalid", f"the value of {_place(ref)} is larger than {SIZE_LIMIT} bytes")
        return value

    def _from_file(self, ref: SecretRef) -> str:
        try:
            with open(os.path.expanduser(ref.source.location), "rb") as file:
                data = file.read(SIZE_LIMIT + 1)
        except OSError as error:
            reason = (error.strerror or type(error).__name__).lower()
            raise SecretError(ref.name, "missing", f"{_place(ref)} cannot be read: {reason}") from None
        if len(data) > SIZE_LIMIT:
            raise SecretError(ref.name, "invalid", f"{_place(ref)} is larger than {SIZE_LIMIT} bytes")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            # The original error carries the bytes, so it is not chained.
            raise SecretError(ref.name, "invalid", f"{_place(ref)} is not UTF-8 text") from None
        return text.removesuffix("\n").removesuffix("\r")


def _place(ref: SecretRef) -> str:
    if ref.source.type == "env":
        return f"environment variable {ref.source.location}"
    return f"file {ref.source.location}"
