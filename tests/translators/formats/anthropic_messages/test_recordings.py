"""Every recorded answer of the Messages API says the same after it went through the format, however its bytes are split.

In canonical form, and in both dialects of the clients.
"""

import base64
import itertools
import json
from typing import Any

import pytest

from translators.canonical import (
    Choice,
    Finish,
    HostedItem,
    Message,
    Opaque,
    Reason,
    Reasoning,
    Refusal,
    Request,
    Response,
    StateSpec,
    Text,
    ToolCall,
    UpstreamError,
    fold,
    unfold,
)
from translators.formats import RenderContext, openai_chat, openai_responses
from translators.formats.anthropic_messages import PROVIDER

from .recorded import Recording, events_of, is_server, recordings, runs_of_text, tokens_of

ISSUER = "anthropic:claude"
FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "compaction": Finish.LENGTH,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
}
ANSWERS = [pytest.param(r, id=r.id) for r in recordings() if r.status == 200]
WHOLE = [pytest.param(r, id=r.id) for r in recordings() if r.status == 200 and not r.is_stream]
STREAMS = [pytest.param(r, id=r.id) for r in recordings() if r.is_stream]
ERRORS = [pytest.param(r, id=r.id) for r in recordings() if r.status != 200]


def read(recording: Recording, step: int = 1 << 30) -> Response:
    if recording.whole is not None:
        return PROVIDER.parse_response(recording.whole, ISSUER)
    raw = recording.text.encode()
    parser = PROVIDER.stream_parser(ISSUER)
    chunks = [chunk for at in range(0, len(raw), step) for chunk in parser.feed(raw[at : at + step])]
    return fold([*chunks, *parser.close()])


def blocks_of(response: Response, kind: type) -> list[Any]:
    return [block for block in response.choices[0].message.blocks if isinstance(block, kind)]


def test_there_are_recordings_of_both_kinds():
    assert len(WHOLE) > 20
    assert len(STREAMS) > 15
    assert len(ERRORS) > 5


@pytest.mark.parametrize("recording", ANSWERS)
def test_an_answer_says_the_same(recording: Recording):
    message, response = recording.message(), read(recording)
    content = message["content"]
    assert [block.text for block in blocks_of(response, Text)] == runs_of_text(content)
    calls = [block for block in content if block["type"] == "tool_use"]
    assert [(c.id, c.name, json.loads(c.arguments), c.kind) for c in blocks_of(response, ToolCall)] == [
        (block["id"], block["name"], block["input"], "function") for block in calls
    ]
    thoughts = [block["thinking"] for block in content if block["type"] == "thinking" and block["thinking"]]
    assert [text for block in blocks_of(response, Reasoning) for text in block.summary] == thoughts
    choice = response.choices[0]
    assert choice.finish is FINISHES[message["stop_reason"]]
    assert (choice.finish_raw, choice.stop_sequence) == (message["stop_reason"], message.get("stop_sequence"))
    assert (response.id, response.model) == (message["id"], message["model"])
    assert len(response.choices) == 1


@pytest.mark.parametrize("recording", ANSWERS)
def test_what_has_to_come_back_is_kept_as_it_came(recording: Recording):
    content = [
        block
        for block in recording.message()["content"]
        if is_server(block) or block["type"] in ("thinking", "redacted_thinking")
    ]
    sealed = [blob for block in blocks_of(read(recording), Reasoning) for blob in block.opaque]
    assert [opened(blob) for blob in sealed] == content
    assert {blob.issuer for blob in sealed} <= {ISSUER}


def opened(blob: Opaque) -> dict[str, Any]:
    if blob.kind == "redacted_thinking":
        return {"type": blob.kind, "data": blob.data}
    assert blob.kind in ("thinking", "block")
    return json.loads(blob.data)


@pytest.mark.parametrize("recording", ANSWERS)
def test_the_order_of_blocks_is_kept(recording: Recording):
    kinds: list[str] = []
    for block in recording.message()["content"]:
        kind = "kept" if is_server(block) else block["type"].removeprefix("redacted_")
        if kinds[-1:] != [kind] or kind not in ("kept", "text"):
            kinds.append(kind)
    names = {Text: "text", ToolCall: "tool_use"}
    came = []
    for block in read(recording).choices[0].message.blocks:
        if isinstance(block, Reasoning):
            came.append("kept" if block.opaque[0].kind == "block" else "thinking")
        elif not isinstance(block, HostedItem):
            came.append(names[type(block)])
    assert came == kinds


