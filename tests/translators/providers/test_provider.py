from dataclasses import replace

import pytest

from translators.canonical import (
    Media,
    Message,
    Native,
    Reason,
    Request,
    Sampling,
    Source,
    StateSpec,
    Text,
    Tool,
    UpstreamError,
)
from translators.formats import ollama_chat, openai_chat, openai_completions, openai_responses
from translators.providers.provider import (
    ModelFacts,
    as_it_is,
    chat_unless_told,
    first_format,
    insisting,
    lost_between,
    system_for_developer,
    tools_for_functions,
    unamended,
    unclassified,
)

CHAT, RESPONSES, OLLAMA = openai_chat.PROVIDER, openai_responses.PROVIDER, ollama_chat.PROVIDER
FACTS = ModelFacts(model="m")
PLAIN = Request(messages=(Message("user", (Text("hi"),)),))


def with_block(block) -> Request:
    return replace(PLAIN, messages=(Message("user", (block,)),))


@pytest.mark.parametrize(
    ("request_", "lost_on_chat", "lost_on_responses"),
    [
        (PLAIN, None, None),
        (replace(PLAIN, tools=(Tool(name="f"),)), None, None),
        (replace(PLAIN, sampling=Sampling(n=2)), None, "n"),
        (replace(PLAIN, sampling=Sampling(stop=("x",))), None, "stop"),
        (replace(PLAIN, state=StateSpec(background=True)), "background", None),
        (with_block(Media(kind="file", url="https://example.com/a.pdf")), "messages[0].content[0]", None),
        (with_block(Media(kind="audio", data="AA==")), None, "messages[0].content[0]"),
        (with_block(Native("openai_responses", {})), "messages[0].content[0]", None),
        (with_block(Native("openai_chat", {})), None, "messages[0].content[0]"),
        (replace(PLAIN, extensions={"x": 1}), "x", "x"),
    ],
)
def test_what_gets_lost_between_the_two_dialects(request_, lost_on_chat, lost_on_responses):
    on_chat = lost_between("openai_responses", CHAT, request_)
    on_responses = lost_between("openai_chat", RESPONSES, request_)
    assert (on_chat and on_chat.because) == lost_on_chat
    assert (on_responses and on_responses.because) == lost_on_responses


def test_nothing_gets_lost_in_ones_own_dialect():
    request = replace(PLAIN, sampling=Sampling(n=2), extensions={"x": 1})
    assert lost_between("openai_chat", CHAT, request) is None
    assert insisting("openai_chat", CHAT, request) is CHAT


def test_insisting_on_a_dialect_that_lacks_the_words_raises():
    with pytest.raises(UpstreamError) as caught:
        insisting("openai_chat", RESPONSES, replace(PLAIN, sampling=Sampling(n=2)))
    assert caught.value.body.param == "n"
    assert caught.value.status == 400
    assert caught.value.falls_forward


@pytest.mark.parametrize(
    ("api", "client", "change", "expected"),
    [
        ("auto", "openai_chat", {}, CHAT),
        ("auto", "openai_responses", {}, CHAT),
        ("auto", "openai_responses", {"state": StateSpec(background=True)}, RESPONSES),
        ("auto", "openai_chat", {"sampling": Sampling(n=2)}, CHAT),
        ("responses", "openai_chat", {}, RESPONSES),
        ("chat", "openai_responses", {}, CHAT),
    ],
)
def test_chat_unless_told_otherwise(api, client, change, expected):
    facts = ModelFacts(model="m", api=api)
    assert (
        chat_unless_told((CHAT, RESPONSES, openai_completions.PROVIDER), client, replace(PLAIN, **change), facts)
        is expected
    )


def test_the_clients_own_format_is_first_choice():
    assert first_format((CHAT, RESPONSES), "openai_responses", PLAIN, FACTS) is RESPONSES
    assert first_format((OLLAMA,), "openai_chat", PLAIN, FACTS) is OLLAMA


def test_functions_become_tools_by_rendering_anew():
    source = Source(format="openai_chat", body={"functions": []}, raw=b"{}")
    legacy = replace(PLAIN, tools=(Tool(name="f"),), legacy_functions=True, source=source)
    adapted = tools_for_functions(legacy)
    assert "tools" in CHAT.render_request(adapted.request, "m").body
    assert "functions" not in CHAT.render_request(adapted.request, "m").body
    assert len(adapted.transforms) == 1
    assert tools_for_functions(adapted.request).transforms == ()
    assert tools_for_functions(replace(PLAIN, source=source)).request.source is source


def test_developer_becomes_system_and_nothing_else_changes():
    body = {"n": 1, "messages": [{"role": "developer", "content": "a", "x": 1}, {"role": "user", "content": "b"}]}
    assert system_for_developer(body) == {
        "n": 1,
        "messages": [{"role": "system", "content": "a", "x": 1}, {"role": "user", "content": "b"}],
    }
    for untouched in ({}, {"input": "x"}, {"messages": [{"role": "user", "content": "b"}]}):
        assert system_for_developer(untouched) is untouched


def test_a_provider_without_quirks_changes_nothing():
    error = UpstreamError(Reason.ERROR_5XX, "it broke")
    body = {"a": 1}
    assert as_it_is(PLAIN, FACTS).request is PLAIN
    assert unamended(body, FACTS) is body
    assert unclassified(error, 500, {}, b"") is error
