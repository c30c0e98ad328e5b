"""An answer of generateContent, whole or in pieces: a whole one is a stream of one document, so both say the same.

Every document of a stream repeats who answers and what was used so far; the last counts. Nothing says that a stream is over but
the end of input behind a finish reason, so `end` is for whoever saw that. A prompt that Google blocked has no candidates at all.
Source: https://ai.google.dev/api/generate-content#v1beta.GenerateContentResponse
"""

from __future__ import annotations

import calendar
import re

from translators.canonical import ChoiceStop, Chunk, End, Finish, Start, UsageUpdate
from translators.formats import Wire

from .calls import CallIds, bad_shape
from .candidate import Candidate
from .errors import parse_in_band
from .finish import refuse_broken
from .usage import counts_tokens, parse_tier, parse_usage

_TIMESTAMP = re.compile(r"([1-9]\d{3})-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z", re.ASCII)


class Answer:
    """What was seen of one answer. `issuer` marks its opaque blobs."""

    def __init__(self, issuer: str) -> None:
        self._issuer = issuer
        self._ids = CallIds()
        self._candidates: dict[int, Candidate] = {}
        self._blocked: str | None = None
        self._usage: Wire | None = None
        self._started = False

    @property
    def is_complete(self) -> bool:
        """Whether the provider said of every candidate why it ended, or that it answers nothing."""
        if not self._candidates:
            return self._blocked is not None
        return all(candidate.is_complete for candidate in self._candidates.values())

    @property
    def is_running(self) -> bool:
        """Whether more must follow although a reason to end was given."""
        return any(candidate.is_running for candidate in self._candidates.values())

    def take(self, body: Wire, chunks: list[Chunk]) -> None:
        """One document. Raises `UpstreamError` for an error in its place and for what Google itself calls broken."""
        if body.get("error"):
            raise parse_in_band(body)
        candidates = body.get("candidates") or ()
        if not isinstance(candidates, (list, tuple)) or not all(isinstance(each, dict) for each in candidates):
            raise bad_shape("candidates that are no list of objects")
        for candidate in candidates:
            if "finishReason" in candidate:
                refuse_broken(candidate)
        if not self._started:
            self._start(body, chunks)
        metadata = body.get("usageMetadata")
        if isinstance(metadata, dict) and (self._usage is None or counts_tokens(metadata)):
            self._usage = metadata
        feedback = body.get("promptFeedback")
        if isinstance(feedback, dict) and (reason := feedback.get("blockReason")):
            self._blocked = str(reason)
        for position, candidate in enumerate(candidates):
            index = candidate.get("index")
            index = index if type(index) is int and index >= 0 else position
            known = self._candidates.get(index)
            if known is None:
                known = self._candidates[index] = Candidate(index, self._issuer, self._ids)
            known.take(candidate, chunks)

    def _start(self, body: Wire, chunks: list[Chunk]) -> None:
        self._started = True
        self._ids.of_answer(body)
        chunks.append(Start(_text(body, "responseId"), _text(body, "modelVersion"), _created(body)))

    def end(self, chunks: list[Chunk]) -> None:
        """The end of the answer, once `is_complete`."""
        extensions: Wire = {}
        searches = 0
        for index in sorted(self._candidates):
            candidate = self._candidates[index]
            candidate.end(chunks)
            searches += len(candidate.sources.queries)
            extensions = {**candidate.extensions, **extensions}
        if not self._candidates:
            chunks.append(ChoiceStop(0, Finish.CONTENT_FILTER, self._blocked))
        usage = parse_usage(self._usage, searches)
        if usage.source != "none":
            chunks.append(UsageUpdate(usage))
        chunks.append(End(extensions=extensions, service_tier=parse_tier(self._usage)))


def _text(body: Wire, name: str) -> str:
    value = body.get(name)
    return value if isinstance(value, str) else ""


def _created(body: Wire) -> int:
    """`createTime` (RFC 3339) in unix seconds; 0 where Google does not say, as the Gemini API never does."""
    found = _TIMESTAMP.fullmatch(str(body.get("createTime")))
    return max(calendar.timegm((*map(int, found.groups()), 0, 0, 0)), 0) if found is not None else 0
