from dataclasses import replace

import pytest

from translators.canonical import REMOVED, Message, Patch, ReasoningSpec, Request, Sampling, Source, Text
from translators.providers.openai import PROVIDER
from translators.providers.provider import ModelFacts

PLAIN = Request(
    messages=(Message("user", (Text("hi"),)),), source=Source(format="openai_chat", body={"model": "m"}, raw=b"{}")
)


def adapted(model: str, **changes):
    return PROVIDER.adapt(replace(PLAIN, **changes), ModelFacts(model=model))


@pytest.mark.parametrize(
    ("model", "effort", "kept"),
    [
        ("gpt-4o", None, True),
        ("gpt-5", None, False),
        ("o3", None, False),
        ("gpt-5.2", None, True),
        ("gpt-5.2", "high", False),
        ("gpt-5.6-sol", None, False),
        ("gpt-5.6-sol", "none", True),
    ],
)
def test_temperature_goes_where_a_model_reasons(model, effort, kept):
    got = adapted(model, sampling=Sampling(temperature=0.2, top_p=0.9, seed=1), reasoning=ReasoningSpec(effort=effort))
    expected = Sampling(temperature=0.2, top_p=0.9, seed=1) if kept else Sampling(seed=1)
    assert got.request.sampling == expected
    assert got.request.source.patches == (() if kept else (Patch("/temperature", REMOVED), Patch("/top_p", REMOVED)))
    assert [change.field for change in got.transforms] == ([] if kept else ["sampling.temperature", "sampling.top_p"])


def test_the_only_temperature_it_takes_may_stay():
    got = adapted("gpt-5", sampling=Sampling(temperature=1, top_p=1.0))
    assert got.transforms == ()
    assert got.request.source.patches == ()


@pytest.mark.parametrize(
    ("model", "effort", "becomes"),
    [
        ("gpt-5", "none", "minimal"),
        ("gpt-5-mini", "minimal", "minimal"),
        ("o3", "none", "low"),
        ("o3", "minimal", "low"),
        ("gpt-5.2", "minimal", "low"),
        ("gpt-5.2", "none", "none"),
        ("gpt-6-astra", "none", "low"),
        ("gpt-6.2-sol", "none", "low"),
        ("gpt-6-sol", "none", "none"),
        ("gpt-4o", "none", "none"),
        ("gpt-6-sol", "xhigh", "xhigh"),
        ("gpt-6-sol", "max", "max"),
        ("gpt-5.4", "max", "xhigh"),
        ("o3", "xhigh", "high"),
    ],
)
def test_an_effort_the_model_does_not_know_becomes_the_nearest(model, effort, becomes):
    got = adapted(model, reasoning=ReasoningSpec(effort=effort))
    assert got.request.reasoning.effort == becomes
    assert [change.action for change in got.transforms] == ([] if effort == becomes else ["mapped"])
    assert got.request.source.patches == (() if effort == becomes else (Patch("/reasoning_effort", becomes),))


def test_the_effort_is_patched_where_a_responses_client_wrote_it():
    source = Source(format="openai_responses", body={}, raw=b"{}")
    got = adapted("o3", reasoning=ReasoningSpec(effort="none"), source=source)
    assert got.request.source.patches == (Patch("/reasoning/effort", "low"),)


def amended(model: str, **body):
    return PROVIDER.amend(body, ModelFacts(model=model))


def test_the_old_name_of_the_limit_is_renamed_for_reasoning_models():
    assert amended("gpt-5.6-sol", max_tokens=5, n=1) == {"n": 1, "max_completion_tokens": 5}
    assert amended("o3", max_tokens=5, max_completion_tokens=7) == {"max_completion_tokens": 7}
    assert amended("gpt-4o", max_tokens=5) == {"max_tokens": 5}


def test_nothing_to_amend_is_the_same_body():
    body = {"model": "gpt-5", "messages": []}
    assert PROVIDER.amend(body, ModelFacts(model="gpt-5")) is body


def test_models_are_listed_by_id():
    assert PROVIDER.discovery is not None
    found = PROVIDER.discovery.parse_list({"object": "list", "data": [{"id": "gpt-4o", "object": "model"}]})
    assert [model.model for model in found] == ["gpt-4o"]
