"""Counting: only with a vocabulary that is on disk, whose hash is right; never by a download."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.estimation import quick
from proxy.resources import Estimation
from proxy.tokenizers import PIECE, Tokenizers, count, pieces
from tests.proxy.test_estimation import asked

SETTINGS = Estimation()


class Words:
    """Counts words, and remembers the longest text it was given."""

    def __init__(self) -> None:
        self.longest = 0

    def encode_ordinary(self, text: str) -> list[int]:
        self.longest = max(self.longest, len(text))
        return [0] * len(text.split())


async def test_without_a_vocabulary_the_estimate_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.tokenizers._PACKAGES", ())
    request = asked("hello there")
    tokenizers = Tokenizers(environ={"TIKTOKEN_CACHE_DIR": str(tmp_path)})
    assert tokenizers.available() is None
    assert await tokenizers.exact(request, SETTINGS, "gpt-4o") == quick(request, SETTINGS)


async def test_a_file_with_another_hash_is_no_vocabulary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("proxy.tokenizers._PACKAGES", ())
    (tmp_path / "fb374d419588a4632f3f557e76b4b70aebbca790").write_bytes(b"IQ== 0\n")  # where tiktoken keeps o200k
    tokenizers = Tokenizers(environ={"TIKTOKEN_CACHE_DIR": str(tmp_path)})
    request = asked("hello there")
    assert (await tokenizers.exact(request, SETTINGS, "gpt-4o")).method == "size"


@pytest.mark.parametrize("text", ["x" * 100_000, " " * 100_000, "word " * 20_000])
def test_a_tokenizer_never_sees_more_than_a_piece(text: str) -> None:
    words = Words()
    count(words, text)
    assert 0 < words.longest <= PIECE
    assert "".join(pieces(text)) == text
