from dataclasses import replace

import pytest

from translators.canonical import (
    Media,
    Message,
    ReasoningSpec,
    Request,
    Sampling,
    StateSpec,
    Text,
    Tool,
    ToolChoice,
    UpstreamError,
)
from translators.providers.openai import PROVIDER
from translators.providers.provider import ModelFacts

CHAT, RESPONSES = "openai_chat", "openai_responses"
PLAIN = Request(messages=(Message("user", (Text("hi"),)),))
TOOLS = replace(PLAIN, tools=(Tool(name="f"),))


def chosen(model: str, request: Request, client: str = CHAT, api: str = "auto") -> str:
    return PROVIDER.choose(PROVIDER.formats, client, request, ModelFacts(model=model, api=api)).name


def with_effort(effort: str | None, request: Request = TOOLS) -> Request:
    return replace(request, reasoning=ReasoningSpec(effort=effort))


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5.6-sol", "gpt-6.2-sol", "o3"])
@pytest.mark.parametrize("client", [CHAT, RESPONSES])
def test_a_question_goes_out_in_the_clients_own_dialect(model, client):
    assert chosen(model, PLAIN, client) == client


@pytest.mark.parametrize(
    ("model", "effort", "expected"),
    [
        ("gpt-4o", None, CHAT),
        ("gpt-4.1-mini", None, CHAT),
        ("gpt-5", "high", CHAT),
        ("gpt-5-mini-2025-08-07", None, CHAT),
        ("gpt-5.1", "high", CHAT),
        ("o3", "high", CHAT),
        ("gpt-5.2", None, CHAT),
        ("gpt-5.2", "none", CHAT),
        ("gpt-5.2", "low", RESPONSES),
        ("gpt-5.2-2025-12-11", "low", RESPONSES),
        ("gpt-5.4-mini", None, CHAT),
        ("gpt-5.4-mini", "high", RESPONSES),
        ("gpt-5.5", None, RESPONSES),
        ("gpt-5.5", "none", CHAT),
        ("gpt-5.6-sol", None, RESPONSES),
        ("gpt-5.6", "none", CHAT),
        ("gpt-6-luna", None, RESPONSES),
        ("gpt-6-luna", "none", CHAT),
        ("gpt-6-astra", None, RESPONSES),
        ("gpt-6-astra", "none", RESPONSES),
        ("gpt-6.1-sol", "none", RESPONSES),
        ("gpt-6.1-terra", "none", CHAT),
        ("gpt-6.2-sol", "none", RESPONSES),
        ("gpt-7", None, RESPONSES),
        ("ft:gpt-5.6-sol:acme::abc", None, RESPONSES),
        ("my-deployment", "high", CHAT),
    ],
)
def test_function_tools_go_where_the_model_takes_them(model, effort, expected):
    assert chosen(model, with_effort(effort)) == expected


def test_custom_tools_stay_on_chat():
    assert chosen("gpt-5.6-sol", replace(PLAIN, tools=(Tool(name="c", kind="custom"),))) == CHAT


def test_tools_that_may_not_be_called_are_tools_all_the_same():
    assert chosen("gpt-5.6-sol", replace(TOOLS, tool_choice=ToolChoice(mode="none"))) == RESPONSES


@pytest.mark.parametrize(
    "change",
    [
        {"sampling": Sampling(n=2)},
        {"sampling": Sampling(stop=("x",))},
        {"sampling": Sampling(logit_bias={"1": 5})},
        {"sampling": Sampling(presence_penalty=1)},
        {"sampling": Sampling(prediction={"type": "content"})},
        {"modalities": ("text", "audio")},
        {"messages": (Message("user", (Media(kind="audio", data="AA=="),)),)},
        {"extensions": {"new_parameter": 1}},
    ],
)
def test_what_only_chat_can_say_stays_on_chat(change):
    assert chosen("gpt-5.6-sol", replace(TOOLS, **change)) == CHAT


def test_the_highest_effort_of_the_newest_models_is_on_responses():
    assert chosen("gpt-6-sol", with_effort("max", PLAIN)) == RESPONSES
    assert chosen("gpt-6-sol", with_effort("high", PLAIN)) == CHAT


@pytest.mark.parametrize(
    "model", ["gpt-5.3-codex", "gpt-5.1-codex-max", "gpt-5.5-pro", "gpt-5-pro", "o3-pro", "o4-mini-deep-research"]
)
def test_models_that_chat_does_not_have_go_to_responses(model):
    assert chosen(model, PLAIN) == RESPONSES
    with pytest.raises(UpstreamError) as caught:
        chosen(model, replace(PLAIN, sampling=Sampling(n=2)))
    assert caught.value.body.param == "n"


@pytest.mark.parametrize("model", ["gpt-audio-1.5", "gpt-4o-audio-preview", "gpt-4o-search-preview"])
def test_models_that_responses_does_not_have_go_to_chat(model):
    assert chosen(model, PLAIN, RESPONSES) == CHAT
    with pytest.raises(UpstreamError):
        chosen(model, replace(PLAIN, state=StateSpec(previous_response_id="resp_1")), RESPONSES)


def test_the_records_word_is_the_last():
    assert chosen("gpt-5.6-sol", TOOLS, CHAT, "chat") == CHAT
    assert chosen("gpt-4o", PLAIN, CHAT, "responses") == RESPONSES
    assert chosen("gpt-4o", PLAIN, RESPONSES, "chat") == CHAT


def test_the_records_word_never_loses_anything():
    with pytest.raises(UpstreamError) as caught:
        chosen("gpt-4o", replace(PLAIN, sampling=Sampling(stop=("x",))), CHAT, "responses")
    assert caught.value.body.param == "stop"
    assert caught.value.falls_forward
