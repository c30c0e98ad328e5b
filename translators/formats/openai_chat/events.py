"""One event of a chat stream to its chunk, or to the failure it is; and the choices that say nothing. For reader and relay.

An event is refused when it is not JSON in valid UTF-8, or is an error in any of the shapes servers put into a stream that has
begun: an `error` member beside or instead of `choices`, an event named "error", a flat error object.
"""

from __future__ import annotations

from typing import Any

from translators.formats import Wire, json, sse
from translators.formats.reading import second_look
from translators.formats.upstream_errors import in_band, unreadable

from .parse_response import is_error

DONE = b"[DONE]"

_ANNOTATION = frozenset(
    {
        "index",
        "finish_reason",
        "logprobs",
        "delta",
        "content_filter_results",
        "content_filter_offsets",
        "content_filter_raw",
    }
)


def is_annotation(choice: Any) -> bool:
    """Whether a choice only tells what Azure's filter thinks of a text that was sent already, even behind its end.

    Its chunk has an empty id, no model and no `delta`, which SDKs cannot do without. A blocked answer ends in the same
    shape, with a finish reason. https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-streaming
    """
    return (
        type(choice) is dict
        and choice.get("delta") is None
        and choice.get("finish_reason") is None
        and "content_filter_results" in choice
        and choice.keys() <= _ANNOTATION
    )


def parse_chunk(event: sse.Event) -> Wire:
    """The chunk in an event that has data and is not the end. Raises `UpstreamError`, never passing garbage on."""
    try:
        chunk = json.loads(event.data)
    except ValueError:
        if event.name == b"error":
            raise in_band({"error": event.data.decode(errors="replace")}) from None
        chunk = second_look(event.data)
    if type(chunk) is not dict:
        raise unreadable("sse_garbage")
    if "error" in chunk or "choices" not in chunk or event.name:
        _refuse(chunk, event)
    return chunk


def _refuse(chunk: Wire, event: sse.Event) -> None:
    if is_error(chunk) or event.name == b"error":
        raise in_band(chunk)
