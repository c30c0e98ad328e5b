"""What the tools of a turn have done already, as far as the request's history tells. Pure.

A turn is everything behind the last message of the user; results of tools are not the user's words. A call with a result has
been executed by the app; one without is under way, or was dropped.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.canonical import HostedItem, Message, Request, ToolCall, ToolResult, value

from .levels import HARMLESS, Levels

_READING = ("web_search", "file_search", "tool_search")
"""Tools that providers run and that only read."""


@value
class Acted:
    """`known` are (tool, level) of executed calls with a declared level, `unknown` the tools of the others.

    `in_flight` are the tools of calls without a result; `idempotent`: every executed call may be repeated.
    """

    calls: int = 0
    known: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()
    in_flight: tuple[str, ...] = ()
    idempotent: bool = True


NOTHING = Acted()


def acted(request: Request, levels: Levels) -> Acted:
    """What the turn at the end of `request` has done."""
    messages = _turn(request.messages)
    if not any(isinstance(block, (ToolCall, ToolResult, HostedItem)) for each in messages for block in each.blocks):
        return NOTHING
    results = {block.call_id: block for block in _blocks(messages) if isinstance(block, ToolResult)}
    names = {block.id: block.name for block in _blocks(request.messages) if isinstance(block, ToolCall)}
    done = [names.get(id) or block.name or "" for id, block in results.items()]
    waiting = [block.name for block in _blocks(messages) if isinstance(block, ToolCall) and block.id not in results]
    hosted = [block.tool for block in _blocks(messages) if isinstance(block, HostedItem)]
    found = [(name, levels.of(name)) for name in done]
    read = [(tool, HARMLESS) for tool in hosted if tool.startswith(_READING)]
    ran = [tool for tool in hosted if not tool.startswith(_READING)]
    return Acted(
        calls=len(done) + len(waiting) + len(hosted),
        known=(*((name, level.word) for name, level in found if level.known), *read),
        unknown=(*(name for name, level in found if not level.known), *ran),
        in_flight=tuple(waiting),
        idempotent=not ran and all(level.harmless or (level.known and level.idempotent) for _, level in found),
    )


def _turn(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """The messages behind the last one that the user wrote."""
    for index in range(len(messages) - 1, -1, -1):
        message = messages[index]
        if message.role == "user" and not all(isinstance(block, ToolResult) for block in message.blocks):
            return messages[index + 1 :]
    return messages


def _blocks(messages: Iterable[Message]) -> Iterable[Any]:
    return (block for message in messages for block in message.blocks)
