"""`input` of a Responses request to messages. Adjacent items of the assistant make one turn, in their order.

Lenient where real clients are: messages without `type`, replayed output without id, status or annotations, null members,
references without a type. Types of items nobody here knows become `Native`: they are never refused and never lost.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.canonical import (
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Origin,
    RequestError,
    Role,
    Text,
    ToolCall,
    ToolResult,
)

from . import checks
from .items import (
    CALL_OUTPUT_MEMBERS,
    CUSTOM_CALL_MEMBERS,
    FORMAT,
    FUNCTION_CALL_MEMBERS,
    HOSTED,
    MESSAGE_MEMBERS,
    REASONING_MEMBERS,
    item_origin,
    parse_reasoning,
    plain_origin,
    rest_of,
)
from .parse_parts import OWNER, parse_parts

ITEM_LIMIT = 2048
MEDIA_LIMIT = 16

_ROLES: dict[str, Role] = {"user": "user", "system": "system", "developer": "developer", "assistant": "assistant"}
_PLAIN_MESSAGE = frozenset({"type", "role", "content"})
_DEVELOPER_ITEMS = frozenset({"additional_tools", "configuration_update"})
_CLIENT_ITEMS = frozenset({"compaction_trigger"})


_WHOLE = Origin("/input")


def parse_input(value: object) -> tuple[Message, ...]:
    """The messages of `input`. Raises `RequestError` naming the member at fault."""
    if type(value) is str:
        return (Message("user", (Text(value, (), None, None, _WHOLE),), None, _WHOLE),)
    if type(value) is not list:
        raise checks.invalid_type("input", "a string or an array of objects", value)
    if len(value) > ITEM_LIMIT:
        raise checks.too_long("input", ITEM_LIMIT, len(value))
    turns = _Turns()
    for ordinal, item in enumerate(value):
        _parse_item(item, ordinal, turns)
    turns.close()
    _limit_media(turns.messages)
    return tuple(turns.messages)


class _Turns:
    """The messages so far, and the assistant's turn that is still growing."""

    __slots__ = ("_blocks", "_first", "messages")

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._blocks: list[Block] = []
        self._first = 0

    def grow(self, blocks: list[Block], ordinal: int) -> None:
        """More of the assistant's turn."""
        if not self._blocks:
            self._first = ordinal
        self._blocks += blocks

    def close(self) -> None:
        if self._blocks:
            origin = plain_origin(f"/input/{self._first}", self._first, None)
            self.messages.append(Message("assistant", tuple(self._blocks), None, origin))
            self._blocks = []

    def append(self, message: Message) -> None:
        """A message of somebody else, which ends the assistant's turn."""
        self.close()
        self.messages.append(message)


def _parse_item(item: Any, ordinal: int, turns: _Turns) -> None:
    if type(item) is not dict:
        raise checks.invalid_type(f"input[{ordinal}]", "an object", item)
    kind = item.get("type")
    if kind is None:
        # An easy message needs no type; an object with only an id is a reference (SDK types allow both).
        kind = "message" if "role" in item else "item_reference" if "id" in item else None
    if type(kind) is not str:
        at = f"input[{ordinal}].type"
        raise checks.missing(at) if kind is None else checks.invalid_type(at, "a string", kind)
    if kind == "message":
        _parse_message(item, ordinal, turns)
    elif (parse := _ASSISTANT_ITEMS.get(kind)) is not None:
        turns.grow([parse(item, ordinal)], ordinal)
    elif (result := _RESULTS.get(kind)) is not None:
        turns.append(result(item, ordinal))
    else:
        _parse_other(item, kind, ordinal, turns)


def _text(item: dict[str, Any], key: str, ordinal: int) -> str:
    value = item.get(key)
    return value if type(value) is str else checks.required_string(item, key, f"input[{ordinal}]")


def _parse_message(item: dict[str, Any], ordinal: int, turns: _Turns) -> None:
    name = _text(item, "role", ordinal)
    role = _ROLES.get(name)
    if role is None:
        raise checks.invalid_value(f"input[{ordinal}].role", name, ("assistant", "system", "developer", "user"))
    if role == "assistant":
        turns.grow(_assistant_blocks(item, ordinal), ordinal)
        return
    pointer = f"/input/{ordinal}"
    content = item.get("content")
    blocks: tuple[Block, ...]
    if type(content) is str:
        blocks = (Text(content, (), None, None, plain_origin(f"{pointer}/content", ordinal)),)
    elif content is None:
        raise checks.missing(f"input[{ordinal}].content")
    else:
        blocks = tuple(parse_parts(content, ordinal, "content"))
    if item.keys() <= _PLAIN_MESSAGE:
        origin = plain_origin(pointer, ordinal)
    else:
        origin = item_origin(item, "message", ordinal, pointer, rest_of(item, MESSAGE_MEMBERS))
    turns.append(Message(role, blocks, None, origin))


