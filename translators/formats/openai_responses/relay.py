"""A Responses stream to a client of the same format: events keep their bytes, each is looked at once.

What would break an SDK is mended, and named in the tally's notes: ids that change on the way, a terminal event without the
items that were streamed, missing `event:` lines and numbers, content indices with gaps. What cannot be trusted raises.
"""

from __future__ import annotations

import re
from typing import Any

from translators.canonical import JochError
from translators.formats import RenderContext, Tally, json, sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut

from .errors import parse_failure
from .events import FAILURES, PINGS, RENAMED, TERMINALS, parse_event
from .mend import mend, mend_item, reseal, reseal_item
from .parse_response import bad_shape, parse_finish, parse_service_tier, parse_usage
from .render_response import render_echo, render_failed, render_usage, response_id
from .stream_parser import bad_order

_PING = b": ping\n\n"
_OTHER_LINE = re.compile(rb"(?:^|[\r\n])(?!data:|event:|:|[\r\n]|$)")
"""A line that is neither data, name nor comment: SDKs would dispatch an event for it, or remember the id."""

_LIFECYCLE = frozenset({"response.created", "response.queued", "response.in_progress", *TERMINALS})
_CALLS = ("function_call", "custom_tool_call")
_PART_DELTAS = {
    "response.output_text.delta": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
    "response.refusal.delta": {"type": "refusal", "refusal": ""},
}
"""Pieces of a message's parts, and such a part as it opens."""


class _Item:
    """An output item as the client knows it: under the id it was added with."""

    __slots__ = ("call", "done", "kind", "name", "parts", "tool")

    def __init__(self, wire: dict[str, Any]) -> None:
        self.name: Any = wire.get("id")
        self.kind: Any = wire.get("type")
        self.call: Any = wire.get("call_id")
        self.tool = str(wire.get("name") or self.kind)
        self.parts: dict[int, int] = {}  # the server's content index to a dense one
        self.done: dict[str, Any] | None = None


