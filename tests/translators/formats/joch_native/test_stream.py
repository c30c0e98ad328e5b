"""Streams: the order of events, that they add up to the whole answer, and how they end."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from translators.canonical import (
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    Media,
    Message,
    NativeEvent,
    Reason,
    Reasoning,
    Response,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
    UsageUpdate,
    opened,
    unfold,
)
from translators.formats.joch_native import completed
from translators.formats.joch_native.response import render_response
from translators.formats.joch_native.stream import NativeRenderer
from translators.formats.joch_native.told import render_stop

from .documents import BLOCKS, CITATION, TOLD, answer, blocks, check_answer, context

BROKEN = UpstreamError(Reason.STREAM_CUT, "The provider's stream stopped before its end.")


def events(data: bytes) -> list[dict[str, Any]]:
    """The events in `data`. Each has a name, which its data repeats, and a number that follows the one before."""
    found: list[dict[str, Any]] = []
    assert data == b"" or data.endswith(b"\n\n")
    for event in data.decode().split("\n\n")[:-1]:
        name, text = event.split("\n")
        told = json.loads(text.removeprefix("data: "))
        assert name == f"event: {told['type']}"
        found.append(told)
    assert [event["seq"] for event in found] == list(range(len(found))), "numbers have gaps"
    return found


def streamed(chunks: Iterable[Chunk], *, full: bool = False, **fields: Any) -> list[dict[str, Any]]:
    """The events that a client gets, the last one included as the server writes it."""
    held: list[Any] = []
    renderer = NativeRenderer(context(**fields), lambda: TOLD, held.append, full=full)
    data = b"".join(renderer.render([chunk]) for chunk in chunks)
    return events(data + b"".join(render_stop(event, TOLD) for event in held))


def check_order(found: list[dict[str, Any]]) -> None:
    """start, then blocks that open, go on and close, then usage, then one end."""
    names = [event["type"] for event in found]
    assert names[0] == "response.start"
    assert names[-1] in ("response.stop", "error")
    assert names.count("response.start") == 1
    assert names.count("response.stop") + names.count("error") == 1
    if "usage" in names:
        assert names.index("usage") == len(names) - 2, "usage stands right before the end"
    state: dict[tuple[int, int], str] = {}
    for event in found:
        if "index" not in event:
            continue
        at = (event["choice"], event["index"])
        if event["type"] == "block.start":
            assert at not in state, "a block opened twice"
            state[at] = "open"
        else:
            assert state.get(at) == "open", f"{event['type']} of a block that is not open"
            if event["type"] == "block.stop":
                state[at] = "closed"
    if names[-1] == "response.stop":
        assert {*state.values()} <= {"closed"}, "a block was left open"


def said(found: list[dict[str, Any]], kind: str, member: str) -> str:
    """What the deltas of the first choice's blocks of `kind` add up to."""
    indices = [
        event["index"]
        for event in found
        if event["type"] == "block.start" and event["choice"] == 0 and event["block"]["type"] == kind
    ]
    pieces: dict[int, str] = dict.fromkeys(sorted(indices), "")
    for event in found:
        if event["type"] == "block.delta" and event["choice"] == 0 and event["index"] in pieces:
            pieces[event["index"]] += event["delta"].get(member, "")
    return "".join(pieces.values())


@st.composite
def streams(draw: st.DrawFn) -> tuple[Response, list[Chunk]]:
    """An answer of one or two choices, and a stream of it whose deltas are cut and whose blocks interleave anyhow."""
    choices = tuple(
        Choice(index=index, message=Message("assistant", tuple(turn)), finish=Finish.STOP)
        for index, turn in enumerate(draw(st.lists(st.lists(blocks(), max_size=4), min_size=1, max_size=2)))
    )
    response = answer(choices=choices)
    lanes: list[list[Chunk]] = []
    start, *rest = unfold(response)
    for chunk in rest:
        if isinstance(chunk, BlockStart):
            lanes.append([])
        if isinstance(chunk, BlockDelta) and len(chunk.value) > 1 and chunk.logprobs is None:
            cut = draw(st.integers(1, len(chunk.value) - 1))
            lanes[-1] += [replace(chunk, value=chunk.value[:cut]), replace(chunk, value=chunk.value[cut:])]
        elif isinstance(chunk, (BlockStart, BlockDelta, BlockStop, AnnotationAdded)):
            lanes[-1].append(chunk)
    mixed: list[Chunk] = [start]
    while any(lanes):
        mixed.append(draw(st.sampled_from([lane for lane in lanes if lane])).pop(0))
    return response, [*mixed, *(chunk for chunk in rest if isinstance(chunk, (ChoiceStop, UsageUpdate, End)))]


