"""Small repairs of answers that come from a server of this format and would break a client of this format.

Only what is known to break SDKs or agents is touched: `None` means fine as it is, and an answer that is fine keeps its bytes.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Opaque
from translators.formats import RenderContext, json

from .items import SEALED

_REQUIRED: dict[str, Any] = {"object": "response", "tools": [], "tool_choice": "auto", "parallel_tool_calls": True}
"""Members without which typed clients fail (`response.tools.map`), and what their absence means."""

_DETAILS = {
    "input_tokens_details": ("cached_tokens", "cache_write_tokens"),
    "output_tokens_details": ("reasoning_tokens",),
}

_YOUNG = "cache_write_tokens"
"""Since mid-2026; OpenAI itself leaves it out for older models and SDKs read it as optional, so its absence is no flaw."""


def mend(body: dict[str, Any]) -> dict[str, Any] | None:
    """A corrected copy of a Response object, or None when nothing needs correcting."""
    changes: dict[str, Any] = {key: default for key, default in _REQUIRED.items() if body.get(key) is None}
    usage = body.get("usage")
    if isinstance(usage, dict) and (mended := mend_usage(usage)) is not None:
        changes["usage"] = mended
    output = body.get("output")
    if isinstance(output, list):
        items = [mend_item(item) for item in output]
        if any(item is not None for item in items):
            changes["output"] = _merged(items, output)
    return {**body, **changes} if changes else None


def mend_usage(usage: dict[str, Any]) -> dict[str, Any] | None:
    """Usage with every count an integer: agents build strict records of them."""
    changes: dict[str, Any] = {}
    for key, members in _DETAILS.items():
        details = usage.get(key)
        known = details if isinstance(details, dict) else {}
        if any(type(known.get(member)) is not int for member in members if member != _YOUNG or not known):
            zeros = {member: 0 for member in members if type(known.get(member)) is not int}
            changes[key] = {**known, **zeros}
    for key in ("input_tokens", "output_tokens"):
        if usage.get(key) is None:
            changes[key] = 0
    if type(usage.get("total_tokens")) is not int:
        counts = {**usage, **changes}
        changes["total_tokens"] = counts["input_tokens"] + counts["output_tokens"]
    return {**usage, **changes} if changes else None


def mend_item(item: Any) -> dict[str, Any] | None:
    """An output item whose members have the types SDKs read without looking."""
    if not isinstance(item, dict):
        return None
    kind = item.get("type")
    if kind == "message" and not isinstance(item.get("content"), list):
        return {**item, "content": []}
    if kind == "reasoning" and not isinstance(item.get("summary"), list):
        return {**item, "summary": []}
    if kind == "function_call":
        arguments = item.get("arguments")
        if isinstance(arguments, (dict, list)):
            return {**item, "arguments": json.dumps(arguments).decode()}
        if arguments in ("", None) and item.get("status", "completed") == "completed":
            return {**item, "arguments": "{}"}
    return None


def reseal(body: dict[str, Any], context: RenderContext) -> dict[str, Any]:
    """`body` with every reasoning item's blob sealed by the context; `body` itself where nothing is to be sealed."""
    output = body.get("output")
    if context.seal is None or not isinstance(output, list):
        return body
    items = [reseal_item(item, context) for item in output]
    return body if all(item is None for item in items) else {**body, "output": _merged(items, output)}


def reseal_item(item: Any, context: RenderContext) -> dict[str, Any] | None:
    """The item with its blob sealed by the context, or None when nothing is to be sealed."""
    blob = item.get("encrypted_content") if isinstance(item, dict) else None
    if context.seal is None or not isinstance(blob, str) or not blob:
        return None
    return {**item, "encrypted_content": context.seal((Opaque(context.issuer, SEALED, blob),))}


def _merged(changed: list[dict[str, Any] | None], items: list[Any]) -> list[Any]:
    return [new if new is not None else old for new, old in zip(changed, items, strict=True)]
