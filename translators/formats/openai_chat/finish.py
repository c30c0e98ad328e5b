"""Why a choice ended: vendors' words to OpenAI's five and to canonical, and back.

Only the five values may reach a client; anything else breaks typed SDKs.
Sources: OpenAI API reference; recordings of OpenRouter, Mistral, Together, vLLM, SGLang; Azure's `finish_reason` docs.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from translators.canonical import Finish, Reason, UpstreamError

Five: TypeAlias = Literal["stop", "length", "tool_calls", "content_filter", "function_call"]

_FIVE: dict[str, Five] = {
    "stop": "stop",
    "length": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "function_call": "function_call",
}
_VENDORS: dict[str, Five] = {
    "end": "stop",
    "end_turn": "stop",
    "eos": "stop",
    "eos_token": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "completed": "stop",
    "repetition": "stop",
    "max_tokens": "length",
    "max_output_tokens": "length",
    "model_length": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "tool_call": "tool_calls",
    "refusal": "content_filter",
    "safety": "content_filter",
    "recitation": "content_filter",
    "blocklist": "content_filter",
    "prohibited_content": "content_filter",
    "spii": "content_filter",
}
_FAILED = frozenset({"error", "abort", "aborted"})

_CANONICAL: dict[Five, Finish] = {
    "stop": Finish.STOP,
    "length": Finish.LENGTH,
    "tool_calls": Finish.TOOL_CALLS,
    "content_filter": Finish.CONTENT_FILTER,
    "function_call": Finish.TOOL_CALLS,
}


def wire_finish(raw: str, *, calls: bool) -> Five:
    """One of the five for what a provider said; `calls`: whether tool calls were seen.

    Raises `UpstreamError` when the provider's word for it is that it failed.
    """
    known = _FIVE.get(raw) or _VENDORS.get(raw.lower())
    if known is None:
        if raw.lower() in _FAILED:
            raise UpstreamError(
                Reason.ERROR_5XX,
                "The provider stopped with an error.",
                failure="inband_error",
                billed_risk=True,
                http_status=200,
            )
        known = "stop"
    return "tool_calls" if calls and known in ("stop", "function_call") else known


def parse_finish(raw: Any, *, calls: bool) -> tuple[Finish, str | None]:
    """The canonical reason and the raw word. An absent one in a whole answer means that it simply ended."""
    if not isinstance(raw, str) or not raw:
        return (Finish.TOOL_CALLS if calls else Finish.STOP), None
    finish = _CANONICAL[wire_finish(raw, calls=calls)]
    if finish is Finish.STOP and raw not in _FIVE and raw.lower() not in _VENDORS:
        finish = Finish.OTHER
    return finish, raw


def render_finish(finish: Finish, *, calls: bool, refused: bool, legacy: bool) -> Five:
    """OpenAI's word. `refused`: the message holds a refusal, which OpenAI ends with "stop"."""
    if finish is Finish.LENGTH:
        return "length"
    if finish is Finish.CONTENT_FILTER or (finish is Finish.REFUSAL and not refused):
        return "content_filter"
    if calls:
        return "function_call" if legacy else "tool_calls"
    return "stop"
