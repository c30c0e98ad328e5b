"""How a candidate is, as a value: what a plan decides by, what status output shows and what an explanation records.

Made by `Health`; read by everybody. It holds no prompt, no key and no URL, and changes nothing.
"""

from __future__ import annotations

from typing import Literal

from translators.canonical import value

State = Literal["unknown", "healthy", "degraded", "open", "half_open", "resting", "credential_bad"]

_NAMES: dict[str, str] = {
    "unknown": "Unknown",
    "healthy": "Healthy",
    "degraded": "Degraded",
    "open": "Unhealthy",
    "half_open": "Unhealthy",
    "credential_bad": "Unhealthy",
    "resting": "RateLimited",
}
"""What operators read for each state (design, EVENTS 9)."""


@value
class Condition:
    """One candidate at one moment. Times are seconds on the monotonic clock of the process, durations are seconds.

    `until` ends a rest or an open time, and is when a bad credential may be tried again. `told`: the provider named that
    time, it is not our guess. `since` is when the state began. `admits`: a call may be sent now; in half-open the one permit
    is free, with a bad credential the probe of this minute, and where only the panic rule sends calls, one of its places.
    `spare`: a call of last resort may be sent, that is, nothing but our own guess speaks against it and the panic rule has a
    place. `error_rate` and `samples` are over the health window, `local` of the samples failed on the way, without a word of
    the provider's. `p50` and `p95` are of whole attempts that succeeded, `first_p50` of the time to their first content.
    The figures may be a tenth of the window old. `trips` counts how often it opened in a row, `cause` says why it is so.
    """

    state: State
    until: float | None = None
    told: bool = False
    since: float = 0.0
    admits: bool = True
    error_rate: float | None = None
    p50: float | None = None
    p95: float | None = None
    first_p50: float | None = None
    samples: int = 0
    trips: int = 0
    spare: bool = False
    local: int = 0
    cause: str = ""

    @property
    def name(self) -> str:
        """Healthy, Degraded, Unhealthy, RateLimited or Unknown (design, EVENTS 9)."""
        return _NAMES[self.state]

    @property
    def well(self) -> bool:
        """Whether nothing is known against it."""
        return self.state in ("unknown", "healthy")

    def describe(self, now: float) -> str:
        """The state in words for people, with what is left of its time at `now`."""
        left = 0.0 if self.until is None else max(self.until - now, 0.0)
        match self.state:
            case "unknown":
                return "Unknown: no answer yet"
            case "healthy":
                return "Healthy"
            case "degraded":
                return f"Degraded: {self.cause}"
            case "open":
                return f"Unhealthy: open for another {left:.1f} s after {self.cause}"
            case "half_open":
                return f"Unhealthy: half open, one call at a time, after {self.cause}"
            case "resting":
                return f"RateLimited: {left:.1f} s {self.cause}"
            case "credential_bad":
                return f"Unhealthy: the provider rejects the credential, next try in {left:.1f} s"


WELL = Condition("unknown")
"""How a candidate is of which nothing is known. `Health.of` gives this very object, so that `is` tells."""
