"""Recorded conversations go on: what is sent for the next turn carries what the recorded client sent for it.

The assistant's turns come from the parsed answers of the turns before, with their signatures; the rest of a recorded request is
read into canonical form here. Left out on both sides is what OpenAI's dialects have no words for.
"""

import base64
import json
from typing import Any

import pytest

from translators.canonical import (
    Block,
    Media,
    Message,
    Request,
    Response,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    fold,
)
from translators.formats.anthropic_messages import PROVIDER

from . import sdk
from .recorded import Recording, conversations, is_server

ISSUER = "anthropic:claude"
UNSAID = ("container_upload", "search_result", "tool_addition", "tool_reference")
"""Blocks of requests that no client of ours can ask for."""


def answer(recording: Recording) -> Response:
    if recording.whole is not None:
        return PROVIDER.parse_response(recording.whole, ISSUER)
    parser = PROVIDER.stream_parser(ISSUER)
    return fold([*parser.feed(recording.text.encode()), *parser.close()])


def blocks_of(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message["content"]
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def plain(block: dict[str, Any]) -> dict[str, Any]:
    """A block without what says nothing: cache marks, empty members, who called, and how a short content is spelled."""
    kept = spare({name: value for name, value in block.items() if name not in ("cache_control", "caller", "citations")})
    if block["type"] == "tool_result":
        kept["content"] = [plain(each) for each in said(blocks_of(block))] if block.get("content") else []
    return kept


def spare(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: spare(below) for name, below in value.items() if below not in (None, [], False)}
    return [spare(below) for below in value] if isinstance(value, list) else value


def said(content: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What can be said in canonical form, neighbouring texts put together."""
    joined: list[dict[str, Any]] = []
    for block in content:
        if block["type"] in UNSAID or (block["type"] == "text" and not block["text"].strip()):
            continue
        if block["type"] == "document" and block["source"]["type"] == "content":
            continue
        if joined and block["type"] == joined[-1]["type"] == "text":
            joined[-1] = {"type": "text", "text": joined[-1]["text"] + block["text"]}
        else:
            joined.append(block)
    return joined


def turns(messages: list[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    merged: list[tuple[str, list[dict[str, Any]]]] = []
    for message in messages:
        content = said(blocks_of(message))
        if content and merged and merged[-1][0] == message["role"]:
            merged[-1] = (message["role"], said([*merged[-1][1], *content]))
        elif content:
            merged.append((message["role"], content))
    return merged


def text_of(content: list[dict[str, Any]]) -> str:
    return "".join(block["text"] for block in content if block["type"] == "text")


def is_copy(content: list[dict[str, Any]], recording: Recording) -> bool:
    """Whether a turn of a recorded request is the answer that was recorded before."""
    came = recording.message()["content"]
    calls = [block["id"] for block in came if block["type"] == "tool_use"]
    return [block["id"] for block in content if block["type"] == "tool_use"] == calls and text_of(content) == text_of(
        came
    )


def canonical(block: dict[str, Any]) -> Block:
    match block["type"]:
        case "text":
            return Text(block["text"])
        case "image" | "document":
            source = block["source"]
            kind = "image" if block["type"] == "image" else "file"
            name = block.get("title")
            if source["type"] == "url":
                return Media(kind=kind, url=source["url"], filename=name)
            if source["type"] == "file":
                return Media(kind=kind, file_id=source["file_id"], provider="anthropic", filename=name)
            if source["type"] == "text":
                data = base64.b64encode(source["data"].encode()).decode()
                return Media(kind=kind, data=data, mime=source["media_type"], filename=name)
            return Media(kind=kind, data=source["data"], mime=source["media_type"], filename=name)
        case "tool_use":
            return ToolCall(block["id"], block["name"], json.dumps(block["input"]))
        case "tool_result":
            content = tuple(canonical(each) for each in said(blocks_of(block)))
            return ToolResult(block["tool_use_id"], content, is_error=bool(block.get("is_error")))
        case kind:
            raise AssertionError(f"no {kind} is expected here")


def conversation(recording: Recording, before: list[Recording]) -> tuple[tuple[Message, ...], list[Recording]]:
    """The messages of a recorded request, its assistant's turns from the answers `before`; and the answers that were used."""
    assert recording.request is not None
    messages, used = [], []
    for role, content in turns(recording.request["messages"]):
        source = next((each for each in before if role == "assistant" and is_copy(content, each)), None)
        if source is not None:
            used.append(source)
            messages.append(Message("assistant", answer(source).choices[0].message.blocks))
        else:
            messages.append(Message(role, tuple(canonical(block) for block in content if not is_kept(block))))
    return tuple(messages), used


def is_kept(block: dict[str, Any]) -> bool:
    return is_server(block) or block["type"] in ("thinking", "redacted_thinking")


CASES = [
    pytest.param(group[position], group[:position], id=group[position].id)
    for group in conversations().values()
    for position in range(1, len(group))
    if any(
        is_copy(content, before)
        for role, content in turns((group[position].request or {})["messages"])
        if role == "assistant"
        for before in group[:position]
    )
]


def test_there_are_conversations_with_signatures():
    assert len(CASES) >= 12
    sent = [json.dumps(case.values[0].request) for case in CASES]
    assert sum('"signature"' in body for body in sent) >= 3
    assert any('"redacted_thinking"' in body for body in sent)


@pytest.mark.parametrize(("recording", "before"), CASES)
def test_the_next_request_carries_what_the_recorded_one_carried(recording: Recording, before: list[Recording]):
    messages, used = conversation(recording, before)
    asked = recording.request or {}
    tools = tuple(
        Tool(name=tool["name"], description=tool.get("description"), parameters=tool["input_schema"])
        for tool in asked.get("tools") or ()
        if "input_schema" in tool
    )
    request = Request(messages=messages, tools=tools, sampling=Sampling(max_output_tokens=asked["max_tokens"]))
    rendered = PROVIDER.render_request(request, asked.get("model") or "claude")
    sdk.check(rendered.body)
    ours, theirs = turns(rendered.body["messages"]), turns(asked["messages"])
    assert [role for role, _ in ours] == [role for role, _ in theirs]
    # What the recorded client left out are thoughts and traces of its own answers, which are better sent.
    came = [plain(block) for each in used for block in each.message()["content"] if is_kept(block)]
    for (_, sent), (role, recorded) in zip(ours, theirs, strict=True):
        assert text_of(sent) == text_of(recorded)
        wanted = [plain(block) for block in recorded if block["type"] != "text"]
        got = [plain(block) for block in sent if block["type"] != "text"]
        assert [block for block in got if block in wanted] == wanted, role
        assert all(block in came for block in got if block not in wanted)


@pytest.mark.parametrize(("recording", "before"), CASES)
def test_signatures_go_back_letter_for_letter(recording: Recording, before: list[Recording]):
    messages, used = conversation(recording, before)
    sent = PROVIDER.render_request(Request(messages=messages), "claude").body["messages"]
    thoughts = [block for message in sent for block in blocks_of(message) if "thinking" in block["type"]]
    assert thoughts == [block for each in used for block in each.message()["content"] if "thinking" in block["type"]]
