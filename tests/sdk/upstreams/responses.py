"""POST /responses as OpenAI answers it: every member of the object, the whole life of each item, one terminal event.

Sources: OpenAI's API reference, recordings of gpt-4o, gpt-5 and o-series answers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.support.scripted import Step, event, stream, whole

from .answer import CREATED, MODEL, Answer, Tokens, logprob

Wire = dict[str, Any]
LOGPROBS = "message.output_text.logprobs"


def serve(answer: Answer, body: Wire) -> list[Step]:
    """The response to a request with this `body`."""
    if body.get("stream"):
        return stream(*(event(data, data["type"]) for data in numbered(events(answer, body))))
    return [whole(200, finished(answer, body))]


def numbered(datas: Iterator[Wire]) -> Iterator[Wire]:
    """The events with their sequence numbers."""
    for number, data in enumerate(datas):
        yield {**data, "sequence_number": number}


def usage(tokens: Tokens) -> Wire:
    return {
        "input_tokens": tokens.input,
        "input_tokens_details": {"cached_tokens": tokens.cached, "cache_write_tokens": 0},
        "output_tokens": tokens.output,
        "output_tokens_details": {"reasoning_tokens": tokens.reasoning},
        "total_tokens": tokens.total,
    }


def response(body: Wire, **members: Any) -> Wire:
    """The response object, with what the request said echoed in it."""
    reasoning = body.get("reasoning") or {}
    text = body.get("text") or {}
    return {
        "id": "resp_1",
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
        "model": MODEL,
        "output": [],
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": body.get("previous_response_id"),
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


def finished(answer: Answer, body: Wire) -> Wire:
    """The whole answer."""
    cut = answer.finish == "length"
    return response(
        body,
        status="incomplete" if cut else "completed",
        completed_at=None if cut else CREATED + 1,
        incomplete_details={"reason": "max_output_tokens"} if cut else None,
        output=items(answer, body),
        usage=usage(answer.tokens),
    )


def items(answer: Answer, body: Wire) -> list[Wire]:
    """The output items as they are when they are done."""
    status = "incomplete" if answer.finish == "length" else "completed"
    made: list[Wire] = []
    if answer.thoughts:
        shown = (body.get("reasoning") or {}).get("summary") is not None
        summary = [{"type": "summary_text", "text": "".join(answer.thoughts)}] if shown else []
        made.append({"id": "rs_1", "type": "reasoning", "summary": summary})
    if answer.pieces or answer.refusal:
        part = _refusal(answer) if answer.refusal else _text(answer, body)
        made.append({"id": "msg_1", "type": "message", "status": status, "role": "assistant", "content": [part]})
    made.extend(
        {
            "id": f"fc_{index}",
            "type": "function_call",
            "status": "completed",
            "arguments": call.arguments,
            "call_id": call.id,
            "name": call.name,
        }
        for index, call in enumerate(answer.calls)
    )
    return made


def _text(answer: Answer, body: Wire) -> Wire:
    entries = _entries(answer.pieces) if LOGPROBS in (body.get("include") or ()) else []
    return {"type": "output_text", "text": answer.text, "annotations": [], "logprobs": entries}


def _refusal(answer: Answer) -> Wire:
    return {"type": "refusal", "refusal": "".join(answer.refusal)}


def _entries(pieces: tuple[str, ...], start: int = 0) -> list[Wire]:
    return [
        {"token": piece, "logprob": logprob(index), "bytes": list(piece.encode()), "top_logprobs": []}
        for index, piece in enumerate(pieces, start)
    ]


def events(answer: Answer, body: Wire) -> Iterator[Wire]:
    """The events of the streamed answer, unnumbered."""
    yield {"type": "response.created", "response": response(body)}
    yield {"type": "response.in_progress", "response": response(body)}
    for index, item in enumerate(items(answer, body)):
        match item["type"]:
            case "reasoning":
                yield from _reasoning(answer, index, item)
            case "message":
                yield from _message(answer, body, index, item)
            case _:
                yield from _call(index, item)
    done = finished(answer, body)
    yield {"type": f"response.{done['status']}", "response": done}


def _reasoning(answer: Answer, index: int, item: Wire) -> Iterator[Wire]:
    place = {"item_id": item["id"], "output_index": index, "summary_index": 0}
    yield {"type": "response.output_item.added", "output_index": index, "item": {**item, "summary": []}}
    if item["summary"]:
        part = item["summary"][0]
        yield {"type": "response.reasoning_summary_part.added", **place, "part": {"type": "summary_text", "text": ""}}
        for thought in answer.thoughts:
            yield {"type": "response.reasoning_summary_text.delta", **place, "delta": thought}
        yield {"type": "response.reasoning_summary_text.done", **place, "text": part["text"]}
        yield {"type": "response.reasoning_summary_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _message(answer: Answer, body: Wire, index: int, item: Wire) -> Iterator[Wire]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    part = item["content"][0]
    kind = "refusal" if answer.refusal else "output_text"
    member = "refusal" if answer.refusal else "text"
    empty = {**part, member: "", **({} if answer.refusal else {"logprobs": []})}
    begun = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    yield {"type": "response.content_part.added", **place, "part": empty}
    for position, piece in enumerate(answer.refusal or answer.pieces):
        delta: Wire = {"type": f"response.{kind}.delta", **place, "delta": piece}
        if kind == "output_text":
            delta["logprobs"] = _entries((piece,), position) if part["logprobs"] else []
        yield delta
    ended: Wire = {"type": f"response.{kind}.done", **place, member: part[member]}
    if kind == "output_text":
        ended["logprobs"] = part["logprobs"]
    yield ended
    yield {"type": "response.content_part.done", **place, "part": part}
    yield {"type": "response.output_item.done", "output_index": index, "item": item}


def _call(index: int, item: Wire) -> Iterator[Wire]:
    place = {"item_id": item["id"], "output_index": index}
    arguments = item["arguments"]
    half = len(arguments) // 2
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield {"type": "response.output_item.added", "output_index": index, "item": begun}
    for fragment in (arguments[:half], arguments[half:]):
        yield {"type": "response.function_call_arguments.delta", **place, "delta": fragment}
    yield {
        "type": "response.function_call_arguments.done",
        **place,
        "name": item["name"],
        "arguments": arguments,
    }
    yield {"type": "response.output_item.done", "output_index": index, "item": item}
