"""Reading answers the way the strictest client does: facts of them, and a complaint for every breach of the dialect.

Sources: the OpenAI API reference and what the Python and Node SDKs stumble over (wire order, identities, terminal events).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from .clients import Seen

Wire = dict[str, Any]
_FINISHES = ("stop", "length", "tool_calls", "content_filter")


def events_of(text: str) -> Iterator[str]:
    """The data of the server-sent events in `text`; comments are nothing, and an event that is not closed is not one."""
    for block in text.split("\n\n")[:-1]:
        data = [line.removeprefix("data:").strip() for line in block.split("\n") if line.startswith("data:")]
        if data:
            yield "\n".join(data)


def error_of(body: Any, status: int) -> dict[str, Any]:
    """The error of a body that is one, in OpenAI's envelope."""
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return {"status": status, "message": str(body)[:200], "type": None, "code": None, "param": None}
    return {"status": status, **{name: error.get(name) for name in ("message", "type", "code", "param")}}


def read_error(seen: Seen, text: str) -> None:
    """An HTTP error: the whole envelope, and text that says something."""
    try:
        body = json.loads(text)
    except ValueError:
        seen.complaints.append("the error is not JSON")
        body = text
    seen.error = error_of(body, seen.status)
    envelope = body.get("error") if isinstance(body, dict) else None
    if not isinstance(envelope, dict) or not {"message", "type", "param", "code"} <= set(envelope):
        seen.complaints.append("the error is not OpenAI's envelope with its four keys")
    elif not envelope["message"]:
        seen.complaints.append("the error has no message")


# --- chat -------------------------------------------------------------------------------------------------------------


def read_chat(seen: Seen, body: Wire) -> None:
    """A whole chat completion."""
    if body.get("object") != "chat.completion" or not body.get("id") or not body.get("model"):
        seen.complaints.append("the object is no chat.completion with an id and a model")
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        seen.complaints.append("there are no choices")
        return
    if [choice.get("index") for choice in choices] != list(range(len(choices))):
        seen.complaints.append("the choices are not numbered from 0")
    message = choices[0].get("message") or {}
    if message.get("role") != "assistant" or "content" not in message:
        seen.complaints.append("the message is not the assistant's, or has no content member")
    seen.texts = [(choice.get("message") or {}).get("content") or "" for choice in choices]
    seen.refusal = message.get("refusal") or ""
    seen.reasoning = message.get("reasoning_content") or message.get("reasoning") or ""
    seen.annotations = list(message.get("annotations") or ())
    if message.get("tool_calls") == []:
        seen.complaints.append("there are no tool calls, but a list of none")
    for call in message.get("tool_calls") or ():
        function = call.get("function") or {}
        if call.get("type") != "function" or not isinstance(function.get("arguments"), str):
            seen.complaints.append("a tool call has no type, or its arguments are no text")
        seen.calls.append((call.get("id", ""), function.get("name", ""), str(function.get("arguments"))))
    seen.finish = choices[0].get("finish_reason") or ""
    logprobs = choices[0].get("logprobs") or {}
    seen.logprobs = len(logprobs.get("content") or ())
    seen.usage = chat_usage(body.get("usage"), seen)
    check(seen)


def chat_usage(usage: Any, seen: Seen) -> dict[str, int] | None:
    """Usage by the names of `script.Tokens`."""
    if usage is None:
        return None
    details_in, details_out = usage.get("prompt_tokens_details") or {}, usage.get("completion_tokens_details") or {}
    counted = {
        "input": usage.get("prompt_tokens"),
        "output": usage.get("completion_tokens"),
        "cached": details_in.get("cached_tokens") or 0,
        "written": details_in.get("cache_write_tokens") or 0,
        "reasoning": details_out.get("reasoning_tokens") or 0,
    }
    if usage.get("total_tokens") != (counted["input"] or 0) + (counted["output"] or 0):
        seen.complaints.append("total_tokens is not the sum of prompt and completion")
    return counted


