"""`value`: the dataclass of the hub. Slotted, compared by content, and frozen.

Making a really frozen instance costs two and a half times a plain one, since every field goes through
`object.__setattr__`; a call makes a hundred of them. So frozen is what type checkers enforce everywhere and what Python
enforces while `JOCH_FROZEN` is set, as the test suite does. Nothing may rely on the exception being raised.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")

_FROZEN = "JOCH_FROZEN" in os.environ


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """The class as an immutable record whose fields may be given by position."""
    return dataclass(slots=True, frozen=_FROZEN, unsafe_hash=not _FROZEN)(cls)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def named_value(cls: type[T]) -> type[T]:
    """The class as an immutable record whose fields are given by name."""
    return dataclass(slots=True, frozen=_FROZEN, unsafe_hash=not _FROZEN, kw_only=True)(cls)
