"""The definitions of a schema: where a `$ref` leads, and the circles that Google cannot follow.

Google unrolls a definition that contains itself only a few times, so every way round must pass a property that may be left out;
being nullable is not enough. Source: https://ai.google.dev/api/generate-content#GenerationConfig (responseJsonSchema)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from translators.canonical import value
from translators.formats import Wire

_PLACES = ("$defs", "definitions")
_INSIDE = ("items", "prefixItems", "additionalProperties", "anyOf")
"""Keywords of a result whose content is a schema or a list of them; `properties` has them by name, whatever the name."""


@value
class Target:
    """What a reference leads to. `name` is that of a definition, None for any other place in the schema."""

    schema: Any
    name: str | None


class Definitions:
    """The definitions of `root`, under names that are one of a kind although they may stand in two places."""

    def __init__(self, root: Wire) -> None:
        self._root = root
        self._by_reference: dict[str, Target] = {}
        used: set[str] = set()
        for place in _PLACES:
            found = root.get(place)
            for name, schema in found.items() if isinstance(found, dict) else ():
                own = name
                while own in used:
                    own += "_"
                used.add(own)
                self._by_reference[f"#/{place}/{name}"] = Target(schema, own)

    @property
    def count(self) -> int:
        return len(self._by_reference)

    def find(self, reference: Any) -> Target | None:
        """Where `reference` leads; None for what is not in this schema."""
        if not isinstance(reference, str) or not reference.startswith("#"):
            return None
        steps = [unquote(step).replace("~1", "/").replace("~0", "~") for step in reference[1:].split("/")[1:]]
        if len(steps) == 2 and (known := self._by_reference.get(f"#/{steps[0]}/{steps[1]}")) is not None:
            return known
        node: Any = self._root
        for step in steps:
            if isinstance(node, dict) and step in node:
                node = node[step]
            elif isinstance(node, list) and step.isdigit() and int(step) < len(node):
                node = node[int(step)]
            else:
                return None
        return Target(node, None) if reference == "#" or steps else None


def reachable(schema: Wire, definitions: dict[str, Wire]) -> dict[str, Wire]:
    """The definitions that `schema` refers to, or that those refer to, in their order."""
    found: set[str] = set()
    waiting: list[Any] = [schema]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            reference = node.get("$ref")
            if isinstance(reference, str) and (name := name_of(reference)) in definitions and name not in found:
                found.add(name)
                waiting.append(definitions[name])
            waiting += (node.get(key) for key in _INSIDE)
            waiting += node.get("properties", {}).values()
    return {name: definition for name, definition in definitions.items() if name in found}


@value
class _Way:
    """A way from one definition to another: the reference itself, and the last property on it that must be there."""

    name: str
    reference: Wire
    owner: Wire | None
    member: str


def reference_to(name: str) -> str:
    escaped = name.replace("~", "~0").replace("/", "~1")
    return f"#/$defs/{escaped}"


def open_circles(definitions: dict[str, Wire]) -> list[tuple[str, str]]:
    """Edits `definitions` so that every circle can be left, and returns definition and member of each edit.

    A member on the way round is no longer required; where there is none, the reference allows anything.
    """
    edits: list[tuple[str, str]] = []
    finished: set[str] = set()
    for start in definitions:
        if start in finished:
            continue
        path = {start}
        stack = [(start, iter(list(_ways(definitions[start]))))]
        while stack:
            here, ways = stack[-1]
            way = next(ways, None)
            if way is None:
                stack.pop()
                path.discard(here)
                finished.add(here)
            elif way.name in path:
                _open(way)
                edits.append((here, way.member))
            elif way.name not in finished and way.name in definitions:
                path.add(way.name)
                stack.append((way.name, iter(list(_ways(definitions[way.name])))))
    return edits


def _open(way: _Way) -> None:
    if way.owner is None:
        way.reference.clear()
        return
    way.owner["required"] = [name for name in way.owner["required"] if name != way.member]
    if not way.owner["required"]:
        del way.owner["required"]


def _ways(definition: Wire) -> Iterator[_Way]:
    """The references in a definition that every value of it has to follow."""
    waiting: list[tuple[Any, Wire | None, str]] = [(definition, None, "")]
    while waiting:
        node, owner, member = waiting.pop()
        if isinstance(node, list):
            waiting += [(each, owner, member) for each in node]
        if not isinstance(node, dict):
            continue
        if "$ref" in node:
            yield _Way(name_of(node["$ref"]), node, owner, member)
            continue
        for key in _INSIDE:
            waiting.append((node.get(key), owner, member))
        for name, schema in node.get("properties", {}).items():
            if name in node.get("required", ()):
                waiting.append((schema, node, name))


def name_of(reference: str) -> str:
    return reference.removeprefix("#/$defs/").replace("~1", "/").replace("~0", "~")
