"""Blocks on their way in: every kind comes back as it was written, and every mistake is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from translators.canonical import Block, Media, Opaque, Reasoning, RequestError, Text, ToolCall, ToolResult
from translators.formats.joch_native.blocks import SEALED, parse_block, parse_call, parse_content, parse_result
from translators.formats.joch_native.names import MEDIA
from translators.formats.joch_native.render_blocks import render_block

from .documents import BLOCKS, blocks, context, sealing


def bare(block: Block) -> Block:
    """Without the place it stood at, which every request has anew."""
    if isinstance(block, ToolResult):
        block = replace(block, content=tuple(map(bare, block.content)))
    return replace(block, origin=None)


def parsed(wire: Any) -> Block:
    return bare(parse_block(json.loads(json.dumps(wire)), "at", "/at"))


def refused(wire: Any, read: Any = parse_block) -> RequestError:
    with pytest.raises(RequestError) as caught:
        read(wire, "at", "/at")
    assert caught.value.body.param is not None
    return caught.value


def carried(block: Block) -> Block:
    """What a client brings back of `block`: blobs in their envelope."""
    if isinstance(block, Reasoning):
        blobs = block.opaque or (Opaque("google:gemini", "none", ""),)
        return replace(block, opaque=(Opaque("", SEALED, sealing(blobs)),))
    return block


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_every_kind_of_block_comes_back_as_it_went_out(block: Block) -> None:
    assert parsed(render_block(block, context())) == carried(block)


@given(blocks())
def test_so_do_blocks_with_any_words(block: Block) -> None:
    assert parsed(render_block(block, context())) == carried(block)


@pytest.mark.parametrize("block", [*BLOCKS.values()], ids=BLOCKS)
def test_a_block_may_say_kind_for_type_and_use_snake_case(block: Block) -> None:
    wire = render_block(block, context())
    if "kind" not in wire:
        wire = {"kind" if key == "type" else key: value for key, value in wire.items()}
    snake = {
        {"mimeType": "mime_type", "fileId": "file_id", "expiresAt": "expires_at"}.get(key, key): value
        for key, value in wire.items()
    }
    assert parsed(snake) == carried(block)


def test_a_result_holds_blocks_and_comes_back_too() -> None:
    result = ToolResult("call_a", (Text("1"), BLOCKS["picture"]), is_error=True, kind="custom", name="f")
    assert parsed(render_block(result, context())) == result


@pytest.mark.parametrize("kind", sorted(MEDIA))
def test_media_may_be_told_as_such(kind: str) -> None:
    assert parsed({"type": "media", "kind": kind, "fileId": "x"}) == Media(kind=kind, file_id="x")  # type: ignore[arg-type]  # a word of MEDIA


def test_base64_in_a_data_uri_is_taken_out() -> None:
    assert parsed({"type": "image", "uri": "data:image/gif;base64,QUJD"}) == Media(
        kind="image", data="QUJD", mime="image/gif"
    )
    told = parsed({"type": "image", "uri": "data:;base64,QUJD", "mimeType": "image/gif"})
    assert told == Media(kind="image", data="QUJD", mime="image/gif")


@pytest.mark.parametrize("scheme", ["artifact", "mem", "file", "ftp", "gs"])
def test_what_only_another_service_can_read_is_refused_by_its_scheme(scheme: str) -> None:
    error = refused({"type": "image", "uri": f"{scheme}://a/b"})
    assert error.body.param == "at.uri"
    assert f"not '{scheme}:'" in error.body.message


def test_arguments_may_come_as_text_as_an_object_or_as_both() -> None:
    call = ToolCall("c", "f", '{"a": 1}')
    assert parsed({"type": "tool_call", "id": "c", "name": "f", "arguments": '{"a": 1}'}) == call
    assert parsed({"type": "tool_call", "id": "c", "name": "f", "arguments": '{"a": 1}', "args": {"a": 1}}) == call
    assert parsed({"type": "tool_call", "id": "c", "name": "f", "args": {"a": 1}}) == replace(call, arguments='{"a":1}')


@pytest.mark.parametrize("arguments", ['{"a": 2}', "not json", "[]"])
def test_arguments_that_contradict_each_other_are_refused(arguments: str) -> None:
    error = refused({"type": "tool_call", "id": "c", "name": "f", "arguments": arguments, "args": {"a": 1}})
    assert error.body.param == "at.args"


@pytest.mark.parametrize("name", ["callId", "call_id", "toolCallId", "tool_call_id", "id"])
def test_a_result_names_its_call_in_any_of_three_words(name: str) -> None:
    assert bare(parse_result({name: "c", "content": "x"}, "at", "/at")) == ToolResult("c", (Text("x"),))
    assert parsed({"type": "tool_result", name: "c", "content": "x"}) == ToolResult("c", (Text("x"),))


def test_a_result_names_its_call_once() -> None:
    assert refused({"id": "c", "callId": "c", "content": "x"}, parse_result).body.code == "duplicate_parameter"


@pytest.mark.parametrize(
    ("wire", "param"),
    [
        ("x", "at"),
        ({}, "at.type"),
        ({"type": 1}, "at.type"),
        ({"type": "img"}, "at.type"),
        ({"kind": "img"}, "at.kind"),
        ({"type": "text"}, "at.text"),
        ({"type": "text", "text": None}, "at.text"),
        ({"type": "text", "text": "x", "kind": "text"}, "at.kind"),
        ({"type": "text", "text": "x", "anotations": []}, "at.anotations"),
        ({"type": "text", "text": "x", "cache": {"ttl": 5}}, "at.cache.ttl"),
        ({"type": "text", "text": "x", "cache": {"time": "5m"}}, "at.cache.time"),
        ({"type": "reasoning", "summary": "x"}, "at.summary"),
        ({"type": "reasoning", "sealed": 1}, "at.sealed"),
        ({"type": "image"}, "at.uri"),
        ({"type": "media", "uri": "https://a"}, "at.kind"),
        ({"type": "media", "kind": "text", "uri": "https://a"}, "at.kind"),
        ({"type": "image", "uri": "https://a", "data": "x"}, "at.data"),
        ({"type": "audio", "data": "x", "expiresAt": "now"}, "at.expiresAt"),
        ({"type": "tool_call", "name": "f", "arguments": ""}, "at.id"),
        ({"type": "tool_call", "id": "", "name": "f", "arguments": ""}, "at.id"),
        ({"type": "tool_call", "id": "c", "name": "f"}, "at.arguments"),
        ({"type": "tool_call", "id": "c", "name": "f", "args": []}, "at.args"),
        ({"type": "tool_call", "id": "c", "name": "f", "args": {}, "kind": "hosted"}, "at.kind"),
        ({"type": "tool_result", "callId": "c"}, "at.content"),
        ({"type": "tool_result", "callId": "c", "content": [{"type": "tool_call"}]}, "at.content[0].type"),
        ({"type": "tool_result", "content": ""}, "at.callId"),
        ({"type": "hosted_tool", "tool": "x"}, "at.raw"),
        ({"type": "native", "format": "x"}, "at.raw"),
    ],
)
def test_a_mistake_names_its_member(wire: Any, param: str) -> None:
    assert refused(wire).body.param == param


def test_a_block_keeps_its_place() -> None:
    first, second = parse_content([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}], "at", "/m/0/content")
    assert [block.origin and block.origin.pointer for block in (first, second)] == ["/m/0/content/0", "/m/0/content/1"]


def test_a_call_beside_the_content_needs_no_type() -> None:
    assert bare(parse_call({"id": "c", "name": "f", "args": {}}, "at", "/at")) == ToolCall("c", "f", "{}")
