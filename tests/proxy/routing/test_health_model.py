"""No sequence of calls, times and changes brings a candidate into a state it cannot leave, or loses a permit.

Hypothesis drives the machine with a clock of its own. What every call holds is counted here beside it; at the end of every
run all calls that are left are cancelled, and then good answers alone must make each candidate healthy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.resources import HealthSettings
from proxy.routing.condition import Condition
from proxy.routing.health import REST_CAP, Health
from proxy.routing.record import PANIC_CALLS

REFS = ("a", "b", "c")
DEFAULTS = HealthSettings()
VARIANTS = (
    DEFAULTS,
    replace(DEFAULTS, window=60.0, open_seconds=1.0),
    replace(DEFAULTS, consecutive_failures=2, min_samples=5, max_open_seconds=300.0),
    replace(DEFAULTS, latency_degraded=1.0, degraded_error_rate=0.5),
)
ROUNDING = 1e-6
CLOSED = ("unknown", "healthy", "degraded")
TURNS = {
    "unknown": {"healthy", "degraded", "open", "resting", "credential_bad"},
    "healthy": {"unknown", "degraded", "open", "resting", "credential_bad"},
    "degraded": {"unknown", "healthy", "open", "resting", "credential_bad"},
    "open": {"unknown", "half_open", "resting", "credential_bad"},
    "half_open": {"unknown", "healthy", "degraded", "open", "resting", "credential_bad"},
    "resting": {"unknown", "healthy", "degraded", "open", "half_open", "credential_bad"},
    "credential_bad": {"unknown", "healthy", "degraded", "half_open", "resting"},
}
"""From which state which others may follow: what is well opens before it is half open, and nothing open closes at once."""

a_ref = st.sampled_from(REFS)
a_choice = st.integers(0, 10**6)
a_pause = st.one_of(st.floats(0.0, 3.0), st.sampled_from([1.0, 5.0, 10.0, 30.0, 60.0, 300.0, 700.0]))
a_wait = st.one_of(st.none(), st.floats(0.0, 10_000.0), st.just(float("nan")))


@dataclass(eq=False)
class Call:
    """A call under way: what it holds, and which of the refs' lives it belongs to."""

    ref: str
    ticket: int | None
    life: int
    holds: str


