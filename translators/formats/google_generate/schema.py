"""A JSON Schema in the words that Google reads, and every change that took.

Google refuses or ignores most keywords. Everything here is either the same said otherwise or allows more than before, never less:
an answer that keeps to the client's schema keeps to this one, and the gateway checks it against the client's own afterwards. What
cannot be said as a keyword but may help the model is said in the description.
Source: https://ai.google.dev/api/generate-content#GenerationConfig (responseJsonSchema), .../docs/structured-output
"""

from __future__ import annotations

from typing import Any

from translators.canonical import Transform, value
from translators.formats import Wire

from .schema_keywords import Keywords
from .schema_merge import merged
from .schema_refs import Definitions, name_of, open_circles, reachable, reference_to

DEPTH = 48
NODES = 4000
"""How deep and how large a schema may become. Google refuses less; beyond, a place allows anything."""


@value
class Normalised:
    schema: Wire
    changes: tuple[Transform, ...]


def normalise(schema: Wire, where: str) -> Normalised:
    """`schema` as Google reads it. `where` names it in the list of changes, followed by a JSON pointer into it."""
    return _Normaliser(schema, where).run()


class _Normaliser:
    def __init__(self, root: Wire, where: str) -> None:
        self._root, self._where = root, where
        self._definitions = Definitions(root)
        self._changes: dict[Transform, None] = {}
        self._wanted: dict[str, Any] = {}  # definitions that the result refers to, by name
        self._nodes = 0

    def run(self) -> Normalised:
        schema = self._node(self._root, "", 0, ())
        defined: dict[str, Wire] = {}
        while waiting := [name for name in self._wanted if name not in defined]:
            for name in waiting:
                defined[name] = self._node(self._wanted[name], f"/$defs/{name}", 0, (name,))
        for name, member in open_circles(defined):
            place = f"/$defs/{name}/properties/{member}" if member else f"/$defs/{name}"
            self._changed(place, "reshaped", "it leads back to itself, so it may be left out")
        while "$ref" in schema:  # nothing but a reference: what it leads to stands in its place
            self._changed("/$ref", "reshaped", "the definition was put in its place")
            schema = defined[name_of(schema["$ref"])]
        kept = reachable(schema, defined)
        if len(kept) < self._definitions.count or "definitions" in self._root:
            self._changed("/$defs", "reshaped", "the definitions that something refers to, and no others")
        return Normalised({**schema, "$defs": kept} if kept else schema, tuple(self._changes))

    def _changed(self, pointer: str, action: str, detail: str) -> None:
        self._changes[Transform(self._where + pointer, action, detail)] = None

    def _node(self, node: Any, pointer: str, depth: int, inside: tuple[str, ...]) -> Wire:
        """One schema. `inside` are the definitions that were put in place of a reference on the way here."""
        self._nodes += 1
        if depth > DEPTH or self._nodes > NODES:
            self._changed(pointer, "dropped", "the schema is too large for Google: anything is allowed here")
            return {}
        if not isinstance(node, dict):
            if node is not True:
                self._changed(pointer, "dropped", "what allows nothing cannot be said: anything is allowed here")
            return {}
        if "$ref" in node:
            return self._reference(node, pointer, depth, inside)
        if "allOf" in node:
            return self._all_of(node, pointer, depth, inside)
        return Keywords(self._node, self._changed, node, pointer, depth, inside).run()

    def _reference(self, node: Wire, pointer: str, depth: int, inside: tuple[str, ...]) -> Wire:
        target = self._definitions.find(node["$ref"])
        if target is None:
            self._changed(f"{pointer}/$ref", "dropped", "it leads out of the schema: anything is allowed here")
            return self._node(_without(node, "$ref"), pointer, depth, inside)
        beside = [key for key in node if key not in ("$ref", "$defs", "definitions")]
        mark = target.name if target.name is not None else str(node["$ref"])
        if mark in inside or not beside:
            if beside:
                self._changed(pointer, "dropped", "what stands beside a reference that leads back to itself")
            if target.name is None and mark in inside:
                self._changed(f"{pointer}/$ref", "dropped", "it leads back to itself: anything is allowed here")
                return {}
            if target.name is not None:
                self._wanted.setdefault(target.name, target.schema)
                return {"$ref": reference_to(target.name)}
        return self._inlined(node, pointer, depth, inside)

    def _inlined(self, node: Wire, pointer: str, depth: int, inside: tuple[str, ...]) -> Wire:
        """What a reference leads to, together with what stands beside it: Google allows nothing there."""
        target = self._definitions.find(node["$ref"])
        schema = target.schema if target is not None else True
        self._changed(f"{pointer}/$ref", "reshaped", "the definition was put in its place")
        mark = target.name if target is not None and target.name is not None else str(node["$ref"])
        rest = _without(node, "$ref", "$defs", "definitions")
        joined = self._merged(rest, schema, pointer) if isinstance(schema, dict) else rest if schema is True else schema
        if isinstance(joined, dict) and "$ref" in joined and mark in inside:
            return {}  # definitions that are nothing but each other
        return self._node(joined, pointer, depth + 1, (*inside, mark))

    def _all_of(self, node: Wire, pointer: str, depth: int, inside: tuple[str, ...]) -> Wire:
        """Schemas that must all hold, as one."""
        entries = node["allOf"] if isinstance(node["allOf"], list) else []
        joined = _without(node, "allOf")
        self._changed(f"{pointer}/allOf", "reshaped", "one schema stands for all")
        for position, entry in enumerate(entries):
            if len(entries) == 1 and isinstance(entry, dict):  # a reference alone may stay one
                joined = self._merged(joined, entry, pointer)
                continue
            whole = self._resolved(entry, inside)
            if whole is None:
                self._changed(f"{pointer}/allOf/{position}", "dropped", "it cannot be said together with the others")
                continue
            schema, marks = whole
            inside = (*inside, *marks)
            joined = self._merged(joined, schema, f"{pointer}/allOf/{position}")
        return self._node(joined, pointer, depth + 1, inside)

    def _merged(self, first: Wire, second: Wire, pointer: str) -> Wire:
        lost: list[str] = []
        joined = merged(first, second, lost)
        for key in lost:
            self._changed(f"{pointer}/{key}", "dropped", "only one of two can be said")
        return joined

    def _resolved(self, entry: Any, inside: tuple[str, ...]) -> tuple[Wire, tuple[str, ...]] | None:
        """An entry of `allOf` without its references; None for one that leads back to where it stands."""
        marks: list[str] = []
        while isinstance(entry, dict) and "$ref" in entry:
            target = self._definitions.find(entry["$ref"])
            mark = target.name or str(entry["$ref"]) if target is not None else ""
            if target is None or mark in inside or mark in marks or not isinstance(target.schema, dict):
                return None
            marks.append(mark)
            entry = merged(_without(entry, "$ref"), target.schema, [])
        return (entry, tuple(marks)) if isinstance(entry, dict) else ({}, ()) if entry is True else None


def _without(node: Wire, *keys: str) -> Wire:
    return {key: given for key, given in node.items() if key not in keys}
