"""What items of the Responses API are called and made of, for both directions. No checks and no decisions here.

Item types and members: https://platform.openai.com/docs/api-reference/responses (types of openai-python 3.5x).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

from translators.canonical import Block, CacheHint, Media, Opaque, Origin, Reasoning, Refusal, Text, ToolCall

FORMAT = "openai_responses"

SEALED = "openai.encrypted_content"
"""The kind of `Opaque` that travels as `encrypted_content`. Whoever issued it is the only one who can read it."""

INCLUDE_SEALED = "reasoning.encrypted_content"
INCLUDE_LOGPROBS = "message.output_text.logprobs"

HOSTED: Mapping[str, str] = {
    "apply_patch_call": "apply_patch",
    "apply_patch_call_output": "apply_patch",
    "code_interpreter_call": "code_interpreter",
    "computer_call": "computer",
    "computer_call_output": "computer",
    "file_search_call": "file_search",
    "image_generation_call": "image_generation",
    "local_shell_call": "local_shell",
    "local_shell_call_output": "local_shell",
    "mcp_approval_request": "mcp",
    "mcp_approval_response": "mcp",
    "mcp_call": "mcp",
    "mcp_list_tools": "mcp",
    "program": "programmatic_tool_calling",
    "program_output": "programmatic_tool_calling",
    "shell_call": "shell",
    "shell_call_output": "shell",
    "tool_search_call": "tool_search",
    "tool_search_output": "tool_search",
    "web_search_call": "web_search",
}
"""Item types of tools that are not the client's own functions, and the tool each belongs to."""

PREFIXES: Mapping[str, str] = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "custom_tool_call": "ctc_",
    "image_generation_call": "ig_",
}
"""How the ids of items begin, by type. AI SDK and codex key on item ids, so they differ from call ids."""

MESSAGE_MEMBERS = frozenset({"type", "role", "content", "id", "status", "phase"})
OUTPUT_TEXT_MEMBERS = frozenset({"type", "text", "annotations", "logprobs", "prompt_cache_breakpoint"})
REFUSAL_MEMBERS = frozenset({"type", "refusal"})
REASONING_MEMBERS = frozenset({"type", "id", "summary", "content", "encrypted_content", "status"})
FUNCTION_CALL_MEMBERS = frozenset({"type", "id", "call_id", "name", "arguments", "namespace", "status"})
CUSTOM_CALL_MEMBERS = frozenset({"type", "id", "call_id", "name", "input", "namespace", "status"})
CALL_OUTPUT_MEMBERS = frozenset({"type", "id", "call_id", "output", "name", "status"})

_FIT_CALL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


def rest_of(wire: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    """The members of `wire` that have no place in the hub, None when there are none. A null member is an absent one."""
    if wire.keys() <= known:
        return None
    return {key: value for key, value in wire.items() if key not in known and value is not None} or None


def item_origin(
    item: Mapping[str, Any], kind: str, ordinal: int, pointer: str | None, rest: dict[str, Any] | None
) -> Origin:
    """Where a block comes from: item `ordinal` of its list, of type `kind`."""
    get = item.get
    item_id, status, phase = _word(get("id")), _word(get("status")), _word(get("phase"))
    if item_id is None and status is None and phase is None and rest is None:
        return plain_origin(pointer, ordinal, kind)
    return Origin(pointer, ordinal, kind, item_id, status, phase, rest)


def _word(value: object) -> str | None:
    return value if type(value) is str else None


@lru_cache(maxsize=8192)
def plain_origin(pointer: str | None, ordinal: int, kind: str | None = "message") -> Origin:
    """The provenance of what has nothing but a place. Shared, since the same places occur in every request."""
    return Origin(pointer, ordinal, kind)


def item_of(block: Block) -> int | None:
    """The ordinal of the item a block came in. Adjacent text with the same ordinal is one message item."""
    return block.origin.item if block.origin else None


def own_rest(origin: Origin | None) -> dict[str, Any]:
    """Unmodelled members that this format put there; those of another format say nothing here."""
    return dict(origin.rest) if origin and origin.item_type and origin.rest else {}


def fitting_call_id(call_id: str) -> str:
    """The call's id as OpenAI accepts it: up to 64 of [A-Za-z0-9_-], else a short digest, the same for the same id."""
    if _FIT_CALL_ID.fullmatch(call_id):
        return call_id
    digest = hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()
    return "call_" + base64.b32encode(digest)[:24].decode("ascii").lower()


def arguments_of(call: ToolCall) -> str:
    """A call's arguments as JSON text: a function without arguments is called with `{}`, not with nothing."""
    return call.arguments or ("{}" if call.kind == "function" else "")


def parse_texts(parts: object) -> tuple[str, ...]:
    """The texts of summary or reasoning parts; empty when there is no list."""
    if not isinstance(parts, list):
        return ()
    return tuple(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))


def parse_reasoning(item: Mapping[str, Any], origin: Origin, issuer: str) -> Reasoning:
    raw = parse_texts(item.get("content"))
    sealed = item.get("encrypted_content")
    return Reasoning(
        summary=parse_texts(item.get("summary")),
        text="".join(raw) if raw else None,
        opaque=(Opaque(issuer, SEALED, sealed),) if isinstance(sealed, str) and sealed else (),
        origin=origin,
    )


def parse_output_text(part: Mapping[str, Any], text: str, origin: Origin | None) -> Text:
    annotations, logprobs = part.get("annotations"), part.get("logprobs")
    return Text(
        text,
        tuple(annotations) if isinstance(annotations, list) else (),
        tuple(logprobs) if isinstance(logprobs, list) and logprobs else None,
        parse_cache(part),
        origin,
    )


def parse_cache(part: Mapping[str, Any]) -> CacheHint | None:
    breakpoint_ = part.get("prompt_cache_breakpoint")
    if not isinstance(breakpoint_, dict):
        return None
    ttl = breakpoint_.get("ttl")
    return CacheHint(ttl if isinstance(ttl, str) else None)


def parse_data_url(url: str) -> tuple[str | None, str] | None:
    """Media type and base64 data of a `data:` URL (RFC 2397); None for any other URL, and for data that is not base64."""
    if not url.startswith("data:"):
        return None
    head, comma, data = url[5:].partition(",")
    if not comma or not head.endswith(";base64"):
        return None
    return head.removesuffix(";base64") or None, data


def render_data_url(media: Media) -> str:
    """Base64 data as it travels in a URL member; without a known type it is left bare, as clients send it."""
    return f"data:{media.mime};base64,{media.data}" if media.mime else media.data or ""


def is_prose(block: Block) -> bool:
    """Whether a block lives inside a message item. Everything else is an item of its own."""
    return isinstance(block, (Text, Refusal)) or (block.origin is not None and block.origin.item_type == "message")


def contiguous(blocks: Iterable[Block], together: Callable[[Block], bool] = is_prose) -> list[list[Block]]:
    """Blocks as they share items: what goes `together` in one message, everything else alone. Order is kept."""
    groups: list[list[Block]] = []
    for block in blocks:
        last = groups[-1][-1] if groups else None
        if last is not None and together(block) and together(last) and item_of(block) == item_of(last):
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups
