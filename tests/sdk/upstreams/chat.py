"""POST /chat/completions as OpenAI, vLLM and llama.cpp answer it, each with its own habits.

Sources: recordings of all three (openai gpt-4o and gpt-5.4 streams, vLLM 0.11 to 0.33, llama-server b10499) and OpenAI's API
reference. The habits that differ: what stands in a delta beside the news, where reasoning is, what usage tells.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.scripted import DONE, Step, event, stream, whole

from .answer import CREATED, MODEL, Answer, Tokens, logprob

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How one kind of server spells what all of them say."""

    envelope: Wire
    """Members of every whole answer and chunk."""
    message: Wire
    """Members of every message, null or empty ones included."""
    opening: Wire
    """The first delta of an answer in text."""
    delta: Wire
    """Members that every later delta repeats."""
    choice: Wire
    """Members of the choice that ends an answer."""
    reasoning: str | None
    """The member that shows the model's thoughts, where they are shown at all."""
    textless: str | None
    """`content` of a message that only calls tools."""
    last: Wire
    """Members of the usage chunk and of whole answers."""
    counts_cached: bool = True
    counts_reasoning: bool = True
    nulls_usage: bool = False
    """Whether chunks before the last say `usage: null` when usage was asked for."""


OPENAI = Habits(
    envelope={"service_tier": "default", "system_fingerprint": "fp_1"},
    message={"refusal": None, "annotations": []},
    opening={"role": "assistant", "content": "", "refusal": None},
    delta={},
    choice={},
    reasoning=None,
    textless=None,
    last={},
    nulls_usage=True,
)
VLLM = Habits(
    envelope={"service_tier": None, "system_fingerprint": None},
    message={"refusal": None, "annotations": None, "audio": None, "function_call": None, "tool_calls": []},
    opening={"role": "assistant", "content": "", "function_call": None, "refusal": None, "tool_calls": None},
    delta={"content": None, "function_call": None, "refusal": None, "role": None, "tool_calls": None},
    choice={"stop_reason": None},
    reasoning="reasoning",
    textless=None,
    last={"prompt_logprobs": None, "kv_transfer_params": None},
    nulls_usage=True,
)
LLAMA_CPP = Habits(
    envelope={"system_fingerprint": "b10499-6d05498"},
    message={},
    opening={"role": "assistant", "content": None},
    delta={},
    choice={},
    reasoning="reasoning_content",
    textless="",
    last={"timings": {"cache_n": 4, "prompt_n": 16, "predicted_n": 7, "predicted_per_second": 129.3}},
    counts_reasoning=False,
)


def serve(answer: Answer, body: Wire, habits: Habits) -> list[Step]:
    """The response to a request with this `body`."""
    if body.get("stream"):
        return stream(*(event(chunk) for chunk in chunks(answer, body, habits)), DONE)
    return [whole(200, completion(answer, body, habits))]


def usage(tokens: Tokens, habits: Habits) -> Wire:
    """Usage with the details this server gives."""
    counted: Wire = {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.total,
    }
    if habits.counts_cached:
        counted["prompt_tokens_details"] = {"cached_tokens": tokens.cached}
    if habits.counts_reasoning:
        counted["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return counted


def logprobs(pieces: tuple[str, ...], start: int = 0) -> Wire:
    """The entries of `pieces`, the first of which is the token at `start`."""
    entries = [
        {"token": piece, "logprob": logprob(index), "bytes": list(piece.encode()), "top_logprobs": []}
        for index, piece in enumerate(pieces, start)
    ]
    return {"content": entries, "refusal": None}


def completion(answer: Answer, body: Wire, habits: Habits) -> Wire:
    """The whole answer."""
    message: Wire = {"role": "assistant", "content": answer.text or habits.textless, **habits.message}
    if answer.thoughts and habits.reasoning:
        message[habits.reasoning] = "".join(answer.thoughts)
    if answer.refusal:
        message |= {"content": None, "refusal": "".join(answer.refusal)}
    if answer.calls:
        message["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in answer.calls
        ]
    first = {
        "index": 0,
        "message": message,
        "logprobs": logprobs(answer.pieces) if body.get("logprobs") else None,
        "finish_reason": _finish(answer, body),
        **habits.choice,
    }
    others = [
        {**first, "index": index, "message": {**message, "content": "".join(pieces)}}
        for index, pieces in enumerate(answer.more, 1)
    ]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": CREATED,
        "model": MODEL,
        "choices": [first, *others],
        "usage": usage(answer.tokens, habits),
        **habits.envelope,
        **habits.last,
    }


def chunks(answer: Answer, body: Wire, habits: Habits) -> Iterator[Wire]:
    """The chunks of the streamed answer, without the end marker."""
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    head = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": MODEL,
        **habits.envelope,
        **({"usage": None} if wants_usage and habits.nulls_usage else {}),
    }
    for index in range(1 + len(answer.more)):
        for choice in _choices(answer, index, body, habits):
            yield {**head, "choices": [{"index": index, "logprobs": None, "finish_reason": None, **choice}]}
    if wants_usage:
        yield {**head, "choices": [], "usage": usage(answer.tokens, habits), **habits.last}


def _choices(answer: Answer, index: int, body: Wire, habits: Habits) -> Iterator[Wire]:
    """What the chunks of one choice say."""
    pieces = answer.more[index - 1] if index else answer.pieces
    textless = not pieces and not answer.refusal
    opening = {**habits.opening, "content": None} if textless or answer.refusal else habits.opening
    yield {"delta": {**opening, "refusal": ""} if answer.refusal else opening}
    if habits.reasoning:
        for thought in answer.thoughts:
            yield {"delta": {**habits.delta, habits.reasoning: thought}}
    for position, piece in enumerate(pieces):
        said: Wire = {"delta": {**habits.delta, "content": piece}}
        if body.get("logprobs"):
            said["logprobs"] = logprobs((piece,), position)
        yield said
    for piece in answer.refusal:
        yield {"delta": {**habits.delta, "refusal": piece}}
    for delta in _call_deltas(answer):
        yield {"delta": {**habits.delta, "tool_calls": [delta]}}
    yield {"delta": dict(habits.delta), "finish_reason": _finish(answer, body), **habits.choice}


def _call_deltas(answer: Answer) -> Iterator[Wire]:
    for index, call in enumerate(answer.calls):
        yield {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
        half = len(call.arguments) // 2
        for fragment in (call.arguments[:half], call.arguments[half:]):
            yield {"index": index, "function": {"arguments": fragment}}


def _finish(answer: Answer, body: Wire) -> str:
    """OpenAI and vLLM end a call that was forced by name with "stop"."""
    if not answer.calls:
        return answer.finish
    return "stop" if isinstance(body.get("tool_choice"), dict) else "tool_calls"
