"""One event of a Responses stream to its data, checked: valid UTF-8, valid JSON, an object that has a type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from translators.formats import json, sse
from translators.formats.reading import second_look
from translators.formats.upstream_errors import unreadable

TERMINALS = frozenset({"response.completed", "response.incomplete"})
FAILURES = frozenset({"response.failed", "error"})

RENAMED: Mapping[str, str] = {
    "response.reasoning.delta": "response.reasoning_text.delta",
    "response.reasoning.done": "response.reasoning_text.done",
    "response.reasoning_part.added": "response.content_part.added",
    "response.reasoning_part.done": "response.content_part.done",
}
"""Spellings of other servers (Open Responses, Bedrock) to OpenAI's; openai-node throws on a type it does not know."""


PINGS = frozenset({"ping", "keepalive", "heartbeat", "response.ping", "response.keepalive", "response.heartbeat"})
"""Keep-alives of other servers, which SDKs take for events of the answer."""


def parse_event(event: sse.Event) -> dict[str, Any] | None:
    """The data of an event that has some; None for `[DONE]`. Raises `UpstreamError` for what must not be passed on.

    A bare `{"error": ...}` gets the type "error".
    """
    try:
        data = json.loads(event.data)
    except ValueError:
        if event.data.strip() == b"[DONE]":
            return None
        data = second_look(event.data)
    if not event.raw.isascii() and not json.is_utf8(event.raw):  # what stands outside the data must be readable too
        raise unreadable("bad_utf8")
    if not isinstance(data, dict):
        raise unreadable("sse_garbage")
    kind = data.get("type")
    if not isinstance(kind, str) or not kind or (kind not in FAILURES and data.get("error") and "response" not in data):
        if data.get("error"):
            return {**data, "type": "error"}
        raise unreadable("sse_garbage")
    return data
