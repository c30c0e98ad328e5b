"""A blob goes back to whom it came from and to nobody else, in every lane."""

import json

import pytest

from translators.canonical import (
    REMOVED,
    Message,
    Opaque,
    Origin,
    Patch,
    Reasoning,
    Request,
    Source,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.continuity import belongs, digests, only_own
from translators.exchange import apply_patches
from translators.formats import openai_responses

CLAUDE, GEMINI = "anthropic:claude-opus-5", "google:gemini-3"


def asked(*blocks) -> Request:
    return Request(messages=(Message("user", (Text("q"),)), Message("assistant", blocks)))


def test_foreign_thoughts_are_taken_out_and_listed_and_own_ones_stay_as_they_are():
    own = Reasoning(("mine",), None, (Opaque(CLAUDE, "thinking", "A"),))
    foreign = Reasoning(("not mine",), None, (Opaque(GEMINI, "call_signature", "B"),))
    call = ToolCall("c", "f", "{}")
    seen = only_own(asked(own, foreign, Text("t"), call), CLAUDE)
    assert seen.request.messages[1].blocks == (own, Text("t"), call)
    assert seen.transforms == (
        Transform(
            "messages[1].reasoning", "dropped", "the thought of another model or conversation, which alone can use it"
        ),
    )


def test_a_request_without_foreign_blobs_is_the_same_object():
    request = asked(Reasoning(opaque=(Opaque(CLAUDE, "thinking", "A"),)), ToolCall("c", "f", "{}"))
    assert only_own(request, CLAUDE).request is request
    assert only_own(asked(Text("t")), CLAUDE).transforms == ()


def test_a_thought_of_nobody_s_seal_is_known_by_its_mark():
    marked = Reasoning((), "raw", (Opaque("ollama", "none", ""),))
    assert only_own(asked(marked), "ollama").request.messages[1].blocks == (Reasoning((), "raw"),)
    assert only_own(asked(marked), CLAUDE).request.messages[1].blocks == ()


def test_a_call_loses_a_foreign_signature_but_stays():
    call = ToolCall("c", "f", "{}", opaque=(Opaque("google", "thought_signature", "S"),))
    assert only_own(asked(call), "google:gemini-3").request.messages[1].blocks == (call,)
    kept = only_own(asked(call), CLAUDE)
    assert kept.request.messages[1].blocks == (ToolCall("c", "f", "{}"),)
    assert len(kept.transforms) == 1


def test_an_issuer_that_names_a_provider_alone_is_any_of_its_models():
    assert belongs(Opaque("google", "k", "d"), GEMINI)
    assert not belongs(Opaque(GEMINI, "k", "d"), "google:gemini-2.5")
    assert not belongs(Opaque("microsoft@a.example", "k", "d"), "microsoft@b.example")


def test_the_client_s_own_body_says_the_same_after_it():
    items = [
        {"type": "message", "role": "user", "content": "q"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "joch1.foreign"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "joch1.own"},
        {"type": "reasoning", "id": "rs_3", "summary": [], "encrypted_content": "joch1.marked"},
        {"type": "reasoning", "id": "rs_4", "summary": [], "encrypted_content": "BARE"},
    ]
    body = {"model": "m", "input": items}
    request = openai_responses.CLIENT.parse_request(body, json.dumps(body).encode())
    blobs = [
        Opaque(GEMINI, "k", "B"),
        Opaque("azure", "k", "OWN"),
        Opaque("azure", "none", ""),
        Opaque("azure", "k", "BARE"),
    ]
    blocks = tuple(
        Reasoning(block.summary, block.text, (blob,), origin=block.origin)
        for block, blob in zip(request.messages[1].blocks, blobs, strict=True)
    )
    opened = Request(messages=(request.messages[0], Message("assistant", blocks)), source=request.source)
    seen = only_own(opened, "azure").request
    assert seen.source is not None
    left = apply_patches(body, seen.source.patches)["input"]
    assert [item.get("id") for item in left] == [None, "rs_2", "rs_3", "rs_4"]
    assert [item.get("encrypted_content") for item in left] == [None, "OWN", None, "BARE"]
    assert "encrypted_content" not in left[2]


def test_a_block_without_an_item_of_its_own_makes_no_patch():
    origin = Origin("/messages/1", 0, "message")
    source = Source(format="openai_chat", body={"messages": []}, raw=b"")
    request = Request(
        messages=(Message("assistant", (Reasoning(opaque=(Opaque("x", "k", "d"),), origin=origin),)),), source=source
    )
    seen = only_own(request, "y").request
    assert seen.source is not None
    assert seen.source.patches == ()
    assert Patch("/x", REMOVED) != Patch("/x", None)


def conversation(
    question: str = "q", *, thought_in: str = "", instructions: str = "be kind", arguments: str = '{"a": 1}'
):
    turn = (Reasoning(("s",), None, (Opaque(CLAUDE, "thinking", "A", thought_in),)), ToolCall("c", "f", "{}"))
    return Request(
        messages=(
            Message("system", (Text(instructions),)),
            Message("user", (Text(question),)),
            Message("assistant", (Text("first"), ToolCall("b", "f", arguments))),
            Message("tool", (ToolResult("b", (Text("done"),)),)),
            Message("assistant", turn),
        )
    )


PREFIX = list(digests(conversation().messages))[4]


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        pytest.param(conversation(thought_in=PREFIX), True, id="as it was"),
        pytest.param(conversation(thought_in=PREFIX, instructions="be brief"), True, id="other instructions"),
        pytest.param(conversation(thought_in=PREFIX, arguments='{ "a":1 }'), True, id="arguments spelled anew"),
        pytest.param(conversation("other", thought_in=PREFIX), False, id="an edited question"),
        pytest.param(conversation(thought_in=PREFIX, arguments='{"a": 2}'), False, id="edited arguments"),
        pytest.param(conversation("other", thought_in=""), True, id="made nobody knows where"),
    ],
)
def test_a_model_that_insists_on_its_conversation_gets_no_thought_of_another(request_, kept):
    seen = only_own(request_, CLAUDE, bound=True)
    assert any(isinstance(block, Reasoning) for block in seen.request.messages[4].blocks) is kept
    assert bool(seen.transforms) is not kept
    assert only_own(request_, CLAUDE).transforms == ()


def test_thoughts_are_no_part_of_what_was_said():
    with_thoughts, without = conversation(thought_in="x").messages, conversation().messages
    assert list(digests(with_thoughts)) == list(digests(without))
    assert len(set(digests(without))) == 5  # leading instructions do not count


@pytest.mark.parametrize("depth", [300, 1000, 100_000])
def test_arguments_of_any_depth_have_a_digest(depth: int):
    deep = '{"a":' * depth + "1" + "}" * depth
    messages = [Message("user", (Text("q"),)), Message("assistant", (ToolCall("c", "f", deep),)), Message("tool", ())]
    assert len(set(digests(messages))) == 4
    other = [Message("user", (Text("other"),)), *messages[1:]]
    assert list(digests(other))[-1] != list(digests(messages))[-1]
