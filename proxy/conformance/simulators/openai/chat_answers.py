"""How a chat-completions server answers, whole and in chunks, in any flavour."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.script import CREATED, Answer, Decline, Say, Thought, Tokens
from proxy.conformance.simulators.server import Event, sse

from .flavours import PROMPT_FILTER, Flavour, filtered
from .models import Rules

Wire = dict[str, Any]
DONE = Event(sse(b"[DONE]"))


def logprob(index: int) -> float:
    """The log probability of the token at `index`: any numbers will do, as long as they are not all the same."""
    return -0.25 * (index + 1)


def entries(pieces: tuple[str, ...], start: int = 0) -> list[Wire]:
    """Log probabilities of tokens, the first of which is at `start`."""
    return [
        {"token": piece, "logprob": logprob(index), "bytes": list(piece.encode()), "top_logprobs": []}
        for index, piece in enumerate(pieces, start)
    ]


def usage(tokens: Tokens, flavour: Flavour) -> Wire:
    """Usage with the details this server gives."""
    counted: Wire = {
        "prompt_tokens": tokens.input,
        "completion_tokens": tokens.output,
        "total_tokens": tokens.input + tokens.output,
    }
    if flavour.counts_cached:
        counted["prompt_tokens_details"] = {"cached_tokens": tokens.cached}
    if flavour.counts_reasoning:
        counted["completion_tokens_details"] = {"reasoning_tokens": tokens.reasoning}
    return counted


def thinks(body: Wire, flavour: Flavour, rules: Rules) -> bool:
    """Whether the server would show thoughts of its model."""
    return flavour.reasoning is not None and rules.effort(body.get("reasoning_effort")) != "none"


def call_id(flavour: Flavour, turn: str, index: int) -> str:
    return f"{flavour.calls}{turn}c{index}"


def finish_of(answer: Answer, body: Wire) -> str:
    """OpenAI and vLLM end a call that was forced by name with "stop"."""
    if answer.finish in ("content_filter", "refusal"):
        return "content_filter"
    if answer.finish != "stop":
        return answer.finish
    if not answer.calls:
        return "stop"
    return "stop" if isinstance(body.get("tool_choice"), dict) else "tool_calls"


def completion(answer: Answer, body: Wire, flavour: Flavour, rules: Rules, turn: str) -> Wire:
    """The whole answer."""
    message: Wire = {"role": "assistant", "content": answer.text or flavour.textless, **flavour.message}
    if flavour.reasoning and answer.thoughts and thinks(body, flavour, rules):
        message[flavour.reasoning] = "".join(thought.text for thought in answer.thoughts)
    if answer.declined:
        message |= {"content": None, "refusal": answer.declined}
    if answer.calls:
        message["tool_calls"] = [
            {
                "id": call_id(flavour, turn, index),
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(answer.calls)
        ]
    logprobs = {"content": entries(answer.pieces), "refusal": None} if body.get("logprobs") else None
    first = {
        "index": 0,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": finish_of(answer, body),
        **flavour.choice,
        **filtered(flavour),
    }
    others = [
        {**first, "index": index, "message": {**message, "content": "".join(pieces)}}
        for index, pieces in enumerate(answer.choices, 1)
    ]
    whole = {
        "id": f"chatcmpl-{turn}",
        "object": "chat.completion",
        "created": CREATED,
        "model": body["model"],
        "choices": [first, *others],
        "usage": usage(answer.tokens, flavour),
        **flavour.envelope,
        **flavour.last,
    }
    if flavour.filters:
        whole["prompt_filter_results"] = PROMPT_FILTER["prompt_filter_results"]
    return whole


def events(answer: Answer, body: Wire, flavour: Flavour, rules: Rules, turn: str) -> Iterator[Event]:
    """The chunks of the streamed answer and its end marker."""
    wants_usage = bool((body.get("stream_options") or {}).get("include_usage"))
    if flavour.filters:
        yield Event(sse(PROMPT_FILTER))
    head = {
        "id": f"chatcmpl-{turn}",
        "object": "chat.completion.chunk",
        "created": CREATED,
        "model": body["model"],
        **flavour.envelope,
        **({"usage": None} if wants_usage and flavour.nulls_usage else {}),
    }
    for index in range(1 + len(answer.choices)):
        for choice, content in _choices(answer, index, body, flavour, rules, turn):
            said = {"index": index, "logprobs": None, "finish_reason": None, **choice}
            yield Event(sse({**head, "choices": [said]}), content)
    if wants_usage:
        yield Event(sse({**head, "choices": [], "usage": usage(answer.tokens, flavour), **flavour.last}))
    yield DONE


def _choices(
    answer: Answer, index: int, body: Wire, flavour: Flavour, rules: Rules, turn: str
) -> Iterator[tuple[Wire, bool]]:
    """What the chunks of one choice say, each with whether it holds something of the model."""
    textless = not answer.pieces or bool(answer.declined)
    opening = {**flavour.opening, "content": None} if textless else flavour.opening
    yield {"delta": {**opening, "refusal": ""} if answer.declined else opening}, False
    if index:
        for piece in answer.choices[index - 1]:
            yield {"delta": {**flavour.delta, "content": piece}}, True
        yield {"delta": dict(flavour.delta), "finish_reason": "stop", **flavour.choice}, False
        return
    position = 0
    for block in answer.blocks:
        match block:
            case Thought() if flavour.reasoning and thinks(body, flavour, rules):
                half = len(block.text) // 2
                for piece in (block.text[:half], block.text[half:]):
                    yield {"delta": {**flavour.delta, flavour.reasoning: piece}}, True
            case Say():
                for piece in block.pieces:
                    said: Wire = {"delta": {**flavour.delta, "content": piece}, **filtered(flavour)}
                    if body.get("logprobs"):
                        said["logprobs"] = {"content": entries((piece,), position), "refusal": None}
                    position += 1
                    yield said, True
            case Decline():
                for piece in block.pieces:
                    yield {"delta": {**flavour.delta, "refusal": piece}}, True
    for delta in _call_deltas(answer, flavour, turn):
        yield {"delta": {**flavour.delta, "tool_calls": [delta]}}, True
    end: Wire = {"delta": dict(flavour.delta), "finish_reason": finish_of(answer, body), **flavour.choice}
    if flavour.filters and end["finish_reason"] == "content_filter":
        del end["delta"]  # Azure's filter ends a choice without one
    yield end, False


def _call_deltas(answer: Answer, flavour: Flavour, turn: str) -> Iterator[Wire]:
    for index, call in enumerate(answer.calls):
        opening = {"index": index, "id": call_id(flavour, turn, index), "type": "function"}
        if flavour.whole_calls:
            yield {**opening, "function": {"name": call.name, "arguments": call.arguments}}
            continue
        yield {**opening, "function": {"name": call.name, "arguments": ""}}
        half = len(call.arguments) // 2
        for fragment in (call.arguments[:half], call.arguments[half:]):
            yield {"index": index, "function": {"arguments": fragment}}
