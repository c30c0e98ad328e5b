"""The parts of one candidate, as they come, to the chunks of one choice.

Parts of a stream are pieces: text and thoughts grow until another kind of part comes. A part that is signed is a block of its own
and stays one, since a signature holds for its very part and its very place. Signatures ride on reasoning blocks:

    call_signature     of the call that follows        thought_signature   of the thought itself, or of an empty text
    text_signature     of the text just before         media_signature     of the picture just before
    part               a whole part that must come back as it is (tools that Google ran)
    thought            of a thought that is not signed: it only says whose it is

Sources: https://ai.google.dev/gemini-api/docs/thought-signatures and recorded streams.
"""

from __future__ import annotations

from typing import Any, Literal

from translators.canonical import (
    JSON,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    ChoiceStop,
    Chunk,
    HostedItem,
    Media,
    Opaque,
    Reasoning,
    Text,
    ToolCall,
    opened,
)
from translators.formats import Wire

from .calls import CallIds, PartialArguments, arguments_of, bad_shape, name_of, written
from .citations import Sources
from .finish import finish_of, finish_word
from .logprobs import parse_logprobs
from .resume import PAUSED_AT

_KINDS: dict[str, Literal["image", "audio", "video", "file"]] = {"image": "image", "audio": "audio", "video": "video"}


