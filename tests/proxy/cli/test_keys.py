"""`joch keys create`: the key once, apart from the resource; and the resource recognises the key."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from proxy.config import load

from .running import joch

PARTS = ("keys", "create", "--agent", "triage", "--team", "support", "--label", "tier=gold", "--model", "ollama:*")
MODEL = "apiVersion: joch.dev/v1alpha1\nkind: Model\nmetadata: { name: a }\nspec: { provider: ollama }\n"


def test_the_resource_recognises_the_key_and_never_holds_it(tmp_path: Path) -> None:
    ran = joch(*PARTS, "--expires", "30d")
    key = re.search(r"joch-[\w-]{40,}", ran.stderr)
    assert ran.exit_code == 0
    assert key is not None
    assert key[0] not in ran.stdout
    (tmp_path / "keys.yaml").write_text(MODEL + ran.stdout)  # as `>>` would add it
    (found,) = load([str(tmp_path / "keys.yaml")], env={}).snapshot.keys.values()
    assert found.digest == hashlib.sha256(key[0].encode()).hexdigest()
    assert (found.agent, found.team, found.labels, found.models) == (
        "triage",
        "support",
        {"tier": "gold"},
        ("ollama:*",),
    )
    assert found.expires is not None


def test_no_two_keys_are_alike() -> None:
    assert joch("keys", "create").stderr != joch("keys", "create").stderr


@pytest.mark.parametrize(("flag", "value"), [("--expires", "soon"), ("--label", "gold")])
def test_what_cannot_be_meant_is_wrong_usage(flag: str, value: str) -> None:
    ran = joch("keys", "create", flag, value)
    assert ran.exit_code == 2
    assert ran.stdout == ""


@pytest.mark.parametrize("agent", ["Foo_Bar@x", "team-a/triage", "@@", "triage"])
def test_whatever_the_agent_is_called_the_resource_can_be_loaded(tmp_path: Path, agent: str) -> None:
    (tmp_path / "keys.yaml").write_text(MODEL + joch("keys", "create", "--agent", agent).stdout)
    (found,) = load([str(tmp_path / "keys.yaml")], env={}).snapshot.keys.values()
    assert found.agent == agent


@pytest.mark.parametrize(("flag", "value"), [("--expires", "0d"), ("--expires", "999999d"), ("--name", "Bad/Name")])
def test_no_key_is_made_that_could_not_be_used(flag: str, value: str) -> None:
    ran = joch("keys", "create", "--agent", "a", flag, value)
    assert (ran.exit_code, ran.stdout) == (2, "")
    assert "joch-" not in ran.stderr
