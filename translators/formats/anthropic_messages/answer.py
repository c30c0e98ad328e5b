"""One answer of the Messages API in the making: its blocks and their pieces to chunks. Whole answers and streams share it.

Neighbouring text blocks (citations cut a text into many) are one Text. Thinking keeps its block as it came beside what may be
shown. What the provider's own tools did is kept in one sealed block per run, followed by what a reader sees of it. Blocks and
deltas of kinds nobody here knows are passed over.
Source: https://platform.claude.com/docs/en/api/messages and /build-with-claude/streaming
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Protocol

from translators.canonical import (
    JSON,
    AnnotationAdded,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    HostedItem,
    Opaque,
    Reason,
    Reasoning,
    Refusal,
    Start,
    Text,
    ToolCall,
    UpstreamError,
    UsageUpdate,
)
from translators.formats import Wire, json

from . import hosted
from .citations import parse_citation
from .usage import Counts

THINKING, REDACTED, BLOCK = "thinking", "redacted_thinking", "block"
"""Kinds of `Opaque`: a thinking block as JSON, a redacted one's data, any other block that must come back, as JSON."""

FINISHES = {
    "end_turn": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "tool_use": Finish.TOOL_CALLS,
    "max_tokens": Finish.LENGTH,
    "model_context_window_exceeded": Finish.LENGTH,
    "compaction": Finish.LENGTH,
    "pause_turn": Finish.PAUSE,
    "refusal": Finish.REFUSAL,
}

DECLINED = "The model declined to answer."
"""What a refusal says where the provider explains nothing."""

ID_LIMIT = 64
"""The longest call id that OpenAI's clients take."""


class _Open(Protocol):
    """A block that may still grow."""

    def delta(self, delta: Wire, made: list[Chunk]) -> None: ...

    def shut(self, made: list[Chunk]) -> None: ...


class Answer:
    """`begin`, then blocks one after the other (`open`, `delta`s, `shut`), `note`s, and `end`. What they make is added to `made`."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.begun = False
        self.index = 0  # of the next block
        self.sealed: list[Opaque] = []  # the run of kept blocks that is not closed
        self.seen: list[HostedItem] = []  # what a reader sees of that run
        self.uses: dict[str, Wire] = {}  # of the provider's own tools, by id
        self.called = False
        self._id = ""
        self._run: _Run | None = None  # the text that may go on in the next block
        self._block: _Open | None = None
        self._counts = Counts()
        self._told: Wire = {}  # stop_reason and what stands beside it, the last word of each

    def begin(self, message: Wire, made: list[Chunk]) -> None:
        """The head of the answer. One that is whole already brings its blocks along."""
        self.begun = True
        identity, model = message.get("id"), message.get("model")
        self._id = identity if isinstance(identity, str) else ""
        self.note(message, message.get("usage"))
        tier = self._counts.service_tier
        made.append(Start(self._id, model if isinstance(model, str) else "", service_tier=tier))
        content = message.get("content")
        for block in content if isinstance(content, list) else ():
            self.open(block, made)
            self.shut(made)

    def note(self, told: object, usage: object) -> None:
        """Why it ended, and what it cost so far."""
        if isinstance(told, dict):
            names = ("stop_reason", "stop_sequence", "stop_details", "container")
            self._told.update({name: told[name] for name in names if told.get(name) is not None})
        self._counts.add(usage)

    def open(self, block: object, made: list[Chunk]) -> None:
        """The start of a block, with what it holds already."""
        self.shut(made)
        kind = block.get("type") if isinstance(block, dict) else None
        if not isinstance(block, dict) or not isinstance(kind, str):
            return
        if kind == "text":
            self._settle(made)
            if self._run is None:
                self._run = _Run(self.next(), made)
            self._run.begin(block, made)
            self._block = self._run
        elif hosted.is_kept(kind):
            self._close_text(made)
            self._block = _Kept(self, block)
        elif (build := _BLOCKS.get(kind)) is not None:
            self._close_text(made)
            self._settle(made)
            self._block = build(self, block, made)

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        if self._block is not None:
            self._block.delta(delta, made)

    def shut(self, made: list[Chunk]) -> None:
        """The end of the block that is open, if any. A text stays open inside, as the next block may go on with it."""
        if self._block is not None:
            self._block.shut(made)
            self._block = None

    def end(self, made: list[Chunk]) -> None:
        """The provider's own end of the answer."""
        self.shut(made)
        self._close_text(made)
        self._settle(made)
        reason, sequence = self._told.get("stop_reason"), self._told.get("stop_sequence")
        # Words nobody here knows end an answer like any other.
        finish = FINISHES.get(reason, Finish.STOP) if isinstance(reason, str) else Finish.STOP
        if finish is Finish.STOP and self.called:
            finish = Finish.TOOL_CALLS
        details = self._told.get("stop_details")
        if finish is Finish.REFUSAL:
            self._refuse(details, made)
        word = reason if isinstance(reason, str) else None
        made.append(ChoiceStop(0, finish, word, sequence if isinstance(sequence, str) else None))
        usage = self._counts.usage()
        if usage.source != "none":
            made.append(UsageUpdate(usage))
        extensions: dict[str, JSON] = dict(self._counts.extensions())
        extensions |= {name: self._told[name] for name in ("container", "stop_details") if name in self._told}
        made.append(End(extensions=extensions, service_tier=self._counts.service_tier))

    def next(self) -> int:
        """The index of a block that begins now."""
        self.index += 1
        return self.index - 1

    def call_id(self, given: object, name: str) -> str:
        """The provider's id where clients take it, else one that the same answer gives the same call again."""
        if isinstance(given, str) and 0 < len(given) <= ID_LIMIT:
            return given
        facts = "\0".join((self._id, str(given), str(self.index), name))
        digest = hashlib.sha256(facts.encode("utf-8", "surrogatepass")).digest()
        return "call_" + base64.b32encode(digest[:10]).decode("ascii").lower()

    def _close_text(self, made: list[Chunk]) -> None:
        if self._run is not None:
            self._run.close(made)
            self._run = None

    def _settle(self, made: list[Chunk]) -> None:
        """Close the run of kept blocks."""
        if self.sealed:
            _whole(self, Reasoning(opaque=tuple(self.sealed)), made)
        for item in self.seen:
            _whole(self, item, made)
        self.sealed.clear()
        self.seen.clear()

    def _refuse(self, details: object, made: list[Chunk]) -> None:
        explanation = details.get("explanation") if isinstance(details, dict) else None
        text = explanation if isinstance(explanation, str) and explanation else DECLINED
        index = self.next()
        made.append(BlockStart(0, index, Refusal("")))
        made.append(BlockDelta(0, index, "text", text))
        made.append(BlockStop(0, index, Refusal(text)))