def _assistant_blocks(item: dict[str, Any], ordinal: int) -> list[Block]:
    content = item.get("content")
    rest = rest_of(item, MESSAGE_MEMBERS)
    if type(content) is not str:
        return parse_parts(content, ordinal, "content", item, rest)
    kept = {"message": rest} if rest else None
    return [Text(content, (), None, None, item_origin(item, "message", ordinal, f"/input/{ordinal}/content", kept))]


def _parse_function_call(item: dict[str, Any], ordinal: int) -> Block:
    return _call(item, ordinal, "function_call", "arguments", FUNCTION_CALL_MEMBERS)


def _parse_custom_call(item: dict[str, Any], ordinal: int) -> Block:
    return _call(item, ordinal, "custom_tool_call", "input", CUSTOM_CALL_MEMBERS)


def _call(item: dict[str, Any], ordinal: int, kind: str, text: str, known: frozenset[str]) -> Block:
    namespace = item.get("namespace")
    return ToolCall(
        id=_text(item, "call_id", ordinal),
        name=_text(item, "name", ordinal),
        arguments=_text(item, text, ordinal),
        kind="function" if kind == "function_call" else "custom",
        namespace=None if namespace is None else _text(item, "namespace", ordinal),
        origin=item_origin(item, kind, ordinal, f"/input/{ordinal}", rest_of(item, known)),
    )


def _parse_reasoning_item(item: dict[str, Any], ordinal: int) -> Block:
    for key in ("summary", "content"):
        if type(item.get(key)) not in (list, type(None)):
            checks.array(item, key, f"input[{ordinal}]")
    if item.get("encrypted_content") is not None:
        _text(item, "encrypted_content", ordinal)
    origin = item_origin(item, "reasoning", ordinal, f"/input/{ordinal}", rest_of(item, REASONING_MEMBERS))
    return parse_reasoning(item, origin, OWNER)


_ASSISTANT_ITEMS: dict[str, Callable[[dict[str, Any], int], Block]] = {
    "function_call": _parse_function_call,
    "custom_tool_call": _parse_custom_call,
    "reasoning": _parse_reasoning_item,
}


def _parse_function_result(item: dict[str, Any], ordinal: int) -> Message:
    return _result(item, ordinal, "function_call_output")


def _parse_custom_result(item: dict[str, Any], ordinal: int) -> Message:
    return _result(item, ordinal, "custom_tool_call_output")


def _result(item: dict[str, Any], ordinal: int, kind: str) -> Message:
    output = item.get("output")
    if output is None:
        raise checks.missing(f"input[{ordinal}].output")
    content: list[Block]
    if type(output) is str:
        content = [Text(output, (), None, None, plain_origin(f"/input/{ordinal}/output", ordinal, kind))]
    else:
        content = parse_parts(output, ordinal, "output")
    origin = item_origin(item, kind, ordinal, f"/input/{ordinal}", rest_of(item, CALL_OUTPUT_MEMBERS))
    result = ToolResult(
        call_id=_text(item, "call_id", ordinal),
        content=tuple(content),
        kind="function" if kind == "function_call_output" else "custom",
        name=None if item.get("name") is None else _text(item, "name", ordinal),
        origin=origin,
    )
    return Message("tool", (result,), None, origin)


_RESULTS: dict[str, Callable[[dict[str, Any], int], Message]] = {
    "function_call_output": _parse_function_result,
    "custom_tool_call_output": _parse_custom_result,
}


def _parse_other(item: dict[str, Any], kind: str, ordinal: int, turns: _Turns) -> None:
    origin = item_origin(item, kind, ordinal, f"/input/{ordinal}", None)
    tool = HOSTED.get(kind)
    if tool is not None:
        hosted = HostedItem(tool, item, None, origin)
        if kind.endswith(("_output", "_response")):  # what the client's side of a hosted tool answered
            turns.append(Message("tool", (hosted,), origin=origin))
        else:
            turns.grow([hosted], ordinal)
        return
    native = Native(FORMAT, item, origin)
    role = _ROLES.get(str(item.get("role")))
    if kind in _DEVELOPER_ITEMS:
        role = "developer"
    elif kind in _CLIENT_ITEMS:
        role = "user"
    if role is None or role == "assistant":
        turns.grow([native], ordinal)
    else:
        turns.append(Message(role, (native,), origin=origin))


def _limit_media(messages: list[Message]) -> None:
    count = 0
    for message in messages:
        for block in message.blocks:
            if type(block) is Media:
                count += 1
            elif type(block) is ToolResult:
                count += sum(type(part) is Media for part in block.content)
    if count > MEDIA_LIMIT:
        raise RequestError(
            f"Too many media parts. Expected at most {MEDIA_LIMIT} in one request, but got {count}.",
            param="input",
            code="too_many_media",
        )
