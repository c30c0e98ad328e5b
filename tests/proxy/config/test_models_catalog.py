"""Prices in a configuration, and what a Model takes from the catalogue when it does not say."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from proxy.pricing import cost_of
from proxy.resources import Model, Tier
from translators.canonical import Usage

from .writing import loaded, only, problems, resource, route, told

D = Decimal


def record(folder: Path, spec: str, **options: object) -> Model:
    """The only Model of a configuration."""
    (found,) = loaded(folder, resource("Model", "a", spec), **options).snapshot.models.values()
    return found


def test_every_price_that_is_written_counts(tmp_path: Path) -> None:
    spec = """\
provider: openai
pricing:
  currency: EUR
  usdRate: 1.25
  inputPerMillionTokens: 2
  cachedInputPerMillionTokens: 0.5
  cacheWritePerMillionTokens: 2.5
  cacheWrite1hPerMillionTokens: 4
  outputPerMillionTokens: 8
  reasoningPerMillionTokens: 9
  audioInputPerMillionTokens: 20
  audioOutputPerMillionTokens: 40
  imageInputPerMillionTokens: 3
  perRequest: 0.01
  tiers:
    - { aboveInputTokens: 100, inputPerMillionTokens: 4, reasoningPerMillionTokens: 10 }
    - { aboveInputTokens: 200, inputPerMillionTokens: 6 }
  serviceTierMultipliers: { flex: 0.5 }
  asOf: "2026-11-01"
