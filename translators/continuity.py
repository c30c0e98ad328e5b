"""What only its issuer can read, on its way back to it: which blobs of a request a candidate may see.

A sealed thinking block, a thought signature or an encrypted reasoning item is good for the model family that made it and
for nobody else: another provider answers it with an error, and reading it would be a leak. What is not the candidate's own
is taken out and listed, never forged. Pure; who issued a blob is already known here (see `proxy.continuity`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from operator import is_

from translators.canonical import (
    REMOVED,
    Block,
    Message,
    Opaque,
    Patch,
    Reasoning,
    Request,
    ToolCall,
    Transform,
    edited,
    value,
)

_BLOB = "encrypted_content"
_FOREIGN = "the thought of another model, which alone can read it"


@value
class Own:
    """A request without foreign blobs, and what was taken out."""

    request: Request
    transforms: tuple[Transform, ...] = ()


def only_own(request: Request, issuer: str) -> Own:
    """`request` as `issuer` may see it. Edits are recorded in the source too, so that every lane says the same."""
    transforms: list[Transform] = []
    patches: list[Patch] = []
    messages: list[Message] = []
    for index, message in enumerate(request.messages):
        blocks = message.blocks
        if message.role == "assistant" and any(_sealed(block) for block in blocks):
            looked_at = [_own(block, issuer) if _sealed(block) else block for block in blocks]
            foreign = sum(
                kept is None or _count(kept) < _count(block) for kept, block in zip(looked_at, blocks, strict=True)
            )
            for kept, block in zip(looked_at, blocks, strict=True):
                patches += _patches(block, kept, request)
            if foreign:
                transforms.append(Transform(f"messages[{index}].reasoning", "dropped", _FOREIGN))
            blocks = tuple(_unmarked(block) for block in looked_at if block is not None)
        same = len(blocks) == len(message.blocks) and all(map(is_, blocks, message.blocks))
        messages.append(message if same else replace(message, blocks=blocks))
    if not all(map(is_, messages, request.messages)):
        request = replace(request, messages=tuple(messages))
    for patch in reversed(patches):  # last first: taking an item out must not move those still to be edited
        request = edited(request, patch)
    return Own(request, tuple(transforms))


def belongs(blob: Opaque, issuer: str) -> bool:
    """Whether `issuer` made `blob`. One that names a provider alone (clients echo such) is any of its models' own."""
    return blob.issuer == issuer or (":" not in blob.issuer and blob.issuer == issuer.partition(":")[0])


def _sealed(block: Block) -> bool:
    return isinstance(block, (Reasoning, ToolCall)) and bool(block.opaque)


def _own(block: Block, issuer: str) -> Block | None:
    """`block` with the blobs of `issuer` alone; None for a thought that was another's as a whole."""
    if not isinstance(block, (Reasoning, ToolCall)):
        return block
    own = tuple(blob for blob in block.opaque if belongs(blob, issuer))
    if isinstance(block, Reasoning) and not own:
        return None
    return block if len(own) == len(block.opaque) else replace(block, opaque=own)


def _count(block: Block) -> int:
    return len(block.opaque) if isinstance(block, (Reasoning, ToolCall)) else 0


def _unmarked(block: Block) -> Block:
    if isinstance(block, Reasoning) and any(not blob.data for blob in block.opaque):
        return replace(block, opaque=tuple(blob for blob in block.opaque if blob.data))
    return block


def _patches(block: Block, kept: Block | None, request: Request) -> list[Patch]:
    """How the client's own body says the same, where it has an item for the block."""
    pointer = block.origin.pointer if block.origin is not None else None
    carried = carried_blob(block, request)
    if pointer is None or carried is None:
        return []
    if not isinstance(kept, Reasoning):
        return [Patch(pointer, REMOVED)]
    blob = kept.opaque[0].data
    return [] if blob == carried else [Patch(f"{pointer}/{_BLOB}", blob or REMOVED)]


def carried_blob(block: Block, request: Request) -> str | None:
    """The string in which the client's body carries the block's blobs; None when the block is not an item of that body."""
    origin, source = block.origin, request.source
    if origin is None or source is None or origin.item_type != "reasoning" or origin.item is None:
        return None
    items = source.body.get("input")
    item = items[origin.item] if isinstance(items, list) and origin.item < len(items) else None
    blob = item.get(_BLOB) if isinstance(item, Mapping) else None
    return blob if isinstance(blob, str) else None
