"""What Anthropic demands of a conversation: order, pairing, and thinking that comes back as it went out.

Sources: Anthropic's Messages and extended-thinking pages; error texts from public issues and recordings.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from proxy.conformance.simulators.seals import Seals

from .models import Rules
from .saying_no import refuse

Wire = dict[str, Any]
_ID = re.compile(r"[a-zA-Z0-9_-]+\Z")
_CACHE = "cache_control"
_FIELDS: dict[str, frozenset[str]] = {
    "text": frozenset({"type", "text", "citations", _CACHE}),
    "image": frozenset({"type", "source", "transformations", _CACHE}),
    "document": frozenset({"type", "source", "title", "context", "citations", _CACHE}),
    "search_result": frozenset({"type", "source", "title", "content", "citations", _CACHE}),
    "tool_use": frozenset({"type", "id", "name", "input", "caller", "toolset_name", _CACHE}),
    "tool_result": frozenset({"type", "tool_use_id", "content", "is_error", "toolset_name", _CACHE}),
    "tool_reference": frozenset({"type", "tool_name"}),
    "tool_addition": frozenset({"type", "tool"}),
    "tool_removal": frozenset({"type", "tool"}),
    "thinking": frozenset({"type", "thinking", "signature"}),
    "redacted_thinking": frozenset({"type", "data"}),
}
_SERVER = re.compile(r"server_tool_use\Z|container_upload\Z|compaction\Z|mcp_tool_(?:use|result)\Z|\w+_tool_result\Z")
_OF_USER = frozenset({"text", "image", "document", "search_result", "tool_result", "tool_addition", "tool_removal"})
_OF_RESULT = frozenset({"text", "image", "document", "search_result", "tool_reference"})
_IMAGES = {
    "image/png": b"\x89PNG",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
MODIFIED = (
    "`thinking` or `redacted_thinking` blocks in the latest assistant message cannot be modified. These blocks must remain "
    "as they were in the original response."
)


def blocks_of(message: Wire) -> list[Wire]:
    """The content of a message as blocks; a string is one text block."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [block for block in content or () if isinstance(block, dict)]


