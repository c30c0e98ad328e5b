"""Short ways to ask, for tests of single rules."""

from typing import Any

from translators.canonical import (
    Block,
    Message,
    Opaque,
    Reasoning,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
)
from translators.formats.google_generate import PROVIDER

OLD, NEW = "gemini-2.5-flash", "gemini-3-flash-preview"


def user(text: str) -> Message:
    return Message("user", (Text(text),))


def assistant(*blocks: Block) -> Message:
    return Message("assistant", blocks)


def call(id: str, name: str = "f", arguments: str = "{}") -> ToolCall:
    return ToolCall(id, name, arguments)


def result(id: str, *content: Any, **members: Any) -> Message:
    blocks = tuple(Text(each) if isinstance(each, str) else each for each in content)
    return Message("tool", (ToolResult(id, blocks, **members),))


def thought(kind: str, data: str, *summary: str) -> Reasoning:
    return Reasoning(summary=summary, opaque=(Opaque("google:m", kind, data),))


def rendered(*messages: Message, model: str = NEW, **members: Any) -> dict:
    return PROVIDER.render_request(Request(messages=messages, **members), model).body


def contents(*messages: Message, model: str = NEW) -> list[tuple[str, list[dict]]]:
    return [(content["role"], content["parts"]) for content in rendered(*messages, model=model)["contents"]]


def changes(*messages: Message, model: str = NEW, **members: Any) -> list[str]:
    found = PROVIDER.render_request(Request(messages=messages, **members), model).transforms
    return [short(change) for change in found]


def short(change: Transform) -> str:
    return f"{change.field}: {change.action}"
