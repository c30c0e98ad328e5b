"""Answers are read as strictly as the strictest client reads them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.conformance import reading
from proxy.conformance.clients import Seen

FIXTURES = Path(__file__).resolve().parents[2] / "recordings" / "fixtures"
CHUNK: dict[str, Any] = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


def chat(*datas: Any, usage: bool = False) -> Seen:
    seen = Seen(status=200)
    events = [data if isinstance(data, str) else json.dumps(data) for data in datas]
    reading.read_chat_stream(seen, "".join(f"data: {each}\n\n" for each in events), usage=usage)
    return seen


def delta(finish: str | None = None, **members: Any) -> dict[str, Any]:
    return {**CHUNK, "choices": [{"index": 0, "delta": members, "finish_reason": finish}]}


FIRST, LAST = delta(role="assistant", content=""), delta("stop")
USAGE = {"prompt_tokens": 2, "completion_tokens": 3, "total_tokens": 5}


def test_a_chat_stream_as_it_should_be() -> None:
    told = {**CHUNK, "choices": [], "usage": USAGE}
    seen = chat(FIRST, delta(content="a"), delta(content="b"), LAST, told, "[DONE]", usage=True)
    assert (seen.complaints, seen.text, seen.finish, seen.chunks) == ([], "ab", "stop", 2)
    assert seen.usage == {"input": 2, "output": 3, "cached": 0, "written": 0, "reasoning": 0}


CALL = {"index": 0, "id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
BROKEN: dict[str, tuple[list[Any], str]] = {
    "no end": ([FIRST, LAST], "without [DONE]"),
    "the role twice": ([FIRST, delta(role="assistant"), LAST, "[DONE]"], "the role does not stand in the first delta"),
    "no role": ([delta(content="a"), LAST, "[DONE]"], "the role does not stand in the first delta"),
    "something behind the finish": ([FIRST, LAST, delta(content="x"), "[DONE]"], "follows the finish"),
    "no finish": ([FIRST, "[DONE]"], "no finish_reason"),
    "a vendor's finish": ([FIRST, delta("end_turn"), "[DONE]"], "none of OpenAI's"),
    "an id that changes": ([FIRST, {**LAST, "id": "d"}, "[DONE]"], "change within the stream"),
    "usage nobody asked for": ([FIRST, LAST, {**CHUNK, "choices": [], "usage": USAGE}, "[DONE]"], "nobody asked for"),
    "an empty chunk": ([FIRST, {**CHUNK, "choices": []}, LAST, "[DONE]"], "a chunk without choices"),
    "no JSON": ([FIRST, "{", LAST, "[DONE]"], "not JSON"),
    "a call numbered from 1": (
        [FIRST, delta(tool_calls=[{**CALL, "index": 1}]), delta("tool_calls"), "[DONE]"],
        "numbered from 0",
    ),
    "a call without an id": (
        [FIRST, delta(tool_calls=[{**CALL, "id": ""}]), delta("tool_calls"), "[DONE]"],
        "opens without id",
    ),
    "a call's id again": (
        [FIRST, delta(tool_calls=[CALL]), delta(tool_calls=[CALL]), delta("tool_calls"), "[DONE]"],
        "is repeated",
    ),
    "arguments that are no JSON": (
        [
            FIRST,
            delta(tool_calls=[{**CALL, "function": {"name": "f", "arguments": ""}}]),
            delta("tool_calls"),
            "[DONE]",
        ],
        "no JSON object",
    ),
    "double-encoded arguments": (
        [
            FIRST,
            delta(tool_calls=[{**CALL, "function": {"name": "f", "arguments": '"{}"'}}]),
            delta("tool_calls"),
            "[DONE]",
        ],
        "no JSON object",
    ),
    "an end behind an error": ([FIRST, {"error": {"message": "x"}}, "[DONE]"], "[DONE] follows an error"),
}


@pytest.mark.parametrize(("datas", "words"), BROKEN.values(), ids=BROKEN)
def test_breaches_of_a_chat_stream(datas: list[Any], words: str) -> None:
    assert any(words in complaint for complaint in chat(*datas).complaints)


def test_usage_must_be_last_and_a_sum() -> None:
    told = {**CHUNK, "choices": [], "usage": {**USAGE, "total_tokens": 9}}
    assert "not the sum" in chat(FIRST, LAST, told, "[DONE]", usage=True).complaints[0]
    assert "last chunk" in chat(FIRST, LAST, "[DONE]", usage=True).complaints[0]


def test_an_error_in_a_chat_stream() -> None:
    error = {"message": "x", "type": "server_error", "code": None, "param": None}
    seen = chat(FIRST, delta(content="a"), {"error": error})
    assert (seen.complaints, seen.in_band, seen.text) == ([], True, "a")
    assert seen.error is not None
    assert seen.error["message"] == "x"


@pytest.mark.parametrize("name", ["resp_text", "resp_refusal", "resp_tools_parallel", "resp_reasoning_summary"])
def test_good_response_streams_have_no_breaches(name: str) -> None:
    seen = Seen(status=200)
    reading.read_response_stream(seen, (FIXTURES / f"{name}.sse").read_text(encoding="utf-8"))
    assert seen.complaints == []
    assert seen.finish in ("stop", "tool_calls")


def test_a_cut_and_a_broken_response_stream() -> None:
    cut, broken = Seen(status=200), Seen(status=200)
    reading.read_response_stream(cut, (FIXTURES / "resp_incomplete.sse").read_text(encoding="utf-8"))
    assert (cut.complaints, cut.finish) == ([], "length")
    reading.read_response_stream(broken, (FIXTURES / "resp_error_hybrid.sse").read_text(encoding="utf-8"))
    assert (broken.complaints, broken.in_band) == ([], True)


def _text(events: list[dict[str, Any]]) -> str:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)


def _events() -> list[dict[str, Any]]:
    text = (FIXTURES / "resp_text.sse").read_text(encoding="utf-8")
    return [json.loads(data) for data in reading.events_of(text)]


def _without(kind: str) -> list[dict[str, Any]]:
    events = [event for event in _events() if event["type"] != kind]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def test_breaches_of_a_response_stream() -> None:
    events = _events()
    gap = [{**event, "sequence_number": event["sequence_number"] + (index > 3)} for index, event in enumerate(events)]
    empty = [*events[:-1], {**events[-1], "response": {**events[-1]["response"], "output": []}}]
    for changed, words in (
        (gap, "not dense"),
        (events[1:], "not response.created"),
        (events[:-1], "exactly one terminal"),
        (empty, "does not repeat the items"),
        (_without("response.output_item.done"), "does not repeat the items"),
        (_without("response.output_text.done"), "output_text.done events do not tell"),
    ):
        seen = Seen(status=200)
        reading.read_response_stream(seen, _text(changed))
        assert any(words in complaint for complaint in seen.complaints), words


def test_whole_answers() -> None:
    seen = Seen(status=200)
    reading.read_chat(seen, {"object": "chat.completion", "id": "x", "model": "m", "choices": []})
    assert "no choices" in seen.complaints[0]
    message = {"role": "assistant", "content": None, "tool_calls": []}
    reading.read_chat(
        seen := Seen(status=200),
        {**CHUNK, "object": "chat.completion", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}]},
    )
    assert "a list of none" in seen.complaints[0]
    reading.read_response(seen := Seen(status=200), {"object": "response"})
    assert "lacks" in seen.complaints[0]


def test_errors_have_four_members() -> None:
    for text, words in (
        ("<html>", "not JSON"),
        ('{"detail": "x"}', "envelope"),
        ('{"error": {"message": "x"}}', "envelope"),
    ):
        reading.read_error(seen := Seen(status=400), text)
        assert words in seen.complaints[0]
    good = '{"error": {"message": "x", "type": "t", "code": null, "param": null}}'
    reading.read_error(seen := Seen(status=400), good)
    assert (seen.complaints, seen.error and seen.error["message"]) == ([], "x")
