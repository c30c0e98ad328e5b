"""What is shown of a model is what is reckoned with, and where it is from."""

from __future__ import annotations

from proxy import catalog, known
from proxy.resources import Model
from translators.canonical import FLAGS


def shown(provider: str, identity: str, **fields: object) -> dict[str, object]:
    record = Model(name="m", provider=provider, model=identity, **fields)
    return known.document(catalog.informed(record))


def test_a_model_of_the_catalogue_is_shown_with_its_source_and_day() -> None:
    row = shown("anthropic", "claude-opus-5-5")
    assert row["ref"] == "anthropic:m"
    assert set(row["capabilities"]) == set(FLAGS)
    told = row["catalog"]
    assert isinstance(told, dict)
    assert (told["asOf"], told["defaultEffort"], told["released"]) == ("2026-11-22", "medium", "2026-09-22")
    assert "LiteLLM" in told["source"]
    assert "inferred" not in told


def test_what_no_source_says_is_said_to_be_inferred() -> None:
    told = shown("openai", "gpt-6.2-astra")["catalog"]
    assert isinstance(told, dict)
    assert (told["inferred"], told["confidence"]) == (["price.write"], "medium")


def test_capabilities_are_capped_by_the_provider() -> None:
    row = shown("anthropic", "claude-opus-5-5")
    assert row["capabilities"]["computerUse"] is False


def test_a_model_nobody_knows_is_shown_by_its_record_alone() -> None:
    row = shown("nobody", "m-1")
    assert (row["catalog"], row["pricing"], row["capabilities"], row["features"]) == (None, None, {}, {})