@pytest.mark.parametrize("recording", ANSWERS)
def test_usage_is_inclusive_and_possible(recording: Recording):
    message, usage = recording.message(), read(recording).usage
    assert usage.is_sane()
    assert usage.source == "provider"
    assert {name: getattr(usage, name) for name in tokens_of(message)} == tokens_of(message)
    asked = message["usage"].get("server_tool_use") or {}
    tools = {name.removesuffix("_requests"): count for name, count in asked.items() if count}
    assert usage.tool_requests == tools


@pytest.mark.parametrize("recording", ANSWERS)
def test_where_and_how_it_was_served_is_told(recording: Recording):
    message, response = recording.message(), read(recording)
    tier = message["usage"].get("service_tier")
    assert response.service_tier == {"standard": "default", None: None}.get(tier, tier)
    geo = message["usage"].get("inference_geo")
    assert response.extensions.get("inference_geo") == (None if geo == "not_available" else geo)
    assert response.extensions.get("container") == message.get("container")


@pytest.mark.parametrize("recording", ANSWERS)
def test_citations_name_their_sources_and_span_the_cited_text(recording: Recording):
    expected: list[Any] = []
    start, before = 0, ""
    for block in recording.message()["content"]:
        if block["type"] == "text":
            start = start if before == "text" else 0
            for citation in block.get("citations") or ():
                if citation["type"] == "web_search_result_location":
                    expected.append((citation["url"], start, start + len(block["text"])))
                else:
                    expected.append((citation["document_title"] or "", citation["document_index"]))
            start += len(block["text"])
        before = block["type"]
    found = []
    for text in blocks_of(read(recording), Text):
        for each in text.annotations:
            if each["type"] == "url_citation":
                found.append((each["url"], each["start_index"], each["end_index"]))
                assert text.text[each["start_index"] : each["end_index"]]
            else:
                assert each["type"] == "file_citation"
                found.append((each["filename"], each["index"]))
    assert found == expected


@pytest.mark.parametrize("recording", ANSWERS)
def test_searches_and_programs_are_shown_as_openai_shows_them(recording: Recording):
    content = recording.message()["content"]
    uses = {block["id"]: block for block in content if block["type"] == "server_tool_use"}
    shown = [item.raw for item in blocks_of(read(recording), HostedItem)]
    results = (
        "web_search_tool_result",
        "web_fetch_tool_result",
        "code_execution_tool_result",
        "bash_code_execution_tool_result",
    )
    expected = [block for block in content if block["type"] in results]
    assert [raw["id"] for raw in shown] == [block["tool_use_id"] for block in expected]
    for raw, block in zip(shown, expected, strict=True):
        asked = uses.get(block["tool_use_id"], {"input": {}})["input"]
        if raw["type"] == "code_interpreter_call":
            assert raw["code"] == (asked.get("code") or asked.get("command"))
        elif raw["action"]["type"] == "search":
            assert raw["action"]["query"] == asked.get("query", "")
            assert [source["url"] for source in raw["action"]["sources"]] == [page["url"] for page in block["content"]]
        else:
            assert raw["action"]["url"] == asked["url"]
        told = block["content"] if isinstance(block["content"], dict) else {}
        assert raw["status"] == ("failed" if "error_code" in told else "completed")


@pytest.mark.parametrize("recording", STREAMS)
def test_a_stream_says_the_same_however_it_is_split(recording: Recording):
    first = read(recording)
    assert [read(recording, step) for step in (1, 7, 100)] == [first] * 3


@pytest.mark.parametrize("recording", STREAMS)
def test_a_stream_says_what_the_whole_answer_would(recording: Recording):
    message = recording.message()
    whole, streamed = PROVIDER.parse_response(message, ISSUER), read(recording)
    assert same_calls(whole) == same_calls(streamed)
    assert without_calls(whole) == without_calls(streamed)


def same_calls(response: Response) -> list[Any]:
    return [(call.id, call.name, json.loads(call.arguments)) for call in blocks_of(response, ToolCall)]


def without_calls(response: Response) -> Any:
    blocks = tuple(block for block in response.choices[0].message.blocks if not isinstance(block, ToolCall))
    choice = response.choices[0]
    return (
        blocks,
        choice.finish,
        choice.finish_raw,
        choice.stop_sequence,
        response.usage,
        response.extensions,
        response.id,
    )


