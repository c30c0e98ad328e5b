"""What a Model's provider grants: requests and tokens a minute, and calls at a time. Kept to before the provider refuses.

GCRA (design, RELIABILITY 6.2): per limit one number, the time at which all that was taken is earned again. Local to this
process, which keeps to its `share`; it waits for nobody and has no clock of its own. Loss is harmless: the provider counts
too. Money is not counted here.
"""

from __future__ import annotations

import math

from proxy.resources import Model

MINUTE = 60.0
BUSY_SECONDS = 1.0
"""The wait that is named when all places are taken: nobody knows when a call ends."""
_CLOSE = 1e-9
"""Rounding: who waited as long as was said is not told to wait a billionth of a second more."""


class _Taken:
    """`requests` and `tokens`: when what was taken is earned again, on the monotonic clock. `running`: calls under way."""

    __slots__ = ("requests", "running", "tokens")

    def __init__(self) -> None:
        self.requests = self.tokens = -math.inf
        self.running = 0


class Quotas:
    """Models by ref. `share` is this process's part of every limit: one by the number of worker processes.

    A minute's worth may be used at once and comes back evenly, as the buckets of OpenAI and Anthropic do. However small the
    share, one request and one call at a time always fit. Times are seconds on the clock the caller passes.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self._taken: dict[str, _Taken] = {}

    def wait(self, model: Model, tokens: int, now: float) -> float:
        """In how many seconds `model` may be asked for `tokens`: 0.0 now, `inf` never. Takes nothing.

        A call larger than this process's share of the tokens, yet not than the limit, fits once nothing of them is in use.
        """
        rpm, tpm, places = model.requests_per_minute, model.tokens_per_minute, model.max_concurrent
        if rpm is None and tpm is None and places is None:
            return 0.0
        if tpm is not None and tokens > tpm:
            return math.inf
        taken = self._taken.get(model.ref)
        if taken is None:
            return 0.0
        wait = 0.0
        if rpm is not None:
            wait = _wait(taken.requests, 1, rpm * self._share, now)
        if tpm is not None:
            wait = max(wait, _wait(taken.tokens, tokens, tpm * self._share, now))
        if places is not None and taken.running >= self._places(places):
            wait = max(wait, BUSY_SECONDS)
        return wait if wait > _CLOSE else 0.0

    def standing(self, model: Model, now: float) -> str:
        """What is in use of each limit, for people: "41/100 rpm, 182k/2000k tpm, 3/8 at once". Empty without limits.

        The figures are this process's, and so are the limits: its share of them.
        """
        taken = self._taken.get(model.ref) or _Taken()
        parts = []
        if model.requests_per_minute is not None:
            limit = model.requests_per_minute * self._share
            parts.append(f"{_used(taken.requests, limit, now)}/{round(limit)} rpm")
        if model.tokens_per_minute is not None:
            limit = model.tokens_per_minute * self._share
            parts.append(f"{_short(_used(taken.tokens, limit, now), limit)}/{_short(round(limit), limit)} tpm")
        if model.max_concurrent is not None:
            parts.append(f"{taken.running}/{self._places(model.max_concurrent)} at once")
        return ", ".join(parts)

    def take(self, model: Model, tokens: int, now: float) -> None:
        """A call of about `tokens` is sent, whether or not there was room. Followed by exactly one `done`."""
        rpm, tpm, places = model.requests_per_minute, model.tokens_per_minute, model.max_concurrent
        if rpm is None and tpm is None and places is None:
            return
        taken = self._taken.get(model.ref)
        if taken is None:
            taken = self._taken[model.ref] = _Taken()
        if rpm is not None:
            taken.requests = _later(taken.requests, 1, rpm * self._share, now)
        if tpm is not None:
            taken.tokens = _later(taken.tokens, tokens, tpm * self._share, now)
        if places is not None:
            taken.running += 1

    def correct(self, model: Model, tokens_difference: int, now: float) -> None:
        """A call that was taken used so many tokens more than was said, or fewer when negative.

        Too many are owed: the next call waits for them. Too few are given back, as far as they were not earned again since.
        """
        tpm, taken = model.tokens_per_minute, self._taken.get(model.ref)
        if tpm is not None and taken is not None and tokens_difference:
            taken.tokens = _later(taken.tokens, tokens_difference, tpm * self._share, now)

    def done(self, model: Model, tokens_difference: int = 0, now: float = 0.0) -> None:
        """A call that was taken is over; the rest as in `correct`. `now` is only looked at when there is a difference."""
        self.correct(model, tokens_difference, now)
        if model.max_concurrent is not None:
            self._taken[model.ref].running -= 1

    def _places(self, limit: int) -> int:
        return max(int(limit * self._share), 1)


def _wait(earned: float, cost: int, limit: float, now: float) -> float:
    """Seconds until `cost` of `limit` a minute fit, 0 or less for now. What is larger than all of it fits when none is in use."""
    return earned - max(limit - cost, 0.0) * (MINUTE / limit) - now


def _later(earned: float, cost: int, limit: float, now: float) -> float:
    return max(earned, now) + cost * (MINUTE / limit)


def _used(earned: float, limit: float, now: float) -> int:
    return round(max(earned - now, 0.0) / (MINUTE / limit))


def _short(amount: int, limit: float) -> str:
    return f"{round(amount / 1000)}k" if limit >= 1000 else str(amount)
