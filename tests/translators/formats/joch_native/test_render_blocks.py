"""Blocks on their way out: what is shown, what is sealed, and how a stream opens them. The way back is test_blocks'."""

from __future__ import annotations

import pytest

from translators.canonical import Block, Reasoning, ToolCall, ToolResult
from translators.formats.joch_native.render_blocks import render_block, render_call, render_opening

from .documents import BLOCKS, context


def test_a_call_has_its_exact_text_and_what_that_says() -> None:
    call = ToolCall("c", "f", '{"a": [1]}')
    assert render_call(call) == {"id": "c", "name": "f", "arguments": '{"a": [1]}', "args": {"a": [1]}}
    assert "args" not in render_call(ToolCall("c", "f", "[1]"))
    assert "args" not in render_call(ToolCall("c", "f", '{"a": 1}', "custom"))


def test_blobs_leave_in_one_sealed_string_or_not_at_all() -> None:
    thought = BLOCKS["sealed thought"]
    assert render_block(thought, context())["sealed"] == '[["google:gemini", "thought_signature", "blob"]]'
    assert "sealed" not in render_block(thought, context(seal=None))


def test_a_thought_that_nobody_sealed_is_marked_as_its_models_own() -> None:
    assert render_block(Reasoning(text="x"), context())["sealed"] == '[["google:gemini", "none", ""]]'


def test_thoughts_that_are_not_to_be_shown_leave_only_their_seal() -> None:
    shown = render_block(Reasoning(("s",), "x"), context(show_reasoning=False))
    assert shown.keys() == {"type", "sealed"}


@pytest.mark.parametrize(
    ("name", "opening"),
    [
        ("text", {"type": "text"}),
        ("refusal", {"type": "refusal"}),
        ("sealed thought", {"type": "reasoning"}),
        ("call", {"type": "tool_call", "id": "call_a", "name": "f"}),
        ("custom call", {"type": "tool_call", "id": "call_d", "name": "g", "kind": "custom"}),
        ("picture", {"type": "image"}),
        ("sound", {"type": "audio", "id": "audio_1"}),
        ("hosted", {"type": "hosted_tool", "name": "web_search", "id": "ws_1"}),
        ("native", {"type": "native"}),
    ],
)
def test_an_opening_says_what_a_block_is_and_nothing_it_holds(name: str, opening: dict[str, str]) -> None:
    assert render_opening(BLOCKS[name]) == opening


def test_a_result_opens_with_the_call_it_answers() -> None:
    assert render_opening(ToolResult("c", ())) == {"type": "tool_result", "callId": "c"}


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_nothing_is_written_for_what_is_not_there(block: Block) -> None:
    assert None not in render_block(block, context()).values()
