"""What whole answers and streams share: why a choice ended, token counts, log probabilities. Both ways.

Log probabilities travel as chat has them, one object per token; the offset in the text, which only this API counts, rides along
as `text_offset`. llama.cpp sends chat's form here already.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal, TypeAlias

from translators.canonical import JSON, Finish, Reason, UpstreamError, Usage
from translators.formats import Wire

Three: TypeAlias = Literal["stop", "length", "content_filter"]

_THREE: dict[str, Three] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}
_VENDORS: dict[str, Three] = {
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "end_turn": "stop",
    "complete": "stop",
    "tool_calls": "stop",
    "max_tokens": "length",
    "model_length": "length",
}
_FAILED = frozenset({"error", "abort", "aborted"})
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_DETAILS = {"prompt_tokens_details": ("cached_tokens",), "completion_tokens_details": ("reasoning_tokens",)}


def wire_finish(raw: str) -> Three:
    """One of the three for what a provider said. Raises `UpstreamError` when it said that it failed."""
    if raw.lower() in _FAILED:
        raise UpstreamError(
            Reason.ERROR_5XX,
            "The provider stopped with an error.",
            failure="inband_error",
            billed_risk=True,
            http_status=200,
        )
    return _THREE.get(raw) or _VENDORS.get(raw.lower(), "stop")


def parse_finish(raw: Any) -> tuple[Finish, str | None]:
    """The canonical reason and the raw word. An absent one in a whole answer means that it simply ended."""
    if type(raw) is not str or not raw:
        return Finish.STOP, None
    finish = Finish(wire_finish(raw))
    return (Finish.OTHER if finish is Finish.STOP and raw.lower() not in (_THREE | _VENDORS) else finish), raw


def render_finish(finish: Finish) -> Three:
    """OpenAI's word. There are no tools here: an answer that called one has stopped."""
    if finish is Finish.LENGTH:
        return "length"
    return "content_filter" if finish in (Finish.CONTENT_FILTER, Finish.REFUSAL) else "stop"


def parse_usage(usage: Any) -> Usage | None:
    """What a `usage` member says; None when it is absent or cannot be true."""
    if type(usage) is not dict:
        return None
    counts = [usage.get(key) for key in ("prompt_tokens", "completion_tokens")]
    if counts == [None, None] or not all(count is None or (type(count) is int and count >= 0) for count in counts):
        return None
    prompt, completion = (count or 0 for count in counts)
    cached, reasoning = (_detail(usage, key, *names) for key, names in _DETAILS.items())
    return Usage(input=prompt, output=completion, cached=min(cached, prompt), reasoning=min(reasoning, completion))


def _detail(usage: Wire, key: str, name: str) -> int:
    details = usage.get(key)
    count = details.get(name) if type(details) is dict else None
    return count if type(count) is int and count > 0 else 0


def render_usage(usage: Usage) -> Wire:
    """The `usage` member with every count an integer: frameworks add them up."""
    return {
        "prompt_tokens": usage.input,
        "completion_tokens": usage.output,
        "total_tokens": usage.total,
        "prompt_tokens_details": {"cached_tokens": usage.cached},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
    }


def mend_usage(usage: Any) -> Wire | None:
    """A copy with zero for every null, or None when there is none."""
    if type(usage) is not dict:
        return None
    mended: Wire = {key: 0 for key in _COUNTS if key in usage and usage[key] is None}
    for key, names in _DETAILS.items():
        details = usage.get(key)
        if type(details) is dict and None in details.values():
            mended[key] = {name: 0 if count is None else count for name, count in details.items()}
        elif key in usage and details is None:
            mended[key] = dict.fromkeys(names, 0)
    return {**usage, **mended} if mended else None


def parse_logprobs(logprobs: Any) -> tuple[JSON, ...] | None:
    """One object per token, or None when there are none."""
    if type(logprobs) is not dict:
        return None
    if type(logprobs.get("content")) is list:
        return tuple(logprobs["content"]) or None
    tokens, values, alternatives, offsets = (
        listed if type(listed := logprobs.get(key)) is list else []
        for key in ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    )
    parsed = []
    for at, token in enumerate(tokens):
        entry: Wire = {"token": token, "logprob": values[at] if at < len(values) else None, "bytes": None}
        others = alternatives[at] if at < len(alternatives) else None
        entry["top_logprobs"] = [
            {"token": other, "logprob": value, "bytes": None} for other, value in (others or {}).items()
        ]
        if at < len(offsets):
            entry["text_offset"] = offsets[at]
        parsed.append(entry)
    return tuple(parsed) or None


def render_logprobs(entries: Iterable[JSON], offset: int = 0) -> Wire | None:
    """The four lists, or None for no tokens. `offset` is where the first token stands if it does not say so itself."""
    tokens: list[str] = []
    values: list[float | None] = []
    alternatives: list[dict[str, float] | None] = []
    offsets: list[int] = []
    for entry in entries:
        offset = entry.get("text_offset", offset)
        tokens.append(entry["token"])
        values.append(entry.get("logprob"))
        others = {other["token"]: other["logprob"] for other in entry.get("top_logprobs") or ()}
        alternatives.append(others or None)
        offsets.append(offset)
        offset += len(entry["token"])
    if not tokens:
        return None
    top = alternatives if any(alternatives) else None
    return {"tokens": tokens, "token_logprobs": values, "top_logprobs": top, "text_offset": offsets}
