"""How long a candidate that refused is left alone."""

from __future__ import annotations

import pytest

from proxy.routing import Rests


def rests(jitter: float = 0.5) -> Rests:
    return Rests(lambda: jitter)


def test_a_named_wait_is_taken_at_its_word_and_capped() -> None:
    asleep = rests()
    assert asleep.refused("a", 0.0, 7.5) == 7.5
    assert asleep.refused("b", 0.0, 3600.0) == 300.0
    found = asleep.of("a", 7.4)
    assert found is not None
    assert found.told


def test_without_a_named_wait_rests_double_up_to_thirty_seconds() -> None:
    asleep = rests()
    assert [asleep.refused("a", 0.0, None) for _ in range(7)] == [1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("jitter", "wait"), [(0.0, 0.8), (0.999, 1.1996)])
def test_jitter_spreads_guesses_by_a_fifth(jitter: float, wait: float) -> None:
    assert rests(jitter).refused("a", 0.0, None) == pytest.approx(wait)


def test_a_rest_ends_by_itself() -> None:
    asleep = rests()
    asleep.refused("a", 10.0, 2.0)
    assert asleep.of("a", 11.9) is not None
    assert asleep.of("a", 12.0) is None


def test_an_answer_ends_the_series() -> None:
    asleep = rests()
    asleep.refused("a", 0.0, None)
    asleep.refused("a", 0.0, None)
    asleep.served("a")
    assert asleep.of("a", 0.0) is None
    assert asleep.refused("a", 0.0, None) == 1
