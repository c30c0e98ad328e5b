"""Ids that sort by time: ULIDs (https://github.com/ulid/spec), 26 characters of Crockford's base 32 behind a prefix."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from itertools import count

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = tuple(high + low for high in _ALPHABET for low in _ALPHABET)
_COUNTED_BITS = 40


def _encoded(number: int, bits: int) -> str:
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(bits - 10, -1, -10)])


@lru_cache(4)
def _second(number: int) -> str:
    """The digits of a time in units of 1,024 milliseconds."""
    return _encoded(number, 40)


class _Tails:
    """The 80 bits behind the milliseconds: 40 that are this process's own, 40 that count from a random start.

    Counting instead of drawing keeps ids of one millisecond in order and costs a third. A forked process draws anew.
    """

    def __init__(self) -> None:
        self._own = _encoded(int.from_bytes(os.urandom(5)), _COUNTED_BITS)
        self._numbers = count(int.from_bytes(os.urandom(5)) >> 1)

    def next(self) -> str:
        number = next(self._numbers)
        pairs = _PAIRS
        return (
            self._own
            + pairs[number >> 30 & 1023]
            + pairs[number >> 20 & 1023]
            + pairs[number >> 10 & 1023]
            + pairs[number & 1023]
        )


_tails = _Tails()


def _renew() -> None:
    global _tails
    _tails = _Tails()


os.register_at_fork(after_in_child=_renew)


def new_id(prefix: str) -> str:
    """A new id, `prefix` included: `new_id("mc_")` gives `mc_01K...`."""
    milliseconds = time.time_ns() // 1_000_000
    return prefix + _second(milliseconds >> 10) + _PAIRS[milliseconds & 1023] + _tails.next()
