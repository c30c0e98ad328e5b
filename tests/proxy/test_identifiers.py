"""Ids are unique and sort by the millisecond they were made in."""

from __future__ import annotations

import re
import time

from proxy.identifiers import new_id


def test_ids_are_unique_and_well_formed() -> None:
    made = [new_id("mc_") for _ in range(20_000)]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"mc_[0-9A-HJKMNP-TV-Z]{26}", each) for each in made)


def test_later_ids_sort_after_earlier_ones() -> None:
    first = new_id("")
    until = time.time_ns() + 2_000_000
    while time.time_ns() < until:
        pass
    assert first < new_id("")