class ResponsesRelay(StreamReader[sse.Event, bytes]):
    """One stream."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(sse.Splitter())
        self.tally = Tally()
        self._context = context
        self._items: dict[int, _Item] = {}
        self._response: dict[str, Any] | None = None  # the response object as it was opened
        self._sequence = 0  # the next event's number
        self._renumbered = False  # an event was added or left out, so that the server's own numbers no longer fit
        self._ended = False

    def feed(self, data: bytes) -> bytes:
        """What of `data` may go to the client now. Raises `UpstreamError` for failures, garbage and disorder."""
        return b"".join(self._read(data))

    def close(self) -> bytes:
        """The rest, at the end of input. Raises `STREAM_CUT` unless the terminal event was seen."""
        out = self._read_rest()
        if not self._ended:
            raise cut()
        return b"".join(out)

    def fail(self, error: JochError) -> bytes:
        """The failure, numbered on and under the id the client knows."""
        out: list[bytes] = []
        if self._response is None:
            self._response = {**render_echo(self._context.request), "created_at": self._context.created}
            self._response["id"] = response_id("", self._context)
            out.append(self._event({"type": "response.created", "response": self._response}))
        body = error.body
        flat = {"code": body.code, "message": body.message, "param": body.param}
        out.append(self._event({"type": "error", **flat, "error": {"type": body.type, **flat}}))
        usage = None if self.tally.usage is None else render_usage(self.tally.usage)
        failed = render_failed(self._response, error, self._finished_items(), usage)
        out.append(self._event({"type": "response.failed", "response": failed}))
        self._ended = True
        return b"".join(out)

    def _event(self, data: dict[str, Any]) -> bytes:
        """An event of our own, under the next number."""
        kind = data["type"]
        numbered = {"type": kind, "sequence_number": self._sequence, **data}
        self._sequence += 1
        return sse.render(json.dumps(numbered), kind.encode())

    def _take(self, event: sse.Event, out: list[bytes]) -> None:
        if self._ended:
            if event.data and event.data.strip() != b"[DONE]":
                self.tally.note("trailing_data")
            return
        if not event.data:
            out.append(_comment(event))
            return
        data = parse_event(event)
        if data is None:
            return
        kind: str = data["type"]
        if kind in FAILURES:
            raise parse_failure(data)
        changes: dict[str, Any] = {}
        if kind in RENAMED:
            changes["type"] = kind = RENAMED[kind]
            self.tally.note("event_renamed")
        if kind in PINGS:
            self._renumbered = True
            out.append(_PING)
            return
        if kind in _PART_DELTAS:
            self._open_part(data, out)
        if kind in _LIFECYCLE:
            self._lifecycle(kind, data, changes)
        elif self._response is None:
            raise bad_order("The provider's stream did not begin with its opening event.")
        elif "output_index" in data:
            self._content(kind, data, changes)
        self._number(data, changes)  # only now is it known that the event goes out
        self.tally.chunks += 1
        if changes:
            out.append(sse.render(json.dumps({**data, **changes}), kind.encode()))
        elif event.name != kind.encode() or _is_odd(event):
            # openai-node and codex tell events apart by the `event:` line; an `id:` line makes SDKs stumble on comments.
            self.tally.note("event_reframed")
            out.append(sse.render(event.data.replace(b"\n", b""), kind.encode()))
        else:
            out.append(event.raw)

    def _number(self, data: dict[str, Any], changes: dict[str, Any]) -> None:
        number = data.get("sequence_number")
        if type(number) is int and not self._renumbered:
            self._sequence = number + 1
        else:
            changes["sequence_number"] = self._sequence
            self._sequence += 1

    def _open_part(self, data: dict[str, Any], out: list[bytes]) -> None:
        """Opens the part that a piece belongs to, if its server did not: SDKs fail on a piece of a part they do not know."""
        position, index = data.get("output_index"), data.get("content_index")
        item = self._items.get(position) if type(position) is int else None
        if item is None or type(index) is not int or index in item.parts:
            return
        place = {"item_id": item.name, "output_index": position, "content_index": len(item.parts)}
        item.parts[index] = len(item.parts)
        self._renumbered = True
        self.tally.note("part_opened")
        out.append(self._event({"type": "response.content_part.added", **place, "part": _PART_DELTAS[data["type"]]}))

    def _lifecycle(self, kind: str, data: dict[str, Any], changes: dict[str, Any]) -> None:
        response = data.get("response")
        if not isinstance(response, dict):
            raise bad_shape("An event of the provider's stream has no response object.")
        if self._response is None:
            if kind != "response.created":
                raise bad_order("The provider's stream did not begin with its opening event.")
            self.tally.response_id = _word(response.get("id"))
            self.tally.response_model = _word(response.get("model"))
        self.tally.service_tier = parse_service_tier(response) or self.tally.service_tier
        mended = reseal(mend(response) or response, self._context)
        if self._response is not None and response.get("id") != self._response.get("id"):
            mended = {**mended, "id": self._response.get("id")}
            self.tally.note("id_changed")
        if kind in TERMINALS:
            mended = self._terminal(kind, mended, response)
        if mended is not response:
            changes["response"] = mended
            self.tally.note("response_mended")
        if self._response is None:
            self._response = mended

    def _terminal(self, kind: str, current: dict[str, Any], original: dict[str, Any]) -> dict[str, Any]:
        """The terminal's response with every item the client saw, under the ids it saw them."""
        if original.get("status") == "failed":
            raise parse_failure({"response": original})
        self._ended = self.tally.ended = True
        output = current.get("output")
        complete = self._complete(output if isinstance(output, list) else [])
        if complete != output:
            current = {**current, "output": complete}
        usage = parse_usage(original)
        if usage.source != "none" and usage.is_sane():
            self.tally.usage = usage
        elif usage.source != "none":
            self.tally.note("bad_usage")
        elif self._context.estimate is not None and current.get("usage") is None:
            current = {**current, "usage": render_usage(self._context.estimate(self.tally))}
        status = kind.removeprefix("response.")
        called = any(item.get("type") in _CALLS for item in complete if isinstance(item, dict))
        finish, _ = parse_finish({**original, "status": status}, called=called)
        self.tally.finishes.append(finish.value)
        return current

    def _complete(self, output: list[Any]) -> list[Any]:
        seen = self._finished_items()
        if len(output) < len(seen):
            self.tally.note("output_restored")
            return seen
        # The same items in the same places, but perhaps under new ids.
        named = list(output)
        for position, known in self._items.items():
            item = output[position] if position < len(output) else None
            if isinstance(item, dict) and item.get("type") == known.kind and item.get("id") != known.name:
                named[position] = {**item, "id": known.name}
                self.tally.note("id_changed")
        return named

    def _finished_items(self) -> list[dict[str, Any]]:
        return [item.done for _, item in sorted(self._items.items()) if item.done is not None]

    def _content(self, kind: str, data: dict[str, Any], changes: dict[str, Any]) -> None:
        position = data["output_index"]
        if type(position) is not int:
            raise bad_shape("An event of the provider's stream has no number 'output_index'.")
        if kind == "response.output_item.added":
            self._added(position, data, changes)
            return
        item = self._items.get(position)
        if item is None:
            if kind != "response.output_item.done":
                raise bad_order("The provider sent content of an output item before the item.")
            item = self._items[position] = _Item(_wire(data))
            self._count(item)
        if kind == "response.output_item.done":
            self._done(item, data, changes)
            return
        name = data.get("item_id")
        if name is not None and name != item.name:
            changes["item_id"] = item.name
            self.tally.note("id_changed")
        index = data.get("content_index")
        if type(index) is int:
            dense = item.parts.setdefault(index, len(item.parts))
            if dense != index:
                changes["content_index"] = dense
                self.tally.note("content_index_changed")
        delta = data.get("delta")
        if isinstance(delta, str) and delta:
            self.tally.content = True
            self.tally.output_chars += len(delta)

    def _added(self, position: int, data: dict[str, Any], changes: dict[str, Any]) -> None:
        if data.get("item") is None:  # an empty opening: SDKs skip it
            return
        wire = _wire(data)
        if position in self._items:
            raise bad_order("The provider added an output item twice.")
        item = self._items[position] = _Item(wire)
        self._count(item)
        if item.kind == "message" and not isinstance(wire.get("content"), list):
            changes["item"] = {**wire, "content": []}

    def _count(self, item: _Item) -> None:
        if item.kind in _CALLS:
            self.tally.called.append((str(item.call or item.name), item.tool))
        if item.kind not in ("message", "reasoning"):
            self.tally.content = True

    def _done(self, item: _Item, data: dict[str, Any], changes: dict[str, Any]) -> None:
        wire = _wire(data)
        mended = mend_item(wire)
        mended = reseal_item(mended or wire, self._context) or mended
        if wire.get("id") != item.name:
            mended = {**(mended or wire), "id": item.name}
            self.tally.note("id_changed")
        if mended is not None:
            changes["item"] = mended
        item.done = mended or wire


def _comment(event: sse.Event) -> bytes:
    """Comments pass. Another event without data would reach SDKs as empty JSON: it goes as a comment."""
    is_comment = event.raw.isascii() and all(line[:1] in (b"", b":") for line in event.raw.splitlines())
    return event.raw if is_comment else _PING


def _is_odd(event: sse.Event) -> bool:
    """Whether an event has lines besides its name and data. The plain framing, by far the commonest, is known by length."""
    plain = len(b"event: \ndata: \n\n") + len(event.name) + len(event.data)
    return len(event.raw) != plain and _OTHER_LINE.search(event.raw) is not None


def _wire(data: dict[str, Any]) -> dict[str, Any]:
    item = data.get("item")
    if not isinstance(item, dict):
        raise bad_shape("An output item of the provider's stream is not an object.")
    return item


def _word(value: object) -> str | None:
    return value if isinstance(value, str) else None
