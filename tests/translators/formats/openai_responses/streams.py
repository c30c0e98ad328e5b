"""Making and reading Responses streams in tests: contexts, events, and what the official SDK makes of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from functools import cache
from typing import Any

import pydantic
from openai import omit
from openai._models import construct_type_unchecked
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import ParsedResponse, ResponseStreamEvent

from translators.canonical import Request, Response, Text, fold
from translators.formats import RenderContext
from translators.formats.openai_responses import CLIENT, PROVIDER

Wire = dict[str, Any]


def context(request: Request | Wire | None = None, **changes: Any) -> RenderContext:
    """A context whose ids are counted, so that a test can tell minted ids from given ones."""
    counter = itertools.count(1)
    if request is None:
        request = {"model": "gpt-5", "input": "hi"}
    if isinstance(request, dict):
        request = CLIENT.parse_request(request, b"")
    return RenderContext(
        request=request, new_id=lambda prefix: f"{prefix}new{next(counter)}", created=1_790_000_000, **changes
    )


def events(data: bytes) -> list[Wire]:
    """The events of a stream, checked for the framing that SDKs need."""
    found = []
    for block in data.decode().split("\n\n"):
        lines = [line for line in block.split("\n") if line and not line.startswith(":")]
        if not lines:
            continue
        (name,) = [line for line in lines if line.startswith("event: ")]
        (data_line,) = [line for line in lines if line.startswith("data: ")]
        event = json.loads(data_line.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        found.append(event)
    assert data.endswith(b"\n\n") or not data
    return found


def types(found: Iterable[Wire]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


@cache
def _strict() -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(ResponseStreamEvent)


def check_strictly(event: Wire) -> None:
    """Validate an event as the SDK does with `_strict_response_validation=True`."""
    _strict().validate_python(event)


def accumulate(found: Iterable[Wire]) -> ParsedResponse[Any] | None:
    """What `client.responses.stream()` makes of the events: it raises where apps would see an exception."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    for event in found:
        built: Any = construct_type_unchecked(value=event, type_=ResponseStreamEvent)
        state.handle_event(built)
    return state._completed_response


def parse(data: bytes) -> Response:
    """The stream folded, as a provider's."""
    parser = PROVIDER.stream_parser("openai")
    return fold([*parser.feed(data), *parser.close()])


def text_of(response: Response) -> str:
    return "".join(block.text for block in response.choices[0].message.blocks if isinstance(block, Text))


def opening(**members: Any) -> Wire:
    response = {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": "m",
        "output": [],
        "tools": [],
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "status": "in_progress",
    }
    return {"type": "response.created", "response": {**response, **members}}


def stream(*found: Wire) -> bytes:
    """The wire of some events, numbered where they have no number."""
    out = []
    for number, event in enumerate(found):
        data = json.dumps({"sequence_number": number, **event}, separators=(",", ":"))
        out.append(f"event: {event['type']}\ndata: {data}\n\n")
    return "".join(out).encode()


def message_events(text: str = "Hello", index: int = 0, item_id: str = "msg_1") -> list[Wire]:
    place = {"item_id": item_id, "output_index": index, "content_index": 0}
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    item = {"id": item_id, "type": "message", "role": "assistant", "status": "completed", "content": [part]}
    return [
        {
            "type": "response.output_item.added",
            "output_index": index,
            "item": {**item, "status": "in_progress", "content": []},
        },
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": index, "item": item},
    ]


USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 1, "cache_write_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 5,
}


def terminal(*items: Wire, kind: str = "completed", **members: Any) -> Wire:
    return {
        "type": f"response.{kind}",
        "response": {**opening()["response"], "status": kind, "output": list(items), "usage": USAGE, **members},
    }


def simple_stream(text: str = "Hello") -> bytes:
    said = message_events(text)
    return stream(opening(), {**opening(), "type": "response.in_progress"}, *said, terminal(said[-1]["item"]))
