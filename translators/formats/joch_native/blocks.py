"""Content blocks of the native API to canonical ones. Nothing is fetched, decoded or defaulted.

A block says what it is in `type`, or in `kind` where it has no `type`. Media come by `uri` (http, https or data), as base64
`data`, or by a provider's `fileId`; what another service keeps (`artifact://`, `mem://`) is refused, as nobody here can
read it. The exact text of a call's arguments is `arguments`; `args` is the same parsed, and is written out if it comes alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from translators.canonical import (
    Block,
    CacheHint,
    HostedItem,
    Media,
    Native,
    Opaque,
    Origin,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
)
from translators.formats import Wire, json

from . import checks
from .names import BLOCKS, MEDIA, OWNER, RESULT_KINDS, TOOL_CALL, TOOL_RESULT

SEALED = "sealed"
"""The kind of `Opaque` that is still in the envelope in which it was given out."""

_SCHEMES = frozenset({"http", "https", "data"})
_KINDS: dict[str, Literal["function", "custom"]] = {"function": "function", "custom": "custom"}
_CALL_ID = frozenset({"callId", "toolCallId", "id"})


def parse_content(value: Any, at: str, pointer: str, kinds: frozenset[str] | None = None) -> tuple[Block, ...]:
    """A string or an array of blocks. `kinds` are those allowed here, None for all."""
    if type(value) is str:
        return (Text(value, origin=Origin(pointer)),)
    if type(value) is not list:
        raise checks.wrong_type(at, "a string or an array of blocks", value)
    return tuple(parse_block(block, f"{at}[{index}]", f"{pointer}/{index}", kinds) for index, block in enumerate(value))


def parse_block(value: Any, at: str, pointer: str, kinds: frozenset[str] | None = None) -> Block:
    """One block. Raises `RequestError` for a kind that is not known or not allowed here."""
    if type(value) is not dict:
        raise checks.wrong_type(at, "an object", value)
    key = "type" if "type" in value else "kind"
    if key not in value:
        raise checks.missing(f"{at}.type")
    kind = checks.required_string(value, key, at)
    if kind not in BLOCKS:
        raise checks.unsupported(f"{at}.{key}", kind, BLOCKS)
    if kinds is not None and kind not in kinds:
        listed = ", ".join(sorted(kinds))
        raise checks.invalid(f"{at}.{key}", f"A block of type '{kind}' cannot stand here. Allowed are: {listed}.")
    told = {name: member for name, member in value.items() if name != key}
    if kind == "tool_result":
        told = _with_call_id(told, at)
    return _READERS[kind](checks.members(told, at, BLOCKS[kind]), at, Origin(pointer), kind)


def parse_call(value: Any, at: str, pointer: str) -> ToolCall:
    """An entry of `toolCalls`: a call without the `type` that a block has."""
    return _call(checks.members(value, at, TOOL_CALL), at, Origin(pointer), "tool_call")


def parse_result(value: Any, at: str, pointer: str) -> ToolResult:
    """An entry of `toolResults`: a result without the `type` that a block has."""
    told = _with_call_id(value, at) if type(value) is dict else value
    return _result(checks.members(told, at, TOOL_RESULT), at, Origin(pointer), "tool_result")


def _with_call_id(result: Wire, at: str) -> Wire:
    """`result` with the call it answers named by `callId`, where it says `toolCallId` or `id`."""
    named: Wire = {}
    for key, member in result.items():
        name = "callId" if checks.spelled(key) in _CALL_ID else key
        if name in named:
            raise checks.twice(at, name)
        named[name] = member
    return named


def _text(block: Wire, at: str, origin: Origin, kind: str) -> Text:
    annotations, logprobs = checks.array(block, "annotations", at), checks.array(block, "logprobs", at)
    return Text(
        checks.required_string(block, "text", at),
        tuple(annotations or ()),
        None if logprobs is None else tuple(logprobs),
        parse_cache(block, at),
        origin,
    )


def _refusal(block: Wire, at: str, origin: Origin, kind: str) -> Refusal:
    logprobs = checks.array(block, "logprobs", at)
    text = checks.required_string(block, "text", at)
    return Refusal(text, None if logprobs is None else tuple(logprobs), origin)


def _reasoning(block: Wire, at: str, origin: Origin, kind: str) -> Reasoning:
    sealed = checks.string(block, "sealed", at)
    return Reasoning(
        summary=checks.strings(block, "summary", at) or (),
        text=checks.string(block, "text", at),
        opaque=() if sealed is None else (Opaque(OWNER, SEALED, sealed),),
        cache=parse_cache(block, at),
        origin=origin,
    )


def _summary(block: Wire, at: str, origin: Origin, kind: str) -> Reasoning:
    return Reasoning(summary=(checks.required_string(block, "text", at),), origin=origin)


def _media(block: Wire, at: str, origin: Origin, kind: str) -> Media:
    if kind == "media":
        kind = checks.one_of(block, "kind", MEDIA, at) or ""
        if not kind:
            raise checks.missing(f"{at}.kind")
    uri, data = checks.string(block, "uri", at), checks.string(block, "data", at)
    file_id = checks.string(block, "fileId", at)
    if uri is None and data is None and file_id is None:
        raise checks.missing(f"{at}.uri")
    if uri is not None and data is not None:
        raise checks.invalid(f"{at}.data", f"'{at}' has both 'uri' and 'data': give one of them.")
    mime, url = checks.string(block, "mimeType", at), uri
    if uri is not None:
        _check_scheme(uri, at)
        found = _base64_of(uri)
        if found is not None:
            mime, url, data = mime or found[0], None, found[1]
    return Media(
        kind=kind,  # type: ignore[arg-type]  # one of MEDIA, by the table of blocks
        url=url,
        data=data,
        file_id=file_id,
        mime=mime,
        filename=checks.string(block, "filename", at),
        detail=checks.string(block, "detail", at),
        transcript=checks.string(block, "transcript", at),
        expires_at=checks.integer(block, "expiresAt", at),
        provider=checks.string(block, "provider", at),
        cache=parse_cache(block, at),
        origin=origin,
    )


def _check_scheme(uri: str, at: str) -> None:
    scheme = uri.partition(":")[0].lower()
    if scheme not in _SCHEMES:
        raise checks.invalid(
            f"{at}.uri",
            f"Only http, https and data URIs can be used, not '{scheme[:32]}:': joch keeps no files and reads none from "
            "other services.",
        )


def _base64_of(uri: str) -> tuple[str | None, str] | None:
    """Media type and base64 data of a `data:` URI (RFC 2397); None for any other, and for data that is not base64."""
    head, comma, data = uri.partition(",")
    if not comma or not head.startswith("data:") or not head.endswith(";base64"):
        return None
    return head[5:].removesuffix(";base64") or None, data


def _call(block: Wire, at: str, origin: Origin, kind: str) -> ToolCall:
    call_kind = _KINDS[checks.one_of(block, "kind", _KINDS, at) or "function"]
    return ToolCall(
        checks.name(block, "id", at),
        checks.name(block, "name", at),
        _arguments(block, at),
        call_kind,
        checks.string(block, "namespace", at),
        (),
        origin,
    )


def _arguments(call: Wire, at: str) -> str:
    text = checks.string(call, "arguments", at)
    if "args" not in call:
        if text is None:
            raise checks.missing(f"{at}.arguments")
        return text
    args = checks.mapping(call, "args", at)
    if text is None:
        return json.dumps(args).decode()
    try:
        same = json.loads(text) == args
    except ValueError:
        same = False
    if not same:
        raise checks.invalid(f"{at}.args", f"'{at}.args' and '{at}.arguments' say different things: give one of them.")
    return text


def _result(block: Wire, at: str, origin: Origin, kind: str) -> ToolResult:
    if "content" not in block:
        raise checks.missing(f"{at}.content")
    return ToolResult(
        checks.name(block, "callId", at),
        parse_content(block["content"], f"{at}.content", f"{origin.pointer}/content", RESULT_KINDS),
        bool(checks.boolean(block, "isError", at)),
        _KINDS[checks.one_of(block, "kind", _KINDS, at) or "function"],
        checks.string(block, "name", at),
        parse_cache(block, at),
        origin,
    )


def _hosted(block: Wire, at: str, origin: Origin, kind: str) -> HostedItem:
    raw = checks.mapping(block, "raw", at)
    if raw is None:
        raise checks.missing(f"{at}.raw")
    return HostedItem(checks.name(block, "tool", at), raw, checks.string(block, "provider", at), origin)


def _native(block: Wire, at: str, origin: Origin, kind: str) -> Native:
    if "raw" not in block:
        raise checks.missing(f"{at}.raw")
    return Native(checks.name(block, "format", at), block["raw"], origin)


def parse_cache(block: Wire, at: str) -> CacheHint | None:
    """A prompt-cache breakpoint: an object, which may name a time to live."""
    if "cache" not in block:
        return None
    hint = checks.members(block["cache"], f"{at}.cache", frozenset({"ttl"}))
    return CacheHint(checks.string(hint, "ttl", f"{at}.cache"))


_READERS: dict[str, Callable[[Wire, str, Origin, str], Block]] = {
    "text": _text,
    "refusal": _refusal,
    "reasoning": _reasoning,
    "reasoning_summary": _summary,
    **dict.fromkeys((*MEDIA, "media"), _media),
    "tool_call": _call,
    "tool_result": _result,
    "hosted_tool": _hosted,
    "native": _native,
}
