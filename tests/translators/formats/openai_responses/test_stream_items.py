import pytest

from translators.canonical import BlockDelta, HostedItem, Media, Origin, Reasoning, Refusal, Text, ToolCall
from translators.formats.openai_responses.stream_items import writer_for


class Told:
    """Takes the events a writer emits."""

    def __init__(self, kind: str, block, *, seal=lambda blobs: None) -> None:
        self.events: list[dict] = []
        self.writer = writer_for(block, kind, self.emit, "item_1", 4, seal=seal)
        self.writer.start(block)

    def emit(self, kind: str, **members) -> None:
        self.events.append({"type": kind.removeprefix("response."), **members})

    def types(self) -> list[str]:
        return [event["type"] for event in self.events]


def delta(text: str, field="text", part: int = 0) -> BlockDelta:
    return BlockDelta(0, 0, field, text, part)


def test_a_message_opens_its_part_and_closes_both():
    told = Told("message", Text(""))
    told.writer.delta(delta("Hel"))
    told.writer.stop(Text("Hello", ({"type": "file_path"},)))
    item = told.writer.finish("completed")
    assert told.types() == [
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
    ]
    assert told.events[0]["item"] == {
        "id": "item_1",
        "type": "message",
        "status": "in_progress",
        "role": "assistant",
        "content": [],
    }
    assert told.events[-1]["item"] is item
    assert all(event["output_index"] == 4 for event in told.events)
    assert {event.get("item_id", "item_1") for event in told.events} == {"item_1"}


def test_parts_of_one_message_are_counted():
    told = Told("message", Text(""))
    told.writer.stop(Text("a"))
    assert told.writer.takes(Refusal("b"))
    told.writer.start(Refusal(""))
    told.writer.delta(delta("b"))
    told.writer.stop(Refusal("b"))
    told.writer.finish("incomplete")
    assert [event["content_index"] for event in told.events if "content_index" in event] == [0, 0, 0, 0, 1, 1, 1, 1]
    assert told.events[-1]["item"]["status"] == "incomplete"
    assert "refusal.delta" in told.types()
    assert "refusal.done" in told.types()


def test_a_message_takes_only_text_of_its_own_item():
    told = Told("message", Text("", origin=Origin(None, 0, "message", "msg_1")))
    assert told.writer.takes(Text("", origin=Origin(None, 0, "message", "msg_1")))
    assert not told.writer.takes(Text("", origin=Origin(None, 1, "message", "msg_2")))
    assert not told.writer.takes(ToolCall("c", "f", ""))


def test_what_no_delta_said_is_said_before_the_end():
    told = Told("message", Text(""))
    told.writer.stop(Text("whole"))
    assert [event["delta"] for event in told.events if event["type"] == "output_text.delta"] == ["whole"]
    told = Told("function_call", ToolCall("c", "f", ""))
    told.writer.stop(ToolCall("c", "f", ""))
    item = told.writer.finish("completed")
    assert told.types() == [
        "output_item.added",
        "function_call_arguments.delta",
        "function_call_arguments.done",
        "output_item.done",
    ]
    assert told.events[1]["delta"] == item["arguments"] == "{}"


def test_a_call_that_was_cut_keeps_what_it_has():
    told = Told("function_call", ToolCall("c", "f", ""))
    told.writer.delta(delta('{"a', "arguments"))
    told.writer.stop(ToolCall("c", "f", '{"a'))
    item = told.writer.finish("incomplete")
    assert (item["arguments"], item["status"]) == ('{"a', "incomplete")
    assert told.events[0]["item"]["status"] == "in_progress"
    assert told.events[-2] == {
        "type": "function_call_arguments.done",
        "item_id": "item_1",
        "output_index": 4,
        "name": "f",
        "arguments": '{"a',
    }


def test_a_custom_tool_has_events_of_its_own():
    told = Told("custom_tool_call", ToolCall("c", "g", "", "custom"))
    told.writer.delta(delta("free", "arguments"))
    told.writer.stop(ToolCall("c", "g", "free", "custom"))
    told.writer.finish("completed")
    assert told.types() == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert told.events[0]["item"]["input"] == ""


def test_summary_parts_follow_each_other_and_raw_text_is_one_part():
    told = Told("reasoning", Reasoning())
    told.writer.delta(delta("a", "summary"))
    told.writer.delta(delta("b", "summary", 1))
    told.writer.delta(delta("raw"))
    told.writer.stop(Reasoning(("a", "b", "c"), "raw"))
    item = told.writer.finish("completed")
    part = ["reasoning_summary_part.added", "reasoning_summary_text.delta"]
    ended = ["reasoning_summary_text.done", "reasoning_summary_part.done"]
    assert told.types() == [
        "output_item.added",
        *part, *ended,
        *part, "content_part.added", "reasoning_text.delta", *ended,
        *part, *ended,
        "reasoning_text.done", "content_part.done",
        "output_item.done",
    ]  # fmt: skip
    indices = [event["summary_index"] for event in told.events if "summary_index" in event]
    assert indices == sorted(indices)
    assert [part["text"] for part in item["summary"]] == ["a", "b", "c"]
    assert item["content"] == [{"type": "reasoning_text", "text": "raw"}]


def test_reasoning_that_was_kept_secret_is_an_item_without_parts():
    told = Told("reasoning", Reasoning())
    told.writer.stop(Reasoning())
    assert told.writer.finish("completed") == {"id": "item_1", "type": "reasoning", "summary": []}
    assert told.types() == ["output_item.added", "output_item.done"]


def test_a_hosted_item_and_an_image_are_shown_whole():
    raw = {"type": "web_search_call", "id": "ws_1", "status": "in_progress"}
    told = Told("web_search_call", HostedItem("web_search", raw))
    told.writer.delta(delta("ignored"))
    told.writer.stop(HostedItem("web_search", {**raw, "status": "completed"}))
    assert told.writer.finish("completed")["status"] == "completed"
    assert told.types() == ["output_item.added", "output_item.done"]
    told = Told("image_generation_call", Media(kind="image"))
    told.writer.stop(Media(kind="image", data="AA"))
    assert told.writer.finish("completed")["result"] == "AA"


def test_a_calls_item_holds_one_call():
    told = Told("function_call", ToolCall("c", "f", ""))
    with pytest.raises(TypeError):
        told.writer.start(Text("a"))
