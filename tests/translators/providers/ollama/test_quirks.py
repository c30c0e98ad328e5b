from dataclasses import replace

import pytest

from translators.canonical import Message, ReasoningSpec, Request, Text
from translators.providers.ollama.quirks import adapt, amend, with_window
from translators.providers.provider import ModelFacts

REQUEST = Request(messages=(Message("user", (Text("hi"),)),))


@pytest.mark.parametrize(
    ("model", "effort", "becomes"),
    [
        ("gpt-oss:20b", "none", "low"),
        ("gpt-oss:20b", "max", "high"),
        ("hf.co/unsloth/gpt-oss-20b-GGUF", "xhigh", "high"),
        ("gpt-oss:20b", "medium", "medium"),
        ("qwen3:4b", "none", "none"),
        ("qwen3:4b", "max", "max"),
    ],
)
def test_gpt_oss_thinks_on_three_levels(model, effort, becomes):
    got = adapt(replace(REQUEST, reasoning=ReasoningSpec(effort=effort)), ModelFacts(model=model))
    assert got.request.reasoning.effort == becomes
    assert [change.action for change in got.transforms] == ([] if effort == becomes else ["mapped"])


def test_the_window_is_the_models_whatever_the_client_says():
    facts = ModelFacts(model="m", context_window=8192)
    assert amend({"model": "m"}, facts) == {"model": "m", "options": {"num_ctx": 8192}}
    assert amend({"options": {"num_ctx": 512, "seed": 1}}, facts) == {"options": {"num_ctx": 8192, "seed": 1}}


def test_an_unknown_window_is_left_to_the_server():
    body = {"model": "m"}
    assert with_window(body, ModelFacts(model="m")) is body
