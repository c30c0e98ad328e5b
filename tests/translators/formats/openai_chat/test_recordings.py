"""Every recorded chat exchange, through both sides of the format.

Those kept in tests/recordings always; more from the folder that `JOCH_RECORDINGS` names, when it is set.
"""

import contextlib
import copy
import itertools
import json
from typing import Any

import openai
import pytest
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from translators.canonical import Message, Reason, Reasoning, Request, RequestError, Text, ToolCall, UpstreamError, fold
from translators.formats import json as wire_json
from translators.formats.openai_chat import CLIENT, PROVIDER
from translators.formats.openai_chat.events import is_annotation

from .recorded import MORE, Recording, recordings
from .wire import TERMINAL, context

ALL = recordings()
FIVE = {"stop", "length", "tool_calls", "content_filter", "function_call"}

FAILED = {
    "other-groq-chat-tool-use-failed-error-streaming-0-af9b0": "inband_error",
    "other-groq-chat-tool-use-failed-error-streaming-with-text-0-b459d": "inband_error",
    "other-openrouter-chat-openrouter-stream-error-0-6084c": "inband_error",
    # `[DONE]` behind no finish reason at all: not to be told from an answer that was cut.
    "other-snowflake-chat-snowflake-thinking-streaming-0-5e74a": "no_terminal",
}
"""Streams that failed, and how."""


def chosen(*, streams: bool = False, wholes: bool = False, errors: bool = False) -> list[Any]:
    return [
        pytest.param(one, id=one.name)
        for one in ALL
        if (errors if one.is_error else streams if one.is_stream else wholes)
    ]


def good_streams() -> list[Any]:
    return [param for param in chosen(streams=True) if param.id not in FAILED]


@pytest.mark.skipif(MORE is None, reason="set JOCH_RECORDINGS to a folder with more recordings to check them all")
def test_more_recordings_were_found() -> None:
    assert len(ALL) > 100


# --- requests ---------------------------------------------------------------------------------------------------------


def without_nulls(value: Any) -> Any:
    """Null members mean nothing, except as the content of a message."""
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None or key == "content"}


def normalised(body: dict[str, Any]) -> dict[str, Any]:
    """The equal spellings of a request as one."""
    body = without_nulls(copy.deepcopy(body))
    if body.get("stream") is False:
        del body["stream"]
    for key in ("tools", "metadata"):
        if not body.get(key, True):
            del body[key]
    if "tools" not in body and "functions" not in body:
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
    if body.get("stream_options") in ({}, {"include_usage": False}):
        del body["stream_options"]
    if body.get("response_format") == {"type": "text"}:
        del body["response_format"]
    if isinstance(body.get("stop"), str):
        body["stop"] = [body["stop"]]
    for message in body["messages"]:
        normalise_message(message)
    return body


def normalise_message(message: dict[str, Any]) -> None:
    content = message.get("content")
    if isinstance(content, list):
        for part in content:
            if isinstance(part.get("image_url"), str):
                part["image_url"] = {"url": part["image_url"]}
        texts = [part.get("text") for part in content if set(part) == {"type", "text"}]
        if len(texts) == len(content) and (len(texts) == 1 or message["role"] in ("assistant", "tool")):
            message["content"] = "".join(texts)
    if message["role"] == "assistant":
        message.setdefault("content", None)
        reasoning = message.pop("reasoning", None)
        if reasoning:
            message.setdefault("reasoning_content", reasoning)
        if not message.get("reasoning_content", True):
            del message["reasoning_content"]
        for key in ("annotations", "tool_calls", "refusal", "parsed"):
            if not message.get(key, True) or key in ("annotations", "parsed"):
                message.pop(key, None)
        for call in message.get("tool_calls", []):
            call.pop("index", None)
            call.setdefault("type", "function")


def is_rebuilt(body: dict[str, Any]) -> bool:
    """Whether chat can say this without moving anything: pictures in results move, functions become tools."""
    roles = {message["role"] for message in body["messages"]}
    moved = any(
        message["role"] == "tool"
        and isinstance(message["content"], list)
        and any(p["type"] != "text" for p in message["content"])
        for message in body["messages"]
    )
    legacy = "functions" in body or "function_call" in body or "function" in roles
    return not moved and not legacy


MISTRALS_OWN = {
    one.name
    for one in ALL
    if one.name.startswith("other-mistral")
    and one.request is not None
    and (
        one.request.get("tool_choice") == "any"
        or '"input_audio": "' in json.dumps(one.request)
        or not all("type" in tool for tool in one.request.get("tools") or ())
    )
}
"""Requests in Mistral's dialect, which OpenAI would refuse too."""

