"""How the Responses API answers: every member of the object, the whole life of each item, one terminal event.

Sources: OpenAI's API reference, recordings of gpt-4o, gpt-5 and o-series answers, Azure's of gpt-5 and later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.script import CREATED, Answer, Block, Call, Decline, Say, Thought, Tokens
from proxy.conformance.simulators.seals import Seals
from proxy.conformance.simulators.server import Event, sse

from .chat_answers import entries
from .flavours import Flavour
from .models import Rules

Wire = dict[str, Any]
LOGPROBS = "message.output_text.logprobs"
ENCRYPTED = "reasoning.encrypted_content"


def usage(tokens: Tokens) -> Wire:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": tokens.written},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.input + tokens.output,
    }


def response(body: Wire, turn: str, **members: Any) -> Wire:
    """The response object, with what the request said echoed in it."""
    reasoning = body.get("reasoning") or {}
    text = body.get("text") or {}
    return {
        "id": f"resp_{turn}",
        "object": "response",
        "created_at": CREATED,
        "completed_at": None,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": body["model"],
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": None,
        "service_tier": "default",
        "store": body.get("store", True),
        "temperature": 1.0,
        "text": {"format": text.get("format", {"type": "text"}), "verbosity": "medium"},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": [{"strict": True, **tool} for tool in body.get("tools") or ()],
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "usage": None,
        "user": None,
        "metadata": {},
        **members,
    }


def finished(answer: Answer, body: Wire, items: list[Wire], flavour: Flavour, turn: str) -> Wire:
    """The whole answer."""
    reason = {"length": "max_output_tokens", "content_filter": "content_filter", "refusal": "content_filter"}.get(
        answer.finish
    )
    said = response(
        body,
        turn,
        status="completed" if reason is None else "incomplete",
        completed_at=CREATED + 1 if reason is None else None,
        incomplete_details=None if reason is None else {"reason": reason},
        output=items,
        usage=usage(answer.tokens),
    )
    if flavour.filters:
        said["content_filters"] = [{"blocked": False, "source_type": "prompt"}]
    return said


def items(answer: Answer, body: Wire, rules: Rules, seals: Seals, turn: str) -> list[tuple[Wire, Block]]:
    """The output items as they are when they are done, each with the block it is of."""
    status = "incomplete" if answer.finish in ("length", "content_filter") else "completed"
    thinking = bool(rules.efforts) and rules.effort((body.get("reasoning") or {}).get("effort")) != "none"
    made: list[tuple[Wire, Block]] = []
    for position, block in enumerate(answer.blocks):
        match block:
            case Thought() if thinking:
                made.append((_reasoning_item(block, position, answer, body, seals, turn), block))
            case Say() | Decline():
                part = _text(block, body) if isinstance(block, Say) else {"type": "refusal", "refusal": block.text}
                item = {"id": f"msg_{turn}m{position}", "type": "message", "status": status, "role": "assistant"}
                made.append(({**item, "content": [part]}, block))
            case Call():
                made.append(
                    (
                        {
                            "id": f"fc_{turn}f{position}",
                            "type": "function_call",
                            "status": "completed",
                            "arguments": block.arguments,
                            "call_id": f"call_{turn}c{position}",
                            "name": block.name,
                        },
                        block,
                    )
                )
    return made


def _reasoning_item(block: Thought, position: int, answer: Answer, body: Wire, seals: Seals, turn: str) -> Wire:
    shown = (body.get("reasoning") or {}).get("summary") is not None and not block.redacted
    item: Wire = {
        "id": f"rs_{turn}r{position}",
        "type": "reasoning",
        "summary": [{"type": "summary_text", "text": block.text}] if shown else [],
    }
    if ENCRYPTED in (body.get("include") or ()):
        item["encrypted_content"] = seals.issue(
            model=body["model"], place="reasoning", about=_following(answer, position, turn)
        ).blob
    return item


def _following(answer: Answer, position: int, turn: str) -> str:
    """What may stand behind a reasoning item: the item it produced, as `_named` of the checks calls it."""
    for later, block in enumerate(answer.blocks[position + 1 :], position + 1):
        if isinstance(block, Call):
            return f"call_{turn}c{later}"
        if isinstance(block, (Say, Decline)):
            return "assistant"
    return "nothing"


def _text(block: Say, body: Wire) -> Wire:
    logprobs = entries(block.pieces) if LOGPROBS in (body.get("include") or ()) else []
    return {"type": "output_text", "text": block.text, "annotations": [], "logprobs": logprobs}


def whole(answer: Answer, body: Wire, flavour: Flavour, rules: Rules, seals: Seals, turn: str) -> Wire:
    """The answer when it is not streamed."""
    made = [item for item, _ in items(answer, body, rules, seals, turn)]
    return finished(answer, body, made, flavour, turn)


def events(answer: Answer, body: Wire, flavour: Flavour, rules: Rules, seals: Seals, turn: str) -> Iterator[Event]:
    """The events of the streamed answer, numbered."""
    for number, (data, content) in enumerate(_unnumbered(answer, body, flavour, rules, seals, turn)):
        yield Event(sse({**data, "sequence_number": number}, data["type"]), content)


def _unnumbered(
    answer: Answer, body: Wire, flavour: Flavour, rules: Rules, seals: Seals, turn: str
) -> Iterator[tuple[Wire, bool]]:
    yield {"type": "response.created", "response": response(body, turn)}, False
    yield {"type": "response.in_progress", "response": response(body, turn)}, False
    made = items(answer, body, rules, seals, turn)
    for index, (item, block) in enumerate(made):
        match block:
            case Thought():
                yield from _reasoning(index, item)
            case Call():
                yield from _call(index, item)
            case _:
                yield from _message(index, item, block)
    done = finished(answer, body, [item for item, _ in made], flavour, turn)
    yield {"type": f"response.{done['status']}", "response": done}, False


def _reasoning(index: int, item: Wire) -> Iterator[tuple[Wire, bool]]:
    place = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "summary": []}}, False
    for part in item["summary"]:
        empty = {"type": "summary_text", "text": ""}
        yield {"type": "response.reasoning_summary_part.added", **place, "part": empty}, False
        half = len(part["text"]) // 2
        for piece in (part["text"][:half], part["text"][half:]):
            delta = {"type": "response.reasoning_summary_text.delta", **place, "delta": piece, "obfuscation": "x9Kd"}
            yield delta, True
        yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}, False
        yield {"type": "response.reasoning_summary_part.done", **place, "part": part}, False
    yield {"type": "response.output_item.done", "output_index": index, "item": item}, False


def _message(index: int, item: Wire, block: Block) -> Iterator[tuple[Wire, bool]]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    kind = part["type"]
    member = "refusal" if kind == "refusal" else "text"
    empty = {**part, member: "", **({"logprobs": []} if member == "text" else {})}
    begun = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}, False
    yield {"type": "response.content_part.added", **place, "part": empty}, False
    pieces = block.pieces if isinstance(block, (Say, Decline)) else ()
    for position, piece in enumerate(pieces):
        delta: Wire = {"type": f"response.{kind}.delta", **place, "delta": piece}
        if member == "text":
            delta["logprobs"] = entries((piece,), position) if part["logprobs"] else []
        yield delta, True
    ended: Wire = {"type": f"response.{kind}.done", **place, member: part[member]}
    if member == "text":
        ended["logprobs"] = part["logprobs"]
    yield ended, False
    yield {"type": "response.content_part.done", **place, "part": part}, False
    yield {"type": "response.output_item.done", "output_index": index, "item": item}, False


def _call(index: int, item: Wire) -> Iterator[tuple[Wire, bool]]:
    place = {"item_id": item["id"], "output_index": index}
    arguments = item["arguments"]
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}, True
    half = len(arguments) // 2
    for fragment in (arguments[:half], arguments[half:]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": fragment}, True
    yield (
        {
            "type": "response.function_call_arguments.done",
            **place,
            "name": item["name"],
            "arguments": arguments,
        },
        False,
    )
    yield {"type": "response.output_item.done", "output_index": index, "item": item}, False
