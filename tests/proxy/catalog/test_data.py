"""The vendored files: every row is whole and says nothing that nobody understands; some figures are checked by hand."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.catalog import find, version
from proxy.catalog.entry import Entry, entry_of
from proxy.catalog.table import FILES, Row, Table, table
from proxy.config.schema.model import Features
from proxy.resources import Model
from translators.canonical import FLAGS

FOLDER = Path(__file__).parents[3] / "proxy" / "catalog" / "data"
NAMES = sorted(set(FILES.values()))
MEMBERS = {
    *("ids", "group", "like", "hosts", "flags", "features", "efforts", "effort", "window", "maxInput", "maxOutput"),
    *("nativeWindow", "price", "regions", "released", "retires", "source", "asOf", "inferred", "note", "vertex"),
}
PRICE_MEMBERS = {
    *("input", "cached", "write", "writeLong", "output", "reasoning", "audioInput", "audioOutput", "imageInput"),
    *("tiers", "serviceTiers", "cachedServiceTiers", "places", "toolRequests", "changes"),
}
EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
FEATURE_NAMES = {str(field.alias) for field in Features.model_fields.values()}
ROWS = [pytest.param(table(name), row, id=f"{name}-{row['ids'][0]}") for name in NAMES for row in table(name).rows]


def known(provider: str, identity: str, **fields: Any) -> Entry:
    entry = find(Model(name="m", provider=provider, model=identity, **fields))
    assert entry is not None, f"the catalogue does not know {provider}:{identity}"
    return entry


@pytest.mark.parametrize(("known_in", "row"), ROWS)
def test_a_row_has_members_that_are_understood_and_figures_that_can_be_true(known_in: Table, row: Row) -> None:
    assert row.keys() <= MEMBERS
    whole = known_in.whole(row)
    entry = entry_of(row["ids"][0], whole, known_in)
    assert entry.flags.keys() <= set(FLAGS)
    assert set(map(type, entry.flags.values())) <= {bool}
    price = whole.get("price", {})
    assert price.keys() <= PRICE_MEMBERS
    for day in (entry.released, entry.retires, entry.as_of, *(change["from"] for change in price.get("changes", ()))):
        assert day is None or date.fromisoformat(day)
    efforts = entry.features.get("reasoningEfforts", [])
    assert efforts == [effort for effort in EFFORTS if effort in efforts], "efforts stand in order"
    assert entry.default_effort in (None, *efforts)
    windows = [size for size in (entry.max_input, entry.max_output, entry.context_window) if size is not None]
    assert all(size > 0 for size in windows)
    if entry.context_window:
        assert max(windows) <= entry.context_window
    if efforts:
        assert entry.flags.get("reasoning", True)


@pytest.mark.parametrize(("known_in", "row"), ROWS)
def test_a_row_only_narrows_what_a_provider_can_and_an_operator_can_say_otherwise(known_in: Table, row: Row) -> None:
    features = dict(entry_of(row["ids"][0], known_in.whole(row), known_in).features)
    features.pop("reasoningEfforts", None)
    assert all(value is False or isinstance(value, list) for value in features.values())
    assert features.keys() <= FEATURE_NAMES


@pytest.mark.parametrize(("known_in", "row"), ROWS)
def test_a_price_is_whole_and_no_discount_is_a_surcharge(known_in: Table, row: Row) -> None:
    entry = entry_of(row["ids"][0], known_in.whole(row), known_in)
    price = entry.pricing
    if price is None:
        assert "input" not in known_in.whole(row).get("price", {})
        return
    assert price.input is not None
    assert price.output is not None
    assert price.input > 0
    assert price.hash
    assert price.cached_input is None or price.cached_input <= price.input
    assert price.cache_write is None or price.cache_write_1h is None or price.cache_write <= price.cache_write_1h
    assert all(tier.input is not None and tier.input > price.input for tier in price.tiers)
    assert all(factor > 0 for factor in price.service_tiers.values())
    assert price.source == "catalog"


@pytest.mark.parametrize("name", NAMES)
def test_an_id_stands_in_one_row_and_its_source_is_explained(name: str) -> None:
    known_in = table(name)
    ids = Counter((identity.lower(), tuple(row.get("hosts", ()))) for row in known_in.rows for identity in row["ids"])
    assert [identity for identity, count in ids.items() if count > 1] == []
    assert {row["source"] for row in known_in.rows} <= known_in.sources.keys()
    assert known_in.as_of <= version()


@pytest.mark.parametrize("name", NAMES)
def test_every_row_is_found_by_its_ids(name: str) -> None:
    known_in = table(name)
    for row in known_in.rows:
        for identity in row["ids"]:
            asked = identity.replace("[0-9]", "8").replace("*", "x")
            host = row.get("hosts", [""])[0]
            assert known_in.find(asked, host) == known_in.whole(row), f"{asked} means another row"


def rates(entry: Entry) -> tuple[str, ...]:
    price = entry.pricing
    assert price is not None
    shown = (price.input, price.cached_input, price.cache_write, price.cache_write_1h, price.output)
    return tuple("-" if rate is None else f"{rate.normalize():f}" for rate in shown)


@pytest.mark.parametrize(
    ("provider", "identity", "expected"),
    [
        ("openai", "gpt-6.2-astra", ("8", "0.4", "10", "-", "40")),
        ("openai", "gpt-6.2-sol", ("2", "0.1", "2.5", "5", "10")),
        ("openai", "gpt-6-luna", ("0.1", "0.01", "0.125", "0.25", "0.5")),
        ("openai", "gpt-5.6", ("4", "0.4", "5", "10", "20")),
        ("openai", "gpt-5.4-mini", ("0.75", "0.075", "-", "-", "4.5")),
        ("openai", "o3", ("2", "0.5", "-", "-", "8")),
        ("openai", "text-embedding-3-small", ("0.02", "-", "-", "-", "0")),
        ("anthropic", "claude-fable-5-1", ("10", "0.25", "12.5", "20", "50")),
        ("anthropic", "claude-opus-5-5", ("4", "0.2", "5", "8", "20")),
        ("anthropic", "claude-sonnet-4-6", ("3", "0.3", "3.75", "6", "15")),
        ("anthropic", "claude-haiku-5-5", ("0.1", "0.01", "0.125", "0.2", "0.5")),
        ("google", "gemini-4-argon", ("2", "0.1", "-", "-", "10")),
        ("google", "gemini-3.1-pro-preview", ("2", "0.2", "-", "-", "12")),
        ("google", "gemini-2.5-flash-lite", ("0.1", "0.01", "-", "-", "0.4")),
        ("microsoft", "gpt-6.1-terra", ("1", "0.05", "1.25", "2.5", "5")),
        ("microsoft", "claude-opus-5-5", ("4", "0.2", "5", "8", "20")),
        ("microsoft", "DeepSeek-V4-Pro", ("1.74", "0.145", "-", "-", "3.48")),
    ],
)
def test_list_prices(provider: str, identity: str, expected: tuple[str, ...]) -> None:
    assert rates(known(provider, identity)) == expected


@pytest.mark.parametrize(
    ("provider", "identity", "window", "output"),
    [
        ("openai", "gpt-5.4", 1_050_000, 128_000),
        ("openai", "gpt-5-nano", 400_000, 128_000),
        ("openai", "gpt-4o", 128_000, 16_384),
        ("anthropic", "claude-sonnet-5", 1_000_000, 128_000),
        ("anthropic", "claude-haiku-4-5", 200_000, 64_000),
        ("google", "gemini-3.8-flash", 1_048_576, 65_536),
        ("microsoft", "grok-4.7", 500_000, 500_000),
    ],
)
def test_windows(provider: str, identity: str, window: int, output: int) -> None:
    entry = known(provider, identity)
    assert (entry.context_window, entry.max_output) == (window, output)


@pytest.mark.parametrize(
    ("provider", "identity", "can", "cannot"),
    [
        ("openai", "gpt-6.2-sol", "vision toolCalling jsonSchema reasoning computerUse", "audio embeddings"),
        ("openai", "gpt-5.4", "vision reasoning", "computerUse"),
        ("openai", "gpt-4.1", "vision toolCalling jsonSchema", "reasoning audio"),
        ("openai", "gpt-audio-1.5", "audio toolCalling", "vision jsonSchema reasoning"),
        ("openai", "text-embedding-3-large", "embeddings", "toolCalling streaming vision"),
        ("anthropic", "claude-opus-5-5", "vision toolCalling jsonSchema reasoning computerUse", "audio embeddings"),
        ("google", "gemini-3.8-flash", "vision audio jsonSchema computerUse", "embeddings"),
        ("microsoft", "gpt-oss-120b", "toolCalling jsonSchema reasoning", "vision"),
        ("ollama", "llama3.3:70b", "", "vision audio reasoning computerUse"),
    ],
)
def test_capabilities(provider: str, identity: str, can: str, cannot: str) -> None:
    flags = known(provider, identity).flags
    assert {flag for flag in (can + " " + cannot).split() if flags[flag]} == set(can.split())


def test_models_that_only_narrow_say_so() -> None:
    assert known("google", "gemini-3.8-flash").features["nChoices"] is False
    assert "nChoices" not in known("google", "gemini-2.5-pro").features
    assert known("openai", "gpt-5").features["stop"] is False
    assert "stop" not in known("openai", "gpt-5.4").features  # it may, with effort "none"
    assert known("openai", "gpt-6.1-terra").features["reasoningEfforts"][0] == "none"
    assert known("microsoft", "claude-opus-5").features["hostedTools"] == []


def test_long_prompts_of_haiku_cost_five_times_as_much() -> None:
    price = known("anthropic", "claude-haiku-5-5").pricing
    assert price is not None
    assert [(tier.above, tier.input, tier.output) for tier in price.tiers] == [
        (100_000, Decimal("0.5"), Decimal("2.5"))
    ]


def test_azures_own_figures_stand_over_those_of_the_models_vendor() -> None:
    here, there = known("microsoft", "gpt-4.1"), known("openai", "gpt-4.1")
    assert (there.retires, here.retires) == ("2027-01-14", "2027-04-14")
    assert known("microsoft", "gpt-6.1-sol").places["eu"] == Decimal("1.2")
    assert known("microsoft", "gpt-6.1-sol").released is None  # when Azure had it is another matter


@pytest.mark.parametrize("name", NAMES)
def test_a_file_can_be_read_line_by_line(name: str) -> None:
    """One row per line, so that a change of a price is a change of one line."""
    raw = (FOLDER / f"{name}.json").read_text()
    rows = [line for line in raw.splitlines() if line.startswith('    {"')]
    assert [orjson.loads(line.rstrip(",")) for line in rows] == list(table(name).rows)