class _Choice:
    """One choice of a stream, put together the way apps do it by hand."""

    def __init__(self) -> None:
        self.text = self.refusal = self.reasoning = self.finish = ""
        self.calls: list[list[str]] = []
        self.begun = False
        self.logprobs = 0


def read_chat_stream(seen: Seen, text: str, *, usage: bool) -> None:
    """A streamed chat completion. `usage`: whether the client asked for usage, and so must get it, last."""
    datas = list(events_of(text))
    if datas and datas[-1] == "[DONE]":
        ended = True
        datas = datas[:-1]
    else:
        ended = False
    chunks = list(_parsed(datas, seen))
    failed = next((chunk for chunk in chunks if chunk.get("error")), None)
    if failed is not None:
        seen.error, seen.in_band = error_of(failed, seen.status), True
        if ended:
            seen.complaints.append("[DONE] follows an error")
        chunks = chunks[: chunks.index(failed)]
    elif not ended:
        seen.complaints.append("the stream ends without [DONE] and without an error")
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        for choice in chunk.get("choices") or ():
            if choice.get("index", 0) > len(choices):
                seen.complaints.append("the choices are not opened in order")
            _take(choices.setdefault(choice.get("index", 0), _Choice()), choice, seen)
    _check_chunks(chunks, seen, usage=usage, failed=failed is not None)
    made = [choices[index] for index in sorted(choices)] or [_Choice()]
    first = made[0]
    seen.texts = [choice.text for choice in made]
    seen.calls = [(id, name, arguments) for id, name, arguments in first.calls]
    seen.refusal, seen.reasoning, seen.finish = first.refusal, first.reasoning, first.finish
    seen.logprobs = first.logprobs
    if failed is None:
        if not all(choice.finish for choice in made):
            seen.complaints.append("a choice has no finish_reason")
        check(seen)


def _parsed(datas: Iterable[str], seen: Seen) -> Iterator[Wire]:
    for data in datas:
        try:
            yield json.loads(data)
        except ValueError:
            seen.complaints.append("an event is not JSON")


def _check_chunks(chunks: list[Wire], seen: Seen, *, usage: bool, failed: bool) -> None:
    if len({(chunk.get("id"), chunk.get("model"), chunk.get("created")) for chunk in chunks}) > 1:
        seen.complaints.append("id, model or created change within the stream")
    if any(not chunk.get("id") or chunk.get("object") != "chat.completion.chunk" for chunk in chunks):
        seen.complaints.append("a chunk has no id or is no chat.completion.chunk")
    told = [chunk for chunk in chunks if chunk.get("usage") is not None]
    if failed:
        return
    if usage:
        if told != chunks[-1:]:
            seen.complaints.append("usage does not stand in the last chunk, and only there")
        elif told:
            seen.usage = chat_usage(told[0]["usage"], seen)
    elif told:
        seen.complaints.append("usage that nobody asked for")
    if [chunk for chunk in chunks if not chunk.get("choices")] != (told if usage else []):
        seen.complaints.append("a chunk without choices that is not the usage chunk")


def _take(made: _Choice, choice: Wire, seen: Seen) -> None:
    delta = choice.get("delta") or {}
    if made.finish:
        seen.complaints.append("something follows the finish of a choice")
    if delta.get("role") != (None if made.begun else "assistant"):
        seen.complaints.append("the role does not stand in the first delta, once")
    made.begun = True
    made.text += delta.get("content") or ""
    seen.chunks += bool(delta.get("content"))
    made.refusal += delta.get("refusal") or ""
    made.reasoning += delta.get("reasoning_content") or delta.get("reasoning") or ""
    seen.annotations += delta.get("annotations") or []
    for call in delta.get("tool_calls") or ():
        _take_call(made, call, seen)
    made.logprobs += len(((choice.get("logprobs") or {}).get("content")) or ())
    if choice.get("finish_reason") is not None:
        made.finish = choice["finish_reason"]


