"""A chat stream from a chat provider to a chat client: every event keeps its own bytes unless it would break an SDK.

Watches as it passes (`tally`), mends in place what the official SDKs stumble over (a repeated role, a call without index, a
vendor's finish reason), and ends properly: `[DONE]` only behind a finish reason, an error otherwise. Nothing is buffered
beyond an incomplete event. What is mended and why: docs/mapping/openai_chat.md.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from translators.canonical import JochError, UpstreamError
from translators.formats import RenderContext, Tally, Wire, json, sse
from translators.formats.reading import StreamReader
from translators.formats.upstream_errors import cut, in_band, unreadable

from .calls import CallTable
from .events import DONE, is_annotation, parse_chunk
from .mend_delta import Seen, mend_delta
from .parse_response import seed
from .render_response import ID_PREFIX
from .render_stream import DONE as DONE_EVENT
from .render_stream import render_failure
from .usage import mend_usage, parse_usage, render_usage

_OBJECT = "chat.completion.chunk"
_PING = b": ping\n\n"

# Lines that are neither data nor comment. SDKs dispatch an event for them, which may be empty, or remember the id.
_OTHER_LINE = re.compile(rb"(?:^|[\r\n])(?!data:|:|[\r\n]|$)")
_BARE = frozenset({"id", "object", "created", "model", "choices", "usage", "obfuscation", "service_tier"})


class Relay(StreamReader[sse.Event, bytes]):
    """One stream."""

    def __init__(self, context: RenderContext) -> None:
        super().__init__(sse.Splitter())
        self.tally = Tally()
        self._context = context
        self._choices: dict[int, Seen] = {}
        self._id: str | None = None
        self._head: Wire = {}
        self._seed = ""
        self._usage: bytes | None = None  # the event of usage, which must be the last
        self._done = False

    def feed(self, data: bytes) -> bytes:
        """What of `data` may go to the client now. Raises `UpstreamError` for an error event and for garbage."""
        out = self._read(data)
        return out[0] if len(out) == 1 else b"".join(out)

    def close(self) -> bytes:
        """The rest, at the end of input. Raises `STREAM_CUT` unless the choices had finished."""
        out = self._read_rest()
        if not self._done:
            self._end(out, done=False)
            self.tally.note("done_added")
        return b"".join(out)

    def fail(self, error: JochError) -> bytes:
        self._done = True
        return render_failure(error)

    def _take(self, event: sse.Event, out: list[bytes]) -> None:
        data = event.data
        if self._done:
            if data:
                self.tally.note("trailing_data")
            return
        if not data:
            out.append(event.raw if _is_comment(event.raw) else _PING)
        elif data.startswith(DONE):
            self._end(out, done=True)
        else:
            chunk = parse_chunk(event)
            if _is_plain(event) and self._took_text(chunk):
                out.append(event.raw)
                return
            verdict = self._watch(chunk, out)
            if verdict is None:
                return
            raw = b"data: %b\n\n" % json.dumps(chunk) if verdict or not _is_plain(event) else event.raw
            if chunk["choices"]:
                out.append(raw)
            elif chunk.get("usage") is not None:
                self._usage = raw
            else:
                out.append(raw)

    def _took_text(self, chunk: Wire) -> bool:
        """Counts a chunk that is more text of the only choice and nothing else, as most are: it needs no mending.

        False, with nothing counted, for any other.
        """
        choices, seen, head = chunk.get("choices"), self._choices.get(0), self._head
        if seen is None or type(choices) is not list or len(choices) != 1 or chunk.get("usage") is not None:
            return False
        choice = choices[0]
        if type(choice) is not dict or choice.get("finish_reason") is not None or choice.get("index") != 0:
            return False
        delta = choice.get("delta")
        if type(delta) is not dict or len(delta) != 1 or "error" in choice or not seen.role:
            return False
        text = delta.get("content")
        if type(text) is not str or chunk.get("id") != self._id or chunk.get("object") != _OBJECT:
            return False
        if chunk.get("created") != head["created"] or chunk.get("model") != head["model"]:
            return False
        self.tally.chunks += 1
        seen.said(len(text))
        return True

    def _end(self, out: list[bytes], *, done: bool) -> None:
        """`done`: the provider said so. LiteLLM gives only one of several choices a finish reason."""
        seen = self._choices.values()
        for choice in seen:
            if choice.failure is not None:
                raise choice.failure
        if done:
            out += [self._said(index, {}, known) for index, known in self._finish_blank()]
        finished = [choice.finished for choice in seen]
        if not (any(finished) if done else finished and all(finished)):
            raise cut()
        self._done = self.tally.ended = True
        context = self._context
        if self._usage is not None:
            out.append(self._usage)
        elif self.tally.usage is None and context.estimate and context.request.include_usage and not context.hide_usage:
            usage = render_usage(context.estimate(self.tally))  # asked for, and the provider gave none
            out.append(sse.render(json.dumps({**self._head, "choices": [], "usage": usage})))
        out.append(DONE_EVENT)

    def _finish_blank(self) -> Iterator[tuple[int, str | None]]:
        """The choices that a provider ended with `[DONE]` and no better finish reason than ""."""
        for index, choice in self._choices.items():
            if choice.blank and not choice.finished:
                yield index, choice.finish("stop")

    def _said(self, index: int, delta: Wire, finish: str | None) -> bytes:
        """An event of our own."""
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
        return sse.render(json.dumps({**self._head, "choices": [choice]}))

    def _watch(self, chunk: Wire, out: list[bytes]) -> bool | None:
        """Takes note of a chunk and mends it. True when it was changed, None when it must not be passed on.

        What must come before it goes to `out`.
        """
        self.tally.chunks += 1
        choices = chunk.get("choices")
        usage = chunk.get("usage")
        if usage is not None:
            self._count(usage)
        if not choices:
            return self._without_choices(chunk, choices)
        if type(choices) is not list:
            raise unreadable("bad_shape")
        saying = [choice for choice in choices if not is_annotation(choice)]
        if not saying:
            self.tally.note("filter_annotation")
            return None if usage is None else self._without_choices(chunk, None)
        mended = self._identify(chunk)
        if not self._head["model"] and self._completed(chunk, saying):
            mended = True
        if len(saying) < len(choices):
            choices = chunk["choices"] = saying
            mended = True
        if usage is not None:
            if self._context.hide_usage:
                del chunk["usage"]
                mended = True
            elif mend_usage(usage):
                mended = True
        failed = []
        for position, choice in enumerate(choices):
            if type(choice) is not dict:
                raise unreadable("bad_shape")
            try:
                mended = self._choice(choice, position, out) or mended
            except UpstreamError as error:
                failed.append(choice)
                self._fail_choice(choice, error)
        if failed:
            chunk["choices"] = [choice for choice in choices if choice not in failed]
            return True if chunk["choices"] else None
        return mended

    def _without_choices(self, chunk: Wire, choices: Any) -> bool | None:
        usage = chunk.get("usage")
        if type(usage) is dict:
            if self._context.hide_usage:
                return None
        elif not chunk.get("id") or chunk.keys() <= _BARE:
            return None  # Azure's filter results, padding: nothing a client could use, and `choices[0]` would fail
        mended = self._identify(chunk)
        if choices is None:
            chunk["choices"] = []
            mended = True
        return mend_usage(usage) or mended

    def _count(self, usage: Any) -> None:
        counted = parse_usage(usage)
        if counted is not None:
            self.tally.usage = counted
        else:
            self.tally.note("bad_usage")

    def _identify(self, chunk: Wire) -> bool:
        """One id for the whole stream, and the right object."""
        mended = False
        identity = chunk.get("id")
        if identity != self._id or identity is None:
            if self._id is None:
                self._seed = seed(chunk)
                self.tally.response_id = identity if type(identity) is str and identity else None
                self._id = self.tally.response_id or self._context.new_id(ID_PREFIX)
                self._head = {
                    "id": self._id,
                    "object": _OBJECT,
                    "created": chunk.get("created"),
                    "model": chunk.get("model"),
                }
            elif identity:
                self.tally.note("id_changed")
            if identity != self._id:
                chunk["id"] = self._id
                mended = True
        for key in ("created", "model"):
            if chunk.get(key) == self._head[key]:
                continue
            if self._head[key]:
                chunk[key] = self._head[key]
                mended = True
            else:  # Azure's filter results come first, without a model
                self._head[key] = chunk.get(key)
        if self.tally.response_model is None and type(chunk.get("model")) is str:
            self.tally.response_model = chunk["model"] or None
        if type(chunk.get("service_tier")) is str:
            self.tally.service_tier = chunk["service_tier"]
        if chunk.get("object") != _OBJECT:
            chunk["object"] = _OBJECT
            mended = True
        return mended

    def _completed(self, chunk: Wire, choices: list[Any]) -> bool:
        """Gives an answer that ends before its first word what Azure then leaves out. False for any other chunk."""
        if not any(type(choice) is dict and choice.get("finish_reason") for choice in choices):
            return False
        head = self._head
        head["created"] = head["created"] or self._context.created
        head["model"] = self._context.request.model or ""
        chunk.update(created=head["created"], model=head["model"])
        return True

    def _choice(self, choice: Wire, position: int, out: list[bytes]) -> bool:
        index = choice.get("index")
        mended = False
        if type(index) is not int:
            index = choice["index"] = position
            mended = True
        seen = self._choices.get(index)
        if seen is None:
            seen = self._opened(index, out)
        if choice.get("error"):
            raise in_band(choice)
        delta = choice.get("delta")
        if type(delta) is not dict:
            delta = choice["delta"] = {}
            mended = True
        if mend_delta(delta, seen, self._context):
            mended = True
        finish = choice.get("finish_reason")
        if finish is None:
            return mended
        missing = seen.missing() if finish and finish != "length" else []
        if missing:
            delta["tool_calls"] = [*(delta.get("tool_calls") or ()), *missing]
            mended = True
        known = seen.finish(finish)
        if known != finish:
            choice["finish_reason"] = known
            mended = True
        return mended

    def _opened(self, index: int, out: list[bytes]) -> Seen:
        """A new choice, behind those with a smaller index: the Python helper takes them in order only."""
        for earlier in range(min(index, self._context.request.sampling.n or 1)):
            if earlier not in self._choices:
                self._opened(earlier, out).role = True
                out.append(self._said(earlier, {"role": "assistant", "content": ""}, None))
        seen = self._choices[index] = Seen(CallTable(f"{self._seed}/{index}"), self.tally)
        return seen

    def _fail_choice(self, choice: Wire, error: UpstreamError) -> None:
        """The failure of one choice of several is told at the end, behind what the others say."""
        if (self._context.request.sampling.n or 1) == 1:
            raise error
        self._choices[choice["index"]].failure = error


def _is_comment(raw: bytes) -> bool:
    return _OTHER_LINE.search(raw) is None and b"data:" not in raw


def _is_plain(event: sse.Event) -> bool:
    """Whether an event's own bytes are safe for every SDK: data and comments only."""
    raw = event.raw
    if len(raw) == len(event.data) + 8:  # "data: " and two line feeds
        return True
    return _OTHER_LINE.search(raw) is None
