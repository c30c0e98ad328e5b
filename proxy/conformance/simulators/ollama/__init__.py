"""Ollama's native API as it behaves: `POST /api/chat`, lines of JSON, arguments as objects.

It looks at types more than at meaning: what it does not know it ignores, what has the wrong type it refuses. Two things that
the real one silently gets wrong are refused here, since nobody would notice them there: a prompt that may be cut
(`truncate`, `shift` left on) and tools that were offered although none may be called.
Sources: recordings of qwen3 and gpt-oss through Ollama 0.9 to 0.33, Ollama's API page and source.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.facts import Facts, media
from proxy.conformance.simulators.script import Answer, Fault, Say, Thought, compact
from proxy.conformance.simulators.server import Event, Heard, RefusedError, Reply, json_reply

Wire = dict[str, Any]

__all__ = ["Ollama"]

_WHEN = "2026-09-21T14:13:20.5Z"
_OPTIONS: dict[str, type | tuple[type, ...]] = {
    "num_ctx": int,
    "num_predict": int,
    "seed": int,
    "top_k": int,
    "num_keep": int,
    "repeat_last_n": int,
    "temperature": (int, float),
    "top_p": (int, float),
    "min_p": (int, float),
    "typical_p": (int, float),
    "repeat_penalty": (int, float),
    "presence_penalty": (int, float),
    "frequency_penalty": (int, float),
    "stop": list,
}
_FAULTS = {
    "bad_request": (400, "invalid role: robot"),
    "auth": (401, "unauthorized"),
    "forbidden": (403, "forbidden"),
    "not_found": (404, "model 'no-more' not found"),
    "rate_limited": (429, "too many requests"),
    "quota": (429, "you have reached your weekly usage limit, upgrade for higher limits"),
    "overloaded": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "server_error": (500, "an error was encountered while running the model: unexpected EOF"),
    "context_length": (400, "the input length exceeds the context length"),
    "content_filter": (400, "the prompt was refused"),
    "garbage": (200, "an error was encountered while running the model: unexpected EOF"),
}


def _refuse(message: str, status: int = 400) -> RefusedError:
    return RefusedError(json_reply(status, {"error": message}), message)


class Ollama:
    """The dialect of one Ollama."""

    stream_type = "application/x-ndjson"

    def __init__(self) -> None:
        self._called = 0

    def serves(self, heard: Heard) -> Reply | None:
        if heard.method == "POST" and heard.path == "/api/chat":
            return None
        if heard.path == "/api/version":
            return json_reply(200, {"version": "0.33.0"})
        return Reply(status=404, body=b"404 page not found", type="text/plain")

    def authorise(self, heard: Heard, key: str) -> None:
        """A local one asks for nothing."""

    def check(self, heard: Heard) -> None:
        body = heard.body
        if not isinstance(body.get("model"), str) or not body["model"]:
            raise _refuse("model is required")
        for index, message in enumerate(body.get("messages") or ()):
            _check_message(message, index)
        if not body.get("messages"):
            raise _refuse("an empty conversation would only load the model")
        if body.get("think") not in (None, True, False, "low", "medium", "high", "max"):
            raise _refuse('invalid think value: must be true, false, "low", "medium", "high" or "max"')
        form = body.get("format")
        if form not in (None, "", "json") and not isinstance(form, dict):
            raise _refuse('invalid format: expected "json" or a JSON schema')
        _check_options(body.get("options") or {})
        for tool in body.get("tools") or ():
            function = tool.get("function") or {}
            if tool.get("type") != "function" or not function.get("name"):
                raise _refuse("invalid tool")
        if body.get("truncate") is not False or body.get("shift") is not False:
            raise _refuse("the prompt may be cut without a word: truncate and shift are not both false")

    def read(self, heard: Heard) -> Facts:
        return read(heard.body)

    def whole(self, answer: Answer, heard: Heard) -> Reply:
        message: Wire = {"content": answer.text}
        if answer.thoughts and thinks(heard.body):
            message["thinking"] = "".join(thought.text for thought in answer.thoughts)
        if answer.calls:
            message["tool_calls"] = self._calls(answer)
        entries = {"logprobs": _entries(answer.pieces)} if heard.body.get("logprobs") else {}
        return json_reply(200, _line(heard, message, **entries, **_end(answer)))

    def events(self, answer: Answer, heard: Heard) -> Iterator[Event]:
        index = 0
        for block in answer.blocks:
            if isinstance(block, Thought) and thinks(heard.body):
                half = len(block.text) // 2
                for piece in (block.text[:half], block.text[half:]):
                    yield _event(_line(heard, {"content": "", "thinking": piece}), content=True)
            elif isinstance(block, Say):
                for piece in block.pieces:
                    entries = {"logprobs": _entries((piece,), index)} if heard.body.get("logprobs") else {}
                    yield _event(_line(heard, {"content": piece}, **entries), content=True)
                    index += 1
        if answer.calls:
            yield _event(_line(heard, {"content": "", "tool_calls": self._calls(answer)}), content=True)
        yield _event(_line(heard, {"content": ""}, **_end(answer)))

    def _calls(self, answer: Answer) -> list[Wire]:
        made = []
        for index, call in enumerate(answer.calls):
            self._called += 1
            function = {"index": index, "name": call.name, "arguments": call.parsed}
            made.append({"id": f"call_{self._called:08x}", "function": function})
        return made

    def fault(self, fault: Fault, heard: Heard, key: str) -> Reply:
        status, message = _FAULTS[fault.kind]
        headers = {} if fault.wait is None else {"retry-after": f"{fault.wait:g}"}
        return json_reply(status, {"error": f"{message} (key {key})" if fault.leaks else message}, headers)

    def broken(self, fault: Fault, key: str) -> bytes:
        message = _FAULTS[fault.kind][1]
        return json.dumps({"error": f"{message} (key {key})" if fault.leaks else message}).encode() + b"\n"


def _check_message(message: Wire, index: int) -> None:
    if message.get("role") not in ("system", "user", "assistant", "tool"):
        raise _refuse(f"invalid role: {message.get('role')}")
    if not isinstance(message.get("content", ""), str):
        raise _refuse(
            f"json: cannot unmarshal array into Go struct field ChatRequest.messages.{index}.content of type string"
        )
    for call in message.get("tool_calls") or ():
        if not isinstance((call.get("function") or {}).get("arguments"), dict):
            raise _refuse(
                "json: cannot unmarshal string into Go struct field ChatRequest.messages.tool_calls.function.arguments"
            )
    for image in message.get("images") or ():
        try:
            raw = base64.b64decode(image, validate=True)
        except (binascii.Error, ValueError):
            raise _refuse("illegal base64 data at input byte 4") from None
        if not raw.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF")):
            raise _refuse("Failed to create new sequence: failed to process inputs: image: unknown format", 500)


def _check_options(options: Wire) -> None:
    for name, value in options.items():
        kind = _OPTIONS.get(name)
        if kind is not None and (not isinstance(value, kind) or isinstance(value, bool)):
            word = "integer" if kind is int else "array" if kind is list else "float32"
            raise _refuse(f'option "{name}" must be of type {word}')


def thinks(body: Wire) -> bool:
    """Whether the model would think; it does unless it is told not to."""
    return body.get("think") is not False


def read(body: Wire) -> Facts:
    """What a request says. Ollama streams unless told not to."""
    facts = Facts(model=body["model"], stream=body.get("stream", True))
    names: dict[str, str] = {}
    for message in body["messages"]:
        role = message["role"]
        if role == "tool":
            name = message.get("tool_name") or names.get(message.get("tool_call_id", ""), "?")
            facts.turns.append((f"result {name}", message.get("content", "")))
        elif message.get("content"):
            facts.turns.append((role, message["content"]))
        for image in message.get("images") or ():
            raw = base64.b64decode(image)
            mime = "image/png" if raw.startswith(b"\x89PNG") else "image/jpeg"
            facts.turns.append((f"media {role}", media(mime, image)))
        for call in message.get("tool_calls") or ():
            function = call["function"]
            names[call.get("id", "")] = function["name"]
            facts.turns.append((f"call {function['name']}", compact(function["arguments"])))
    for tool in body.get("tools") or ():
        function = tool["function"]
        facts.tools.append(function["name"])
        facts.parameters[function["name"]] = function.get("parameters")
        facts.strict[function["name"]] = False
        facts.descriptions[function["name"]] = function.get("description", "")
    options = body.get("options") or {}
    form = body.get("format")
    facts.schema = form if isinstance(form, dict) else None
    facts.json = bool(form)
    think = body.get("think")
    facts.effort = "none" if think is False else think if isinstance(think, str) else None
    facts.limit, facts.stop, facts.seed = options.get("num_predict"), options.get("stop"), options.get("seed")
    facts.temperature, facts.top_p = options.get("temperature"), options.get("top_p")
    facts.logprobs = bool(body.get("logprobs"))
    return facts


def _line(heard: Heard, message: Wire, **members: Any) -> Wire:
    head = {"model": heard.body["model"], "created_at": _WHEN}
    return {**head, "message": {"role": "assistant", **message}, "done": False, **members}


def _event(line: Wire, *, content: bool = False) -> Event:
    return Event(json.dumps(line, ensure_ascii=False).encode() + b"\n", content)


def _end(answer: Answer) -> Wire:
    return {
        "done": True,
        "done_reason": "length" if answer.finish == "length" else "stop",
        "total_duration": 3541460500,
        "load_duration": 29513875,
        "prompt_eval_count": answer.tokens.input,
        "prompt_eval_duration": 385719500,
        "eval_count": answer.tokens.output,
        "eval_duration": 3125770166,
    }


def _entries(pieces: tuple[str, ...], start: int = 0) -> list[Wire]:
    return [
        {"token": text, "logprob": -0.25 * (index + 1), "bytes": list(text.encode()), "top_logprobs": []}
        for index, text in enumerate(pieces, start)
    ]
