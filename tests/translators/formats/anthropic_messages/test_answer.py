import json

import pytest

from translators.canonical import (
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    Finish,
    HostedItem,
    Opaque,
    Reason,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    UpstreamError,
)
from translators.formats.anthropic_messages.answer import DECLINED

from .streams import ISSUER, block, call, chunks, end, event, folded, start, text, thinking


def blocks(*parts: bytes):
    return folded(start(), *parts, end()).choices[0].message.blocks


def test_text_that_citations_cut_to_pieces_is_one_text():
    cited = {"type": "web_search_result_location", "url": "https://a.example", "title": "A", "cited_text": "…"}
    made = chunks(
        start(),
        text(0, "Oslo has "),
        block(
            1,
            {"type": "text", "text": "", "citations": []},
            {"type": "citations_delta", "citation": cited},
            {"type": "text_delta", "text": "700,000"},
            {"type": "text_delta", "text": " people"},
        ),
        text(2, "."),
        end(),
    )
    annotation = {
        "type": "url_citation",
        "url": "https://a.example",
        "title": "A",
        "start_index": 9,
        "end_index": 23,
    }
    assert [chunk for chunk in made if isinstance(chunk, AnnotationAdded)] == [AnnotationAdded(0, 0, annotation)]
    assert [chunk for chunk in made if isinstance(chunk, BlockStart)] == [BlockStart(0, 0, Text(""))]
    assert made[-4] == BlockStop(0, 0, Text("Oslo has 700,000 people.", (annotation,)))


def test_text_behind_something_else_is_another_text():
    assert [type(b) for b in blocks(text(0, "a"), call(1, "f"), text(2, "b"))] == [Text, ToolCall, Text]
    assert [type(b) for b in blocks(text(0, "a"), thinking(1, "hm"), text(2, "b"))] == [Text, Reasoning, Text]
    found = blocks(text(0, "a"), block(1, {"type": "tomorrows"}), text(2, "b"))
    assert found == (Text("ab"),), "a block that nobody knows separates nothing"


def test_a_call_whose_arguments_are_never_said_has_none():
    """As recorded: a stream may end such a block without a word, or with an empty one."""
    for pieces in ((), ("",)):
        made = chunks(start(), call(0, "f", *pieces), end("tool_use"))
        assert BlockDelta(0, 0, "arguments", "{}") in made
        assert BlockStop(0, 0, ToolCall("toolu_1", "f", "{}")) in made


def test_arguments_are_kept_as_they_were_written_even_where_they_were_cut():
    half = folded(start(), call(0, "f", '{"city": ', '"Os'), end("max_tokens"))
    assert half.choices[0].message.blocks == (ToolCall("toolu_1", "f", '{"city": "Os'),)
    assert half.choices[0].finish is Finish.LENGTH


def test_a_call_that_comes_whole_is_whole():
    opened = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}, "caller": {"type": "direct"}}
    assert blocks(block(0, opened)) == (ToolCall("toolu_1", "f", '{"a":1}'),)


@pytest.mark.parametrize("given", [None, "", 5, "x" * 65])
def test_an_id_that_clients_do_not_take_is_made_from_the_answer(given):
    opened = {"type": "tool_use", "id": given, "name": "f", "input": {}}
    (first,) = blocks(block(0, opened))
    (again,) = blocks(block(0, opened))
    assert first.id == again.id
    assert first.id.startswith("call_")
    assert len(first.id) == 21
    (other,) = blocks(block(0, {**opened, "name": "g"}))
    assert other.id != first.id


def test_a_call_without_a_name_is_none():
    with pytest.raises(UpstreamError) as caught:
        blocks(block(0, {"type": "tool_use", "id": "toolu_1", "input": {}}))
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_a_thought_is_shown_and_kept_as_it_came():
    (thought,) = blocks(thinking(0, "let me ", "see"))
    assert thought.summary == ("let me see",)
    kept = {"type": "thinking", "thinking": "let me see", "signature": "SIG"}
    assert thought.opaque == (Opaque(ISSUER, "thinking", json.dumps(kept, separators=(",", ":"))),)


def test_a_thought_whose_words_are_withheld_keeps_its_signature():
    (thought,) = blocks(thinking(0))
    assert thought.summary == ()
    assert json.loads(thought.opaque[0].data) == {"type": "thinking", "thinking": "", "signature": "SIG"}


def test_a_thought_that_was_cut_is_shown_and_not_kept():
    """Nobody takes it back without its signature, which comes last."""
    assert blocks(thinking(0, "hm", signature=None)) == (Reasoning(("hm",)),)
    assert blocks(thinking(0, signature=None)) == ()


