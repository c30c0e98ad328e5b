"""How many retries an upstream host is sent: a share of its requests, so that retries cannot multiply an outage.

Counts, and says whether one more fits; who asks decides what happens then. No clock of its own, nothing of any call. Local
to this process. Design: RELIABILITY 3.4; the form with a small floor is that of Envoy's retry budget.
"""

from __future__ import annotations

from .window import Window

SHARE = 0.2
"""The part of a host's requests that may be retries."""
SECONDS = 10.0
"""How far back requests are counted."""
CONCURRENT = 3
"""So many retries at a time are always allowed: with little traffic a share of it is nothing."""
INTERVAL = 1.0
"""After so many seconds without a retry one is always allowed."""

_REQUESTS, _RETRIES = 0, 1


class _Upstream:
    __slots__ = ("last", "running", "window")

    def __init__(self) -> None:
        self.window = Window(SECONDS, 2)
        self.running = 0
        self.last = float("-inf")


class RetryShare:
    """Upstream hosts by name. Times are seconds on the clock the caller passes.

    A retry is a request whose work was asked for before: by this proxy of another attempt, or by the client's SDK of another
    call (`x-stainless-retry-count` above 0). A first attempt at the second candidate because the first is open is none.
    """

    def __init__(self) -> None:
        self._upstreams: dict[str, _Upstream] = {}

    def began(self, upstream: str, now: float, *, retry: bool) -> None:
        """A request to `upstream` is sent. Followed by exactly one `ended`."""
        known = self._upstreams.get(upstream)
        if known is None:
            known = self._upstreams[upstream] = _Upstream()
        known.window.add(_REQUESTS, now)
        if retry:
            known.window.add(_RETRIES, now)
            known.running += 1
            known.last = now

    def ended(self, upstream: str, *, retry: bool) -> None:
        """That request is over, whichever way."""
        if retry:
            self._upstreams[upstream].running -= 1

    def allows(self, upstream: str, now: float) -> bool:
        """Whether one more retry may be sent to `upstream` now. Takes nothing."""
        known = self._upstreams.get(upstream)
        if known is None or known.running < CONCURRENT or now - known.last >= INTERVAL:
            return True
        requests, retries = known.window.roll(now)
        return retries + 1 <= SHARE * (requests + 1)
