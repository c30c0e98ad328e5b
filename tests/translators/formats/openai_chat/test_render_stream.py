"""Canonical chunks as an OpenAI chat stream, read by the official SDK at its strictest and by its helper."""

import openai
import pytest

from translators.canonical import (
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    End,
    Finish,
    HostedItem,
    Media,
    NativeEvent,
    Reasoning,
    Refusal,
    Request,
    RequestError,
    Start,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
)
from translators.formats.openai_chat import CLIENT

from . import sdk
from .wire import TERMINAL, bodies, call, context, deltas, fragment

START = Start("chatcmpl-1", "m", 7)
STOP = ChoiceStop(0, Finish.STOP, "stop")
ASKED = Request(messages=(), stream=True, include_usage=True)
LEGACY = Request(messages=(), stream=True, legacy_functions=True)
ROLE = {"role": "assistant", "content": ""}
SILENT = {"role": "assistant", "content": None}


def said(index, block, *values, choice=0, field="text", complete=None):
    """A block that opens, grows by `values` and stops."""
    grown = "".join(values)
    if complete is None:
        match block:
            case ToolCall():
                complete = ToolCall(block.id, block.name, grown, block.kind)
            case Reasoning():
                complete = Reasoning(text=grown) if field == "text" else block
            case _:
                complete = type(block)(grown)
    pieces = [BlockDelta(choice, index, field, value) for value in values]
    return [BlockStart(choice, index, block), *pieces, BlockStop(choice, index, complete)]


def rendered(*chunks, request=None, check=True, **settings):
    renderer = CLIENT.stream_renderer(context(request, **settings))
    data = renderer.render([START, *chunks])
    if check:
        sdk.raw_chunks(data)
        sdk.helped(data)
    return data


def test_a_text_stream_is_the_one_openai_sends():
    data = rendered(*said(0, Text(""), "he", "y"), STOP, UsageUpdate(Usage(input=3, output=2)), End())
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7, "model": "m"}

    def one(delta, finish=None):
        return {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}

    assert bodies(data) == [one(ROLE), one({"content": "he"}), one({"content": "y"}), one({}, "stop")]
    assert data.endswith(TERMINAL)
    assert sdk.helped(data).choices[0].message.content == "hey"


def test_usage_comes_last_and_only_if_asked_for():
    chunks = [*said(0, Text(""), "hey"), STOP, UsageUpdate(Usage(input=3, output=2)), End()]
    data = rendered(*chunks, request=ASKED)
    assert [body["usage"] for body in bodies(data)[:-1]] == [None, None, None]
    assert bodies(data)[-1]["choices"] == []
    assert bodies(data)[-1]["usage"]["total_tokens"] == 5
    assert sdk.helped(data).usage.total_tokens == 5
    assert all("usage" not in body for body in bodies(rendered(*chunks)))
    assert all("usage" not in body for body in bodies(rendered(*chunks, request=ASKED, hide_usage=True)))


def test_calls_that_interleave_are_told_one_after_the_other():
    """The Python helper takes a call for whole as soon as the next one says something."""
    data = rendered(
        *said(0, Text(""), "so"),
        BlockStart(0, 1, ToolCall("a", "f", "")),
        BlockStart(0, 2, ToolCall("b", "g", "")),
        BlockDelta(0, 2, "arguments", '{"y"'),
        BlockDelta(0, 1, "arguments", "{}"),
        BlockDelta(0, 2, "arguments", ":2}"),
        BlockStop(0, 1, ToolCall("a", "f", "{}")),
        BlockStop(0, 2, ToolCall("b", "g", '{"y":2}')),
        ChoiceStop(0, Finish.TOOL_CALLS),
        End(),
    )
    assert deltas(data) == [
        ROLE,
        {"content": "so"},
        {"tool_calls": [call(0, "a", "f")]},
        {"tool_calls": [fragment(0, "{}")]},
        {"tool_calls": [call(1, "b", "g")]},
        {"tool_calls": [fragment(1, '{"y"')]},
        {"tool_calls": [fragment(1, ":2}")]},
        {},
    ]
    assert bodies(data)[-1]["choices"][0]["finish_reason"] == "tool_calls"
    calls = sdk.helped(data, ("f", "g")).choices[0].message.tool_calls
    assert [(one.id, one.function.name, one.function.arguments) for one in calls] == [
        ("a", "f", "{}"),
        ("b", "g", '{"y":2}'),
    ]