def test_a_redacted_thought_is_its_blob():
    kept = Reasoning(opaque=(Opaque(ISSUER, "redacted_thinking", "BLOB"),))
    assert blocks(block(0, {"type": "redacted_thinking", "data": "BLOB"})) == (kept,)


def test_what_the_providers_tools_did_is_kept_in_one_block_and_shown_behind_it():
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srv_1", "content": []}
    kept, item, said = blocks(
        block(
            0,
            use,
            {"type": "input_json_delta", "partial_json": '{"query":'},
            {"type": "input_json_delta", "partial_json": '"x"}'},
        ),
        block(1, found),
        text(2, "so"),
    )
    assert [json.loads(blob.data) for blob in kept.opaque] == [{**use, "input": {"query": "x"}}, found]
    assert [blob.kind for blob in kept.opaque] == ["block", "block"]
    assert isinstance(item, HostedItem)
    assert item.raw["action"]["query"] == "x"
    assert said == Text("so")


def test_a_search_that_was_paused_is_kept_without_its_result():
    use = {"type": "server_tool_use", "id": "srv_1", "name": "web_search", "input": {"query": "x"}}
    response = folded(start(), text(0, "a"), block(1, use), end("pause_turn"))
    assert response.choices[0].finish is Finish.PAUSE
    assert [type(block) for block in response.choices[0].message.blocks] == [Text, Reasoning]


def test_compacted_context_is_kept():
    (kept,) = blocks(
        block(0, {"type": "compaction", "content": None}, {"type": "compaction_delta", "content": "so far"})
    )
    assert json.loads(kept.opaque[0].data) == {"type": "compaction", "content": "so far"}


def test_a_refusal_is_said_in_the_providers_words():
    details = {"type": "refusal", "category": "bio", "explanation": "This is about pathogens."}
    response = folded(start(), text(0, "Well"), end("refusal", stop_details=details))
    assert response.choices[0].message.blocks == (Text("Well"), Refusal("This is about pathogens."))
    assert response.choices[0].finish is Finish.REFUSAL
    assert response.extensions["stop_details"] == details
    silent = folded(start(), end("refusal"))
    assert silent.choices[0].message.blocks == (Refusal(DECLINED),)


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", Finish.STOP),
        ("stop_sequence", Finish.STOP),
        ("tool_use", Finish.TOOL_CALLS),
        ("max_tokens", Finish.LENGTH),
        ("model_context_window_exceeded", Finish.LENGTH),
        ("compaction", Finish.LENGTH),
        ("pause_turn", Finish.PAUSE),
        ("tomorrows", Finish.STOP),
        (None, Finish.STOP),
    ],
)
def test_why_it_ended(reason, finish):
    choice = folded(start(), text(0, "x"), end(reason)).choices[0]
    assert (choice.finish, choice.finish_raw) == (finish, reason)


def test_an_answer_with_a_call_ends_for_it_whatever_word_is_said():
    assert folded(start(), call(0, "f"), end("end_turn")).choices[0].finish is Finish.TOOL_CALLS


def test_the_sequence_that_stopped_it_is_told():
    choice = folded(start(), text(0, "x"), end("stop_sequence", stop_sequence="###")).choices[0]
    assert choice.stop_sequence == "###"


def test_an_answer_may_be_empty():
    assert folded(start(), end()).choices[0].message.blocks == ()


def test_the_container_of_a_program_is_told_for_the_next_request():
    container = {"id": "container_1", "expires_at": "2026-11-22T00:00:00Z"}
    assert folded(start(), end(container=container)).extensions["container"] == container


def test_a_message_that_starts_whole_has_its_blocks():
    """As recorded from a loop of programmatic calls: no block events, no delta, only the end."""
    content = [{"type": "text", "text": "on it"}, {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1}}]
    response = folded(start(content=content, stop_reason="tool_use"), event("message_stop"))
    assert response.choices[0].message.blocks == (Text("on it"), ToolCall("toolu_1", "f", '{"a":1}'))
    assert response.choices[0].finish_raw == "tool_use"
    assert response.usage.input == 11


def test_deltas_and_blocks_of_unknown_kinds_are_passed_over():
    odd = block(
        0,
        {"type": "text", "text": ""},
        {"type": "text_delta", "text": "a"},
        {"type": "tomorrows_delta", "text": "b"},
        {"type": "text_delta"},
        {"type": "citations_delta", "citation": {"type": "tomorrows"}},
    )
    unknown = block(1, {"type": "tomorrows"}, {"type": "text_delta", "text": "c"})
    assert blocks(odd, unknown, event("content_block_start", index=2, content_block="nonsense")) == (Text("a"),)
