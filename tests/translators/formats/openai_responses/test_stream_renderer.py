import dataclasses

import pytest

from translators.canonical import (
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    End,
    Finish,
    HostedItem,
    Media,
    Message,
    NativeEvent,
    Opaque,
    Origin,
    Reason,
    Reasoning,
    Refusal,
    RequestError,
    Response,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    Usage,
    UsageUpdate,
    fold,
    unfold,
)
from translators.formats.openai_responses import CLIENT

from .streams import accumulate, check_strictly, context, events, parse, types

START = Start("chatcmpl-1", "m", 7)


def render(*chunks, **body):
    renderer = CLIENT.stream_renderer(context({"model": "asked", "input": "hi", **body}))
    found = events(renderer.render(chunks))
    for event in found:
        check_strictly(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    accumulate(found)
    return found


def ended(finish=Finish.STOP, **members):
    return ChoiceStop(0, finish), UsageUpdate(Usage(input=3, output=2)), End(**members)


def whole(*blocks: Block, finish=Finish.STOP, **members) -> Response:
    choice = Choice(index=0, message=Message("assistant", blocks), finish=finish)
    return Response(**{"id": "resp_1", "model": "m", "choices": (choice,), "created": 7, **members})


def test_a_text_stream_has_the_exact_life_cycle():
    found = render(
        START, BlockStart(0, 0, Text("")), BlockDelta(0, 0, "text", "Hi"), BlockStop(0, 0, Text("Hi")), *ended()
    )
    assert types(found) == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    first, last = found[0]["response"], found[-1]["response"]
    assert (first["status"], first["output"], first["usage"]) == ("in_progress", [], None)
    assert (first["id"], first["model"], first["created_at"]) == (last["id"], "m", 7)
    assert last["output"] == [found[-2]["item"]]
    assert last["usage"]["total_tokens"] == 5
    assert (last["status"], last["completed_at"]) == ("completed", 1_790_000_000)


def test_the_sdk_reads_back_what_was_streamed():
    found = render(
        *unfold(whole(Text("one "), Text("two"), ToolCall("call_1", "f", '{"a":1}'), finish=Finish.TOOL_CALLS))
    )
    final = accumulate(found)
    assert final.output_text == "one two"
    assert (final.output[1].call_id, final.output[1].arguments) == ("call_1", '{"a":1}')


BLOCKS = [
    (Text("a"), Text("b")),
    (Refusal("no"),),
    (Text("a", ({"type": "file_path", "file_id": "f", "index": 0},)), Refusal("b")),
    (Reasoning(("s", "t"), "raw"), Text("a"), ToolCall("call_1", "f", ""), ToolCall("call_2", "g", "x", "custom"), Text("b")),
    (Reasoning(), Text("")),
    (HostedItem("web_search", {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "x"}}), Text("a")),
    (Media(kind="image", data="AA"),),
    (),
]  # fmt: skip


@pytest.mark.parametrize("blocks", BLOCKS, ids=lambda blocks: "-".join(type(block).__name__ for block in blocks))
@pytest.mark.parametrize("finish", [Finish.STOP, Finish.LENGTH, Finish.CONTENT_FILTER])
def test_a_stream_and_a_whole_answer_say_the_same(blocks, finish):
    response = whole(*blocks, finish=finish, usage=Usage(input=3, output=2))
    found = render(*unfold(response))
    assert found[-1]["response"] == CLIENT.render_response(response, context({"model": "asked", "input": "hi"}))
    assert found[-1]["type"] == f"response.{found[-1]['response']['status']}"


def test_a_streamed_answer_folds_to_what_was_observed():
    blocks = (Reasoning(("s",), "raw"), Text("a", ({"type": "file_path"},)), ToolCall("call_1", "f", "{}"))
    observed = whole(*blocks, finish=Finish.TOOL_CALLS, usage=Usage(input=3, output=2))
    back = parse(CLIENT.stream_renderer(context()).render(unfold(observed)))
    (choice,) = back.choices
    assert tuple(dataclasses.replace(block, origin=None) for block in choice.message.blocks) == blocks
    assert (choice.finish, back.usage, back.model, back.id) == (Finish.TOOL_CALLS, observed.usage, "m", "resp_1")


