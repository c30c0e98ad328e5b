import json
from pathlib import Path

from translators.providers.google.discovery import DISCOVERY, parse_models
from translators.providers.provider import Discovered

RECORDINGS = Path(__file__).parents[3] / "recordings" / "google"


def test_recorded_models_are_listed():
    (path,) = RECORDINGS.glob("google-models-*.json")
    body = json.loads(path.read_text())["response"]["body_json"]
    found = {model.model: model for model in parse_models(body)}
    flash = found["gemini-2.5-flash"]
    assert (flash.context_window, flash.detail) == (1_048_576, "up to 65536 tokens out")
    assert flash.flags == {"text": True, "streaming": True, "embeddings": False, "reasoning": True}
    named = {entry["name"].removeprefix("models/"): entry["supportedGenerationMethods"] for entry in body["models"]}
    kept = {name for name, methods in named.items() if {"generateContent", "embedContent"} & set(methods)}
    assert found.keys() == kept


def test_embedding_models_answer_nothing():
    entry = {
        "name": "models/e",
        "supportedGenerationMethods": ["embedContent"],
        "inputTokenLimit": 2048,
        "outputTokenLimit": 1,
    }
    (found,) = parse_models({"models": [entry]})
    assert found.flags["embeddings"]
    assert not found.flags["text"]
    assert not found.flags["toolCalling"]
    assert (found.context_window, found.detail) == (2048, "")


def test_vertex_lists_names_alone():
    body = {"publisherModels": [{"name": "publishers/google/models/gemini-3-flash"}, {"name": ""}, 5]}
    assert parse_models(body) == (Discovered(model="gemini-3-flash"),)


def test_models_for_other_things_are_left_out():
    assert (
        parse_models({"models": [{"name": "models/veo", "supportedGenerationMethods": ["predictLongRunning"]}]}) == ()
    )
    assert DISCOVERY.list.path.startswith("/v1beta/models")
