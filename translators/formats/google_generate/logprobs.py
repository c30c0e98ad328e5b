"""Token probabilities of an answer in the shape of OpenAI's `logprobs.content`."""

from __future__ import annotations

from typing import Any

from translators.canonical import JSON
from translators.formats import Wire


def parse_logprobs(candidate: Wire) -> tuple[JSON, ...] | None:
    """The chosen tokens with their alternatives; None when the answer has none."""
    result = candidate.get("logprobsResult")
    if not isinstance(result, dict) or not isinstance(chosen := result.get("chosenCandidates"), list):
        return None
    tops = result.get("topCandidates")
    tops = tops if isinstance(tops, list) else []
    entries = [
        {**_entry(token), "top_logprobs": _alternatives(tops[index] if index < len(tops) else None)}
        for index, token in enumerate(chosen)
        if isinstance(token, dict)
    ]
    return tuple(entries) or None


def _alternatives(top: Any) -> list[JSON]:
    candidates = top.get("candidates") if isinstance(top, dict) else None
    return [_entry(token) for token in candidates if isinstance(token, dict)] if isinstance(candidates, list) else []


def _entry(token: Wire) -> Wire:
    text, probability = token.get("token"), token.get("logProbability")
    text = text if isinstance(text, str) else ""
    return {
        "token": text,
        # A probability of one, whose logarithm is 0, is left out like every zero in proto3 JSON.
        "logprob": probability if isinstance(probability, (int, float)) else 0.0,
        "bytes": list(text.encode("utf-8", "surrogatepass")),
    }