def test_calls_that_interleave_are_told_one_after_the_other():
    one, two = ToolCall("call_1", "f", ""), ToolCall("call_2", "g", "")
    found = render(
        START,
        BlockStart(0, 0, one),
        BlockStart(0, 1, two),
        BlockDelta(0, 1, "arguments", '{"b'),
        BlockDelta(0, 0, "arguments", '{"a":1}'),
        BlockDelta(0, 1, "arguments", '":2}'),
        BlockStop(0, 1, dataclasses.replace(two, arguments='{"b":2}')),
        BlockStop(0, 0, dataclasses.replace(one, arguments='{"a":1}')),
        *ended(Finish.TOOL_CALLS),
    )
    indices = [event["output_index"] for event in found if "output_index" in event]
    assert indices == sorted(indices)
    assert [item["arguments"] for item in found[-1]["response"]["output"]] == ['{"a":1}', '{"b":2}']


def test_text_is_not_held_back_while_reasoning_is_still_open():
    renderer = CLIENT.stream_renderer(context())
    renderer.render([START, BlockStart(0, 0, Reasoning()), BlockDelta(0, 0, "text", "hm")])
    said = events(renderer.render([BlockStart(0, 1, Text("")), BlockDelta(0, 1, "text", "now")]))
    assert types(said)[-1] == "output_text.delta"
    rest = [BlockStop(0, 1, Text("now")), BlockStop(0, 0, Reasoning(text="hm")), *ended()]
    final = events(renderer.render(rest))[-1]["response"]
    assert [item["type"] for item in final["output"]] == ["reasoning", "message"]


def test_a_cut_answer_ends_in_incomplete_with_its_last_item_incomplete():
    found = render(
        START,
        BlockStart(0, 0, ToolCall("call_1", "f", "")),
        BlockDelta(0, 0, "arguments", '{"a'),
        BlockStop(0, 0, ToolCall("call_1", "f", '{"a')),
        *ended(Finish.LENGTH),
    )
    last = found[-1]
    assert last["type"] == "response.incomplete"
    assert last["response"]["incomplete_details"] == {"reason": "max_output_tokens"}
    assert last["response"]["output"][0]["status"] == "incomplete"


def test_logprobs_and_annotations_pass_in_this_apis_spelling():
    token = {"token": "Hi", "logprob": -1.0, "bytes": None, "top_logprobs": []}
    cited = {"type": "url_citation", "url": "https://x.test", "title": "x", "start_index": 0, "end_index": 2}
    found = render(
        START,
        BlockStart(0, 0, Text("")),
        BlockDelta(0, 0, "text", "Hi", logprobs=(token,)),
        AnnotationAdded(0, 0, cited),
        BlockStop(0, 0, Text("Hi", (cited,), (token,))),
        *ended(),
    )
    assert found[4]["logprobs"] == [{**token, "bytes": []}]
    assert (found[5]["annotation"], found[5]["annotation_index"]) == (cited, 0)
    assert types(found).count("output_text.annotation.added") == 1


def test_a_blob_is_shown_only_to_who_asked_for_it():
    block = Reasoning(opaque=(Opaque("openai", "openai.encrypted_content", "BLOB"),))
    asked = render(*unfold(whole(block)), include=["reasoning.encrypted_content"])
    assert asked[-1]["response"]["output"][0]["encrypted_content"] == "BLOB"
    assert "encrypted_content" not in render(*unfold(whole(block)))[-1]["response"]["output"][0]


