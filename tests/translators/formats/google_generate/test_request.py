import json

import pytest

from translators.canonical import Reason, StateSpec, UpstreamError

from .asking import changes, rendered, user

HI = user("hi")


def test_neither_model_nor_streaming_stands_in_the_body():
    assert rendered(HI, stream=True, include_usage=True) == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_who_asks_becomes_a_label_without_being_told():
    labels = rendered(HI, user="ann@example.com", safety_identifier="x", metadata={"team": "a-1"})["labels"]
    assert labels["team"] == "a-1"
    assert "ann" not in json.dumps(labels)
    assert all(len(value) <= 63 and value == value.lower() for value in labels.values())
    assert rendered(HI, user="ann@example.com")["labels"]["user"] == labels["user"]


@pytest.mark.parametrize(
    ("name", "value"), [("Team", "a"), ("team", "A"), ("team", "a" * 64), ("1", "a"), ("team", "ä")]
)
def test_metadata_that_is_no_label_is_left_out(name, value):
    assert "labels" not in rendered(HI, metadata={name: value})
    assert changes(HI, metadata={name: value}) == [f"metadata.{name}: dropped"]


@pytest.mark.parametrize(
    ("tier", "sent", "changed"),
    [
        ("flex", "flex", []),
        ("priority", "priority", []),
        ("default", "standard", ["service_tier: mapped"]),
        ("auto", None, ["service_tier: dropped"]),
        ("scale", None, ["service_tier: dropped"]),
    ],
)
def test_tiers_have_googles_names(tier, sent, changed):
    assert rendered(HI, service_tier=tier).get("serviceTier") == sent
    assert changes(HI, service_tier=tier) == changed


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "background", "prompt", "context_management"])
def test_state_is_refused(name):
    with pytest.raises(UpstreamError) as caught:
        rendered(HI, state=StateSpec(**{name: "x"}))
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, name)


def test_what_an_answer_has_anyway_may_be_asked_for():
    include = ("reasoning.encrypted_content", "web_search_call.action.sources")
    assert changes(HI, state=StateSpec(include=include)) == []


def test_hints_are_left_out_and_listed():
    state = StateSpec(store=True, truncation="auto", include=("x",), max_tool_calls=2)
    assert changes(HI, state=state, verbosity="low", include_obfuscation=False, cache={"prompt_cache_key": "k"}) == [
        "state.store: dropped",
        "state.truncation: dropped",
        "state.include: dropped",
        "state.max_tool_calls: dropped",
        "verbosity: dropped",
        "include_obfuscation: dropped",
        "cache.prompt_cache_key: dropped",
    ]


SAFETY = [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}]


@pytest.mark.parametrize("name", ["safety_settings", "safetySettings"])
def test_googles_own_members_pass(name):
    assert rendered(HI, extensions={name: SAFETY})["safetySettings"] == SAFETY
    assert rendered(HI, extensions={"cached_content": "cachedContents/x"})["cachedContent"] == "cachedContents/x"
    assert changes(HI, extensions={name: SAFETY}) == []


@pytest.mark.parametrize(
    "extensions",
    [
        {"safety_settings": {"category": "x"}},
        {"safety_settings": [{"evil": 1}]},
        {"safety_settings": [{"category": {}}]},
        {"cachedContent": 5},
    ],
)
def test_but_not_in_any_shape(extensions):
    with pytest.raises(UpstreamError) as caught:
        rendered(HI, extensions=extensions)
    assert caught.value.body.param in extensions


def test_members_that_nobody_knows_are_left_out():
    assert rendered(HI, extensions={"min_p": 1}).keys() == {"contents"}
    assert changes(HI, extensions={"min_p": 1}) == ["extensions.min_p: dropped"]


def test_moderation_is_refused():
    with pytest.raises(UpstreamError, match="moderation"):
        rendered(HI, moderation={"model": "m"})
