from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.schema.route import ModelRouteSpec, Strategy


def read(**strategy: Any) -> Strategy:
    return ModelRouteSpec.model_validate({"strategy": strategy}).strategy


def test_the_forms_of_a_candidate() -> None:
    strategy = read(
        primary="a", fallback=["b", {"name": "c", "namespace": "n"}, {"ref": "d", "parameters": {"seed": 1}}]
    )
    assert strategy.primary is not None
    assert [str(entry.ref) for entry in (strategy.primary, *strategy.fallback)] == ["a", "b", "n/c", "d"]
    assert strategy.fallback[2].parameters.given() == {"seed": 1}


def test_a_fallback_may_stand_alone() -> None:
    assert [str(entry.ref) for entry in read(primary="a", fallback="b").fallback] == ["b"]


def test_a_step_may_be_a_selector_or_several_that_share_the_calls() -> None:
    strategy = read(
        primary={"balance": ["a", {"ref": "b", "weight": 3}]}, fallback={"selector": {"matchLabels": {"tier": "local"}}}
    )
    assert strategy.primary is not None
    assert strategy.primary.balance is not None
    assert [(str(member.ref), member.weight) for member in strategy.primary.balance] == [("a", None), ("b", 3)]
    (fallback,) = strategy.fallback
    assert fallback.selector is not None
    assert fallback.selector.match_labels == {"tier": "local"}


@pytest.mark.parametrize(
    "form",
    [
        {"selector": {"matchLabels": {}}},
        {"balance": []},
        {"ref": "a", "balance": ["b"]},
        {"ref": "a", "weight": 2},
    ],
)
def test_forms_that_say_nothing_or_two_things_are_refused(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(primary=form)


@pytest.mark.parametrize("form", [7, ["a"], {"ref": 1}, {"parameters": {}}])
def test_what_is_no_candidate(form: Any) -> None:
    with pytest.raises(ValidationError):
        read(primary=form)