def test_progress_of_a_hosted_tool_keeps_its_item_and_late_news_are_dropped():
    raw = {"type": "web_search_call", "id": "ws_1", "status": "in_progress", "action": {"type": "search", "query": "x"}}
    origin = Origin(None, 3, "web_search_call", "ws_1")
    hosted = HostedItem("web_search", raw, "openai", origin)
    news = {"type": "response.web_search_call.searching", "output_index": 3, "item_id": "ws_1", "sequence_number": 99}
    progress = NativeEvent("openai_responses", news["type"], news)
    found = render(
        START,
        BlockStart(0, 0, hosted),
        progress,
        BlockStop(0, 0, dataclasses.replace(hosted, raw={**raw, "status": "completed"})),
        progress,
        NativeEvent("openai_chat", "x", {}),
        *ended(),
    )
    (searching,) = [event for event in found if event["type"] == news["type"]]
    assert (searching["output_index"], searching["item_id"]) == (0, "ws_1")
    assert found[-1]["response"]["output"][0]["status"] == "completed"


def test_only_the_first_choice_has_a_place():
    found = render(
        START,
        BlockStart(0, 0, Text("")),
        BlockStart(1, 0, Text("")),
        BlockDelta(1, 0, "text", "other"),
        BlockDelta(0, 0, "text", "a"),
        BlockStop(1, 0, Text("other")),
        BlockStop(0, 0, Text("a")),
        ChoiceStop(1, Finish.LENGTH),
        *ended(),
    )
    assert found[-1]["response"]["output"][0]["content"][0]["text"] == "a"
    assert found[-1]["type"] == "response.completed"


def failed(error, *chunks):
    renderer = CLIENT.stream_renderer(context())
    found = events(renderer.render(chunks) + renderer.fail(error))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    for event in found:
        check_strictly(event)
    accumulate(found)
    return found


def test_a_failure_is_flat_and_nested_and_then_a_failed_response():
    error = UpstreamError(Reason.STREAM_CUT, "it broke", billed_risk=True)
    chunks = [START, BlockStart(0, 0, ToolCall("c", "f", "")), BlockStop(0, 0, ToolCall("c", "f", "{}")),
              BlockStart(0, 1, Text("")), BlockDelta(0, 1, "text", "par")]  # fmt: skip
    *_, flat, last = failed(error, *chunks)
    assert flat["type"] == "error"
    assert (flat["code"], flat["message"], flat["param"]) == ("incomplete", "it broke", None)
    assert flat["error"] == {"type": "server_error", "code": "incomplete", "message": "it broke", "param": None}
    assert last["type"] == "response.failed"
    assert last["response"]["status"] == "failed"
    assert last["response"]["error"] == {"code": "server_error", "message": "it broke"}
    assert [item["type"] for item in last["response"]["output"]] == ["function_call"]


def test_a_failure_before_anything_was_said_still_begins_with_created():
    error = RequestError("slow down", status=429, code="rate_limit_exceeded", type="rate_limit_error")
    found = failed(error)
    assert types(found) == ["created", "error", "failed"]
    assert found[0]["response"]["id"] == found[-1]["response"]["id"]
    assert found[-1]["response"]["error"]["code"] == "rate_limit_exceeded"


def test_an_answer_of_a_provider_without_ids_gets_one_of_each():
    found = render(Start("", ""), BlockStart(0, 0, Text("")), BlockStop(0, 0, Text("a")), *ended())
    assert found[0]["response"]["id"] == "resp_new1"
    assert found[0]["response"]["model"] == "asked"
    assert found[2]["item"]["id"] == "msg_new2"


def test_fold_of_the_same_chunks_is_what_the_client_sees():
    chunks = [START, BlockStart(0, 0, Text("")), BlockDelta(0, 0, "text", "Hi"), BlockStop(0, 0, Text("Hi")), *ended()]
    assert (
        render(*chunks)[-1]["response"]["output"][0]["content"][0]["text"]
        == fold(chunks).choices[0].message.blocks[0].text
    )
