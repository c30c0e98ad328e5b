"""How many retries an upstream is sent."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proxy.routing.retries import RetryShare

HOST = "api.example.com"


def busy(requests: int, running: int = 3, now: float = 100.0) -> RetryShare:
    """A host that was sent `requests`, the last `running` of them retries that are under way."""
    share = RetryShare()
    for number in range(requests):
        share.began(HOST, now, retry=number >= requests - running)
    return share


def test_a_host_that_was_never_asked_may_be_asked_again() -> None:
    assert RetryShare().allows(HOST, 0.0)


def test_retries_are_a_fifth_of_the_requests_the_next_one_included() -> None:
    assert busy(19).allows(HOST, 100.0)
    assert not busy(18).allows(HOST, 100.0)


def test_two_at_a_time_leave_room_for_a_third_whatever_the_share() -> None:
    share = busy(3)
    assert not share.allows(HOST, 100.0)
    share.ended(HOST, retry=True)
    assert share.allows(HOST, 100.0)


def test_a_second_without_a_retry_leaves_room_for_one() -> None:
    share = busy(3)
    assert not share.allows(HOST, 100.9)
    assert share.allows(HOST, 101.0)
    share.began(HOST, 101.0, retry=True)
    assert not share.allows(HOST, 101.9)


def test_requests_count_for_ten_seconds() -> None:
    share = busy(40)
    share.began(HOST, 109.9, retry=True)
    assert share.allows(HOST, 109.9), "4 of 41"
    assert not share.allows(HOST, 110.0), "the one of 109.9 is all there was"


def test_first_attempts_take_no_place_and_hosts_do_not_share() -> None:
    share = RetryShare()
    for _ in range(50):
        share.began("other", 1.0, retry=True)
        share.began(HOST, 1.0, retry=False)
        share.ended(HOST, retry=False)
    assert not share.allows("other", 1.0)
    assert share.allows(HOST, 1.0)


@given(st.lists(st.tuples(st.floats(0.0, 0.3), st.booleans()), min_size=20, max_size=200))
def test_whoever_asks_first_never_sends_more_than_the_share_and_its_floors(steps: list[tuple[float, bool]]) -> None:
    share, now, sent = RetryShare(), 0.0, []
    for pause, retry in steps:
        now += pause
        if retry and not share.allows(HOST, now):
            continue
        share.began(HOST, now, retry=retry)
        sent.append((now, retry))
    recent = [retry for when, retry in sent if int(when) > int(now) - 10]
    floor = 3 + 11  # three under way, since none ever ends here, and one each second
    assert sum(recent) <= max(0.2 * len(sent), floor), f"{sum(recent)} retries of {len(recent)} requests"
