"""Why a candidate ended. The list of Google's words, and what each is in canonical terms.

`STOP` also ends an answer that calls tools; words for a call or an answer that Google itself could not read are failures of the
attempt. Source: https://ai.google.dev/api/generate-content#FinishReason and google-genai 3.6.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Finish, Reason, UpstreamError
from translators.formats import Wire
from translators.formats.upstream_errors import clean

_FILTERED = frozenset(
    {
        "SAFETY",
        "RECITATION",
        "LANGUAGE",
        "BLOCKLIST",
        "PROHIBITED_CONTENT",
        "SPII",
        "IMAGE_SAFETY",
        "IMAGE_PROHIBITED_CONTENT",
        "IMAGE_RECITATION",
        "MODEL_ARMOR",
    }
)
_BROKEN = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "UNEXPECTED_TOOL_CALL",
        "TOO_MANY_TOOL_CALLS",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
    }
)
_NUMBERS = ("FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER")
"""Enums as numbers, which a query parameter may ask for. The two APIs disagree on what follows."""


def finish_word(candidate: Wire) -> str | None:
    """Google's word for the end of a candidate; None while it goes on."""
    reason: Any = candidate.get("finishReason")
    if type(reason) is int:
        return _NUMBERS[reason] if 0 <= reason < len(_NUMBERS) else str(reason)
    return reason if isinstance(reason, str) and reason else None


def refuse_broken(candidate: Wire) -> None:
    """Raises `UpstreamError` when Google says that the model's answer is not fit for use."""
    word = finish_word(candidate)
    if word not in _BROKEN:
        return
    told = candidate.get("finishMessage")
    message = clean(told) if isinstance(told, str) else ""
    error = UpstreamError(
        Reason.BAD_RESPONSE,
        message or "The model's answer could not be read.",
        failure="signature_rejected" if word == "MISSING_THOUGHT_SIGNATURE" else "tool_use_failed",
        billed_risk=True,
        http_status=200,
        upstream_code=word,
    )
    raise error


def finish_of(word: str, *, called: bool, said: bool, resumable: bool) -> Finish:
    """The canonical finish. Words that tell nothing, and new ones, are an end if anything was `said`."""
    if word == "MAX_TOKENS":
        return Finish.LENGTH
    if word == "CONTINUATION":
        return Finish.PAUSE if resumable else Finish.LENGTH
    if word in _FILTERED or (word != "STOP" and not said and not called):
        return Finish.CONTENT_FILTER
    return Finish.TOOL_CALLS if called else Finish.STOP
