import json
from dataclasses import replace

import pytest

from proxy.continuity import SCHEMA, Continuity, Sealer, Vault
from proxy.continuity.continuity import says_the_same
from proxy.store import Database
from translators.canonical import CacheHint, Message, Opaque, Reasoning, Request, Text, ToolCall
from translators.formats import openai_responses

BLOB = Opaque("anthropic:claude-opus-5", "thinking", "SIG")
TURN = (
    Reasoning(("s",), None, (BLOB,)),
    Text("Checking."),
    ToolCall("call_1", "f", '{"a":1,"b":2}'),
    ToolCall("call_2", "g", "{}"),
)


@pytest.fixture
def scoped():
    database = Database(None, SCHEMA)
    yield Continuity(Sealer(b"k"), Vault(database)).scoped("default/anonymous")
    database.close()


def chat(*blocks) -> Request:
    return Request(messages=(Message("user", (Text("q"),)), Message("assistant", blocks)))


def bare(blocks):
    """The blocks without what says in which conversation they were made."""
    return tuple(
        replace(block, opaque=tuple(replace(blob, prefix="") for blob in block.opaque))
        if isinstance(block, Reasoning)
        else block
        for block in blocks
    )


CALLS = (ToolCall("call_1", "f", '{"a":1,"b":2}'), ToolCall("call_2", "g", "{}"))


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param(CALLS, id="content dropped"),
        pytest.param((Text("Checking."), *CALLS), id="content kept"),
        pytest.param(
            (ToolCall("call_1", "f", '{ "b": 2, "a": 1 }'), ToolCall("call_2", "g", "")), id="arguments written anew"
        ),
    ],
)
async def test_a_turn_comes_back_whatever_the_client_left_out(scoped, copy):
    scoped.answering(chat(), "anthropic:claude-opus-5").keep(TURN)
    restored = await scoped.restored(chat(*copy))
    assert bare(restored.messages[1].blocks) == TURN
    assert restored.messages[0].blocks == (Text("q"),)


@pytest.mark.parametrize(
    "copy",
    [
        pytest.param((Text("Checked!"), *CALLS), id="text edited"),
        pytest.param((ToolCall("call_1", "f", '{"a":9,"b":2}'), CALLS[1]), id="arguments edited"),
        pytest.param((ToolCall("call_1", "other", '{"a":1,"b":2}'), CALLS[1]), id="name edited"),
        pytest.param(CALLS[:1], id="a call left out"),
        pytest.param((CALLS[1], CALLS[0]), id="calls in another order"),
        pytest.param((*CALLS, ToolCall("call_3", "f", "{}")), id="a call added"),
        pytest.param((ToolCall("call_x", "f", "{}"),), id="never seen"),
    ],
)
async def test_what_the_client_edited_stays_as_it_is(scoped, copy):
    scoped.answering(chat(), "anthropic:claude-opus-5").keep(TURN)
    assert (await scoped.restored(chat(*copy))).messages[1].blocks == copy


async def test_a_thought_that_nobody_sealed_is_still_its_model_s_own(scoped):
    turn = (Reasoning(("open",)), *TURN)
    scoped.answering(chat(), "google:gemini-3").keep(turn)
    (thought, *_) = (await scoped.restored(chat(*CALLS))).messages[1].blocks
    assert thought.opaque[0].issuer == "google:gemini-3"
    assert thought.opaque[0].data == ""


async def test_a_copy_that_carries_blobs_itself_is_left_alone(scoped):
    scoped.answering(chat(), "anthropic:claude-opus-5").keep(TURN)
    own = (Reasoning((), None, (Opaque("x", "k", "d"),)), *CALLS)
    assert (await scoped.restored(chat(*own))).messages[1].blocks == own


async def test_a_cache_mark_of_the_client_stays_on_the_text(scoped):
    scoped.answering(chat(), "anthropic:claude-opus-5").keep(TURN)
    restored = await scoped.restored(chat(Text("Checking.", cache=CacheHint("1h")), *CALLS))
    assert restored.messages[1].blocks[1] == Text("Checking.", cache=CacheHint("1h"))


def responses(*items: dict) -> Request:
    body = {"model": "m", "input": list(items)}
    return openai_responses.CLIENT.parse_request(body, json.dumps(body).encode())


def reasoning(blob: str) -> dict:
    return {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": blob}


def test_an_envelope_is_opened_where_it_stands(scoped):
    request = scoped.opened(
        responses(
            {"role": "user", "content": "q"},
            reasoning(scoped.answering(chat(), "anthropic:claude-opus-5").seal((BLOB,))),
        )
    )
    (block,) = request.messages[1].blocks
    assert bare((block,))[0].opaque == (BLOB,)
    assert len(block.opaque[0].prefix) == 24
    assert block.origin.item == 1


def test_an_envelope_of_another_scope_belongs_to_nobody(scoped):
    database = Database(None, SCHEMA)
    other = Continuity(Sealer(b"k"), Vault(database)).scoped("default/other")
    (block,) = (
        scoped.opened(responses(reasoning(other.answering(chat(), "anthropic:claude-opus-5").seal((BLOB,)))))
        .messages[0]
        .blocks
    )
    assert [blob.issuer for blob in block.opaque] == [""]
    database.close()


def test_openai_s_own_blobs_and_requests_without_any_stay_the_same_object(scoped):
    for request in (responses(reasoning("gAAAAAB")), responses({"role": "user", "content": "q"})):
        assert scoped.opened(request) is request


def test_arguments_of_absurd_depth_are_not_the_same_and_no_error():
    deep = '{"a":' * 1000 + "1" + "}" * 1000
    assert says_the_same((ToolCall("c", "f", deep),), (ToolCall("c", "f", deep),))
    assert not says_the_same((ToolCall("c", "f", deep),), (ToolCall("c", "f", " " + deep),))
