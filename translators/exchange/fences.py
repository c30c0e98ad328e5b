"""JSON that a model put into a code fence although JSON alone was asked for: the fence is taken off, the JSON is not touched.

Models that no grammar binds do so now and then, whatever they were told. A text that begins with a fence is no JSON, so
nothing is lost that an app could have read as it asked for it. With words before the fence all stays as it is; words behind
it stay, and the closing fence with them, since a stream has shown the JSON by then: whoever checks the answer finds either.
How a text came in pieces makes no difference. Only answers that are rebuilt anyway come here: what passes byte for byte is
the provider's own.
"""

from __future__ import annotations

import re
from dataclasses import replace

from translators.canonical import (
    JSON,
    AnnotationAdded,
    Block,
    BlockDelta,
    BlockStart,
    BlockStop,
    Choice,
    Chunk,
    OutputSpec,
    Response,
    Text,
)
from translators.formats import Tally

_JSON = ("json_object", "json_schema")
_OPENING = re.compile(r"\s*```(?:json)?[ \t]*\r?\n", re.IGNORECASE)
_OPENING_SO_FAR = re.compile(r"\s*(?:`{0,2}|```(?:j|js|jso|(?:json)?[ \t]*\r?))\Z", re.IGNORECASE)
_CLOSING_SO_FAR = re.compile(r"(?:\r?\n)?`{0,3}\s*\Z")  # on a line of its own or not: no JSON ends in a backtick
_WINDOW = 80
"""How much of either end may be a fence and the blanks around it, in characters: more is never held back."""


def without_fences(response: Response, output: OutputSpec, tally: Tally) -> Response:
    """`response` as `output` asks for it: fences around JSON are taken off, which `tally` notes."""
    if output.kind not in _JSON:
        return response
    choices = tuple(_bare_choice(choice) for choice in response.choices)
    if choices == response.choices:
        return response
    tally.note("unfenced")
    return replace(response, choices=choices)


def _bare_choice(choice: Choice) -> Choice:
    blocks = tuple(_bare(block) for block in choice.message.blocks)
    return replace(choice, message=replace(choice.message, blocks=blocks))


def _bare(block: Block) -> Block:
    """`block` without its fence. Its log probabilities stay those of all the model said."""
    if not isinstance(block, Text):
        return block
    fence = _Fence()
    text = fence.feed(block.text) + fence.close()
    if not fence.found:
        return block
    return replace(block, text=text, annotations=tuple(_moved(each, fence.opening) for each in block.annotations))


def _moved(annotation: JSON, by: int) -> JSON:
    """`annotation` of a text that has lost its first characters."""
    if not isinstance(annotation, dict):
        return annotation
    places = {key: annotation[key] for key in ("start_index", "end_index") if type(annotation.get(key)) is int}
    return {**annotation, **{key: max(place - by, 0) for key, place in places.items()}}


class Unfencing:
    """A stream on its way to be what `output` asks for. Of a text only what may turn out to be a fence is held back."""

    def __init__(self, output: OutputSpec, tally: Tally) -> None:
        self._json, self._tally = output.kind in _JSON, tally
        self._texts: dict[tuple[int, int], _StreamedText] = {}  # that are open

    def passed(self, chunks: list[Chunk]) -> list[Chunk]:
        """What of `chunks`, and of those held before, may go on, without its fences."""
        return [each for chunk in chunks for each in self._passed(chunk)] if self._json else chunks

    def rest(self) -> list[Chunk]:
        """What is still held when a stream breaks off in the middle of a text."""
        texts, self._texts = self._texts, {}
        return [each for text in texts.values() for each in text.rest()]

    def _passed(self, chunk: Chunk) -> list[Chunk]:
        match chunk:
            case BlockStart(block=Text()):
                self._texts[chunk.choice, chunk.index] = _StreamedText(chunk)
            case BlockDelta() | AnnotationAdded() if (chunk.choice, chunk.index) in self._texts:
                text = self._texts[chunk.choice, chunk.index]
                passed = text.more(chunk)
                if text.found:
                    self._tally.note("unfenced")
                return passed
            case BlockStop() if (chunk.choice, chunk.index) in self._texts:
                text = self._texts.pop((chunk.choice, chunk.index))
                return [*text.rest(), replace(chunk, block=_bare(chunk.block)) if text.found else chunk]
            case _:
                pass
        return [chunk]


class _StreamedText:
    """One text of a stream, and its chunks as long as they may be a fence's."""

    def __init__(self, start: BlockStart) -> None:
        self._start, self._fence = start, _Fence()
        self._held: list[BlockDelta | AnnotationAdded] = []

    @property
    def found(self) -> bool:
        return self._fence.found is True

    def more(self, chunk: BlockDelta | AnnotationAdded) -> list[Chunk]:
        said = self._fence.feed(chunk.value) if isinstance(chunk, BlockDelta) else ""
        if self._fence.found is None:
            self._held.append(chunk)
            return []
        held, self._held = self._held, []
        if not self._fence.found:
            return [*held, chunk]
        return [*(bare for each in held for bare in self._saying(each, "")), *self._saying(chunk, said)]

    def _saying(self, chunk: BlockDelta | AnnotationAdded, value: str) -> list[Chunk]:
        """`chunk` with what is left of its text."""
        if isinstance(chunk, AnnotationAdded):
            return [replace(chunk, annotation=_moved(chunk.annotation, self._fence.opening))]
        return [replace(chunk, value=value)] if value or chunk.logprobs else []

    def rest(self) -> list[Chunk]:
        """What is held, at the end of the text."""
        rest = self._fence.close()
        if not self.found:
            return [*self._held]
        return [BlockDelta(self._start.choice, self._start.index, "text", rest)] if rest else []


class _Fence:
    """The fence of one text, which comes piece by piece. `found` is None as long as the text's beginning may become one."""

    def __init__(self) -> None:
        self.found: bool | None = None
        self.opening = 0  # its length, with the blanks before it
        self._held = ""

    def feed(self, piece: str) -> str:
        """What of the text so far is no part of its fence and has not been given out."""
        text, self._held = self._held + piece, ""
        if self.found is None:
            opening = _OPENING.match(text, 0, _WINDOW)
            if opening is None and len(text) < _WINDOW and _OPENING_SO_FAR.match(text):
                self._held = text
                return ""
            self.found = opening is not None
            self.opening = opening.end() if opening is not None else 0
            text = text[self.opening :]
        if not self.found:
            return text
        closing = _CLOSING_SO_FAR.search(text, max(0, len(text) - _WINDOW))
        end = len(text) if closing is None else closing.start()
        self._held = text[end:]
        return text[:end]

    def close(self) -> str:
        """The rest, at the end of the text: nothing where it is the closing fence."""
        rest, self._held = self._held, ""
        return "" if self.found and rest.strip() == "```" else rest
