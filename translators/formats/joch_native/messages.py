"""Messages of the native API to canonical ones: content, and the calls and results that may stand beside it.

Calls stand behind the content, results in front of it, unless `contentOrder` says where each content block ("c0") and call
("t0") stands. A result always becomes a message of the tool, which is how every provider tells it. `vendorMetadata` is what
a provider told of an earlier answer; it says nothing to a model and is left where it is.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any

from translators.canonical import Block, Media, Message, Origin, Role, Text, ToolResult

from . import checks
from .blocks import parse_call, parse_content, parse_result
from .names import ASSISTANT_ONLY, BLOCKS, MESSAGE, ROLES

MESSAGE_LIMIT = 2048
MEDIA_LIMIT = 16

_TOOL = frozenset({"tool_result", "hosted_tool", "native"})
_USER = BLOCKS.keys() - ASSISTANT_ONLY - {"hosted_tool"}
_INSTRUCTOR = _USER - {"tool_result"}
_KINDS: dict[Role, frozenset[str]] = {
    "system": frozenset(_INSTRUCTOR),
    "developer": frozenset(_INSTRUCTOR),
    "user": frozenset(_USER),
    "assistant": frozenset(BLOCKS.keys() - {"tool_result"}),
    "tool": _TOOL,
}


def parse_messages(body: dict[str, Any]) -> tuple[Message, ...]:
    """The messages of a request. Raises `RequestError` naming the member at fault."""
    values = checks.array(body, "messages")
    if values is None:
        raise checks.missing("messages")
    if not values:
        raise checks.invalid("messages", "Invalid 'messages': expected at least one message.", "empty_array")
    if len(values) > MESSAGE_LIMIT:
        raise checks.too_many("messages", MESSAGE_LIMIT, len(values))
    messages: list[Message] = []
    for index, value in enumerate(values):
        messages += _parse_message(value, f"messages[{index}]", f"/messages/{index}")
    _limit_media(messages)
    return tuple(messages)


def _parse_message(value: Any, at: str, pointer: str) -> list[Message]:
    message = checks.members(value, at, MESSAGE)
    said = checks.required_string(message, "role", at)
    if said not in ROLES:
        raise checks.unsupported(f"{at}.role", said, ROLES)
    role = ROLES[said]
    if "content" not in message:
        raise checks.missing(f"{at}.content")
    calls, results = checks.array(message, "toolCalls", at), checks.array(message, "toolResults", at)
    if calls and role != "assistant":
        raise checks.invalid(f"{at}.toolCalls", f"Only an assistant calls tools, not a message of role '{role}'.")
    if results and role not in ("user", "tool"):
        raise checks.invalid(f"{at}.toolResults", f"A message of role '{role}' holds no results of tools.")
    checks.mapping(message, "vendorMetadata", at)
    content = message["content"]
    blocks: tuple[Block, ...] = ()
    if not ((calls or results) and content == "") and not (role == "tool" and content == ""):
        if role == "tool" and type(content) is str:
            raise checks.invalid(f"{at}.content", "What a tool gave back stands in 'toolResults', with its 'callId'.")
        blocks = parse_content(content, f"{at}.content", f"{pointer}/content", _KINDS[role])
    called = tuple(
        parse_call(call, f"{at}.toolCalls[{index}]", f"{pointer}/toolCalls/{index}")
        for index, call in enumerate(calls or ())
    )
    given = tuple(
        parse_result(result, f"{at}.toolResults[{index}]", f"{pointer}/toolResults/{index}")
        for index, result in enumerate(results or ())
    )
    order = checks.strings(message, "contentOrder", at)
    ordered = (*given, *(blocks + called if order is None else _ordered(order, blocks, called, f"{at}.contentOrder")))
    if role == "tool" and not ordered:
        raise checks.missing(f"{at}.toolResults")
    return _split(role, ordered, checks.string(message, "name", at), Origin(pointer))


def _ordered(order: tuple[str, ...], blocks: tuple[Block, ...], calls: tuple[Block, ...], at: str) -> tuple[Block, ...]:
    """Content blocks and calls as `order` places them: each exactly once."""
    named = {f"c{index}": block for index, block in enumerate(blocks)}
    named |= {f"t{index}": call for index, call in enumerate(calls)}
    if sorted(order) != sorted(named):
        listed = ", ".join(named)
        raise checks.invalid(at, f"Invalid '{at}': it must name each content block and call once: {listed}.")
    return tuple(named[place] for place in order)


def _split(role: Role, blocks: tuple[Block, ...], name: str | None, origin: Origin) -> list[Message]:
    """The message, each result in a message of its own."""
    if not any(isinstance(block, ToolResult) for block in blocks):
        return [Message(role, blocks, None if role == "tool" else name, origin)]
    messages: list[Message] = []
    for is_result, run in groupby(blocks, lambda block: isinstance(block, ToolResult)):
        if is_result:
            messages += (Message("tool", (block,), None, origin) for block in run)
        else:
            messages.append(Message(role, tuple(run), None if role == "tool" else name, origin))
    return messages


def parse_instructions(body: dict[str, Any]) -> tuple[Block, ...]:
    """`instructions`, which are words alone."""
    if "instructions" not in body:
        return ()
    blocks = parse_content(body["instructions"], "instructions", "/instructions", frozenset({"text"}))
    return tuple(block for block in blocks if isinstance(block, Text))


def _limit_media(messages: list[Message]) -> None:
    count = 0
    for message in messages:
        for block in message.blocks:
            parts = block.content if isinstance(block, ToolResult) else (block,)
            count += sum(isinstance(part, Media) for part in parts)
    if count > MEDIA_LIMIT:
        text = f"Too many media blocks. Expected at most {MEDIA_LIMIT} in one request, but got {count}."
        raise checks.invalid("messages", text, "too_many_media")
