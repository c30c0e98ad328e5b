"""Google's two spellings of a field: lowerCamelCase and the proto's own snake_case. Both are read, mixed or not."""

from __future__ import annotations

from typing import Any

from proxy.conformance.simulators.fields import camel


def get(value: dict[str, Any], name: str) -> Any:
    """A field by its lowerCamelCase name, however it is spelled; None when absent."""
    return next((found for key, found in value.items() if camel(key) == name), None)
