"""The smallest change: applied, it flips the choice; and who is picked anyway needs none."""

from __future__ import annotations

from proxy.explain.what_if import Inputs, planned, what_if
from tests.support.routing import installation

MANY = 3_000


def test_the_changes_together_pick_the_candidate_and_only_they_do() -> None:
    changed_something = 0
    for seed in range(MANY):
        made = installation(seed)
        first = made.plan().candidates[:1]
        for index, entry in enumerate(made.route.entries):
            inputs = Inputs(made.snapshot, made.route, made.terms, made.moment)
            changes, changed = what_if(inputs, index, made.capabilities_of)
            result = planned(changed, made.capabilities_of)
            where = [change.where for change in changes]
            assert result.candidates, f"installation({seed}), {entry.ref}: nobody is left after {where}"
            assert result.candidates[0].model.ref == entry.ref, f"installation({seed}), {entry.ref}: {where}"
            picked = bool(first) and first[0].index == index
            assert (where == []) == picked, f"installation({seed}), {entry.ref}: {where}"
            assert len(set(where)) == len(where), f"installation({seed}), {entry.ref}: said twice in {where}"
            changed_something += len(where)
    assert changed_something > MANY