@pytest.mark.parametrize("recording", STREAMS)
def test_a_stream_without_its_end_has_failed(recording: Recording):
    at = recording.text.rindex("event: message_stop")
    parser = PROVIDER.stream_parser(ISSUER)
    parser.feed(recording.text[:at].encode())
    with pytest.raises(UpstreamError) as caught:
        parser.close()
    assert caught.value.reason is Reason.STREAM_CUT


# --- in the dialects of the clients -----------------------------------------------------------------------------------


def context() -> RenderContext:
    numbers = itertools.count(1)
    asked = Request(
        messages=(Message("user", (Text("hi"),)),),
        model="m",
        stream=True,
        include_usage=True,
        state=StateSpec(include=("reasoning.encrypted_content",)),
    )

    def seal(blobs: tuple[Opaque, ...]) -> str:
        return "sealed." + base64.b64encode(json.dumps([[b.kind, b.data] for b in blobs]).encode()).decode()

    return RenderContext(request=asked, new_id=lambda prefix: f"{prefix}{next(numbers)}", created=1790000000, seal=seal)


def finish_of(response: Response) -> str:
    return {Finish.STOP: "stop", Finish.LENGTH: "length", Finish.TOOL_CALLS: "tool_calls"}[response.choices[0].finish]


def assert_chat_says_the_same(recording: Recording, message: dict[str, Any], finish: str | None, usage: Any) -> None:
    content = recording.message()["content"]
    text = "".join(block["text"] for block in content if block["type"] == "text")
    said = message.get("content") or ""
    if any(block["type"] == "server_tool_use" for block in content):
        said, text = "".join(said.split()), "".join(text.split())  # paragraphs around a tool at work
    assert said == text
    calls = [block for block in content if block["type"] == "tool_use"]
    assert [
        (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"]))
        for call in message.get("tool_calls") or ()
    ] == [(block["id"], block["name"], block["input"]) for block in calls]
    thoughts = [block["thinking"] for block in content if block["type"] == "thinking" and block["thinking"]]
    assert message.get("reasoning_content", "") == "\n\n".join(thoughts)
    cited = [each["url"] for block in content for each in block.get("citations") or () if "url" in each]
    assert [each["url_citation"]["url"] for each in message.get("annotations") or ()] == cited
    assert finish == finish_of(read(recording))
    assert_openai_counts(recording, usage, "prompt_tokens", "completion_tokens")


def assert_openai_counts(recording: Recording, usage: Any, name_in: str, name_out: str) -> None:
    tokens = tokens_of(recording.message())
    assert (usage[name_in], usage[name_out]) == (tokens["input"], tokens["output"])
    assert usage["total_tokens"] == tokens["input"] + tokens["output"]
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    assert details["cached_tokens"] == tokens["cached"]
    assert details.get("cache_write_tokens", 0) == tokens["cache_write"]
    thought = usage.get("completion_tokens_details") or usage.get("output_tokens_details")
    assert thought["reasoning_tokens"] == tokens["reasoning"]


@pytest.mark.parametrize("recording", ANSWERS)
def test_a_chat_client_is_told_the_same(recording: Recording):
    response = read(recording)
    body = openai_chat.CLIENT.render_response(response, context())
    choice = body["choices"][0]
    assert_chat_says_the_same(recording, choice["message"], choice["finish_reason"], body["usage"])


@pytest.mark.parametrize("recording", ANSWERS)
def test_a_streaming_chat_client_is_told_the_same(recording: Recording):
    raw = openai_chat.CLIENT.stream_renderer(context()).render(chunks_of(recording))
    message: dict[str, Any] = {"content": "", "reasoning_content": "", "tool_calls": [], "annotations": []}
    finish, usage = None, None
    for event in events_of(raw.decode()):
        usage = event.get("usage") or usage
        for choice in event["choices"]:
            finish = choice["finish_reason"] or finish
            delta = choice["delta"]
            message["content"] += delta.get("content") or ""
            message["reasoning_content"] += delta.get("reasoning_content") or ""
            message["annotations"] += delta.get("annotations") or []
            for call in delta.get("tool_calls") or ():
                if call["index"] == len(message["tool_calls"]):
                    message["tool_calls"].append({"id": call["id"], "function": {**call["function"]}})
                else:
                    message["tool_calls"][call["index"]]["function"]["arguments"] += call["function"]["arguments"]
    assert_chat_says_the_same(recording, message, finish, usage)


def chunks_of(recording: Recording) -> list[Any]:
    if recording.whole is not None:
        return list(unfold(read(recording)))
    parser = PROVIDER.stream_parser(ISSUER)
    return [*parser.feed(recording.text.encode()), *parser.close()]


def assert_responses_say_the_same(recording: Recording, body: dict[str, Any]) -> None:
    content = recording.message()["content"]
    messages = [item for item in body["output"] if item["type"] == "message"]
    assert [part["text"] for item in messages for part in item["content"]] == runs_of_text(content)
    calls = [item for item in body["output"] if item["type"] == "function_call"]
    assert [(call["call_id"], call["name"], json.loads(call["arguments"])) for call in calls] == [
        (block["id"], block["name"], block["input"]) for block in content if block["type"] == "tool_use"
    ]
    reasoning = [item for item in body["output"] if item["type"] == "reasoning"]
    thoughts = [block["thinking"] for block in content if block["type"] == "thinking" and block["thinking"]]
    assert [part["text"] for item in reasoning for part in item["summary"]] == thoughts
    blobs = [
        blob
        for item in reasoning
        for blob in json.loads(base64.b64decode(item["encrypted_content"].removeprefix("sealed.")))
    ]
    kept = [b for b in content if is_server(b) or b["type"] in ("thinking", "redacted_thinking")]
    assert [json.loads(data) if kind != "redacted_thinking" else data for kind, data in blobs] == [
        block if block["type"] != "redacted_thinking" else block["data"] for block in kept
    ]
    cited = [len(block.get("citations") or ()) for block in content if block["type"] == "text"]
    annotations = [each for item in messages for part in item["content"] for each in part["annotations"]]
    assert len(annotations) == sum(cited)
    is_cut = read(recording).choices[0].finish is Finish.LENGTH
    assert body["status"] == ("incomplete" if is_cut else "completed")
    assert body["incomplete_details"] == ({"reason": "max_output_tokens"} if is_cut else None)
    assert_openai_counts(recording, body["usage"], "input_tokens", "output_tokens")


@pytest.mark.parametrize("recording", ANSWERS)
def test_a_responses_client_is_told_the_same(recording: Recording):
    assert_responses_say_the_same(recording, openai_responses.CLIENT.render_response(read(recording), context()))


@pytest.mark.parametrize("recording", ANSWERS)
def test_a_streaming_responses_client_is_told_the_same(recording: Recording):
    raw = openai_responses.CLIENT.stream_renderer(context()).render(chunks_of(recording))
    events = events_of(raw.decode())
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    body = events[-1]["response"]
    assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == body["output"]
    assert_responses_say_the_same(recording, body)


# --- refusals ---------------------------------------------------------------------------------------------------------

REASONS = {
    "not_found_error": Reason.NOT_FOUND,
    "authentication_error": Reason.AUTH,
    "invalid_request_error": Reason.INVALID_REQUEST,
}
SPECIAL = {
    "prompt is too long": Reason.CONTEXT_LENGTH,
    "too complex for compilation": Reason.UNSUPPORTED,
    "Too many strict tools": Reason.UNSUPPORTED,
    "contains too many": Reason.UNSUPPORTED,
}


@pytest.mark.parametrize("recording", ERRORS)
def test_a_refusal_is_classified_and_keeps_its_words(recording: Recording):
    error = PROVIDER.parse_error(recording.status, recording.headers, json.dumps(recording.whole).encode())
    message = recording.whole["error"]["message"]
    special = next((reason for words, reason in SPECIAL.items() if words in message), None)
    assert error.reason is (special or REASONS[recording.whole["error"]["type"]])
    assert error.http_status == recording.status
    if error.reason is not Reason.AUTH:
        assert error.body.message.endswith(message)


def test_a_refusal_is_said_in_both_dialects():
    """None was recorded: https://platform.claude.com/docs/en/test-and-evaluate/strengthen-guardrails/handle-streaming-refusals"""
    details = {"type": "refusal", "category": "cyber", "explanation": "This could harm systems."}
    usage = {"input_tokens": 5, "output_tokens": 1}
    body = {"id": "msg_1", "model": "claude-opus-5", "content": [], "stop_reason": "refusal", "usage": usage}
    response = PROVIDER.parse_response({**body, "stop_details": details}, ISSUER)
    assert response.choices[0] == Choice(
        index=0,
        message=Message("assistant", (Refusal("This could harm systems."),)),
        finish=Finish.REFUSAL,
        finish_raw="refusal",
    )
    chat = openai_chat.CLIENT.render_response(response, context())["choices"][0]
    assert chat["message"]["refusal"] == "This could harm systems."
    answer = openai_responses.CLIENT.render_response(response, context())
    assert answer["output"][0]["content"] == [{"type": "refusal", "refusal": "This could harm systems."}]
