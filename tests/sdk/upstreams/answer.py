"""What a scripted model says, in no dialect: each wire in this package spells it in its own.

Nothing here knows a wire format, and nothing here comes from the code under test.
"""

from __future__ import annotations

from dataclasses import dataclass

MODEL = "m-1"
"""The upstream id of every scripted model."""
CREATED = 1_790_000_000
"""Unix seconds at which every answer was made."""


@dataclass(frozen=True, slots=True)
class Call:
    """One tool call. `arguments` is compact JSON, so that it is the same text on every wire."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """Usage in OpenAI's way of counting: `cached` is part of `input`, `reasoning` part of `output`."""

    input: int = 20
    output: int = 7
    cached: int = 4
    reasoning: int = 3

    @property
    def total(self) -> int:
        return self.input + self.output


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer. `pieces` is its text as the model makes it, token by token; `more` are further choices (n > 1).

    `finish` is "stop" or "length"; that calls were made shows in `calls`.
    """

    pieces: tuple[str, ...] = ()
    more: tuple[tuple[str, ...], ...] = ()
    calls: tuple[Call, ...] = ()
    refusal: tuple[str, ...] = ()
    thoughts: tuple[str, ...] = ()
    finish: str = "stop"
    tokens: Tokens = Tokens()

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def logprob(index: int) -> float:
    """The log probability of the token at `index`: any numbers will do, as long as they are not all the same."""
    return -0.25 * (index + 1)
