"""The mistakes of `DEFECTS`, most of them seen in other gateways: what each does, in as few words as it takes."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from translators.canonical import (
    BlockDelta,
    Choice,
    ChoiceStop,
    Chunk,
    End,
    Finish,
    Message,
    Reason,
    Response,
    ToolCall,
    UpstreamError,
    Usage,
    UsageUpdate,
)

Wire = dict[str, Any]
DUMMY = "skip_thought_signature_validator"


# --- what is sent to Anthropic ------------------------------------------------------------------------------------


def blocks(body: Wire, *kinds: str) -> Iterator[tuple[Wire, Wire]]:
    """Every content block of these kinds, with the message it is in."""
    for message in body["messages"]:
        for block in message["content"] if isinstance(message["content"], list) else ():
            if not kinds or block["type"] in kinds:
                yield message, block


def hoist_late_instructions(body: Wire) -> None:
    late = [message for message in body["messages"] if message["role"] == "system"]
    body["messages"] = [message for message in body["messages"] if message["role"] != "system"]
    body["system"] = str(body.get("system", "")) + "".join(str(message["content"]) for message in late)


def keep_the_last_message(body: Wire) -> None:
    body["messages"] = body["messages"][-1:]


def text_before_results(body: Wire) -> None:
    for message in body["messages"]:
        content = message["content"]
        if isinstance(content, list) and content and content[0]["type"] == "tool_result":
            content.insert(0, {"type": "text", "text": "Results:"})


def swap_results(body: Wire) -> None:
    results = [block for _, block in blocks(body, "tool_result")]
    if len(results) == 2:
        results[0]["content"], results[1]["content"] = results[1]["content"], results[0]["content"]


def keep_the_first_result(body: Wire) -> None:
    for message in body["messages"]:
        content = message["content"]
        if isinstance(content, list) and content and content[0]["type"] == "tool_result":
            message["content"] = content[:1]


def arguments_as_text(body: Wire) -> None:
    for _, block in blocks(body, "tool_use"):
        block["input"] = json.dumps(block["input"])


def each_tool(change: Callable[[Wire], Any]) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for tool in body.get("tools") or ():
            change(tool.get("function", tool))

    return changed


def without(*names: str) -> Callable[[Wire], None]:
    """A member, or a path of members, is left out."""

    def changed(body: Wire) -> None:
        below: Any = body
        for name in names[:-1]:
            below = below.get(name) or {}
        below.pop(names[-1], None)

    return changed


def without_blocks(*kinds: str) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for message in body["messages"]:
            if isinstance(message["content"], list):
                message["content"] = [block for block in message["content"] if block["type"] not in kinds]

    return changed


def thoughts_to_the_end(body: Wire) -> None:
    for message in body["messages"]:
        if isinstance(message["content"], list):
            message["content"].sort(key=lambda block: "thinking" in block["type"])


def shorten_thoughts(body: Wire) -> None:
    for _, block in blocks(body, "thinking"):
        block["thinking"] = block["thinking"][:-1]


def sources(change: Callable[[Wire], Any]) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for _, block in blocks(body, "image", "document"):
            change(block["source"])

    return changed


def data_url(source: Wire) -> None:
    if source["type"] == "base64":
        source["data"] = f"data:{source['media_type']};base64,{source['data']}"


def twice_encoded(source: Wire) -> None:
    if source["type"] == "base64":
        source["data"] = base64.b64encode(source["data"].encode()).decode()


def sorted_properties(schema: Any) -> Any:
    """A schema with its members in alphabetical order, as many a JSON library has them."""
    return json.loads(json.dumps(schema, sort_keys=True))


def asked_from_the_start(body: Wire, before: Wire) -> None:
    body.clear()
    body.update(before)


def without_its_own_tools(body: Wire, _before: Wire) -> None:
    body["messages"][-1]["content"] = [b for b in body["messages"][-1]["content"] if b["type"] != "server_tool_use"]


# --- what is sent to Google --------------------------------------------------------------------------------------


def parts(body: Wire, kind: str = "") -> Iterator[Wire]:
    for content in body["contents"]:
        for part in content["parts"]:
            if not kind or kind in part:
                yield part


def unsigned(body: Wire) -> None:
    for part in parts(body):
        part.pop("thoughtSignature", None)


def sign_the_last_call(body: Wire) -> None:
    for content in body["contents"]:
        calls = [part for part in content["parts"] if "functionCall" in part]
        if len(calls) > 1 and "thoughtSignature" in calls[0]:
            calls[-1]["thoughtSignature"] = calls[0].pop("thoughtSignature")


def first_signature_everywhere(body: Wire) -> None:
    signed = [part for part in parts(body) if "thoughtSignature" in part]
    for part in signed[1:]:
        part["thoughtSignature"] = signed[0]["thoughtSignature"]


def dummy_everywhere(body: Wire) -> None:
    for part in parts(body, "functionCall"):
        if "thoughtSignature" in part:
            part["thoughtSignature"] = DUMMY


def reverse_responses(body: Wire) -> None:
    for content in body["contents"]:
        if any("functionResponse" in part for part in content["parts"]):
            content["parts"].reverse()


def roles(name: str) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for content in body["contents"]:
            content["role"] = name if content["role"] == "model" else content["role"]

    return changed


def openapi_parameters(body: Wire) -> None:
    for tool in body.get("tools") or ():
        for declared in tool.get("functionDeclarations") or ():
            if "parametersJsonSchema" in declared:
                declared["parameters"] = declared.pop("parametersJsonSchema")


def inline(change: Callable[[Wire], Any]) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for part in parts(body, "inlineData"):
            change(part["inlineData"])

    return changed


# --- what is sent to OpenAI, Azure and Ollama ----------------------------------------------------------------------


def items(body: Wire, change: Callable[[list[Wire]], list[Wire]]) -> None:
    if isinstance(body.get("input"), list):
        body["input"] = change(body["input"])


def without_reasoning_items(body: Wire) -> None:
    items(body, lambda given: [item for item in given if item.get("type") != "reasoning"])


def reasoning_behind_its_call(body: Wire) -> None:
    items(body, lambda given: sorted(given, key=lambda item: item.get("type") == "reasoning"))


def status_in_items(body: Wire) -> None:
    items(body, lambda given: [{**item, "status": "completed"} if "role" in item else item for item in given])


def messages_with(change: Callable[[Wire], Any]) -> Callable[[Wire], None]:
    def changed(body: Wire) -> None:
        for message in body.get("messages") or ():
            change(message)

    return changed


def text_arguments(message: Wire) -> None:
    for call in message.get("tool_calls") or ():
        call["function"]["arguments"] = json.dumps(call["function"]["arguments"])


def swap_chat_results(body: Wire) -> None:
    given = [message for message in body.get("messages") or () if message["role"] == "tool"]
    if len(given) == 2:
        given[0]["content"], given[1]["content"] = given[1]["content"], given[0]["content"]


# --- what is heard whole -------------------------------------------------------------------------------------------


def choice(change: Callable[[Choice], Choice]) -> Callable[[Response], Response]:
    return lambda response: replace(response, choices=tuple(change(each) for each in response.choices))


def message(change: Callable[[Message], Message]) -> Callable[[Response], Response]:
    return choice(lambda each: replace(each, message=change(each.message)))


def each_call(change: Callable[[ToolCall], ToolCall]) -> Callable[[Response], Response]:
    return message(
        lambda said: replace(
            said, blocks=tuple(change(block) if isinstance(block, ToolCall) else block for block in said.blocks)
        )
    )


def fuse_calls(said: Message) -> Message:
    calls = [block for block in said.blocks if isinstance(block, ToolCall)]
    if len(calls) < 2:
        return said
    one = replace(calls[0], arguments="".join(call.arguments for call in calls))
    rest = tuple(block for block in said.blocks if not isinstance(block, ToolCall))
    return replace(said, blocks=(*rest, one))


def always(finish: Finish) -> Callable[[Response], Response]:
    return choice(lambda each: replace(each, finish=finish))


def mistaking(finish: Finish, said: Finish) -> Callable[[Response], Response]:
    """One finish is taken for another."""
    return choice(lambda each: replace(each, finish=said) if each.finish is finish else each)


def usage(change: Callable[[Usage], Usage]) -> Callable[[Response], Response]:
    return lambda response: replace(response, usage=change(response.usage))


# --- what is heard streamed ----------------------------------------------------------------------------------------

Change = Callable[[Chunk], Iterable[Chunk]]


def drop(kind: type[Any]) -> Callable[[], Change]:
    return lambda: lambda chunk: () if isinstance(chunk, kind) else (chunk,)


def twice() -> Change:
    return lambda chunk: (chunk, chunk) if isinstance(chunk, BlockDelta) else (chunk,)


def without_the_third() -> Change:
    seen: list[Chunk] = []

    def change(chunk: Chunk) -> Iterable[Chunk]:
        if isinstance(chunk, BlockDelta):
            seen.append(chunk)
            return () if len(seen) == 3 else (chunk,)
        return (chunk,)

    return change


def finishing(finish: Finish) -> Callable[[], Change]:
    def made() -> Change:
        return lambda chunk: (replace(chunk, finish=finish),) if isinstance(chunk, ChoiceStop) else (chunk,)

    return made


def counting(change: Callable[[Usage], Usage]) -> Callable[[], Change]:
    def made() -> Change:
        return lambda chunk: (UsageUpdate(change(chunk.usage)),) if isinstance(chunk, UsageUpdate) else (chunk,)

    return made


class Careless:
    """A parser that takes every end for a good one, and errors for nothing."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser

    def feed(self, data: bytes) -> list[Chunk]:
        try:
            made: list[Chunk] = self._parser.feed(data)
        except UpstreamError:
            return []
        return made

    def close(self) -> list[Chunk]:
        try:
            made: list[Chunk] = self._parser.close()
        except UpstreamError:
            return [ChoiceStop(0, Finish.STOP), End()]
        return made


