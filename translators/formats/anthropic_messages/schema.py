"""JSON schemas as Anthropic compiles them: a subset. What is not in it is rewritten to the same or said in words, and listed.

"mapped" is a rewriting with the same meaning, "emulated" a rule that only stands in a description now, where nothing enforces it.
A schema that asks for what the subset cannot say at all (a value of any shape, free member names, recursion) is not bindable.
Source: https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations; the SDK's own
transformation; recorded refusals of strict tools.
"""

from __future__ import annotations

import re
from typing import Any

from translators.canonical import Transform
from translators.formats import Wire, json

from .errors import unsupported

_FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"})
_KEPT = frozenset({"type", "title", "description", "default", "required"})
_SILENT = frozenset(
    {"$schema", "$id", "$comment", "$anchor", "examples", "example", "deprecated", "readOnly", "writeOnly"}
)
_DEFINITIONS = ("$defs", "definitions")
# Look-around and back-references are beyond a regular grammar.
_HARD_PATTERN = re.compile(r"\(\?[=!<]|\\[1-9]|\\k<|\\b")
_SHAPES = ("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref", "properties", "items")


_DEPTH = 64  # levels of nesting that are looked at
_PARTS = 10_000  # subschemas, those that references repeat included
_REFERENCES = 1_000  # different ones


class NotBindableError(Exception):
    """The schema asks for what cannot be compiled; the text says for what."""


def bound(schema: Wire, where: str, transforms: list[Transform]) -> Wire:
    """`schema` in the subset. Raises `NotBindableError`, and then has listed nothing."""
    _refuse_recursion(schema)
    listed: list[Transform] = []
    wire = _Binding(schema, where, listed).bind(schema, "")
    transforms += listed
    return wire


