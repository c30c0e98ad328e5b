import json
from pathlib import Path

import pytest

from translators.formats.anthropic_messages.families import EFFORTS, NEWEST, family_of, name_of

LIST = Path(__file__).parents[3] / "recordings/anthropic/anthropic-models-anthropic-list-models-0-06220.json"
TOLD = json.loads(LIST.read_bytes())["response"]["body_json"]["data"]


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("claude-sonnet-4-5-20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-5@20250929", "claude-sonnet-4-5"),
        ("claude-sonnet-4-20250514", "claude-sonnet-4"),
        ("claude-sonnet-4-0", "claude-sonnet-4"),
        ("claude-opus-5", "claude-opus-5"),
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("claude-3-5-haiku-latest", "claude-3-5-haiku"),
        ("claude-3-5-sonnet-v2@20241022", "claude-3-5-sonnet"),
        ("anthropic/claude-haiku-4.5", "claude-haiku-4-5"),
        ("us.anthropic.claude-opus-4-6-v1:0", "claude-opus-4-6"),
        ("some-deployment", "some-deployment"),
    ],
)
def test_a_family_is_named_without_what_does_not_count(model, name):
    assert name_of(model) == name


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told["id"])
def test_the_table_says_what_anthropic_says_of_its_models(told):
    family, capabilities = family_of(told["id"]), told["capabilities"]
    types = {kind: support["supported"] for kind, support in capabilities["thinking"]["types"].items()}
    assert (family.adaptive, family.manual) == (types["adaptive"], types["enabled"])
    if family.adaptive:
        assert list(family.efforts) == [word for word in EFFORTS if capabilities["effort"][word]["supported"]]
    assert family.schema is capabilities["structured_outputs"]["supported"]
    assert family.max_output == told["max_tokens"]


# Anthropic's pages and LiteLLM's catalogue, 2026-11: what /v1/models does not tell.
FACTS = {
    "claude-3-opus-20240229": {"manual": False, "prefill": True, "sampling": True, "max_output": 4096},
    "claude-3-7-sonnet": {"manual": True, "adaptive": False, "schema": False},
    "claude-opus-4-1": {"manual": True, "prefill": True, "forced": True},
    "claude-haiku-4-5": {"manual": True, "prefill": True, "sampling": True, "late_system": False},
    "claude-opus-4-6": {"prefill": False, "sampling": True, "off": "disabled", "late_system": False},
    "claude-opus-4-7": {"sampling": False, "late_system": False, "bound": False},
    "claude-opus-4-8": {"sampling": False, "late_system": True},
    "claude-sonnet-5": {"off": "disabled", "forced": True, "late_system": False, "bound": True},
    "claude-opus-5": {"off": "disabled", "forced": True, "late_system": True, "bound": True},
    "claude-opus-5-5": {"off": None, "forced": False, "hides_notes": True},
    "claude-sonnet-5-5": {"off": "between_tools", "forced": False, "efforts": ("low", "medium", "high")},
    "claude-haiku-5-5": {"off": "disabled", "forced": True, "late_system": True},
    "claude-fable-5": {"off": None, "forced": True, "hides_notes": False},
    "claude-mythos-5-2": {"off": None, "forced": False, "hides_notes": True},
}


@pytest.mark.parametrize(("model", "facts"), FACTS.items(), ids=FACTS)
def test_other_rules(model, facts):
    family = family_of(model)
    assert {name: getattr(family, name) for name in facts} == facts


@pytest.mark.parametrize("model", ["claude-opus-6", "claude-haiku-5-6", "claude-newline-1", "prod-claude", ""])
def test_what_nobody_knows_yet_follows_the_newest(model):
    assert family_of(model) is NEWEST