def _take_call(made: _Choice, call: Wire, seen: Seen) -> None:
    index, function = call.get("index"), call.get("function") or {}
    if index == len(made.calls):
        if call.get("type") != "function" or not call.get("id") or not function.get("name"):
            seen.complaints.append("a call opens without id, type or name")
        made.calls.append([call.get("id") or "", function.get("name") or "", ""])
    elif not isinstance(index, int) or index > len(made.calls):
        seen.complaints.append("the calls are not numbered from 0, in order")
        return
    elif call.get("id") or function.get("name"):
        seen.complaints.append("a call's id or name is repeated")
    made.calls[index][2] += function.get("arguments") or ""


def check(seen: Seen) -> None:
    """What holds for every answer in either dialect."""
    if seen.finish not in _FINISHES:
        seen.complaints.append(f"the finish {seen.finish!r} is none of OpenAI's")
    for id, name, arguments in seen.calls:
        if not id or len(id) > 64 or not name:
            seen.complaints.append("a call has no name, or an id that is empty or longer than 64")
        if seen.finish == "length":
            continue
        try:
            parsed = json.loads(arguments)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            seen.complaints.append(f"the arguments of {name} are no JSON object: {arguments[:60]!r}")
    if len({id for id, _, _ in seen.calls}) != len(seen.calls):
        seen.complaints.append("two calls have the same id")


# --- responses --------------------------------------------------------------------------------------------------------

_MEMBERS = [
    "id",
    "object",
    "created_at",
    "model",
    "output",
    "parallel_tool_calls",
    "tool_choice",
    "tools",
    "error",
    "incomplete_details",
    "instructions",
    "metadata",
    "temperature",
    "top_p",
    "text",
    "usage",
]
_TERMINALS = ("response.completed", "response.incomplete", "response.failed")


def read_response(seen: Seen, body: Wire) -> None:
    """A whole response object, be it the answer or the end of a stream."""
    missing = [name for name in _MEMBERS if name not in body]
    if missing or body.get("object") != "response":
        seen.complaints.append(f"the response object lacks {missing}")
    output = body.get("output")
    if not isinstance(output, list):
        seen.complaints.append("output is no list")
        return
    _check_items(output, seen)
    parts = [part for item in output if item.get("type") == "message" for part in item.get("content") or ()]
    seen.texts = ["".join(part["text"] for part in parts if part.get("type") == "output_text")]
    seen.refusal = "".join(part["refusal"] for part in parts if part.get("type") == "refusal")
    seen.annotations = [each for part in parts for each in part.get("annotations") or ()]
    seen.logprobs = sum(len(part.get("logprobs") or ()) for part in parts)
    for item in output:
        if item.get("type") == "function_call":
            seen.calls.append((item.get("call_id", ""), item.get("name", ""), str(item.get("arguments"))))
        if item.get("type") == "reasoning":
            seen.reasoning += "".join(part["text"] for part in (*item["summary"], *(item.get("content") or ())))
    seen.finish = _finish(body, seen)
    seen.usage = _responses_usage(body.get("usage"), seen)
    seen.kept = output
    if seen.error is None:
        check(seen)


def _check_items(output: list[Wire], seen: Seen) -> None:
    ids = [item.get("id") for item in output]
    if not all(ids) or len(set(ids)) != len(ids):
        seen.complaints.append("the output items have no ids of their own")
    for item in output:
        if item.get("type") == "function_call" and item.get("id") == item.get("call_id"):
            seen.complaints.append("a call's item id is its call id")
        if item.get("type") == "reasoning" and not isinstance(item.get("summary"), list):
            seen.complaints.append("a reasoning item has no summary")
            item["summary"] = []


def _finish(body: Wire, seen: Seen) -> str:
    status, details = body.get("status"), body.get("incomplete_details")
    if status == "completed":
        if details is not None:
            seen.complaints.append("a completed response has incomplete_details")
        return "tool_calls" if seen.calls else "stop"
    if status == "failed":
        seen.error = seen.error or error_of(body, seen.status)
        return ""
    reason = (details or {}).get("reason")
    return {"max_output_tokens": "length", "content_filter": "content_filter"}.get(str(reason), f"{status}: {reason}")


