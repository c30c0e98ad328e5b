"""How candidates come to be open, degraded, resting or well again: one sentence of the design after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from proxy.resources import HealthSettings
from proxy.routing.condition import WELL, Condition
from proxy.routing.health import Health

DEFAULTS = HealthSettings()


def health(settings: HealthSettings = DEFAULTS, jitter: float = 0.5) -> Health:
    return Health(settings, lambda: jitter)


def fail(machine: Health, times: int, now: float, *, local: bool = False, ref: str = "a") -> None:
    for _ in range(times):
        machine.failed(ref, now, local=local, ticket=machine.began(ref, now))


def serve(machine: Health, times: int, now: float, seconds: float = 1.0, ref: str = "a") -> None:
    for _ in range(times):
        machine.succeeded(ref, now, seconds, seconds / 2, machine.began(ref, now))


def opened(now: float = 100.0) -> Health:
    """Candidate "a" is open, for 5 seconds from `now` on."""
    machine = health()
    fail(machine, 5, now)
    assert machine.of("a", now).state == "open"
    return machine


# --- unknown, healthy, and what is remembered ------------------------------------------------------------------------


def test_nothing_is_known_at_first_and_a_success_is_health() -> None:
    machine = health()
    assert machine.of("a", 1.0) is WELL
    ticket = machine.began("a", 1.0)
    assert machine.of("a", 1.0) is WELL
    machine.succeeded("a", 2.0, 1.0, 0.4, ticket)
    condition = machine.of("a", 2.0)
    assert (condition.state, condition.since, condition.samples, condition.error_rate) == ("healthy", 2.0, 1, 0.0)
    assert (condition.p50, condition.p95, condition.first_p50) == (1.0, 1.0, 0.4)
    assert machine.quiet


def test_figures_are_at_most_a_second_old_and_a_look_changes_nothing() -> None:
    machine = health()
    serve(machine, 1, 10.0, 1.0)
    serve(machine, 9, 10.5, 3.0)
    assert machine.of("a", 10.9).samples == 1
    assert machine.of("a", 11.0).samples == 10
    assert machine.of("a", 11.0) is machine.of("a", 11.0)
    assert machine.of("a", 11.0).p50 == 3.0
    assert machine.of("a", 200.0).p50 is None


def test_calls_that_say_nothing_of_the_candidate_count_for_nothing() -> None:
    machine = health()
    for _ in range(50):
        machine.released("a", 1.0, machine.began("a", 1.0))
    assert machine.of("a", 1.0) is WELL
    machine.released("never seen", 1.0)
    assert machine.conditions(1.0) == {"a": WELL}


def test_what_clients_name_does_not_fill_the_memory_and_the_unwell_are_kept_longest() -> None:
    machine = health()
    fail(machine, 5, 1.0, ref="unwell")
    for number in range(10_000):
        serve(machine, 1, 2.0 + number / 1000, ref=f"named-{number}")
    known = machine.conditions(3.0)
    assert len(known) <= 4096
    assert "unwell" in known
    assert "named-9999" in known


def test_a_call_to_a_candidate_that_was_dropped_meanwhile_does_no_harm() -> None:
    machine = health()
    fail(machine, 5, 1.0)
    ticket = machine.began("a", 1.0)  # in a place of the panic rule
    for number in range(10_000):
        machine.refused(f"named-{number}", 2.0 + number / 1000, 60.0, overloaded=False)
    assert "a" not in machine.conditions(2.0)
    machine.failed("a", 20.0, local=True, ticket=ticket)
    assert machine.of("a", 20.0) is WELL


# --- opening ---------------------------------------------------------------------------------------------------------


def test_five_failures_in_a_row_open_at_low_volume() -> None:
    machine = health()
    fail(machine, 4, 100.0)
    assert machine.of("a", 100.0).state != "open"
    fail(machine, 1, 100.0)
    condition = machine.of("a", 100.0)
    assert (condition.state, condition.until, condition.since, condition.trips) == ("open", 105.0, 100.0, 1)
    assert condition.describe(101.8) == "Unhealthy: open for another 3.2 s after 5 failures in a row"
    assert not machine.quiet


def test_five_in_a_row_do_not_open_among_many_successes() -> None:
    machine = health()
    serve(machine, 6, 100.0)
    fail(machine, 8, 100.0)
    assert machine.of("a", 100.0).state == "degraded", "8 of 14 is no 80 %"


def test_failures_in_a_row_may_lie_far_apart() -> None:
    machine = health()
    for moment in range(5):
        fail(machine, 1, 100.0 + 30.0 * moment)
    assert machine.of("a", 220.0).state == "open"


def test_twenty_results_of_which_sixty_per_cent_failed_open() -> None:
    machine = health()
    serve(machine, 8, 100.0)
    fail(machine, 11, 101.0)
    assert machine.of("a", 101.0).state == "degraded", "19 results are too few"
    fail(machine, 1, 101.0)
    condition = machine.of("a", 101.0)
    assert condition.state == "open"
    assert condition.cause == "12 of 20 calls failed"


def test_at_high_volume_a_row_of_failures_alone_does_not_open() -> None:
    machine = health(replace(DEFAULTS, unhealthy_error_rate=0.95))
    serve(machine, 5, 100.0)
    fail(machine, 94, 100.0)
    assert machine.of("a", 100.0).state == "degraded", "94 of 99"
    fail(machine, 1, 100.0)
    assert machine.of("a", 100.0).cause == "95 of 100 calls failed"


def test_results_count_for_ten_seconds() -> None:
    machine = health()
    serve(machine, 100, 100.0)
    fail(machine, 20, 109.9)
    assert machine.of("a", 109.9).state == "healthy", "20 of 120"
    fail(machine, 1, 110.0)
    assert machine.of("a", 110.0).state == "open", "the successes are ten seconds old"


def test_local_failures_are_failures_and_counted_apart() -> None:
    machine = health()
    fail(machine, 3, 100.0, local=True)
    fail(machine, 2, 100.0)
    condition = machine.of("a", 100.0)
    assert (condition.state, condition.samples, condition.local) == ("open", 5, 3)


def test_what_began_before_it_opened_says_nothing_after() -> None:
    machine = health()
    before = [machine.began("a", 99.0) for _ in range(12)]
    fail(machine, 5, 100.0)
    for ticket in before[:6]:
        machine.succeeded("a", 101.0, 2.0, 1.0, ticket)
    assert machine.of("a", 101.0).state == "open", "an answer that had begun in better times"
    for ticket in before[6:]:
        machine.failed("a", 106.0, local=True, ticket=ticket)
    assert machine.of("a", 106.0).state == "half_open"


# --- open, half open, closed -----------------------------------------------------------------------------------------


def test_open_times_grow_with_the_trips_in_a_row_up_to_a_minute() -> None:
    machine, now, lengths = opened(100.0), 100.0, []
    for _ in range(14):
        condition = machine.of("a", now)
        assert condition.until is not None
        lengths.append(condition.until - now)
        now = condition.until
        fail(machine, 1, now)
    assert lengths == pytest.approx([*range(5, 60, 5), 60, 60, 60])
    assert machine.of("a", now).trips == 15


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 4.0), (0.999, 5.998)])
def test_jitter_spreads_open_times_by_a_fifth(jitter: float, seconds: float) -> None:
    machine = health(jitter=jitter)
    fail(machine, 5, 100.0)
    assert machine.of("a", 100.0).until == pytest.approx(100.0 + seconds)


def test_two_good_answers_one_at_a_time_close() -> None:
    machine = opened(100.0)
    condition = machine.of("a", 105.0)
    assert (condition.state, condition.admits, condition.since) == ("half_open", True, 105.0)
    probe = machine.began("a", 106.0)
    assert not machine.of("a", 106.0).admits, "one call at a time"
    machine.succeeded("a", 107.0, 1.0, 0.5, probe)
    condition = machine.of("a", 107.0)
    assert (condition.state, condition.admits) == ("half_open", True)
    serve(machine, 1, 108.0)
    condition = machine.of("a", 108.0)
    assert (condition.state, condition.trips, condition.samples) == ("healthy", 0, 1)
    assert machine.quiet
    fail(machine, 4, 108.0)
    assert machine.of("a", 108.0).state == "degraded", "the failures before it opened are forgotten"


def test_one_bad_answer_opens_again_for_longer() -> None:
    machine = opened(100.0)
    serve(machine, 1, 105.0)
    fail(machine, 1, 106.0)
    condition = machine.of("a", 106.0)
    assert (condition.state, condition.until, condition.trips) == ("open", 116.0, 2)
    serve(machine, 1, 116.0)
    assert machine.of("a", 116.0).state == "half_open", "the good answer of the last time does not count"


def test_a_cancelled_probe_gives_the_permit_back() -> None:
    machine = opened(100.0)
    probe = machine.began("a", 105.0)
    machine.released("a", 106.0, probe)
    assert machine.of("a", 106.0).admits
    serve(machine, 2, 106.0)
    assert machine.of("a", 106.0).state == "healthy"


def test_an_old_call_that_ends_in_half_open_neither_judges_nor_frees_the_permit() -> None:
    machine = health()
    old = [machine.began("a", 99.0) for _ in range(3)]
    fail(machine, 5, 100.0)
    machine.began("a", 105.0)
    machine.succeeded("a", 105.0, 6.0, None, old[0])
    machine.failed("a", 105.0, local=True, ticket=old[1])
    machine.released("a", 105.0, old[2])
    condition = machine.of("a", 105.0)
    assert (condition.state, condition.admits) == ("half_open", False)


def test_without_tickets_the_call_begun_last_is_meant() -> None:
    machine = opened(100.0)
    machine.began("a", 105.0)
    machine.released("a", 105.0)
    assert machine.of("a", 105.0).admits
    for _ in range(2):
        machine.began("a", 105.0)
        machine.succeeded("a", 105.0, 1.0, None)
    assert machine.of("a", 105.0).state == "healthy"


def test_half_open_is_not_remembered_for_ever() -> None:
    machine = opened(100.0)
    assert machine.of("a", 704.9).state == "half_open"
    assert machine.of("a", 705.0) is WELL
    assert machine.quiet


def test_one_that_nobody_asks_for_does_not_keep_the_others_from_being_quiet() -> None:
    machine = opened(100.0)
    machine.refused("b", 100.0, 20.0, overloaded=False)
    assert machine.of("c", 119.0) is WELL
    assert not machine.quiet
    machine.of("c", 705.0)
    assert machine.quiet


@pytest.mark.parametrize("ok", [True, False])
def test_a_free_check_shortens_the_wait_and_closes_nothing(ok: bool) -> None:
    machine = opened(100.0)
    for _ in range(5):
        machine.probed("a", 101.0, ok=ok)
    assert machine.of("a", 101.0).state == ("half_open" if ok else "open")
    machine.probed("never called", 101.0, ok=ok)
    assert list(machine.conditions(101.0)) == ["a"]


def test_a_free_check_of_a_candidate_that_is_well_changes_nothing() -> None:
    machine = health()
    serve(machine, 1, 100.0)
    machine.probed("a", 101.0, ok=False)
    machine.probed("a", 101.0, ok=True)
    assert machine.of("a", 101.0).state == "healthy"


# --- the panic rule --------------------------------------------------------------------------------------------------


def test_an_open_candidate_has_five_places_for_calls_of_last_resort() -> None:
    machine = opened(100.0)
    tickets = []
    for _ in range(5):
        condition = machine.of("a", 101.0)
        assert condition.admits
        assert condition.spare
        tickets.append(machine.began("a", 101.0))
    assert not machine.of("a", 101.0).admits
    assert not machine.of("a", 101.0).spare
    machine.released("a", 102.0, tickets[0])
    assert machine.of("a", 102.0).admits
    machine.failed("a", 102.0, local=False, ticket=tickets[1])
    assert machine.of("a", 102.0).until == 105.0, "a failure of last resort does not lengthen the open time"


def test_calls_of_last_resort_keep_their_places_when_the_state_turns() -> None:
    machine = opened(100.0)
    tickets = [machine.began("a", 101.0) for _ in range(5)]
    condition = machine.of("a", 106.0)
    assert (condition.state, condition.admits, condition.spare) == ("half_open", True, False)
    for ticket in tickets:
        machine.failed("a", 107.0, local=False, ticket=ticket)
    condition = machine.of("a", 107.0)
    assert (condition.state, condition.spare) == ("half_open", True)


def test_a_call_of_last_resort_that_is_answered_is_as_good_as_a_probe() -> None:
    machine = opened(100.0)
    serve(machine, 1, 101.0)
    assert machine.of("a", 101.0).state == "half_open"
    serve(machine, 1, 101.0)
    assert machine.of("a", 101.0).state == "healthy"


def test_calls_of_last_resort_that_end_when_all_is_well_again_leave_their_places() -> None:
    machine = opened(100.0)
    tickets = [machine.began("a", 101.0) for _ in range(5)]
    machine.succeeded("a", 102.0, 1.0, None, tickets.pop())
    serve(machine, 1, 102.0)
    assert machine.of("a", 102.0).state == "healthy"
    for ticket in tickets:
        machine.succeeded("a", 103.0, 2.0, None, ticket)
    fail(machine, 8, 104.0)
    for _ in range(5):
        assert machine.of("a", 104.0).spare
        machine.began("a", 104.0)


# --- degraded --------------------------------------------------------------------------------------------------------


def test_a_fifth_of_failures_degrades_until_a_minute_of_calm() -> None:
    machine = health()
    serve(machine, 4, 100.0)
    fail(machine, 1, 100.0)
    condition = machine.of("a", 100.0)
    assert (condition.state, condition.describe(100.0)) == ("degraded", "Degraded: 1 of 5 calls failed")
    assert condition.admits
    assert not machine.quiet
    assert machine.of("a", 159.9).state == "degraded"
    assert machine.of("a", 160.0).state == "healthy"
    assert machine.quiet


def test_fewer_than_five_results_do_not_degrade() -> None:
    machine = health()
    serve(machine, 3, 100.0)
    fail(machine, 1, 100.0)
    assert machine.of("a", 100.0).state == "healthy"


def test_the_calm_begins_when_fewer_than_half_as_many_fail() -> None:
    machine = health()
    serve(machine, 4, 100.0)
    fail(machine, 1, 100.0)
    serve(machine, 9, 130.0)
    fail(machine, 1, 130.0)
    assert machine.of("a", 160.0).state == "degraded", "one of ten at 130"
    serve(machine, 20, 170.0)
    fail(machine, 1, 170.0)
    assert machine.of("a", 189.9).state == "degraded"
    assert machine.of("a", 190.0).state == "healthy", "one of 21 at 170 is calm"


def test_slow_answers_degrade_and_are_forgotten() -> None:
    machine = health()
    serve(machine, 4, 100.0, 16.0)
    assert machine.of("a", 100.0).state == "healthy", "four answers are too few"
    serve(machine, 1, 101.0, 16.0)
    condition = machine.of("a", 101.0)
    assert condition.describe(101.0) == "Degraded: one answer in twenty takes 16.0 s or more"
    assert machine.of("a", 161.0).state == "degraded"
    assert machine.of("a", 221.0).state == "healthy", "the slow answers are two minutes old"


def test_answers_as_long_as_the_limit_are_not_slow() -> None:
    machine = health()
    serve(machine, 10, 100.0, 15.0)
    assert machine.of("a", 101.0).state == "healthy"


# --- resting ---------------------------------------------------------------------------------------------------------


def test_a_named_wait_is_taken_at_its_word_and_capped() -> None:
    machine = health()
    assert machine.refused("a", 0.0, 7.5, overloaded=False) == 7.5
    assert machine.refused("b", 0.0, 3600.0, overloaded=False) == 300.0
    condition = machine.of("a", 7.4)
    assert (condition.state, condition.told, condition.until) == ("resting", True, 7.5)
    assert (condition.admits, condition.spare) == (False, False)
    assert condition.describe(1.5) == "RateLimited: 6.0 s as the provider asked"
    assert not machine.quiet


def test_a_rest_ends_by_itself_and_is_no_failure() -> None:
    machine = health()
    serve(machine, 1, 10.0)
    for _ in range(20):
        machine.refused("a", 10.0, 2.0, overloaded=False, ticket=machine.began("a", 10.0))
    assert machine.of("a", 11.9).state == "resting"
    condition = machine.of("a", 12.0)
    assert (condition.state, condition.error_rate, condition.since) == ("healthy", 0.0, 10.0)


def test_without_a_named_wait_rests_double_up_to_thirty_seconds() -> None:
    machine = health()
    assert [machine.refused("a", 0.0, None, overloaded=False) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]
    assert machine.of("a", 0.0).describe(0.0) == "RateLimited: 30.0 s by our guess, as no time was named"


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 0.8), (0.999, 1.1996)])
def test_jitter_spreads_guesses_by_a_fifth(jitter: float, wait: float) -> None:
    assert health(jitter=jitter).refused("a", 0.0, None, overloaded=False) == pytest.approx(wait)


@pytest.mark.parametrize("nonsense", [float("nan"), -5.0, 0.0])
def test_what_names_no_time_is_no_word_of_the_provider(nonsense: float) -> None:
    machine = health()
    assert machine.refused("a", 0.0, nonsense, overloaded=False) == 1.0
    assert not machine.of("a", 0.0).told


def test_an_answer_ends_the_series() -> None:
    machine = health()
    for _ in range(2):
        machine.refused("a", 0.0, None, overloaded=False)
    serve(machine, 1, 0.0)
    assert machine.of("a", 0.0).state == "healthy"
    assert machine.refused("a", 0.0, None, overloaded=False) == 1


def test_an_answer_after_the_rest_ends_the_series_too() -> None:
    machine = health()
    serve(machine, 1, 0.0)
    for now in (1.0, 2.0, 4.0):
        machine.refused("a", now, None, overloaded=False, ticket=machine.began("a", now))
    assert machine.of("a", 8.0).state == "healthy"
    serve(machine, 1, 8.0)
    assert machine.refused("a", 9.0, None, overloaded=False, ticket=machine.began("a", 9.0)) == 1


def test_a_wave_of_refusals_is_one_refusal() -> None:
    machine = health()
    wave = [machine.began("a", 0.0) for _ in range(20)]
    rests = [machine.refused("a", 0.1, None, overloaded=False, ticket=ticket) for ticket in wave]
    assert rests == pytest.approx([1.0] * 20)
    assert machine.refused("a", 2.0, None, overloaded=False, ticket=machine.began("a", 2.0)) == 2.0


def test_a_guess_does_not_cut_short_what_the_provider_named() -> None:
    machine = health()
    machine.refused("a", 0.0, 60.0, overloaded=False)
    assert machine.refused("a", 10.0, None, overloaded=False) == 50.0
    assert machine.of("a", 30.0).told
    assert machine.refused("a", 30.0, 5.0, overloaded=False) == 5.0, "its own last word does"


def test_an_answer_that_had_begun_before_does_not_end_a_rest() -> None:
    machine = health()
    serve(machine, 1, 0.0)
    stream = machine.began("a", 0.0)
    machine.refused("a", 1.0, 60.0, overloaded=False, ticket=machine.began("a", 1.0))
    machine.succeeded("a", 2.0, 2.0, 0.5, stream)
    assert machine.of("a", 2.0).state == "resting"


def test_a_rest_by_guess_leaves_places_for_calls_of_last_resort() -> None:
    machine = health()
    machine.refused("a", 0.0, None, overloaded=False)
    tickets = [machine.began("a", 0.1) for _ in range(5)]
    condition = machine.of("a", 0.1)
    assert (condition.admits, condition.spare) == (False, False)
    machine.succeeded("a", 0.2, 0.1, None, tickets[0])
    assert machine.of("a", 0.2).state == "healthy"


def test_a_probe_that_is_refused_gives_the_permit_back_and_half_open_waits_beneath_the_rest() -> None:
    machine = opened(100.0)
    machine.refused("a", 105.0, 10.0, overloaded=False, ticket=machine.began("a", 105.0))
    assert machine.of("a", 105.0).state == "resting"
    condition = machine.of("a", 115.0)
    assert (condition.state, condition.admits) == ("half_open", True)


# --- overload --------------------------------------------------------------------------------------------------------


def test_an_overloaded_candidate_rests_and_the_overload_is_a_failure() -> None:
    machine = health()
    assert machine.refused("a", 0.0, None, overloaded=True) == 1.0
    condition = machine.of("a", 0.0)
    assert (condition.state, condition.samples, condition.error_rate) == ("resting", 1, 1.0)
    assert "overloaded" in condition.describe(0.0)
    for now in (1.0, 2.0, 3.0, 4.0):
        machine.refused("a", now, 0.5, overloaded=True)
    assert machine.of("a", 4.5).state == "open"


def test_after_a_capped_overload_one_call_at_a_time_goes_first() -> None:
    machine = health()
    serve(machine, 10, 0.0)
    assert machine.refused("a", 1.0, 3600.0, overloaded=True) == 300.0
    assert machine.of("a", 300.9).state == "resting"
    condition = machine.of("a", 301.0)
    assert (condition.state, condition.admits, condition.since) == ("half_open", True, 301.0)
    serve(machine, 2, 301.0)
    assert machine.of("a", 301.0).state == "healthy"


def test_the_throttle_drops_what_the_provider_would_refuse_and_lets_one_a_second_through() -> None:
    machine = health()
    assert not machine.sheds("a", 0.0, 0.0)
    serve(machine, 10, 0.0)
    for _ in range(40):
        machine.refused("a", 0.0, None, overloaded=True, ticket=machine.began("a", 0.0))
    # 50 requests, 10 accepts: (50 - 20) / 51
    assert not machine.sheds("a", 0.9, 0.589)
    assert machine.sheds("a", 0.9, 0.587)
    # what was dropped is a request: (51 - 20) / 52
    assert machine.sheds("a", 0.9, 0.595)
    assert not machine.sheds("a", 1.0, 0.0), "nothing was sent for a second"
    assert not machine.sheds("b", 0.9, 0.0), "the affected candidate only"


def test_the_throttle_ends_with_accepts_and_after_two_minutes() -> None:
    machine = health()
    machine.refused("a", 0.0, None, overloaded=True, ticket=machine.began("a", 0.0))
    assert machine.sheds("a", 0.5, 0.3)
    serve(machine, 3, 50.0)
    assert not machine.sheds("a", 50.5, 0.0)
    for _ in range(9):
        machine.refused("a", 100.0, None, overloaded=True, ticket=machine.began("a", 100.0))
    assert machine.sheds("a", 100.5, 0.1)
    machine.began("a", 220.0)
    assert not machine.sheds("a", 220.5, 0.0)


def test_only_overloads_throttle() -> None:
    machine = health()
    fail(machine, 4, 0.0)
    machine.refused("a", 0.0, None, overloaded=False)
    assert not machine.sheds("a", 0.1, 0.0)


# --- credentials -----------------------------------------------------------------------------------------------------


def test_a_rejected_credential_is_tried_once_a_minute_until_it_works() -> None:
    machine = health()
    serve(machine, 1, 0.0)
    machine.unauthorised("a", 10.0, machine.began("a", 10.0))
    condition = machine.of("a", 10.0)
    assert (condition.state, condition.admits, condition.spare, condition.until) == (
        "credential_bad",
        False,
        False,
        70.0,
    )
    assert machine.of("a", 69.9).admits is False
    assert machine.of("a", 70.0).admits
    probe = machine.began("a", 75.0)
    assert not machine.of("a", 75.0).admits
    machine.unauthorised("a", 76.0, probe)
    condition = machine.of("a", 76.0)
    assert (condition.since, condition.until, condition.admits) == (10.0, 136.0, False)
    serve(machine, 1, 136.0)
    assert machine.of("a", 136.0).state == "healthy"
    assert machine.quiet


@pytest.mark.parametrize(
    ("end", "until"),
    [
        (lambda machine, ticket: machine.released("a", 75.0, ticket), 70.0),
        (lambda machine, ticket: machine.failed("a", 75.0, local=True, ticket=ticket), 135.0),
        (lambda machine, ticket: machine.refused("a", 75.0, 90.0, overloaded=False, ticket=ticket), 165.0),
    ],
    ids=["cancelled", "failed", "rate limited"],
)
def test_a_probe_that_says_nothing_of_the_credential_gives_the_permit_back(
    end: Callable[[Health, int], None], until: float
) -> None:
    machine = health()
    machine.unauthorised("a", 10.0, machine.began("a", 10.0))
    end(machine, machine.began("a", 75.0))
    condition = machine.of("a", 75.0)
    assert (condition.state, condition.until) == ("credential_bad", until)
    assert condition.admits is (until <= 75.0)
    assert machine.of("a", max(until, 75.0)).admits


def test_a_free_check_that_works_makes_a_credential_worth_a_call() -> None:
    machine = health()
    machine.unauthorised("a", 10.0)
    machine.probed("a", 20.0, ok=False)
    assert machine.of("a", 20.0).state == "credential_bad"
    machine.probed("a", 20.0, ok=True)
    condition = machine.of("a", 20.0)
    assert (condition.state, condition.admits) == ("half_open", True)


def test_another_secret_is_another_chance_and_the_old_ones_calls_do_not_count() -> None:
    machine = health()
    old = machine.began("a", 9.0)
    machine.unauthorised("a", 10.0, machine.began("a", 10.0))
    machine.changed_secret("a")
    assert machine.of("a", 10.0) is WELL
    assert machine.quiet
    machine.unauthorised("a", 11.0, old)
    assert machine.of("a", 11.0) is WELL


def test_another_secret_does_not_mend_what_is_open() -> None:
    machine = opened(100.0)
    machine.changed_secret("a")
    machine.changed_secret("never seen")
    assert machine.of("a", 100.0).state == "open"


# --- forgetting, other settings, telling -----------------------------------------------------------------------------


def test_a_forgotten_candidate_starts_anew_and_no_place_is_given_back_twice() -> None:
    machine = opened(100.0)
    tickets = [machine.began("a", 101.0) for _ in range(5)]
    machine.forget("a")
    assert machine.of("a", 101.0) is WELL
    fail(machine, 5, 102.0)
    for ticket in tickets:
        machine.released("a", 103.0, ticket)
    for _ in range(5):
        assert machine.of("a", 103.0).admits
        machine.began("a", 103.0)
    assert not machine.of("a", 103.0).admits
    machine.forget("never seen")


def test_other_settings_hold_from_the_next_look_on() -> None:
    machine = health()
    serve(machine, 9, 100.0)
    fail(machine, 1, 100.0)
    assert machine.of("a", 100.0).state == "healthy"
    machine.configure(replace(DEFAULTS, degraded_error_rate=0.1))
    assert machine.of("a", 100.0).state == "degraded"
    machine.configure(replace(DEFAULTS, window=60.0))
    assert machine.of("a", 100.0).samples == 0
    serve(machine, 1, 100.0)
    fail(machine, 4, 100.0)
    assert machine.of("a", 153.0).samples == 5


def test_every_change_of_state_is_told_once() -> None:
    told: list[tuple[str, str, str]] = []

    def changed(ref: str, before: Condition, after: Condition) -> None:
        told.append((ref, before.state, after.state))

    machine = Health(DEFAULTS, lambda: 0.5, changed)
    serve(machine, 1, 100.0)
    fail(machine, 5, 120.0)
    machine.of("b", 125.0)
    serve(machine, 2, 125.0)
    machine.refused("a", 126.0, 2.0, overloaded=False)
    machine.refused("a", 127.0, 2.0, overloaded=False)
    machine.of("a", 130.0)
    machine.unauthorised("a", 131.0)
    machine.forget("a")
    states = ["unknown", "healthy", "degraded", "open", "half_open", "healthy", "resting", "healthy", "credential_bad"]
    expected = [("a", before, after) for before, after in zip(states, [*states[1:], "unknown"], strict=True)]
    # The fifth failure in a row is the one that both degrades and opens: it opens.
    expected[1:3] = [("a", "healthy", "open")]
    assert told == expected
