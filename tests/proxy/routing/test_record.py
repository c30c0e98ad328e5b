"""What is shown of a record: quantiles of what is recent, and who may be called."""

from __future__ import annotations

import pytest

from proxy.routing.condition import WELL, State
from proxy.routing.record import PANIC_CALLS, Record
from proxy.routing.window import Window

NONE = (None, None, None)


def record(state: State = "unknown") -> Record:
    made = Record("a", 1, Window(10.0, 3))
    made.state = state
    return made


def test_quantiles_are_ranks_of_the_last_hundred() -> None:
    known = record()
    known.latencies.extend((1.0, 1000.0, 900.0) for _ in range(7))
    known.latencies.extend((2.0, float(seconds), None if seconds > 50 else 0.5) for seconds in range(1, 101))
    assert known.quantiles(2.0) == (50.0, 95.0, 0.5)


def test_quantiles_forget_what_is_two_minutes_old() -> None:
    known = record()
    known.latencies.append((0.0, 9.0, 1.0))
    known.latencies.append((60.0, 1.0, None))
    assert known.quantiles(119.9) == (1.0, 9.0, 1.0)
    assert known.quantiles(120.0) == (1.0, 1.0, None)
    assert known.quantiles(180.0) == NONE


def test_a_record_of_which_nothing_is_known_shows_the_one_value_for_that() -> None:
    assert record().condition_at(0.0, NONE) is WELL


@pytest.mark.parametrize(
    ("state", "probing", "panics", "admits", "spare"),
    [
        ("healthy", False, 0, True, False),
        ("degraded", False, 0, True, False),
        ("open", False, PANIC_CALLS - 1, True, True),
        ("open", False, PANIC_CALLS, False, False),
        ("half_open", False, PANIC_CALLS, True, False),
        ("half_open", True, 0, False, True),
        ("credential_bad", False, 0, True, False),
        ("credential_bad", True, 0, False, False),
    ],
)
def test_who_may_be_called_and_who_is_spare(
    state: State, probing: bool, panics: int, admits: bool, spare: bool
) -> None:
    known = record(state)
    known.probing, known.panics, known.until = probing, panics, 5.0
    condition = known.condition_at(5.0, NONE)
    assert (condition.admits, condition.spare) == (admits, spare)


@pytest.mark.parametrize("told", [True, False])
def test_a_rest_hides_the_state_beneath_it_but_not_a_bad_credential(told: bool) -> None:
    known = record("open")
    known.rest_until, known.rest_told = 30.0, told
    condition = known.condition_at(5.0, NONE)
    assert (condition.state, condition.until, condition.admits, condition.spare) == (
        "resting",
        30.0,
        not told,
        not told,
    )
    known.state, known.until = "credential_bad", 20.0
    condition = known.condition_at(25.0, NONE)
    assert (condition.state, condition.until, condition.admits) == ("credential_bad", 30.0, False)
