"""The members an API knows, as one readable line each."""

from __future__ import annotations


def fields(names: str) -> frozenset[str]:
    """A set of names from a text with spaces between them."""
    return frozenset(names.split())