def test_a_call_that_is_whole_before_its_turn_waits_for_it():
    data = rendered(
        *(BlockStart(0, index, ToolCall(name, name, "")) for index, name in enumerate("abc")),
        BlockDelta(0, 1, "arguments", "[1]"),
        BlockStop(0, 1, ToolCall("b", "b", "[1]")),
        BlockDelta(0, 2, "arguments", "[2]"),
        BlockDelta(0, 0, "arguments", "[0]"),
        BlockStop(0, 0, ToolCall("a", "a", "[0]")),
        BlockStop(0, 2, ToolCall("c", "c", "[2]")),
        ChoiceStop(0, Finish.TOOL_CALLS),
        End(),
    )
    calls = sdk.helped(data, ("a", "b", "c")).choices[0].message.tool_calls
    assert [(one.function.name, one.function.arguments) for one in calls] == [("a", "[0]"), ("b", "[1]"), ("c", "[2]")]


def test_a_call_without_arguments_ends_with_an_empty_object():
    data = rendered(*said(0, ToolCall("a", "f", "")), ChoiceStop(0, Finish.TOOL_CALLS), End())
    assert deltas(data) == [
        SILENT,
        {"tool_calls": [call(0, "a", "f")]},
        {"tool_calls": [fragment(0, "{}")]},
        {},
    ]
    assert sdk.helped(data, ("f",)).choices[0].message.tool_calls[0].function.parsed_arguments is not None


def test_a_custom_call_is_one_delta():
    custom = ToolCall("a", "g", "", "custom")
    data = rendered(
        *said(0, custom, "4 ", "+ 4", field="arguments"), ChoiceStop(0, Finish.TOOL_CALLS), End(), check=False
    )
    assert deltas(data) == [
        SILENT,
        {"tool_calls": [{"index": 0, "id": "a", "type": "custom", "custom": {"name": "g", "input": "4 + 4"}}]},
        {},
    ]


def test_a_client_of_functions_gets_function_call_deltas_of_the_first_call():
    data = rendered(
        *said(0, ToolCall("a", "f", ""), "{}", field="arguments"),
        *said(1, ToolCall("b", "g", ""), "{}", field="arguments"),
        ChoiceStop(0, Finish.TOOL_CALLS),
        End(),
        request=LEGACY,
    )
    assert deltas(data) == [
        SILENT,
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{}"}},
        {},
    ]
    assert bodies(data)[-1]["choices"][0]["finish_reason"] == "function_call"


def test_reasoning_is_reasoning_content_with_summaries_as_paragraphs():
    thought = Reasoning(summary=("one", "two"))
    data = rendered(
        BlockStart(0, 0, Reasoning()),
        BlockDelta(0, 0, "summary", "o", summary_index=0),
        BlockDelta(0, 0, "summary", "ne", summary_index=0),
        BlockDelta(0, 0, "summary", "two", summary_index=1),
        BlockStop(0, 0, thought),
        *said(1, Text(""), "x"),
        STOP,
        End(),
    )
    shown = "".join(delta.get("reasoning_content", "") for delta in deltas(data))
    assert shown == "one\n\ntwo"


def test_a_second_thought_is_a_new_paragraph():
    data = rendered(*said(0, Reasoning(), "a"), *said(1, Text(""), "x"), *said(2, Reasoning(), "b"), STOP, End())
    assert "".join(delta.get("reasoning_content", "") for delta in deltas(data)) == "a\n\nb"


def test_hidden_reasoning_leaves_nothing():
    data = rendered(*said(0, Reasoning(), "secret"), *said(1, Text(""), "x"), STOP, End(), show_reasoning=False)
    assert deltas(data) == [ROLE, {"content": "x"}, {}]


def test_reasoning_known_only_at_the_end_is_shown_then():
    data = rendered(BlockStart(0, 0, Reasoning()), BlockStop(0, 0, Reasoning(summary=("late",))), STOP, End())
    assert deltas(data)[1] == {"reasoning_content": "late"}


def test_a_refusal_opens_as_openai_opens_it():
    data = rendered(*said(0, Refusal(""), "n", "o"), ChoiceStop(0, Finish.REFUSAL), End())
    assert deltas(data) == [{**SILENT, "refusal": ""}, {"refusal": "n"}, {"refusal": "o"}, {}]
    assert bodies(data)[-1]["choices"][0]["finish_reason"] == "stop"
    assert sdk.helped(data).choices[0].message.refusal == "no"


def test_citations_come_once_before_the_finish_reason():
    first = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 1}
    second = {**first, "url": "v"}
    data = rendered(
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "x"),
        AnnotationAdded(0, 0, first),
        AnnotationAdded(0, 0, second),
        BlockStop(0, 0, Text("x", (first, second))),
        STOP,
        End(),
    )
    assert [len(delta.get("annotations", ())) for delta in deltas(data)] == [0, 0, 2, 0]


