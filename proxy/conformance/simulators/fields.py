"""The members an API knows, as one readable line each."""

from __future__ import annotations

import re

_UNDERSCORE = re.compile(r"_([a-z0-9])")


def fields(names: str) -> frozenset[str]:
    """A set of names from a text with spaces between them."""
    return frozenset(names.split())


def camel(name: str) -> str:
    """The lowerCamelCase spelling of a field."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)
