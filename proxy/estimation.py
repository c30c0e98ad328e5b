"""Tokens of a request before a provider counts them."""

from __future__ import annotations

from proxy.resources import Estimation
from translators.canonical import Media, Reasoning, Refusal, Request, Text, ToolCall, ToolResult, value

_FRAME = 4


@value
class Estimate:
    tokens: int
    method: str
    error: float

    @property
    def at_most(self) -> int:
        return int(self.tokens * (1 + self.error)) + 1

    @property
    def at_least(self) -> int:
        return int(self.tokens * (1 - self.error))


def bound(request: Request, settings: Estimation) -> int:
    size = len(request.source.raw) if request.source else 10**9
    return size + 64


def quick(request: Request, settings: Estimation) -> Estimate:
    size = sum(_size(block) for block in request.instructions)
    for message in request.messages:
        size += _FRAME * 4 + sum(_size(block) for block in message.blocks)
    size += sum(len(t.name) + len(t.description or "") + len(str(t.parameters or "")) for t in request.tools)
    return Estimate(-(-size // 4), "size", 0.3)


def _size(block: object) -> int:
    match block:
        case Text() | Refusal():
            return len(block.text.encode())
        case Reasoning():
            return sum(map(len, block.summary)) + len(block.text or "")
        case ToolCall():
            return len(block.name) + len(block.arguments.encode())
        case ToolResult():
            return sum(_size(part) for part in block.content)
        case Media():
            return 1105 * 4
        case _:
            return 0


class Tokenizers:
    async def exact(self, request: Request, settings: Estimation, model: str) -> Estimate:
        return quick(request, settings)
