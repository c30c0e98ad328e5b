"""One schema without references, keyword by keyword, in the words that Google reads.

What Google refuses or ignores is said otherwise, said in the description, or left out; each of them is a change that `changed`
is told. The result allows what the schema allows, and perhaps more, never less.
Source: https://ai.google.dev/api/generate-content#GenerationConfig (responseJsonSchema), .../docs/structured-output
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from translators.formats import Wire, json

_TYPES = frozenset({"string", "number", "integer", "boolean", "object", "array", "null"})
_FORMATS = frozenset({"date-time", "date", "time", "int32", "int64", "float", "double"})
_SAID = (
    "pattern",
    "minLength",
    "maxLength",
    "multipleOf",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "default",
    "exclusiveMinimum",
    "exclusiveMaximum",
)
"""Keywords that the description says instead."""

_ELSEWHERE = frozenset({"$defs", "definitions", "nullable", "const", "enum"})
"""Keywords that are not read one by one."""

_SAID_LIMIT = 200
"""The longest keyword, in characters of JSON, that is said in a description."""

Walk = Callable[[Any, str, int, tuple[str, ...]], Wire]


class Keywords:
    """Reads one schema. `walk` renders a schema inside it, `changed` is told pointer, action and detail."""

    def __init__(
        self,
        walk: Walk,
        changed: Callable[[str, str, str], None],
        node: Wire,
        pointer: str,
        depth: int,
        inside: tuple[str, ...],
    ) -> None:
        self._walk, self._changed = walk, changed
        self._node, self._pointer, self._depth, self._inside = node, pointer, depth, inside
        self._out: Wire = {}
        self._said: list[str] = []

    def run(self) -> Wire:
        for key, given in self._node.items():
            read = _READERS.get(key)
            if read is not None:
                read(self, key, given)
            elif key in _SAID:
                self._say(key, given)
            elif key not in _ELSEWHERE:
                self._drop(key, "Google does not read it")
        self._values()
        if self._node.get("nullable") is True:
            self._allow_null()
        if "required" in self._out:
            self._require_known()
        if self._said:
            text = self._out.get("description", "")
            self._out["description"] = f"{text} ({'; '.join(self._said)})".strip()
        return self._out

    def _drop(self, key: str, why: str) -> None:
        self._changed(f"{self._pointer}/{key}", "dropped", why)

    def _say(self, key: str, given: Any) -> None:
        """Say in the description what Google does not read."""
        if key in ("exclusiveMinimum", "exclusiveMaximum") and self._bound(key, given):
            return
        try:
            text = json.dumps(given).decode()
        except (TypeError, ValueError):
            text = ""
        if text and len(text) <= _SAID_LIMIT:
            self._said.append(f"{key}: {text}")
            self._changed(f"{self._pointer}/{key}", "emulated", "the description says it")
        else:
            self._drop(key, "Google does not read it")

    def _bound(self, key: str, given: Any) -> bool:
        """An exclusive bound of whole numbers as an inclusive one. Of others it is said: the bound itself is allowed then."""
        lower = key == "exclusiveMinimum"
        name = "minimum" if lower else "maximum"
        beside = self._node.get(name)
        if type(given) is not int or self._node.get("type") != "integer":
            if type(given) in (int, float) and beside is None:
                self._out[name] = given
            return False
        bound: float = given + 1 if lower else given - 1
        if isinstance(beside, (int, float)) and not isinstance(beside, bool):
            bound = max(bound, beside) if lower else min(bound, beside)
        self._out[name] = bound
        self._changed(f"{self._pointer}/{key}", "reshaped", f"the same as {name}")
        return True

    def _text(self, key: str, given: Any) -> None:
        if isinstance(given, str):
            self._out[key] = given
        else:
            self._drop(key, "it is no text")

    def _number(self, key: str, given: Any) -> None:
        whole = key in ("minItems", "maxItems")
        if isinstance(given, (int, float)) and not isinstance(given, bool) and (not whole or type(given) is int):
            self._out.setdefault(key, given)
        else:
            self._drop(key, "it is no number")

    def _type(self, key: str, given: Any) -> None:
        asked = given if isinstance(given, list) else [given]
        known = [kind.lower() for kind in asked if isinstance(kind, str) and kind.lower() in _TYPES]
        if not known or len(known) < len(asked):  # a type nobody knows may allow anything
            self._drop(key, "it is no type of JSON")
            return
        self._out[key] = known[0] if len(known) == 1 else known
        if self._out[key] != given:
            self._changed(f"{self._pointer}/{key}", "reshaped", "the same type in Google's spelling")

    def _format(self, key: str, given: Any) -> None:
        if isinstance(given, str) and given in _FORMATS:
            self._out[key] = given
        else:
            self._say(key, given)

    def _properties(self, key: str, given: Any) -> None:
        if not isinstance(given, dict):
            self._drop(key, "it is no object")
            return
        self._out[key] = {name: self._child(schema, f"{key}/{_step(name)}") for name, schema in given.items()}

    def _child(self, schema: Any, step: str) -> Wire:
        return self._walk(schema, f"{self._pointer}/{step}", self._depth + 1, self._inside)

    def _items(self, key: str, given: Any) -> None:
        if isinstance(given, list):  # how drafts before 2020-12 spell a tuple
            self._changed(f"{self._pointer}/{key}", "reshaped", "a list of schemas is prefixItems")
            self._schemas("prefixItems", given)
        elif given is True:
            self._drop(key, "it allows anything")
        else:
            self._out[key] = self._child(given, key)

    def _schemas(self, key: str, given: Any) -> None:
        if not isinstance(given, list) or not given:
            self._drop(key, "it is no list of schemas")
            return
        self._out.setdefault(key, [self._child(schema, f"{key}/{index}") for index, schema in enumerate(given)])

    def _choices(self, key: str, given: Any) -> None:
        if "anyOf" in self._out or (key == "oneOf" and "anyOf" in self._node):
            self._drop(key, "Google reads one choice")
            return
        if key == "oneOf":
            self._changed(f"{self._pointer}/{key}", "reshaped", "Google reads it as anyOf")
        self._schemas("anyOf", given)
        if any(not choice for choice in self._out.get("anyOf", ())):
            del self._out["anyOf"]
            self._drop(key, "one of the choices allows anything")

    def _additional(self, key: str, given: Any) -> None:
        if self._node.get("patternProperties"):
            self._drop(key, "it would forbid what patternProperties allows")
        elif isinstance(given, bool):
            self._out[key] = given
        else:
            self._out[key] = self._child(given, key)

    def _required(self, key: str, given: Any) -> None:
        if isinstance(given, list) and all(isinstance(name, str) for name in given):
            self._out[key] = list(dict.fromkeys(given))
        else:
            self._drop(key, "it is no list of names")

    def _require_known(self) -> None:
        """Google refuses a required member that is not described."""
        described = self._out.get("properties", {})
        known = [name for name in self._out["required"] if name in described]
        if len(known) < len(self._out["required"]):
            self._drop("required", "members that are not described cannot be required")
        if known:
            self._out["required"] = known
        else:
            del self._out["required"]

    def _ordering(self, key: str, given: Any) -> None:
        if isinstance(given, list) and all(isinstance(name, str) for name in given):
            self._out[key] = given
        else:
            self._drop(key, "it is no list of names")

    def _values(self) -> None:
        """`enum` and `const`: texts and numbers as they are, `null` as a type of its own, anything else as a type."""
        key = "const" if "const" in self._node else "enum"
        given = [self._node["const"]] if key == "const" else self._node.get("enum")
        if key not in self._node:
            return
        if key == "const" and "enum" in self._node:
            self._drop("enum", "const says it more precisely")
        if not isinstance(given, list) or not given:
            self._drop(key, "it is no list of values")
            return
        plain = [each for each in given if isinstance(each, (str, int, float)) and not isinstance(each, bool)]
        null = None in given
        if len(plain) + null < len(given) or "" in plain:
            self._say(key, given if key == "enum" else given[0])
            self._type_of(given)
        elif not plain:
            self._out["type"] = "null"
            self._changed(f"{self._pointer}/{key}", "reshaped", "the type says it")
        elif null and self._allows_null() and "anyOf" in self._out:
            self._say(key, given)
        elif null and self._allows_null():
            choice: Wire = {"type": self._out.pop("type")} if "type" in self._out else {}
            self._out["anyOf"] = [{**_without_null(choice), "enum": plain}, {"type": "null"}]
            self._changed(f"{self._pointer}/{key}", "reshaped", "null became a choice of its own")
        else:
            self._out["enum"] = plain
            if key == "const" or null:
                self._changed(f"{self._pointer}/{key}", "reshaped", "the same in Google's spelling")

    def _allows_null(self) -> bool:
        kinds = self._out.get("type", "null")
        return "null" in (kinds if isinstance(kinds, list) else [kinds])

    def _type_of(self, values: list[Any]) -> None:
        """The types of values that cannot be listed, where the schema does not say one."""
        if "type" in self._out:
            return
        kinds = list(dict.fromkeys(_kind_of(each) for each in values))
        self._out["type"] = kinds[0] if len(kinds) == 1 else kinds

    def _allow_null(self) -> None:
        """OpenAPI's `nullable` as a type."""
        self._changed(f"{self._pointer}/nullable", "reshaped", "null became one of the types")
        kinds = self._out.get("type")
        if isinstance(kinds, str) and kinds != "null":
            self._out["type"] = [kinds, "null"]
        elif isinstance(kinds, list) and "null" not in kinds:
            self._out["type"] = [*kinds, "null"]
        if "enum" in self._out and "anyOf" in self._out:
            self._say("enum", self._out.pop("enum"))
        elif "enum" in self._out:
            choice: Wire = {key: self._out.pop(key) for key in ("type", "enum") if key in self._out}
            self._out["anyOf"] = [_without_null(choice), {"type": "null"}]
        elif kinds is None and "anyOf" in self._out:
            self._out["anyOf"].append({"type": "null"})


def _without_null(choice: Wire) -> Wire:
    kinds = choice.get("type")
    if not isinstance(kinds, list):
        return choice if kinds != "null" else {key: given for key, given in choice.items() if key != "type"}
    left = [kind for kind in kinds if kind != "null"]
    return {**choice, "type": left[0] if len(left) == 1 else left}


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _kind_of(given: Any) -> str:
    match given:
        case None:
            return "null"
        case bool():
            return "boolean"
        case str():
            return "string"
        case int() | float():
            return "number"
        case list():
            return "array"
        case _:
            return "object"


_READERS: dict[str, Callable[[Keywords, str, Any], None]] = {
    "title": Keywords._text,
    "description": Keywords._text,
    "type": Keywords._type,
    "format": Keywords._format,
    "minimum": Keywords._number,
    "maximum": Keywords._number,
    "minItems": Keywords._number,
    "maxItems": Keywords._number,
    "properties": Keywords._properties,
    "items": Keywords._items,
    "prefixItems": Keywords._schemas,
    "anyOf": Keywords._choices,
    "oneOf": Keywords._choices,
    "additionalProperties": Keywords._additional,
    "required": Keywords._required,
    "propertyOrdering": Keywords._ordering,
}
