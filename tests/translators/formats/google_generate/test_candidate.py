import json

import pytest

from translators.canonical import (
    BlockDelta,
    BlockStart,
    Finish,
    HostedItem,
    Media,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    UpstreamError,
)
from translators.formats.google_generate import PROVIDER

from .answering import blocks, chunks, document, events, streamed, whole


def sealed(kind: str, data: str) -> Opaque:
    return Opaque("google:m", kind, data)


def own(*summary: str) -> Reasoning:
    """A thought that is not signed."""
    return Reasoning(summary, None, (sealed("thought", "unsigned"),))


def test_pieces_of_text_grow_one_block():
    got = streamed(document({"text": "a"}), document({"text": "b"}), document({"text": ""}, reason="STOP"))
    assert blocks(got) == (Text("ab"),)


def test_thoughts_and_text_take_turns():
    got = streamed(
        document({"text": "hm", "thought": True}),
        document({"text": "m", "thought": True}, {"text": "a"}),
        document({"text": "b"}, reason="STOP"),
    )
    assert blocks(got) == (own("hmm"), Text("ab"))


def test_a_signed_text_is_a_block_of_its_own():
    got = streamed(
        document({"text": "a"}),
        document({"text": "b", "thoughtSignature": "S"}),
        document({"text": "c"}, reason="STOP"),
    )
    seal = Reasoning(opaque=(sealed("text_signature", "S"),))
    assert blocks(got) == (Text("a"), Text("b"), seal, Text("c"))


def test_a_signed_thought_is_a_block_of_its_own():
    got = streamed(
        document({"text": "a", "thought": True}),
        document({"text": "b", "thought": True, "thoughtSignature": "S"}),
        document({"text": "c", "thought": True}, reason="STOP"),
    )
    signed = Reasoning(("b",), None, (sealed("thought_signature", "S"),))
    assert blocks(got) == (own("a"), signed, own("c"))


def test_the_signature_of_an_empty_text_is_not_taken_for_that_of_the_thought():
    got = whole({"text": "a", "thought": True}, {"text": "", "thoughtSignature": "S"})
    assert blocks(got) == (own("a"), Reasoning(opaque=(sealed("thought_signature", "S"),)))


def test_the_signature_of_a_call_joins_the_thought_before_it():
    got = whole(
        {"text": "a", "thought": True},
        {"functionCall": {"id": "x", "name": "f", "args": {"a": 1}}, "thoughtSignature": "S"},
        {"functionCall": {"id": "y", "name": "g"}},
    )
    assert blocks(got) == (
        Reasoning(("a",), None, (sealed("call_signature", "S"),)),
        ToolCall("x", "f", '{"a":1}'),
        ToolCall("y", "g", "{}"),
    )
    assert got.choices[0].finish is Finish.TOOL_CALLS


def test_signatures_that_follow_each_other_share_a_block_in_their_order():
    got = whole({"text": "a", "thoughtSignature": "A"}, {"functionCall": {"name": "f"}, "thoughtSignature": "C"})
    assert blocks(got)[:2] == (
        Text("a"),
        Reasoning(opaque=(sealed("text_signature", "A"), sealed("call_signature", "C"))),
    )


def test_a_signature_alone_keeps_its_place():
    assert blocks(whole({"thoughtSignature": "S"})) == (Reasoning(opaque=(sealed("thought_signature", "S"),)),)


def test_pictures_come_whole_and_signed():
    got = whole({"inlineData": {"mimeType": "image/png", "data": "QUJD"}, "thoughtSignature": "S"})
    picture = Media(kind="image", mime="image/png", data="QUJD")
    assert blocks(got) == (picture, Reasoning(opaque=(sealed("media_signature", "S"),)))
    assert blocks(whole({"inlineData": {"data": "QUJD"}})) == (Media(kind="file", data="QUJD"),)


