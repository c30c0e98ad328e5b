"""Everything apps do, in both dialects, whole and streamed, by both clients, against five kinds of server.

Each cell asks for one thing, looks at what arrived and at what the SDK made of the answer. What a server cannot do must be
refused before anything is sent. The clients validate every object and event strictly.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
from openai import BadRequestError
from pydantic import BaseModel

from tests.support.joch import RunningJoch
from tests.support.scripted import ScriptedServer

from .clients import Sdk
from .features import ANSWER, FEATURES, PARALLEL_TOOLS, QUESTION, REASONING, REFUSAL, TEXT, Feature
from .seen import Seen, seen_chunks, seen_completion, seen_events, seen_response
from .upstreams import UPSTREAMS, Answer, Tokens, Upstream, heard

pytestmark = pytest.mark.sdk_core

CELLS = [
    pytest.param(dialect, feature, each, id=f"{dialect}-{feature.name}-{each.name}")
    for dialect, feature, each in itertools.product(("chat", "responses"), FEATURES, UPSTREAMS)
    if (feature.chat if dialect == "chat" else feature.responses) is not None and (each.refuses or not feature.refusing)
]
HELPER_CELLS = [
    pytest.param(dialect, feature, each, id=f"{dialect}-{feature.name}-{each.name}")
    for dialect, feature, each in itertools.product(
        ("chat", "responses"), (TEXT, PARALLEL_TOOLS, REFUSAL, REASONING), UPSTREAMS
    )
    if each.refuses or not feature.refusing
]
PLAIN_CELLS = [
    pytest.param(dialect, each, id=f"{dialect}-{each.name}")
    for dialect, each in itertools.product(("chat", "responses"), UPSTREAMS)
]


@pytest.fixture(params=["sync", "asynchronous"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    """Each test runs with both clients."""
    client: Sdk = request.getfixturevalue(request.param)
    return client


def expected(answer: Answer, each: Upstream, dialect: str, *, usage: bool) -> Seen:
    """What an app must see of `answer` when `each` gives it."""
    shown = each.shows_thoughts and (dialect == "responses" or each.api != "responses")  # chat cannot ask for a summary
    return Seen(
        texts=[answer.text, *("".join(pieces) for pieces in answer.more)],
        calls=list(answer.calls),
        refusal="".join(answer.refusal),
        thoughts="".join(answer.thoughts) if shown else "",
        finish="tool_calls" if answer.calls else answer.finish,
        tokens=each.told(answer.tokens) if usage else None,
    )


def ask(sdk: Sdk, dialect: str, model: str, asked: dict[str, Any], *, stream: bool) -> Seen:
    """One call, told as facts."""
    match dialect, stream:
        case "chat", False:
            return seen_completion(sdk.chat(model=model, **asked))
        case "chat", True:
            return seen_chunks(sdk.chat_chunks(model=model, **asked), usage="stream_options" in asked)
        case _, False:
            return seen_response(sdk.response(model=model, **asked))
        case _:
            return seen_events(sdk.response_events(model=model, **asked))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("dialect", "feature", "each"), CELLS)
def test_an_app_gets_what_it_asks_for(
    upstream: ScriptedServer, sdk: Sdk, dialect: str, feature: Feature, each: Upstream, stream: bool
) -> None:
    each.says(upstream, feature.answer)
    before = len(upstream.requests)
    asked = feature.chat if dialect == "chat" else feature.responses
    assert asked is not None
    if feature.needs in each.lacks:
        with pytest.raises(BadRequestError) as refused:
            ask(sdk, dialect, each.name, asked, stream=stream)
        assert refused.value.code == "CapabilityMismatch"
        assert feature.needs is not None
        assert feature.needs in str(refused.value)
        assert len(upstream.requests) == before, "nothing is sent to a server that cannot do it"
        return
    seen = ask(sdk, dialect, each.name, asked, stream=stream)
    wanted = expected(feature.answer, each, dialect, usage=dialect == "responses" or not stream)
    if feature.name == "logprobs":
        wanted = replace(wanted, logprobs=[(p, -0.25 * (i + 1)) for i, p in enumerate(feature.answer.pieces)])
    assert seen == wanted
    (request,) = upstream.requests[before:]
    assert heard(request.path, request.json).other_than({**feature.hears, **feature.hears_at.get(each.name, {})}) == {}


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_a_chat_stream_ends_with_usage_when_that_was_asked_for(
    upstream: ScriptedServer, sdk: Sdk, each: Upstream
) -> None:
    each.says(upstream, ANSWER)
    asked = {"messages": [{"role": "user", "content": QUESTION}], "stream_options": {"include_usage": True}}
    assert ask(sdk, "chat", each.name, asked, stream=True) == expected(ANSWER, each, "chat", usage=True)


class Forecast(BaseModel):
    """What the structured answers are."""

    reasoning: str
    degrees: int
    sky: list[str]


FORECAST = Forecast(reasoning="It is winter.", degrees=-4, sky=["snow", "clouds"])
STRUCTURED = Answer(pieces=('{"reasoning":"It is winter.",', '"degrees":-4,', '"sky":["snow","clouds"]}'))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("dialect", "each"), PLAIN_CELLS)
def test_a_schema_arrives_in_its_own_order_and_its_answer_is_parsed(
    upstream: ScriptedServer, sdk: Sdk, dialect: str, each: Upstream, stream: bool
) -> None:
    each.says(upstream, STRUCTURED)
    messages: list[Any] = [{"role": "user", "content": QUESTION}]
    if dialect == "chat":
        asked = {"model": each.name, "messages": messages, "response_format": Forecast}
        completion = sdk.chat_helper(**asked)[1] if stream else sdk.chat_parse(**asked)
        assert completion.choices[0].message.parsed == FORECAST
    else:
        asked = {"model": each.name, "input": messages, "text_format": Forecast}
        response = sdk.response_helper(**asked)[1] if stream else sdk.response_parse(**asked)
        assert response.output_parsed == FORECAST
    request = upstream.requests[-1]
    schema = heard(request.path, request.json).schema
    assert schema is not None
    assert list(schema["properties"]) == ["reasoning", "degrees", "sky"], "the answer follows the order of the schema"
    assert json.dumps(schema) == json.dumps(_strict_schema())


def _strict_schema() -> dict[str, Any]:
    """The schema as the SDK itself makes it of the class."""
    from openai.lib._pydantic import to_strict_json_schema

    return to_strict_json_schema(Forecast)


@pytest.mark.parametrize(("dialect", "feature", "each"), HELPER_CELLS)
def test_the_stream_helper_ends_with_the_whole_answer(
    upstream: ScriptedServer, sdk: Sdk, dialect: str, feature: Feature, each: Upstream
) -> None:
    each.says(upstream, feature.answer)
    if dialect == "chat":
        asked = {"model": each.name, **(feature.chat or {}), "stream_options": {"include_usage": True}}
        events, completion = sdk.chat_helper(**asked)
        assert seen_completion(completion) == expected(feature.answer, each, dialect, usage=True)
        kinds = {event.type for event in events}
        assert ("content.done" in kinds) == bool(feature.answer.pieces)
        assert ("refusal.done" in kinds) == bool(feature.answer.refusal)
        done = [event for event in events if event.type == "tool_calls.function.arguments.done"]
        assert [(event.name, event.arguments) for event in done] == [
            (call.name, call.arguments) for call in feature.answer.calls
        ]
    else:
        events, response = sdk.response_helper(model=each.name, **(feature.responses or {}))
        assert seen_response(response) == expected(feature.answer, each, dialect, usage=True)
        deltas = [event for event in events if event.type == "response.output_text.delta"]
        assert (deltas[-1].snapshot if deltas else "") == feature.answer.text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize(("dialect", "each"), PLAIN_CELLS)
def test_the_raw_response_tells_who_answered(
    upstream: ScriptedServer, joch: RunningJoch, sync: Any, dialect: str, each: Upstream, stream: bool
) -> None:
    each.says(upstream, ANSWER)
    endpoint = sync.client.chat.completions if dialect == "chat" else sync.client.responses
    asked = {"messages": [{"role": "user", "content": QUESTION}]} if dialect == "chat" else {"input": QUESTION}
    raw = endpoint.with_raw_response.create(model=each.name, stream=stream, **asked)
    answer = raw.parse()
    if stream:
        list(answer)
    assert raw.headers["x-joch-model"] == f"{each.provider}:{each.name}"
    assert raw.headers["x-joch-fallback-index"] == "0"
    assert raw.headers["content-type"].startswith("text/event-stream" if stream else "application/json")
    call_id = raw.headers["x-request-id"]
    assert raw.request_id == call_id
    assert joch.events.completed(call_id)[-1]["payload"]["servedBy"] == f"{each.provider}:{each.name}"
    if not stream:
        assert answer._request_id == call_id


def test_usage_of_a_cut_answer_is_told_as_well(upstream: ScriptedServer, sdk: Sdk) -> None:
    each = UPSTREAMS[0]
    answer = Answer(pieces=("It is",), finish="length", tokens=Tokens(input=9, output=16, cached=0, reasoning=12))
    each.says(upstream, answer)
    seen = ask(sdk, "responses", each.name, {"input": QUESTION, "max_output_tokens": 16}, stream=True)
    assert (seen.finish, seen.tokens) == ("length", answer.tokens)
