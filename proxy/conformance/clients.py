"""The clients of the suite: an app that speaks chat completions and one that speaks responses, over plain HTTP.

They build bodies as the OpenAI SDK would, read answers as strictly as the strictest client, and carry a conversation on from
what they saw, the way apps do: a chat client keeps content and tool calls of an assistant message and nothing else, a
Responses client appends `response.output` to its next input. No SDK is used, so that every byte is looked at.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from .simulators.facts import Turn, media
from .simulators.script import Answer, Call, Decline, Say, compact

Wire = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Seen:
    """What a client saw. `calls` are (id, name, arguments); `finish` is one of chat's words in either dialect.

    `usage` has the names of `script.Tokens`. `error` has status, message, type, code and param; `in_band` when it came in a
    stream. `complaints` are breaches of the dialect. `kept` is what the client carries on. `chunks` counts pieces of text.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=lambda: [""])
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    refusal: str = ""
    reasoning: str = ""
    finish: str = ""
    usage: dict[str, int] | None = None
    error: dict[str, Any] | None = None
    in_band: bool = False
    logprobs: int = 0
    chunks: int = 0
    annotations: list[Any] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    kept: Any = None
    raw: str = ""

    @property
    def text(self) -> str:
        return self.texts[0]


class Client(Protocol):
    """One app and its conversation. `turns` is the conversation in the words of the simulators' facts."""

    dialect: str
    path: str
    turns: list[Turn]

    def body(self, ask: Mapping[str, Any], model: str, *, stream: bool) -> Wire: ...

    def results(self, results: Mapping[str, Any], *, backwards: bool = False) -> None: ...

    def goes_on(self, seen: Seen, answer: Answer) -> None:
        """Carry the conversation on, in which the model said `answer`."""
        ...

    def carry(self, seen: Seen) -> None:
        """The same where nobody knows what the model said beside what was seen."""
        ...


def told(answer: Answer) -> list[Turn]:
    """An answer as turns of the conversation."""
    turns: list[Turn] = []
    for block in answer.blocks:
        if isinstance(block, (Say, Decline)) and block.text:
            turns.append(("assistant", block.text))
        elif isinstance(block, Call):
            turns.append((f"call {block.name}", block.arguments))
    return turns


def _turns_of(ask: Mapping[str, Any]) -> list[Turn]:
    turns: list[Turn] = []
    if ask.get("user") is not None:
        turns.append(("user", ask["user"]))
    turns += [
        ("media user", file["url"] if "url" in file else media(file["mime"], file["data"]))
        for file in ask.get("files") or ()
    ]
    if ask.get("late"):
        turns.append(("system", ask["late"]))
    return turns


def _turns_of_history(ask: Mapping[str, Any]) -> list[Turn]:
    turns: list[Turn] = []
    for entry in ask.get("history") or ():
        if "calls" in entry:
            turns += [(f"call {call['name']}", compact(call["with"])) for call in entry["calls"]]
            turns += [(f"result {call['name']}", call["result"]) for call in entry["calls"]]
        else:
            turns += entry.items()
    return turns


def _turns_of_results(calls: list[tuple[str, str, str]], results: Mapping[str, Any]) -> list[Turn]:
    turns: list[Turn] = []
    for _, name, _ in calls:
        turns.append((f"result {name}", results[name]["text"]))
        turns += [(f"media result {name}", media(file["mime"], file["data"])) for file in results[name]["files"]]
    return turns


def _data_url(file: Mapping[str, Any]) -> str:
    return file["url"] if "url" in file else f"data:{file['mime']};base64,{file['data']}"


_LASTING = ("tools", "effort", "schema")
"""What an app says again with every request of a conversation."""
_PLAIN = (
    "temperature",
    "top_p",
    "seed",
    "n",
    "stop",
    "logit_bias",
    "frequency_penalty",
    "presence_penalty",
    "logprobs",
)


class _App:
    """What either app remembers of its conversation beside the messages."""

    def __init__(self) -> None:
        self._lasting: dict[str, Any] = {}
        self._calls: list[tuple[str, str, str]] = []
        self.turns: list[Turn] = []

    def _with_lasting(self, ask: Mapping[str, Any]) -> Mapping[str, Any]:
        self._lasting |= {name: ask[name] for name in _LASTING if name in ask}
        return {**self._lasting, **ask}


