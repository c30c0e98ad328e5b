"""Sums over the last seconds, against the list of everything that was added."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.window import Window

MOMENTS = st.lists(st.tuples(st.floats(0.0, 7.0), st.integers(0, 1)), max_size=40)


@given(MOMENTS)
def test_the_sums_are_those_of_the_last_ten_steps(pauses: list[tuple[float, int]]) -> None:
    window, added, now = Window(10.0, 2), [], 0.0
    for pause, count in pauses:
        now += pause
        window.add(count, now)
        added.append((int(now), count))
        expected = [sum(1 for step, which in added if which == c and step > int(now) - 10) for c in (0, 1)]
        assert window.sums == expected, f"at {now} after {added}"
    assert window.roll(now + 10.0) == [0, 0]


def test_a_span_of_another_length_has_steps_of_another_length() -> None:
    window = Window(120.0, 1)
    window.add(0, 5.0, 3)
    assert window.roll(119.9) == [3]
    assert window.roll(120.0) == [0]


def test_a_time_before_the_running_step_counts_in_that_step() -> None:
    window = Window(10.0, 1)
    window.add(0, 50.0)
    window.add(0, 41.0)
    assert window.sums == [2]
    assert window.roll(59.9) == [2]
    assert window.latest == 59.0


def test_what_is_cleared_is_not_subtracted_again() -> None:
    window = Window(10.0, 1)
    window.add(0, 1.0)
    window.clear()
    window.add(0, 2.0)
    assert window.roll(11.5) == [1]
    assert window.roll(12.0) == [0]
