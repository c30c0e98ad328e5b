"""The client's `messages` to canonical ones, in order and in place: system messages stay where they stand.

What SDKs echo from earlier answers (null members, `annotations`, `reasoning_content`, `index` in calls) is accepted. Content
parts of unknown type become `Native` and go back to this format only. Deprecated `function_call` and role `function` become
calls and results whose ids are derived from their order. Source: OpenAI API reference, chat completions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from translators.canonical import (
    Block,
    CacheHint,
    Media,
    Message,
    Native,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Role,
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats import Wire

from . import checks

FORMAT = "openai_chat"

MESSAGE_LIMIT = 2048
MEDIA_LIMIT = 16

_ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "developer",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}
_SPEAKERS = frozenset({"user", "assistant", "system", "developer"})
_PLAIN = frozenset({"role", "content", "name"})
_CONTENT = "a string or an array of content parts"
_ASSISTANT = _PLAIN | {
    "refusal",
    "tool_calls",
    "function_call",
    "audio",
    "reasoning_content",
    "reasoning",
    "annotations",
    "parsed",
}
_TOOL = _PLAIN | {"tool_call_id"}
_CALL = frozenset({"id", "type", "function", "custom", "index"})


@lru_cache(maxsize=8192)
def origin(pointer: str) -> Origin:
    """The provenance of what stands at `pointer`. Shared, since the same few places occur in every request."""
    return Origin(pointer)


@lru_cache(maxsize=MESSAGE_LIMIT)
def _plain_origins(index: int) -> tuple[Origin, Origin]:
    """Of message `index` and of its text."""
    return Origin(f"/messages/{index}"), Origin(f"/messages/{index}/content")


def parse_messages(body: Wire) -> tuple[Message, ...]:
    """The messages of a request body. Raises `RequestError` for what this API does not allow."""
    messages = body.get("messages")
    if type(messages) is not list:
        if messages is None:
            raise checks.missing("messages")
        raise checks.wrong_type("messages", "an array of objects", messages)
    if not messages:
        raise checks.invalid(
            "messages",
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "empty_array",
        )
    if len(messages) > MESSAGE_LIMIT:
        raise checks.too_long("messages", MESSAGE_LIMIT, len(messages))
    return _Reader().read(messages)


class _Reader:
    """One pass over the messages; it remembers what later messages refer to."""

    def __init__(self) -> None:
        self._media = 0
        self._legacy: dict[str, str] = {}  # function name to the id its latest call was given
        self._legacy_calls = 0

    def read(self, messages: list[Any]) -> tuple[Message, ...]:
        return tuple(self._message(message, index) for index, message in enumerate(messages))

    def _message(self, message: Any, index: int) -> Message:
        if type(message) is not dict:
            raise checks.wrong_type(f"messages[{index}]", "an object", message)
        role = message.get("role")
        content = message.get("content")
        if type(content) is str and len(message) == 2 and type(role) is str and role in _SPEAKERS:
            place, text_place = _plain_origins(index)  # by far the most frequent shape
            return Message(_ROLES[role], (Text(content, (), None, None, text_place),), None, place)
        if role == "user" or role == "system" or role == "developer":
            return self._finished(message, index, role, self._required_content(content, index), _PLAIN)
        if role == "assistant":
            return self._finished(message, index, "assistant", self._assistant(message, index), _ASSISTANT)
        if role == "tool":
            return self._finished(message, index, "tool", (self._tool(message, index),), _TOOL)
        if role == "function":
            return self._finished(message, index, "tool", (self._function(message, index),), _TOOL)
        where = f"messages[{index}].role"
        if role is None:
            raise checks.missing(where)
        if type(role) is not str:
            raise checks.wrong_type(where, "a string", role)
        raise checks.unsupported_value(where, role, tuple(_ROLES))

    def _finished(
        self, message: Wire, index: int, role: Role, blocks: tuple[Block, ...], known: frozenset[str]
    ) -> Message:
        where = origin(f"/messages/{index}")
        name = None if role == "tool" else checks.string(message, "name", f"messages[{index}].")
        if message.keys() <= known:
            return Message(role, blocks, name, where)
        extra = {key: value for key, value in message.items() if key not in known and value is not None}
        return Message(role, blocks, name, where, extra)

    def _required_content(self, content: Any, index: int) -> tuple[Block, ...]:
        if content is None:
            raise checks.missing(f"messages[{index}].content")
        return self._content(content, index)

    def _content(self, content: Any, index: int) -> tuple[Block, ...]:
        if type(content) is str:
            return (Text(content, origin=origin(f"/messages/{index}/content")),)
        if type(content) is not list:
            raise checks.wrong_type(f"messages[{index}].content", _CONTENT, content)
        return tuple(self._part(part, index, position) for position, part in enumerate(content))

    def _part(self, part: Any, index: int, position: int) -> Block:
        where = f"messages[{index}].content[{position}]"
        if type(part) is not dict:
            raise checks.wrong_type(where, "an object", part)
        kind = checks.required_string(part, "type", f"{where}.")
        place = origin(f"/messages/{index}/content/{position}")
        if kind == "text":
            text = checks.required_string(part, "text", f"{where}.")
            return Text(text, cache=cache_hint(part) if len(part) > 2 else None, origin=place)
        if kind == "refusal":
            return Refusal(checks.required_string(part, "refusal", f"{where}."), origin=place)
        read = _MEDIA.get(kind)
        if read is None:
            return Native(FORMAT, part, place)
        self._media += 1
        if self._media > MEDIA_LIMIT:
            raise checks.invalid(
                where, f"Too many media parts. Expected at most {MEDIA_LIMIT} in one request.", "too_many_media"
            )
        if kind == "image_url" and type(part.get(kind)) is str:  # OpenAI takes the bare URL too
            part = {**part, kind: {"url": part[kind]}}
        return read(part, checks.required_mapping(part, kind, f"{where}."), f"{where}.{kind}.", place)

    def _assistant(self, message: Wire, index: int) -> tuple[Block, ...]:
        blocks: list[Block] = []
        where = f"messages[{index}]."
        for key in ("reasoning_content", "reasoning"):
            text = message.get(key)
            if type(text) is str and text:
                blocks.append(Reasoning(text=text, origin=origin(f"/messages/{index}/{key}")))
                break
        content = message.get("content")
        if content is not None:
            blocks += self._content(content, index)
        refusal = checks.string(message, "refusal", where)
        if refusal:
            blocks.append(Refusal(refusal, origin=origin(f"/messages/{index}/refusal")))
        audio = checks.mapping(message, "audio", where)
        if audio is not None:
            file_id = checks.required_string(audio, "id", f"{where}audio.")
            blocks.append(
                Media(kind="audio", file_id=file_id, provider="openai", origin=origin(f"/messages/{index}/audio"))
            )
        calls = message.get("tool_calls")
        if calls is not None:
            if type(calls) is not list:
                raise checks.wrong_type(f"{where}tool_calls", "an array of objects", calls)
            blocks += [_call(call, index, position) for position, call in enumerate(calls)]
        legacy = checks.mapping(message, "function_call", where)
        if legacy is not None:
            blocks.append(self._legacy_call(legacy, index))
        if content is None and not blocks:
            raise checks.missing(f"{where}content")
        return tuple(blocks)

    def _legacy_call(self, call: Wire, index: int) -> ToolCall:
        where = f"messages[{index}].function_call."
        name = checks.name(call, where)
        identity = f"call_legacy_{self._legacy_calls}"
        self._legacy_calls += 1
        self._legacy[name] = identity
        arguments = checks.required_string(call, "arguments", where)
        return ToolCall(identity, name, arguments, origin=origin(f"/messages/{index}/function_call"))

    def _tool(self, message: Wire, index: int) -> ToolResult:
        where = f"messages[{index}]."
        call_id = checks.required_string(message, "tool_call_id", where)
        content = self._required_content(message.get("content"), index)
        name = checks.string(message, "name", where)
        return ToolResult(call_id, content, name=name, origin=origin(f"/messages/{index}"))

    def _function(self, message: Wire, index: int) -> ToolResult:
        name = checks.name(message, f"messages[{index}].")
        content = message.get("content")
        blocks = () if content is None else self._content(content, index)
        call_id = self._legacy.get(name, f"call_legacy_{name}")
        return ToolResult(call_id, blocks, name=name, origin=origin(f"/messages/{index}"))


def _call(call: Any, index: int, position: int) -> ToolCall:
    where = f"messages[{index}].tool_calls[{position}]"
    if type(call) is not dict:
        raise checks.wrong_type(where, "an object", call)
    where += "."
    identity = checks.required_string(call, "id", where)
    kind = call.get("type", "function")
    place = origin(f"/messages/{index}/tool_calls/{position}")
    opaque: tuple[Opaque, ...] = ()
    if not call.keys() <= _CALL:
        rest = {key: value for key, value in call.items() if key not in _CALL}
        place = Origin(place.pointer, rest=rest)
        opaque = _signature(rest)
    if kind == "custom":
        custom = checks.required_mapping(call, "custom", where)
        name = checks.name(custom, f"{where}custom.")
        text = checks.required_string(custom, "input", f"{where}custom.")
        return ToolCall(identity, name, text, "custom", None, opaque, place)
    if kind not in ("function", None, ""):
        raise checks.unsupported_value(f"{where}type", str(kind), ("function", "custom"))
    function = checks.required_mapping(call, "function", where)
    name = checks.name(function, f"{where}function.")
    arguments = checks.required_string(function, "arguments", f"{where}function.")
    return ToolCall(identity, name, arguments, "function", None, opaque, place)


def _signature(rest: Wire) -> tuple[Opaque, ...]:
    """The signature that Google's OpenAI endpoint puts on calls and wants back (`extra_content.google`)."""
    extra = rest.get("extra_content")
    google = extra.get("google") if type(extra) is dict else None
    signature = google.get("thought_signature") if type(google) is dict else None
    return (Opaque("google", "thought_signature", signature),) if type(signature) is str and signature else ()


