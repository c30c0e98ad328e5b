"""The one place that knows the JSON library.

`loads` accepts UTF-8 only (no BOM, no UTF-16), refuses NaN, Infinity and lone surrogates, and nests at most as deep as
orjson does; anything else raises `ValueError`. Strings that carry JSON themselves (tool arguments, schemas as text) are
never parsed and dumped again by their carriers.
"""

from __future__ import annotations

from typing import Any

import orjson

DecodeError = orjson.JSONDecodeError


def loads(data: bytes | str) -> Any:
    """The value of a JSON text. Raises `DecodeError` (a `ValueError`) that says where it broke."""
    return orjson.loads(data)


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON, members in the order they stand in."""
    return orjson.dumps(value)