def test_what_google_ran_is_kept_word_for_word_and_shown():
    code = {"executableCode": {"code": "print(1)", "language": "PYTHON"}, "thoughtSignature": "S"}
    ran = {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1\n"}}
    text, kept, shown, more = blocks(whole({"text": "a"}, code, ran, {"text": "b"}))
    assert (text, more) == (Text("a"), Text("b"))
    assert [json.loads(blob.data) for blob in kept.opaque] == [code, ran]
    assert isinstance(shown, HostedItem)
    assert shown.raw == {
        "type": "code_interpreter_call",
        "id": shown.raw["id"],
        "status": "completed",
        "code": "print(1)",
        "container_id": "",
        "outputs": [{"type": "logs", "logs": "1\n"}],
    }


@pytest.mark.parametrize(("outcome", "status"), [("OUTCOME_FAILED", "failed"), ("OUTCOME_DEADLINE_EXCEEDED", "failed")])
def test_code_that_failed_says_so(outcome, status):
    code = {"executableCode": {"code": "x", "language": "PYTHON"}}
    *_, shown = blocks(whole(code, {"codeExecutionResult": {"outcome": outcome}}))
    assert (shown.raw["status"], shown.raw["outputs"]) == (status, [])


def test_code_without_a_result_is_incomplete():
    *_, shown = blocks(whole({"executableCode": {"code": "x", "language": "PYTHON"}}, reason="MAX_TOKENS"))
    assert shown.raw["status"] == "incomplete"


def test_parts_nobody_knows_come_back_to_google():
    (block,) = blocks(whole({"hologram": {"x": 1}}, {}))
    assert block == Reasoning(opaque=(sealed("part", '{"hologram":{"x":1}}'),))


def test_arguments_that_come_in_pieces_are_one_call():
    got = streamed(
        document({"functionCall": {"id": "x", "name": "f", "willContinue": True}, "thoughtSignature": "S"}),
        document({"functionCall": {"partialArgs": [piece("$.a", "Bos", more=True)], "willContinue": True}}),
        document({"functionCall": {"partialArgs": [piece("$.a", "ton")], "willContinue": True}}),
        document({"functionCall": {}}),
        document({"functionCall": {"name": "g", "willContinue": True}}),
        document({"text": "and"}, reason="STOP"),
    )
    assert next(block for block in blocks(got) if isinstance(block, ToolCall)) == ToolCall("x", "f", '{"a":"Boston"}')
    assert [type(block).__name__ for block in blocks(got)] == ["Reasoning", "ToolCall", "ToolCall", "Text"]


def piece(path: str, text: str, *, more: bool = False) -> dict:
    return {"jsonPath": path, "stringValue": text, "willContinue": more}


def test_a_call_that_is_still_being_written_shows_its_name_at_once():
    seen = chunks_of(document({"functionCall": {"name": "f", "willContinue": True}}))
    assert any(isinstance(chunk, BlockStart) and chunk.block.name == "f" for chunk in seen)


def chunks_of(*documents: dict) -> list:
    return PROVIDER.stream_parser("google:m").feed(events(*documents))


def test_probabilities_belong_to_the_first_text():
    logprobs = {
        "chosenCandidates": [{"token": "é", "logProbability": -0.5}, {"token": "!"}],
        "topCandidates": [
            {"candidates": [{"token": "é", "logProbability": -0.5}, {"token": "e", "logProbability": -2}]}
        ],
    }
    got = whole({"text": "t", "thought": True}, {"text": "é!"}, {"text": "?"}, logprobsResult=logprobs)
    text = blocks(got)[1]
    assert text.text == "é!?"
    assert text.logprobs == (
        {
            "token": "é",
            "logprob": -0.5,
            "bytes": [195, 169],
            "top_logprobs": [
                {"token": "é", "logprob": -0.5, "bytes": [195, 169]},
                {"token": "e", "logprob": -2, "bytes": [101]},
            ],
        },
        {"token": "!", "logprob": 0.0, "bytes": [33], "top_logprobs": []},
    )


def test_every_candidate_is_a_choice():
    body = {
        "candidates": [
            {"index": 1, "content": {"parts": [{"text": "b"}]}, "finishReason": "STOP"},
            {"content": {"parts": [{"text": "a"}]}, "finishReason": "MAX_TOKENS", "index": 0},
        ]
    }
    got = streamed(body)
    assert [(choice.index, choice.message.blocks[0].text, choice.finish) for choice in got.choices] == [
        (0, "a", Finish.LENGTH),
        (1, "b", Finish.STOP),
    ]


@pytest.mark.parametrize(
    "part",
    [
        5,
        {"text": 5},
        {"functionCall": {}},
        {"functionCall": {"name": ""}},
        {"functionCall": {"name": "f", "args": [1]}},
        {"inlineData": {}},
        {"text": "a", "thoughtSignature": 5},
        {"functionCall": {"name": "f", "partialArgs": [{"jsonPath": "a"}]}},
    ],
)
def test_garbage_is_a_failure_of_the_provider(part):
    with pytest.raises(UpstreamError) as caught:
        whole(part)
    assert caught.value.failure == "bad_shape"


def test_deltas_say_what_the_blocks_say():
    seen = chunks(events(document({"text": "a", "thought": True}, {"text": "b"}, reason="STOP")))
    assert [(chunk.field, chunk.value) for chunk in seen if isinstance(chunk, BlockDelta)] == [
        ("summary", "a"),
        ("text", "b"),
    ]
