"""Canonical chunks to the stream an OpenAI chat client expects, in the order OpenAI sends it.

Per choice: the role once; content; each call opened once with id, type and name, numbered densely from 0; one chunk with the
finish reason. Then the usage chunk, only if asked for, and `[DONE]`, only behind the provider's own end. A custom tool's call
is one delta, annotations come once, and of calls that interleave each is held until the one before is whole: the Python helper
cannot add up more.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from translators.canonical import (
    JSON,
    NO_USAGE,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    JochError,
    Media,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    Usage,
    UsageUpdate,
)
from translators.formats import RenderContext, Wire, json, sse
from translators.formats.openai_envelope import render_error

from . import content
from .finish import render_finish
from .render_response import arguments, client_id, media_url, visible
from .usage import render_usage

DONE = b"data: [DONE]\n\n"


def render_failure(error: JochError) -> bytes:
    """The event that ends a stream which has failed. Nothing follows it."""
    return sse.render(json.dumps(render_error(error)))


class StreamRenderer:
    """One stream to one client."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._usage: Usage = NO_USAGE
        self._asked = context.request.include_usage and not context.hide_usage
        self._choices: dict[int, _Choice] = {}
        self._head: Wire = {}
        self._ended = False

    def render(self, chunks: Iterable[Chunk]) -> bytes:
        return b"".join(self._render(chunk) for chunk in chunks)

    def fail(self, error: JochError) -> bytes:
        self._ended = True
        return render_failure(error)

    def _render(self, chunk: Chunk) -> bytes:
        if self._ended:
            return b""
        match chunk:
            case BlockDelta(choice=index):
                return self._send(index, self._choice(index).delta(chunk))
            case BlockStart(choice=index):
                return self._send(index, self._choice(index).start(chunk))
            case BlockStop(choice=index):
                return self._send(index, self._choice(index).stop(chunk))
            case AnnotationAdded(choice=index):
                return b""  # the block that stops has them all
            case ChoiceStop(choice=index):
                return self._finish(chunk)
            case UsageUpdate():
                self._usage = chunk.usage
            case Start():
                self._start(chunk)
            case End():
                return self._end()
            case _:
                pass
        return b""

    def _start(self, start: Start) -> None:
        self._head = {
            "id": client_id(start.id, self._context),
            "object": "chat.completion.chunk",
            "created": start.created or self._context.created,
            "model": start.model or self._context.request.model or "",
        }
        if start.service_tier is not None:
            self._head["service_tier"] = start.service_tier
        if start.fingerprint is not None:
            self._head["system_fingerprint"] = start.fingerprint

    def _choice(self, index: int) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(self._context)
        return choice

    def _send(self, index: int, deltas: Iterable[_Delta]) -> bytes:
        return b"".join(self._event(index, delta.members, delta.logprobs, None) for delta in deltas)

    def _finish(self, stop: ChoiceStop) -> bytes:
        choice = self._choice(stop.choice)
        return self._send(stop.choice, choice.rest()) + self._event(stop.choice, {}, None, choice.finish(stop))

    def _event(self, index: int, delta: Wire, logprobs: Wire | None, finish: str | None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        body = {**self._head, "choices": [choice]}
        if self._asked:
            body["usage"] = None
        return b"data: %b\n\n" % json.dumps(body)

    def _end(self) -> bytes:
        self._ended = True
        if not self._asked:
            return DONE
        return sse.render(json.dumps({**self._head, "choices": [], "usage": render_usage(self._usage)})) + DONE


class _Delta:
    __slots__ = ("logprobs", "members")

    def __init__(self, members: Wire, logprobs: Wire | None = None) -> None:
        self.members = members
        self.logprobs = logprobs


class _Choice:
    """What one choice has shown so far."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._open: dict[int, Block] = {}
        self._sent: set[int] = set()  # blocks of which some content went out
        self._positions: dict[int, int] = {}  # block index to call index
        self._turns: list[int] = []  # calls that are not through, the one whose turn it is first
        self._held: dict[int, list[_Delta]] = {}  # of the calls behind it
        self._whole: set[int] = set()  # calls that stopped
        self._annotations: list[Wire] = []
        self._said = 0  # characters of all texts so far
        self._worked = False  # a tool was at work since the last text
        self._thoughts = 0
        self._parts: set[tuple[int, int]] = set()  # summary parts that were begun
        self._kinds: dict[int, str] = {}  # whether a reasoning block shows its text or its summary
        self._images = 0
        self._role_sent = False
        self._refused = False

    def start(self, chunk: BlockStart) -> list[_Delta]:
        block = chunk.block
        self._open[chunk.index] = block
        self._worked = self._worked or content.is_tool(block)
        if isinstance(block, Refusal):
            self._refused = True
            return self._with_role(None, content=None, refusal="")
        if isinstance(block, Media) and block.kind == "audio":
            return self._with_role({"audio": {"id": block.file_id or self._context.new_id("audio_")}}, content=None)
        if not isinstance(block, ToolCall):
            return []
        position = self._positions[chunk.index] = len(self._positions)
        self._turns.append(chunk.index)
        if block.kind == "custom" or (position and self._context.request.legacy_functions):
            return []  # a custom call goes out whole; `function_call` holds one call only
        return self._in_turn(chunk.index, self._with_role(self._opening(block, position), content=None))

    def delta(self, chunk: BlockDelta) -> list[_Delta]:
        block = self._open[chunk.index]
        if not chunk.value and not chunk.logprobs:
            return []
        match block:
            case Text():
                return self._say(chunk.index, chunk.value, chunk.logprobs)
            case Refusal():
                self._sent.add(chunk.index)
                return [_Delta({"refusal": chunk.value}, _logprobs("refusal", chunk.logprobs))]
            case Reasoning():
                return self._think(chunk)
            case ToolCall() if block.kind == "function":
                return self._in_turn(chunk.index, self._fragment(chunk.index, chunk.value))
            case Media() if block.kind == "audio":
                self._sent.add(chunk.index)
                return [_Delta({"audio": {chunk.field: chunk.value}})]
            case _:
                return []

    def stop(self, chunk: BlockStop) -> list[_Delta]:
        block = chunk.block
        opened = self._open.pop(chunk.index, None)
        unsent = chunk.index not in self._sent
        match block:
            case Text():
                said = (
                    self._say(chunk.index, block.text, block.logprobs)
                    if unsent and (block.text or block.logprobs)
                    else []
                )
                self._annotations += content.nested_annotations(block.annotations, self._said - len(block.text))
                return said
            case Refusal() if unsent and block.text:
                return [_Delta({"refusal": block.text}, _logprobs("refusal", block.logprobs))]
            case Reasoning() if unsent and visible(block):
                return self._shown(visible(block), first=True, index=chunk.index)
            case ToolCall() if isinstance(opened, ToolCall):
                return self._last(block, chunk.index, unsent=unsent)
            case Media() if block.kind == "audio":
                members: dict[str, Any] = {"expires_at": block.expires_at or 0}
                if unsent:
                    members = {"data": block.data or "", "transcript": block.transcript or "", **members}
                return [_Delta({"audio": members})]
            case Media() if block.kind == "image":
                image = {"index": self._images, "type": "image_url", "image_url": {"url": media_url(block)}}
                self._images += 1
                return self._with_role({"images": [image]})
            case _:
                pass
        return []

    def _say(self, index: int, text: str, logprobs: tuple[JSON, ...] | None) -> list[_Delta]:
        if index not in self._sent:
            self._sent.add(index)
            text = content.parted(self._said, text, worked=self._worked)
            self._worked = self._worked and not text
        self._said += len(text)
        return [*self._with_role(None), _Delta({"content": text}, _logprobs("content", logprobs))]

    def _last(self, call: ToolCall, index: int, *, unsent: bool) -> list[_Delta]:
        """The rest of a call, and what was held for the calls behind it."""
        deltas: list[_Delta] = []
        if call.kind == "custom":
            deltas = self._with_role(self._custom(call, self._positions[index]), content=None)
        elif unsent:
            deltas = self._fragment(index, arguments(call))
        deltas = self._in_turn(index, deltas)
        self._whole.add(index)
        while self._turns and self._turns[0] in self._whole:
            self._turns.pop(0)
            if self._turns:
                deltas += self._held.pop(self._turns[0], [])
        return deltas

    def _in_turn(self, index: int, deltas: list[_Delta]) -> list[_Delta]:
        if self._turns[0] == index:  # an open call is always among them
            return deltas
        self._held.setdefault(index, []).extend(deltas)
        return []

    def rest(self) -> list[_Delta]:
        """What must come before the finish reason: the role if nothing was said, and the annotations, once."""
        if self._annotations:
            return [*self._with_role(None), _Delta({"annotations": self._annotations})]
        return self._with_role(None)

    def finish(self, stop: ChoiceStop) -> str:
        legacy = self._context.request.legacy_functions
        return render_finish(stop.finish, calls=bool(self._positions), refused=self._refused, legacy=legacy)

    def _with_role(self, members: Wire | None, **first: JSON) -> list[_Delta]:
        """`members` as a delta, behind the role if that was not sent. `first` are the other members of the role's delta."""
        deltas = [] if members is None else [_Delta(members)]
        if self._role_sent:
            return deltas
        self._role_sent = True
        return [_Delta({"role": "assistant", **(first or {"content": ""})}), *deltas]

    def _think(self, chunk: BlockDelta) -> list[_Delta]:
        if self._kinds.setdefault(chunk.index, chunk.field) != chunk.field:
            return []  # a summary of what was shown already
        value, part = chunk.value, (chunk.index, chunk.summary_index)
        if chunk.field == "summary" and part not in self._parts:
            self._parts.add(part)
            if chunk.index in self._sent:
                value = f"\n\n{value}"  # summary parts are paragraphs
        return self._shown(value, first=chunk.index not in self._sent, index=chunk.index)

    def _shown(self, text: str, *, first: bool, index: int) -> list[_Delta]:
        self._sent.add(index)
        if not self._context.show_reasoning:
            return []
        if first and self._thoughts:
            text = f"\n\n{text}"
        self._thoughts += first
        return self._with_role({"reasoning_content": text})

    def _opening(self, call: ToolCall, position: int) -> Wire:
        if self._context.request.legacy_functions:
            return {"function_call": {"name": call.name, "arguments": ""}}
        function = {"name": call.name, "arguments": ""}
        identity = call.id or self._context.new_id("call_")
        return {"tool_calls": [{"index": position, "id": identity, "type": "function", "function": function}]}

    def _custom(self, call: ToolCall, position: int) -> Wire:
        custom = {"name": call.name, "input": call.arguments}
        identity = call.id or self._context.new_id("call_")
        return {"tool_calls": [{"index": position, "id": identity, "type": "custom", "custom": custom}]}

    def _fragment(self, index: int, value: str) -> list[_Delta]:
        self._sent.add(index)
        position = self._positions[index]
        if self._context.request.legacy_functions:
            return [_Delta({"function_call": {"arguments": value}})] if position == 0 else []
        return [_Delta({"tool_calls": [{"index": position, "function": {"arguments": value}}]})]


def _logprobs(key: str, tokens: tuple[JSON, ...] | None) -> Wire | None:
    if not tokens:
        return None
    return {"content": None, "refusal": None, key: list(tokens)}
