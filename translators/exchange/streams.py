"""Streams on their way across: rebuilt from one format into another, or of one format and looked at as well."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from translators.canonical import Block, BlockStop, ChoiceStop, Chunk, End, JochError, Response
from translators.formats import ClientFormat, ProviderFormat, RenderContext, StreamParser, StreamRelay, Tally

from .answers import with_usage
from .hops import Hops
from .observing import observe, tell


class TranslatedStream:
    """A provider's stream in one format, the client's in another.

    Where the provider pauses in the middle of its answer, `paused` is what came so far: the answer then goes on in another
    stream of the provider, which `go_on` joins to this one.
    """

    def __init__(self, client: ClientFormat, provider: ProviderFormat, issuer: str, context: RenderContext) -> None:
        self.tally = Tally()
        self.paused: Response | None = None
        self._provider, self._issuer = provider, issuer
        self._parser = provider.stream_parser(issuer)
        self._renderer = client.stream_renderer(context)
        self._context = context
        self._turns = Turns(context) if context.keep is not None or context.check is not None else None
        self._hops = Hops() if provider.resume is not None else None

    def feed(self, data: bytes) -> bytes:
        return self._render(self._parser.feed(data))

    def close(self) -> bytes:
        return self._render(self._parser.close())

    def go_on(self) -> None:
        """What is fed from now on is the next stream of the same answer."""
        self.paused = None
        self._parser = self._provider.stream_parser(self._issuer)

    def fail(self, error: JochError) -> bytes:
        return self._renderer.fail(error)

    def _render(self, chunks: list[Chunk]) -> bytes:
        if self._hops is not None and chunks:
            chunks = self._hops.join(chunks)
            self.paused = self._hops.paused
        if not chunks:
            return b""
        if isinstance(chunks[-1], End):
            chunks = with_usage(chunks, self.tally, self._context)
        if self._turns is not None:
            self._turns.watch(chunks)
        observe(self.tally, chunks)
        return self._renderer.render(chunks)


class Turns:
    """Tells `context` what each choice was made of, once it is whole and before the client sees its end."""

    def __init__(self, context: RenderContext) -> None:
        self._context = context
        self._blocks: dict[int, dict[int, Block]] = {}

    def watch(self, chunks: Iterable[Chunk]) -> None:
        """Raises what `context.check` raises."""
        for chunk in chunks:
            match chunk:
                case BlockStop():
                    self._blocks.setdefault(chunk.choice, {})[chunk.index] = chunk.block
                case ChoiceStop():
                    of_choice = self._blocks.pop(chunk.choice, {})
                    blocks = tuple(of_choice[index] for index in sorted(of_choice))
                    tell(self._context, blocks, chunk.finish)
                case _:
                    pass


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
        self._turns.watch(self._parser.feed(data))
        return b"" if self.tally.finishes and not self.tally.ended else self._released()

    def close(self) -> bytes:
        self._held.append(self._relay.close())
        self._turns.watch(self._parser.close())
        return self._released()

    def _released(self) -> bytes:
        held, self._held = b"".join(self._held), []
        return held

    def fail(self, error: JochError) -> bytes:
        return self._relay.fail(error)
