"""A string that matches a regular expression of the usual kind: literals, classes, groups, alternatives, repetition.

The result is tried against the pattern before it is given out, by an engine that bounds its own backtracking, as the
pattern is the client's. What needs look-around or back-references has no result.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import jsonschema_rs

_CLASSES = {"d": "0123456789", "w": "abcdefghijklmnopqrstuvwxyz0123456789_", "s": " ", "D": "a", "W": "-", "S": "a"}
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_ANY = "abcdefghijklmnopqrstuvwxyz0123456789"
_EVERY = [chr(code) for code in (*range(97, 123), *range(48, 58), *range(65, 91), 32, *range(33, 48), 95)]
_MOST = 64  # the most repetitions tried for the sake of a minimum length
_LONGEST_PATTERN = 1024
_LONGEST = 16_384  # characters; a pattern that asks for more has no result

_Maker = Callable[[int, int], str]
"""Makes a piece of text, repeating optional things `more` times and taking the `turn`-th of equal choices."""


def matching(pattern: str, shortest: int = 0, turn: int = 0) -> str | None:
    """A string of at least `shortest` characters in which `pattern` is found; None when this cannot make one.

    Different `turn`s give different strings where the pattern has room for it.
    """
    if len(pattern) > _LONGEST_PATTERN:
        return None
    try:
        make = _Reader(pattern).read()
        made = make(0, turn)
        for more in range(1, _MOST + 1):
            if len(made) >= shortest:
                break
            made = make(more, turn)
        made = made.ljust(shortest, "x")
        return made if jsonschema_rs.is_valid({"pattern": pattern}, made) else None
    except (IndexError, ValueError, RecursionError):  # a pattern that cannot be read, here or there
        return None


class _Reader:
    """Recursive descent over the pattern; `_at` is the next character."""

    def __init__(self, pattern: str) -> None:
        self._pattern = pattern
        self._at = 0

    def read(self) -> _Maker:
        make = self._alternatives()
        if self._at < len(self._pattern):
            raise ValueError(self._pattern)
        return make

    def _peek(self) -> str:
        return self._pattern[self._at] if self._at < len(self._pattern) else ""

    def _take(self) -> str:
        taken = self._pattern[self._at]
        self._at += 1
        return taken

    def _alternatives(self) -> _Maker:
        options = [self._sequence()]
        while self._peek() == "|":
            self._take()
            options.append(self._sequence())
        return lambda more, turn: options[turn % len(options)](more, turn)

    def _sequence(self) -> _Maker:
        parts: list[_Maker] = []
        while self._peek() not in ("", "|", ")"):
            parts.append(self._repeated(self._piece()))
        return lambda more, turn: "".join(part(more, turn) for part in parts)

    def _piece(self) -> _Maker:
        match self._take():
            case "^" | "$":
                return lambda more, turn: ""
            case ".":
                return _one_of(_ANY)
            case "(":
                return self._group()
            case "[":
                return _one_of(self._class())
            case "\\":
                return self._escape()
            case literal:
                return lambda more, turn: literal

    def _group(self) -> _Maker:
        if self._peek() == "?":
            self._take()
            kind = self._take()
            if kind == "P" or (kind == "<" and self._peek() not in ("=", "!")):
                while self._take() != ">":
                    pass
            elif kind != ":":
                raise ValueError("look-around")
        make = self._alternatives()
        if self._take() != ")":
            raise ValueError("a group that does not end")
        return make

    def _escape(self) -> _Maker:
        letter = self._take()
        if letter in ("b", "B", "A", "Z", "z"):
            return lambda more, turn: ""
        if letter in "123456789":
            raise ValueError("a back-reference")
        return _one_of(self._escaped(letter))

    def _escaped(self, letter: str) -> str:
        if letter in _CLASSES:
            return _CLASSES[letter]
        if letter in ("x", "u"):
            size = 2 if letter == "x" else 4
            code = self._pattern[self._at : self._at + size]
            self._at += size
            return chr(int(code, 16))
        return _ESCAPES.get(letter, letter)

    def _class(self) -> str:
        """The characters a class allows, in order; of an excluding one, those of the keyboard that are left."""
        excludes = self._peek() == "^"
        if excludes:
            self._take()
        found: list[str] = []
        first = True
        while first or self._peek() != "]":
            first = False
            character = self._take()
            members = self._escaped(self._take()) if character == "\\" else character
            if self._peek() == "-" and self._pattern[self._at + 1] != "]" and len(members) == 1:
                self._take()
                last = self._take()
                last = self._escaped(self._take()) if last == "\\" else last
                members = "".join(map(chr, range(ord(members), min(ord(last), ord(members) + 255) + 1)))
            found.append(members)
        self._take()
        members = "".join(found)
        return "".join(character for character in _EVERY if character not in members) if excludes else members

    def _repeated(self, make: _Maker) -> _Maker:
        least, most = 1, 1
        match self._peek():
            case "*":
                least, most = 0, _MOST
            case "+":
                least, most = 1, _MOST
            case "?":
                least, most = 0, 1
            case "{" if found := re.compile(r"\{(\d+)(,(\d*))?\}").match(self._pattern, self._at):
                least = int(found[1])
                most = least if found[2] is None else int(found[3]) if found[3] else least + _MOST
                self._at = found.end() - 1
            case _:
                return make
        self._take()
        if self._peek() in ("?", "+"):  # lazy and possessive repetition allow the same strings
            self._take()
        return lambda more, turn: _times(make(more, turn), min(least + more, most))


def _times(text: str, count: int) -> str:
    if len(text) * count > _LONGEST:
        raise ValueError("too long")
    return text * count


def _one_of(characters: str) -> _Maker:
    if not characters:
        raise ValueError("a class of nothing")
    return lambda more, turn: characters[turn % len(characters)]