class HealthModel(RuleBasedStateMachine):
    tickets = True

    @initialize(jitter=st.floats(0.0, 0.999))
    def start(self, jitter: float) -> None:
        self.now = 1000.0
        self.told = dict.fromkeys(REFS, "unknown")
        self.lives = dict.fromkeys(REFS, 0)
        self.calls: list[Call] = []
        self.health = Health(DEFAULTS, lambda: jitter, self._changed)

    def _changed(self, ref: str, before: Condition, after: Condition) -> None:
        assert self.told[ref] == before.state, f"{ref} turned from {before.state}, told last was {self.told[ref]}"
        assert after.state in TURNS[before.state], f"{ref} turned from {before} to {after}"
        self.told[ref] = after.state

    def _of(self, ref: str) -> Condition:
        return self.health.of(ref, self.now)

    def _held(self, ref: str, what: str) -> int:
        return sum(1 for call in self.calls if (call.ref, call.life, call.holds) == (ref, self.lives[ref], what))

    def _begin(self, ref: str) -> Call:
        condition = self._of(ref)
        holds = "nothing"
        if condition.state in ("half_open", "credential_bad") and condition.admits:
            holds = "permit"
        elif condition.state not in CLOSED:
            holds = "place"
        ticket = self.health.began(ref, self.now)
        call = Call(ref, ticket if self.tickets else None, self.lives[ref], holds)
        self.calls.append(call)
        return call

    def _end(self, choice: int) -> Call:
        return self.calls.pop(choice % len(self.calls))

    # --- what may happen ---------------------------------------------------------------------------------------------

    @rule(ref=a_ref, number=st.integers(1, 7))
    def begin_where_calls_are_admitted(self, ref: str, number: int) -> None:
        for _ in range(number):
            if self._of(ref).admits:
                self._begin(ref)

    @rule(ref=a_ref)
    def begin_on_a_route_that_does_not_look_at_health(self, ref: str) -> None:
        self._begin(ref)

    @precondition(lambda self: self.calls)
    @rule(choice=a_choice, seconds=st.floats(0.0, 40.0), first=st.one_of(st.none(), st.floats(0.0, 10.0)))
    def succeed(self, choice: int, seconds: float, first: float | None) -> None:
        call = self._end(choice)
        self.health.succeeded(call.ref, self.now, seconds, first, call.ticket)

    @precondition(lambda self: self.calls)
    @rule(choice=a_choice, number=st.integers(1, 8), local=st.booleans())
    def fail(self, choice: int, number: int, local: bool) -> None:
        for _ in range(min(number, len(self.calls))):
            call = self._end(choice)
            self.health.failed(call.ref, self.now, local=local, ticket=call.ticket)

    @precondition(lambda self: self.calls)
    @rule(choice=a_choice, wait=a_wait, overloaded=st.booleans())
    def refuse(self, choice: int, wait: float | None, overloaded: bool) -> None:
        call = self._end(choice)
        rest = self.health.refused(call.ref, self.now, wait, overloaded=overloaded, ticket=call.ticket)
        assert 0.0 <= rest <= REST_CAP + ROUNDING

    @precondition(lambda self: self.calls)
    @rule(choice=a_choice)
    def reject_the_credential(self, choice: int) -> None:
        call = self._end(choice)
        self.health.unauthorised(call.ref, self.now, call.ticket)

    @precondition(lambda self: self.calls)
    @rule(choice=a_choice)
    def cancel(self, choice: int) -> None:
        call = self._end(choice)
        self.health.released(call.ref, self.now, call.ticket)

    @rule(ref=a_ref, number=st.integers(2, 20))
    def fall_ill(self, ref: str, number: int) -> None:
        for _ in range(number):
            call = self._begin(ref)
            self.calls.remove(call)
            self.health.failed(ref, self.now, local=False, ticket=call.ticket)

    @rule(ref=a_ref)
    def recover(self, ref: str) -> None:
        for call in [call for call in self.calls if call.ref == ref]:
            self.calls.remove(call)
            self.health.released(ref, self.now, call.ticket)
        self._recovers(ref)

    @rule(pause=a_pause)
    def wait(self, pause: float) -> None:
        self.now += pause

    @rule(ref=a_ref, ok=st.booleans())
    def check_for_free(self, ref: str, ok: bool) -> None:
        before = self._of(ref)
        self.health.probed(ref, self.now, ok=ok)
        assert self._of(ref).state in ((before.state, "half_open", "resting") if ok else (before.state,))

    @rule(ref=a_ref, draw=st.floats(0.0, 0.999))
    def throttle(self, ref: str, draw: float) -> None:
        self.health.sheds(ref, self.now, draw)

    @rule(ref=a_ref)
    def change_the_model(self, ref: str) -> None:
        if ref in self.health.conditions(self.now):
            self.lives[ref] += 1
        self.health.forget(ref)
        assert self._of(ref).state == "unknown"

    @rule(ref=a_ref)
    def change_the_secret(self, ref: str) -> None:
        if self._of(ref).state == "credential_bad":
            self.lives[ref] += 1
        self.health.changed_secret(ref)
        assert self._of(ref).state != "credential_bad"

    @rule(variant=st.sampled_from(VARIANTS))
    def configure(self, variant: HealthSettings) -> None:
        self.health.configure(variant)

    # --- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def looking_changes_nothing_and_quiet_is_true(self) -> None:
        conditions = {ref: self._of(ref) for ref in REFS}
        for ref, condition in conditions.items():
            assert self._of(ref) is condition, f"two looks at {ref} at {self.now} differ"
            assert self.told[ref] == condition.state
        assert self.health.quiet == all(condition.well for condition in conditions.values())
        for ref, condition in self.health.conditions(self.now).items():
            assert condition is conditions[ref]

    @invariant()
    def times_lie_ahead_and_are_bounded(self) -> None:
        for ref in REFS:
            condition = self._of(ref)
            assert condition.since <= self.now or condition.state == "half_open", f"{ref}: {condition}"
            if condition.state in ("open", "resting"):
                assert condition.until is not None
                assert self.now < condition.until, f"{ref} is {condition.state} until a time that is over"
                assert condition.until - self.now <= REST_CAP * 1.2, f"{ref}: {condition}"
            if condition.state == "resting":
                assert condition.until is not None
                assert condition.until - self.now <= REST_CAP + ROUNDING
            if condition.state in CLOSED:
                assert condition.trips == 0, f"{ref} is {condition.state} after {condition.trips} trips"
                assert condition.admits
            if condition.state == "open":
                assert condition.trips > 0

    @invariant()
    def permits_and_places_are_those_of_the_calls_under_way(self) -> None:
        if not self.tickets:
            return
        for ref in REFS:
            condition = self._of(ref)
            permits, places = self._held(ref, "permit"), self._held(ref, "place")
            assert permits <= 1, f"{permits} calls at once in half-open"
            if condition.state == "half_open":
                assert condition.admits == (permits == 0), f"{ref}: {permits} permits out, {condition}"
                assert condition.spare == (places < PANIC_CALLS), f"{ref}: {places} places taken, {condition}"
            elif condition.state in ("open", "resting"):
                free = places < PANIC_CALLS and not condition.told
                assert condition.admits == condition.spare == free, f"{ref}: {places} places taken, {condition}"
            elif condition.state == "credential_bad" and permits:
                assert not condition.admits

    def teardown(self) -> None:
        if not hasattr(self, "health"):
            return
        for ref in REFS:
            self.recover(ref)
        assert self.health.quiet

    def _recovers(self, ref: str) -> None:
        """With good answers to the calls that are admitted, one each second, it is healthy within a quarter of an hour."""
        for second in range(900):
            condition = self._of(ref)
            if condition.state == "healthy":
                assert condition.trips == 0, f"{ref} is healthy after {condition.trips} trips"
                return
            if condition.admits and (condition.state != "open" or second % 2):
                call = self._begin(ref)
                self.calls.remove(call)
                self.health.succeeded(ref, self.now, 0.5, 0.1, call.ticket)
            self.now += 1.0
        raise AssertionError(f"{ref} is stuck: {self._of(ref)}")


class HealthModelWithoutTickets(HealthModel):
    """The same by a caller that passes no tickets: coarser, and nothing gets stuck either."""

    tickets = False


TestHealthModel = HealthModel.TestCase
TestHealthModel.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
TestHealthModelWithoutTickets = HealthModelWithoutTickets.TestCase
TestHealthModelWithoutTickets.settings = settings(max_examples=40, stateful_step_count=40, deadline=None)
