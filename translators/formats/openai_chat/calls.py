"""Which tool call a fragment of a streamed answer belongs to, for servers that are careless about it.

OpenAI numbers calls by `index` and names them once. Others send no index, index 0 for every call, a first index of 1, the id
and name on every fragment, arguments as an object or all of them twice. The reader and the relay share this one judgement.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

from translators.formats import json


class Call:
    """One call as far as it was seen. `position` is its dense index within the choice."""

    __slots__ = ("_held", "id", "kind", "name", "position", "text")

    def __init__(self, position: int, identity: str, name: str, kind: Literal["function", "custom"]) -> None:
        self.position = position
        self.id = identity
        self.name = name
        self.kind = kind
        self.text = ""
        self._held = ""  # what may become a "null", which some servers send for no arguments

    def is_complete(self) -> bool:
        """Whether the arguments so far are a whole JSON object."""
        if not self.text.rstrip().endswith("}"):
            return False
        try:
            json.loads(self.text)
        except ValueError:
            return False
        return True

    def add(self, fragment: str) -> str:
        """What `fragment` adds: nothing when it only repeats the arguments that are already whole."""
        if self.kind == "function":
            if fragment and fragment == self.text and self.is_complete():
                return ""
            if not self.text:
                fragment = self._held + fragment
                self._held = fragment if fragment.strip() and "null".startswith(fragment.strip()) else ""
                if self._held:
                    return ""
        self.text += fragment
        return fragment

    def missing(self) -> str:
        """What ends arguments that never came: apps parse them, and an empty text is not JSON."""
        return "{}" if self.kind == "function" and not self.text.strip() else ""


class CallTable:
    """The calls of one choice, in the order they were opened. `seed` makes ids for calls that come without one."""

    def __init__(self, seed: str) -> None:
        self.calls: list[Call] = []
        self._by_index: dict[int, Call] = {}
        self._seed = seed

    def find(self, entry: Mapping[str, Any]) -> tuple[Call, bool]:
        """The call that `entry` of `delta.tool_calls` belongs to, and whether it opens it."""
        index, identity, name = entry.get("index"), entry.get("id") or "", name_of(entry)
        call: Call | None = None
        if type(index) is int:
            call = self._by_index.get(index)
            if call is None and not identity and not name and self.calls:
                call = self.calls[-1]
        elif identity:
            call = self._with_id(identity)
        elif self.calls and not self._is_next(name):
            call = self.calls[-1]
        if call is not None and identity and name and identity != call.id:
            call = self._with_id(identity)  # the index was used for another call before
        if call is not None:
            return call, False
        position = len(self.calls)
        call = Call(position, identity or call_id(self._seed, position), name, kind_of(entry))
        self.calls.append(call)
        if type(index) is int:
            self._by_index[index] = call
        return call, True

    def _with_id(self, identity: str) -> Call | None:
        return next((call for call in reversed(self.calls) if call.id == identity), None)

    def _is_next(self, name: str) -> bool:
        last = self.calls[-1]
        return bool(name) and (name != last.name or last.is_complete())


def call_id(seed: str, position: int) -> str:
    """An id for a call that came without one: the same for the same answer, whether streamed or whole."""
    return "call_" + hashlib.sha256(f"{seed}/{position}".encode()).hexdigest()[:24]


def kind_of(entry: Mapping[str, Any]) -> Literal["function", "custom"]:
    """Some servers send both members, one of them empty (Snowflake): the named one counts."""
    custom = entry.get("custom")
    if entry.get("type") == "custom" or (type(custom) is dict and custom.get("name") and not entry.get("function")):
        return "custom"
    return "function"


def name_of(entry: Mapping[str, Any]) -> str:
    named = entry.get(kind_of(entry))
    name = named.get("name") if type(named) is dict else None
    return name if type(name) is str else ""


def text_of(entry: Mapping[str, Any]) -> str:
    """Arguments or input of a call or fragment, as text. An object, as Ollama and Gemini have it, is written out."""
    kind = kind_of(entry)
    named = entry.get(kind)
    value = named.get("input" if kind == "custom" else "arguments") if type(named) is dict else None
    if value is None:
        return ""
    return value if type(value) is str else json.dumps(value).decode()
