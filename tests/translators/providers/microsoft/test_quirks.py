"""What a deployment refuses, by the model behind it and the surface before it."""

from dataclasses import replace

import pytest

from translators.canonical import REMOVED, Message, Patch, ReasoningSpec, Request, Sampling, Source, Text
from translators.providers.microsoft import PROVIDER
from translators.providers.provider import ModelFacts

OPENAI = "https://r.openai.azure.com"
FOUNDRY = "https://r.services.ai.azure.com"
SERVERLESS = "https://x.eastus2.models.ai.azure.com"
PLAIN = Request(
    messages=(Message("user", (Text("hi"),)),), source=Source(format="openai_chat", body={"model": "m"}, raw=b"{}")
)


def facts(base: str = "gpt-4.1", base_url: str = OPENAI, version: str | None = None, **fields) -> ModelFacts:
    place = {} if version is None else {"apiVersion": version}
    return ModelFacts(model="prod", base_url=base_url, place=place, options={"baseModel": base}, **fields)


@pytest.mark.parametrize(("base", "kept"), [("gpt-4.1", True), ("gpt-5.6-sol", False), ("deepseek-v4-pro", True)])
def test_temperature_goes_where_the_model_behind_the_deployment_reasons(base, kept):
    got = PROVIDER.adapt(replace(PLAIN, sampling=Sampling(temperature=0.2)), facts(base))
    assert got.request.sampling.temperature == (0.2 if kept else None)
    assert got.request.source.patches == (() if kept else (Patch("/temperature", REMOVED),))
    assert [change.field for change in got.transforms] == ([] if kept else ["sampling.temperature"])


@pytest.mark.parametrize(
    ("record", "effort", "becomes"),
    [
        (facts("gpt-6-sol"), "max", "max"),
        (facts("gpt-6-sol", api="chat"), "max", "xhigh"),
        (facts("gpt-6-sol", f"{FOUNDRY}/models"), "max", "xhigh"),
        (facts("gpt-5.1"), "xhigh", "high"),
        (facts("gpt-6.2-astra"), "none", "low"),
        (facts("gpt-5-mini"), "minimal", "minimal"),
        (facts("grok-4.7"), "minimal", "minimal"),
        (facts("prod"), "max", "max"),
    ],
)
def test_an_effort_the_deployment_does_not_know_becomes_the_nearest(record, effort, becomes):
    got = PROVIDER.adapt(replace(PLAIN, reasoning=ReasoningSpec(effort=effort)), record)
    assert got.request.reasoning.effort == becomes
    assert [change.field for change in got.transforms] == ([] if effort == becomes else ["reasoning.effort"])


def test_nothing_to_adapt_is_the_same_request():
    assert PROVIDER.adapt(PLAIN, facts("gpt-5.6-sol")).request is PLAIN


def amended(record: ModelFacts, **body):
    return PROVIDER.amend({"messages": [], **body}, record)


@pytest.mark.parametrize(
    ("record", "name"),
    [
        (facts("gpt-5.6-sol"), "max_completion_tokens"),
        (facts("gpt-5-chat"), "max_completion_tokens"),
        (facts("gpt-chat-latest"), "max_completion_tokens"),
        (facts("gpt-5-nano", version="2024-02-01"), "max_completion_tokens"),
        (facts("gpt-4.1"), None),
        (facts("prod"), None),
        (facts("gpt-35-turbo", version="2023-07-01-preview"), "max_tokens"),
        (facts("deepseek-v4-pro"), "max_tokens"),
        (facts("grok-4.3", f"{FOUNDRY}/models"), "max_tokens"),
    ],
)
def test_the_limit_has_the_name_that_the_deployment_knows(record, name):
    for given in ("max_tokens", "max_completion_tokens"):
        assert amended(record, **{given: 5}) == {"messages": [], name or given: 5}


def test_a_limit_said_twice_is_said_once():
    assert amended(facts("gpt-5.6-sol"), max_tokens=5, max_completion_tokens=7) == {
        "messages": [],
        "max_completion_tokens": 7,
    }
    assert amended(facts("grok-4.3"), max_tokens=5, max_completion_tokens=7) == {"messages": [], "max_tokens": 5}
    assert amended(facts("grok-4.3"), max_completion_tokens=None) == {"messages": []}


@pytest.mark.parametrize(
    ("record", "kept"),
    [
        (facts(), True),
        (facts(version="2024-02-01"), False),
        (facts(version="2024-10-21"), True),
        (facts("grok-4.3", f"{FOUNDRY}/models"), True),
        (facts("grok-4.3", SERVERLESS), False),
    ],
)
def test_usage_is_asked_for_where_that_is_understood(record, kept):
    body = amended(record, stream=True, stream_options={"include_usage": True})
    assert ("stream_options" in body) is kept


SAID = [{"role": "developer", "content": "be kind"}, {"role": "user", "content": "hi"}]


@pytest.mark.parametrize(
    ("record", "role"),
    [
        (facts("gpt-5.6-sol"), "developer"),
        (facts("deepseek-v4-pro"), "system"),
        (facts("gpt-4.1", version="2024-10-21"), "system"),
        (facts("gpt-4.1", version="2024-12-01-preview"), "developer"),
    ],
)
def test_developer_is_a_role_where_it_is_known(record, role):
    assert [message["role"] for message in amended(record, messages=SAID)["messages"]] == [role, "user"]


def test_system_and_developer_are_not_mixed():
    mixed = [{"role": "system", "content": "one"}, *SAID]
    body = amended(facts("gpt-5.6-sol"), messages=mixed)
    assert [message["role"] for message in body["messages"]] == ["system", "system", "user"]


@pytest.mark.parametrize(
    "record", [facts("gpt-5.6-sol"), facts("grok-4.3", f"{FOUNDRY}/models"), facts(version="2024-02-01")]
)
@pytest.mark.parametrize(
    "body",
    [
        {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        {"model": "m", "messages": "nonsense"},
        {"model": "m", "input": "hi"},
        {"model": "m", "input": [{"role": "user", "content": "hi"}], "tools": [{"type": "web_search"}]},
    ],
)
def test_nothing_to_amend_is_the_same_body(record, body):
    assert PROVIDER.amend(body, record) is body
