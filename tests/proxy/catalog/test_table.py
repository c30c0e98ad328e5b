"""Which row an id means."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from proxy.catalog import find
from proxy.catalog.table import Table, is_own_engine, table_of
from proxy.resources import Model

DOCUMENT: dict[str, Any] = {
    "asOf": "2026-11-22",
    "dated": r"-\d{8}$",
    "regions": ["global"],
    "sources": {"T": {"name": "a test", "asOf": "2026-11-22", "confidence": "high"}},
    "groups": {
        "chat": {
            "about": "talks",
            "flags": {"vision": True, "audio": False},
            "features": {"stop": False},
            "window": 9,
        }
    },
    "models": [
        {"ids": ["m-1"], "group": "chat", "retires": "2027-01-01", "source": "T"},
        {"ids": ["m-1-20240101"], "group": "chat", "window": 1, "source": "T"},
        {"ids": ["m-*"], "group": "chat", "window": 2, "source": "T"},
        {"ids": ["m-1-long*"], "group": "chat", "window": 3, "source": "T"},
        {"ids": ["alias"], "like": "m-1", "flags": {"vision": None, "audio": True}, "window": None, "source": "T"},
        {"ids": ["here"], "hosts": ["api.here"], "window": 4, "source": "T"},
        {"ids": ["here"], "hosts": ["there"], "window": 5, "source": "T"},
    ],
}
TABLE = Table("test", DOCUMENT)


def window(identity: str, host: str = "") -> int | None:
    row = TABLE.find(identity, host)
    return None if row is None else row.get("window")


@pytest.mark.parametrize(
    ("identity", "expected"),
    [
        ("m-1", 9),
        ("M-1", 9),
        ("m-1-20260101", 9),  # a date means the family
        ("m-1-20240101", 1),  # unless it has a row of its own
        ("m-2", 2),
        ("m-1-longer", 3),  # the longer pattern means less
        ("n-1", None),
    ],
)
def test_the_most_specific_row_is_meant(identity: str, expected: int | None) -> None:
    assert window(identity) == expected


def test_a_fine_tune_is_not_what_was_tuned_but_has_a_row_under_its_name() -> None:
    assert TABLE.find("ft:m-1:acme::id") is None
    tuned = find(Model(name="m", provider="openai", model="ft:gpt-4.1-2025-04-14:acme::abc"))
    base = find(Model(name="m", provider="openai", model="gpt-4.1"))
    assert tuned is not None
    assert base is not None
    assert tuned.pricing is not None
    assert base.pricing is not None
    assert tuned.pricing.input != base.pricing.input


def test_who_serves_a_model_decides_where_hosts_are_named() -> None:
    assert [window("here", host) for host in ("api.here", "eu.api.here", "there")] == [4, 4, 5]
    strangers = ("elsewhere", "", "api.here.evil.example", "notapi.here")
    assert [window("here", host) for host in strangers] == [None] * 4


def test_a_row_inherits_and_takes_back() -> None:
    row = TABLE.find("alias")
    assert row is not None
    assert row["flags"] == {"audio": True}
    assert row["features"] == {"stop": False}
    assert "window" not in row
    assert row["regions"] == ("global",)
    assert row["retires"] == "2027-01-01"  # the same provider, so the same end
    assert "ids" not in row
    assert "about" not in row


def test_nothing_is_inherited_from_another_provider_that_is_true_there_only() -> None:
    table = table_of("microsoft")
    assert table is not None
    row = table.find("gpt-5.4-nano")
    assert row is not None
    assert row["window"] == 400_000
    assert row["retires"] == "2027-09-21"
    assert "released" not in row


def test_a_row_that_is_like_nothing_is_found_out() -> None:
    broken = Table("test", {**DOCUMENT, "models": [{"ids": ["a"], "like": "gone", "source": "T"}]})
    with pytest.raises(ValueError, match=r"test\.json is like gone"):
        broken.find("a")


def test_providers_nobody_knows_have_no_table() -> None:
    assert table_of("acme") is None
    assert (is_own_engine("vllm"), is_own_engine("openai"), is_own_engine("acme")) == (True, False, False)


@pytest.mark.parametrize(
    ("provider", "identity", "expected"),
    [
        ("anthropic", "claude-haiku-4-5-20251001", "claude-haiku-4-5"),
        ("anthropic", "claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-flash-001", "gemini-2.5-flash"),
        ("google", "models/gemini-2.5-flash-preview-09-2025", "gemini-2.5-flash"),
        ("openai", "gpt-5.4-2026-03-05", "gpt-5.4"),
        ("vllm", "Qwen/Qwen3-8B", "qwen3"),
        ("llama-cpp", "unsloth/gpt-oss-20b-GGUF", "gpt-oss"),
        ("ollama", "gpt-oss:20b", "gpt-oss"),
    ],
)
def test_ids_as_providers_and_engines_spell_them(provider: str, identity: str, expected: str) -> None:
    found = find(Model(name="m", provider=provider, model=identity))
    family = find(Model(name="m", provider=provider, model=expected))
    assert found is not None
    assert family is not None
    assert (found.flags, found.pricing) == (family.flags, family.pricing)


@pytest.mark.parametrize(
    ("provider", "identity"),
    [
        ("openai", "gpt-9"),
        ("openai", "gpt-5.4-ultra"),
        ("openai", "gpt-5.1-chat-latest"),
        ("anthropic", "claude-2.1"),
        ("google", "gemini-3-pro-preview"),
        ("microsoft", "my-deployment"),
        ("generic-openai", "gpt-4o"),
        ("ollama", "qwen2.5:7b"),
        ("acme", "gpt-4o"),
    ],
)
def test_what_nobody_wrote_down_is_unknown_which_is_not_no(provider: str, identity: str) -> None:
    assert find(Model(name="m", provider=provider, model=identity)) is None


def test_a_file_is_read_when_its_provider_is_asked_for_and_not_before() -> None:
    script = (
        "from proxy.catalog import find; from proxy.catalog.table import table; from proxy.resources import Model; "
        "before = table.cache_info().currsize; find(Model(name='m', provider='anthropic', model='claude-opus-5')); "
        "print(before, table.cache_info().currsize)"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["0", "1"]
