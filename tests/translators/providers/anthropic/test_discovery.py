import json
from pathlib import Path

import pytest

from translators.canonical import Reason
from translators.formats.anthropic_messages import PROVIDER
from translators.providers.anthropic.discovery import DISCOVERY, parse_models

RECORDINGS = Path(__file__).parents[3] / "recordings/anthropic"


def recorded(name: str) -> dict:
    return json.loads((RECORDINGS / f"anthropic-models-{name}.json").read_bytes())["response"]


LISTED = recorded("anthropic-list-models-0-06220")["body_json"]


def test_the_list_tells_limits_and_capabilities():
    found = {model.model: model for model in parse_models(LISTED)}
    assert len(found) == len(LISTED["data"])
    opus, haiku = found["claude-opus-5"], found["claude-haiku-4-5-20251001"]
    assert (opus.context_window, opus.detail) == (1_000_000, "Claude Opus 5")
    assert haiku.context_window == 200_000
    assert opus.flags == {
        "text": True,
        "toolCalling": True,
        "streaming": True,
        "audio": False,
        "embeddings": False,
        "vision": True,
        "structuredOutput": True,
        "jsonSchema": True,
        "reasoning": True,
    }


def test_what_is_not_told_stays_unknown():
    capabilities = {"image_input": {"supported": False}, "thinking": None, "structured_outputs": {}}
    old, new = parse_models(
        {"data": [{"id": "claude-2"}, {"id": "claude-x", "max_input_tokens": 0, "capabilities": capabilities}]}
    )
    assert (old.flags, old.context_window, old.detail) == ({}, None, "")
    assert new.flags["vision"] is False
    assert new.flags.keys().isdisjoint({"reasoning", "jsonSchema"})
    assert new.context_window is None


def test_a_retired_model_is_not_offered():
    entries = [{"id": "a", "lifecycle": "retired"}, {"id": "b", "lifecycle": "deprecated"}, {"id": "c"}]
    assert [model.model for model in parse_models({"data": entries})] == ["b", "c"]


def test_all_of_them_are_asked_for_at_once():
    assert DISCOVERY.list.path == "/v1/models?limit=1000"


def test_a_refused_list_says_why():
    answer = recorded("models-list-models-rejected-key-reports-api-error-wi-0-64432")
    error = PROVIDER.parse_error(answer["status"], {}, json.dumps(answer["body_json"]).encode())
    assert error.reason is Reason.AUTH


@pytest.mark.parametrize("body", [None, {}, {"data": None}, {"data": [{}, 5]}])
def test_another_shape_lists_nothing(body):
    assert parse_models(body) == ()
