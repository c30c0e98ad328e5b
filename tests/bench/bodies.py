"""What the clients ask. Sizes are those of the budget: a small call of some 150 bytes, and 17 kB with ten tools."""

from __future__ import annotations

import json
from typing import Any

_WORDS = (
    "the model answers in a structured form, with code and numbers such as 42, and with quotes “like these”, umlauts äöü "
    "and\nnew lines; the arguments of a function are checked by the server while tokens stream back to whoever asked "
)


def text(length: int, offset: int = 0) -> str:
    """`length` characters of prose that differs by `offset` and is the same in every run."""
    repeated = _WORDS[offset % len(_WORDS) :] + _WORDS * (length // len(_WORDS) + 1)
    return repeated[:length]


def _tool(number: int) -> dict[str, Any]:
    kinds = ("string", "integer", "boolean", "number")
    properties = {
        f"argument_{index}": {"type": kinds[index % 4], "description": text(60, number * 10 + index)}
        for index in range(5)
    }
    return {
        "type": "function",
        "function": {
            "name": f"tool_number_{number}",
            "description": text(180, number),
            "parameters": {
                "type": "object",
                "properties": properties,
                "required": ["argument_0", "argument_1"],
                "additionalProperties": False,
            },
        },
    }


def _history() -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [{"role": "system", "content": text(900, 1)}]
    for number in range(18):
        if number % 6 == 3:
            arguments = json.dumps({"argument_0": text(60, number), "argument_1": number})
            function = {"name": "tool_number_1", "arguments": arguments}
            call = {"id": f"call_{number}", "type": "function", "function": function}
            messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif number % 6 == 4:
            messages.append({"role": "tool", "tool_call_id": f"call_{number - 1}", "content": text(300, number)})
        else:
            messages.append({"role": "user" if number % 2 else "assistant", "content": text(370, number)})
    messages.append({"role": "user", "content": text(370, 7)})
    return messages


_QUESTION = "Say hello in one short sentence, please."


def small_chat(model: str) -> bytes:
    return _encode({"model": model, "messages": [{"role": "user", "content": _QUESTION}], "temperature": 0.7})


def large_chat(model: str) -> bytes:
    """About 17 kB: twenty messages with two finished tool calls, and ten tools."""
    tools = [_tool(number) for number in range(10)]
    return _encode({"model": model, "messages": _history(), "tools": tools, "temperature": 0.2, "max_tokens": 1024})


def streamed_chat(model: str) -> bytes:
    messages = [{"role": "user", "content": _QUESTION}]
    return _encode({"model": model, "messages": messages, "stream": True, "stream_options": {"include_usage": True}})


def streamed_responses(model: str) -> bytes:
    return _encode({"model": model, "input": _QUESTION, "stream": True, "store": False})


def streamed_ollama(model: str) -> bytes:
    return _encode({"model": model, "messages": [{"role": "user", "content": _QUESTION}], "stream": True})


def streamed_anthropic(model: str) -> bytes:
    messages = [{"role": "user", "content": _QUESTION}]
    return _encode({"model": model, "max_tokens": 1024, "messages": messages, "stream": True})


def streamed_gemini() -> bytes:
    return _encode({"contents": [{"role": "user", "parts": [{"text": _QUESTION}]}]})


def _encode(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


if __name__ == "__main__":
    for make in (small_chat, large_chat, streamed_chat, streamed_responses, streamed_ollama):
        print(make.__name__, len(make("bench")))
