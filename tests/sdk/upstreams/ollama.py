"""POST /api/chat and /api/embed as Ollama answers them: lines of JSON, calls whole, arguments as objects.

Sources: recordings of qwen3 and gpt-oss through Ollama 0.9 to 0.33, and Ollama's API page.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.support.scripted import NDJSON_HEAD, STREAM_END, Step, piece, whole

from .answer import MODEL, Answer, logprob

Wire = dict[str, Any]
_WHEN = "2026-09-21T14:13:20.5Z"


def serve(answer: Answer, body: Wire) -> list[Step]:
    """The response to a request with this `body`. Ollama streams unless told not to."""
    if body.get("stream", True):
        return [NDJSON_HEAD, *(piece(json.dumps(each).encode() + b"\n") for each in lines(answer, body)), STREAM_END]
    return [whole(200, answered(answer, body), "application/json; charset=utf-8")]


def _line(message: Wire, **members: Any) -> Wire:
    return {"model": MODEL, "created_at": _WHEN, "message": {"role": "assistant", **message}, "done": False, **members}


def _end(answer: Answer) -> Wire:
    return {
        "done": True,
        "done_reason": answer.finish,
        "total_duration": 3541460500,
        "load_duration": 29513875,
        "prompt_eval_count": answer.tokens.input,
        "prompt_eval_duration": 385719500,
        "eval_count": answer.tokens.output,
        "eval_duration": 3125770166,
    }


def answered(answer: Answer, body: Wire) -> Wire:
    """The whole answer."""
    message: Wire = {"content": answer.text}
    if answer.thoughts:
        message["thinking"] = "".join(answer.thoughts)
    if answer.calls:
        message["tool_calls"] = _calls(answer)
    entries = {"logprobs": _entries(answer.pieces)} if body.get("logprobs") else {}
    return _line(message, **entries, **_end(answer))


def lines(answer: Answer, body: Wire) -> Iterator[Wire]:
    """The lines of the streamed answer."""
    for thought in answer.thoughts:
        yield _line({"content": "", "thinking": thought})
    for index, text in enumerate(answer.pieces):
        entries = {"logprobs": _entries((text,), index)} if body.get("logprobs") else {}
        yield _line({"content": text}, **entries)
    if answer.calls:
        yield _line({"content": "", "tool_calls": _calls(answer)})
    yield _line({"content": ""}, **_end(answer))


def _calls(answer: Answer) -> list[Wire]:
    return [
        {"id": call.id, "function": {"index": index, "name": call.name, "arguments": json.loads(call.arguments)}}
        for index, call in enumerate(answer.calls)
    ]


def _entries(pieces: tuple[str, ...], start: int = 0) -> list[Wire]:
    return [
        {"token": text, "logprob": logprob(index), "bytes": list(text.encode()), "top_logprobs": []}
        for index, text in enumerate(pieces, start)
    ]
