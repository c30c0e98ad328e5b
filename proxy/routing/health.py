"""How candidates are, from what their calls came to: a state machine for each, and nothing of the calls themselves.

    unknown --success--> healthy <--calm--> degraded          any of them --too many failures--> open
    open --time over, or a free check answers--> half_open    half_open --2 good answers--> healthy, --1 bad--> open
    any --401, 403--> credential_bad --a call a minute succeeds--> healthy
    any --429, overloaded--> resting, on top of the state, which goes on beneath it

Pure state: no I/O, no clock, no events of its own. Who sends the calls says when they begin and end; a plan decides who is
asked. Local to this process: each has its own view of the network. Nothing that clients can name makes it grow without end.
Design: RELIABILITY 3.5 (which wins), EVENTS 9.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from proxy.resources import HealthSettings

from .condition import WELL, Condition, State
from .record import ACCEPTS, BAD, CLOSED, GOOD, LOCAL, REQUESTS, Record
from .window import Window

REST_CAP = 300.0
"""The longest rest, however long a wait the provider names (catalogue, B24)."""

_GUESS_CAP = 30.0
_GOOD_TO_CLOSE = 2
_LOW_VOLUME_SHARE = 0.8
_DEGRADED_SAMPLES = 5
_CALM_SECONDS = 60.0
"""Degraded until the error share was below half of what degrades, and the p95 not above its limit, for so long."""
_CREDENTIAL_SECONDS = 60.0
_STALE_SECONDS = 600.0
"""How long half-open is remembered while nobody calls."""
_LOAD_SECONDS = 120.0
_KEPT, _DROPPED_AT_ONCE = 4096, 256

_PLAIN, _PROBE, _PANIC = 0, 1, 2
"""What a call holds of its candidate: nothing, the one permit, or a place of the panic rule. The low bits of its ticket."""


class Health:
    """Candidates by the ref of their Model record. Times are seconds on one monotonic clock, which the caller passes.

    `jitter()` gives a number in [0, 1). `changed(ref, before, after)` is told of every change of state, at the latest when
    somebody looks. Every `began` is followed by exactly one of `succeeded`, `failed`, `refused`, `unauthorised` and
    `released`, with the ticket that `began` gave. By it a call that began before the candidate opened, was given another
    secret or went to rest is known for one that says nothing of what came after; None takes it for the one begun last.
    """

    def __init__(
        self,
        settings: HealthSettings,
        jitter: Callable[[], float],
        changed: Callable[[str, Condition, Condition], None] | None = None,
    ) -> None:
        self._settings, self._jitter, self._changed = settings, jitter, changed
        self._records: dict[str, Record] = {}
        self._unwell: dict[str, Record] = {}
        self._turns = inf  # when the next of the unwell changes without a call
        self._mark = 1

    def configure(self, settings: HealthSettings) -> None:
        """Judge by other settings from now on. What was counted over a window of another length is forgotten."""
        if settings.window != self._settings.window:
            for record in self._records.values():
                record.window = Window(settings.window, 3)
        self._settings = settings
        for record in self._records.values():
            record.check = -inf

    # --- what is asked of it -------------------------------------------------------------------------------------

    @property
    def quiet(self) -> bool:
        """Whether every candidate is well, as far as anybody has looked."""
        return not self._unwell

    def of(self, ref: str, now: float) -> Condition:
        """How the candidate is. `WELL` itself when nothing is known of it."""
        if now >= self._turns:
            self._sweep(now)
        record = self._records.get(ref)
        if record is None:
            return WELL
        if now >= record.check:
            self._look(record, now)
        return record.condition

    def conditions(self, now: float) -> dict[str, Condition]:
        """All that are remembered, by ref."""
        return {ref: self.of(ref, now) for ref in self._records}

    def sheds(self, ref: str, now: float, draw: float) -> bool:
        """Whether to drop a call here instead of sending it to a candidate that was overloaded in the last 120 s.

        `draw` is in [0, 1). The chance is `max(0, (requests - 2 accepts) / (requests + 1))`, requests being all that were to
        be sent; but a call a second always goes through, so that the end of it is noticed. A call that is dropped is
        counted: ask once for each, just before it is sent, and never for an explanation. (Google SRE book, chapter 21.)
        """
        record = self._records.get(ref)
        if record is None or record.load is None:
            return False
        requests, accepts = record.load.roll(now)
        if draw >= (requests - 2 * accepts) / (requests + 1) or now - record.sent >= 1.0:
            return False
        record.load.add(REQUESTS, now)
        return True

    # --- what it is told -----------------------------------------------------------------------------------------

    def began(self, ref: str, now: float) -> int:
        """A call is sent to the candidate. Returns the ticket for what it comes to."""
        record = self._records.get(ref) or self._remember(ref)
        return self._mark << 2 if record.open_to_all else self._enter(record, now)

    def succeeded(
        self, ref: str, now: float, seconds: float, first_content: float | None, ticket: int | None = None
    ) -> None:
        """The call ended well after `seconds`, its first content having come after `first_content`."""
        record = self._records.get(ref) or self._remember(ref)
        if not record.steady and not self._proved(record, now, ticket):
            return
        record.streak = 0
        record.window.add(GOOD, now)
        record.latencies.append((now, seconds, first_content))
        if now >= record.check or not record.steady:
            self._look(record, now)

    def failed(self, ref: str, now: float, *, local: bool, ticket: int | None = None) -> None:
        """The candidate failed, in a way that speaks against it: 5xx, an in-band error, or, `local`, on the way.

        Local are name, connection, TLS, reset, timeout and truncated or garbled answers.
        """
        record = self._records.get(ref) or self._remember(ref)
        if self._ended(record, now, ticket):
            self._count_load(record, now, accepted=True)
            self._count_failure(record, now, local=local)
        self._look(record, now)

    def refused(
        self, ref: str, now: float, retry_after: float | None, *, overloaded: bool, ticket: int | None = None
    ) -> float:
        """The candidate asked to be left alone: 429, or, `overloaded`, 529 and the 503 that says so. Returns its rest.

        A wait it names is taken at its word, up to `REST_CAP`; after an overload that named as much, one call at a time goes
        first. Without one it rests 1, 2, 4 ... 30 seconds with jitter, growing while it refuses, not with every call of one
        wave. Only an overload is a failure; being over a limit says nothing of how the provider is.
        """
        record = self._records.get(ref) or self._remember(ref)
        fresh = self._ended(record, now, ticket)
        rest = self._rest(record, now, retry_after, ticket, "overloaded, " if overloaded else "")
        if overloaded and fresh:
            self._count_load(record, now, accepted=False)
            self._count_failure(record, now, local=False)
            if record.state in CLOSED and retry_after is not None and retry_after >= REST_CAP:
                self._turn(record, "half_open", now + rest, "a long overload")
        self._look(record, now)
        return rest

    def unauthorised(self, ref: str, now: float, ticket: int | None = None) -> None:
        """The provider rejected our credential (401, 403): no call but one a minute, until one succeeds."""
        record = self._records.get(ref) or self._remember(ref)
        if self._ended(record, now, ticket):
            if record.state != "credential_bad":
                self._turn(record, "credential_bad", now, "the provider rejected the credential")
            record.until = now + _CREDENTIAL_SECONDS
        self._look(record, now)

    def released(self, ref: str, now: float, ticket: int | None = None) -> None:
        """The call ended without a word about the candidate: cancelled, or the client's own mistake."""
        record = self._records.get(ref)
        if record is None or record.steady:
            return
        self._ended(record, now, ticket)
        self._look(record, now)

    def probed(self, ref: str, now: float, *, ok: bool) -> None:
        """A free check was answered, or not. It may end the wait for a real call, and never closes: it generates nothing."""
        record = self._records.get(ref)
        if record is None or not ok:
            return
        self._settle(record, now)
        if record.state in ("open", "credential_bad"):
            self._turn(record, "half_open", now, record.cause)
            self._look(record, now)

    def changed_secret(self, ref: str) -> None:
        """The candidate's secret is another one: what was rejected before says nothing any more."""
        record = self._records.get(ref)
        if record is not None and record.state == "credential_bad":
            self.forget(ref)

    def forget(self, ref: str) -> None:
        """The Model record is another one now. What calls to the old one come to is not held against it."""
        record = self._records.get(ref)
        if record is not None:
            self._drop(record)
            self._records[ref] = Record(ref, self._next_mark(), Window(self._settings.window, 3))

    # --- calls and what they hold --------------------------------------------------------------------------------

    def _next_mark(self) -> int:
        self._mark += 1
        return self._mark

    def _enter(self, record: Record, now: float) -> int:
        """Take what a call to a candidate that is not open to all holds."""
        self._look(record, now)
        state, record.sent = record.condition.state, now
        kind = _PLAIN
        if state in ("half_open", "credential_bad") and record.condition.admits:
            record.probing, kind = True, _PROBE
        elif state not in CLOSED:
            record.panics, kind = record.panics + 1, _PANIC
        self._look(record, now)
        return self._mark << 2 | kind

    def _ended(self, record: Record, now: float, ticket: int | None) -> bool:
        """Give back what the call held. Whether it began since the state is what it is."""
        self._settle(record, now)
        if ticket is None:
            ticket = self._mark << 2 | (_PROBE if record.probing else _PANIC if record.panics else _PLAIN)
        begun, kind = ticket >> 2, ticket & 3
        if begun < record.born:
            return False
        if kind == _PROBE:
            record.probing = False
        elif kind == _PANIC:
            record.panics -= 1
        return begun >= record.epoch

    def _proved(self, record: Record, now: float, ticket: int | None) -> bool:
        """A call succeeded where that may change something. Whether it is to be counted."""
        if not self._ended(record, now, ticket):
            self._look(record, now)
            return False
        self._count_load(record, now, accepted=True)
        if ticket is None or ticket >> 2 >= record.rested:
            record.rest_until, record.refusals = None, 0
        match record.state:
            case "unknown":
                record.state, record.since = "healthy", now
            case "open":
                self._turn(record, "half_open", now, record.cause)
                record.good = 1
            case "half_open":
                record.good += 1
                if record.good >= _GOOD_TO_CLOSE:
                    self._turn(record, "healthy", now)
            case "credential_bad":
                self._turn(record, "healthy", now)
        return True

    def _count_failure(self, record: Record, now: float, *, local: bool) -> None:
        """Count a failure, and open where it was one too many."""
        record.window.add(BAD, now)
        if local:
            record.window.add(LOCAL, now)
        record.streak += 1
        if record.state == "half_open":
            self._trip(record, now, record.cause)
        elif record.state == "credential_bad":
            record.until = now + _CREDENTIAL_SECONDS
        elif record.state in CLOSED:
            settings, (good, bad, _) = self._settings, record.window.sums
            samples, share = good + bad, bad / (good + bad)
            if samples >= settings.min_samples:
                if share >= settings.unhealthy_error_rate:
                    self._trip(record, now, f"{bad} of {samples} calls failed")
            elif record.streak >= settings.consecutive_failures and share >= _LOW_VOLUME_SHARE:
                self._trip(record, now, f"{record.streak} failures in a row")

    def _count_load(self, record: Record, now: float, *, accepted: bool) -> None:
        """Count towards the throttle, which begins with the first overload and knows what the window knows."""
        if record.load is None:
            if accepted:
                return
            record.load, record.sent = Window(_LOAD_SECONDS, 2), now
            before = sum(record.window.roll(now)[:LOCAL])
            record.load.add(REQUESTS, now, before)
            record.load.add(ACCEPTS, now, before)
        record.load.add(REQUESTS, now)
        if accepted:
            record.load.add(ACCEPTS, now)

    def _rest(self, record: Record, now: float, retry_after: float | None, ticket: int | None, reason: str) -> float:
        """Let the candidate rest, or rest on. Returns how long. A guess never cuts short what the provider named."""
        if ticket is None or ticket >> 2 >= record.rested:
            record.refusals += 1
            record.rested = self._next_mark()
        told = retry_after is not None and retry_after > 0  # 0 and what is no number name no time (catalogue, B19)
        if retry_after is not None and told:
            rest = min(retry_after, REST_CAP)
        else:
            rest = min(2.0 ** min(max(record.refusals - 1, 0), 8), _GUESS_CAP) * (0.8 + 0.4 * self._jitter())
        if ticket is not None and ticket >> 2 < record.born:
            return rest  # another record's call
        if told or record.rest_until is None or (not record.rest_told and now + rest > record.rest_until):
            if record.rest_until is None:
                record.rest_since = now
            record.rest_until, record.rest_told = now + rest, told
            record.rest_cause = reason + ("as the provider asked" if told else "by our guess, as no time was named")
        return record.rest_until - now

    # --- the machine ---------------------------------------------------------------------------------------------

    def _trip(self, record: Record, now: float, cause: str) -> None:
        trips, settings = record.trips + 1, self._settings
        longest = min(settings.open_seconds * trips, settings.max_open_seconds)
        self._turn(record, "open", now, cause)
        record.trips, record.until = trips, now + longest * (0.8 + 0.4 * self._jitter())

    def _turn(self, record: Record, state: State, now: float, cause: str = "") -> None:
        """Enter a state in which what calls begun before it come to does not count."""
        record.state, record.since, record.until, record.cause = state, now, inf, cause
        record.epoch = self._next_mark()
        record.good = 0
        if state in CLOSED:
            record.trips = record.streak = 0
            record.window.clear()

    def _settle(self, record: Record, now: float) -> None:
        """Let time do its part."""
        if record.rest_until is not None and record.rest_until <= now:
            record.rest_until = None
        if record.state == "open" and record.until <= now:
            self._turn(record, "half_open", record.until, record.cause)
        if record.state == "half_open" and not record.probing and now - record.since >= _STALE_SECONDS:
            self._turn(record, "unknown", now)

    def _grade(self, record: Record, now: float, p95: float | None) -> None:
        """Healthy or degraded, by the error share and the latencies. Back only after a time of calm."""
        settings, (good, bad, _) = self._settings, record.window.roll(now)
        samples = good + bad
        share = bad / samples if samples else 0.0
        slow = len(record.latencies) >= _DEGRADED_SAMPLES and p95 is not None and p95 > settings.latency_degraded
        if record.state != "degraded":
            if samples >= _DEGRADED_SAMPLES and share >= settings.degraded_error_rate:
                cause = f"{bad} of {samples} calls failed"
            elif slow:
                cause = f"one answer in twenty takes {p95:.1f} s or more"
            else:
                return
            record.state, record.since, record.until, record.cause = "degraded", now, now + _CALM_SECONDS, cause
        elif slow or share >= settings.degraded_error_rate / 2 > 0:
            record.until = now + _CALM_SECONDS
        elif now >= record.until:
            record.state, record.since, record.until, record.cause = "healthy", now, inf, ""

    def _look(self, record: Record, now: float) -> None:
        """Bring the record and its condition up to `now`, and plan when to look again."""
        self._settle(record, now)
        quantiles = record.quantiles(now)
        record.window.roll(now)
        if record.state in CLOSED:
            self._grade(record, now, quantiles[1])
        if record.load is not None and record.load.roll(now)[REQUESTS] == 0:
            record.load = None
        before = record.condition
        record.condition = record.condition_at(now, quantiles)
        self._schedule(record, now)
        if before.state != record.condition.state and self._changed is not None:
            self._changed(record.ref, before, record.condition)

    def _schedule(self, record: Record, now: float) -> None:
        """When the condition changes by itself, when its figures are old, and what calls need not ask."""
        record.open_to_all = record.state in CLOSED and record.rest_until is None and record.load is None
        record.steady = (
            record.open_to_all
            and record.state == "healthy"
            and not (record.refusals or record.probing or record.panics)
        )
        turns = inf if record.rest_until is None else record.rest_until
        if now < record.until:
            turns = min(turns, record.until)
        if record.state == "half_open" and not record.probing:
            turns = min(turns, record.since + _STALE_SECONDS)
        record.turns = turns
        has_figures = record.latencies or any(record.window.sums)
        record.check = min(turns, now + self._settings.window / 10) if has_figures else turns
        if record.condition.well:
            self._unwell.pop(record.ref, None)
            if not self._unwell:
                self._turns = inf
        else:
            self._unwell[record.ref] = record
            self._turns = min(self._turns, turns)

    def _sweep(self, now: float) -> None:
        """Look at those whose time has come, so that one that nobody asks for does not keep all others from being quiet."""
        for record in list(self._unwell.values()):
            if now >= record.turns:
                self._look(record, now)
        self._turns = min((record.turns for record in self._unwell.values()), default=inf)

    # --- what is remembered --------------------------------------------------------------------------------------

    def _remember(self, ref: str) -> Record:
        if len(self._records) >= _KEPT:
            order = sorted(self._records.values(), key=lambda each: (each.ref in self._unwell, each.window.latest))
            for record in order[:_DROPPED_AT_ONCE]:
                self._drop(record)
                del self._records[record.ref]
        record = self._records[ref] = Record(ref, self._next_mark(), Window(self._settings.window, 3))
        return record

    def _drop(self, record: Record) -> None:
        self._unwell.pop(record.ref, None)
        if not self._unwell:
            self._turns = inf
        if record.condition.state != "unknown" and self._changed is not None:
            self._changed(record.ref, record.condition, WELL)
