"""Which execution a call belongs to when its app does not say: calls that resend a growing history, and chains of responses.

An agent's loop sends all it sent before and a little more. So a call joins the execution whose last call's messages are the
beginning of its own, or all of them, which is a retry; any other starts anew (CONFIG §7). Prompts are not kept: of an
execution only how many messages its last call had and a keyed digest of them, BLAKE2b (RFC 7693 §2.9) under the server's
salt. Memory of this process, bounded; what is forgotten costs a new execution, never an error.

Not decided here: whether an id that the client gives counts. That comes first, and then nobody asks here.
"""

from __future__ import annotations

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from translators.canonical import Block, Message, Refusal, Request, Text, ToolCall, ToolResult, value
from translators.canonical.blocks import HostedItem, Media, Native, Reasoning
from translators.formats.json import dumps

from .identity import Identity

_KEPT = 50_000
_PER_BEGINNING = 64
"""Executions that share their beginning: parallel runs of one prompt. Of more, the one longest idle is forgotten."""
_DIGEST_BYTES = 16
_WHOLE = 65_536
_SAMPLES = 16
_SAMPLE = 2_048
"""Of a text longer than `_WHOLE`, mostly the base64 of an image, the length and this many samples of this length count."""
_NO_USER = -1


@value
class Found:
    """The execution of a call. `turn` is set where the call goes on with a turn that an earlier one began."""

    execution: str
    source: Literal["responses", "inferred"]
    turn: str | None = None


@dataclass(slots=True)
class _Run:
    """An execution: what its last call sent, `count` messages with their digest, and when that was."""

    execution: str
    count: int
    digest: bytes
    seen: float


class Executions:
    """The executions under way. One per process; `salt` is the server's secret, `clock` gives seconds that only grow."""

    def __init__(self, salt: bytes, *, clock: Callable[[], float] = time.monotonic, limit: int = _KEPT) -> None:
        self._key = hashlib.blake2b(salt, digest_size=32, person=b"joch-executions").digest()
        self._clock, self._limit = clock, limit
        self._beginnings: OrderedDict[bytes, list[_Run]] = OrderedDict()  # the longest idle first
        self._runs = 0
        self._responses: OrderedDict[bytes, tuple[str, str | None]] = OrderedDict()

    @property
    def kept(self) -> int:
        """How many inferred executions are remembered."""
        return self._runs

    # --- chains of responses -----------------------------------------------------------------------------------------

    def remember(self, response_id: str, identity: Identity) -> None:
        """The client was given the response `response_id`: what follows on it belongs to the same execution."""
        name = self._named(identity.scope, "response", response_id)
        self._responses[name] = (identity.execution, identity.turn)
        self._responses.move_to_end(name)
        if len(self._responses) > self._limit:
            self._responses.popitem(last=False)

    def chained(self, scope: str, request: Request) -> Found | None:
        """The execution that `request` goes on with by `previous_response_id` or `conversation`; None if by neither.

        One that is not known here, being older than this process or another's, is named after the id itself, so that all
        that refers to it meets. `scope` is whose responses they are: an id of another caller leads nowhere.
        """
        previous = request.state.previous_response_id
        if previous is not None:
            name = self._named(scope, "response", previous)
            known = self._responses.get(name)
            if known is None:
                return Found(f"exec-r-{name.hex()[:12]}", "responses")
            self._responses.move_to_end(name)
            return Found(known[0], "responses", None if _last_user(request) >= 0 else known[1])
        conversation = conversation_id(request)
        if conversation is None:
            return None
        return Found(f"exec-c-{self._named(scope, 'conversation', conversation).hex()[:12]}", "responses")

    def _named(self, scope: str, kind: str, name: str) -> bytes:
        said = _encoded((kind, " ", scope, " ", name))
        return hashlib.blake2b(said, digest_size=_DIGEST_BYTES, key=self._key).digest()

    # --- histories that grow -----------------------------------------------------------------------------------------

    def inferred(self, caller: str, request: Request, new: str, idle: float) -> Found:
        """The execution that `request` goes on with, by what it repeats; else a new one called `new`.

        `caller` parts those who may not share one. An execution ends when nothing was heard of it for `idle` seconds.
        """
        now, messages = self._clock(), request.messages
        self._end(now - idle)
        if not any(message.blocks for message in messages):
            return Found(new, "inferred")  # a stored prompt, token ids: nothing to tell one from another by
        state = hashlib.blake2b(digest_size=_DIGEST_BYTES, key=self._key)
        state.update(_encoded([caller, *map(_spelled_block, request.instructions)]))
        done = _beginning(messages)
        state.update(_encoded(map(_spelled, messages[:done])))
        beginning = state.copy().digest()
        runs = self._under_way(beginning, now - idle)
        joined = None
        for run in sorted(runs, key=_count):
            if run.count > len(messages):
                break
            if run.count > done:
                state.update(_encoded(map(_spelled, messages[done : run.count])))
                done = run.count
            if state.copy().digest() == run.digest:
                joined = run  # a longer one that fits as well is the nearer one
        if done < len(messages):
            state.update(_encoded(map(_spelled, messages[done:])))
        digest = state.digest()
        if joined is None:
            joined = _Run(new, len(messages), digest, now)
            self._add(beginning, runs, joined)
        else:
            joined.count, joined.digest, joined.seen = len(messages), digest, now
            runs.remove(joined)
            runs.append(joined)
            self._beginnings.move_to_end(beginning)
        return Found(joined.execution, "inferred")

    def _add(self, beginning: bytes, runs: list[_Run], run: _Run) -> None:
        runs.append(run)
        self._runs += 1
        if len(runs) > _PER_BEGINNING:
            del runs[0]
            self._runs -= 1
        self._beginnings[beginning] = runs
        self._beginnings.move_to_end(beginning)
        while self._runs > self._limit:
            self._forget(next(iter(self._beginnings)), 1)

    def _end(self, before: float) -> None:
        """Forget beginnings of which nothing was heard since `before`."""
        while self._beginnings:
            beginning, runs = next(iter(self._beginnings.items()))
            if runs[-1].seen > before:
                return
            self._forget(beginning, len(runs))

    def _under_way(self, beginning: bytes, before: float) -> list[_Run]:
        """The executions with that beginning of which something was heard since `before`. The others are forgotten."""
        runs = self._beginnings.get(beginning, [])
        ended = sum(run.seen <= before for run in runs)  # they stand in the order they were heard of
        if ended:
            self._forget(beginning, ended)
        return runs

    def _forget(self, beginning: bytes, count: int) -> None:
        runs = self._beginnings[beginning]
        del runs[:count]
        self._runs -= count
        if not runs:
            del self._beginnings[beginning]


