"""What a Model's own limits leave room for."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.resources import Model
from proxy.routing.quotas import BUSY_SECONDS, Quotas


def model(requests: int | None = None, tokens: int | None = None, at_once: int | None = None) -> Model:
    return Model(
        name="m",
        provider="openai",
        model="m",
        requests_per_minute=requests,
        tokens_per_minute=tokens,
        max_concurrent=at_once,
    )


def test_without_limits_there_is_no_wait_and_nothing_is_kept() -> None:
    quotas, free = Quotas(), model()
    for _ in range(1000):
        quotas.take(free, 10**9, 0.0)
    assert quotas.wait(free, 10**12, 0.0) == 0.0
    assert quotas.standing(free, 0.0) == ""
    quotas.done(free)


def test_a_minutes_requests_may_come_at_once_and_then_evenly() -> None:
    quotas, limited = Quotas(), model(requests=3)
    for _ in range(3):
        assert quotas.wait(limited, 0, 100.0) == 0.0
        quotas.take(limited, 0, 100.0)
    assert quotas.wait(limited, 0, 100.0) == pytest.approx(20.0)
    assert quotas.wait(limited, 0, 119.0) == pytest.approx(1.0)
    assert quotas.wait(limited, 0, 120.0) == 0.0
    quotas.take(limited, 0, 120.0)
    assert quotas.wait(limited, 0, 120.0) == pytest.approx(20.0)


def test_a_quiet_hour_earns_no_more_than_a_minute() -> None:
    quotas, limited = Quotas(), model(requests=2)
    quotas.take(limited, 0, 0.0)
    for _ in range(2):
        quotas.take(limited, 0, 3600.0)
    assert quotas.wait(limited, 0, 3600.0) == pytest.approx(30.0)


def test_tokens_wait_as_long_as_it_takes_to_earn_them() -> None:
    quotas, limited = Quotas(), model(tokens=6000)  # 100 a second
    quotas.take(limited, 5000, 0.0)
    assert quotas.wait(limited, 1000, 0.0) == 0.0
    assert quotas.wait(limited, 3000, 0.0) == pytest.approx(20.0)
    assert quotas.wait(limited, 6000, 0.0) == pytest.approx(50.0)
    assert quotas.wait(limited, 6001, 0.0) == math.inf, "more than a minute's tokens never fit"


@pytest.mark.parametrize(("difference", "room"), [(1000, 0), (0, 1000), (-1000, 2000)])
def test_an_estimate_is_corrected_either_way(difference: int, room: int) -> None:
    quotas, limited = Quotas(), model(tokens=6000)
    quotas.take(limited, 6000, 0.0)
    quotas.correct(limited, difference, 10.0)
    assert quotas.wait(limited, room, 10.0) == 0.0
    assert quotas.wait(limited, room + 1000, 10.0) == pytest.approx(10.0)


def test_the_end_of_a_call_corrects_its_estimate() -> None:
    quotas, limited = Quotas(), model(tokens=6000)
    quotas.take(limited, 1000, 0.0)
    quotas.done(limited, 5000, 0.0)
    assert quotas.wait(limited, 100, 0.0) == pytest.approx(1.0)


def test_who_waits_as_long_as_was_said_does_not_wait_for_rounding() -> None:
    """One wait in some hundreds, added to the time it is counted from, falls short by less than can be slept."""
    chance = random.Random(7)
    for _ in range(500):
        quotas, limited, now = Quotas(), model(tokens=90), 3.0 * chance.random()
        for _ in range(10):
            tokens = chance.randint(1, 90)
            now += quotas.wait(limited, tokens, now)
            assert quotas.wait(limited, tokens, now) == 0.0, f"{tokens} tokens at {now}"
            quotas.take(limited, tokens, now)
            now += 0.2 * chance.random()


def test_what_is_given_back_late_is_not_earned_twice() -> None:
    quotas, limited = Quotas(), model(tokens=6000)
    quotas.take(limited, 1000, 0.0)
    quotas.done(limited, -1000, 500.0)
    quotas.take(limited, 6000, 500.0)
    assert quotas.wait(limited, 1, 500.0) > 0.0


def test_places_are_free_when_calls_are_done() -> None:
    quotas, limited = Quotas(), model(at_once=2)
    quotas.take(limited, 0, 0.0)
    assert quotas.wait(limited, 0, 0.0) == 0.0
    quotas.take(limited, 0, 0.0)
    assert quotas.wait(limited, 0, 3600.0) == BUSY_SECONDS
    quotas.done(limited)
    assert quotas.wait(limited, 0, 0.0) == 0.0


def test_the_longest_of_the_waits_counts() -> None:
    quotas, limited = Quotas(), model(requests=1, tokens=600, at_once=1)
    quotas.take(limited, 600, 0.0)
    assert quotas.wait(limited, 300, 0.0) == pytest.approx(60.0), "requests"
    quotas.correct(limited, 600, 0.0)
    assert quotas.wait(limited, 600, 0.0) == pytest.approx(120.0), "tokens"


def test_processes_share_and_each_may_always_send_one() -> None:
    quarter = Quotas(share=0.25)
    limited = model(requests=2, tokens=8000, at_once=2)
    assert quarter.wait(limited, 8000, 0.0) == 0.0, "more than a quarter, yet not than the limit"
    quarter.take(limited, 8000, 0.0)
    quarter.done(limited)
    assert quarter.wait(limited, 1, 0.0) == pytest.approx(240.0 - 60.0 + 0.03), "the debt is paid at a quarter's pace"
    assert quarter.wait(limited, 1, 240.0) == 0.0


def test_standing_is_told_in_words() -> None:
    quotas = Quotas()
    limited = model(requests=100, tokens=2_000_000, at_once=8)
    assert quotas.standing(limited, 0.0) == "0/100 rpm, 0k/2000k tpm, 0/8 at once"
    for _ in range(41):
        quotas.take(limited, 4439, 10.0)
    assert quotas.standing(limited, 10.0) == "41/100 rpm, 182k/2000k tpm, 41/8 at once"
    assert quotas.standing(limited, 100.0) == "0/100 rpm, 0k/2000k tpm, 41/8 at once"
    assert quotas.standing(model(tokens=500), 100.0) == "0/500 tpm"


@given(st.lists(st.tuples(st.floats(0.0, 40.0), st.integers(1, 400)), max_size=60))
def test_no_minute_sees_more_than_two_minutes_worth_and_a_wait_is_enough(calls: list[tuple[float, int]]) -> None:
    """At most what was saved up and what was earned in it, and whoever waits as told is not told to wait again."""
    quotas, limited, now, taken = Quotas(), model(requests=10, tokens=1000), 0.0, []
    for pause, tokens in calls:
        now += pause
        now += quotas.wait(limited, tokens, now)
        assert quotas.wait(limited, tokens, now) == 0.0
        quotas.take(limited, tokens, now)
        taken.append((now, tokens))
    for start, _ in taken:
        minute = [tokens for when, tokens in taken if start <= when < start + 60.0]
        assert len(minute) <= 20
        assert sum(minute) <= 2000 + 1e-3
