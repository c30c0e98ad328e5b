"""One event of a chat stream to its chunk, or to the failure it is. Shared by the reader and the relay.

An event is refused when it is not JSON in valid UTF-8, or is an error in any of the shapes servers put into a stream that has
begun: an `error` member beside or instead of `choices`, an event named "error", a flat error object.
"""

from __future__ import annotations

from typing import Any

from translators.formats import Wire, json, sse
from translators.formats.upstream_errors import in_band, unreadable

from .parse_response import is_error

DONE = b"[DONE]"


def parse_chunk(event: sse.Event) -> Wire:
    """The chunk in an event that has data and is not the end. Raises `UpstreamError`, never passing garbage on."""
    try:
        chunk = json.loads(event.data)
    except ValueError:
        chunk = _second_look(event)
    if type(chunk) is not dict:
        raise unreadable("sse_garbage")
    if "error" in chunk or "choices" not in chunk or event.name:
        _refuse(chunk, event)
    return chunk


def _second_look(event: sse.Event) -> Any:
    try:
        event.data.decode()
    except UnicodeDecodeError:
        raise unreadable("bad_utf8") from None
    if event.name == b"error":
        raise in_band({"error": event.data.decode()})
    try:
        return json.loads_mending_surrogates(event.data)
    except ValueError:
        raise unreadable("sse_garbage") from None


def _refuse(chunk: Wire, event: sse.Event) -> None:
    if is_error(chunk) or event.name == b"error":
        raise in_band(chunk)
