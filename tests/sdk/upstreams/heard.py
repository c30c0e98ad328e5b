"""What a request says, read off the wire it arrived on: the same facts whichever dialect spells them.

Written from the providers' own pages. A test compares facts, not spellings, so one expectation serves five upstreams.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .answer import Call

Wire = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A request's facts.

    `said` are (role, text) of every message with text, "developer" told as "system"; `images` base64; `results` (call id,
    text) of tool results; `choice` "none", "required", "auto" or a tool's name, None when it is not said; `effort` in the
    server's own word; `limit` of output tokens.
    """

    said: list[tuple[str, str]]
    images: list[str]
    tools: list[str]
    choice: str | None = None
    calls: list[Call]
    results: list[tuple[str, str]]
    schema: Wire | None = None
    n: int | None = None
    stop: list[str] | None = None
    effort: Any = None
    logprobs: bool = False
    limit: int | None = None

    def other_than(self, expected: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
        """The facts named in `expected` that are otherwise here, as (heard, expected)."""
        return {name: (getattr(self, name), value) for name, value in expected.items() if getattr(self, name) != value}


def heard(path: str, body: Wire) -> Heard:
    """The facts of the request that came to `path`."""
    if path.endswith("/chat/completions"):
        return _chat(body)
    if path.endswith("/responses"):
        return _responses(body)
    return _ollama(body)


def _role(message: Wire) -> str:
    role = message["role"]
    return "system" if role == "developer" else str(role)


def _base64_of(url: str) -> str:
    return url.partition("base64,")[2]


def _chat(body: Wire) -> Heard:
    said, images, calls, results = [], [], [], []
    for message in body["messages"]:
        content = message.get("content") or ""
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        text = "".join(part["text"] for part in parts if part["type"] == "text")
        images += [_base64_of(part["image_url"]["url"]) for part in parts if part["type"] == "image_url"]
        if message["role"] == "tool":
            results.append((message["tool_call_id"], text))
        elif text:
            said.append((_role(message), text))
        calls += [
            Call(call["id"], call["function"]["name"], call["function"]["arguments"])
            for call in message.get("tool_calls") or ()
        ]
    choice = body.get("tool_choice")
    output = body.get("response_format") or {}
    stop = body.get("stop")
    return Heard(
        said=said,
        images=images,
        tools=[tool["function"]["name"] for tool in body.get("tools") or ()],
        choice=choice["function"]["name"] if isinstance(choice, dict) else choice,
        calls=calls,
        results=results,
        schema=(output.get("json_schema") or {}).get("schema"),
        n=body.get("n"),
        stop=[stop] if isinstance(stop, str) else stop,
        effort=body.get("reasoning_effort"),
        logprobs=bool(body.get("logprobs")),
        limit=body.get("max_completion_tokens") or body.get("max_tokens"),
    )


def _responses(body: Wire) -> Heard:
    said, images, calls, results = [], [], [], []
    given = body["input"]
    if body.get("instructions"):
        said.append(("system", body["instructions"]))
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        match item.get("type", "message"):
            case "function_call":
                calls.append(Call(item["call_id"], item["name"], item["arguments"]))
            case "function_call_output":
                results.append((item["call_id"], _joined(item["output"])))
            case "message":
                content = item["content"]
                text = _joined(content)
                if text:
                    said.append((_role(item), text))
                if isinstance(content, list):
                    images += [_base64_of(part["image_url"]) for part in content if part["type"] == "input_image"]
    choice = body.get("tool_choice")
    return Heard(
        said=said,
        images=images,
        tools=[tool["name"] for tool in body.get("tools") or ()],
        choice=choice["name"] if isinstance(choice, dict) else choice,
        calls=calls,
        results=results,
        schema=((body.get("text") or {}).get("format") or {}).get("schema"),
        effort=(body.get("reasoning") or {}).get("effort"),
        logprobs="message.output_text.logprobs" in (body.get("include") or ()),
        limit=body.get("max_output_tokens"),
    )


def _joined(content: Any) -> str:
    return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


def _ollama(body: Wire) -> Heard:
    said, images, calls, results = [], [], [], []
    for message in body["messages"]:
        images += message.get("images") or []
        if message["role"] == "tool":
            results.append((message.get("tool_call_id") or message["tool_name"], message["content"]))
        elif message.get("content"):
            said.append((_role(message), message["content"]))
        calls += [
            Call(
                call.get("id", ""),
                call["function"]["name"],
                json.dumps(call["function"]["arguments"], separators=(",", ":")),
            )
            for call in message.get("tool_calls") or ()
        ]
    options = body.get("options") or {}
    form = body.get("format")
    return Heard(
        said=said,
        images=images,
        tools=[tool["function"]["name"] for tool in body.get("tools") or ()],
        calls=calls,
        results=results,
        schema=form if isinstance(form, dict) else None,
        stop=options.get("stop"),
        effort=body.get("think"),
        logprobs=bool(body.get("logprobs")),
        limit=options.get("num_predict"),
    )
