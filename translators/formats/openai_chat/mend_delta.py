"""One `delta` of a chat stream on its way to a client: counted, and mended in place where an SDK would break.

The rules and the SDKs that need them are listed in docs/mapping/openai_chat.md. A delta that breaks nothing is not touched.
"""

from __future__ import annotations

from typing import Any

from translators.canonical import UpstreamError
from translators.formats import RenderContext, Tally, Wire, json

from . import content as read
from .calls import Call, CallTable, kind_of, text_of
from .finish import Five, wire_finish

_LISTS = ("annotations", "reasoning_details")  # the Python helper adds lists up by `index`


class Seen:
    """What one choice of a stream has said so far."""

    __slots__ = ("_ended", "_tally", "blank", "calls", "failure", "finished", "lists", "role")

    def __init__(self, calls: CallTable, tally: Tally) -> None:
        self.calls = calls
        self.role = False
        self.finished = False
        self.blank = False  # the last finish reason was "": no reason yet, or all that this server says of it
        self.failure: UpstreamError | None = None
        self.lists: dict[str, int] = {}
        self._tally = tally
        self._ended = False

    def said(self, characters: int) -> None:
        if characters:
            self._tally.output_chars += characters
            self._tally.content = True

    def opened_call(self, call: Call) -> None:
        self._tally.called.append((call.id, call.name))
        self._tally.content = True

    def finish(self, raw: Any) -> Five | None:
        """The finish reason to pass on. Raises `UpstreamError` when the provider says that it failed."""
        self.blank = raw == ""
        if type(raw) is not str or not raw:
            return None
        known = wire_finish(raw, calls=bool(self.calls.calls))
        self.finished = self._tally.content = True
        if not self._ended:
            self._ended = True
            self._tally.finishes.append(known)
            if not all(_is_json(call) for call in self.calls.calls):
                self._tally.note("tool_args_invalid")
        return known

    def missing(self) -> list[Wire]:
        """The fragments that complete calls without arguments; for the delta that comes with the finish reason."""
        return [
            {"index": call.position, "function": {"arguments": text}}
            for call in self.calls.calls
            if not self._ended and (text := call.missing())
        ]

    def finish_silently(self) -> None:
        """OpenAI ends a spoken answer with `audio.expires_at` and no finish reason."""
        self.finished = True
        if not self._ended:
            self._ended = True
            self._tally.finishes.append("stop")


def _is_json(call: Call) -> bool:
    if call.kind == "custom" or not call.text:
        return True
    try:
        json.loads(call.text)
    except ValueError:
        return False
    return True


def mend_delta(delta: Wire, seen: Seen, context: RenderContext) -> bool:
    """Counts `delta` and mends it. True when it was changed."""
    mended = False
    role = delta.get("role")
    if seen.role:
        if role is not None:
            del delta["role"]
            mended = True
    else:
        seen.role = True
        if not role:
            delta["role"] = "assistant"
            mended = True
    content = delta.get("content")
    if type(content) is str:
        seen.said(len(content))
    elif content is not None:
        _flatten(delta, seen)
        mended = True
    if len(delta) == 1 and content is not None:
        return mended
    if delta.get("tool_calls") and _mend_calls(delta, seen):
        mended = True
    return _mend_rest(delta, seen, context) or mended


def _flatten(delta: Wire, seen: Seen) -> None:
    """Mistral streams content as parts; clients expect a string."""
    text, reasoning = read.split_content(delta["content"])
    delta["content"] = text
    if reasoning:
        delta.setdefault("reasoning_content", reasoning)
    seen.said(len(text))


def _mend_rest(delta: Wire, seen: Seen, context: RenderContext) -> bool:
    mended = False
    seen.said(len(read.reasoning_text(delta)))
    if not context.show_reasoning:
        for key in (*read.REASONING_KEYS, "reasoning_details"):
            if delta.pop(key, None) is not None:
                mended = True
    for key in _LISTS:
        listed = delta.get(key)
        if type(listed) is list and listed and _number(listed, key, seen):
            mended = True
    refusal = delta.get("refusal")
    if type(refusal) is str:
        seen.said(len(refusal))
    sound = delta.get("audio")
    if type(sound) is dict:
        seen.said(len(sound.get("data") or "") + len(sound.get("transcript") or ""))
        if type(sound.get("expires_at")) is int:
            seen.finish_silently()
    legacy = delta.get("function_call")
    if type(legacy) is dict and (legacy.get("name") or legacy.get("arguments")):
        seen.said(len(legacy.get("arguments") or "") + bool(legacy.get("name")))
    return mended


def _number(listed: list[Any], key: str, seen: Seen) -> bool:
    """Give list entries an index from the second delta on; without one the Python helper raises."""
    mended = False
    start = seen.lists.get(key, 0)
    for offset, entry in enumerate(listed):
        if start and type(entry) is dict and "index" not in entry:
            entry["index"] = start + offset
            mended = True
    seen.lists[key] = start + len(listed)
    return mended


def _mend_calls(delta: Wire, seen: Seen) -> bool:
    entries = delta["tool_calls"]
    if type(entries) is not list:
        del delta["tool_calls"]
        return True
    mended = False
    for position, entry in enumerate(entries):
        if type(entry) is not dict:
            continue
        call, opens = seen.calls.find(entry)
        if opens:
            seen.opened_call(call)
            fixed = _opening(entry, call)
        else:
            fixed = _fragment(entry, call)
        said = call.add(text_of(entry))
        seen.said(len(said))
        if fixed is not None or said != text_of(entry):
            entries[position] = {**(fixed or entry), call.kind: _named(fixed or entry, call, said)}
            mended = True
    return mended


def _named(entry: Wire, call: Call, said: str) -> Wire:
    named = entry.get(call.kind)
    key = "input" if call.kind == "custom" else "arguments"
    return {**(named if type(named) is dict else {}), key: said}


def _opening(entry: Wire, call: Call) -> Wire | None:
    """The fragment that opens a call, complete; None when it is so already."""
    named = entry.get(call.kind)
    if (
        entry.get("index") == call.position
        and entry.get("id") == call.id
        and entry.get("type") == call.kind
        and type(named) is dict
        and type(named.get("input" if call.kind == "custom" else "arguments")) is str
    ):
        return None
    return {**entry, "index": call.position, "id": call.id, "type": call.kind}


def _fragment(entry: Wire, call: Call) -> Wire | None:
    """A later fragment without what was said before; None when it is so already."""
    named = entry.get(kind_of(entry))
    # A null id or name adds nothing, but even a null type takes the place of the first one in the Python helper.
    repeats = entry.get("id") or "type" in entry or (type(named) is dict and named.get("name"))
    odd = type(named) is not dict or type(named.get("arguments", "")) not in (str, type(None))
    if not repeats and not odd and entry.get("index") == call.position:
        return None
    kept = {key: value for key, value in entry.items() if key not in ("id", "type", "function", "custom")}
    kept["index"] = call.position
    kept[call.kind] = {key: value for key, value in (named if type(named) is dict else {}).items() if key != "name"}
    return kept