def _whole(answer: Answer, block: Reasoning | HostedItem, made: list[Chunk]) -> None:
    index = answer.next()
    made.append(BlockStart(0, index, Reasoning() if isinstance(block, Reasoning) else block))
    made.append(BlockStop(0, index, block))


def _compact(value: object) -> str:
    """JSON that is carried as text. Raises `UpstreamError` for what is nested too deep to be written again."""
    try:
        return json.dumps(value).decode()
    except TypeError:
        raise bad_shape("a block that is nested too deep") from None


def _text(wire: Wire, name: str) -> str:
    value = wire.get(name)
    return value if isinstance(value, str) else ""


class _Run:
    """Neighbouring text blocks, which make one Text."""

    __slots__ = ("_annotations", "_citations", "_end", "_index", "_pieces", "_start")

    def __init__(self, index: int, made: list[Chunk]) -> None:
        self._index = index
        self._pieces: list[str] = []
        self._annotations: list[JSON] = []
        self._citations: list[Any] = []  # of the block that is open
        self._start = self._end = 0  # of that block, in characters of the run
        made.append(BlockStart(0, index, Text("")))

    def begin(self, block: Wire, made: list[Chunk]) -> None:
        citations = block.get("citations")
        self._start = self._end
        self._citations = list(citations) if isinstance(citations, list) else []
        self._add(_text(block, "text"), made)

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        kind = delta.get("type")
        if kind == "text_delta":
            self._add(_text(delta, "text"), made)
        elif kind == "citations_delta":
            self._citations.append(delta.get("citation"))

    def _add(self, piece: str, made: list[Chunk]) -> None:
        if piece:
            self._pieces.append(piece)
            self._end += len(piece)
            made.append(BlockDelta(0, self._index, "text", piece))

    def shut(self, made: list[Chunk]) -> None:
        """The end of one block: only now is it known how far its citations reach."""
        for citation in self._citations:
            annotation = parse_citation(citation, self._start, self._end)
            if annotation is not None:
                self._annotations.append(annotation)
                made.append(AnnotationAdded(0, self._index, annotation))
        self._citations = []

    def close(self, made: list[Chunk]) -> None:
        made.append(BlockStop(0, self._index, Text("".join(self._pieces), tuple(self._annotations))))


