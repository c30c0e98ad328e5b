"""What kills a candidate for good, and what does not."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from proxy.config.misses import miss_of
from proxy.resources import Constraints, Model, ModelRoute, Pricing, Residency

RATES = {"input": Decimal(1), "output": Decimal(2)}


def asking(**members: Any) -> ModelRoute:
    return ModelRoute(name="r", entries=(), **members)


WANTED = asking(requirements={"toolCalling": True, "text": True}, context_window_min=100, max_output_min=10)


@pytest.mark.parametrize(
    ("members", "dead"),
    [
        ({}, False),
        ({"flags": {"vision": True}}, True),
        ({"flags": {"toolCalling": True}}, False),
        ({"context_window": 99}, True),
        ({"context_window": 100}, False),
        ({"max_output": 9}, True),
        ({"max_output": 10}, False),
        ({"secret_problem": "no key"}, True),
        ({"disabled": True}, True),
    ],
)
def test_only_what_is_known_kills_a_candidate(members: dict[str, object], dead: bool) -> None:
    found = miss_of(Model(name="m", provider="p", model="m", **members), WANTED, Residency())
    assert (found is not None) is dead
    assert found is None or (found.reason and found.hint)


def test_what_a_provider_cannot_do_no_record_of_it_can() -> None:
    model = Model(name="m", provider="p", model="m", flags={"toolCalling": True, "text": True})
    assert miss_of(model, WANTED, Residency(), bound={"text": True, "toolCalling": True}) is None
    found = miss_of(model, WANTED, Residency(), bound={"text": True, "toolCalling": False})
    assert found is not None
    assert (found.reason, found.flag) == ("it lacks toolCalling", "on_capability_mismatch")
    assert "another provider" in found.hint


@pytest.mark.parametrize(
    ("pricing", "unknown_cost", "dead"),
    [
        (None, "catalog", True),
        (None, "deny", True),
        (None, "allow", False),
        (Pricing(input=Decimal(1)), "catalog", True),
        (Pricing(**RATES), "catalog", False),
    ],
)
def test_a_limit_of_money_needs_a_price(pricing: Pricing | None, unknown_cost: str, dead: bool) -> None:
    model = Model(name="m", provider="p", model="m", pricing=pricing)
    for limits in ({"max_cost_per_call": Decimal(1)}, {"max_cost_per_execution": Decimal(1)}):
        route = asking(constraints=Constraints(**limits))
        found = miss_of(model, route, Residency(), unknown_cost=unknown_cost)
        assert (found is not None) is dead
    assert miss_of(model, asking(), Residency(), unknown_cost=unknown_cost) is None


def test_the_first_gate_is_told_as_the_router_tells_it() -> None:
    """Disabled, key, providers, requirements, residency, money."""
    route = asking(
        requirements={"vision": True},
        constraints=Constraints(residency="EU", allow=("q",), max_cost_per_call=Decimal(1)),
    )
    made: dict[str, Any] = {"flags": {"text": True}, "regions": ("us",), "secret_problem": "no key", "disabled": True}
    told = []
    for name, mended in (
        ("disabled", {"disabled": False}),
        ("key", {"secret_problem": None}),
        ("providers", {"provider": "q"}),
        ("lacks", {"flags": {"vision": True}}),
        ("outside EU", {"regions": ("eu",)}),
        ("price", {"pricing": Pricing(**RATES)}),
    ):
        found = miss_of(Model(**{"name": "m", "provider": "p", "model": "m", **made}), route, Residency())
        assert found is not None
        told.append(name in found.reason)
        made |= mended
    assert told == [True] * 6
    assert miss_of(Model(**{"name": "m", "model": "m", **made}), route, Residency()) is None
