"""Nothing that a provider or a client sends makes the format stumble: it is read, or refused with an error of ours."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from translators.canonical import Message, OutputSpec, Request, RequestError, Text, Tool, Transform, UpstreamError, fold
from translators.formats import openai_chat, openai_responses
from translators.formats.anthropic_messages import PROVIDER, models
from translators.formats.anthropic_messages.schema import (
    NotBindableError,
    bound,
    object_schema,
    optional_count,
    union_count,
)

from . import sdk
from .recorded import events_of, recordings
from .streams import ISSUER

SCALARS = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["", "text", "object", "ü"])
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=6,
)
WORDS = [
    "type", "properties", "required", "items", "anyOf", "oneOf", "allOf", "enum", "const", "$ref", "$defs", "definitions",
    "additionalProperties", "format", "pattern", "minItems", "minimum", "description", "title", "default",
]  # fmt: skip
VALUES = st.sampled_from(
    [
        "object",
        "array",
        "string",
        "#",
        "#/$defs/a",
        "#/properties/a",
        ["string", "null"],
        ["a"],
        "date",
        "(?=x)",
        False,
        True,
    ]
)
SCHEMAS: st.SearchStrategy[Any] = st.recursive(
    VALUES | SCALARS,
    lambda inner: st.dictionaries(st.sampled_from([*WORDS, "a"]), inner, max_size=4) | st.lists(inner, max_size=2),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(WORDS), SCHEMAS, max_size=5)


@given(OBJECTS)
@settings(max_examples=400, deadline=None)
def test_any_schema_is_bound_or_not_bindable(schema: dict[str, Any]) -> None:
    before = json.dumps(schema)
    try:
        wire = bound(schema, "s", [])
    except NotBindableError:
        pass
    else:
        json.dumps(wire)
        assert optional_count(wire) >= 0
        assert union_count(wire) >= 0
    assert object_schema(schema, "s", [])["type"] == "object"
    assert json.dumps(schema) == before


@given(OBJECTS)
@settings(max_examples=200, deadline=None)
def test_what_was_bound_once_stays_as_it_is(schema: dict[str, Any]) -> None:
    try:
        wire = bound(schema, "s", [])
    except NotBindableError:
        return
    if "allOf" in json.dumps(wire):  # of which one part may be all that is left
        return
    transforms: list[Transform] = []
    with contextlib.suppress(NotBindableError):  # an unused definition may be left over
        assert bound(wire, "s", transforms) == wire
        assert transforms == []


@given(
    schema=OBJECTS, options=st.dictionaries(st.sampled_from(["filters", "user_location", "container", "x"]), ANYTHING)
)
@settings(max_examples=200, deadline=None)
def test_any_tool_and_format_makes_a_body_or_is_refused(schema: dict[str, Any], options: dict[str, Any]) -> None:
    hosted = [
        Tool(name=kind, kind="hosted", hosted={**options, "type": kind}) for kind in ("web_search", "code_interpreter")
    ]
    request = Request(
        messages=(Message("user", (Text("hi"),)),),
        tools=(Tool(name="f", strict=True, parameters=schema), Tool(name="g", parameters=schema), *hosted),
        output=OutputSpec(kind="json_schema", schema=schema),
        extensions={"thinking": options.get("x")},
    )
    adapted, _ = models.adapt(request, "claude-opus-5")
    with contextlib.suppress(UpstreamError):
        json.dumps(models.amend(PROVIDER.render_request(adapted, "m").body, "claude-opus-5"))


EVENTS = [event for recording in recordings() if recording.is_stream for event in events_of(recording.text)]
SHORT = [event for event in EVENTS if len(json.dumps(event)) < 600]


def spoiled(event: Any, path: list[int], garbage: Any) -> Any:
    """The event with something else in one place."""
    if not path or not isinstance(event, dict) or not event:
        return garbage
    name = sorted(event)[path[0] % len(event)]
    return {**event, name: spoiled(event[name], path[1:], garbage)}


def sent(events: list[Any]) -> bytes:
    return b"".join(b"data: %b\n\n" % json.dumps(event).encode() for event in events)


@given(
    events=st.lists(st.sampled_from(SHORT), min_size=1, max_size=8),
    path=st.lists(st.integers(0, 9), min_size=1, max_size=3),
    place=st.integers(0, 7),
    garbage=ANYTHING,
)
@settings(max_examples=300, deadline=None)
def test_any_stream_is_read_or_refused(events: list[Any], path: list[int], place: int, garbage: Any) -> None:
    start = next(event for event in SHORT if event["type"] == "message_start")
    events = [start, *events, {"type": "message_stop"}]
    at = place % len(events)
    events[at] = spoiled(events[at], path, garbage)
    parser = PROVIDER.stream_parser(ISSUER)
    try:
        response = fold([*parser.feed(sent(events)), *parser.feed(b""), *parser.close()])
    except UpstreamError:
        return
    assert response.usage.is_sane()


@pytest.mark.parametrize("recording", [r for r in recordings() if r.status == 200 and r.whole], ids=str)
@given(path=st.lists(st.integers(0, 9), min_size=1, max_size=3), garbage=ANYTHING)
@settings(max_examples=15, deadline=None)
def test_any_answer_is_read_or_refused(recording: Any, path: list[int], garbage: Any) -> None:
    body = spoiled(recording.whole, path, garbage)
    with contextlib.suppress(UpstreamError):
        assert PROVIDER.parse_response(body, ISSUER).usage.is_sane()


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode), st.sampled_from([400, 401, 413, 429, 500, 529]))
@settings(max_examples=200, deadline=None)
def test_any_error_body_is_an_error(body: bytes, status: int) -> None:
    assert isinstance(PROVIDER.parse_error(status, {}, body), UpstreamError)


@given(ANYTHING, st.sampled_from([400, 429, 500]))
@settings(max_examples=100, deadline=None)
def test_so_is_any_json(body: Any, status: int) -> None:
    for envelope in (
        body,
        {"type": "error", "error": body},
        {"error": {"type": body, "message": body, "details": body}},
    ):
        assert isinstance(PROVIDER.parse_error(status, {}, json.dumps(envelope).encode()), UpstreamError)


# --- conversations ----------------------------------------------------------------------------------------------------

IDS = st.sampled_from(["call_1", "call_2", "bad id", "call_1"])
CALL = st.builds(
    lambda call, text: {"id": call, "type": "function", "function": {"name": "f", "arguments": text}},
    IDS,
    st.sampled_from(["{}", "x", ""]),
)
TURNS = st.lists(
    st.one_of(
        st.builds(
            lambda role, text: {"role": role, "content": text},
            st.sampled_from(["system", "developer", "user", "assistant"]),
            st.sampled_from(["", " ", "hi "]),
        ),
        st.builds(
            lambda calls, text: {"role": "assistant", "content": text, "tool_calls": calls},
            st.lists(CALL, min_size=1, max_size=3),
            st.sampled_from([None, "", "ok"]),
        ),
        st.builds(
            lambda call, text: {"role": "tool", "tool_call_id": call, "content": text},
            IDS,
            st.sampled_from(["", "done"]),
        ),
    ),
    min_size=1,
    max_size=8,
)


@given(
    TURNS, st.sampled_from(["claude-haiku-4-5", "claude-opus-4-8", "claude-opus-5-5"]), st.sampled_from([None, "high"])
)
@settings(max_examples=300, deadline=None)
def test_any_conversation_is_one_that_anthropic_takes(turns: list[Any], model: str, effort: str | None) -> None:
    body: dict[str, Any] = {"model": "m", "messages": turns, **({"reasoning_effort": effort} if effort else {})}
    try:
        request = openai_chat.CLIENT.parse_request(body, json.dumps(body).encode())
    except RequestError:
        return
    adapted, _ = models.adapt(request, model)
    wire = models.amend(PROVIDER.render_request(adapted, model).body, model)
    sdk.check(wire)
    check_order(wire, model)


def check_order(wire: dict[str, Any], model: str) -> None:
    messages = wire["messages"]
    roles = [message["role"] for message in messages]
    assert roles[0] == "user"
    family = models.family_of(model)
    assert family.late_system or "system" not in roles
    assert family.prefill or roles[-1] != "assistant"
    seen: set[str] = set()
    for index, message in enumerate(messages):
        before = messages[index - 1] if index else None
        assert message["content"]
        if message["role"] == "system":
            assert before["role"] == "user"
            assert roles[index + 1 : index + 2] in ([], ["assistant"])
        else:
            assert before is None or before["role"] != message["role"]
        calls = [block["id"] for block in message["content"] if block["type"] == "tool_use"]
        assert seen.isdisjoint(calls)
        assert len(set(calls)) == len(calls)
        seen |= set(calls)
        if calls:
            following = messages[index + 1]["content"][: len(calls)]
            assert [block.get("tool_use_id") for block in following] == calls
        asked = [b["id"] for b in before["content"] if b["type"] == "tool_use"] if before else []
        results = [block["tool_use_id"] for block in message["content"] if block["type"] == "tool_result"]
        assert results == asked
        texts = [block["text"] for block in message["content"] if block["type"] == "text"]
        assert all(text.strip() for text in texts)
    assert bool(seen) is ("tools" in wire)


ITEMS = st.lists(
    st.one_of(
        st.builds(
            lambda role, text: {"role": role, "content": text},
            st.sampled_from(["system", "user", "assistant"]),
            st.sampled_from(["", "hi"]),
        ),
        st.builds(lambda call: {"type": "function_call", "call_id": call, "name": "f", "arguments": "{}"}, IDS),
        st.builds(lambda call: {"type": "function_call_output", "call_id": call, "output": "x"}, IDS),
        st.just({"type": "reasoning", "summary": [], "encrypted_content": "E"}),
        st.just({"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {}}),
    ),
    min_size=1,
    max_size=8,
)


@given(ITEMS, st.sampled_from(["claude-haiku-4-5", "claude-opus-5-5"]))
@settings(max_examples=200, deadline=None)
def test_any_list_of_items_is_one_as_well(items: list[Any], model: str) -> None:
    body = {"model": "m", "input": items}
    request = openai_responses.CLIENT.parse_request(body, json.dumps(body).encode())
    adapted, _ = models.adapt(request, model)
    wire = models.amend(PROVIDER.render_request(adapted, model).body, model)
    sdk.check(wire)
    check_order(wire, model)


def nested(levels: int, leaf: Any, wrap: Any) -> Any:
    for _ in range(levels):
        leaf = wrap(leaf)
    return leaf


DEEP = nested(400, "x", lambda below: {"a": below})


@pytest.mark.parametrize(
    "block",
    [
        {"type": "tool_use", "id": "a", "name": "f", "input": DEEP},
        {"type": "thinking", "thinking": "t", "signature": "s", "more": DEEP},
        {"type": "web_search_tool_result", "tool_use_id": "a", "content": DEEP},
    ],
)
def test_a_block_that_is_read_but_cannot_be_written_again_is_an_error_of_ours(block):
    with pytest.raises(UpstreamError):
        PROVIDER.parse_response({"id": "m", "content": [block]}, ISSUER)


def test_a_schema_that_is_read_but_cannot_be_written_again_is_an_error_of_ours():
    schema = nested(400, {"type": "string"}, lambda below: {"type": "object", "properties": {"a": below}})
    user = Message("user", (Text("hi"),))
    with pytest.raises(UpstreamError):
        PROVIDER.render_request(Request(messages=(user,), output=OutputSpec(kind="json_schema", schema=schema)), "m")
    with pytest.raises(UpstreamError):
        PROVIDER.render_request(Request(messages=(user,), tools=(Tool(name="f", parameters={"anyOf": [schema]}),)), "m")