def test_citations_of_a_later_text_point_into_the_one_text_of_chat():
    place = {"type": "url_citation", "url": "u", "title": "t", "start_index": 0, "end_index": 3}
    data = rendered(
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "one "),
        BlockStop(0, 0, Text("one ")),
        BlockStart(0, 1, Text("")),
        BlockDelta(0, 1, "text", "two"),
        BlockStop(0, 1, Text("two", (place,))),
        STOP,
        End(),
    )
    (cited,) = [delta["annotations"][0]["url_citation"] for delta in deltas(data) if "annotations" in delta]
    assert (cited["start_index"], cited["end_index"]) == (4, 7)


def test_texts_around_a_tool_at_work_are_two_paragraphs_and_others_are_one():
    def text(index, words):
        return [BlockStart(0, index, Text("")), BlockDelta(0, index, "text", words), BlockStop(0, index, Text(words))]

    searched = HostedItem("web_search", {"type": "web_search_call"})
    thought = Reasoning(("hm",))
    data = rendered(
        *text(0, "Let me look."),
        BlockStart(0, 1, searched),
        BlockStop(0, 1, searched),
        *text(2, "It"),
        BlockStart(0, 3, Reasoning()),
        BlockStop(0, 3, thought),
        *text(4, " rains."),
        STOP,
        End(),
    )
    assert "".join(delta.get("content") or "" for delta in deltas(data)) == "Let me look.\n\nIt rains."


def test_logprobs_travel_with_their_text():
    token = {"token": "x", "logprob": -0.5, "bytes": None, "top_logprobs": []}
    data = rendered(
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "x", logprobs=(token,)),
        BlockStop(0, 0, Text("x", logprobs=(token,))),
        STOP,
        End(),
    )
    assert bodies(data)[1]["choices"][0]["logprobs"] == {"content": [token], "refusal": None}
    assert sdk.helped(data).choices[0].logprobs.content[0].token == "x"


def test_a_spoken_answer_streams_its_id_its_pieces_and_its_expiry():
    sound = Media(kind="audio", file_id="audio_1")
    data = rendered(
        BlockStart(0, 0, sound),
        BlockDelta(0, 0, "transcript", "hi"),
        BlockDelta(0, 0, "data", "QUJD"),
        BlockStop(0, 0, Media(kind="audio", file_id="audio_1", data="QUJD", transcript="hi", expires_at=9)),
        STOP,
        End(),
    )
    assert [delta.get("audio") for delta in deltas(data)] == [
        None,
        {"id": "audio_1"},
        {"transcript": "hi"},
        {"data": "QUJD"},
        {"expires_at": 9},
        None,
    ]


def test_several_choices_each_have_a_role_and_an_end():
    data = rendered(
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "a"),
        BlockStart(1, 0, Text("")),
        BlockDelta(1, 0, "text", "b"),
        BlockStop(1, 0, Text("b")),
        ChoiceStop(1, Finish.CONTENT_FILTER),
        BlockStop(0, 0, Text("a")),
        ChoiceStop(0, Finish.STOP),
        End(),
        check=False,
    )
    shown = [(body["choices"][0]["index"], body["choices"][0]["delta"]) for body in bodies(data)]
    assert shown == [(0, ROLE), (0, {"content": "a"}), (1, ROLE), (1, {"content": "b"}), (1, {}), (0, {})]
    assert [body["choices"][0]["finish_reason"] for body in bodies(data)][-2:] == ["content_filter", "stop"]


def test_an_empty_answer_still_has_a_role_and_a_finish_reason():
    assert deltas(rendered(STOP, End())) == [ROLE, {}]


def test_a_block_that_only_stops_is_still_said():
    """Adapters may give a block whole."""
    assert deltas(rendered(BlockStart(0, 0, Text("")), BlockStop(0, 0, Text("all")), STOP, End()))[1] == {
        "content": "all"
    }


def test_what_is_native_to_another_format_is_left_out():
    assert deltas(rendered(NativeEvent("openai_responses", "x", {}), STOP, End())) == [ROLE, {}]


def test_splitting_the_chunks_changes_nothing():
    chunks = [*said(0, Text(""), "he", "y"), *said(1, ToolCall("a", "f", ""), "{}", field="arguments"), STOP, End()]
    renderer = CLIENT.stream_renderer(context())
    piecewise = b"".join(renderer.render([chunk]) for chunk in [START, *chunks])
    assert piecewise == rendered(*chunks)


def test_the_failure_event_raises_in_the_sdk_and_nothing_follows_it():
    renderer = CLIENT.stream_renderer(context())
    data = renderer.render([START, *said(0, Text(""), "he")])
    data += renderer.fail(RequestError("it broke", code="upstream_error", type="server_error"))
    assert renderer.render([STOP, End()]) == b""
    assert TERMINAL not in data
    with pytest.raises(openai.APIError, match="it broke") as caught:
        sdk.raw_chunks(data)
    assert caught.value.code == "upstream_error"
