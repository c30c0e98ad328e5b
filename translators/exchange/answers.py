"""Whole answers, and what becomes of an answer that came in another framing than was asked for."""

from __future__ import annotations

from translators.canonical import Chunk, Response, UsageUpdate, fold, unfold
from translators.formats import ClientFormat, ProviderFormat, RenderContext, Tally
from translators.formats.json import dumps

from .fences import without_fences
from .observing import observe, observe_whole, tell


def render_answer(client: ClientFormat, response: Response, context: RenderContext, tally: Tally) -> bytes:
    """A canonical answer in the client's format, seen by `tally` and told to `context`."""
    response = without_fences(response, context.request.output, tally)
    observe_whole(tally, response)
    for choice in response.choices:
        tell(context, choice.message.blocks, choice.finish)
    return dumps(client.render_response(response, context))


def render_whole_as_stream(client: ClientFormat, response: Response, context: RenderContext, tally: Tally) -> bytes:
    """A stream was asked for and a whole answer came: one valid stream out of it."""
    response = without_fences(response, context.request.output, tally)
    for choice in response.choices:
        tell(context, choice.message.blocks, choice.finish)
    chunks = with_usage(list(unfold(response)), tally, context)
    observe(tally, chunks)
    return client.stream_renderer(context).render(chunks)


def fold_stream(provider: ProviderFormat, issuer: str, raw: bytes) -> Response:
    """A whole answer was asked for and a stream came: folded. Raises when the stream is cut."""
    parser = provider.stream_parser(issuer)
    return fold([*parser.feed(raw), *parser.close()])


def with_usage(chunks: list[Chunk], tally: Tally, context: RenderContext) -> list[Chunk]:
    """`chunks`, ending in `End`, with an estimate where the client waits for usage and the provider gave none."""
    if tally.usage is not None or context.estimate is None or any(isinstance(chunk, UsageUpdate) for chunk in chunks):
        return chunks
    observed = Tally(output_chars=tally.output_chars)
    observe(observed, chunks)
    return [*chunks[:-1], UsageUpdate(context.estimate(observed)), chunks[-1]]
