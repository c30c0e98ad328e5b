"""A stream from a completions provider to a completions client: every event keeps its own bytes unless it would break an SDK.

Watches as it passes (`tally`) and ends properly: `[DONE]` only behind the finish of every choice, an error otherwise; usage as
the client asked for it. Nothing is buffered beyond an incomplete event.
"""

from __future__ import annotations

from translators.canonical import JochError
from translators.formats import RenderContext, Tally, Wire, json, sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut

from . import parts
from .parse_stream import DONE, parse_chunk
from .render_stream import DONE_EVENT, render_failure, render_usage_event
from .response import ID_PREFIX, OBJECT, index_of, mend_event, word


class Relay(StreamReader[sse.Event, bytes]):
    """One stream."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(sse.Splitter())
        self.tally = Tally()
        self._context = context
        self._asked = context.request.include_usage and not context.hide_usage
        self._finished: dict[int, bool] = {}  # by choice
        self._head: Wire = {}
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """What of `data` may go to the client now. Raises `UpstreamError` for an error event and for garbage."""
        out = self._read(data)
        return b"".join(out)

    def close(self) -> bytes:
        """The rest, at the end of input. Raises `STREAM_CUT` unless every choice had finished."""
        out = self._read_rest()
        if not self._done:
            self._end(out)
            self.tally.note("done_added")
        return b"".join(out)

    def fail(self, error: JochError) -> bytes:
        self._done = True
        return render_failure(error)

    def _take(self, event: sse.Event, out: list[bytes]) -> None:
        if self._done:
            if event.data:
                self.tally.note("trailing_data")
        elif not event.data:
            if _is_comment(event.raw):  # SDKs take any other empty event for bad JSON
                out.append(event.raw)
        elif event.data.startswith(DONE):
            self._end(out)
        else:
            self._chunk(event, out)

    def _chunk(self, event: sse.Event, out: list[bytes]) -> None:
        chunk = parse_chunk(event)
        shown = self._shown(chunk)
        if shown is None:
            return
        better = mend_event(shown)
        self._watch(shown if better is None else better)
        if better is None and shown is chunk:
            out.append(event.raw)
        else:
            out.append(sse.render(json.dumps(shown if better is None else better)))

    def _shown(self, chunk: Wire) -> Wire | None:
        """The chunk as this client may see it: without the usage it did not ask for, and with an id. None: not at all."""
        self.tally.chunks += 1
        usage = chunk.get("usage")
        if usage is not None and (not self._count(usage) or self._context.hide_usage):
            chunk = {key: value for key, value in chunk.items() if key != "usage"}
        if not chunk.get("choices") and not chunk.get("usage"):
            return None  # filter results and padding: nothing a client could use, and `choices[0]` would fail
        if not self._head:
            self._begin(chunk)
        return chunk if chunk.get("id") else {**chunk, "id": self._head["id"]}

    def _begin(self, chunk: Wire) -> None:
        self.tally.response_id, self.tally.response_model = word(chunk.get("id")), word(chunk.get("model"))
        self._head = {
            "id": self.tally.response_id or self._context.new_id(ID_PREFIX),
            "object": OBJECT,
            "created": chunk.get("created") or self._context.created,
            "model": self.tally.response_model or self._context.request.model or "",
        }

    def _count(self, usage: object) -> bool:
        """Whether the counts can be true. If not, the client had better not see them."""
        counted = parts.parse_usage(usage)
        if counted is None:
            self.tally.note("bad_usage")
            return False
        self.tally.usage = counted
        return True

    def _watch(self, chunk: Wire) -> None:
        tally = self.tally
        for position, choice in enumerate(chunk["choices"]):
            index, text = index_of(choice, position), choice["text"]
            tally.output_chars += len(text)
            finish = word(choice.get("finish_reason"))
            if finish is not None and not self._finished.get(index):
                tally.finishes.append(parts.parse_finish(finish)[0].value)
            self._finished[index] = self._finished.get(index, False) or finish is not None
            tally.content = tally.content or bool(text) or finish is not None

    def _end(self, out: list[bytes]) -> None:
        """The end of the stream, with an estimate where the client waits for usage and none came."""
        if not self._finished or not all(self._finished.values()):
            raise cut()
        self._done = self.tally.ended = True
        if self._asked and self.tally.usage is None and self._context.estimate is not None:
            self.tally.usage = self._context.estimate(self.tally)
            out.append(render_usage_event(self._head, self.tally.usage))
        out.append(DONE_EVENT)


def _is_comment(raw: bytes) -> bool:
    return all(line[:1] in (b":", b"") for line in raw.splitlines())