"""
    pricing = record(tmp_path, spec).pricing
    assert pricing is not None
    assert pricing.tiers == (Tier(above=200, input=D(6)), Tier(above=100, input=D(4), reasoning=D(10)))
    assert (pricing.source, pricing.as_of, len(pricing.hash)) == ("model", "2026-11-01", 12)
    usage = Usage(
        input=100,
        cached=10,
        cache_write=20,
        cache_write_1h=5,
        audio_in=6,
        image_in=4,
        output=50,
        reasoning=20,
        audio_out=10,
    )
    # 60 x 2 + 10 x 0.5 + 15 x 2.5 + 5 x 4 + 6 x 20 + 4 x 3 + 20 x 8 + 20 x 9 + 10 x 40, halved, and 0.01
    cost = cost_of(pricing, usage, service_tier="flex")
    assert cost.original == D("0.01") + D("1054.5") / 2 / 1_000_000
    assert cost.usd == cost.original * D("1.25")


@pytest.mark.parametrize(
    "pricing",
    ["{ tiers: [{ aboveInputTokens: 0 }] }", "{ serviceTierMultipliers: { flex: -1 } }", "{ perRequest: -1 }"],
)
def test_prices_that_cannot_be_are_errors(tmp_path: Path, pricing: str) -> None:
    text = resource("Model", "a", f"provider: openai\npricing: {pricing}")
    assert "E-TYPE" in [code for code, _ in told(tmp_path, text)]


def test_a_model_that_says_only_its_name_is_known(tmp_path: Path) -> None:
    found = record(tmp_path, "provider: openai\nmodel: gpt-5.4-2026-03-05")
    assert (found.context_window, found.max_output) == (1_050_000, 128_000)
    assert (found.flags["vision"], found.flags["audio"]) == (True, False)
    assert found.pricing is not None
    assert (found.pricing.input, found.pricing.source) == (D("2.5"), "catalog")
    assert problems(tmp_path, resource("Model", "a", "provider: openai\nmodel: gpt-5.4")) == ()


def test_the_name_of_the_model_counts_and_not_that_of_the_record(tmp_path: Path) -> None:
    found = loaded(tmp_path, resource("Model", "gpt-5.4", "provider: openai\nmodel: gpt-9")).snapshot
    assert found.models["openai:gpt-5.4"].pricing is None


def test_what_is_written_wins(tmp_path: Path) -> None:
    spec = (
        "provider: openai\nmodel: gpt-5.4\ncapabilities: { vision: false, audio: true }\nlimits: { maxOutputTokens: 9 }"
    )
    found = record(tmp_path, spec)
    assert found.flags == {"vision": False, "audio": True}
    assert (found.context_window, found.max_output) == (1_050_000, 9)
    assert found.declares


def test_features_may_be_said_against_the_catalogue(tmp_path: Path) -> None:
    spec = "provider: openai\nmodel: gpt-5\ncapabilities: { features: { stop: true, baseModel: gpt-5 } }"
    found = record(tmp_path, spec)
    assert (found.features["stop"], found.features["penalties"]) == (True, False)
    assert not found.declares


@pytest.mark.parametrize(
    ("today", "words"),
    [
        ("2026-11-10", None),
        ("2026-11-11", "retires gpt-5 on 2026-12-11, in 30 days"),
        ("2026-12-10", "retires gpt-5 on 2026-12-11, in 1 day,"),
        ("2026-12-11", "retires gpt-5 on 2026-12-11, today"),
        ("2026-12-12", "retires gpt-5 on 2026-12-11, 1 day ago"),
        ("2026-12-13", "retires gpt-5 on 2026-12-11, 2 days ago"),
    ],
)
def test_a_model_that_its_provider_retires_is_told_30_days_before(
    tmp_path: Path, today: str, words: str | None
) -> None:
    text = resource("Model", "a", "provider: openai\nmodel: gpt-5")
    found = problems(tmp_path, text, today=date.fromisoformat(today))
    if words is None:
        assert found == ()
        return
    (problem,) = found
    assert (problem.code, problem.path) == ("W-RETIRES", "spec.model")
    assert words in problem.message
    assert problem.hint is not None
    assert "catalogue" in problem.hint


def test_a_model_that_is_disabled_may_retire_in_peace(tmp_path: Path) -> None:
    text = resource("Model", "a", "provider: openai\nmodel: gpt-5\ndisabled: true")
    assert problems(tmp_path, text, today=date(2026, 12, 1)) == ()


PRICED = "provider: openai\nmodel: gpt-x\nlimits: { contextWindowTokens: 1 }\npricing: { inputPerMillionTokens: 1, outputPerMillionTokens: 1, asOf: '2026-08-01' }"


def test_old_prices_are_doubted(tmp_path: Path) -> None:
    text = resource("Model", "a", PRICED)
    assert problems(tmp_path, text, today=date(2026, 10, 30)) == ()
    problem = only(tmp_path, text, today=date(2026, 11, 25))
    assert (problem.code, problem.path) == ("W-PRICE-STALE", "spec.pricing")
    assert problem.message == "these prices are of 2026-08-01, 116 days ago"


def test_an_old_catalogue_is_said_once_for_all_its_models(tmp_path: Path) -> None:
    text = resource("Model", "a", "provider: openai\nmodel: gpt-5.4") + resource(
        "Model", "b", "provider: openai\nmodel: gpt-5.5"
    )
    problem = only(tmp_path, text, today=date(2027, 6, 1))
    assert problem.code == "W-PRICE-STALE"
    assert problem.message.startswith("the catalogue's prices are of 2026-11-22, 191 days ago (and 1 more")


def test_a_route_that_no_model_can_serve_is_told_by_what_the_catalogue_knows(tmp_path: Path) -> None:
    text = resource("Model", "a", "provider: openai\nmodel: gpt-5.4")
    text += route("r", "requirements: { audio: true }\nstrategy: { primary: openai:a }")
    text += route("wide", "requirements: { contextWindowMin: 2000000 }\nstrategy: { primary: openai:a }")
    found = {problem.resource: problem.message for problem in problems(tmp_path, text) if problem.code.endswith("DEAD")}
    assert "lacks audio" in found["ModelRoute/default/r"]
    assert "1050000" in found["ModelRoute/default/wide"]


def test_what_the_catalogue_does_not_say_is_not_lacking(tmp_path: Path) -> None:
    text = resource("Model", "a", "provider: ollama\nmodel: 'qwen3:8b'")
    text += route("r", "requirements: { toolCalling: true }\nstrategy: { primary: ollama:a }")
    assert problems(tmp_path, text) == ()


def test_an_implicit_model_of_a_route_is_known_too(tmp_path: Path) -> None:
    text = resource("Model", "a", "provider: openai\nmodel: gpt-5.4")
    text += route("r", "strategy: { primary: openai:gpt-4.1 }")
    (entry,) = loaded(tmp_path, text).snapshot.routes["r"].entries
    assert entry.model is not None
    assert (entry.model.context_window, entry.model.origin) == (1_047_576, "implicit")
