"""What the echo answers. Every answer is a function of the request alone.

A tool is called when one must be, or when the user asks for it: "call the tool", "use a tool", a tool by its name; "all
tools" and "both tools" call each of them. The turn after a tool's result repeats the result.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace

from translators.canonical import (
    Block,
    BlockDelta,
    CapabilitySet,
    Choice,
    Chunk,
    Finish,
    HealthSignal,
    Media,
    Message,
    Reasoning,
    Request,
    Response,
    Text,
    Tool,
    ToolCall,
    ToolResult,
    Usage,
    unfold,
)
from translators.formats import json

from .instances import instance

THOUGHT = "I repeat what was said."

_PIECE = re.compile(r"\s*\S+\s*?(?=\s|$)|\s+")
_ASKS = re.compile(
    r"\b(?:call|use|using|run|invoke)\s+(?:a|the|your|that|this|any|some)\s+(?:\w+\s+)?tools?\b", re.IGNORECASE
)
_ASKS_ALL = re.compile(r"\b(?:all|both|every|each)\b(?:\s+\w+){0,3}\s+tools?\b", re.IGNORECASE)


class Echo:
    """The adapter of one Model record."""

    def __init__(self, model: str, capabilities: CapabilitySet) -> None:
        self._model, self._capabilities = model, capabilities

    def capabilities(self) -> CapabilitySet:
        return self._capabilities

    async def respond(self, request: Request) -> Response:
        return answer(request, self._model)

    async def stream(self, request: Request) -> AsyncIterator[Chunk]:
        for chunk in unfold(answer(request, self._model)):
            for piece in _in_pieces(chunk):
                yield piece

    async def health(self) -> HealthSignal:
        return HealthSignal(status="healthy", models=(self._model,))


def answer(request: Request, model: str) -> Response:
    """The whole answer, the same for each of `n` choices."""
    blocks: list[Block] = []
    if _may_think(request):
        blocks.append(Reasoning(summary=(THOUGHT,)))
    calls = tuple(_calls(request))
    finish, stop_sequence = Finish.TOOL_CALLS, None
    if not calls:
        text, finish, stop_sequence = _limited(_text(request), request)
        blocks.append(Text(text))
    message = Message("assistant", (*blocks, *calls))
    count = request.sampling.n or 1
    return Response(
        id="",
        model=model,
        choices=tuple(
            Choice(index=index, message=message, finish=finish, stop_sequence=stop_sequence) for index in range(count)
        ),
        usage=_usage(request, message, count),
    )


def _may_think(request: Request) -> bool:
    reasoning = request.reasoning
    return reasoning is not None and (reasoning.effort not in (None, "none") or reasoning.summary is not None)


def _calls(request: Request) -> Iterator[ToolCall]:
    for index, tool in enumerate(_chosen_tools(request)):
        schema = tool.parameters if tool.parameters is not None else {}
        made = instance(schema)
        arguments = json.dumps(made if isinstance(made, dict) else {}).decode()
        facts = f"{len(request.messages)}\0{index}\0{tool.name}\0{arguments}"
        digest = hashlib.sha256(facts.encode("utf-8", "surrogatepass")).digest()
        yield ToolCall("call_" + base64.b32encode(digest[:15]).decode("ascii").lower(), tool.name, arguments)


def _chosen_tools(request: Request) -> tuple[Tool, ...]:
    choice = request.tool_choice
    offered = tuple(tool for tool in request.tools if tool.kind == "function")
    if choice is not None and choice.mode in ("named", "allowed"):
        offered = tuple(tool for tool in offered if tool.name in choice.names)
    if not offered or (choice is not None and choice.mode == "none"):
        return ()
    said = _last_said(request)
    asked = () if _results(request) else _asked_for(offered, said)
    must_call = choice is not None and (choice.mode in ("required", "named") or choice.allowed_mode == "required")
    chosen = asked or (offered[:1] if must_call else ())
    return chosen[:1] if request.parallel_tool_calls is False else chosen


def _asked_for(offered: tuple[Tool, ...], said: str) -> tuple[Tool, ...]:
    if _ASKS_ALL.search(said):
        return offered
    words = said.lower()
    named = tuple(
        tool for tool in offered if tool.name.lower() in words or tool.name.lower().replace("_", " ") in words
    )
    return named or (offered[:1] if _ASKS.search(said) else ())


def _text(request: Request) -> str:
    output, said = request.output, _last_said(request)
    if output.kind == "json_schema" or output.schema is not None:
        return json.dumps(instance(output.schema if output.schema is not None else {})).decode()
    results = _results(request)
    if output.kind == "json_object":
        return json.dumps({"result": "\n".join(results)} if results else {"echo": said}).decode()
    return f"The tool says: {'; '.join(results)}" if results else f"echo: {said}"


def _results(request: Request) -> list[str]:
    """What tools answered since anybody else spoke: the end of the conversation, if it ends so."""
    found: list[str] = []
    for message in reversed(request.messages):
        results = [block for block in message.blocks if isinstance(block, ToolResult)]
        if not results:
            break
        found[:0] = [_spoken(result.content) for result in results]
    return found


def _last_said(request: Request) -> str:
    for message in reversed(request.messages):
        if message.role == "user" and (said := _spoken(message.blocks)):
            return said
    return ""


def _spoken(blocks: Iterable[Block]) -> str:
    """Text as it is; of an image, that it is there."""
    words = [
        block.text if isinstance(block, Text) else f"[{block.kind}]"
        for block in blocks
        if isinstance(block, (Text, Media))
    ]
    return "\n".join(words)


def _limited(text: str, request: Request) -> tuple[str, Finish, str | None]:
    """`text` cut where a stop sequence begins, or where the token limit is reached, whichever is first."""
    found = [(at, stop) for stop in request.sampling.stop or () if stop and (at := text.find(stop)) >= 0]
    at, stop = min(found, default=(len(text), None))
    limit = request.sampling.max_output_tokens
    pieces = _PIECE.findall(text[:at])
    if limit is not None and len(pieces) > limit:
        return "".join(pieces[:limit]), Finish.LENGTH, None
    return text[:at], Finish.STOP, stop


def _usage(request: Request, message: Message, count: int) -> Usage:
    asked = (*request.instructions, *(block for each in request.messages for block in each.blocks))
    thought = _words(block for block in message.blocks if isinstance(block, Reasoning))
    return Usage(
        input=_words(asked),
        output=_words(message.blocks) * count,
        reasoning=thought * count,
        source="estimated",
    )


def _words(blocks: Iterable[Block]) -> int:
    total = 0
    for block in blocks:
        match block:
            case Text():
                total += len(block.text.split())
            case Reasoning():
                total += sum(len(part.split()) for part in (*block.summary, block.text or ""))
            case ToolCall():
                total += 1 + len(block.arguments.split())
            case ToolResult():
                total += _words(block.content)
            case _:
                total += 1
    return total


def _in_pieces(chunk: Chunk) -> Iterator[Chunk]:
    if not isinstance(chunk, BlockDelta):
        yield chunk
        return
    for piece in _PIECE.findall(chunk.value):
        yield replace(chunk, value=piece)
