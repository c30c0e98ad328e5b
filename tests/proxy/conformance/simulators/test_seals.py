"""Blobs only their issuer knows again."""

from __future__ import annotations

import base64

import pytest

from proxy.conformance.simulators.seals import Seals


@pytest.mark.parametrize("dialect", ["anthropic", "google", "openai"])
def test_a_seal_is_known_to_its_issuer_alone(dialect: str) -> None:
    mine, other = Seals("a", dialect), Seals("b", dialect)
    blob = mine.issue(model="m", place="call", about="x").blob
    seal = mine.of(blob)
    assert seal is not None
    assert (seal.name, seal.about) == ("S1", "x")
    assert other.of(blob) is None
    assert mine.of(blob[:-4] + "AAAA") is None
    assert mine.of(None) is None


def test_no_two_are_the_same_and_all_are_base64() -> None:
    seals = Seals("a", "google")
    blobs = [seals.issue(model="m", place="call", about="x").blob for _ in range(3)]
    assert len(set(blobs)) == len(seals) == 3
    assert all(base64.b64decode(blob, validate=True) for blob in blobs)
    assert seals.names([blobs[2], "foreign", blobs[0]]) == ("S3", "?", "S1")
