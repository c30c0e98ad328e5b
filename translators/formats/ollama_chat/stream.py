"""The NDJSON stream of /api/chat to chunks.

A line carries a piece of thinking or of content, or whole tool calls; the line with `"done": true` carries the reason and
the counts. A stream without that line has failed. Text that resumes after a call or after more thinking is a new block.
"""

from __future__ import annotations

from translators.canonical import (
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    Reason,
    Reasoning,
    Start,
    Text,
    UpstreamError,
    UsageUpdate,
    opened,
)
from translators.canonical.blocks import JSON
from translators.formats import Wire, json
from translators.formats.ndjson import LineSplitter
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut

from .response import (
    Calls,
    bad_shape,
    created_of,
    finish_of,
    logprobs_of,
    message_of,
    model_of,
    raise_error,
    text_of,
    usage_of,
)


class Parser(StreamReader[bytes, Chunk]):
    """One stream's state. `issuer` names the provider; Ollama has no sealed blobs that would have to be marked with it."""

    def __init__(self, issuer: str) -> None:
        super().__init__(LineSplitter())
        self._calls = Calls()
        self._open: Text | Reasoning | None = None
        self._pieces: list[str] = []
        self._logprobs: list[JSON] = []
        self._index = 0  # of the open block, or of the next one
        self._started = False
        self._done = False

    def feed(self, data: bytes) -> list[Chunk]:
        """The chunks that `data` completes. Raises `UpstreamError` for an error line and for garbage."""
        return self._read(data)

    def close(self) -> list[Chunk]:
        """The last line may lack its line feed. Raises `UpstreamError(STREAM_CUT)` unless `"done": true` was seen."""
        chunks = self._read_rest()
        if not self._done:
            raise cut()
        return chunks

    def _take(self, line: bytes, chunks: list[Chunk]) -> None:
        if self._done:  # trailing data says nothing any more
            return
        body = _parsed(line)
        raise_error(body)
        message = message_of(body)
        if not self._started:
            self._started = True
            chunks.append(Start("", model_of(body), created_of(body)))
        if thinking := text_of(message, "thinking"):
            self._extend(Reasoning(text=""), thinking, None, chunks)
        if content := text_of(message, "content"):
            self._extend(Text(""), content, logprobs_of(body), chunks)
        for call in self._calls.parse(body, message):
            self._shut(chunks)
            chunks.append(BlockStart(0, self._index, opened(call)))
            chunks.append(BlockDelta(0, self._index, "arguments", call.arguments))
            chunks.append(BlockStop(0, self._index, call))
            self._index += 1
        if body.get("done") is True:
            self._finish(body, chunks)

    def _extend(
        self, block: Text | Reasoning, piece: str, logprobs: tuple[JSON, ...] | None, chunks: list[Chunk]
    ) -> None:
        if type(self._open) is not type(block):
            self._shut(chunks)
            self._open = block
            chunks.append(BlockStart(0, self._index, opened(block)))
        self._pieces.append(piece)
        if logprobs:
            self._logprobs.extend(logprobs)
        chunks.append(BlockDelta(0, self._index, "text", piece, logprobs=logprobs))

    def _shut(self, chunks: list[Chunk]) -> None:
        if self._open is None:
            return
        text = "".join(self._pieces)
        whole = (
            Text(text, logprobs=tuple(self._logprobs) or None) if isinstance(self._open, Text) else Reasoning(text=text)
        )
        chunks.append(BlockStop(0, self._index, whole))
        self._open = None
        self._pieces.clear()
        self._logprobs.clear()
        self._index += 1

    def _finish(self, body: Wire, chunks: list[Chunk]) -> None:
        finish, raw = finish_of(body, called=self._calls.count > 0)
        self._shut(chunks)
        chunks.append(ChoiceStop(0, finish, raw))
        usage = usage_of(body)
        if usage.source != "none":
            chunks.append(UsageUpdate(usage))
        chunks.append(End())
        self._done = True


def _parsed(line: bytes) -> Wire:
    try:
        body = json.loads(line)
    except ValueError as error:
        raise UpstreamError(
            Reason.BAD_RESPONSE,
            "The provider sent a line that is not JSON.",
            failure="bad_json" if json.is_utf8(line) else "bad_utf8",
            billed_risk=True,
        ) from error
    if not isinstance(body, dict):
        raise bad_shape("a line that is no object")
    return body