def _responses_usage(usage: Any, seen: Seen) -> dict[str, int] | None:
    if usage is None:
        return None
    details_in, details_out = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    if not isinstance(details_in, dict) or not isinstance(details_out, dict):
        seen.complaints.append("usage has no details")
        return None
    counted = {
        "input": usage.get("input_tokens"),
        "output": usage.get("output_tokens"),
        "cached": details_in.get("cached_tokens"),
        "written": details_in.get("cache_write_tokens") or 0,
        "reasoning": details_out.get("reasoning_tokens"),
    }
    if any(type(value) is not int for value in counted.values()):
        seen.complaints.append("a figure of usage is no integer")
        return None
    if usage.get("total_tokens") != counted["input"] + counted["output"]:
        seen.complaints.append("total_tokens is not the sum of input and output")
    return counted


def read_response_stream(seen: Seen, text: str) -> None:
    """A streamed response: the whole life of every item, and a terminal event that repeats what the events told."""
    events = list(_parsed(events_of(text), seen))
    kinds = [event.get("type", "") for event in events]
    numbers = [event.get("sequence_number") for event in events]
    if numbers != list(range(len(events))):
        seen.complaints.append("the sequence numbers are not dense from 0")
    broken = next((event for event in events if event.get("type") == "error"), None)
    if broken is not None:
        seen.error, seen.in_band = error_of(broken, seen.status), True
        if broken.get("message") != seen.error["message"]:
            seen.complaints.append("the error event does not say the same flat and nested")
    if kinds[:1] != ["response.created"] and (broken is None or kinds[0] != "error"):
        seen.complaints.append("the first event is not response.created")
    terminal = [kind for kind in kinds if kind in _TERMINALS]
    if broken is not None:
        if any(kind != "response.failed" for kind in terminal):
            seen.complaints.append("a stream with an error is said to have ended well")
        _read_text_so_far(seen, events)
        return
    if len(terminal) != 1 or kinds[-1] not in _TERMINALS:
        seen.complaints.append("there is not exactly one terminal event, at the end")
        _read_text_so_far(seen, events)
        return
    whole = events[-1]["response"]
    if kinds[-1] == "response.failed":
        seen.error, seen.in_band = error_of(whole, seen.status), True
    if {event["response"].get("id") for event in events if "response" in event} != {whole.get("id")}:
        seen.complaints.append("the response's id changes")
    read_response(seen, whole)
    _check_life(events, whole, seen)


def _read_text_so_far(seen: Seen, events: list[Wire]) -> None:
    pieces = [event["delta"] for event in events if event.get("type") == "response.output_text.delta"]
    seen.texts, seen.chunks = ["".join(pieces)], len(pieces)


def _joined(events: list[Wire], kind: str, member: str) -> str:
    return "".join(event[member] for event in events if event.get("type") == kind)


def _check_life(events: list[Wire], whole: Wire, seen: Seen) -> None:
    added = [event["item"] for event in events if event["type"] == "response.output_item.added"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    if done != whole["output"]:
        seen.complaints.append("the terminal event does not repeat the items that were done")
    if [(item["type"], item.get("id")) for item in added] != [(item["type"], item.get("id")) for item in done]:
        seen.complaints.append("an item was added and not done, or is another one when it is done")
    if any(item["type"] == "message" and item.get("content") != [] for item in added):
        seen.complaints.append("a message is added with content, or without a list for it")
    arguments = "".join(call[2] for call in seen.calls)
    for kind, member, expected in (
        ("response.output_text.delta", "delta", seen.text),
        ("response.output_text.done", "text", seen.text),
        ("response.refusal.delta", "delta", seen.refusal),
        ("response.function_call_arguments.delta", "delta", arguments),
        ("response.function_call_arguments.done", "arguments", arguments),
    ):
        if _joined(events, kind, member) != expected:
            seen.complaints.append(f"the {kind} events do not tell what the response holds")
    seen.chunks = sum(event["type"] == "response.output_text.delta" for event in events)
