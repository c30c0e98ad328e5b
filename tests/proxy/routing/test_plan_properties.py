"""What holds of every plan, whatever the installation, its state and the request."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from proxy import places
from proxy.resources import ZONES
from proxy.routing import Plan
from tests.support.routing import Installation, installation

MANY = 10_000


def installed() -> Iterator[tuple[int, Installation]]:
    return ((seed, installation(seed)) for seed in range(MANY))


def test_every_plan_keeps_every_rule() -> None:
    candidates = 0
    for seed, made in installed():
        result = made.plan()
        candidates += len(result.candidates)
        try:
            _allowed(made, result)
            _affordable(made, result)
            _whole(made, result)
        except AssertionError as error:
            raise AssertionError(f"installation({seed})") from error
    assert candidates > MANY / 5, "too few candidates stand for the rules to be tried"


def _allowed(made: Installation, result: Plan) -> None:
    """No candidate lacks what is needed or lies where it may not."""
    route, terms, size = made.route, made.terms, made.moment.size
    primaries = [made.model(entry.ref).zone for entry in route.entries if entry.step == 0]
    widest = route.constraints.max_zone or max(primaries, key=ZONES.index)
    for candidate in result.candidates:
        record = candidate.model
        flags = made.able[record.ref]
        assert not record.disabled
        assert record.secret_problem is None
        assert all(flags[need.name] for need in terms.needs)
        assert all(flags[flag] for flag, wanted in route.requirements.items() if wanted)
        for code in {*terms.residency, *([route.constraints.residency] if route.constraints.residency else [])}:
            assert places.satisfies(record, code, made.snapshot.settings.residency).ok
        assert ZONES.index(record.zone) <= ZONES.index(widest)
        assert record.provider not in route.constraints.deny
        if record.context_window is not None:
            assert size.least + (size.output or 0) <= record.context_window


def _affordable(made: Installation, result: Plan) -> None:
    """No candidate may cost more than is left."""
    limits, spent = made.route.constraints, made.moment.spent
    for candidate in result.candidates:
        if candidate.estimate is None:
            assert made.moment.unknown_cost == "allow" or (
                limits.max_cost_per_call is None and limits.max_cost_per_execution is None
            )
            continue
        if limits.max_cost_per_call is not None:
            assert candidate.estimate <= limits.max_cost_per_call
        if limits.max_cost_per_execution is not None:
            assert spent.execution + spent.held + candidate.estimate <= limits.max_cost_per_execution
        assert candidate.estimate >= Decimal(0)


def _whole(made: Installation, result: Plan) -> None:
    """Every entry has one verdict, and the same inputs give the same plan."""
    assert made.plan() == result
    stand, skipped = [c.index for c in result.candidates], [skip.index for skip in result.skips]
    assert len(stand) == len(set(stand))
    if stand and result.candidates[-1].is_last_resort and stand[-1] in skipped:
        assert len(stand) > 1, "a candidate that is asked first was not passed over"
        skipped.remove(stand[-1])
    assert not set(stand) & set(skipped)
    if result.ended is None:
        assert sorted(stand + skipped) == list(range(len(made.route.entries)))
    else:
        assert all(index < result.ended.index for index in stand)
    if len(stand) > 1 and made.route.failover.on_health_degraded:
        degraded = [
            candidate.condition.state == "degraded" for candidate in result.candidates if not candidate.is_last_resort
        ]
        assert degraded == sorted(degraded), "a degraded candidate stands before one that is well"
