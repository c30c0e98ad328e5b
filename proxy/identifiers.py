"""Ids that sort by time: ULIDs (https://github.com/ulid/spec), 26 characters of Crockford's base 32 behind a prefix."""

from __future__ import annotations

import random
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_random = random.SystemRandom()
_bits = random.Random(_random.getrandbits(128)).getrandbits  # noqa: S311 - ids are names, not secrets


def new_id(prefix: str) -> str:
    """A new id, `prefix` included: `new_id("mc_")` gives `mc_01K...`. Milliseconds first, then 80 random bits."""
    value = (time.time_ns() // 1_000_000 << 80) | _bits(80)
    pairs = _PAIRS
    return prefix + "".join([pairs[value >> shift & 1023] for shift in range(120, -1, -10)])
