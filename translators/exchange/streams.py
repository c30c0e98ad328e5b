"""Streams on their way across: rebuilt from one format into another, or of one format and looked at as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from translators.canonical import Block, BlockStop, ChoiceStop, Chunk, End, JochError, Response
from translators.formats import ClientFormat, ProviderFormat, RenderContext, StreamParser, StreamRelay, Tally

from .answers import with_usage
from .fences import Unfencing
from .hops import Hops
from .observing import observe, tell


class TranslatedStream:
    """A provider's stream in one format, the client's in another.

    Where the provider pauses in the middle of its answer, `paused` is what came so far: the answer then goes on in another
    stream of the provider, which `go_on` joins to this one.
    """

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str, context: RenderContext) -> None:
        self.tally = Tally()
        self._provider, self._issuer = provider, issuer
        self._parser = provider.stream_parser(issuer)
        self._renderer = client.stream_renderer(context)
        self._context = context
        self._turns = Turns(context) if context.keep is not None or context.check is not None else None
        self._hops = Hops() if provider.resume is not None else None
        self._unfencing = Unfencing(context.request.output, self.tally)

    def feed(self, data: bytes) -> bytes:
        return self._render(self._parser.feed(data))

    def close(self) -> bytes:
        return self._render(self._parser.close())

    @property
    def paused(self) -> Response | None:
        return None if self._hops is None else self._hops.paused

    def go_on(self) -> None:
        """What is fed from now on is the next stream of the same answer."""
        if self._hops is not None:
            self._hops.paused = None
        self._parser = self._provider.stream_parser(self._issuer)

    def fail(self, error: JochError) -> bytes:
        return self._renderer.render(self._unfencing.rest()) + self._renderer.fail(error)

    def _render(self, chunks: list[Chunk]) -> bytes:
        if self._hops is not None and chunks:
            chunks = self._hops.join(chunks)
        chunks = self._unfencing.passed(chunks)
        if not chunks:
            return b""
        if isinstance(chunks[-1], End):
            chunks = with_usage(chunks, self.tally, self._context)
        observe(self.tally, chunks)
        return self._renderer.render(chunks if self._turns is None else self._turns.passed(chunks))


class Turns:
    """Tells `context` what each choice was made of, once it is whole and before the client sees its end.

    With a check, everything from a choice's end on waits for the end of the answer: usage that comes behind is still
    counted when the check fails, and what fails it must not have looked finished.
    """

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._blocks: dict[int, dict[int, Block]] = {}
        self._stops: list[ChoiceStop] = []
        self._held: list[Chunk] = []

    def passed(self, chunks: Iterable[Chunk]) -> list[Chunk]:
        """What of `chunks`, and of those held before, may go on. Raises what `context.check` raises."""
        passed: list[Chunk] = []
        for chunk in chunks:
            match chunk:
                case BlockStop():
                    self._blocks.setdefault(chunk.choice, {})[chunk.index] = chunk.block
                case ChoiceStop() if self._context.check is None:
                    self._tell(chunk)
                case ChoiceStop():
                    self._stops.append(chunk)
                case End():
                    for stop in self._stops:
                        self._tell(stop)
                    passed += self._held
                    self._stops, self._held = [], []
                case _:
                    pass
            (self._held if self._stops else passed).append(chunk)
        return passed

    def _tell(self, stop: ChoiceStop) -> None:
        of_choice = self._blocks.pop(stop.choice, {})
        tell(self._context, tuple(of_choice[index] for index in sorted(of_choice)), stop.finish)


class CheckedStream:
    """A stream of the same format on both sides whose content has to be looked at as well.

    From the finish reason on everything waits for the check: what fails it must not have looked finished.
    """

    def __init__(self, relay: StreamRelay, parser: StreamParser, context: RenderContext) -> None:
        self._relay, self._parser = relay, parser
        self._turns = Turns(replace(context, keep=None))
        self._held: list[bytes] = []
        self.tally = relay.tally

    def feed(self, data: bytes) -> bytes:
        self._held.append(self._relay.feed(data))
        self._turns.passed(self._parser.feed(data))
        return b"" if self.tally.finishes and not self.tally.ended else self._released()

    def close(self) -> bytes:
        self._held.append(self._relay.close())
        self._turns.passed(self._parser.close())
        return self._released()

    def _released(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held

    def fail(self, error: JochError) -> bytes:
        return self._relay.fail(error)
