"""An assistant's turn as bytes and back: what the vault keeps of it. Only the blocks that a turn can consist of.

Where a block stood in a client's body is not kept: it comes back in another request.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Block, Opaque, Reasoning, Refusal, Text, ToolCall
from translators.formats.json import dumps, loads


def write_turn(blocks: tuple[Block, ...]) -> bytes:
    """The blocks in their order. Others than text, refusals, thoughts and calls are left out."""
    return dumps([written for block in blocks if (written := _write(block)) is not None])


def _write(block: Block) -> list[Any] | None:
    match block:
        case Text():
            return ["text", block.text]
        case Refusal():
            return ["refusal", block.text]
        case Reasoning():
            return ["reasoning", block.summary, block.text, _blobs(block.opaque)]
        case ToolCall():
            return ["call", block.id, block.name, block.arguments, block.kind, block.namespace, _blobs(block.opaque)]
        case _:
            return None


def _blobs(blobs: tuple[Opaque, ...]) -> list[list[str]]:
    return [[blob.issuer, blob.kind, blob.data, blob.prefix] for blob in blobs]


def read_turn(data: bytes) -> tuple[Block, ...]:
    """What `write_turn` wrote. Raises `ValueError` for anything else."""
    return tuple(_read(*entry) for entry in loads(data))


def _read(kind: str, *members: Any) -> Block:
    match kind, members:
        case "text", (text,):
            return Text(text)
        case "refusal", (text,):
            return Refusal(text)
        case "reasoning", (summary, text, blobs):
            return Reasoning(tuple(summary), text, _opaque(blobs))
        case "call", (id, name, arguments, call_kind, namespace, blobs):
            return ToolCall(id, name, arguments, call_kind, namespace, _opaque(blobs))
        case _:
            raise ValueError("not a turn")


def _opaque(blobs: list[list[str]]) -> tuple[Opaque, ...]:
    return tuple(Opaque(issuer, kind, data, prefix) for issuer, kind, data, prefix in blobs)
