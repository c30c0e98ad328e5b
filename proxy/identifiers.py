"""Ids that sort by time: ULIDs (https://github.com/ulid/spec), 26 characters of Crockford's base 32 behind a prefix."""

from __future__ import annotations

import random
import time
from functools import lru_cache

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_random = random.SystemRandom()
_bits = random.Random(_random.getrandbits(128)).getrandbits  # noqa: S311 - ids are names, not secrets


@lru_cache(4)
def _moment(milliseconds: int) -> str:
    return "".join([_PAIRS[milliseconds >> shift & 1023] for shift in range(40, -1, -10)])


def new_id(prefix: str) -> str:
    """A new id, `prefix` included: `new_id("mc_")` gives `mc_01K...`. Milliseconds first, then 80 random bits."""
    random_bits = _bits(80)
    pairs = _PAIRS
    tail = [pairs[random_bits >> shift & 1023] for shift in (70, 60, 50, 40, 30, 20, 10, 0)]
    return prefix + _moment(time.time_ns() // 1_000_000) + "".join(tail)
