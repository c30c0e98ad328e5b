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


@pytest.mark.parametrize("form", [{"selector": {"matchLabels": {}}}, {"balance": ["a"]}])
def test_later_forms_say_what_to_write_instead(form: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        read(primary=form)
    context = caught.value.errors()[0]["ctx"]
    assert context["code"] == "E-NOT-YET"
    assert "list the models one by one" in context["hint"]


@pytest.mark.parametrize("form", [7, ["a"], {"ref": 1}, {"parameters": {}}])
def test_what_is_no_candidate(form: Any) -> None:
    with pytest.raises(ValidationError):
        read(primary=form)
