"""What Anthropic demands of a conversation."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from proxy.conformance.simulators.script import Call, Thought
from tests.proxy.conformance.simulators.asking import PDF, PNG, Claude, says

Wire = dict[str, Any]
TOOLS = [{"name": "look", "input_schema": {"type": "object", "properties": {}}}]
USE = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
RESULT = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "seen"}
TEXT = {"type": "text", "text": "and?"}


def user(*blocks: Wire) -> Wire:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Wire) -> Wire:
    return {"role": "assistant", "content": list(blocks)}


HI = user(TEXT)

GOOD = {
    "a plain question": [HI],
    "two of one role in a row": [HI, HI],
    "results and then text": [HI, assistant(USE), user(RESULT, TEXT)],
    "results in two messages in a row": [
        HI,
        assistant(USE, {**USE, "id": "toolu_2"}),
        user(RESULT),
        user({**RESULT, "tool_use_id": "toolu_2"}),
    ],
    "an image": [user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}})],
    "an image by its address": [user({"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}})],
    "a late instruction": [HI, {"role": "system", "content": "Be brief."}],
}


@pytest.mark.parametrize("messages", GOOD.values(), ids=GOOD)
def test_what_it_takes(messages: list[Wire]) -> None:
    assert Claude().refusal(messages=messages, tools=TOOLS) is None


BAD: dict[str, tuple[list[Wire], str]] = {
    "no messages": ([], "at least one message"),
    "an answer first": ([assistant(TEXT), HI], 'first message must use the "user" role'),
    "empty text": ([user({"type": "text", "text": ""})], "text content blocks must be non-empty"),
    "blank text": ([user({"type": "text", "text": " \n"})], "non-whitespace"),
    "a message without content": ([HI, assistant(), HI], "must have non-empty content"),
    "a member nobody knows": ([user({**TEXT, "name": "x"})], "Extra inputs are not permitted"),
    "a block nobody knows": ([user({"type": "input_text", "text": "x"})], "does not match any of the expected tags"),
    "an unanswered call": ([HI, assistant(USE), HI], "without `tool_result` blocks immediately after"),
    "a call at the end": ([HI, assistant(USE)], "does not support assistant message prefill"),
    "text before results": ([HI, assistant(USE), user(TEXT, RESULT)], "without `tool_result` blocks immediately after"),
    "half of a batch": ([HI, assistant(USE, {**USE, "id": "toolu_2"}), user(RESULT)], "toolu_2"),
    "a result for nothing": ([HI, user(RESULT)], "unexpected `tool_use_id`"),
    "a result twice": ([HI, assistant(USE), user(RESULT, RESULT)], "must have a single result"),
    "one id for two calls": ([HI, assistant(USE, USE), user(RESULT)], "ids must be unique"),
    "an id with a dot": ([HI, assistant({**USE, "id": "f.look:0"}), user(RESULT)], "'^[a-zA-Z0-9_-]+$'"),
    "arguments as text": ([HI, assistant({**USE, "input": "{}"}), user(RESULT)], "valid dictionary"),
    "prefill": ([HI, assistant(TEXT)], "does not support assistant message prefill"),
    "an image that is another": (
        [user({"type": "image", "source": {"type": "base64", "media_type": "image/jpeg", "data": PNG}})],
        "image/jpeg",
    ),
    "a data URL where base64 stands": (
        [user({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "data:x"}})],
        "invalid base64",
    ),
    "a document that is no PDF": (
        [user({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PNG}})],
        "not valid",
    ),
    "an image of the assistant": (
        [HI, assistant({"type": "image", "source": {"type": "url", "url": "https://x.example"}}), HI],
        "can only be in `user`",
    ),
    "thoughts of the user": ([user({"type": "thinking", "thinking": "x", "signature": "y"})], "`assistant` messages"),
    "a signature of somebody else": (
        [HI, assistant({"type": "thinking", "thinking": "x", "signature": "EqAB"}, TEXT), HI],
        "Invalid `signature`",
    ),
    "a late instruction behind an answer": ([HI, assistant(TEXT), {"role": "system", "content": "x"}], "must follow"),
}


@pytest.mark.parametrize(("messages", "words"), BAD.values(), ids=BAD)
def test_what_it_refuses(messages: list[Wire], words: str) -> None:
    why = Claude().refusal(messages=messages, tools=TOOLS)
    assert why is not None
    assert words in why


def test_a_pdf_is_a_pdf() -> None:
    block = {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": PDF}}
    assert Claude().refusal(messages=[user(block)]) is None


def test_a_late_instruction_is_not_for_every_model() -> None:
    messages = [HI, {"role": "system", "content": "x"}]
    assert "Unexpected role" in (Claude("claude-opus-4-7").refusal(messages=messages) or "")


class Loop:
    """A tool loop whose first turn the simulator answered with two thoughts and two calls."""

    def __init__(self, model: str = "claude-opus-5-5", thinking: Wire | None = None) -> None:
        self.claude = Claude(model)
        self.rest: Wire = {"tools": TOOLS, "max_tokens": 8000}
        if thinking is not None:
            self.rest["thinking"] = thinking
        answer = says(Thought("one"), Call("look", "{}"), Thought("two", redacted=True), Call("look", "{}"))
        self.turn = self.claude.answer(answer, messages=[HI], **self.rest)["content"]
        uses = [block["id"] for block in self.turn if block["type"] == "tool_use"]
        self.results = user(*({**RESULT, "tool_use_id": each} for each in uses))

    def refusal(self, turn: list[Wire] | None = None, first: Wire = HI, **members: Any) -> str | None:
        messages = [first, assistant(*(self.turn if turn is None else turn)), self.results]
        return self.claude.refusal(messages=messages, **{**self.rest, **members})


def test_thoughts_that_come_back_as_they_were() -> None:
    assert Loop().refusal() is None


def test_thoughts_that_are_left_out_where_that_is_legal() -> None:
    loop = Loop()
    assert loop.refusal([block for block in loop.turn if "thinking" not in block["type"]]) is None


def test_thoughts_that_are_left_out_of_a_loop_with_manual_thinking() -> None:
    loop = Loop("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 2000})
    bare = [block for block in loop.turn if "thinking" not in block["type"]]
    assert "Expected `thinking` or `redacted_thinking`, but found `tool_use`" in (loop.refusal(bare) or "")
    assert loop.refusal(bare, thinking={"type": "disabled"}) is None


@pytest.mark.parametrize("order", [(0, 1, 3), (2, 1, 0, 3), (1, 0, 2, 3), (0, 2, 1, 3)], ids=str)
def test_thoughts_that_were_lost_or_moved(order: tuple[int, ...]) -> None:
    loop = Loop()
    assert "cannot be modified" in (loop.refusal([loop.turn[index] for index in order]) or "")


def test_a_signature_that_was_altered() -> None:
    loop = Loop()
    turn = copy.deepcopy(loop.turn)
    turn[0]["signature"] = turn[0]["signature"][:-2] + "AA"
    assert "Invalid `signature`" in (loop.refusal(turn) or "")


def test_thoughts_whose_text_was_altered() -> None:
    loop = Loop("claude-sonnet-4-5", {"type": "enabled", "budget_tokens": 2000})
    turn = copy.deepcopy(loop.turn)
    assert turn[0]["thinking"] == "one"
    turn[0]["thinking"] = "another"
    assert "Invalid `signature`" in (loop.refusal(turn) or "")


def test_a_conversation_that_was_edited() -> None:
    assert "bound to a different conversation" in (Loop().refusal(first=user({**TEXT, "text": "else"})) or "")
    assert Loop("claude-opus-4-8", {"type": "adaptive"}).refusal(first=user({**TEXT, "text": "else"})) is None


def test_another_model_cannot_read_them() -> None:
    assert "bound to a different model" in (Loop().refusal(model="claude-haiku-5-5") or "")


def test_thoughts_of_earlier_turns_are_checked_for_their_signatures_alone() -> None:
    loop = Loop()
    messages = [HI, assistant(*loop.turn[1:2], *loop.turn[3:]), loop.results, assistant(TEXT), HI]
    assert loop.claude.refusal(messages=messages, **loop.rest) is None
