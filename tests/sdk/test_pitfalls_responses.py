"""Pitfalls 28 to 37: Responses answers and inputs that trip the SDK or typed servers. See test_pitfalls.py for the rest.

The upstream speaks Responses and so does the app, unless a test says otherwise. What cannot be mended must fail before
content, so that another candidate can serve, or end in an error that the SDK raises; never in silence.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, get_args

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent

from tests.support.joch import RunningJoch
from tests.support.scripted import ScriptedServer, whole

from .clients import Sdk
from .misbehaving import Wire, chat_stream, chunk, response_events, responses_stream, said
from .raw import send
from .seen import seen_events, seen_response
from .upstreams import UPSTREAMS, Answer, Call, Upstream, responses

pytestmark = pytest.mark.sdk_core

CHAT, RESPONSES, VLLM, LLAMA_CPP, OLLAMA = UPSTREAMS
NAME = RESPONSES.name
WORDS = Answer(pieces=("Hel", "lo"))
CALL = Call("call_1", "f", '{"a":1}')
ASKED: dict[str, Any] = {"model": NAME, "input": "Hello"}


@pytest.fixture(params=["sync", "asynchronous"])
def sdk(request: pytest.FixtureRequest) -> Sdk:
    client: Sdk = request.getfixturevalue(request.param)
    return client


def changed(events: list[Wire], change: Callable[[Wire], Wire | None]) -> list[Wire]:
    """The events with each changed, those left out that became None, and numbered anew."""
    kept = (new for each in events if (new := change(json.loads(json.dumps(each)))) is not None)
    return list(responses.numbered(iter(kept)))


def check(upstream: ScriptedServer, sdk: Sdk, events: list[Wire], answer: Answer = WORDS) -> None:
    """The app sees `answer`: by hand, held to the order of events, and by the stream helper."""
    upstream.script(NAME, responses_stream(*events))
    by_hand = seen_events(sdk.response_events(**ASKED))
    assert (by_hand.texts, by_hand.calls) == ([answer.text], list(answer.calls))
    _, final = sdk.response_helper(**ASKED)
    assert seen_response(final) == by_hand


def test_pitfall_28_a_stream_that_does_not_begin_at_its_beginning_fails_openly(
    upstream: ScriptedServer, sdk: Sdk
) -> None:
    upstream.script(NAME, responses_stream(*response_events(WORDS)[2:]))
    with pytest.raises(openai.InternalServerError):
        sdk.response_helper(**ASKED)


def test_pitfall_28_the_id_of_the_response_stays_the_same(upstream: ScriptedServer, sdk: Sdk) -> None:
    def renamed(each: Wire) -> Wire:
        if "response" in each:
            each["response"]["id"] = f"resp_{each['sequence_number']}"
        return each

    check(upstream, sdk, changed(response_events(WORDS), renamed))


@pytest.mark.parametrize(
    "missing",
    [
        {"response.output_item.added"},
        {"response.content_part.added"},
        {"response.output_item.added", "response.content_part.added"},
    ],
    ids=["item", "part", "both"],
)
def test_pitfall_29_content_without_an_opening_is_opened_or_fails_openly(
    upstream: ScriptedServer, sdk: Sdk, missing: set[str]
) -> None:
    events = changed(response_events(WORDS), lambda each: None if each["type"] in missing else each)
    upstream.script(NAME, responses_stream(*events))
    try:
        _, final = sdk.response_helper(**ASKED)
    except openai.InternalServerError:
        return  # nothing was shown yet, so that a fallback could have served
    assert seen_response(final).texts == [WORDS.text]


@pytest.mark.parametrize("content", [None, ...], ids=["null", "absent"])
def test_pitfall_29_a_message_opens_with_a_list_of_parts(upstream: ScriptedServer, sdk: Sdk, content: Any) -> None:
    def bare(each: Wire) -> Wire:
        if each["type"] == "response.output_item.added":
            del each["item"]["content"]
            if content is None:
                each["item"]["content"] = None
        return each

    check(upstream, sdk, changed(response_events(WORDS), bare))


def test_pitfall_30_ids_of_items_do_not_change_on_the_way(upstream: ScriptedServer, sdk: Sdk) -> None:
    both = Answer(pieces=WORDS.pieces, calls=(CALL,))

    def renamed(each: Wire) -> Wire:
        number = each["sequence_number"]
        if "item_id" in each:
            each["item_id"] += f"_{number}"
        for item in [each.get("item", {}), *each.get("response", {}).get("output", ())]:
            if "id" in item:
                item["id"] += f"_{number}"
        return each

    check(upstream, sdk, changed(response_events(both), renamed), both)


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_30_the_id_of_an_item_is_not_that_of_its_call(
    upstream: ScriptedServer, sdk: Sdk, each: Upstream
) -> None:
    each.says(upstream, Answer(calls=(CALL,)))
    events = sdk.response_events(model=each.name, input="Hello")
    (item,) = events[-1].response.output
    assert item.call_id == CALL.id != item.id
    ids = {event.item_id for event in events if hasattr(event, "item_id")}
    ids |= {event.item.id for event in events if hasattr(event, "item")}
    assert ids == {item.id}


@pytest.mark.parametrize("left", [0, 1], ids=["none", "one-of-two"])
def test_pitfall_31_the_end_repeats_all_items(upstream: ScriptedServer, sdk: Sdk, left: int) -> None:
    both = Answer(pieces=WORDS.pieces, calls=(CALL,))

    def emptied(each: Wire) -> Wire:
        if each["type"] == "response.completed":
            each["response"]["output"] = each["response"]["output"][:left]
        return each

    check(upstream, sdk, changed(response_events(both), emptied), both)


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_32_a_truncated_run_ends_as_incomplete(upstream: ScriptedServer, sdk: Sdk, each: Upstream) -> None:
    each.says(upstream, Answer(pieces=("Half",), finish="length"))
    events = sdk.response_events(model=each.name, input="Hello", max_output_tokens=16)
    assert events[-1].type == "response.incomplete"
    assert events[-1].response.status == "incomplete"
    assert events[-1].response.incomplete_details.reason == "max_output_tokens"


@pytest.mark.parametrize("model", [NAME, VLLM.name])
def test_pitfall_32_no_end_is_an_error_and_a_failed_response(
    upstream: ScriptedServer, joch: RunningJoch, sdk: Sdk, model: str
) -> None:
    upstream.script(NAME, responses_stream(*response_events(WORDS)[:-1]))
    upstream.script(VLLM.name, chat_stream(*said()[:2]))
    with pytest.raises(openai.APIError):
        sdk.response_events(model=model, input="Hello")
    got = send("POST", f"{joch.base_url}/responses", {"model": model, "input": "Hello", "stream": True}).body.decode()
    kinds = [line.removeprefix("event: ") for line in got.splitlines() if line.startswith("event: ")]
    assert kinds[-2:] == ["error", "response.failed"]
    numbers = [json.loads(line[6:])["sequence_number"] for line in got.splitlines() if line.startswith("data: {")]
    assert numbers == list(range(len(numbers)))


MINIMAL: Wire = {
    "id": "resp_1",
    "created_at": 1,
    "model": "m-1",
    "status": "completed",
    "output": responses.items(WORDS, {}),
    "usage": {"input_tokens": 1, "output_tokens": 2, "total_tokens": 3},
}
ALWAYS = {
    "background",
    "completed_at",
    "created_at",
    "error",
    "frequency_penalty",
    "id",
    "incomplete_details",
    "instructions",
    "max_output_tokens",
    "max_tool_calls",
    "metadata",
    "model",
    "object",
    "output",
    "parallel_tool_calls",
    "presence_penalty",
    "previous_response_id",
    "prompt_cache_key",
    "reasoning",
    "safety_identifier",
    "service_tier",
    "status",
    "store",
    "temperature",
    "text",
    "tool_choice",
    "tools",
    "top_logprobs",
    "top_p",
    "truncation",
    "usage",
}


def test_pitfall_33_a_meagre_response_is_completed(upstream: ScriptedServer, sdk: Sdk) -> None:
    upstream.script(NAME, [whole(200, MINIMAL)])
    response = sdk.response(**ASKED)  # the client validates strictly
    assert seen_response(response).texts == ["Hello"]
    assert response.tools == []


@pytest.mark.parametrize("each", [each for each in UPSTREAMS if each is not RESPONSES], ids=lambda each: each.name)
def test_pitfall_33_a_response_made_by_joch_has_every_member(
    upstream: ScriptedServer, joch: RunningJoch, each: Upstream
) -> None:
    each.says(upstream, WORDS)
    asked = {"model": each.name, "input": "Hello", "metadata": {"a": "b"}, "temperature": 0.5}
    got = send("POST", f"{joch.base_url}/responses", asked).json
    assert got.keys() >= ALWAYS
    assert (got["metadata"], got["temperature"], got["tools"]) == ({"a": "b"}, 0.5, [])
    assert got["usage"].keys() >= {"input_tokens_details", "output_tokens_details"}


OFFICIAL = {
    get_args(member.model_fields["type"].annotation)[0] for member in get_args(get_args(ResponseStreamEvent)[0])
}


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_34_only_official_events_are_sent(upstream: ScriptedServer, joch: RunningJoch, each: Upstream) -> None:
    each.says(upstream, Answer(thoughts=("Hm",), pieces=WORDS.pieces, calls=(CALL,)))
    asked = {"model": each.name, "input": "Hello", "stream": True, "reasoning": {"effort": "low", "summary": "auto"}}
    got = send("POST", f"{joch.base_url}/responses", asked).body.decode()
    kinds = {line.removeprefix("event: ") for line in got.splitlines() if line.startswith("event: ")}
    assert kinds <= OFFICIAL


@pytest.mark.parametrize("invented", ["response.ping", "ping", "keepalive", "response.heartbeat"])
def test_pitfall_34_invented_keep_alives_are_kept_away(
    upstream: ScriptedServer, joch: RunningJoch, sdk: Sdk, invented: str
) -> None:
    events: list[Wire] = []
    for each in response_events(WORDS):
        events += [each, {"type": invented}]
    events = list(responses.numbered(iter(events[:-1])))
    upstream.script(NAME, responses_stream(*events))
    sdk.response_helper(**ASKED)
    got = send("POST", f"{joch.base_url}/responses", {**ASKED, "stream": True}).body.decode()
    kinds = {line.removeprefix("event: ") for line in got.splitlines() if line.startswith("event: ")}
    assert kinds <= OFFICIAL
    check(upstream, sdk, events)


REPLAYED: dict[str, Wire] = {
    "no-id-no-status": {"role": "assistant", "content": [{"type": "output_text", "text": "Hi there"}]},
    "typed": {
        "type": "message",
        "role": "assistant",
        "content": [{"type": "output_text", "text": "Hi there", "annotations": []}],
    },
    "null-status": {
        "id": "msg_9",
        "type": "message",
        "role": "assistant",
        "status": None,
        "phase": None,
        "content": [{"type": "output_text", "text": "Hi there", "annotations": None, "logprobs": None}],
    },
    "string": {"role": "assistant", "content": "Hi there"},
}


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
@pytest.mark.parametrize("shape", REPLAYED)
def test_pitfall_35_replayed_answers_are_taken_in_any_shape(
    upstream: ScriptedServer, sdk: Sdk, shape: str, each: Upstream
) -> None:
    each.says(upstream, WORDS)
    turns: Any = [{"role": "user", "content": "Hi"}, REPLAYED[shape], {"role": "user", "content": "And?"}]
    assert sdk.response(model=each.name, input=turns).output_text == "Hello"
    assert "Hi there" in upstream.requests[-1].body.decode()


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_35_null_members_of_replayed_items_are_taken(
    upstream: ScriptedServer, sdk: Sdk, each: Upstream
) -> None:
    each.says(upstream, WORDS)
    turns: Any = [
        {"role": "user", "content": "Hi"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "content": None, "encrypted_content": None, "status": None},
        {"type": "function_call", "id": None, "call_id": "call_1", "name": "f", "arguments": "{}", "status": None},
        {"type": "function_call_output", "id": None, "call_id": "call_1", "output": "1", "status": None},
    ]
    assert sdk.response(model=each.name, input=turns).output_text == "Hello"


@pytest.mark.parametrize("each", UPSTREAMS, ids=lambda each: each.name)
def test_pitfall_35_chat_apps_replay_whole_dumps_of_the_sdk(upstream: ScriptedServer, sdk: Sdk, each: Upstream) -> None:
    each.says(upstream, Answer(calls=(CALL,)))
    first = sdk.chat(model=each.name, messages=[{"role": "user", "content": "Hi"}])
    dumped = {"refusal": None, "audio": None, "function_call": None, **first.choices[0].message.model_dump()}
    each.says(upstream, WORDS)
    turns: Any = [
        {"role": "user", "content": "Hi"},
        {**dumped, "parsed": None},
        {"role": "tool", "tool_call_id": CALL.id, "content": "1"},
    ]
    answer = sdk.chat(model=each.name, messages=turns)
    assert answer.choices[0].message.content == "Hello"


STATEFUL: dict[str, tuple[Wire, str]] = {
    "previous_response_id": ({"input": "And?", "previous_response_id": "resp_0"}, "previous_response_not_found"),
    "typed-reference": ({"input": [{"type": "item_reference", "id": "msg_0"}]}, ""),
    "bare-reference": ({"input": [{"id": "msg_0"}]}, ""),
}


@pytest.mark.parametrize("each", [VLLM, LLAMA_CPP, OLLAMA], ids=lambda each: each.name)
@pytest.mark.parametrize("what", STATEFUL)
def test_pitfall_36_state_that_nobody_keeps_is_refused_at_once(
    upstream: ScriptedServer, sdk: Sdk, what: str, each: Upstream
) -> None:
    asked, code = STATEFUL[what]
    each.says(upstream, WORDS)
    upstream.requests.clear()
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)) as refused:
        sdk.response(model=each.name, **asked)
    assert refused.value.type == "invalid_request_error"
    assert "msg_0" in str(refused.value) or refused.value.code == code
    assert upstream.of(each.name) == []


@pytest.mark.parametrize("what", STATEFUL)
def test_pitfall_36_state_that_the_provider_keeps_is_asked_of_it(upstream: ScriptedServer, sdk: Sdk, what: str) -> None:
    RESPONSES.says(upstream, WORDS)
    asked, _ = STATEFUL[what]
    assert sdk.response(model=NAME, **asked).output_text == "Hello"
    sent = upstream.requests[-1].json
    assert {name: sent[name] for name in asked} == asked


SEALED = {"id": "rs_1", "type": "reasoning", "summary": [], "encrypted_content": "gAAAA-sealed"}


def test_pitfall_37_sealed_reasoning_comes_out_and_goes_back_unchanged(upstream: ScriptedServer, sdk: Sdk) -> None:
    include: Any = ["reasoning.encrypted_content"]
    done = responses.finished(WORDS, {})
    message = done["output"][0]
    upstream.script(NAME, [whole(200, {**done, "output": [SEALED, message]})])
    response: Response = sdk.response(model=NAME, input="Hello", store=False, include=include)
    assert upstream.requests[-1].json["include"] == include
    assert upstream.requests[-1].json["store"] is False
    item = response.output[0]
    assert item.type == "reasoning"
    assert item.encrypted_content == SEALED["encrypted_content"]
    turns: Any = [*(each.to_dict() for each in response.output), {"role": "user", "content": "And?"}]
    sdk.response(model=NAME, input=turns, store=False, include=include)
    sent = upstream.requests[-1].json["input"]
    assert sent[:2] == [each.to_dict() for each in response.output]


@pytest.mark.parametrize("each", [CHAT, VLLM, LLAMA_CPP, OLLAMA], ids=lambda each: each.name)
def test_pitfall_37_one_providers_sealed_reasoning_is_not_shown_to_another(
    upstream: ScriptedServer, sdk: Sdk, each: Upstream
) -> None:
    each.says(upstream, WORDS)
    turns: Any = [{"role": "user", "content": "Hi"}, SEALED, REPLAYED["string"], {"role": "user", "content": "And?"}]
    assert sdk.response(model=each.name, input=turns, store=False).output_text == "Hello"
    assert b"gAAAA-sealed" not in upstream.requests[-1].body


@pytest.mark.parametrize("each", [VLLM, LLAMA_CPP, OLLAMA], ids=lambda each: each.name)
def test_pitfall_37_thoughts_of_an_open_model_survive_a_tool_turn(
    upstream: ScriptedServer, sdk: Sdk, each: Upstream
) -> None:
    """Models that think between calls must see what they thought before."""
    each.says(upstream, Answer(thoughts=("I need", " the tool."), calls=(CALL,)))
    first = sdk.response(model=each.name, input="Hi", reasoning={"effort": "high"})
    each.says(upstream, WORDS)
    turns: Any = [
        {"role": "user", "content": "Hi"},
        *(item.to_dict() for item in first.output),
        {"type": "function_call_output", "call_id": CALL.id, "output": "1"},
    ]
    sdk.response(model=each.name, input=turns, reasoning={"effort": "high"})
    assert "I need the tool." in upstream.requests[-1].body.decode()


def test_a_stream_of_chat_with_nothing_but_a_role_is_an_empty_answer(upstream: ScriptedServer, sdk: Sdk) -> None:
    upstream.script(VLLM.name, chat_stream(chunk({"role": "assistant", "content": ""}), chunk({}, "stop")))
    assert seen_events(sdk.response_events(model=VLLM.name, input="Hello")).texts == [""]
