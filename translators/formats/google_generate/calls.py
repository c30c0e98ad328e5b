"""Function calls of an answer: their ids where Google gives none, and arguments that arrive member by member.

The Gemini API gives ids from Gemini 3 on, Vertex mostly none. A derived id depends on nothing but the answer, so parsing the
same bytes twice yields the same ids. Vertex can stream arguments as values at JSON paths (RFC 9535): "$.items[0].name".
Source: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling (streaming arguments).
"""

from __future__ import annotations

import base64
import hashlib
import re
from itertools import pairwise
from typing import Any

from translators.canonical import Reason, UpstreamError
from translators.formats import Wire, json

_FIT = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""Ids that OpenAI's clients take as they are."""

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\['((?:[^'\\]|\\.)*)'\]|\[\"((?:[^\"\\]|\\.)*)\"\]")
_INDEX_LIMIT = 10_000


class CallIds:
    """Gives each call of one answer its id: Google's own where it is fit and new, else one derived from the answer."""

    __slots__ = ("_answer", "_count", "_used")

    def __init__(self) -> None:
        self._answer = ""
        self._count = 0
        self._used: set[str] = set()

    def of_answer(self, body: Wire) -> None:
        """What tells this answer from others. The first chunk that says it counts."""
        if not self._answer:
            self._answer = f"{body.get('responseId') or ''}\0{body.get('createTime') or ''}"

    def give(self, given: Any, name: str, arguments: str) -> str:
        id = given if isinstance(given, str) and _FIT.fullmatch(given) and given not in self._used else None
        if id is None:
            id = f"call_{self.derive(name, arguments, self._count)}"
        self._count += 1
        self._used.add(id)
        return id

    def derive(self, *facts: object) -> str:
        """A short word for something of this answer, the same whenever the answer is read."""
        whole = "\0".join((self._answer, *map(str, facts)))
        digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).digest()
        return base64.b32encode(digest[:10]).decode("ascii").lower()


def name_of(call: Wire) -> str:
    name = call.get("name")
    if not isinstance(name, str) or not name:
        raise bad_shape("a tool call without a name")
    return name


def arguments_of(call: Wire) -> str:
    """The arguments as JSON text. A function without parameters may come without any."""
    arguments = call.get("args")
    if arguments is None:
        return "{}"
    if not isinstance(arguments, dict):
        raise bad_shape("arguments that are no object")
    return written(arguments)


def written(value: Wire) -> str:
    """`value` as JSON text. Raises for what can be read but not be written again, as it nests too deep."""
    try:
        return json.dumps(value).decode()
    except TypeError as error:
        raise bad_shape("JSON that cannot be passed on") from error


class PartialArguments:
    """The arguments of a call whose values come one by one, each perhaps in pieces."""

    __slots__ = ("_value",)

    def __init__(self) -> None:
        self._value: Wire = {}

    def read(self, call: Wire) -> None:
        """Take in the next piece of the call."""
        if isinstance(whole := call.get("args"), dict):
            self._value.update(whole)
        pieces = call.get("partialArgs")
        for piece in pieces if isinstance(pieces, list) else ():
            if isinstance(piece, dict):
                self._put(_steps(piece.get("jsonPath")), piece)

    @property
    def text(self) -> str:
        return written(self._value)

    def _put(self, steps: list[str | int], piece: Wire) -> None:
        node: Any = self._value
        for step, following in pairwise(steps):
            node = _child(node, step, [] if isinstance(following, int) else {})
        before = _child(node, steps[-1], None)
        node[steps[-1]] = _grown(before, piece)


def _steps(path: Any) -> list[str | int]:
    """The steps of a path that leads to one place. Raises for what is none: a value nobody can place is a broken call."""
    if not isinstance(path, str) or not path.startswith("$") or len(path) < 2:
        raise bad_shape("an argument without its place")
    steps: list[str | int] = []
    at = 1
    while at < len(path):
        found = _STEP.match(path, at)
        if found is None or (found[2] and int(found[2]) > _INDEX_LIMIT):
            raise bad_shape("an argument without its place")
        quoted = found[3] if found[3] is not None else found[4]
        steps.append(int(found[2]) if found[2] else found[1] or re.sub(r"\\(.)", r"\1", quoted or ""))
        at = found.end()
    return steps


def _child(node: Any, step: str | int, empty: Any) -> Any:
    """What stands at `step`, put there as `empty` if nothing does."""
    if isinstance(step, int):
        if not isinstance(node, list):
            raise bad_shape("an argument without its place")
        node += [None] * (step + 1 - len(node))
        if node[step] is None:
            node[step] = empty
        return node[step]
    if not isinstance(node, dict):
        raise bad_shape("an argument without its place")
    return node.setdefault(step, empty)


def _grown(before: Any, piece: Wire) -> Any:
    """The value with one more piece: only texts come in several."""
    if isinstance(text := piece.get("stringValue"), str):
        return (before if isinstance(before, str) else "") + text
    for kind in ("numberValue", "boolValue"):
        if kind in piece:
            return piece[kind]
    return None if "nullValue" in piece else before


def bad_shape(what: str) -> UpstreamError:
    return UpstreamError(Reason.BAD_RESPONSE, f"The provider sent {what}.", failure="bad_shape", billed_risk=True)