REQUESTS = [pytest.param(one, id=one.name) for one in ALL if isinstance(one.request, dict)]


@pytest.mark.parametrize("recording", REQUESTS)
def test_a_recorded_request_is_understood_and_can_be_rebuilt(recording: Recording) -> None:
    assert recording.request is not None
    raw = wire_json.dumps(recording.request)
    if recording.name in MISTRALS_OWN:
        with pytest.raises(RequestError):
            CLIENT.parse_request(recording.request, raw)
        return
    if recording.status == 400:
        with contextlib.suppress(RequestError):  # we may refuse what the provider refused
            CLIENT.parse_request(recording.request, raw)
        return
    request = CLIENT.parse_request(recording.request, raw)
    if not is_rebuilt(recording.request):
        return
    rendered = PROVIDER.render_request(request, recording.request.get("model", ""))
    assert normalised(rendered.body) == normalised(recording.request)


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", chosen(errors=True))
def test_a_recorded_refusal_is_classified(recording: Recording) -> None:
    body = recording.text.encode() if recording.text else wire_json.dumps(recording.whole)
    error = PROVIDER.parse_error(recording.status, recording.headers, body)
    expected = {
        401: {Reason.AUTH},
        403: {Reason.AUTH},
        404: {Reason.NOT_FOUND},
        429: {Reason.RATE_LIMITED, Reason.QUOTA},
        500: {Reason.ERROR_5XX},
        400: {
            Reason.INVALID_REQUEST,
            Reason.CONTEXT_LENGTH,
            Reason.UNSUPPORTED,
            Reason.NOT_FOUND,
            Reason.BAD_RESPONSE,
        },
    }
    assert error.reason in expected[recording.status]
    assert error.http_status == recording.status
    assert error.body.message
    assert "://" not in error.body.message


# --- whole answers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("recording", chosen(wholes=True))
def test_a_recorded_answer_is_read_and_mended_to_what_sdks_expect(recording: Recording) -> None:
    before = copy.deepcopy(recording.whole)
    response = PROVIDER.parse_response(recording.whole, "issuer")
    mended = CLIENT.mend(recording.whole)
    assert recording.whole == before
    assert response.choices
    assert response.usage.is_sane()
    body = recording.whole if mended is None else mended
    assert CLIENT.mend(body) is None, "mending once is enough"
    for choice in body["choices"]:
        assert choice["finish_reason"] in FIVE
        message = choice["message"]
        assert message["content"] is None or isinstance(message["content"], str)
        for call in message.get("tool_calls") or ():
            assert call["id"]
            assert isinstance(call[call["type"]].get("arguments", ""), str)
    assert told(PROVIDER.parse_response(body, "issuer")) == told(response)


@pytest.mark.parametrize("recording", chosen(wholes=True))
def test_a_recorded_answer_survives_being_rendered(recording: Recording) -> None:
    response = PROVIDER.parse_response(recording.whole, "issuer")
    body = CLIENT.render_response(response, context())
    ChatCompletion.model_validate({**body, "service_tier": None})  # Groq has tiers of its own
    back = told(PROVIDER.parse_response(body, "issuer"))
    assert back[0] == told(response)[0]
    assert back[1] == response.usage or response.usage.source == "none"


# --- streams ----------------------------------------------------------------------------------------------------------


def told(response: Any) -> list[Any]:
    """What an answer says, choice by choice, however it was cut into blocks and whoever made the ids."""
    said = []
    for choice in response.choices:
        blocks = choice.message.blocks
        calls = [(block.name, full(block), block.kind) for block in blocks if isinstance(block, ToolCall)]
        text = "".join(block.text for block in blocks if isinstance(block, Text))
        thought = "".join(block.text or "" for block in blocks if isinstance(block, Reasoning))
        rest = [type(block).__name__ for block in blocks if not isinstance(block, (Text, ToolCall, Reasoning))]
        said.append((choice.index, thought, text, calls, rest, choice.finish))
    return [said, response.usage]


def full(call: ToolCall) -> str:
    return call.arguments if call.arguments.strip() not in ("", "null") else "{}"


def parsed(data: bytes) -> Any:
    parser = PROVIDER.stream_parser("issuer")
    return fold([*parser.feed(data), *parser.close()])


