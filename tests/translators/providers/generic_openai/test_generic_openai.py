from dataclasses import replace

import pytest

from translators.canonical import Message, Request, Sampling, StateSpec, Text, Tool, UpstreamError
from translators.providers.generic_openai import PROVIDER
from translators.providers.provider import ModelFacts

CHAT, RESPONSES = "openai_chat", "openai_responses"
PLAIN = Request(messages=(Message("user", (Text("hi"),)),))


def chosen(request: Request, client: str, api: str = "auto") -> str:
    return PROVIDER.choose(PROVIDER.formats, client, request, ModelFacts(model="m", api=api)).name


def test_where_it_is_must_be_said():
    assert PROVIDER.base_url is None
    assert PROVIDER.key_env == ()


@pytest.mark.parametrize("client", [CHAT, RESPONSES, "joch_native"])
def test_chat_is_what_everyone_has(client):
    assert chosen(PLAIN, client) == CHAT
    assert chosen(PLAIN, client, "responses") == RESPONSES


@pytest.mark.parametrize(
    "change",
    [
        {"state": StateSpec(previous_response_id="resp_1")},
        {"tools": (Tool(name="web_search", kind="hosted", hosted={"type": "web_search"}),)},
        {"extensions": {"new_parameter": 1}},
    ],
)
def test_what_only_responses_can_say_goes_there(change):
    request = replace(PLAIN, **change)
    assert chosen(request, RESPONSES) == RESPONSES
    with pytest.raises(UpstreamError):
        chosen(request, RESPONSES, "chat")


def test_what_only_chat_can_say_is_not_lost_on_the_way_to_responses():
    with pytest.raises(UpstreamError) as caught:
        chosen(replace(PLAIN, sampling=Sampling(n=2)), CHAT, "responses")
    assert caught.value.body.param == "n"


@pytest.mark.parametrize(
    ("entry", "window"),
    [
        ({"id": "m", "context_length": 8192}, 8192),
        ({"id": "m", "max_model_len": 4096}, 4096),
        ({"id": "m", "context_window": "big"}, None),
        ({"id": "m"}, None),
    ],
)
def test_models_are_listed_with_the_window_they_tell(entry, window):
    assert PROVIDER.discovery is not None
    (found,) = PROVIDER.discovery.parse_list({"data": [entry]})
    assert (found.model, found.context_window) == ("m", window)
