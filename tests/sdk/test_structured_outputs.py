"""What an app that asks for JSON, or for a JSON Schema, sees when the model does not keep to it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest

from proxy.conformance.simulators.anthropic import AnthropicMessages
from proxy.conformance.simulators.script import Answer, Say
from proxy.conformance.simulators.server import Loop, Simulator
from proxy.resources import Failover
from tests.support.answers import chat_events, chat_upstream
from tests.support.joch import RunningJoch, running_joch
from tests.support.scripted import RESET, Pause, ScriptedServer, stream
from tests.support.snapshots import KEY, model, route, snapshot

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "celsius": {"type": "number"}},
    "required": ["city", "celsius"],
    "additionalProperties": False,
}
GOOD, BAD = '{"city":"Oslo","celsius":-3}', '{"city":"Oslo","celsius":"PROMPT"}'
CHAT = {
    "model": "r",
    "messages": [{"role": "user", "content": "x"}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": SCHEMA}},
}
RESPONSES = {
    "model": "r",
    "input": "x",
    "text": {"format": {"type": "json_schema", "name": "weather", "strict": True, "schema": SCHEMA}},
}


@contextmanager
def serving(
    upstream: ScriptedServer, *texts: str, failover: Failover | None = None, **settings: Any
) -> Iterator[RunningJoch]:
    """Candidates that say `texts`, in that order, behind the route r."""
    records = []
    for name, text in zip("abc", texts, strict=False):
        upstream.script(name, chat_upstream(text))
        records.append(model("vllm", upstream.url(name), name))
    refs = [record.ref for record in records]
    with running_joch(snapshot(records, [route("r", *refs, failover=failover)], **settings)) as running:
        yield running


def client(joch: RunningJoch) -> openai.OpenAI:
    return openai.OpenAI(base_url=joch.base_url, api_key="sk-app", max_retries=0)


def ask(joch: RunningJoch, dialect: str) -> tuple[str, Any]:
    """What the app reads, and the headers."""
    with client(joch) as sdk:
        if dialect == "chat":
            raw = sdk.chat.completions.with_raw_response.create(**CHAT)
            return raw.parse().choices[0].message.content or "", raw.headers
        raw_response = sdk.responses.with_raw_response.create(**RESPONSES)
        return raw_response.parse().output_text, raw_response.headers


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_an_answer_that_breaks_the_schema_is_asked_of_the_next_candidate(
    upstream: ScriptedServer, dialect: str
) -> None:
    with serving(upstream, BAD, GOOD) as joch:
        text, headers = ask(joch, dialect)
        (switch,) = joch.events.payloads("ProviderSwitched")
    assert text == GOOD
    assert headers["x-joch-fallback-index"] == "1"
    assert switch["reason"] == "schema_invalid"


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_without_another_candidate_the_app_hears_where_the_answer_breaks_it(
    upstream: ScriptedServer, dialect: str
) -> None:
    with serving(upstream, BAD) as joch, pytest.raises(openai.APIStatusError) as caught:
        ask(joch, dialect)
    assert caught.value.status_code == 502
    assert caught.value.code == "SchemaValidationFailed"
    assert "$.celsius (type)" in caught.value.message
    assert "PROMPT" not in caught.value.message


def test_a_route_may_forbid_to_move_on(upstream: ScriptedServer) -> None:
    upstream.requests.clear()
    with (
        serving(upstream, BAD, GOOD, failover=Failover(on_schema_invalid=False)) as joch,
        pytest.raises(openai.APIStatusError),
    ):
        ask(joch, "chat")
    assert upstream.of("b") == []


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_stream_that_breaks_the_schema_ends_in_an_error_and_never_looks_finished(
    upstream: ScriptedServer, dialect: str
) -> None:
    seen: list[Any] = []
    first, *rest = chat_events(BAD[:20], BAD[20:])
    shown = [*stream(first, rest[0])[:-1], Pause(0.05), *stream(*rest[1:])[1:]]  # the end comes later than the content
    with serving(upstream, BAD, GOOD) as joch, client(joch) as sdk, pytest.raises(openai.APIError) as caught:  # noqa: PT012  # any step of it may be what raises
        upstream.script("a", shown)
        events = (
            sdk.chat.completions.create(**CHAT, stream=True)
            if dialect == "chat"
            else sdk.responses.create(**RESPONSES, stream=True)
        )
        for event in events:
            seen.append(event)  # noqa: PERF402  # what came before the error is what matters
    assert "$.celsius (type)" in str(caught.value)
    if dialect == "chat":
        assert [chunk.choices[0].finish_reason for chunk in seen if chunk.choices][-1] is None
    else:
        assert all(event.type != "response.completed" for event in seen)
    assert seen


@pytest.mark.parametrize("dialect", ["chat", "responses"])
def test_a_buffered_stream_moves_on_like_a_whole_answer(upstream: ScriptedServer, dialect: str) -> None:
    with serving(upstream, BAD, GOOD, output_buffered=True) as joch, client(joch) as sdk:
        if dialect == "chat":
            chunks = list(sdk.chat.completions.create(**CHAT, stream=True))
            text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        else:
            events = list(sdk.responses.create(**RESPONSES, stream=True))
            text = events[-1].response.output_text
    assert text == GOOD


def test_who_only_observes_gets_the_answer_and_the_event_says_so(upstream: ScriptedServer) -> None:
    with serving(upstream, BAD, GOOD, output_validation="observe") as joch:
        assert ask(joch, "chat")[0] == BAD
        assert joch.events.payloads("x.CallCompleted")[0]["notes"] == ["schema_invalid"]


def test_who_wants_no_check_gets_none(upstream: ScriptedServer) -> None:
    with serving(upstream, BAD, GOOD, output_validation="off") as joch:
        assert ask(joch, "responses")[0] == BAD
        assert joch.events.payloads("x.CallCompleted")[0]["notes"] == []


def test_a_connection_that_breaks_behind_a_bad_answer_does_not_hide_what_was_wrong_with_it(
    upstream: ScriptedServer,
) -> None:
    with serving(upstream, BAD) as joch:
        upstream.script("a", [*stream(*chat_events(BAD)[:-1], end=False), RESET])
        with client(joch) as sdk, pytest.raises(openai.APIError):
            for _ in sdk.chat.completions.create(**CHAT, stream=True):
                pass
        assert joch.events.payloads("ModelCallCompleted")[-1]["failure"] == "schema_invalid"


FENCED = ("``", "`json\n", '{"city":"Oslo",', '\n"celsius":-3}', "\n```")
ASKED_IN_WORDS = {
    "chat": {**CHAT, "response_format": {"type": "json_object"}},
    "responses": {**RESPONSES, "text": {"format": {"type": "json_object"}}},
}


@pytest.fixture(scope="module")
def claude() -> Iterator[Simulator]:
    loop, simulator = Loop(), Simulator(AnthropicMessages(), KEY)
    simulator.open(loop)
    yield simulator
    simulator.close()
    loop.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("dialect", ["chat", "responses"])
@pytest.mark.parametrize(
    ("pieces", "text", "notes"),
    [
        pytest.param(FENCED, '{"city":"Oslo",\n"celsius":-3}', ["unfenced"], id="fenced"),
        pytest.param((GOOD[:7], GOOD[7:]), GOOD, [], id="as asked"),
    ],
)
def test_json_that_was_asked_for_in_words_comes_without_a_fence(
    claude: Simulator, dialect: str, stream: bool, pieces: tuple[str, ...], text: str, notes: list[str]
) -> None:
    before = claude.say(Answer(blocks=(Say(pieces),)))
    record = model("anthropic", claude.root, "m", model="claude-opus-4-6")
    with running_joch(snapshot([record], [route("r", record.ref)])) as joch, client(joch) as sdk:
        endpoint: Any = sdk.chat.completions if dialect == "chat" else sdk.responses
        raw = endpoint.with_raw_response.create(**ASKED_IN_WORDS[dialect], stream=stream)
        assert texts(raw.parse(), stream=stream) == {text}
        events = joch.events.completed(raw.headers["x-request-id"])
    assert [each.refused for each in claude.heard[before:]] == [None]
    assert [event["payload"]["notes"] for event in events if event["type"] == "ModelCallCompleted"] == [notes]


def texts(answer: Any, *, stream: bool) -> set[str]:
    """What an app reads, in all the ways it may read it."""
    if not stream:
        return {answer.choices[0].message.content if hasattr(answer, "choices") else answer.output_text}
    events = list(answer)
    if hasattr(events[0], "choices"):
        return {"".join(choice.delta.content or "" for event in events for choice in event.choices)}
    deltas = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    return {deltas, events[-1].response.output_text}