def events(data: bytes) -> list[bytes]:
    """The events of a stream in LF framing, comments left out."""
    blocks = data.replace(b"\r\n", b"\n").split(b"\n\n")
    return [block.strip() for block in blocks if block.strip() and not block.strip().startswith(b":")]


MENDED_MEMBERS = ("id", "object", "created", "model", "usage")
MENDED_DELTA = ("role", "tool_calls", "content", "reasoning_content", "annotations", "reasoning_details")


def unmended(event: bytes) -> Any:
    """An event without the members that the relay may put right."""
    body = json.loads(event.partition(b"data:")[2])
    for key in MENDED_MEMBERS:
        body.pop(key, None)
    for choice in body.get("choices") or ():
        choice.pop("finish_reason", None)
        delta = choice.pop("delta", None) or {}
        choice["rest"] = {key: value for key, value in delta.items() if key not in MENDED_DELTA}
    return {key: value for key, value in body.items() if value != []}


@pytest.mark.parametrize("recording", good_streams())
def test_a_recorded_stream_passes_byte_for_byte_except_for_listed_mends(recording: Recording) -> None:
    sent = recording.text.encode()
    relay = CLIENT.relay(context())
    out = relay.feed(sent) + relay.close()
    assert out.endswith(TERMINAL)
    before, after = events(sent), events(out)
    passed = iter(before)
    for event in after:
        if event in before or event == b"data: [DONE]":
            continue
        assert any(unmended(event) == unmended(one) for one in passed if b"[DONE]" not in one), event
    dropped = [one for one in before if b"[DONE]" not in one and unmended(one) not in [unmended(e) for e in after[:-1]]]
    for one in dropped:
        choices = json.loads(one.partition(b"data:")[2]).get("choices") or ()
        assert all(map(is_annotation, choices)), "only events without a choice, or a filter's word on one, may go"


@pytest.mark.parametrize("recording", good_streams())
def test_a_relayed_stream_says_what_the_provider_said(recording: Recording) -> None:
    sent = recording.text.encode()
    relay = CLIENT.relay(context())
    out = relay.feed(sent) + relay.close()
    response = parsed(sent)
    assert told(parsed(out)) == told(response)
    tally = relay.tally
    assert tally.content
    assert tally.usage == (None if response.usage.source == "none" else response.usage)
    assert tally.tool_calls == sum(isinstance(b, ToolCall) for c in response.choices for b in c.message.blocks)


@pytest.mark.parametrize("recording", good_streams())
def test_the_python_helper_adds_a_relayed_stream_up(recording: Recording) -> None:
    relay = CLIENT.relay(context())
    out = relay.feed(recording.text.encode()) + relay.close()
    state: Any = ChatCompletionStreamState()
    for event in events(out)[:-1]:
        chunk = construct_type(type_=ChatCompletionChunk, value=json.loads(event.partition(b"data:")[2]))
        list(state.handle_chunk(chunk))
    snapshot = state.current_completion_snapshot
    for choice, (index, _, text, calls, _, _) in zip(snapshot.choices, told(parsed(out))[0], strict=True):
        assert choice.index == index
        assert choice.message.role == "assistant"
        assert (choice.message.content or "") == text
        shown = [
            (call.function.name, call.function.arguments or "{}", call.type) for call in choice.message.tool_calls or ()
        ]
        assert shown == calls


@pytest.mark.parametrize("recording", good_streams())
def test_a_translated_stream_is_read_back_the_same_and_by_the_sdk(recording: Recording) -> None:
    sent = recording.text.encode()
    request = Request(messages=(Message("user", (Text("hi"),)),), stream=True, include_usage=True)
    renderer, parser = CLIENT.stream_renderer(context(request)), PROVIDER.stream_parser("issuer")
    out = renderer.render(parser.feed(sent)) + renderer.render(parser.close())
    for event in events(out)[:-1]:
        ChatCompletionChunk.model_validate(json.loads(event[6:]))
    response, back = told(parsed(sent)), told(parsed(out))
    assert back[0] == response[0]


@pytest.mark.parametrize("recording", [param for param in chosen(streams=True) if param.id in FAILED])
def test_a_recorded_failure_fails(recording: Recording) -> None:
    for reader in (CLIENT.relay(context()), PROVIDER.stream_parser("issuer")):
        with pytest.raises(UpstreamError) as caught:
            for _ in itertools.chain([reader.feed(recording.text.encode())], [reader.close()]):
                pass
        assert caught.value.failure == FAILED[recording.name]


def test_the_sdk_is_new_enough_for_these_tests() -> None:
    assert int(openai.__version__.split(".")[0]) >= 3
