"""Counting: only with a vocabulary that is on disk, whose hash is right; never by a download, and never for long.

The vocabulary here has a token for each byte and one for "th", so that what is counted is known.
"""

from __future__ import annotations

import asyncio
import base64
import gzip
import hashlib
import inspect
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import tiktoken.load
from hypothesis import given
from hypothesis import strategies as st
from tiktoken.load import load_tiktoken_bpe
from tiktoken_ext import openai_public

from proxy.estimation import Estimate, quick
from proxy.resources import Estimation
from proxy.tokenizers import CL100K, INLINE_CHARS, NATIVE_ERROR, O200K, PIECE, STAND_IN_ERROR, Tokenizers, count, pieces
from tests.proxy.test_estimation import SAMPLES, asked

SETTINGS = Estimation()
RANKS = {**{bytes([number]): number for number in range(256)}, b"th": 256}
VOCABULARY = b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in RANKS.items())
SHA256 = hashlib.sha256(VOCABULARY).hexdigest()
MADE: list[str] = []


def o200k_base() -> dict[str, Any]:
    """As tiktoken's own functions are: they load by a name of their module."""
    MADE.append(O200K)
    ranks = load_tiktoken_bpe("https://vocabularies.invalid/o200k_base.tiktoken", expected_hash=SHA256)
    special = {"<|endoftext|>": 257}
    return {"name": "o200k_base", "pat_str": r"\S+|\s+", "mergeable_ranks": ranks, "special_tokens": special}


def cl100k_base() -> dict[str, Any]:
    ranks = load_tiktoken_bpe("https://vocabularies.invalid/cl100k_base.tiktoken", expected_hash=SHA256)
    return {"name": "cl100k_base", "pat_str": r"\S+|\s+", "mergeable_ranks": ranks, "special_tokens": {}}


CONSTRUCTORS = {O200K: o200k_base, CL100K: cl100k_base}
KEPT_AS = hashlib.sha1(b"https://vocabularies.invalid/o200k_base.tiktoken", usedforsecurity=False).hexdigest()
"""What tiktoken calls the file in its folder."""