class Patient:
    """A parser that waits for the end before it tells anything."""

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._data = b""

    def feed(self, data: bytes) -> list[Chunk]:
        self._data += data
        return []

    def close(self) -> list[Chunk]:
        return [*self._parser.feed(self._data), *self._parser.close()]


# --- what becomes of errors ----------------------------------------------------------------------------------------


def as_reason(reason: Reason, when: Reason | None = None) -> Callable[..., UpstreamError]:
    """Every error, or those of one reason, is taken for another."""

    def changed(error: UpstreamError, *_: Any) -> UpstreamError:
        if when is not None and error.reason is not when:
            return error
        return UpstreamError(reason, error.body.message, http_status=error.http_status)

    return changed


def without_wait(error: UpstreamError, *_: Any) -> UpstreamError:
    error.retry_after = None
    return error


def passed_on(error: UpstreamError, status: int, *_: Any) -> UpstreamError:
    error.status = status
    return error


def raw_text(error: UpstreamError, _status: int, _headers: Any, body: bytes) -> UpstreamError:
    error.body = replace(error.body, message=body.decode(errors="replace"))
    return error


def nothing(*_: Any, **__: Any) -> None:
    """Instead of what should be done."""


def unscrubbed(error: UpstreamError, _key: str | None) -> UpstreamError:
    return error


NEVER = property(lambda self: False, lambda self, value: None)
"""A setting that nobody can turn on."""
