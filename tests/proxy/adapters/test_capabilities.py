"""What a record can do: declared, probed or unknown, and never more than its provider."""

from __future__ import annotations

import pytest

from proxy.adapters.capabilities import effective, flag_source, known_flags, reckoned
from proxy.resources import Model
from tests.support.snapshots import model
from translators.canonical import FLAGS, CapabilitySet

BOUND = CapabilitySet(
    flags={"text": True, "vision": True, "toolCalling": True, "streaming": True},
    features={"nChoices": True, "hostedTools": ("web_search",)},
)


def record(**fields: object) -> Model:
    return model("openai", "http://a", "m", **fields)


def test_a_record_that_declares_nothing_has_its_providers_bound() -> None:
    flags = effective(record(), BOUND).flags
    assert {name for name, value in flags.items() if value} == {"text", "vision", "toolCalling", "streaming"}


def test_a_record_that_declares_one_flag_declares_all() -> None:
    flags = effective(record(flags={"vision": True}), BOUND).flags
    assert {name for name, value in flags.items() if value} == {"text", "vision"}


def test_a_declaration_beyond_the_provider_is_capped() -> None:
    assert effective(record(flags={"audio": True}), BOUND).flags["audio"] is False


@pytest.mark.parametrize("origin", ["discovered", "implicit"])
def test_what_a_probe_did_not_tell_stays_unknown(origin: str) -> None:
    flags = known_flags(record(origin=origin, flags={"vision": False}), BOUND)
    assert (flags["vision"], flags["toolCalling"]) == (False, True)


def test_features_narrow_the_bound_and_add_nothing() -> None:
    has = effective(record(features={"nChoices": False, "teleport": True}), BOUND)
    assert has.features == {"nChoices": False, "hostedTools": ("web_search",)}


def test_all_ten_flags_are_always_there() -> None:
    assert set(effective(record(), BOUND).flags) == set(FLAGS)


def test_the_source_of_a_flag_is_said() -> None:
    declared = record(flags={"vision": True}, flag_sources={"vision": "declared"})
    assert (flag_source(declared, "vision"), flag_source(declared, "audio")) == ("declared", "default")


def test_a_record_without_an_installed_provider_is_reckoned_by_itself() -> None:
    assert reckoned(model("nobody", None, flags={"vision": True})).flags == {"vision": True}