class _Thought:
    """A thinking block. It is opened with its first words, or with its signature where the words are withheld."""

    __slots__ = ("_answer", "_block", "_index", "_pieces", "_signature")

    def __init__(self, answer: Answer, block: Wire, made: list[Chunk]) -> None:
        self._answer, self._block = answer, block
        self._index = -1
        self._pieces: list[str] = []
        self._signature = _text(block, "signature")
        self._add(_text(block, "thinking"), made)

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        kind = delta.get("type")
        if kind == "thinking_delta":
            self._add(_text(delta, "thinking"), made)
        elif kind == "signature_delta":
            self._signature = _text(delta, "signature")

    def _start(self, made: list[Chunk]) -> None:
        if self._index < 0:
            self._index = self._answer.next()
            made.append(BlockStart(0, self._index, Reasoning()))

    def _add(self, piece: str, made: list[Chunk]) -> None:
        if piece:
            self._start(made)
            self._pieces.append(piece)
            made.append(BlockDelta(0, self._index, "summary", piece))

    def shut(self, made: list[Chunk]) -> None:
        text = "".join(self._pieces)
        if not text and not self._signature:
            return
        self._start(made)
        opaque: tuple[Opaque, ...] = ()
        if self._signature:  # a thought that was cut has none, and nobody takes it back
            block = {**self._block, "thinking": text, "signature": self._signature}
            opaque = (Opaque(self._answer.issuer, THINKING, _compact(block)),)
        made.append(BlockStop(0, self._index, Reasoning((text,) if text else (), None, opaque)))


class _Redacted:
    """A thinking block that comes whole, and sealed."""

    def __init__(self, answer: Answer, block: Wire, made: list[Chunk]) -> None:
        if data := _text(block, "data"):
            _whole(answer, Reasoning(opaque=(Opaque(answer.issuer, REDACTED, data),)), made)

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        """Nothing more is said of it."""

    def shut(self, made: list[Chunk]) -> None:
        """It is whole already."""


class _Call:
    """A call of one of the client's tools. A stream may never say that it has no arguments."""

    __slots__ = ("_call", "_given", "_index", "_pieces")

    def __init__(self, answer: Answer, block: Wire, made: list[Chunk]) -> None:
        name = _text(block, "name")
        if not name:
            raise bad_shape("a tool call without a name")
        answer.called = True
        self._call = ToolCall(answer.call_id(block.get("id"), name), name, "")
        self._given = block.get("input")
        self._pieces: list[str] = []
        self._index = answer.next()
        made.append(BlockStart(0, self._index, self._call))

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        if delta.get("type") == "input_json_delta" and (piece := _text(delta, "partial_json")):
            self._pieces.append(piece)
            made.append(BlockDelta(0, self._index, "arguments", piece))

    def shut(self, made: list[Chunk]) -> None:
        text = "".join(self._pieces)
        if not text:
            text = _compact(self._given or {})
            made.append(BlockDelta(0, self._index, "arguments", text))
        made.append(BlockStop(0, self._index, ToolCall(self._call.id, self._call.name, text)))


class _Kept:
    """A block of the provider's own tools, or of its keeping, to be sealed as it is."""

    __slots__ = ("_answer", "_block", "_pieces")

    def __init__(self, answer: Answer, block: Wire) -> None:
        self._answer, self._block = answer, block
        self._pieces: list[str] = []

    def delta(self, delta: Wire, made: list[Chunk]) -> None:
        kind = delta.get("type")
        if kind == "input_json_delta":
            self._pieces.append(_text(delta, "partial_json"))
        elif kind == "compaction_delta":
            self._block = {**self._block, "content": _text(self._block, "content") + _text(delta, "content")}

    def shut(self, made: list[Chunk]) -> None:
        answer, block = self._answer, self._with_input()
        answer.sealed.append(Opaque(answer.issuer, BLOCK, _compact(block)))
        if hosted.is_use(block["type"]):
            answer.uses[_text(block, "id")] = block
        elif (item := hosted.shown(answer.uses.get(_text(block, "tool_use_id")), block)) is not None:
            answer.seen.append(item)

    def _with_input(self) -> Wire:
        text = "".join(self._pieces)
        if not text:
            return self._block
        try:
            return {**self._block, "input": json.loads(text)}
        except ValueError:  # the answer was cut in the middle of it
            return self._block


_BLOCKS: dict[str, type[_Thought] | type[_Redacted] | type[_Call]] = {
    "thinking": _Thought,
    "redacted_thinking": _Redacted,
    "tool_use": _Call,
}


def bad_shape(what: str) -> UpstreamError:
    return UpstreamError(Reason.BAD_RESPONSE, f"The provider sent {what}.", failure="bad_shape", billed_risk=True)
