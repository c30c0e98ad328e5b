"""Sums over the last seconds: several counts side by side in ten steps of a ring. No clock of its own, no meaning.

The running step counts from its first moment on, so that between nine and ten tenths of the span are looked back on.
"""

from __future__ import annotations

_STEPS = 10


class Window:
    """`sums[i]` is count `i` over the last `seconds`, as of the last `roll` or `add`. Costs the same at any rate of calls."""

    __slots__ = ("_per_second", "_rings", "_step", "sums")

    def __init__(self, seconds: float, counts: int) -> None:
        self._per_second = _STEPS / seconds
        self._rings = [[0] * _STEPS for _ in range(counts)]
        self._step = 0
        self.sums = [0] * counts

    @property
    def latest(self) -> float:
        """When something was added or looked at last, to the step."""
        return self._step / self._per_second

    def add(self, count: int, now: float, amount: int = 1) -> None:
        """Add to a count at `now`. A time before the running step is taken for that step."""
        step = int(now * self._per_second)
        if step > self._step:
            self._advance(step)
        self._rings[count][self._step % _STEPS] += amount
        self.sums[count] += amount

    def roll(self, now: float) -> list[int]:
        """The sums as of `now`."""
        step = int(now * self._per_second)
        if step > self._step:
            self._advance(step)
        return self.sums

    def clear(self) -> None:
        """Forget what was counted."""
        for ring in self._rings:
            ring[:] = [0] * _STEPS
        self.sums = [0] * len(self.sums)

    def _advance(self, step: int) -> None:
        if step - self._step >= _STEPS:
            if any(self.sums):
                self.clear()
        else:
            for passed in range(self._step + 1, step + 1):
                place = passed % _STEPS
                for count, ring in enumerate(self._rings):
                    self.sums[count] -= ring[place]
                    ring[place] = 0
        self._step = step