@given(streams())
def test_a_stream_in_any_order_says_what_the_whole_answer_says(stream: tuple[Response, list[Chunk]]) -> None:
    response, chunks = stream
    found = streamed(chunks, full=True)
    check_order(found)
    whole = json.loads(completed(json.dumps(render_response(response, context())).encode(), TOLD))
    stop = {name: value for name, value in found[-1].items() if name not in ("type", "seq")}
    check_answer(stop)
    assert stop == whole
    assert said(found, "text", "text") == whole["text"]
    calls = [call for choice in whole["choices"][:1] for call in choice["message"]["toolCalls"]]
    assert said(found, "tool_call", "arguments") == "".join(call["arguments"] for call in calls)


@given(streams())
def test_the_blocks_that_close_are_the_blocks_of_the_whole_answer(stream: tuple[Response, list[Chunk]]) -> None:
    response, chunks = stream
    closed = {
        (event["choice"], event["index"]): event["block"] for event in streamed(chunks) if event["type"] == "block.stop"
    }
    for choice in render_response(response, context())["choices"]:
        of_choice = [block for (index, _), block in sorted(closed.items()) if index == choice["index"]]
        message = json.loads(json.dumps(choice["message"]))
        assert [block for block in of_choice if block["type"] != "tool_call"] == message["content"]
        calls = [{**call, "type": "tool_call"} for call in message["toolCalls"]]
        assert [block for block in of_choice if block["type"] == "tool_call"] == calls


def test_the_events_of_a_short_answer_are_these() -> None:
    found = streamed(unfold(answer(Text("hi"))))
    assert [(event["type"], event["seq"]) for event in found] == [
        ("response.start", 0),
        ("block.start", 1),
        ("block.delta", 2),
        ("block.stop", 3),
        ("usage", 4),
        ("response.stop", 5),
    ]
    assert (found[0]["id"], found[0]["servedBy"], found[0]["responseModel"]) == ("mc_01", "google:gemini-pro", "m")
    assert (found[2]["choice"], found[2]["index"], found[2]["delta"]) == (0, 0, {"text": "hi"})
    assert found[4]["totalTokens"] == 18


def test_the_last_event_is_brief_unless_the_client_wants_it_whole() -> None:
    brief, full = streamed(unfold(answer(Text("hi"))))[-1], streamed(unfold(answer(Text("hi"))), full=True)[-1]
    assert brief["choices"][0]["message"]["content"] == [{"type": "text"}]
    assert "text" not in brief
    assert full["text"] == "hi"
    check_answer({name: value for name, value in brief.items() if name not in ("type", "seq")})


def test_usage_that_comes_early_or_often_is_told_once_behind_the_blocks() -> None:
    chunks = list(unfold(answer(Text("hi"))))
    early = [chunks[0], UsageUpdate(Usage(input=5)), *chunks[1:]]
    found = streamed(early)
    check_order(found)
    assert [event["outputTokens"] for event in found if event["type"] == "usage"] == [7]


def test_a_block_that_is_told_only_when_it_is_whole_still_has_its_content_in_deltas() -> None:
    for name, field in (("text", "text"), ("call", "arguments"), ("picture", "data"), ("refusal", "text")):
        block = BLOCKS[name]
        chunks: list[Chunk] = [
            Start("r", "m"),
            BlockStart(0, 0, opened(block)),
            BlockStop(0, 0, block),
            ChoiceStop(0, Finish.STOP),
            End(),
        ]
        found = streamed(chunks)
        deltas = [event["delta"].get(field) for event in found if event["type"] == "block.delta"]
        assert deltas == [getattr(block, field)], name


