"""One answer that its provider gives in several, each but the last ending in a pause. Tokens are billed by each, so they add up."""

from __future__ import annotations

from dataclasses import fields, replace

from translators.canonical import (
    NO_USAGE,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    Message,
    Response,
    Start,
    Usage,
    UsageUpdate,
)


class Hops:
    """Joins the streams in which a provider gives one answer piece by piece. Tokens are billed by stream, so they add up.

    A stream that ends in a pause has no end here: `paused` is then the answer so far, and the next stream's blocks are
    numbered on behind its own.
    """

    def __init__(self) -> None:
        self.paused: Response | None = None
        self._blocks: list[Block] = []
        self._shift = 0  # blocks of the streams before
        self._before = NO_USAGE
        self._usage = NO_USAGE
        self._start: Start | None = None
        self._stop: ChoiceStop | None = None

    def join(self, chunks: list[Chunk]) -> list[Chunk]:
        return [joined for chunk in chunks if (joined := self._joined(chunk)) is not None]

    def _joined(self, chunk: Chunk) -> Chunk | None:
        match chunk:
            case BlockDelta():
                return replace(chunk, index=chunk.index + self._shift) if self._shift else chunk
            case BlockStop():
                self._blocks.append(chunk.block)
                return replace(chunk, index=chunk.index + self._shift)
            case BlockStart() | AnnotationAdded():
                return replace(chunk, index=chunk.index + self._shift)
            case Start():
                first, self._start = self._start is None, self._start or chunk
                return chunk if first else None
            case UsageUpdate():
                self._usage = added(self._before, chunk.usage)
                return UsageUpdate(self._usage)
            case ChoiceStop() if chunk.finish is Finish.PAUSE:
                self._stop = chunk
                return None
            case End() if self._stop is not None:
                self.paused = self._so_far(self._stop, chunk)
                self._shift, self._before, self._stop = len(self._blocks), self._usage, None
                return None
            case _:
                return chunk

    def _so_far(self, stop: ChoiceStop, end: End) -> Response:
        choice = Choice(
            index=0,
            message=Message("assistant", tuple(self._blocks)),
            finish=stop.finish,
            finish_raw=stop.finish_raw,
        )
        start = self._start or Start("", "")
        return Response(id=start.id, model=start.model, choices=(choice,), usage=self._usage, extensions=end.extensions)


def joined(answers: list[Response]) -> Response:
    """One answer out of those a provider gave one after the other, each but the last ending in a pause."""
    if len(answers) == 1:
        return answers[0]
    blocks = tuple(block for answer in answers for block in answer.choices[0].message.blocks)
    usage = NO_USAGE
    for answer in answers:
        usage = added(usage, answer.usage)
    last = answers[-1]
    choice = replace(last.choices[0], message=replace(last.choices[0].message, blocks=blocks))
    return replace(last, id=answers[0].id, choices=(choice,), usage=usage)


def added(one: Usage, other: Usage) -> Usage:
    """The tokens of both. Figures nobody reported add nothing, and make the sum partial."""
    if one.source == "none":
        return other
    if other.source == "none":
        return replace(one, source="partial")
    sums = {name: getattr(one, name) + getattr(other, name) for name in _COUNTS}
    tools = {
        tool: one.tool_requests.get(tool, 0) + other.tool_requests.get(tool, 0)
        for tool in {**one.tool_requests, **other.tool_requests}
    }
    return replace(other, **sums, tool_requests=tools)


_COUNTS = tuple(each.name for each in fields(Usage) if each.type == "int")
