"""YAML text to plain values, with the position of every key and value. Knows nothing of resources.

The dialect is YAML 1.2 core: `no` and `on` are text, `012` is twelve, `1:30` and `2026-05-10` are text. PyYAML speaks
YAML 1.1, where `regions: [no]` is `[false]`, so its scalar rules are replaced and its constructors not used at all: the
node graph is walked here. A float becomes a `Decimal` of the written digits, so that money is not rounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, ClassVar

import yaml

from .problems import Position, Problem

EXPANSION_LIMIT = 10_000
"""How many nodes of one file may come from aliases and merges ("billion laughs")."""
DEPTH_LIMIT = 64
Path = tuple[str | int, ...]

_TAG = "tag:yaml.org,2002:"
_BOOL = re.compile(r"true|True|TRUE|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_ENDLESS = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# `deny` alone on a line before `reason: …` stands in published policy examples and is no YAML in any version.
_BARE_ACTION = re.compile(r"^(?P<indent>[ ]*)action:[ ]*\n[ ]+(?P<verb>deny|allow|redact)[ ]*\n", re.MULTILINE)

_NO_TAG = "delete the tag, the word after !"

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _CoreLoader(_Base):  # type: ignore[misc, valid-type]  # the C loader where PyYAML was built with it
    """Composes nodes whose scalars are resolved by the YAML 1.2 core schema."""

    yaml_implicit_resolvers: ClassVar[dict[str, list[tuple[str, re.Pattern[str]]]]] = {
        first: [(tag, pattern) for tag, pattern in rules if tag in (_TAG + "null", _TAG + "merge")]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _resolve(kind: str, pattern: re.Pattern[str], first: str) -> None:
    _CoreLoader.add_implicit_resolver(_TAG + kind, re.compile(f"^(?:{pattern.pattern})$"), list(first))


_resolve("bool", _BOOL, "tTfF")
_resolve("int", _INT, "-+0123456789")
_resolve("float", _FLOAT, "-+.0123456789")
_resolve("float", _ENDLESS, "-+.")


@dataclass(slots=True)
class Document:
    """One YAML document. `keys` and `values` hold where each path is written, as (line, column) from 1."""

    source: str
    value: Any = None
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def at(self, path: Path, *, key: bool = False) -> Position:
        """Where the value (or the key) at `path` stands; the nearest place above it when it is absent."""
        places = self.keys if key else self.values
        for length in range(len(path), -1, -1):
            if place := places.get(path[:length]) or self.values.get(path[:length]):
                return Position(self.source, *place)
        return Position(self.source, 1, 1)


def parse(text: str, source: str) -> tuple[list[Document], list[Problem]]:
    """All documents of a file and what is wrong with its YAML. After a syntax error the rest of the file is lost."""
    documents: list[Document] = []
    problems: list[Problem] = []
    budget = _Budget()
    try:
        for node in _nodes(text):
            document = Document(source)
            document.value = _Walk(document, problems, budget).build(node, ())
            documents.append(document)
    except yaml.YAMLError as error:
        problems.append(_syntax(error, text, source))
    except _TooLargeError as error:
        position = Position(source, *_place(error.node))
        problems.append(
            Problem(code="E-YAML", message=str(error), position=position, hint="write it out, in several files")
        )
    except RecursionError:
        position = Position(source, 1, 1)
        problems.append(
            Problem(code="E-YAML", message="nested too deeply", position=position, hint="close its brackets")
        )
    return documents, problems


def plain(value: Any) -> Any:
    """`value` as JSON would have it: a Decimal becomes an int or a float."""
    match value:
        case Decimal():
            return float(value)
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list():
            return [plain(item) for item in value]
        case _:
            return value


class _TooLargeError(Exception):
    def __init__(self, node: yaml.Node, message: str) -> None:
        super().__init__(message)
        self.node = node


@dataclass(slots=True)
class _Budget:
    """How much of a file came from aliases so far."""

    seen: set[int] = field(default_factory=set)
    kept: list[yaml.Node] = field(default_factory=list)  # ids are only unique among living objects
    expanded: int = 0

    def spend(self, node: yaml.Node) -> None:
        if id(node) not in self.seen:
            self.seen.add(id(node))
            self.kept.append(node)
            return
        self.expanded += 1
        if self.expanded > EXPANSION_LIMIT:
            raise _TooLargeError(node, f"aliases expand to more than {EXPANSION_LIMIT} nodes")


@dataclass(slots=True)
class _Walk:
    """Turns the nodes of one document into values."""

    document: Document
    problems: list[Problem]
    budget: _Budget

    def build(self, node: yaml.Node, path: Path) -> Any:
        self.budget.spend(node)
        if len(path) > DEPTH_LIMIT:
            raise _TooLargeError(node, f"nested deeper than {DEPTH_LIMIT} levels")
        self.document.values[path] = _place(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            if node.tag != _TAG + "seq":
                self._report("E-YAML", f"tag {node.tag} is not supported", node, path, _NO_TAG)
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        if node.tag != _TAG + "map":
            self._report("E-YAML", f"tag {node.tag} is not supported", node, path, _NO_TAG)
        result: dict[str, Any] = {}
        for key, value in self._own_pairs(node, path):
            name = self._key(key, path)
            if name is None:
                continue
            if name in result:
                self._report("E-DUP-KEY", f"{name} is given twice in one mapping", key, path, "delete one of the two")
                continue
            self.document.keys[*path, name] = _place(key)
            result[name] = self.build(value, (*path, name))
        for key, value in self._merged_pairs(node, path):
            name = self._key(key, path)
            if name is not None and name not in result:
                self.document.keys[*path, name] = _place(key)
                result[name] = self.build(value, (*path, name))
        return result

    def _own_pairs(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        merges = 0
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                yield key, value
                continue
            merges += 1
            if merges == 2:  # once is enough to say it
                self._report("E-DUP-KEY", "<< is given twice in one mapping", key, path, "write << : [*one, *two]")

    def _merged_pairs(
        self, node: yaml.MappingNode, path: Path, depth: int = 0
    ) -> Iterator[tuple[yaml.Node, yaml.Node]]:
        """What `<<` brings in, nearest first, so that the first of a name wins."""
        if depth > DEPTH_LIMIT:
            raise _TooLargeError(node, "a merge leads back to itself")
        for key, value in node.value:
            if key.tag != _TAG + "merge":
                continue
            for origin in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                self.budget.spend(origin)
                if not isinstance(origin, yaml.MappingNode):
                    hint = "write << : *name, with &name at the mapping that is meant"
                    self._report("E-YAML", "<< takes a mapping or a list of mappings", key, path, hint)
                    continue
                yield from (pair for pair in origin.value if pair[0].tag != _TAG + "merge")
                yield from self._merged_pairs(origin, path, depth + 1)

    def _key(self, node: yaml.Node, path: Path) -> str | None:
        """Keys are text: `8083:` and `on:` are the names "8083" and "on"."""
        if isinstance(node, yaml.ScalarNode) and node.tag != _TAG + "null":
            return str(node.value)
        self._report("E-YAML", "a key must be text", node, path, "write a name before the colon")
        return None

    def _scalar(self, node: yaml.Node, path: Path) -> Any:
        text: str = node.value
        kind = node.tag.removeprefix(_TAG)
        if kind == "str" or node.tag == "!":
            return text
        if kind == "null":
            return None
        if kind == "bool" and _BOOL.fullmatch(text):
            return text.lower() == "true"
        if kind == "int" and _INT.fullmatch(text) and len(text) < 400:
            return int(text, 0) if text[1:2] in ("o", "x") else int(text)
        if kind == "float" and (number := _decimal(text)) is not None:
            return number
        if kind in ("int", "float", "bool"):
            self._report("E-TYPE", f"not a {kind} that can be used", node, path, "write a finite number, or quote it")
        else:
            self._report("E-YAML", f"tag {node.tag} is not supported", node, path, _NO_TAG)
        return None

    def _report(self, code: str, message: str, node: yaml.Node, path: Path, hint: str | None = None) -> None:
        self.problems.append(
            Problem(
                code=code,
                message=message,
                position=Position(self.document.source, *_place(node)),
                path=dotted(path),
                hint=hint,
            )
        )


def dotted(path: Path) -> str:
    """`("spec", "fallback", 1)` as it is shown: "spec.fallback[1]"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _nodes(text: str) -> Iterator[yaml.Node]:
    loader = _CoreLoader(text)
    try:
        while loader.check_node():
            yield loader.get_node()
    finally:
        loader.dispose()


def _decimal(text: str) -> Decimal | None:
    """The number as written; None for infinities and for what a float cannot hold."""
    if not (_FLOAT.fullmatch(text) or _INT.fullmatch(text)) or len(text) > 400:
        return None
    number = Decimal(text)
    return number if number == 0 or abs(number.adjusted()) < 300 else None


def _place(node: yaml.Node) -> tuple[int, int]:
    return node.start_mark.line + 1, node.start_mark.column + 1


def _syntax(error: yaml.YAMLError, text: str, source: str) -> Problem:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    words = [getattr(error, "context", None), getattr(error, "problem", None) or getattr(error, "reason", None)]
    message = ", ".join(word for word in words if word) or "not YAML"
    return Problem(
        code="E-YAML", message=message, position=Position(source, line, column), hint=_syntax_hint(text, line)
    )


def _syntax_hint(text: str, line: int) -> str | None:
    for bare in _BARE_ACTION.finditer(text):
        if abs(text.count("\n", 0, bare.start()) + 2 - line) <= 3:
            return f"write it as a mapping: `action: {{ {bare['verb']}: true, reason: … }}`"
    here = text.split("\n")[line - 1 : line]
    return "indent with spaces: YAML has no tabs" if here and "\t" in here[0] else None
