"""What a simulated model says, in no dialect, and what goes wrong while it says it.

A scenario decides what is said, the wire of each simulator how. Nothing here knows a wire format, and nothing here comes
from the code under test.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

CREATED = 1_790_000_000
"""Unix seconds at which every simulated answer was made."""


@dataclass(frozen=True, slots=True)
class Thought:
    """The model thinking. `text` is what a provider shows of it where it was asked to; `redacted`: it never shows it."""

    text: str
    redacted: bool = False


@dataclass(frozen=True, slots=True)
class Say:
    """Text, in the pieces it streams in."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call. `arguments` is compact JSON, so that it is the same text on every wire that carries text."""

    name: str
    arguments: str

    @property
    def parsed(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.arguments)
        return parsed


@dataclass(frozen=True, slots=True)
class Decline:
    """The model refusing, where an API has a place of its own for that (OpenAI's `refusal`)."""

    pieces: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.pieces)


Block: TypeAlias = Thought | Say | Call | Decline


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Usage in OpenAI's way of counting: `cached` and `written` are part of `input`, `reasoning` of `output`."""

    input: int = 20
    output: int = 7
    cached: int = 0
    written: int = 0
    reasoning: int = 0


FaultKind: TypeAlias = Literal[
    "bad_request",
    "auth",
    "forbidden",
    "not_found",
    "rate_limited",
    "quota",
    "overloaded",
    "server_error",
    "context_length",
    "content_filter",
    "gateway",
    "empty",
    "garbage",
]
"""What can go wrong, in words all providers share; each wire has its own status and body for it.

`gateway` is a proxy's HTML page instead of an answer, `empty` an empty body with status 200, `garbage` an error object with
status 200.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`wait` is how long the provider asks to wait, in seconds. `leaks`: its text repeats the key it was sent."""

    kind: FaultKind
    wait: float | None = None
    leaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer, or the beginning of one.

    `ending`: "complete"; "cut" (the connection breaks); "silent" (the body ends in order, but without the provider's own end
    of the answer); "error" (`fault` in the middle of the stream); "hang" (nothing more comes until the peer leaves); "gate" (the rest waits until the client has seen the first
    content). With a `fault` and the ending "complete" there is no answer but an HTTP error. `pause` marks an answer that a
    provider broke off and expects to be asked to go on with.
    """

    blocks: tuple[Block, ...] = ()
    finish: Literal["stop", "length", "content_filter", "refusal", "pause"] = "stop"
    tokens: Tokens = Tokens()
    fault: Fault | None = None
    ending: Literal["complete", "cut", "silent", "error", "hang", "gate"] = "complete"
    choices: tuple[tuple[str, ...], ...] = ()

    @property
    def text(self) -> str:
        return "".join(block.text for block in self.blocks if isinstance(block, Say))

    @property
    def pieces(self) -> tuple[str, ...]:
        return tuple(piece for block in self.blocks if isinstance(block, Say) for piece in block.pieces)

    @property
    def calls(self) -> tuple[Call, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Call))

    @property
    def thoughts(self) -> tuple[Thought, ...]:
        return tuple(block for block in self.blocks if isinstance(block, Thought))

    @property
    def declined(self) -> str:
        return "".join(block.text for block in self.blocks if isinstance(block, Decline))


def compact(value: Any) -> str:
    """JSON without spaces, members in their order: how arguments are compared."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