def check_messages(body: Wire, rules: Rules, seals: Seals) -> None:
    """Raises `RefusedError` for a conversation that the real API does not take."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not messages:
        raise refuse("messages: at least one message is required")
    for index, message in enumerate(messages):
        _check_message(message, index, rules, last=index == len(messages) - 1)
    # The pages demand a user's message here; a recording of sonnet-4-6 begins with an assistant's tool call and is served.
    if messages[0]["role"] != "user" and not any(block["type"] == "tool_use" for block in blocks_of(messages[0])):
        raise refuse('messages: first message must use the "user" role')
    last = messages[-1]
    goes_on = any(block.get("type") == "server_tool_use" for block in blocks_of(last))
    if last["role"] == "assistant" and not rules.prefill and not goes_on:
        raise refuse(
            "This model does not support assistant message prefill. The conversation must end with a user message."
        )
    _check_late_system(messages, rules)
    turns = merged(messages)
    _check_pairs(turns)
    _check_thinking(turns, body, rules, seals)


def _check_message(message: Any, index: int, rules: Rules, *, last: bool) -> None:
    at = f"messages.{index}"
    if not isinstance(message, dict) or message.get("role") not in ("user", "assistant", "system"):
        raise refuse(f"{at}: Input does not match the expected shape.")
    if message["role"] == "system" and not rules.late_system:
        raise refuse(
            f'{at}: Unexpected role "system". The Messages API accepts a top-level `system` parameter, not "system" as an '
            "input message role."
        )
    extra = set(message) - {"role", "content", "clear_at", "output_config"}
    if extra:
        raise refuse(f"{at}.{min(extra)}: Extra inputs are not permitted")
    content = message.get("content")
    if not isinstance(content, (str, list)):
        raise refuse(f"{at}.content: Input should be a valid list")
    if not content and not (last and message["role"] == "assistant"):
        raise refuse(f"{at}: all messages must have non-empty content except for the optional final assistant message")
    if isinstance(content, list):
        for position, block in enumerate(content):
            _check_block(block, f"{at}.content.{position}", message["role"])
    elif not content.strip() and not last:
        raise refuse(f"{at}: text content blocks must contain non-whitespace text")
    if last and message["role"] == "assistant" and blocks_of(message):
        text = blocks_of(message)[-1].get("text")
        if isinstance(text, str) and text != text.rstrip():
            raise refuse(f"{at}: final assistant content cannot end with trailing whitespace")


def _check_block(block: Any, at: str, role: str) -> None:
    kind = block.get("type") if isinstance(block, dict) else None
    if not isinstance(kind, str):
        raise refuse(f"{at}.type: Field required")
    if _SERVER.match(kind) and kind not in _FIELDS:
        return
    allowed = _FIELDS.get(kind)
    if allowed is None:
        raise refuse(f"{at}: Input tag '{kind}' found using 'type' does not match any of the expected tags")
    extra = set(block) - allowed
    if extra:
        raise refuse(f"{at}.{kind}.{min(extra)}: Extra inputs are not permitted")
    if role in ("user", "system") and kind not in _OF_USER:
        raise refuse(f"{at}: `{kind}` blocks can only be in `assistant` messages")
    if role == "assistant" and kind in ("tool_result", "image", "document"):
        raise refuse(f"{at}: `{kind}` blocks can only be in `user` messages")
    checked = _CHECKS.get(kind)
    if checked is not None:
        checked(block, at)


def _check_text(block: Wire, at: str) -> None:
    text = block.get("text")
    if not isinstance(text, str):
        raise refuse(f"{at}.text.text: Field required")
    if not text:
        raise refuse(f"{at}: text content blocks must be non-empty")
    if not text.strip():
        raise refuse(f"{at}: text content blocks must contain non-whitespace text")


def _check_source(block: Wire, at: str) -> None:
    source = block.get("source")
    kind = block["type"]
    if not isinstance(source, dict) or source.get("type") not in ("base64", "url", "file", "text", "content"):
        raise refuse(f"{at}.{kind}.source: Field required")
    if source["type"] == "url" and not str(source.get("url", "")).startswith(("https://", "http://")):
        raise refuse(f"{at}.{kind}.source.url: Only HTTP(S) URLs are supported.")
    if source["type"] != "base64":
        return
    mime, data = source.get("media_type"), source.get("data")
    try:
        raw = base64.b64decode(data or "", validate=True)
    except (binascii.Error, ValueError):
        raise refuse(f"{at}.{kind}.source.base64: invalid base64 data") from None
    if kind == "document":
        if mime != "application/pdf":
            raise refuse(f"{at}.document.source.base64.media_type: Input should be 'application/pdf'")
        if not raw.startswith(b"%PDF"):
            raise refuse(f"{at}.document.source.base64.data: The PDF specified was not valid.")
        return
    magic = _IMAGES.get(str(mime))
    if magic is None:
        raise refuse(
            f"{at}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'"
        )
    if not raw.startswith(magic):
        raise refuse(
            f"{at}.image.source.base64: The image was specified using the {mime} media type, but it is not one"
        )


def _check_use(block: Wire, at: str) -> None:
    if not isinstance(block.get("id"), str) or not _ID.match(block["id"]):
        raise refuse(f"{at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    if not isinstance(block.get("input"), dict):
        raise refuse(f"{at}.tool_use.input: Input should be a valid dictionary")
    if not re.match(r"[a-zA-Z0-9_-]{1,128}\Z", str(block.get("name", ""))):
        raise refuse(f"{at}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'")


def _check_result(block: Wire, at: str) -> None:
    if not isinstance(block.get("tool_use_id"), str) or not _ID.match(block["tool_use_id"]):
        raise refuse(f"{at}.tool_result.tool_use_id: String should match pattern '^[a-zA-Z0-9_-]+$'")
    content = block.get("content")
    if content is None or isinstance(content, str):
        return
    for position, part in enumerate(content):
        place = f"{at}.tool_result.content.{position}"
        if not isinstance(part, dict) or part.get("type") not in _OF_RESULT:
            raise refuse(f"{place}: Input tag found using 'type' does not match any of the expected tags")
        _check_block(part, place, "result")


def _check_thought(block: Wire, at: str) -> None:
    if not isinstance(block.get("thinking"), str):
        raise refuse(f"{at}.thinking.thinking: Field required")
    if not isinstance(block.get("signature"), str):
        raise refuse(f"{at}.thinking.signature: Field required")
    if not block["thinking"] and not block["signature"]:
        raise refuse(f"{at}.thinking: each thinking block must contain thinking")


_CHECKS = {
    "text": _check_text,
    "image": _check_source,
    "document": _check_source,
    "tool_use": _check_use,
    "tool_result": _check_result,
    "thinking": _check_thought,
}


def _check_late_system(messages: list[Wire], rules: Rules) -> None:
    for index, message in enumerate(messages):
        if message["role"] != "system":
            continue
        before = messages[index - 1] if index else None
        after = messages[index + 1] if index + 1 < len(messages) else None
        if before is None or before["role"] == "assistant" or (after is not None and after["role"] != "assistant"):
            raise refuse(
                f"messages.{index}: `system` messages must follow a user message and be followed by an assistant message "
                "or end the conversation"
            )


def merged(messages: list[Wire]) -> list[tuple[str, list[Wire]]]:
    """The turns as the API sees them: neighbours of one role are one turn, system messages aside."""
    turns: list[tuple[str, list[Wire]]] = []
    for message in messages:
        if message["role"] == "system":
            continue
        if turns and turns[-1][0] == message["role"]:
            turns[-1][1].extend(blocks_of(message))
        else:
            turns.append((message["role"], blocks_of(message)))
    return turns


def _check_pairs(turns: list[tuple[str, list[Wire]]]) -> None:
    """Every tool_use is answered in the very next user turn, results first; every result answers one."""
    seen: set[str] = set()
    for index, (role, blocks) in enumerate(turns):
        uses = [block["id"] for block in blocks if block["type"] == "tool_use"]
        for each in uses:
            if each in seen or uses.count(each) > 1:
                raise refuse(f"messages.{index}: `tool_use` ids must be unique")
            seen.add(each)
        expected = [b["id"] for b in turns[index - 1][1] if b["type"] == "tool_use"] if index and role == "user" else []
        results = [block["tool_use_id"] for block in blocks if block["type"] == "tool_result"]
        for each in results:
            if each not in expected:
                raise refuse(
                    f"messages.{index}.content.0: unexpected `tool_use_id` found in `tool_result` blocks: {each}. Each "
                    "`tool_result` block must have a corresponding `tool_use` block in the previous message."
                )
            if results.count(each) > 1:
                raise refuse(
                    f"messages.{index}.content: each tool_use must have a single result. Found multiple `tool_result` "
                    f"blocks with id: {each}"
                )
        following = turns[index + 1][1] if index + 1 < len(turns) else []
        answered = {block["tool_use_id"] for block in _leading_results(following)}
        missing = [each for each in uses if each not in answered]
        if missing and (index + 1 < len(turns) or role == "assistant"):
            raise refuse(
                f"messages.{index}: `tool_use` ids were found without `tool_result` blocks immediately after: "
                f"{', '.join(missing)}. Each `tool_use` block must have a corresponding `tool_result` block in the next "
                "message."
            )


def _leading_results(blocks: list[Wire]) -> Iterator[Wire]:
    for block in blocks:
        if block["type"] != "tool_result":
            return
        yield block


def conversation(turns: list[tuple[str, list[Wire]]]) -> str:
    """What a bound signature is bound to: everything before it but thinking and cache marks."""
    kept = [
        [role, [{k: v for k, v in b.items() if k != _CACHE} for b in blocks if "thinking" not in b["type"]]]
        for role, blocks in turns
    ]
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:16]


def _check_thinking(turns: list[tuple[str, list[Wire]]], body: Wire, rules: Rules, seals: Seals) -> None:
    latest = max((index for index, (role, _) in enumerate(turns) if role == "assistant"), default=-1)
    manual = (body.get("thinking") or {}).get("type") == "enabled"
    first = _first_of_running_loop(turns)
    for index, (role, blocks) in enumerate(turns):
        if role != "assistant":
            continue
        thoughts = [block for block in blocks if block["type"] in ("thinking", "redacted_thinking")]
        for position, block in enumerate(blocks):
            if block in thoughts:
                _check_signature(block, f"messages.{index}.content.{position}", body, rules, seals, turns[:index])
        if manual and index == first and not thoughts:
            raise refuse(
                f"messages.{index}.content.0.type: Expected `thinking` or `redacted_thinking`, but found "
                f"`{blocks[0]['type']}`. When `thinking` is enabled, a final `assistant` message must start with a thinking "
                "block (preceeding the lastmost set of `tool_use` and `tool_result` blocks)."
            )
        if index == latest and thoughts:
            _check_latest(blocks, thoughts, seals, index)


def _check_signature(
    block: Wire, at: str, body: Wire, rules: Rules, seals: Seals, before: list[tuple[str, list[Wire]]]
) -> None:
    kind = block["type"]
    blob = block.get("signature") if kind == "thinking" else block.get("data")
    seal = seals.of(blob)
    if seal is None or seal.place != kind:
        word = "signature" if kind == "thinking" else "data"
        raise refuse(f"{at}: Invalid `{word}` in `{kind}` block")
    if kind == "thinking" and block["thinking"] not in ("", seal.about.partition("|")[2]):
        raise refuse(f"{at}: Invalid `signature` in `thinking` block")
    if seal.model != body.get("model"):
        raise refuse(f"{at}: Invalid `signature` in `thinking` block: it is bound to a different model")
    if rules.bound and seal.bound != conversation(before):
        raise refuse(f"{at}: Invalid `signature` in `thinking` block: it is bound to a different conversation")


def _first_of_running_loop(turns: list[tuple[str, list[Wire]]]) -> int:
    """Where the answer began that waits for results now, -1 when none does. Its later steps go without thinking by hand."""
    asked = max(
        (
            index
            for index, (role, blocks) in enumerate(turns)
            if role == "user" and all(block["type"] != "tool_result" for block in blocks)
        ),
        default=-1,
    )
    return asked + 1 if asked + 2 < len(turns) else -1


def _check_latest(blocks: list[Wire], thoughts: list[Wire], seals: Seals, index: int) -> None:
    """The latest assistant turn: all of its thinking where and as it was."""
    made: list[str] = []
    came: list[str] = []
    for block in blocks:
        if block["type"] == "tool_use":
            came.append("use")
        elif block in thoughts:
            seal = seals.of(block.get("signature") or block.get("data"))
            turn = "" if seal is None else seal.about.partition("|")[0]
            made += [] if turn in made else [turn]
            came.append("?" if seal is None else seal.name)
    went = [word for turn in made for word in seals.layouts.get(turn, ())]
    if came != went:
        raise refuse(f"messages.{index}.content.0: {MODIFIED}")
