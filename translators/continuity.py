"""What only its issuer can read, on its way back to it: which blobs of a request a candidate may see.

A sealed thinking block, a thought signature or an encrypted reasoning item is good for the model family that made it and
for nobody else: another provider answers it with an error, and reading it would be a leak. What is not the candidate's own
is taken out and listed, never forged. Pure; who issued a blob is already known here (see `proxy.continuity`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from operator import is_

from translators.canonical import (
    REMOVED,
    Block,
    HostedItem,
    Media,
    Message,
    Native,
    Opaque,
    Patch,
    Reasoning,
    Refusal,
    Request,
    Text,
    ToolCall,
    ToolResult,
    Transform,
    edited,
    value,
)
from translators.formats.json import dumps, loads

_BLOB = "encrypted_content"
_FOREIGN = "the thought of another model or conversation, which alone can use it"


@value
class Own:
    """A request without foreign blobs, and what was taken out."""

    request: Request
    transforms: tuple[Transform, ...] = ()


def only_own(request: Request, issuer: str, *, bound: bool = False) -> Own:
    """`request` as `issuer` may see it. Edits are recorded in the source too, so that every lane says the same.

    `bound`: the issuer takes its blobs back in the conversation they were made in only, word for word.
    """
    if not any(message.role == "assistant" and any(map(_sealed, message.blocks)) for message in request.messages):
        return Own(request)
    transforms: list[Transform] = []
    patches: list[Patch] = []
    messages: list[Message] = []
    prefixes = digests(request.messages) if bound else None
    for index, message in enumerate(request.messages):
        blocks = message.blocks
        prefix = next(prefixes) if prefixes is not None else None
        if message.role == "assistant" and any(_sealed(block) for block in blocks):
            looked_at = [_own(block, issuer, prefix) if _sealed(block) else block for block in blocks]
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


def digests(messages: Sequence[Message]) -> Iterator[str]:
    """For each message a digest of what was said before it, and at the end one of everything.

    Thoughts do not count, nor do leading instructions, nor how arguments are spelled: what a provider would call an edit.
    """
    said, leading = hashlib.sha256(), True
    for message in messages:
        yield said.hexdigest()[:24]
        leading = leading and message.role in ("system", "developer")
        if not leading:
            blocks = [_said(block) for block in message.blocks if not isinstance(block, Reasoning)]
            said.update(_written([message.role, *blocks]))
    yield said.hexdigest()[:24]


def _written(said: list[object]) -> bytes:
    """`said` as bytes. What is nested deeper than JSON is written here counts by its size alone."""
    try:
        return dumps(said)
    except TypeError:
        return b",".join(map(_written_alone, said))


def _written_alone(part: object) -> bytes:
    try:
        return dumps(part)
    except TypeError:
        return b"deep"


def _said(block: Block) -> object:
    match block:
        case Text() | Refusal():
            return block.text
        case ToolCall():
            return [block.id, block.name, arguments_value(block.arguments)]
        case ToolResult():
            return [block.call_id, *map(_said, block.content)]
        case Media():
            return [block.kind, block.url, block.data, block.file_id]
        case HostedItem() | Native():
            return block.raw
        case _:
            return None


def arguments_value(arguments: str) -> object:
    """What a call's arguments say, however they are spelled; the text itself where it is no JSON."""
    try:
        return loads(arguments or "{}")
    except ValueError:
        return arguments


def belongs(blob: Opaque, issuer: str) -> bool:
    """Whether `issuer` made `blob`. One that names a provider alone (clients echo such) is any of its models' own."""
    return blob.issuer == issuer or (":" not in blob.issuer and blob.issuer == issuer.partition(":")[0])


def _sealed(block: Block) -> bool:
    return isinstance(block, (Reasoning, ToolCall)) and bool(block.opaque)


def _own(block: Block, issuer: str, prefix: str | None) -> Block | None:
    """`block` with the blobs of `issuer` alone; None for a thought of which nothing is left."""
    if not isinstance(block, (Reasoning, ToolCall)):
        return block
    own = tuple(
        blob for blob in block.opaque if belongs(blob, issuer) and (not blob.prefix or prefix in (None, blob.prefix))
    )
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
