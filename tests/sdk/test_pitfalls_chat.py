"""Pitfalls 13 to 27: chat answers that trip the SDK's own accumulators or strict types. See test_pitfalls.py for the rest.

Every upstream here speaks chat and so does the app, which is where joch passes bytes on: what would break an SDK must be
mended on the way. Where the app speaks Responses instead, the same streams must do no harm either.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import BaseModel

from tests.support.joch import RunningJoch
from tests.support.scripted import ScriptedServer, whole

from .clients import Sdk, SyncSdk
from .misbehaving import CHAT_ASKED, MODEL, ROLE, Wire, call_delta, chat_stream, chunk, completion, said, usage_chunk
from .raw import send
from .seen import seen_chunks, seen_completion, seen_events
from .upstreams import Call

pytestmark = pytest.mark.sdk_core

VLLM = "vllm"
USAGE_ASKED = {**CHAT_ASKED, "stream_options": {"include_usage": True}}
STRICT_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "f",
        "strict": True,
        "parameters": {"type": "object", "properties": {}, "required": [], "additionalProperties": False},
    },
}


@pytest.fixture(params=["sync", "asynchronous"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    client: Sdk = request.getfixturevalue(request.param)
    return client


def calls_seen(upstream: ScriptedServer, sdk: Sdk, *chunks: Wire) -> list[Call]:
    """The calls an app makes of `chunks`: by hand, by the stream helper and by /responses, which must all agree."""
    upstream.script(VLLM, chat_stream(*chunks))
    by_hand = seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False)
    _, helped = sdk.chat_helper(model=VLLM, tools=[STRICT_TOOL], **CHAT_ASKED)
    assert seen_completion(helped).calls == by_hand.calls
    assert seen_events(sdk.response_events(model=VLLM, input="Hello")).calls == by_hand.calls
    assert by_hand.finish == helped.choices[0].finish_reason == "tool_calls"
    return by_hand.calls


def opened(id: str = "call_a", index: int = 0, arguments: str = "", name: str = "f") -> Wire:
    """The chunk that opens a call."""
    return chunk(call_delta(index=index, id=id, type="function", function={"name": name, "arguments": arguments}))


END = chunk({}, "tool_calls")


@pytest.mark.parametrize("role", ["assistant", None, ""])
def test_pitfall_13_the_role_stands_in_the_first_delta_alone(
    upstream: ScriptedServer, sdk: Sdk, role: str | None
) -> None:
    repeated = [chunk({"role": role or "assistant", "content": ""})]
    repeated += [chunk({"role": role, "content": text}) for text in ("Hel", "lo")]
    upstream.script(VLLM, chat_stream(*repeated, chunk({"role": role}, "stop")))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False).texts == ["Hello"]
    _, helped = sdk.chat_helper(model=VLLM, **CHAT_ASKED)
    assert helped.choices[0].message.role == "assistant"


@pytest.mark.parametrize(
    "delta", [{"content": ""}, {"role": None, "content": ""}, {"role": "", "content": ""}, {"content": "H"}]
)
def test_pitfall_14_the_first_delta_has_the_role(upstream: ScriptedServer, sdk: Sdk, delta: Wire) -> None:
    upstream.script(VLLM, chat_stream(chunk(delta), chunk({"content": "ello"}), chunk({}, "stop")))
    chunks = sdk.chat_chunks(model=VLLM, **CHAT_ASKED)
    assert chunks[0].choices[0].delta.role == "assistant"
    assert seen_chunks(chunks, usage=False).texts == [delta["content"] + "ello"]


def test_pitfall_15_fragments_of_a_call_do_not_repeat_its_id_and_name(upstream: ScriptedServer, sdk: Sdk) -> None:
    fragments = [opened(arguments=part) for part in ('{"a":', "1}")]
    assert calls_seen(upstream, sdk, chunk(ROLE), opened(), *fragments, END) == [Call("call_a", "f", '{"a":1}')]


@pytest.mark.parametrize("indexes", [(None, None), (0, 0)], ids=["none", "all-zero"])
def test_pitfall_16_parallel_calls_are_numbered(
    upstream: ScriptedServer, sdk: Sdk, indexes: tuple[int | None, int | None]
) -> None:
    def fragment(index: int | None, call: Wire) -> Wire:
        return chunk(call_delta(**({} if index is None else {"index": index}), **call))

    first, second = indexes
    chunks = [
        fragment(first, {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": '{"a":'}}),
        fragment(first, {"function": {"arguments": "1}"}}),
        fragment(second, {"id": "call_b", "type": "function", "function": {"name": "f", "arguments": ""}}),
        fragment(second, {"function": {"arguments": '{"a":2}'}}),
    ]
    seen = calls_seen(upstream, sdk, chunk(ROLE), *chunks, END)
    assert seen == [Call("call_a", "f", '{"a":1}'), Call("call_b", "f", '{"a":2}')]


def test_pitfall_17_calls_are_numbered_from_zero(upstream: ScriptedServer, sdk: Sdk) -> None:
    chunks = [opened(index=1, arguments='{"a":1}'), opened("call_b", 2, '{"a":2}')]
    seen = calls_seen(upstream, sdk, chunk(ROLE), *chunks, END)
    assert seen == [Call("call_a", "f", '{"a":1}'), Call("call_b", "f", '{"a":2}')]


def test_pitfall_17_choices_open_in_order(upstream: ScriptedServer, sdk: Sdk) -> None:
    second = [chunk(ROLE, index=1), chunk({"content": "Ho"}, index=1), chunk({}, "stop", index=1)]
    upstream.script(VLLM, chat_stream(*second, *said()))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, n=2, **CHAT_ASKED), usage=False).texts == ["Hello", "Ho"]
    _, helped = sdk.chat_helper(model=VLLM, n=2, **CHAT_ASKED)
    assert seen_completion(helped).texts == ["Hello", "Ho"]


@pytest.mark.parametrize(
    "opening",
    [
        {"index": 0, "id": "call_a", "function": {"name": "f", "arguments": ""}},
        {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f"}},
        {"index": 0, "id": "call_a", "type": None, "function": {"name": "f", "arguments": None}},
    ],
)
def test_pitfall_18_a_call_opens_with_all_its_members(
    upstream: ScriptedServer, joch: RunningJoch, sdk: Sdk, opening: Wire
) -> None:
    end = chunk(call_delta(index=0, function={"arguments": '{"a":1}'}))
    assert calls_seen(upstream, sdk, chunk(ROLE), chunk(call_delta(**opening)), end, END) == [
        Call("call_a", "f", '{"a":1}')
    ]
    got = send("POST", f"{joch.base_url}/chat/completions", {"model": VLLM, "stream": True, **CHAT_ASKED}).body
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in got.splitlines() if line.startswith(b"data: {")]
    first = next(delta["tool_calls"][0] for delta in deltas if delta.get("tool_calls"))
    assert first == {"index": 0, "id": "call_a", "type": "function", "function": {"name": "f", "arguments": ""}}


@pytest.mark.parametrize("arguments", ["", "null", None])
def test_pitfall_19_a_call_without_arguments_has_an_empty_object(
    upstream: ScriptedServer, sdk: Sdk, arguments: str | None
) -> None:
    empty = chunk(call_delta(index=0, id="call_a", type="function", function={"name": "f", "arguments": arguments}))
    assert calls_seen(upstream, sdk, chunk(ROLE), empty, END) == [Call("call_a", "f", "{}")]
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": arguments}}
    upstream.script(VLLM, [whole(200, completion({"content": None, "tool_calls": [call]}, "tool_calls"))])
    assert seen_completion(sdk.chat(model=VLLM, **CHAT_ASKED)).calls == [Call("call_a", "f", "{}")]


def test_pitfall_20_arguments_are_a_string(upstream: ScriptedServer, sdk: Sdk) -> None:
    function = {"name": "f", "arguments": {"a": {"b": [1, "\u00e5"]}}}
    parts = chunk(call_delta(index=0, id="call_a", type="function", function=function))
    (call,) = calls_seen(upstream, sdk, chunk(ROLE), parts, END)
    assert json.loads(call.arguments) == {"a": {"b": [1, "\u00e5"]}}
    message = {"content": None, "tool_calls": [{"id": "call_a", "type": "function", "function": function}]}
    upstream.script(VLLM, [whole(200, completion(message, "tool_calls"))])
    (call,) = seen_completion(sdk.chat(model=VLLM, **CHAT_ASKED)).calls
    assert json.loads(call.arguments) == {"a": {"b": [1, "\u00e5"]}}, "dumped once"


@pytest.mark.parametrize("finish", ["stop", "tool_use", "eos", "end_turn", "function_call", ""])
def test_pitfall_21_an_answer_with_calls_finishes_with_tool_calls(
    upstream: ScriptedServer, sdk: Sdk, finish: str
) -> None:
    calls_seen(upstream, sdk, chunk(ROLE), opened(arguments="{}"), chunk({}, finish))
    call = {"id": "call_a", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    upstream.script(VLLM, [whole(200, completion({"content": None, "tool_calls": [call]}, finish))])
    assert seen_completion(sdk.chat(model=VLLM, **CHAT_ASKED)).finish == "tool_calls"


@pytest.mark.parametrize(
    ("finish", "known"),
    [("eos", "stop"), ("eos_token", "stop"), ("end_turn", "stop"), ("max_tokens", "length"), ("None", "stop")],
)
def test_pitfall_21_a_vendors_finish_becomes_one_of_the_five(
    upstream: ScriptedServer, sdk: Sdk, finish: str, known: str
) -> None:
    upstream.script(VLLM, chat_stream(*said()[:2], chunk({}, finish)))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False).finish == known
    upstream.script(VLLM, [whole(200, completion(finish=finish))])
    assert seen_completion(sdk.chat(model=VLLM, **CHAT_ASKED)).finish == known


def test_pitfall_22_usage_comes_when_asked_for_and_only_then(upstream: ScriptedServer, sdk: Sdk) -> None:
    upstream.script(VLLM, chat_stream(*said(), usage_chunk()))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False).tokens is None
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **USAGE_ASKED), usage=True).tokens is not None
    with_every = [{**each, "usage": usage_chunk()["usage"]} for each in said()]
    upstream.script(VLLM, chat_stream(*with_every))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False).tokens is None
    upstream.script(VLLM, chat_stream(*said()))  # asked for, and not given: an estimate is better than a crash
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **USAGE_ASKED), usage=True).tokens is not None


@pytest.mark.parametrize(
    "tail",
    [
        [usage_chunk(), {**chunk(), "choices": [], "usage": None}],
        [usage_chunk(), chunk({}, None, usage=None)],
        [{**chunk({}, "stop"), "usage": usage_chunk()["usage"]}],
        [{**chunk({}, "stop"), "usage": usage_chunk()["usage"]}, {**chunk(), "choices": [], "usage": None}],
    ],
    ids=["empty-after", "chunk-after", "on-the-finish", "on-the-finish-and-empty-after"],
)
def test_pitfall_23_usage_stands_in_the_very_last_chunk(upstream: ScriptedServer, sdk: Sdk, tail: list[Wire]) -> None:
    finish = said() if tail[0]["choices"] == [] else said()[:2]
    upstream.script(VLLM, chat_stream(*finish, *tail))
    chunks = sdk.chat_chunks(model=VLLM, **USAGE_ASKED)
    assert chunks[-1].usage is not None
    _, helped = sdk.chat_helper(model=VLLM, **USAGE_ASKED)
    assert helped.usage.total_tokens == 5


@pytest.mark.parametrize(
    "details",
    [
        {"prompt_tokens_details": None, "completion_tokens_details": None},
        {"prompt_tokens_details": {"cached_tokens": None}, "completion_tokens_details": {"reasoning_tokens": None}},
        {"prompt_tokens_details": {}, "completion_tokens_details": {}},
    ],
)
def test_pitfall_24_details_of_usage_are_never_null_where_a_number_is_meant(
    upstream: ScriptedServer, sdk: Sdk, details: Wire
) -> None:
    counted = usage_chunk(**details)
    upstream.script(VLLM, chat_stream(*said(), counted))
    usages = [sdk.chat_chunks(model=VLLM, **USAGE_ASKED)[-1].usage]
    responded = [sdk.response_events(model=VLLM, input="Hello")[-1].response.usage]
    upstream.script(VLLM, [whole(200, completion(usage=counted["usage"]))])
    usages.append(sdk.chat(model=VLLM, **CHAT_ASKED).usage)
    responded.append(sdk.response(model=VLLM, input="Hello").usage)
    for usage in usages:
        for part in (usage.prompt_tokens_details, usage.completion_tokens_details):
            assert part is None or None not in {part.to_dict().get(k, 0) for k in ("cached_tokens", "reasoning_tokens")}
    for usage in responded:
        assert usage.input_tokens_details.cached_tokens == usage.output_tokens_details.reasoning_tokens == 0


@pytest.mark.parametrize(
    "members", [{"choices": None}, {"choices": None, "object": ""}], ids=["null", "null-and-object"]
)
def test_pitfall_25_chunks_without_choices_do_no_harm(upstream: ScriptedServer, sdk: Sdk, members: Wire) -> None:
    upstream.script(VLLM, chat_stream({**chunk(), **members}, *said(), {**usage_chunk(), **members}))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **USAGE_ASKED), usage=True).texts == ["Hello"]
    _, helped = sdk.chat_helper(model=VLLM, **USAGE_ASKED)
    assert seen_completion(helped).texts == ["Hello"]


@pytest.mark.parametrize("name", ["", "chat.completion", None, "text_completion"])
def test_pitfall_25_the_object_is_what_it_should_be(upstream: ScriptedServer, sdk: Sdk, name: str | None) -> None:
    upstream.script(VLLM, chat_stream(*said(object=name)))
    _, helped = sdk.chat_helper(model=VLLM, **CHAT_ASKED)
    assert seen_completion(helped).texts == ["Hello"]
    upstream.script(VLLM, [whole(200, completion(object=name))])
    assert seen_completion(sdk.chat(model=VLLM, **CHAT_ASKED)).texts == ["Hello"]


def test_pitfall_26_an_empty_first_chunk_is_kept_away(upstream: ScriptedServer, sdk: Sdk) -> None:
    filtered = {
        "id": "",
        "object": "",
        "created": 0,
        "model": "",
        "choices": [],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
    }
    upstream.script(VLLM, chat_stream(filtered, *said()))
    chunks = sdk.chat_chunks(model=VLLM, **CHAT_ASKED)
    assert chunks[0].id == "chatcmpl-1"
    assert chunks[0].model == MODEL
    assert seen_chunks(chunks, usage=False).texts == ["Hello"]


def test_pitfall_26_id_time_and_model_stay_the_same(upstream: ScriptedServer, sdk: Sdk) -> None:
    first, second, third = said()
    changed = {**second, "id": "chatcmpl-2", "created": 1_790_000_009}
    upstream.script(VLLM, chat_stream(first, changed, {**third, "id": "", "created": 0, "model": ""}))
    assert seen_chunks(sdk.chat_chunks(model=VLLM, **CHAT_ASKED), usage=False).texts == ["Hello"]


@pytest.mark.parametrize("member", ["annotations", "reasoning_details"])
def test_pitfall_27_lists_in_deltas_do_not_break_the_helper(upstream: ScriptedServer, sdk: Sdk, member: str) -> None:
    citation = {"type": "url_citation", "url_citation": {"start_index": 0, "end_index": 1, "title": "t", "url": "u"}}
    entry = citation if member == "annotations" else {"type": "reasoning.text", "text": "hm"}
    deltas = [chunk({"content": text, member: [entry]}) for text in ("Hel", "lo")]
    upstream.script(VLLM, chat_stream(chunk(ROLE), *deltas, chunk({}, "stop")))
    _, helped = sdk.chat_helper(model=VLLM, **CHAT_ASKED)
    assert helped.choices[0].message.content == "Hello"
    chunks = sdk.chat_chunks(model=VLLM, **CHAT_ASKED)
    lists = [(each.choices[0].delta.model_extra or {}).get(member) for each in chunks]
    assert [entry["type"] for each in lists for entry in each or ()] == [entry["type"]] * 2, "and they are not lost"


class Answered(BaseModel):
    a: int


def test_what_is_fine_passes_as_it_is(upstream: ScriptedServer, joch: RunningJoch, sync: SyncSdk) -> None:
    """The other half of all of the above: a stream that breaks nobody keeps its bytes, odd spacing and all."""
    sent = chat_stream(*({**each, "x_vendor": {"b": 1, "a": 2}, "obfuscation": "pad"} for each in said()))
    upstream.script(VLLM, sent)
    got = send("POST", f"{joch.base_url}/chat/completions", {"model": VLLM, "stream": True, **CHAT_ASKED}).body
    body = b"".join(each for each in sent[1:-1] if isinstance(each, bytes))
    pieces = [line for line in body.split(b"\r\n") if line.startswith(b"data:")]
    assert got == b"".join(pieces)
