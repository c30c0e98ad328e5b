import json
from pathlib import Path

from translators.providers.llama_cpp import PROVIDER
from translators.providers.provider import Discovered, Discovery

RECORDING = "llamacpp-llamacpp-props-error-matrix-verify-accepts-the-key-0-b46ba.json"
DISCOVERY = PROVIDER.discovery
assert isinstance(DISCOVERY, Discovery)
assert DISCOVERY.detail is not None
assert DISCOVERY.parse_detail is not None


def test_models_are_listed_with_the_window_of_a_slot():
    body = {"data": [{"id": "qwen.gguf", "meta": {"n_ctx": 4096, "n_ctx_train": 40960}}, {"id": "b", "meta": None}]}
    assert DISCOVERY.parse_list(body) == (
        Discovered(model="qwen.gguf", context_window=4096),
        Discovered(model="b"),
    )


def test_properties_are_asked_beside_the_api_and_by_model():
    probe = DISCOVERY.detail("a b/c.gguf")
    assert (probe.path, probe.from_root, probe.body) == ("/props?model=a%20b%2Fc.gguf", True, None)


def test_recorded_properties_say_what_the_model_can_do():
    path = Path(__file__).parents[3] / "recordings" / "llamacpp" / RECORDING
    body = json.loads(path.read_text())["response"]["body_json"]
    found = DISCOVERY.parse_detail(Discovered(model="m"), body)
    assert found.context_window == body["default_generation_settings"]["n_ctx"]
    assert found.flags["vision"] is body["modalities"]["vision"]
    assert found.flags["jsonSchema"] is True
    assert found.flags["reasoning"] is True


def test_a_template_without_tools_is_not_trusted_with_them():
    body = {
        "chat_template_caps": {"supports_tools": True, "supports_tool_calls": False},
        "modalities": {"vision": True},
    }
    flags = DISCOVERY.parse_detail(Discovered(model="m"), body).flags
    assert flags["toolCalling"] is False
    assert flags["vision"] is True
    assert flags["audio"] is False
    assert "reasoning" not in flags


def test_properties_that_cannot_be_read_leave_things_unknown():
    known = Discovered(model="m", context_window=5)
    assert DISCOVERY.parse_detail(known, ["?"]) is known
    assert DISCOVERY.parse_detail(known, {}).context_window == 5