class ChatClient(_App):
    """An app with chat completions. A "minimal" one sends back `tool_calls` alone, without the text that came with them."""

    dialect = "chat"
    path = "/v1/chat/completions"

    def __init__(self, manner: str = "full") -> None:
        super().__init__()
        self._messages: list[Wire] = []
        self._minimal = manner == "minimal"

    def body(self, ask: Mapping[str, Any], model: str, *, stream: bool) -> Wire:
        if ask.get("system"):
            self._messages.append({"role": ask.get("system_role", "system"), "content": ask["system"]})
            self.turns.append(("system", ask["system"]))
        self._remember(ask)
        self._say(ask)
        ask = self._with_lasting(ask)
        body: Wire = {"model": model, "messages": copy.deepcopy(self._messages)}
        if ask.get("tools"):
            body["tools"] = [{"type": "function", "function": tool} for tool in ask["tools"]]
        if "choice" in ask:
            choice = ask["choice"]
            plain = choice in ("auto", "none", "required")
            body["tool_choice"] = choice if plain else {"type": "function", "function": {"name": choice}}
        if "parallel" in ask:
            body["parallel_tool_calls"] = ask["parallel"]
        if "effort" in ask:
            body["reasoning_effort"] = ask["effort"]
        if "limit" in ask:
            body["max_completion_tokens"] = ask["limit"]
        if "schema" in ask:
            schema = ask["schema"]
            form = {"name": schema["name"], "schema": schema["schema"], "strict": schema.get("strict", True)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        if ask.get("json"):
            body["response_format"] = {"type": "json_object"}
        if "user_id" in ask:
            body["safety_identifier"] = ask["user_id"]
        body |= {name: ask[name] for name in _PLAIN if name in ask}
        if stream:
            body["stream"] = True
            if ask.get("usage", True):
                body["stream_options"] = {"include_usage": True}
        return {**body, **(ask.get("chat") or {})}

    def _remember(self, ask: Mapping[str, Any]) -> None:
        """A conversation that began elsewhere."""
        self.turns += _turns_of_history(ask)
        for entry in ask.get("history") or ():
            if "calls" not in entry:
                self._messages += [{"role": role, "content": text} for role, text in entry.items()]
                continue
            calls = [
                {"id": c["id"], "type": "function", "function": {"name": c["name"], "arguments": compact(c["with"])}}
                for c in entry["calls"]
            ]
            self._messages.append({"role": "assistant", "content": None, "tool_calls": calls})
            self._messages += [
                {"role": "tool", "tool_call_id": call["id"], "content": call["result"]} for call in entry["calls"]
            ]

    def _say(self, ask: Mapping[str, Any]) -> None:
        self.turns += _turns_of(ask)
        parts: list[Wire] = [{"type": "text", "text": ask["user"]}] if ask.get("user") is not None else []
        for file in ask.get("files") or ():
            if file["mime"].startswith("image/"):
                parts.append({"type": "image_url", "image_url": {"url": _data_url(file)}})
            else:
                parts.append({"type": "file", "file": {"file_data": _data_url(file), "filename": file["filename"]}})
        if parts:
            plain = len(parts) == 1 and parts[0]["type"] == "text"
            self._messages.append({"role": "user", "content": parts[0]["text"] if plain else parts})
        if ask.get("late"):
            self._messages.append({"role": "system", "content": ask["late"]})

    def results(self, results: Mapping[str, Any], *, backwards: bool = False) -> None:
        self.turns += _turns_of_results(self._calls, results)
        for id, name, _ in self._calls[:: -1 if backwards else 1]:
            self._messages.append({"role": "tool", "tool_call_id": id, "content": results[name]["text"]})

    def goes_on(self, seen: Seen, answer: Answer) -> None:
        lost = self._minimal and bool(seen.calls)
        self.turns += [turn for turn in told(answer) if not lost or turn[0] != "assistant"]
        self.carry(seen)

    def carry(self, seen: Seen) -> None:
        """Append the assistant's message as an app would: nothing of it that is not chat's own."""
        self._calls = seen.calls
        message: Wire = {"role": "assistant", "content": seen.text or None}
        if seen.refusal and not seen.text:
            message["content"] = seen.refusal
        if seen.calls:
            message["tool_calls"] = [
                {"id": id, "type": "function", "function": {"name": name, "arguments": arguments}}
                for id, name, arguments in seen.calls
            ]
            if self._minimal:
                message["content"] = None
        self._messages.append(message)


class ResponsesClient(_App):
    """An app with the Responses API that stores nothing. A "bare" one sends back everything but the reasoning items."""

    dialect = "responses"
    path = "/v1/responses"

    def __init__(self, manner: str = "full") -> None:
        super().__init__()
        self._input: list[Wire] = []
        self._instructions: str | None = None
        self._bare = manner == "bare"

    def body(self, ask: Mapping[str, Any], model: str, *, stream: bool) -> Wire:
        if ask.get("system"):
            self._instructions = ask["system"]
            self.turns.append(("system", ask["system"]))
        self._remember(ask)
        self._say(ask)
        ask = self._with_lasting(ask)
        body: Wire = {"model": model, "input": copy.deepcopy(self._input), "store": False}
        if self._instructions is not None:
            body["instructions"] = self._instructions
        if ask.get("tools"):
            body["tools"] = [{"type": "function", **tool} for tool in ask["tools"]]
        if "choice" in ask:
            choice = ask["choice"]
            plain = choice in ("auto", "none", "required")
            body["tool_choice"] = choice if plain else {"type": "function", "name": choice}
        if "parallel" in ask:
            body["parallel_tool_calls"] = ask["parallel"]
        if "effort" in ask:
            body["reasoning"] = {"effort": ask["effort"], "summary": "auto"}
            body["include"] = ["reasoning.encrypted_content"]
        if "limit" in ask:
            body["max_output_tokens"] = ask["limit"]
        if "schema" in ask:
            schema = ask["schema"]
            form = {"name": schema["name"], "schema": schema["schema"], "strict": schema.get("strict", True)}
            body["text"] = {"format": {"type": "json_schema", **form}}
        if ask.get("json"):
            body["text"] = {"format": {"type": "json_object"}}
        if "user_id" in ask:
            body["safety_identifier"] = ask["user_id"]
        if ask.get("logprobs"):
            body["include"] = [*body.get("include", ()), "message.output_text.logprobs"]
        body |= {name: ask[name] for name in ("temperature", "top_p") if name in ask}
        if stream:
            body["stream"] = True
        return {**body, **(ask.get("responses") or {})}

    def _remember(self, ask: Mapping[str, Any]) -> None:
        """A conversation that began elsewhere."""
        self.turns += _turns_of_history(ask)
        for entry in ask.get("history") or ():
            if "calls" not in entry:
                self._input += [{"role": role, "content": text} for role, text in entry.items()]
                continue
            self._input += [
                {"type": "function_call", "call_id": c["id"], "name": c["name"], "arguments": compact(c["with"])}
                for c in entry["calls"]
            ]
            self._input += [
                {"type": "function_call_output", "call_id": call["id"], "output": call["result"]}
                for call in entry["calls"]
            ]

    def _say(self, ask: Mapping[str, Any]) -> None:
        self.turns += _turns_of(ask)
        parts: list[Wire] = [{"type": "input_text", "text": ask["user"]}] if ask.get("user") is not None else []
        parts += [_part(file) for file in ask.get("files") or ()]
        if parts:
            plain = len(parts) == 1 and parts[0]["type"] == "input_text"
            self._input.append({"role": "user", "content": parts[0]["text"] if plain else parts})
        if ask.get("late"):
            self._input.append({"role": "developer", "content": ask["late"]})

    def results(self, results: Mapping[str, Any], *, backwards: bool = False) -> None:
        self.turns += _turns_of_results(self._calls, results)
        for id, name, _ in self._calls[:: -1 if backwards else 1]:
            result = results[name]
            output: Any = result["text"]
            if result["files"]:
                output = [{"type": "input_text", "text": result["text"]}, *(_part(file) for file in result["files"])]
            self._input.append({"type": "function_call_output", "call_id": id, "output": output})

    def goes_on(self, seen: Seen, answer: Answer) -> None:
        self.turns += told(answer)
        self.carry(seen)

    def carry(self, seen: Seen) -> None:
        """`input += response.output`."""
        self._calls = seen.calls
        kept = [item for item in seen.kept or () if not (self._bare and item["type"] == "reasoning")]
        self._input += copy.deepcopy(kept)


def _part(file: Mapping[str, Any]) -> Wire:
    if file["mime"].startswith("image/"):
        return {"type": "input_image", "image_url": _data_url(file), "detail": "auto"}
    return {"type": "input_file", "file_data": _data_url(file), "filename": file["filename"]}
