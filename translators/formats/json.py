"""The one place that knows the JSON library.

`loads` accepts UTF-8 only (no BOM, no UTF-16), refuses NaN, Infinity and lone surrogates, and nests at most as deep as
orjson does; anything else raises `ValueError`. Strings that carry JSON themselves (tool arguments, schemas as text) are
never parsed and dumped again by their carriers.
"""

from __future__ import annotations

import json
import re
from typing import Any

import orjson

DecodeError = orjson.JSONDecodeError

# A surrogate escape without its other half, which is valid JSON but no text: servers cut between the two.
_HALF = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
)


def loads(data: bytes | str) -> Any:
    """The value of a JSON text. Raises `DecodeError` (a `ValueError`) that says where it broke."""
    return orjson.loads(data)


def loads_mending_surrogates(data: bytes) -> Any:
    """As `loads`, but half a surrogate pair reads as U+FFFD. The text itself is fit to be passed on."""
    return orjson.loads(_HALF.sub(rb"\\ufffd", data))


def loads_mending_numbers(data: bytes) -> Any:
    """As `loads_mending_surrogates`, but takes NaN and Infinity, which `dumps` writes as null.

    The text itself is no JSON: never pass it on.
    """
    return json.loads(_HALF.sub(rb"\\ufffd", data).decode())


def is_utf8(data: bytes) -> bool:
    """Whether `data` is text: what is no JSON for another reason may still be that."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON, members in the order they stand in."""
    return orjson.dumps(value)