class Candidate:
    """One candidate's state. `chunks` fills up; whoever reads the answer takes them from there."""

    def __init__(self, index: int, issuer: str, ids: CallIds) -> None:
        self.sources = Sources()
        self.token: str | None = None
        self._choice, self._issuer, self._ids = index, issuer, ids
        self._word: str | None = None
        self._block = 0  # the index of the open block, or of the next one
        self._open: Literal["text", "thought"] | None = None
        self._pieces: list[str] = []
        self._logprobs: list[JSON] = []
        self._opaque: list[Opaque] = []  # of the open thought; of what follows the open text
        self._closed = ""  # the text of the blocks that are closed
        self._streamed: tuple[ToolCall, PartialArguments] | None = None
        self._code: Wire | None = None  # what Google runs, until its result is there
        self._ran = 0
        self._called = self._said = False

    @property
    def is_complete(self) -> bool:
        return self._word is not None

    @property
    def is_running(self) -> bool:
        """Whether code was left to Google and its result is not there. "STOP" then ends no more than what was written."""
        return self._code is not None and self._word == "STOP"

    def take(self, candidate: Wire, chunks: list[Chunk]) -> None:
        """One more piece of it. Raises `UpstreamError` for what is no part of an answer."""
        self.sources.read(candidate)
        content = candidate.get("content")
        parts = content.get("parts") if isinstance(content, dict) else None
        word = finish_word(candidate)
        if parts:
            if not isinstance(parts, list):
                raise bad_shape("parts that are no list")
            logprobs = parse_logprobs(candidate) if "logprobsResult" in candidate else None
            for part in parts:
                logprobs = self._part(part, logprobs, chunks)
            # A reason in the middle (Google's code runs behind it) is no end: what follows brings its own.
            self._word = word
        elif word is not None:
            self._word = word
        token = candidate.get("continuationToken")
        if isinstance(token, str) and token:
            self.token = token

    def _part(self, part: Any, logprobs: tuple[JSON, ...] | None, chunks: list[Chunk]) -> tuple[JSON, ...] | None:
        """One part. Returns the token probabilities that are left for a later one: they belong to the first text."""
        if not isinstance(part, dict):
            raise bad_shape("a part that is no object")
        text = part.get("text")
        if text is not None:
            if not isinstance(text, str):
                raise bad_shape("text that is no text")
            if part.get("thought"):
                self._thought(text, part, chunks)
                return logprobs
            self._text(text, part.get("thoughtSignature"), logprobs, chunks)
            return None if text else logprobs
        if isinstance(call := part.get("functionCall"), dict):
            self._call(call, part.get("thoughtSignature"), chunks)
        elif isinstance(blob := part.get("inlineData"), dict):
            self._media(blob, part.get("thoughtSignature"), chunks)
        elif part.keys() == {"thoughtSignature"}:
            self._seal("thought_signature", part["thoughtSignature"], chunks)
        elif part:
            self._native(part, chunks)
        return logprobs

    def _text(self, text: str, signature: Any, logprobs: tuple[JSON, ...] | None, chunks: list[Chunk]) -> None:
        if not text:
            if signature:
                self._seal("thought_signature", signature, chunks)
            return
        if signature or self._opaque or self._open != "text":
            self._shut(chunks)
            self._start("text", Text(""), chunks)
        self._said = True
        self._pieces.append(text)
        if logprobs:
            self._logprobs += logprobs
        chunks.append(BlockDelta(self._choice, self._block, "text", text, logprobs=logprobs))
        if signature:
            self._seal("text_signature", signature, chunks)

    def _thought(self, text: str, part: Wire, chunks: list[Chunk]) -> None:
        signature = part.get("thoughtSignature")
        if not text:
            if signature:
                self._seal("part", written(part), chunks)
            return
        if signature or self._opaque or self._open != "thought":
            self._shut(chunks)
            self._start("thought", Reasoning(), chunks)
        self._pieces.append(text)
        chunks.append(BlockDelta(self._choice, self._block, "summary", text))
        if signature:
            self._seal("thought_signature", signature, chunks, own=True)

    def _seal(self, kind: str, data: Any, chunks: list[Chunk], *, own: bool = False) -> None:
        """Keep a blob in its place: with the open thought, else in a block behind the open text or of its own.

        `own`: the signature is that of the open thought itself; one of an empty text must not be taken for it.
        """
        if not isinstance(data, str):
            raise bad_shape("a signature that is no text")
        if kind == "thought_signature" and not own and self._open == "thought" and self._pieces and not self._opaque:
            self._shut(chunks)
        if self._open is None:
            self._start("thought", Reasoning(), chunks)
        self._opaque.append(Opaque(self._issuer, kind, data))

    def _call(self, call: Wire, signature: Any, chunks: list[Chunk]) -> None:
        if self._streamed is not None and "name" not in call:
            self._more_of_call(call, chunks)
            return
        self._end_streamed(chunks)
        if signature:
            self._seal("call_signature", signature, chunks)
        self._shut(chunks)
        self._called = True
        name = name_of(call)
        if call.get("willContinue") or call.get("partialArgs"):
            started = ToolCall(self._ids.give(call.get("id"), name, ""), name, "")
            chunks.append(BlockStart(self._choice, self._block, started))
            self._streamed = (started, PartialArguments())
            self._more_of_call(call, chunks)
            return
        arguments = arguments_of(call)
        whole = ToolCall(self._ids.give(call.get("id"), name, arguments), name, arguments)
        chunks.append(BlockStart(self._choice, self._block, opened(whole)))
        self._end_call(whole, chunks)

    def _more_of_call(self, call: Wire, chunks: list[Chunk]) -> None:
        if self._streamed is not None:
            self._streamed[1].read(call)
        if not call.get("willContinue"):
            self._end_streamed(chunks)

    def _end_streamed(self, chunks: list[Chunk]) -> None:
        if self._streamed is not None:
            (started, arguments), self._streamed = self._streamed, None
            self._end_call(ToolCall(started.id, started.name, arguments.text), chunks)

    def _end_call(self, call: ToolCall, chunks: list[Chunk]) -> None:
        chunks.append(BlockDelta(self._choice, self._block, "arguments", call.arguments))
        chunks.append(BlockStop(self._choice, self._block, call))
        self._block += 1

    def _media(self, blob: Wire, signature: Any, chunks: list[Chunk]) -> None:
        data, mime = blob.get("data"), blob.get("mimeType")
        if not isinstance(data, str):
            raise bad_shape("media without data")
        mime = mime if isinstance(mime, str) else None
        self._said = True
        self._whole(Media(kind=_KINDS.get((mime or "").partition("/")[0], "file"), data=data, mime=mime), chunks)
        if signature:
            self._seal("media_signature", signature, chunks)

    def _native(self, part: Wire, chunks: list[Chunk]) -> None:
        """What Google's own tools did, and parts nobody here knows: it comes back to Google word for word."""
        self._seal("part", written(part), chunks)
        if isinstance(code := part.get("executableCode"), dict):
            self._code = code
        elif isinstance(result := part.get("codeExecutionResult"), dict):
            self._show_code(result, chunks)

    def _show_code(self, result: Wire | None, chunks: list[Chunk]) -> None:
        """The run of a piece of code, as an item of the Responses API."""
        code, self._code = self._code or {}, None
        status, output = "incomplete", ""
        if result is not None:
            status = "completed" if result.get("outcome") == "OUTCOME_OK" else "failed"
            output = str(result.get("output") or "")
        raw = {
            "type": "code_interpreter_call",
            "id": f"ci_{self._ids.derive('code', self._choice, self._ran)}",
            "status": status,
            "code": str(code.get("code") or ""),
            "container_id": "",
            "outputs": [{"type": "logs", "logs": output}] if output else [],
        }
        self._ran += 1
        self._whole(HostedItem("code_interpreter", raw), chunks)

    def _start(self, kind: Literal["text", "thought"], block: Block, chunks: list[Chunk]) -> None:
        self._open = kind
        chunks.append(BlockStart(self._choice, self._block, block))

    def _whole(self, block: Media | HostedItem, chunks: list[Chunk]) -> None:
        self._shut(chunks)
        chunks.append(BlockStart(self._choice, self._block, opened(block)))
        if isinstance(block, Media) and block.data:
            chunks.append(BlockDelta(self._choice, self._block, "data", block.data))
        chunks.append(BlockStop(self._choice, self._block, block))
        self._block += 1

    def _shut(self, chunks: list[Chunk], *, last: bool = False) -> None:
        """Close the open block, and the blobs behind it. `last`: no text follows, so all citations left are its own."""
        self._end_streamed(chunks)
        opaque, self._opaque = tuple(self._opaque), []
        if self._open == "text":
            text = "".join(self._pieces)
            annotations = self.sources.annotations(self._closed, text, last=last) if self.sources.any else ()
            chunks += (AnnotationAdded(self._choice, self._block, annotation) for annotation in annotations)
            self._stop(Text(text, annotations, tuple(self._logprobs) or None), chunks)
            self._closed += text
            if opaque:
                self._start("thought", Reasoning(), chunks)
                self._stop(Reasoning(opaque=opaque), chunks)
        elif self._open == "thought":
            opaque = opaque or (Opaque(self._issuer, "thought", "unsigned"),)
            self._stop(Reasoning(("".join(self._pieces),) if self._pieces else (), None, opaque), chunks)
        self._open = None

    def _stop(self, block: Block, chunks: list[Chunk]) -> None:
        chunks.append(BlockStop(self._choice, self._block, block))
        self._block += 1
        self._pieces.clear()
        self._logprobs.clear()

    def end(self, chunks: list[Chunk]) -> None:
        """Close what is open, show what Google looked up, and say why it ended. Only once it is complete."""
        word = self._word or ""
        self._shut(chunks, last=True)
        if self._code is not None:
            self._show_code(None, chunks)
        if self.sources.any:
            for item in self.sources.searches(self._ids.derive("search", self._choice, 0)):
                self._whole(item, chunks)
        finish = finish_of(word, called=self._called, said=self._said, resumable=self.token is not None)
        chunks.append(ChoiceStop(self._choice, finish, word))

    @property
    def extensions(self) -> Wire:
        """What else of it is worth telling: how to go on, and what Google wants shown beside its sources."""
        told: Wire = {PAUSED_AT: self.token} if self.token is not None and self._word == "CONTINUATION" else {}
        if (point := self.sources.entry_point) is not None:
            told["search_entry_point"] = point
        return told
