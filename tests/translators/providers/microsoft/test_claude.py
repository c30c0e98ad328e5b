"""Claude in Foundry: its format, its headers, and what it cannot be asked for."""

from dataclasses import replace

import pytest

from translators.canonical import (
    Message,
    Reason,
    ReasoningSpec,
    Request,
    Sampling,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
    UpstreamError,
)
from translators.providers.microsoft import PROVIDER
from translators.providers.provider import ModelFacts

PLAIN = Request(messages=(Message("user", (Text("hi"),)),))
CLAUDE = ModelFacts(
    model="smart", base_url="https://r.services.ai.azure.com/anthropic", options={"baseModel": "claude-opus-5"}
)
GPT = ModelFacts(model="gpt-5.4", base_url="https://r.services.ai.azure.com")


def chosen(request: Request, facts: ModelFacts = CLAUDE, client: str = "openai_chat") -> str:
    return PROVIDER.choose(PROVIDER.formats, client, request, facts).name


@pytest.mark.parametrize("client", ["openai_chat", "openai_responses", "openai_completions"])
def test_every_dialect_is_translated_to_its_one_format(client: str) -> None:
    assert chosen(replace(PLAIN, tools=(Tool(name="f"),)), client=client) == "anthropic_messages"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"sampling": Sampling(n=2)}, "n"),
        ({"sampling": Sampling(logprobs=True)}, "logprobs"),
        ({"state": StateSpec(previous_response_id="r")}, "previous_response_id"),
        ({"tools": (Tool(name="web_search", kind="hosted", hosted={"type": "web_search"}),)}, "tools[0]"),
        ({"extensions": {"speed": "fast"}}, "speed"),
        ({"modalities": ("text", "audio")}, "modalities"),
    ],
)
def test_what_it_cannot_be_asked_for_is_refused_by_name(change, param: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        chosen(replace(PLAIN, **change))
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, param)
    assert caught.value.falls_forward


def test_a_hosted_tool_that_the_record_declares_is_its_operators_word() -> None:
    request = replace(PLAIN, tools=(Tool(name="web_search", kind="hosted", hosted={"type": "web_search"}),))
    declared = replace(CLAUDE, options={**CLAUDE.options, "hostedTools": ["web_search"]})
    assert chosen(request, declared) == "anthropic_messages"


def test_the_rules_are_those_of_the_model_behind_the_deployment() -> None:
    asked = replace(
        PLAIN,
        sampling=Sampling(temperature=0.2),
        reasoning=ReasoningSpec(effort="minimal"),
        service_tier="priority",
        tools=(Tool(name="f"),),
        tool_choice=ToolChoice(mode="required"),
    )
    adapted = PROVIDER.adapt(asked, CLAUDE)
    fields = {change.field for change in adapted.transforms}
    assert {"sampling.temperature", "service_tier"} <= fields
    assert (adapted.request.sampling.temperature, adapted.request.service_tier) == (None, None)
    assert PROVIDER.adapt(adapted.request, CLAUDE).transforms == ()
    assert PROVIDER.adapt(PLAIN, CLAUDE).request == PLAIN


def test_the_body_is_spelled_by_anthropics_rules_and_not_by_chats() -> None:
    body = {"model": "smart", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 999_999}
    assert PROVIDER.amend(body, CLAUDE)["max_tokens"] == 128_000
    small = {**body, "max_tokens": 10}
    assert PROVIDER.amend(small, CLAUDE) is small


def test_its_version_header_is_sent_to_it_alone() -> None:
    assert PROVIDER.headers_of is not None
    assert PROVIDER.headers_of({}, CLAUDE) == {"anthropic-version": "2023-06-01"}
    assert PROVIDER.headers_of({}, GPT) == {}


def test_its_signatures_hold_for_the_model_and_some_for_one_conversation() -> None:
    assert PROVIDER.seal("microsoft", CLAUDE) == "anthropic:claude-opus-5"
    assert PROVIDER.prefix_bound(CLAUDE)
    assert not PROVIDER.prefix_bound(replace(CLAUDE, options={"baseModel": "claude-opus-4-8"}))
    assert not PROVIDER.prefix_bound(GPT)


@pytest.mark.parametrize(
    ("model", "effort"),
    [("claude-fable-5", "xhigh"), ("claude-mythos-5-20260601", "xhigh"), ("claude-fable-5-1", "max")],
)
def test_the_highest_effort_that_foundry_has_of_a_model(model: str, effort: str) -> None:
    facts = replace(CLAUDE, options={"baseModel": model})
    adapted = PROVIDER.adapt(replace(PLAIN, reasoning=ReasoningSpec(effort="max")), facts)
    assert adapted.request.reasoning == ReasoningSpec(effort=effort)
    assert [each.field for each in adapted.transforms] == ["reasoning.effort"] * (effort != "max")
