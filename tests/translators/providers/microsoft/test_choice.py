"""Which API of a deployment serves a request."""

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
    UpstreamError,
)
from translators.formats import openai_completions
from translators.providers.microsoft import PROVIDER
from translators.providers.provider import ModelFacts

CHAT, RESPONSES, COMPLETIONS = "openai_chat", "openai_responses", "openai_completions"
PLAIN = Request(messages=(Message("user", (Text("hi"),)),))
TOOLS = replace(PLAIN, tools=(Tool(name="f"),))
FOUNDRY = "https://r.services.ai.azure.com"


def facts(
    model: str = "prod", base_url: str = "https://r.openai.azure.com", api: str = "auto", **options: str
) -> ModelFacts:
    return ModelFacts(model=model, base_url=base_url, api=api, options=options)


def chosen(request: Request, client: str = CHAT, record: ModelFacts | None = None) -> str:
    return PROVIDER.choose(PROVIDER.formats, client, request, record or facts()).name


@pytest.mark.parametrize("client", [CHAT, RESPONSES])
@pytest.mark.parametrize("options", [{}, {"baseModel": "gpt-5.6-sol"}, {"surface": "classic"}])
def test_a_question_goes_out_in_the_clients_own_dialect(client, options):
    assert chosen(PLAIN, client, facts(**options)) == client


@pytest.mark.parametrize(
    ("base", "effort", "expected"),
    [
        ("gpt-5-mini", "high", CHAT),
        ("gpt-5.4", None, CHAT),
        ("gpt-5.4", "low", RESPONSES),
        ("gpt-5.6-sol", None, RESPONSES),
        ("gpt-5.6-sol", "none", CHAT),
        ("gpt-6.2-sol", None, RESPONSES),
        ("gpt-4.1", None, CHAT),
        ("DeepSeek-V4-Pro", "high", CHAT),
    ],
)
def test_function_tools_go_where_the_model_behind_the_deployment_takes_them(base, effort, expected):
    request = replace(TOOLS, reasoning=ReasoningSpec(effort=effort))
    for base_url in ("https://r.openai.azure.com", FOUNDRY):
        assert chosen(request, CHAT, facts(base_url=base_url, baseModel=base)) == expected
    assert chosen(request, CHAT, facts(model=base)) == expected


def test_a_deployment_whose_name_says_nothing_keeps_the_dialect():
    assert chosen(replace(TOOLS, reasoning=ReasoningSpec(effort="high")), CHAT, facts()) == CHAT


def test_models_that_only_responses_has():
    assert chosen(PLAIN, CHAT, facts(model="gpt-5.3-codex")) == RESPONSES
    with pytest.raises(UpstreamError) as caught:
        chosen(replace(PLAIN, sampling=Sampling(n=2)), CHAT, facts(model="gpt-5.3-codex"))
    assert caught.value.body.param == "n"


@pytest.mark.parametrize(
    "record",
    [
        facts(base_url=f"{FOUNDRY}/models"),
        facts(model="deepseek-v4-pro"),
        facts(api="chat"),
    ],
)
def test_where_there_is_only_chat_a_responses_client_is_translated_or_told(record):
    assert chosen(PLAIN, RESPONSES, record) == CHAT
    with pytest.raises(UpstreamError) as caught:
        chosen(replace(PLAIN, state=StateSpec(previous_response_id="resp_1")), RESPONSES, record)
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, "previous_response_id")


def test_grok_is_on_both():
    assert chosen(PLAIN, RESPONSES, facts(model="grok-4.7", base_url=FOUNDRY)) == RESPONSES


def test_the_records_word_is_the_last():
    assert chosen(PLAIN, CHAT, facts(api="responses")) == RESPONSES
    assert chosen(PLAIN, RESPONSES, facts(model="deepseek-v4-pro", api="responses")) == RESPONSES


def test_context_management_is_refused_before_azure_does_it():
    request = replace(PLAIN, state=StateSpec(context_management=[{"type": "compaction"}]))
    with pytest.raises(UpstreamError) as caught:
        chosen(request, RESPONSES)
    assert (caught.value.reason, caught.value.body.param) == (Reason.UNSUPPORTED, "context_management")


def legacy(**members) -> Request:
    return openai_completions.CLIENT.parse_request({"model": "m", "prompt": "x", **members}, b"{}")


def test_legacy_clients_keep_their_api_where_it_is_needed():
    assert chosen(legacy(), COMPLETIONS, facts(model="gpt-35-turbo-instruct")) == COMPLETIONS
    assert chosen(legacy(), COMPLETIONS, facts(model="gpt-4.1")) == CHAT
    assert chosen(legacy(echo=True), COMPLETIONS, facts(model="gpt-4.1")) == COMPLETIONS
    with pytest.raises(UpstreamError):
        chosen(legacy(echo=True), COMPLETIONS, facts(base_url=f"{FOUNDRY}/models"))
