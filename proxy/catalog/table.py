"""The vendored files, and which of their rows a model id means. Nothing of what a row says is understood here.

A file has one row per model or family. A row lists `ids`: ids as the provider spells them, or globs; it starts from its
`group` and from the row it is `like` ("id" of the same file or "file:id" of another), and says what differs. A member that
is null takes back what was inherited: it is unknown. An id with a date means its family, unless it has a row of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Row = Mapping[str, Any]

FILES: Mapping[str, str] = {
    "anthropic": "anthropic",
    "generic-openai": "generic-openai",
    "google": "google",
    "llama-cpp": "local",
    "microsoft": "microsoft",
    "ollama": "local",
    "openai": "openai",
    "vllm": "local",
}
"""Provider to the file that knows its models."""

_FOLDER = Path(__file__).with_name("data")
_OWN = frozenset({"ids", "group", "like", "hosts"})
"""Members that say how a row is found and put together; nobody inherits them."""
_OF_ITS_PLACE = frozenset({"deprecated", "note", "regions", "released", "retires", "vertex"})
"""Members that are true of a model at one provider only."""
_MERGED = ("features", "flags", "price")


class Table:
    """One file, ready to be asked."""

    def __init__(self, name: str, document: Mapping[str, Any]) -> None:
        self.name = name
        self.as_of: str = document["asOf"]
        self.sources: Mapping[str, Row] = document["sources"]
        self.rows: tuple[Row, ...] = tuple(document["models"])
        self._groups: Mapping[str, Row] = document["groups"]
        self._regions: tuple[str, ...] = tuple(document.get("regions", ()))
        self._dated = re.compile(document["dated"], re.IGNORECASE) if "dated" in document else None
        self._exact: dict[str, list[Row]] = {}
        self._globs: list[tuple[str, Row]] = []
        for row in self.rows:
            for identity in row["ids"]:
                if any(mark in identity for mark in "*?["):
                    self._globs.append((identity.lower(), row))
                else:
                    self._exact.setdefault(identity.lower(), []).append(row)
        self._globs.sort(key=lambda found: -len(found[0]))  # the longer a pattern, the less it means

    def find(self, identity: str, host: str = "") -> Row | None:
        """The whole row for `identity`, the most specific one: its own, its family's, a glob's. `host` is who serves it."""
        for spelled in self._spellings(identity.lower()):
            for row in self._exact.get(spelled, ()):
                if _serves(row, host):
                    return self.whole(row)
        for spelled in self._spellings(identity.lower()):
            for pattern, row in self._globs:
                if fnmatchcase(spelled, pattern) and _serves(row, host):
                    return self.whole(row)
        return None

    def whole(self, row: Row) -> Row:
        """`row` with all that it inherits."""
        result: dict[str, Any] = {"regions": self._regions} if self._regions else {}
        if "like" in row:
            result |= self._like(row["like"])
        for part in (self._groups.get(row.get("group", ""), {}), row):
            result = _merged(result, part)
        return result

    def _like(self, reference: str) -> Row:
        other, _, identity = reference.rpartition(":")
        found = (table(other) if other else self).find(identity)
        if found is None:
            raise ValueError(f"{self.name}.json is like {reference}, which has no row")
        return {name: member for name, member in found.items() if not other or name not in _OF_ITS_PLACE}

    def _spellings(self, identity: str) -> tuple[str, ...]:
        """The id as it is, and without its date. Of a fine-tune, the name of what was tuned."""
        if identity.startswith("ft:"):
            identity = ":".join(identity.split(":")[:2])
        if self.name == "local":
            identity = identity.rpartition("/")[2]
        family = identity if self._dated is None else self._dated.sub("", identity)
        return (identity,) if family == identity else (identity, family)


@cache
def table(name: str) -> Table:
    """The file called `name`, read once."""
    return Table(name, orjson.loads((_FOLDER / f"{name}.json").read_bytes()))


def table_of(provider: str) -> Table | None:
    """The file that knows the models of `provider`; None for a provider that nothing is known of."""
    name = FILES.get(provider)
    return None if name is None else table(name)


def is_own_engine(provider: str) -> bool:
    """Whether `provider` is a server that people run themselves, with weights that anybody can have."""
    return FILES.get(provider) == "local"


def version() -> str:
    """The day up to which the newest of the files knows (ISO 8601)."""
    return max(table(name).as_of for name in set(FILES.values()))


def _serves(row: Row, host: str) -> bool:
    hosts = row.get("hosts")
    return hosts is None or any(host == known or host.endswith(f".{known}") for known in hosts)


def _merged(base: Row, part: Row) -> dict[str, Any]:
    result = dict(base)
    for name, member in part.items():
        if name in _OWN or name == "about":
            continue
        if name in _MERGED and name in result:
            member = {key: value for key, value in {**result[name], **member}.items() if value is not None}
        if member is None:
            result.pop(name, None)
        else:
            result[name] = member
    return result