class Letters:
    """An encoding that makes a token of each letter, and remembers what it was given, and where."""

    def __init__(self) -> None:
        self.given: list[str] = []
        self.threads: set[int] = set()

    def encode_ordinary(self, text: str) -> list[int]:
        self.given.append(text)
        self.threads.add(threading.get_ident())
        return [0] * len(text)


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No vocabulary of this machine is seen, and tiktoken may not read anything itself."""

    def refuse(address: str, *_: object) -> bytes:
        raise AssertionError(f"tiktoken was about to read {address}")

    MADE.clear()
    monkeypatch.setattr("proxy.tokenizers._PACKAGES", ())
    monkeypatch.setattr(tiktoken.load, "read_file", refuse)
    monkeypatch.setattr(tiktoken.load, "read_file_cached", refuse)


def kept_in(folder: Path, **environ: str) -> Tokenizers:
    return Tokenizers({"TIKTOKEN_CACHE_DIR": str(folder), **environ}, CONSTRUCTORS)


@pytest.fixture
def tokenizers(tmp_path: Path) -> Tokenizers:
    (tmp_path / KEPT_AS).write_bytes(VOCABULARY)
    return kept_in(tmp_path)


async def words(tokenizers: Tokenizers, text: str) -> int:
    """The tokens of `text` alone, or -1 where nothing was counted."""
    none, found = [await tokenizers.exact(asked(each), SETTINGS, "gpt-4o") for each in ("", text)]
    return found.tokens - none.tokens if found.method == f"tiktoken:{O200K}" else -1


# --- where a vocabulary is taken from ---------------------------------------------------------------------------------


async def test_a_vocabulary_in_tiktokens_folder_is_counted_with(tokenizers: Tokenizers) -> None:
    assert tokenizers.available() == O200K
    assert await words(tokenizers, "the path") == 6  # th e _ p a th


@pytest.mark.parametrize("content", [None, b"", VOCABULARY + b"\n", b"\xff not a vocabulary"])
async def test_without_a_vocabulary_that_is_whole_the_estimate_stands(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / KEPT_AS).write_bytes(content)
    tokenizers, request = kept_in(tmp_path), asked("the path")
    assert tokenizers.available() is None
    assert await tokenizers.exact(request, SETTINGS, "gpt-4o") == quick(request, SETTINGS)
    if content is not None:
        assert (tmp_path / KEPT_AS).read_bytes() == content, "tiktoken would have taken the file away"


@pytest.mark.parametrize("environ", [{}, {"TIKTOKEN_CACHE_DIR": ""}, {"DATA_GYM_CACHE_DIR": ""}])
@pytest.mark.parametrize("name", [O200K, CL100K])
async def test_tiktokens_own_encodings_are_never_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], name: str
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tokenizers, request = Tokenizers(environ), asked("the path")
    assert tokenizers.available() is None
    assert (await tokenizers.exact(request, Estimation(tokenizer=name), "m")).method == "size"
    assert os.listdir(tmp_path) == [], "a download would have been kept here"


@pytest.mark.parametrize("name", [O200K, CL100K])
def test_tiktoken_makes_its_encodings_in_the_way_that_is_relied_on(name: str) -> None:
    """Else they are not counted with any more: see `Tokenizers._record`, and find the new way."""
    source = inspect.getsource(openai_public.ENCODING_CONSTRUCTORS[name])
    assert (
        f'load_tiktoken_bpe(\n        "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"' in source
    )
    assert source.count("load") == 1, source


def loads_otherwise() -> dict[str, Any]:
    raise AssertionError("this might download")


def loads_twice() -> dict[str, Any]:
    return {
        **cl100k_base(),
        "mergeable_ranks": load_tiktoken_bpe("https://vocabularies.invalid/x", expected_hash=SHA256),
    }


@pytest.mark.parametrize("constructor", [loads_otherwise, loads_twice, None, print])
async def test_an_encoding_that_loads_in_another_way_is_not_made(tmp_path: Path, constructor: Any) -> None:
    (tmp_path / KEPT_AS).write_bytes(VOCABULARY)
    tokenizers = Tokenizers({"TIKTOKEN_CACHE_DIR": str(tmp_path)}, {O200K: constructor, "cl100k_base": cl100k_base})
    assert tokenizers.available() is None
    assert (await tokenizers.exact(asked("x"), SETTINGS, "gpt-4o")).method == "size"


async def test_the_folders_are_looked_at_in_tiktokens_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    for name in ("first", "second", "data-gym-cache", "empty"):
        (tmp_path / name).mkdir()
    first, second, empty = (str(tmp_path / name) for name in ("first", "second", "empty"))

    def found(kept: str, **environ: str) -> bool:
        file = tmp_path / kept / KEPT_AS
        file.write_bytes(VOCABULARY)
        available = Tokenizers(environ, CONSTRUCTORS).available()
        file.unlink()
        return available is not None

    assert found("first", TIKTOKEN_CACHE_DIR=first, DATA_GYM_CACHE_DIR=second)
    assert found("second", DATA_GYM_CACHE_DIR=second)
    assert found("data-gym-cache")
    assert not found("second", TIKTOKEN_CACHE_DIR=empty, DATA_GYM_CACHE_DIR=second), "the first name alone counts"
    assert not found("data-gym-cache", TIKTOKEN_CACHE_DIR=""), "empty: nothing is kept"
    monkeypatch.chdir(tmp_path / "second")
    assert not found("second", TIKTOKEN_CACHE_DIR=""), "and it does not mean here"


@pytest.mark.parametrize("suffix", ["", ".gz"])
async def test_a_package_may_bring_the_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    folder = tmp_path / "brings_vocabularies" / "data"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise AssertionError('the package itself is not needed')")
    (folder / f"{O200K}.tiktoken{suffix}").write_bytes(gzip.compress(VOCABULARY) if suffix else VOCABULARY)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(
        "proxy.tokenizers._PACKAGES", (("not_installed_at_all", "data"), ("brings_vocabularies", "data"))
    )
    tokenizers = kept_in(tmp_path)
    assert tokenizers.available() == O200K
    assert await words(tokenizers, "the path") == 6


@pytest.mark.parametrize("damaged", [b"", b"no gzip", gzip.compress(VOCABULARY)[:-9], gzip.compress(b"a")])
def test_a_damaged_package_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: bytes) -> None:
    folder = tmp_path / "damaged_vocabularies" / "data"
    folder.mkdir(parents=True)
    (folder / f"{O200K}.tiktoken.gz").write_bytes(damaged)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("proxy.tokenizers._PACKAGES", (("damaged_vocabularies", "data"),))
    assert kept_in(tmp_path).available() is None


def test_a_broken_stream_of_gzip_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    packed = bytearray(gzip.compress(VOCABULARY))
    packed[12:40] = b"\xff" * 28
    test_a_damaged_package_is_as_good_as_none(tmp_path, monkeypatch, bytes(packed))


# --- which encoding, and how sure ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "encoding", "error"),
    [
        ("gpt-5.4-mini", O200K, NATIVE_ERROR),
        ("gpt-4o-mini", O200K, NATIVE_ERROR),
        ("gpt-4.1", O200K, NATIVE_ERROR),
        ("o3-mini", O200K, NATIVE_ERROR),
        ("openai/gpt-oss-20b", O200K, NATIVE_ERROR),
        ("ft:gpt-4o:acme::1", O200K, NATIVE_ERROR),
        ("gpt-4-turbo", CL100K, NATIVE_ERROR),
        ("gpt-35-turbo", CL100K, NATIVE_ERROR),
        ("gpt-3.5-turbo", CL100K, NATIVE_ERROR),
        ("qwen3:8b", O200K, STAND_IN_ERROR),
        ("olmo-2", O200K, STAND_IN_ERROR),
        ("claude-opus-5", O200K, STAND_IN_ERROR),
    ],
)
async def test_the_encoding_is_that_of_the_models_family(
    tmp_path: Path, model: str, encoding: str, error: float
) -> None:
    for address in (
        "https://vocabularies.invalid/o200k_base.tiktoken",
        "https://vocabularies.invalid/cl100k_base.tiktoken",
    ):
        (tmp_path / hashlib.sha1(address.encode(), usedforsecurity=False).hexdigest()).write_bytes(VOCABULARY)
    found = await kept_in(tmp_path).exact(asked("word " * 1_000), SETTINGS, model)
    assert found.method == f"tiktoken:{encoding}"
    assert found.error == pytest.approx(error, abs=0.002)


async def test_an_encoding_that_is_not_on_disk_is_not_replaced_by_an_older_one(tokenizers: Tokenizers) -> None:
    assert (await tokenizers.exact(asked("x"), SETTINGS, "gpt-4")).method == "size", "only o200k is there"


async def test_the_settings_choose_the_encoding_or_none(tokenizers: Tokenizers) -> None:
    async def found(tokenizer: str, model: str) -> Estimate:
        return await tokenizers.exact(asked("word " * 1_000), Estimation(tokenizer=tokenizer), model)

    forced = await found(O200K, "gpt-4")
    assert (forced.method, forced.error) == (f"tiktoken:{O200K}", pytest.approx(STAND_IN_ERROR))
    assert (await found(O200K, "gpt-4o")).error < 0.03
    MADE.clear()
    assert (await found("heuristic", "gpt-4o")).method == "size"
    assert MADE == []


async def test_claude_has_more_tokens_than_the_stand_in_says(tokenizers: Tokenizers) -> None:
    request = asked("word " * 1_000)
    other, claude = [await tokenizers.exact(request, SETTINGS, model) for model in ("qwen3", "anthropic/claude-opus-5")]
    assert claude.tokens == pytest.approx(other.tokens * 1.25, abs=3)


async def test_tools_make_the_count_less_sure_and_cost_claude_more(tokenizers: Tokenizers) -> None:
    tool = {"type": "function", "function": {"name": "f", "description": "word " * 500}}
    request = asked("x", tools=[tool])
    native, other, claude = [await tokenizers.exact(request, SETTINGS, each) for each in ("gpt-4o", "qwen", "claude")]
    assert native.error == pytest.approx(0.4, abs=0.01)
    assert other.tokens - native.tokens == 60
    assert claude.tokens > other.tokens * 1.24 + 300


# --- how it counts ------------------------------------------------------------------------------------------------------


async def test_special_tokens_in_a_text_are_ordinary_text(tokenizers: Tokenizers) -> None:
    assert await words(tokenizers, "<|endoftext|>") == len("<|endoftext|>")


async def test_half_a_surrogate_pair_is_counted(tokenizers: Tokenizers) -> None:
    assert count(Letters(), "\ud83d") == 1
    assert await words(tokenizers, "a") == 1
    assert count(tokenizers._encoding(O200K) or Letters(), "\ud83d") >= 1


@pytest.mark.parametrize("text", ["x" * 1_000_000, " " * 1_000_000, "語" * 1_000_000, "ab" + " " + "y" * 999_000])
def test_the_work_for_a_run_without_a_place_to_cut_is_linear(text: str) -> None:
    letters = Letters()
    assert count(letters, text) == len(text)
    assert max(map(len, letters.given)) <= PIECE, "a tokenizer may take the square of this"
    assert len(letters.given) <= 2 * len(text) / PIECE + 2


@given(st.text(alphabet="ab \n", max_size=300), st.integers(1, 50))
def test_pieces_are_the_text_and_few(text: str, times: int) -> None:
    text = text * times
    cut = pieces(text)
    assert "".join(cut) == text
    assert all(len(piece) <= PIECE for piece in cut)
    assert len(cut) <= 2 * len(text) / PIECE + 2


def test_words_are_not_cut_where_there_are_spaces() -> None:
    cut = pieces("letters " * 10_000)
    assert all(piece.startswith(" ") for piece in cut[1:])
    assert {word for piece in cut for word in piece.split()} == {"letters"}


async def test_the_first_count_loads_off_the_loop_and_once(tmp_path: Path) -> None:
    (tmp_path / KEPT_AS).write_bytes(VOCABULARY)
    threads: set[int] = set()
    loads: list[str] = []

    class Watched(Tokenizers):
        def _load(self, name: str) -> Any:
            threads.add(threading.get_ident())
            loads.append(name)
            return super()._load(name)

    tokenizers = Watched({"TIKTOKEN_CACHE_DIR": str(tmp_path)}, CONSTRUCTORS)
    found = await asyncio.gather(*(tokenizers.exact(asked("the path"), SETTINGS, "gpt-4o") for _ in range(8)))
    assert loads == [O200K]
    assert threading.get_ident() not in threads
    assert len({each.tokens for each in found}) == 1
    assert {each.method for each in found} == {f"tiktoken:{O200K}"}


async def test_a_vocabulary_that_was_not_there_is_not_looked_for_again(tmp_path: Path) -> None:
    tokenizers = kept_in(tmp_path)
    for _ in range(3):
        await tokenizers.exact(asked("x"), SETTINGS, "gpt-4o")
    (tmp_path / KEPT_AS).write_bytes(VOCABULARY)
    assert (await tokenizers.exact(asked("x"), SETTINGS, "gpt-4o")).method == "size"


@pytest.mark.parametrize(("size", "inline"), [(100, True), (INLINE_CHARS + 1, False)])
async def test_only_small_texts_are_counted_on_the_loop(tokenizers: Tokenizers, size: int, *, inline: bool) -> None:
    letters = Letters()
    tokenizers._loaded[O200K] = letters
    await tokenizers.exact(asked("x" * size), SETTINGS, "gpt-4o")
    assert (letters.threads == {threading.get_ident()}) is inline


# --- with the real vocabulary, where this machine has one -----------------------------------------------------------------


def real() -> Tokenizers | None:
    found = Tokenizers()
    return found if found.available() == O200K else None


REAL = real()


@pytest.mark.skipif(REAL is None, reason="o200k_base is not on this machine; nothing is downloaded to try it")
@pytest.mark.parametrize("kind", SAMPLES)
async def test_the_real_vocabulary_counts_what_it_was_written_down_to(kind: str) -> None:
    assert REAL is not None
    tokens, text = SAMPLES[kind]
    assert await words(REAL, text) == tokens
    assert await words(REAL, text * 20) == pytest.approx(20 * tokens, rel=NATIVE_ERROR), "cut in pieces"