def test_annotations_are_told_once_whenever_they_come() -> None:
    second = {**CITATION, "url": "https://example.org"}
    text = Text("hi", (CITATION, second))
    chunks: list[Chunk] = [
        Start("r", "m"),
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "hi"),
        AnnotationAdded(0, 0, CITATION),
        BlockStop(0, 0, text),
        ChoiceStop(0, Finish.STOP),
        End(),
    ]
    found = streamed(chunks)
    check_order(found)
    assert [event["annotation"] for event in found if event["type"] == "annotation"] == [CITATION, second]


def test_summaries_say_which_part_they_belong_to() -> None:
    found = streamed(unfold(answer(Reasoning(summary=("a", "b")))))
    deltas = [event["delta"] for event in found if event["type"] == "block.delta"]
    assert deltas == [{"summary": "a", "summaryIndex": 0}, {"summary": "b", "summaryIndex": 1}]


def test_thoughts_that_are_not_to_be_shown_are_not_streamed() -> None:
    turn = (Reasoning(("secret",), "secret"), Text("hi"))
    found = streamed(unfold(answer(*turn)), full=True, show_reasoning=False)
    assert "secret" not in json.dumps(found)
    assert said(found, "text", "text") == "hi"


def test_an_event_of_another_format_is_not_passed_on() -> None:
    chunks = list(unfold(answer(Text("hi"))))
    plain, odd = streamed(chunks), streamed([chunks[0], NativeEvent("openai_responses", "odd", {}), *chunks[1:]])
    assert plain == odd


def test_a_stream_that_breaks_ends_in_an_error_behind_what_it_used() -> None:
    held: list[Any] = []
    renderer = NativeRenderer(context(), lambda: TOLD, held.append)
    data = renderer.render([Start("r", "m"), UsageUpdate(Usage(input=5)), BlockStart(0, 0, Text(""))])
    found = events(data + renderer.fail(BROKEN))
    check_order(found)
    assert [event["type"] for event in found] == ["response.start", "block.start", "usage", "error"]
    assert found[-1]["error"] == {
        "message": "The provider's stream stopped before its end.",
        "type": "server_error",
        "param": None,
        "code": "incomplete",
    }
    assert held == [None], "the end that was held back must not follow"
    assert renderer.render(list(unfold(answer(Text("late"))))) == b"", "nothing follows an error"


def test_an_error_behind_the_end_takes_it_back() -> None:
    held: list[Any] = []
    renderer = NativeRenderer(context(), lambda: TOLD, held.append)
    data = renderer.render(unfold(answer(Text("hi")))) + renderer.fail(BROKEN)
    assert held[-1] is None
    assert data.count(b"event: usage") == 1


def test_attempts_are_told_before_the_start_to_those_who_asked() -> None:
    progress = (("route.attempt", {"index": 0, "ref": "a:b"}), ("route.switched", {"from": "a:b", "to": "c:d"}))
    renderer = NativeRenderer(context(), lambda: replace(TOLD, progress=progress))
    found = events(renderer.render(unfold(answer(Text("hi")))))
    assert [event["type"] for event in found[:3]] == ["route.attempt", "route.switched", "response.start"]
    assert (found[0]["ref"], found[1]["from"]) == ("a:b", "a:b")
    failing = NativeRenderer(context(), lambda: replace(TOLD, progress=progress))
    assert [event["type"] for event in events(failing.fail(BROKEN))] == ["route.attempt", "route.switched", "error"]


def test_without_anybody_to_ask_a_stream_is_still_one() -> None:
    found = events(NativeRenderer(context()).render(unfold(answer(Text("hi"), ToolCall("c", "f", "{}")))))
    check_order(found)
    assert found[0]["responseModel"] == "m"
    assert found[-1]["status"] == "requires_tool"


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_every_kind_of_block_can_be_streamed(block: Block) -> None:
    check_order(streamed(unfold(answer(block))))


def test_a_sound_comes_as_data_and_transcript() -> None:
    found = streamed(unfold(answer(Media(kind="audio", data="QUJD", transcript="hi"))))
    assert [event["delta"] for event in found if event["type"] == "block.delta"] == [
        {"data": "QUJD"},
        {"transcript": "hi"},
    ]


def test_logprobs_stand_beside_the_text_they_are_of() -> None:
    tokens = ({"token": "hi", "logprob": -1},)
    found = streamed(unfold(answer(Text("hi", logprobs=tokens))))
    assert found[2]["delta"] == {"text": "hi", "logprobs": list(tokens)}