class _Binding:
    def __init__(self, root: Wire, where: str, transforms: list[Transform]) -> None:
        self._root = root
        self._where = where
        self._transforms = transforms
        self._parts = self._depth = 0

    def bind(self, node: Any, pointer: str) -> Wire:
        """One subschema."""
        self._parts += 1
        self._depth += 1
        if self._parts > _PARTS or self._depth > _DEPTH:
            raise NotBindableError("a schema of this size")
        if not isinstance(node, dict):
            raise NotBindableError("a value of any shape" if node is True else "a schema that is no object")
        node = self._unwrapped(node, pointer)
        wire = self._bound(node, pointer)
        self._depth -= 1
        return {key: wire[key] for key in node if key in wire} | wire  # in the client's order

    def _bound(self, node: Wire, pointer: str) -> Wire:
        wire = self._definitions(node) if not pointer else {}
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._reference(reference, node, wire, pointer)
        if not any(word in node for word in _SHAPES):
            raise NotBindableError("a value of any shape")
        rest = {key: value for key, value in node.items() if key not in _DEFINITIONS}
        self._refuse_split_members(rest)
        self._choices(rest, wire, pointer)
        self._object(rest, wire, pointer)
        self._array(rest, wire, pointer)
        self._text_rules(rest, wire)
        wire.update({key: rest.pop(key) for key in list(rest) if key in _KEPT})
        self._describe(rest, wire, pointer)
        return wire

    def _unwrapped(self, node: Wire, pointer: str) -> Wire:
        """`allOf` of one part, and nothing else that shapes a value, is that part."""
        parts = node.get("allOf")
        if not isinstance(parts, list) or len(parts) != 1 or not isinstance(parts[0], dict):
            return node
        if any(word in node for word in _SHAPES if word != "allOf"):
            return node
        self._listed(f"{pointer}/allOf", "mapped", "the only part of allOf stands in its place")
        return self._unwrapped({**parts[0], **{key: value for key, value in node.items() if key != "allOf"}}, pointer)

    def _definitions(self, root: Wire) -> Wire:
        """The definitions of the schema, under the one name that is known."""
        made: Wire = {}
        for word in _DEFINITIONS:
            if isinstance(root.get(word), dict) and word != "$defs":
                self._listed(f"/{word}", "mapped", "definitions stand under $defs")
            for name, below in _mapping(root.get(word)).items():
                made[name] = self.bind(below, f"/{word}/{_escaped(name)}")
        return {"$defs": made} if made else {}

    def _reference(self, reference: str, node: Wire, wire: Wire, pointer: str) -> Wire:
        target = _resolved(self._root, reference)
        if target is None:
            raise NotBindableError(f"a schema that is not here ({reference})")
        for key in node:
            if key not in ("$ref", *_DEFINITIONS):
                self._listed(f"{pointer}/{_escaped(key)}", "dropped", "nothing may stand beside a reference")
        word, _, name = reference.removeprefix("#/").partition("/")
        if pointer and word in _DEFINITIONS and "/" not in name:
            return {"$ref": f"#/$defs/{name}"}
        # The root has to say what it is, and only definitions can be referred to.
        self._listed(f"{pointer}/$ref", "mapped", "the schema that it refers to stands in its place")
        below = {key: value for key, value in target.items() if key not in _DEFINITIONS}
        return {**wire, **self.bind(below, pointer)} if isinstance(target, dict) else wire

    def _choices(self, rest: Wire, wire: Wire, pointer: str) -> None:
        if not any(word in rest for word in _SHAPES if word not in ("enum", "const")):
            values = rest.get("enum", [rest.get("const")])
            if not isinstance(values, list) or not values or not all(map(_is_primitive, values)):
                raise NotBindableError("values other than plain ones")
        values = rest.get("enum")
        if isinstance(values, list) and values and all(map(_is_primitive, values)):
            wire["enum"] = rest.pop("enum")
        if "const" in rest and _is_primitive(rest["const"]):
            wire["const"] = rest.pop("const")
        for word in ("anyOf", "oneOf", "allOf"):
            variants = rest.get(word)
            name = "allOf" if word == "allOf" else "anyOf"
            if not isinstance(variants, list) or name in wire:
                continue
            if word == "allOf" and _references(variants):
                raise NotBindableError("allOf with references")
            del rest[word]
            wire[name] = [self.bind(each, f"{pointer}/{word}/{at}") for at, each in enumerate(variants)]
            if word == "oneOf":
                self._listed(f"{pointer}/oneOf", "mapped", "oneOf became anyOf")

    def _refuse_split_members(self, node: Wire) -> None:
        """Objects are closed to members they do not name, so parts that hold at once must all name the same."""
        own, together = _members(node), _variants_of(node, "allOf")
        choices = [*_variants_of(node, "anyOf"), *_variants_of(node, "oneOf")]
        named = [names for part in together if (names := _members(_followed(self._root, part))) is not None]
        if own is not None:
            named.append(own)
        if named:
            found = (_members(_followed(self._root, part)) for part in choices)
            named += [names for names in found if names is not None]
            if any(names != named[0] for names in named):
                raise NotBindableError("an object whose members are named in several places")

    def _object(self, rest: Wire, wire: Wire, pointer: str) -> None:
        if "object" not in _types(rest) and "properties" not in rest:
            return
        free = rest.pop("additionalProperties", None)
        if isinstance(free, dict) or ("properties" not in rest and free is not False):
            raise NotBindableError("an object with members of any name")
        if "type" not in rest:
            rest["type"] = "object"
            self._listed(f"{pointer}/type", "mapped", "it has properties, so it is an object")
        properties = _mapping(rest.pop("properties", None))
        wire["properties"] = {
            name: self.bind(below, f"{pointer}/properties/{_escaped(name)}") for name, below in properties.items()
        }
        wire["additionalProperties"] = False
        if free is not False:
            action = "mapped" if free is None else "reshaped"
            self._listed(f"{pointer}/additionalProperties", action, "no members but those that are named")

    def _array(self, rest: Wire, wire: Wire, pointer: str) -> None:
        if isinstance(rest.get("items"), dict):
            wire["items"] = self.bind(rest.pop("items"), f"{pointer}/items")
        elif "array" in _types(rest) and "prefixItems" not in rest:
            raise NotBindableError("an array of values of any shape")
        if type(rest.get("minItems")) is int and rest["minItems"] in (0, 1):
            wire["minItems"] = rest.pop("minItems")

    def _text_rules(self, rest: Wire, wire: Wire) -> None:
        form = rest.get("format")
        if isinstance(form, str) and form in _FORMATS:
            wire["format"] = rest.pop("format")
        pattern = rest.get("pattern")
        if isinstance(pattern, str) and not _HARD_PATTERN.search(pattern):
            wire["pattern"] = rest.pop("pattern")

    def _describe(self, rest: Wire, wire: Wire, pointer: str) -> None:
        """What is left cannot be compiled: rules go into the description, notes to readers are left out."""
        for key in rest:
            if key in _SILENT:
                self._listed(f"{pointer}/{_escaped(key)}", "mapped", "a note to readers, which binds nothing")
            else:
                self._listed(f"{pointer}/{_escaped(key)}", "emulated", f"{key} stands in the description only")
        where = f"{self._where}{pointer}"
        rules = [f"{key}: {in_words(value, where)}" for key, value in rest.items() if key not in _SILENT]
        if rules:
            said = wire.get("description")
            note = "{" + ", ".join(rules) + "}"
            wire["description"] = f"{said}\n\n{note}" if isinstance(said, str) and said else note

    def _listed(self, pointer: str, action: str, detail: str) -> None:
        self._transforms.append(Transform(f"{self._where}{pointer}", action, detail))


