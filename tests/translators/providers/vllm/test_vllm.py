import json
from pathlib import Path

from translators.providers.vllm import PROVIDER

RECORDINGS = Path(__file__).parents[3] / "recordings" / "vllm"


def test_models_are_listed_with_their_window():
    assert PROVIDER.discovery is not None
    body = {
        "data": [{"id": "qwen", "root": "Qwen/Qwen3-0.6B", "max_model_len": 40960}, {"id": "lora", "parent": "qwen"}]
    }
    first, second = PROVIDER.discovery.parse_list(body)
    assert (first.model, first.context_window, first.detail) == ("qwen", 40960, "Qwen/Qwen3-0.6B")
    assert (second.model, second.context_window) == ("lora", None)


def test_a_recorded_list_is_read():
    assert PROVIDER.discovery is not None
    (path,) = RECORDINGS.glob("vllm-models-*.json")
    (found,) = PROVIDER.discovery.parse_list(json.loads(path.read_text())["response"]["body_json"])
    assert (found.model, found.context_window) == ("openai/gpt-oss-120b", 131072)
    assert found.flags == {}