def turn_of(execution: str, request: Request) -> str:
    """The name of the turn: the same for all calls of an execution that answer one message of the user (CONFIG §7)."""
    said = f"{execution} {request.state.previous_response_id or ''} {_last_user(request)}"
    return "turn-" + hashlib.blake2b(_encoded((said,)), digest_size=6).hexdigest()


def conversation_id(request: Request) -> str | None:
    """The id of the Responses API's `conversation`, which may be written as an object."""
    given = request.state.conversation
    found = given.get("id") if isinstance(given, dict) else given
    return found if isinstance(found, str) and found else None


def _last_user(request: Request) -> int:
    messages = request.messages
    for index in range(len(messages) - 1, -1, -1):
        if messages[index].role == "user":
            return index
    return _NO_USER


def _beginning(messages: tuple[Message, ...]) -> int:
    """How many messages are an execution's beginning: up to the first of the user, else those of the system before all."""
    leading = 0
    for index, message in enumerate(messages):
        if message.role == "user":
            return index + 1
        if leading == index and message.role in ("system", "developer"):
            leading += 1
    return leading


def _count(run: _Run) -> int:
    return run.count


# --- how a message is spelled ----------------------------------------------------------------------------------------
#
# What it says, without where it stood, cache breakpoints and annotations: clients move the breakpoints as a history grows,
# and drop what an answer had beside its text. Every text stands behind its length, so that no two messages spell the same.


def _encoded(parts: Iterable[str]) -> bytes:
    """The texts one after the other, as bytes."""
    return "".join(parts).encode("utf-8", "surrogatepass")


def _spelled(message: Message) -> str:
    blocks = message.blocks
    if len(blocks) == 1 and message.name is None:
        return f"{message.role}:{_spelled_block(blocks[0])}"  # by far the most frequent shape
    return f"{message.role}{len(blocks)}{_told(message.name)}:{''.join(map(_spelled_block, blocks))}"


def _spelled_block(block: Block) -> str:
    if isinstance(block, Text):
        return f"t{_told(block.text)}"
    if isinstance(block, ToolCall):
        return f"c{len(block.id)}:{block.id}{len(block.name)}:{block.name}{_told(block.arguments)}"
    if isinstance(block, ToolResult):
        told = "".join([_spelled_block(part) for part in block.content])
        return f"r{len(block.call_id)}:{block.call_id}{len(block.content)}:{told}"
    return _spelled_rarely(block)


def _spelled_rarely(block: Block) -> str:
    match block:
        case Refusal():
            return f"f{_told(block.text)}"
        case Media():
            places = (block.url, block.data, block.file_id)
            return f"m{block.kind}{''.join(map(_told, places))}"
        case Reasoning():
            texts = (*block.summary, block.text, *(blob.data for blob in block.opaque))
            return f"h{len(texts)}:{''.join(map(_told, texts))}"
        case HostedItem() | Native():
            return f"n{_told(dumps(block.raw).decode())}"
        case _:
            raise TypeError(f"a message cannot hold {type(block).__name__}")


def _told(text: str | None) -> str:
    """A text behind its length, "-" for none. A very long one is told by samples."""
    if text is None:
        return "-"
    length = len(text)
    if length <= _WHOLE:
        return f"{length}:{text}"
    step = (length - _SAMPLE) // (_SAMPLES - 1)
    samples = [text[at : at + _SAMPLE] for at in range(0, step * (_SAMPLES - 1) + 1, step)]
    samples.append(text[-_SAMPLE:])  # the last step may fall a little short of the end
    return f"{length}:{''.join(samples)}"
