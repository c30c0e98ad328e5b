from typing import Any

import pytest
from pydantic import ValidationError

from proxy.config.schema.model import ModelSpec
from translators.canonical import FLAGS


def read(**members: Any) -> ModelSpec:
    return ModelSpec.model_validate({"provider": "openai", **members})


def test_all_ten_flags_can_be_declared_by_their_public_names() -> None:
    spec = read(capabilities=dict.fromkeys(FLAGS, True) | {"features": {"nChoices": True, "reasoningEfforts": ["low"]}})
    assert spec.capabilities.flags() == dict.fromkeys(FLAGS, True)
    assert spec.capabilities.given_features() == {"nChoices": True, "reasoningEfforts": ["low"]}


def test_what_is_not_declared_is_absent() -> None:
    assert read(capabilities={"vision": False}).capabilities.flags() == {"vision": False}
    assert read().capabilities.flags() == {}


@pytest.mark.parametrize("day", ["2026-13-01", "yesterday", "2026-1-1"])
def test_a_date_is_a_date(day: str) -> None:
    with pytest.raises(ValidationError):
        read(pricing={"asOf": day})


def test_every_price_of_the_reference_is_read() -> None:
    prices = (
        "input",
        "output",
        "cachedInput",
        "cacheWrite",
        "cacheWrite1h",
        "reasoning",
        "audioInput",
        "audioOutput",
        "imageInput",
    )
    assert read(pricing={f"{name}PerMillionTokens": 1 for name in prices}).pricing


def test_one_place_only() -> None:
    with pytest.raises(ValidationError, match="exclude each other"):
        read(endpoint={"baseUrl": "http://h", "baseUrlSecretRef": "s"})
