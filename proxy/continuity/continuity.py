"""Puts back into a request what its client could not carry, and gives out what must come back. One per process.

A turn is put back only where the client's copy says the same: the same calls with the same arguments, and the same text or
none. What the client edited stays as it is, without the thoughts that led to something else.
"""

from __future__ import annotations

from dataclasses import replace

from translators.canonical import Block, Message, Opaque, Reasoning, Request, Text, ToolCall
from translators.continuity import arguments_value, digests

from .envelope import PREFIX, Sealer
from .vault import Vault


class Continuity:
    def __init__(self, sealer: Sealer, vault: Vault) -> None:
        self._sealer, self._vault = sealer, vault

    def scoped(self, scope: str) -> Scoped:
        """For the call of one caller: `scope` is namespace and agent."""
        return Scoped(self._sealer, self._vault, scope)


class Scoped:
    """Continuity for whoever makes one call."""

    def __init__(self, sealer: Sealer, vault: Vault, scope: str) -> None:
        self._sealer, self._vault, self._scope = sealer, vault, scope

    def answering(self, request: Request, issuer: str) -> Answering:
        """For the answer of `issuer` to `request`, into which everything is put back by now."""
        return Answering(self._sealer, self._vault, self._scope, request, issuer)

    def opened(self, request: Request) -> Request:
        """`request` with every envelope in it opened. One that does not open was not made here: its blobs are gone."""
        messages = tuple(self._opened(message) for message in request.messages)
        if all(new is old for new, old in zip(messages, request.messages, strict=True)):
            return request
        return replace(request, messages=messages)

    def _opened(self, message: Message) -> Message:
        if message.role != "assistant" or not any(map(_is_enveloped, message.blocks)):
            return message
        return replace(message, blocks=tuple(map(self._opened_block, message.blocks)))

    def _opened_block(self, block: Block) -> Block:
        if not isinstance(block, Reasoning) or not _is_enveloped(block):
            return block
        blobs = self._sealer.open(self._scope, block.opaque[0].data)
        return replace(block, opaque=blobs or (Opaque("", "unknown", ""),))

    async def restored(self, request: Request) -> Request:
        """`request` with the turns put back that the vault still has."""
        wanted = {index: ids for index, message in enumerate(request.messages) if (ids := _bare_calls(message))}
        if not wanted:
            return request
        kept = await self._vault.find(self._scope, [ids[0] for ids in wanted.values()])
        messages = list(request.messages)
        for index, ids in wanted.items():
            turn = kept.get(ids[0])
            if turn is not None and says_the_same(messages[index].blocks, turn):
                messages[index] = replace(messages[index], blocks=_with_marks(turn, messages[index].blocks))
        return replace(request, messages=tuple(messages))


class Answering:
    """Seals and keeps what one answer is made of, each blob marked with the conversation it was made in."""

    def __init__(self, sealer: Sealer, vault: Vault, scope: str, request: Request, issuer: str) -> None:
        self._sealer, self._vault, self._scope = sealer, vault, scope
        self._request, self._issuer = request, issuer
        self._prefix: str | None = None

    def seal(self, blobs: tuple[Opaque, ...]) -> str:
        return self._sealer.seal(self._scope, self._marked(blobs))

    def keep(self, blocks: tuple[Block, ...]) -> None:
        self._vault.keep(self._scope, tuple(map(self._marked_block, blocks)))

    def _marked_block(self, block: Block) -> Block:
        if isinstance(block, Reasoning):  # a thought that nobody sealed is still its model's own
            return replace(block, opaque=self._marked(block.opaque or (Opaque(self._issuer, "none", ""),)))
        if isinstance(block, ToolCall) and block.opaque:
            return replace(block, opaque=self._marked(block.opaque))
        return block

    def _marked(self, blobs: tuple[Opaque, ...]) -> tuple[Opaque, ...]:
        if self._prefix is None:
            *_, self._prefix = digests(self._request.messages)
        return tuple(replace(blob, prefix=self._prefix) for blob in blobs)


def _is_enveloped(block: Block) -> bool:
    return isinstance(block, Reasoning) and bool(block.opaque) and block.opaque[0].data.startswith(PREFIX)


def _bare_calls(message: Message) -> list[str]:
    """The ids of the calls of a turn that came without any blob; none for all other messages."""
    if message.role != "assistant":
        return []
    if any(isinstance(block, (Reasoning, ToolCall)) and block.opaque for block in message.blocks):
        return []
    return [block.id for block in message.blocks if isinstance(block, ToolCall)]


def says_the_same(blocks: tuple[Block, ...], turn: tuple[Block, ...]) -> bool:
    """Whether the client's copy of a turn differs from it in nothing but what clients drop."""
    said, text = _text(blocks), _text(turn)
    if said and said != text:
        return False
    calls = [block for block in blocks if isinstance(block, ToolCall)]
    made = [block for block in turn if isinstance(block, ToolCall)]
    return len(calls) == len(made) and all(map(_same_call, calls, made))


def _same_call(call: ToolCall, made: ToolCall) -> bool:
    if (call.id, call.name, call.kind) != (made.id, made.name, made.kind):
        return False
    try:
        return call.arguments == made.arguments or arguments_value(call.arguments) == arguments_value(made.arguments)
    except RecursionError:  # nested as deep as nobody means it
        return False


def _text(blocks: tuple[Block, ...]) -> str:
    """What is said, without the white space: chat puts some between texts that were apart."""
    return "".join("".join(block.text for block in blocks if isinstance(block, Text)).split())


def _with_marks(turn: tuple[Block, ...], copy: tuple[Block, ...]) -> tuple[Block, ...]:
    """The turn with the cache mark that the client put on its copy's last text."""
    mark = next((block.cache for block in reversed(copy) if isinstance(block, Text) and block.cache), None)
    if mark is None:
        return turn
    last = max((at for at, block in enumerate(turn) if isinstance(block, Text)), default=-1)
    return tuple(
        replace(block, cache=mark) if at == last and isinstance(block, Text) else block for at, block in enumerate(turn)
    )
