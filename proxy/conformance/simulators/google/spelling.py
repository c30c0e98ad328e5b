"""Google's two spellings of a field: lowerCamelCase and the proto's own snake_case. Both are read, mixed or not."""

from __future__ import annotations

import re
from typing import Any

_UNDERSCORE = re.compile(r"_([a-z0-9])")


def camel(name: str) -> str:
    """The lowerCamelCase spelling of a field."""
    return _UNDERSCORE.sub(lambda found: found[1].upper(), name)


def get(value: dict[str, Any], name: str) -> Any:
    """A field by its lowerCamelCase name, however it is spelled; None when absent."""
    return next((found for key, found in value.items() if camel(key) == name), None)
