"""Canonical chunks to the stream a completions client expects: text as it comes, one chunk with the finish reason per choice.

Then the usage chunk, only if asked for, and `[DONE]`, only behind the provider's own end.
"""

from __future__ import annotations

from collections.abc import Iterable

from translators.canonical import (
    JSON,
    NO_USAGE,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    JochError,
    Refusal,
    Start,
    Text,
    Usage,
    UsageUpdate,
)
from translators.formats import RenderContext, Wire, json, sse
from translators.formats.openai_envelope import render_error

from . import parts
from .response import OBJECT, client_id

DONE_EVENT = b"data: [DONE]\n\n"


def render_failure(error: JochError) -> bytes:
    """The event that ends a stream which has failed. Nothing follows it."""
    return sse.render(json.dumps(render_error(error)))


def render_usage_event(head: Wire, usage: Usage) -> bytes:
    """The last event but `[DONE]`: counts, and no choices. `head` are the members all events share."""
    return sse.render(json.dumps({**head, "choices": [], "usage": parts.render_usage(usage)}))


class StreamRenderer:
    """One stream to one client. Reasoning and calls are left out: a completion is text alone."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._asked = context.request.include_usage and not context.hide_usage
        self._usage: Usage = NO_USAGE
        self._head: Wire = {}
        self._unsent: set[tuple[int, int]] = set()  # texts of which nothing went out yet
        self._texts: set[tuple[int, int]] = set()
        self._offsets: dict[int, int] = {}  # characters sent, by choice
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
            case BlockDelta(choice=choice, index=index) if (choice, index) in self._texts:
                self._unsent.discard((choice, index))
                return self._say(choice, chunk.value, chunk.logprobs)
            case BlockStart(choice=choice, index=index, block=Text() | Refusal()):
                self._texts.add((choice, index))
                self._unsent.add((choice, index))
            case BlockStop(choice=choice, index=index, block=(Text() | Refusal()) as block):
                if (choice, index) in self._unsent:
                    return self._say(choice, block.text, block.logprobs)
            case ChoiceStop():
                return self._event(chunk.choice, "", None, parts.render_finish(chunk.finish))
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
            "object": OBJECT,
            "created": start.created or self._context.created,
            "model": start.model or self._context.request.model or "",
            "system_fingerprint": start.fingerprint,
        }

    def _say(self, choice: int, text: str, tokens: tuple[JSON, ...] | None) -> bytes:
        if not text and not tokens:
            return b""
        offset = self._offsets.get(choice, 0)
        self._offsets[choice] = offset + len(text)
        return self._event(choice, text, parts.render_logprobs(tokens or (), offset), None)

    def _event(self, index: int, text: str, logprobs: Wire | None, finish: str | None) -> bytes:
        choice = {"index": index, "text": text, "logprobs": logprobs, "finish_reason": finish}
        body = {**self._head, "choices": [choice]}
        if self._asked:
            body["usage"] = None
        return sse.render(json.dumps(body))

    def _end(self) -> bytes:
        self._ended = True
        return (render_usage_event(self._head, self._usage) if self._asked else b"") + DONE_EVENT
