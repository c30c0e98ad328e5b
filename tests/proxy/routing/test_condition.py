"""The words for how a candidate is."""

from __future__ import annotations

import pytest

from proxy.routing.condition import WELL, Condition

OPEN = Condition("open", until=13.2, cause="5 failures in a row")
TOLD = Condition("resting", until=22.0, told=True, cause="as the provider asked")
BAD_KEY = Condition("credential_bad", until=70.0)


@pytest.mark.parametrize(
    ("condition", "name", "well", "words"),
    [
        (WELL, "Unknown", True, "Unknown: no answer yet"),
        (Condition("healthy"), "Healthy", True, "Healthy"),
        (Condition("degraded", cause="1 of 5 calls failed"), "Degraded", False, "Degraded: 1 of 5 calls failed"),
        (OPEN, "Unhealthy", False, "Unhealthy: open for another 3.2 s after 5 failures in a row"),
        (
            Condition("half_open", cause="5 failures in a row"),
            "Unhealthy",
            False,
            "Unhealthy: half open, one call at a time, after 5 failures in a row",
        ),
        (TOLD, "RateLimited", False, "RateLimited: 12.0 s as the provider asked"),
        (BAD_KEY, "Unhealthy", False, "Unhealthy: the provider rejects the credential, next try in 60.0 s"),
    ],
    ids=lambda value: value.state if isinstance(value, Condition) else "",
)
def test_operators_read_the_state_and_what_is_left_of_it(
    condition: Condition, name: str, well: bool, words: str
) -> None:
    assert condition.name == name
    assert condition.well is well
    assert condition.describe(10.0) == words


def test_a_time_that_is_over_is_not_described_as_negative() -> None:
    assert BAD_KEY.describe(80.0).endswith("next try in 0.0 s")
