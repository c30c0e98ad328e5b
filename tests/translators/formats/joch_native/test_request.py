"""A request body as a whole: each member to its canonical place, and a name that nobody knows to the one that was meant."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators import exchange
from translators.canonical import OutputSpec, ReasoningSpec, Request, RequestError, Sampling
from translators.canonical.needs import needs
from translators.formats import anthropic_messages, google_generate, ollama_chat, openai_chat, openai_responses
from translators.formats.joch_native import CLIENT
from translators.formats.joch_native.names import FORMAT, REQUEST, SAMPLING
from translators.formats.joch_native.request import POINTERS

from . import markers
from .documents import ASKING

HELLO = [{"role": "user", "content": "hi"}]
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}

FULL: dict[str, Any] = {
    "route": "research-default",
    "model": "gpt-4o",
    "instructions": "be brief",
    "messages": HELLO,
    "tools": [{"name": "f", "parameters": SCHEMA}],
    "toolChoice": "auto",
    "parallelToolCalls": False,
    "output": {"kind": "json_schema", "name": "n", "schema": SCHEMA, "strict": True},
    "sampling": {
        "temperature": 0.5,
        "topP": 0.5,
        "topK": 3,
        "frequencyPenalty": 1,
        "presencePenalty": -1,
        "maxOutputTokens": 99,
        "stop": ["a", "b"],
        "seed": 7,
        "n": 2,
        "logprobs": True,
        "topLogprobs": 3,
        "logitBias": {"1": -2.5},
        "prediction": {"type": "content", "content": "x"},
    },
    "reasoning": {"effort": "low", "summary": "concise", "budgetTokens": 1024},
    "modalities": ["text", "image"],
    "cache": {"key": "k", "retention": "24h", "options": {"mode": "explicit"}},
    "metadata": {"team": "blue"},
    "context": {
        "executionId": "exec-1",
        "sessionId": "s",
        "turnId": "t",
        "agent": "researcher",
        "user": "ada",
        "residency": "eu",
    },
    "extensions": {"thinking": {"type": "enabled"}},
    "explain": True,
}
"""A request with every member there is."""


def parsed(**members: Any) -> Request:
    body = {"model": "m", "messages": HELLO, **members}
    return CLIENT.parse_request(body, json.dumps(body).encode())


def refused(body: Any) -> RequestError:
    with pytest.raises(RequestError) as caught:
        CLIENT.parse_request(body, b"")
    assert caught.value.status == 400
    return caught.value


def test_the_full_request_has_every_member_and_keeps_to_the_schema() -> None:
    ASKING.validate(FULL)
    assert FULL.keys() == REQUEST
    assert FULL["sampling"].keys() == SAMPLING.keys()


def test_each_member_has_its_place() -> None:
    request = parsed(**FULL)
    assert request.model == "research-default"
    assert [block.text for block in request.instructions if hasattr(block, "text")] == ["be brief"]
    assert (request.tools[0].name, request.tool_choice and request.tool_choice.mode) == ("f", "auto")
    assert request.parallel_tool_calls is False
    assert request.output == OutputSpec(kind="json_schema", name="n", schema=SCHEMA, strict=True)
    assert request.sampling == Sampling(
        temperature=0.5,
        top_p=0.5,
        top_k=3,
        frequency_penalty=1,
        presence_penalty=-1,
        max_output_tokens=99,
        stop=("a", "b"),
        seed=7,
        n=2,
        logprobs=True,
        top_logprobs=3,
        logit_bias={"1": -2.5},
        prediction={"type": "content", "content": "x"},
    )
    assert request.reasoning == ReasoningSpec(effort="low", summary="concise", budget_tokens=1024)
    assert request.modalities == ("text", "image")
    assert request.cache == {
        "prompt_cache_key": "k",
        "prompt_cache_retention": "24h",
        "prompt_cache_options": {"mode": "explicit"},
    }
    assert request.extensions == {"thinking": {"type": "enabled"}}
    assert not request.stream, "the path says whether an answer is streamed"


def test_what_context_says_is_found_where_the_other_surfaces_have_it() -> None:
    request = parsed(**FULL)
    assert request.user == "ada"
    assert request.metadata == {
        "team": "blue",
        "joch.execution": "exec-1",
        "joch.session": "s",
        "joch.turn": "t",
        "joch.agent": "researcher",
        "joch.residency": "eu",
    }
    assert FULL["metadata"] == {"team": "blue"}, "the client's own body is never changed"


def test_context_and_metadata_may_say_the_same_but_nothing_else() -> None:
    same = parsed(metadata={"joch.agent": "a"}, context={"agent": "a"})
    assert same.metadata == {"joch.agent": "a"}
    error = refused({"model": "m", "messages": HELLO, "metadata": {"joch.agent": "b"}, "context": {"agent": "a"}})
    assert error.body.param == "context.agent"


def test_nothing_is_defaulted() -> None:
    request = replace(parsed(), source=None, messages=())
    assert request == Request(messages=(), model="m")


def test_a_summary_of_none_asks_for_nothing() -> None:
    assert parsed(reasoning={"summary": "none"}).reasoning == ReasoningSpec()


def test_one_stop_may_come_bare() -> None:
    assert parsed(sampling={"stop": "x"}).sampling.stop == ("x",)


@given(st.sampled_from(sorted(REQUEST - {"route", "model", "messages"})))
@settings(max_examples=40, deadline=None)
def test_snake_case_is_taken_for_every_member(name: str) -> None:
    snake = "".join(f"_{char.lower()}" if char.isupper() else char for char in name)
    tools = {"tools": FULL["tools"]}
    camel, said = parsed(**{**tools, name: FULL[name]}), parsed(**{**tools, snake: FULL[name]})
    assert replace(camel, source=None) == replace(said, source=None)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mesages", "Did you mean 'messages'?"),
        ("tool_choices", "Did you mean 'toolChoice'?"),
        ("temperature", "Use 'sampling.temperature'."),
        ("top_p", "Use 'sampling.topP'."),
        ("max_tokens", "Use 'sampling.maxOutputTokens'."),
        ("response_format", "Use 'output'."),
        ("reasoning_effort", "Use 'reasoning.effort'."),
        ("input", "Use 'messages'."),
        ("user", "Use 'context.user'."),
        ("execution_id", "Use 'context.executionId'."),
        ("stream", "Use POST /v1/model/stream."),
    ],
)
def test_an_unknown_member_is_refused_with_the_one_that_was_meant(name: str, hint: str) -> None:
    error = refused({"model": "m", "messages": HELLO, name: 1})
    assert (error.body.param, error.body.code) == (name, "unknown_parameter")
    assert hint in error.body.message


@pytest.mark.parametrize(
    ("members", "param"),
    [
        ({"model": 1}, "model"),
        ({"model": ""}, "model"),
        ({"route": []}, "route"),
        ({"messages": "hi"}, "messages"),
        ({"instructions": 1}, "instructions"),
        ({"tools": {}}, "tools"),
        ({"toolChoice": None}, "toolChoice"),
        ({"parallelToolCalls": "no"}, "parallelToolCalls"),
        ({"output": "json"}, "output"),
        ({"output": {}}, "output.kind"),
        ({"output": {"type": "text"}}, "output.type"),
        ({"output": {"kind": "xml"}}, "output.kind"),
        ({"output": {"kind": "json_schema"}}, "output.schema"),
        ({"output": {"kind": "json_object", "schema": {}}}, "output.schema"),
        ({"output": {"kind": "json_schema", "schema": {}, "strict": 1}}, "output.strict"),
        ({"sampling": []}, "sampling"),
        ({"sampling": {"temprature": 1}}, "sampling.temprature"),
        ({"sampling": {"temperature": "1"}}, "sampling.temperature"),
        ({"sampling": {"temperature": 2.5}}, "sampling.temperature"),
        ({"sampling": {"topP": -0.1}}, "sampling.topP"),
        ({"sampling": {"topK": 1.0}}, "sampling.topK"),
        ({"sampling": {"maxOutputTokens": 0}}, "sampling.maxOutputTokens"),
        ({"sampling": {"stop": 1}}, "sampling.stop"),
        ({"sampling": {"stop": ["a", 1]}}, "sampling.stop[1]"),
        ({"sampling": {"n": 129}}, "sampling.n"),
        ({"sampling": {"topLogprobs": 2}}, "sampling.topLogprobs"),
        ({"sampling": {"logprobs": True, "topLogprobs": 21}}, "sampling.topLogprobs"),
        ({"sampling": {"logitBias": {"1": 101}}}, "sampling.logitBias.1"),
        ({"sampling": {"prediction": "x"}}, "sampling.prediction"),
        ({"reasoning": {"effort": 1}}, "reasoning.effort"),
        ({"reasoning": {"summary": "long"}}, "reasoning.summary"),
        ({"reasoning": {"budgetTokens": -1}}, "reasoning.budgetTokens"),
        ({"modalities": ["text", "smell"]}, "modalities[1]"),
        ({"cache": {"ttl": "5m"}}, "cache.ttl"),
        ({"cache": {"key": 1}}, "cache.key"),
        ({"cache": {"options": 1}}, "cache.options"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "x" * 513}}, "metadata.a"),
        ({"metadata": {str(number): "" for number in range(17)}}, "metadata"),
        ({"context": {"agent": 1}}, "context.agent"),
        ({"context": {"user": 1}}, "context.user"),
        ({"context": {"execution": "x"}}, "context.execution"),
        ({"extensions": {"thinking": True}}, "extensions.thinking"),
        ({"explain": "yes"}, "explain"),
    ],
)
def test_a_mistake_names_its_member(members: dict[str, Any], param: str) -> None:
    assert refused({"model": "m", "messages": HELLO, **members}).body.param == param


def test_whom_to_ask_must_be_said() -> None:
    error = refused({"messages": HELLO})
    assert (error.body.param, error.body.code) == ("route", "missing_required_parameter")
    assert parsed(route="r").model == "r"


ATOMS = st.one_of(st.none(), st.booleans(), st.integers(-3, 300), st.text(max_size=5), st.just([]), st.just({}))


@given(st.sampled_from(sorted(REQUEST)), ATOMS)
@settings(max_examples=150, deadline=None)
def test_what_the_schema_refuses_is_refused_here_too(name: str, value: Any) -> None:
    body = {"model": "m", "messages": HELLO, name: value}
    if not ASKING.is_valid(body):
        refused(body)


@pytest.mark.parametrize(
    "provider",
    [
        openai_chat.PROVIDER,
        openai_responses.PROVIDER,
        anthropic_messages.PROVIDER,
        google_generate.PROVIDER,
        ollama_chat.PROVIDER,
    ],
    ids=lambda provider: provider.name,
)
def test_every_provider_can_be_asked_and_hears_the_words(provider: Any) -> None:
    request = parsed(instructions="be brief", sampling={"maxOutputTokens": 99})
    chosen = exchange.choose(CLIENT, provider, request, "issuer")
    assert chosen.lane == "translated"
    sent = chosen.render_request(request, "upstream-model", lambda wire: wire, ask_usage=True).data
    assert b"be brief" in sent
    assert b'"hi"' in sent
    assert b"99" in sent


def test_a_need_names_the_place_in_the_clients_own_words() -> None:
    picture = {"type": "image", "uri": "https://example.com/a.png"}
    request = parsed(messages=[{"role": "user", "content": ["x", picture][1:]}], tools=[{"name": "f"}])
    places = {need.name: need.because for need in needs(request)}
    assert places["vision"] == "messages[0].content[0]"
    assert places["toolCalling"] == "tools[0]"


def test_the_source_is_the_clients_own_body() -> None:
    source = parsed(explain=True).source
    assert source is not None
    assert (source.format, source.body["explain"], json.loads(source.raw)) == (FORMAT, True, source.body)


@pytest.mark.parametrize("pointer", POINTERS.values())
def test_pointers_lead_to_members_that_are_read(pointer: str) -> None:
    node: Any = FULL
    for part in pointer.split("/")[1:]:
        node = node[part]
    assert node is not None


def test_every_member_has_a_marker_to_be_looked_for_behind_every_provider() -> None:
    ours = {"model", "route", "explain"}
    assert markers.MEMBERS.keys() == REQUEST - ours
    assert {name for variant in markers.MEMBERS["sampling"] for name in variant["sampling"]} == SAMPLING.keys()