def cache_hint(part: Wire) -> CacheHint | None:
    """The prompt-cache mark of a part or tool: OpenAI's `prompt_cache_breakpoint`, or `cache_control` as others have it."""
    mark = part.get("prompt_cache_breakpoint") or part.get("cache_control")
    if type(mark) is not dict:
        return None
    ttl = mark.get("ttl")
    return CacheHint(ttl if type(ttl) is str else None)


def _image(part: Wire, image: Wire, where: str, place: Origin) -> Block:
    url = checks.required_string(image, "url", where)
    detail = checks.string(image, "detail", where)
    mime, data = split_data_url(url)
    return Media(
        kind="image",
        url=None if data is not None else url,
        data=data,
        mime=mime,
        detail=detail,
        cache=cache_hint(part),
        origin=place,
    )


def _video(part: Wire, video: Wire, where: str, place: Origin) -> Block:
    url = checks.required_string(video, "url", where)
    mime, data = split_data_url(url)
    return Media(
        kind="video",
        url=None if data is not None else url,
        data=data,
        mime=mime,
        cache=cache_hint(part),
        origin=place,
    )


def _audio(part: Wire, audio: Wire, where: str, place: Origin) -> Block:
    data = checks.required_string(audio, "data", where)
    mime = "audio/" + checks.required_string(audio, "format", where)
    return Media(kind="audio", data=data, mime=mime, cache=cache_hint(part), origin=place)


def _file(part: Wire, file: Wire, where: str, place: Origin) -> Block:
    file_id = checks.string(file, "file_id", where)
    content = checks.string(file, "file_data", where)
    if file_id is None and content is None:
        raise checks.missing(f"{where}file_data")
    mime, data = split_data_url(content) if content is not None else (None, None)
    return Media(
        kind="file",
        data=data if data is not None else content,
        file_id=file_id,
        mime=mime,
        filename=checks.string(file, "filename", where),
        provider="openai" if file_id is not None else None,
        cache=cache_hint(part),
        origin=place,
    )


def split_data_url(url: str) -> tuple[str | None, str | None]:
    """Media type and base64 data of a `data:` URL (RFC 2397), or two Nones for any other."""
    if not url.startswith("data:"):
        return None, None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return None, None
    return head.removesuffix(";base64") or None, data


_MEDIA = {"image_url": _image, "input_audio": _audio, "file": _file, "video_url": _video}
