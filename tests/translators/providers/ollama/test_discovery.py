import json
from pathlib import Path

import pytest

from translators.providers.ollama import PROVIDER
from translators.providers.provider import Discovered, Discovery

DISCOVERY = PROVIDER.discovery
assert isinstance(DISCOVERY, Discovery)
assert DISCOVERY.detail is not None
assert DISCOVERY.parse_detail is not None
assert DISCOVERY.parse_running is not None
RECORDINGS = Path(__file__).parents[3] / "recordings" / "ollama"
QWEN = {
    "capabilities": ["completion", "tools", "thinking"],
    "model_info": {"general.architecture": "qwen3", "qwen3.context_length": 40960},
    "parameters": 'stop                           "<|im_end|>"\ntemperature                    0.6',
}


def shown(**changes) -> Discovered:
    return DISCOVERY.parse_detail(Discovered(model="m"), QWEN | changes)


def test_recorded_tags_are_listed():
    (path,) = RECORDINGS.glob("*meta-models*.json")
    found = DISCOVERY.parse_list(json.loads(path.read_text())["response"]["body_json"])
    assert [model.model for model in found][:2] == ["all-minilm:latest", "qwen3:4b"]
    assert found[1].detail == "4.0B Q4_K_M"
    assert found[1].flags == {}


def test_newer_tags_tell_what_models_can_do():
    (found,) = DISCOVERY.parse_list({"models": [{"name": "llava:7b", "capabilities": ["completion", "vision"]}]})
    assert found.flags["vision"] is True
    assert found.flags["toolCalling"] is False


def test_details_are_asked_by_post():
    probe = DISCOVERY.detail("qwen3:4b")
    assert (probe.path, probe.body, probe.from_root) == ("/api/show", {"model": "qwen3:4b"}, False)


def test_capabilities_become_flags():
    assert shown().flags == {
        "text": True,
        "toolCalling": True,
        "vision": False,
        "reasoning": True,
        "embeddings": False,
        "audio": False,
        "streaming": True,
        "structuredOutput": True,
        "jsonSchema": True,
        "computerUse": False,
    }


def test_an_old_server_that_does_not_tell_leaves_flags_unknown():
    assert shown(capabilities=None).flags == {}


def test_a_model_in_ollamas_cloud_keeps_to_no_format():
    flags = shown(remote_host="https://ollama.com:443").flags
    assert (flags["text"], flags["jsonSchema"]) == (True, False)


def test_an_embedding_model_answers_nothing():
    found = shown(
        capabilities=["embedding"],
        model_info={"general.architecture": "nomic-bert", "nomic-bert.context_length": 8192},
    )
    assert (found.flags["embeddings"], found.flags["text"], found.flags["streaming"]) == (True, False, False)
    assert found.context_window == 8192


@pytest.mark.parametrize(
    ("changes", "window"),
    [
        ({}, 4096),
        ({"model_info": {"general.architecture": "a", "a.context_length": 2048}}, 2048),
        ({"model_info": None}, 4096),
        ({"parameters": 'num_ctx                        32768\nstop "x"'}, 32768),
        ({"parameters": None}, 4096),
        ({"remote_model": "gpt-oss:120b"}, 40960),
    ],
)
def test_the_window_is_what_the_server_gives(changes, window):
    assert shown(**changes).context_window == window


def test_a_model_that_runs_with_more_has_more():
    found = (Discovered(model="a", context_window=4096), Discovered(model="b", context_window=4096))
    body = {"models": [{"model": "a", "context_length": 32768}, {"name": "b", "context_length": 2048}, {"name": "c"}]}
    assert [model.context_window for model in DISCOVERY.parse_running(found, body)] == [32768, 4096]
    assert DISCOVERY.parse_running(found, None) == found


def test_details_that_cannot_be_read_change_nothing():
    known = Discovered(model="m")
    assert DISCOVERY.parse_detail(known, ["?"]) is known