def in_words(schema: Any, where: str) -> str:
    """A schema as text for the model. Raises `UpstreamError(UNSUPPORTED)` for one nested too deep to be written."""
    try:
        return json.dumps(schema).decode()
    except TypeError:
        raise unsupported("a schema that is nested this deep", where) from None


def object_schema(schema: Wire | None, where: str, transforms: list[Transform]) -> Wire:
    """A tool's parameters as `input_schema`: an object at the top, and no choice there. Otherwise as it came."""
    if schema is None:
        return {"type": "object", "properties": {}}
    wire = schema
    target = _followed(schema, schema)
    if target is not schema and isinstance(target, dict):
        wire = {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
        transforms.append(Transform(f"{where}/$ref", "mapped", "the schema that it refers to stands in its place"))
    for word in ("anyOf", "oneOf", "allOf"):
        if isinstance(wire.get(word), list):
            wire = _without_choice(wire, word, where, transforms)
    if wire.get("type") != "object":  # another type no function's arguments can have
        transforms.append(Transform(f"{where}/type", "mapped", "arguments are an object"))
        wire = {**wire, "type": "object"}
    return wire if "properties" in wire or "$ref" in wire else {**wire, "properties": {}}


def _without_choice(schema: Wire, word: str, where: str, transforms: list[Transform]) -> Wire:
    """All properties of all variants, those that every variant requires required; the variants are said in words."""
    variants = [variant for each in schema[word] if isinstance(variant := _followed(schema, each), dict)]
    properties: Wire = {}
    for variant in variants:
        for name, below in _mapping(variant.get("properties")).items():
            known = properties.get(name)
            properties[name] = below if known in (None, below) else {"anyOf": [*_variants(known), below]}
    needed = [set(_names(variant.get("required"))) for variant in variants]
    common = set.union(*needed) if word == "allOf" and needed else set.intersection(*needed) if needed else set()
    rest = {key: value for key, value in schema.items() if key != word}
    required = [*_names(rest.get("required")), *(name for name in properties if name in common)]
    note = f"{word}: {in_words(schema[word], where)}"
    said = rest.get("description")
    transforms.append(Transform(f"{where}/{word}", "emulated", f"{word} at the top stands in the description only"))
    return {
        **rest,
        "description": f"{said}\n\n{note}" if isinstance(said, str) and said else note,
        "properties": {**properties, **_mapping(rest.get("properties"))},
        **({"required": list(dict.fromkeys(required))} if required else {}),
    }


def _variants(schema: Any) -> list[Any]:
    return list(schema["anyOf"]) if isinstance(schema, dict) and schema.keys() == {"anyOf"} else [schema]


def _followed(root: Wire, node: Any) -> Any:
    reference = node.get("$ref") if isinstance(node, dict) else None
    return _resolved(root, reference) if isinstance(reference, str) else node


def optional_count(schema: Any) -> int:
    """How many members of objects may be left out, at any depth."""
    own = 0
    if isinstance(schema, dict):
        required = _names(schema.get("required"))
        own = sum(name not in required for name in _mapping(schema.get("properties")))
    return own + sum(map(optional_count, _below(schema)))


def union_count(schema: Any) -> int:
    """How many members of objects have more than one type, at any depth."""
    own = 0
    if isinstance(schema, dict):
        members = _mapping(schema.get("properties")).values()
        own = sum(isinstance(each, dict) and ("anyOf" in each or len(_types(each)) > 1) for each in members)
    return own + sum(map(union_count, _below(schema)))


def _below(schema: Any) -> list[Any]:
    """The subschemas that stand directly below."""
    if not isinstance(schema, dict):
        return []
    found: list[Any] = []
    for word in ("properties", *_DEFINITIONS):
        found += _mapping(schema.get(word)).values()
    for word in ("anyOf", "oneOf", "allOf", "prefixItems"):
        variants = schema.get(word)
        found += variants if isinstance(variants, list) else ()
    return [*found, schema.get("items")]


def _references(node: Any) -> set[str]:
    """Every reference in a subschema, at any depth."""
    found: set[str] = set()
    waiting = [node]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            if isinstance(each.get("$ref"), str):
                found.add(each["$ref"])
            waiting += each.values()
        elif isinstance(each, list):
            waiting += each
    return found


def _refuse_recursion(root: Wire) -> None:
    """Raises when a reference leads back to where it stands."""
    leads_to: dict[str, set[str]] = {}
    waiting = list(_references(root))
    while waiting:
        reference = waiting.pop()
        if reference not in leads_to:
            leads_to[reference] = {"#"} if reference == "#" else _references(_resolved(root, reference))
            waiting += leads_to[reference]
        if len(leads_to) > _REFERENCES:
            raise NotBindableError("a schema of this size")
    while leads_to:  # take away what leads nowhere, until nothing is left but circles
        ends = {reference for reference, further in leads_to.items() if not further & leads_to.keys()}
        if not ends:
            raise NotBindableError("a schema that contains itself")
        for reference in ends:
            del leads_to[reference]


def _resolved(root: Any, reference: str) -> Any:
    """What an internal reference (`#/…`, RFC 6901) leads to; None for all others."""
    if not reference.startswith("#/"):
        return None
    node = root
    for part in reference[2:].split("/"):
        key = part.replace("~1", "/").replace("~0", "~")
        node = node.get(key) if isinstance(node, dict) else None
    return node


def _members(node: Any) -> frozenset[str] | None:
    """The members that an object names; None for what is no object, or says nothing of members itself."""
    properties = node.get("properties") if isinstance(node, dict) else None
    return frozenset(properties) if isinstance(properties, dict) else None


def _variants_of(node: Wire, word: str) -> list[Any]:
    variants = node.get(word)
    return variants if isinstance(variants, list) else []


def _types(schema: Wire) -> tuple[Any, ...]:
    kind = schema.get("type")
    return tuple(kind) if isinstance(kind, list) else () if kind is None else (kind,)


def _mapping(value: Any) -> Wire:
    return value if isinstance(value, dict) else {}


def _names(value: Any) -> list[str]:
    return [name for name in value if isinstance(name, str)] if isinstance(value, list) else []


def _is_primitive(value: Any) -> bool:
    return value is None or isinstance(value, (str, int, float, bool))


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
