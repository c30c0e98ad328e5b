"""Embeddings: what is refused, and that vectors leave in the encoding that was asked for."""

from __future__ import annotations

import base64
import struct
from typing import Any

import pytest

from proxy.server.embeddings import check, render
from translators.canonical import RequestError, UpstreamError


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "input"),
        ({"input": None}, "input"),
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["a", ""]}, "input"),
        ({"input": ["a", 1]}, "input"),
        ({"input": [[]]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["x"] * 2049}, "input"),
        ({"input": [True]}, "input"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "a", "dimensions": 0}, "dimensions"),
        ({"input": "a", "dimensions": "8"}, "dimensions"),
        ({"input": "a", "model": 5}, "model"),
    ],
)
def test_a_bad_request_names_its_member(body: dict[str, Any], param: str) -> None:
    with pytest.raises(RequestError) as refused:
        check(body)
    assert (refused.value.status, refused.value.body.param) == (400, param)


@pytest.mark.parametrize("given", ["a", ["a", "b"], [1, 2], [[1], [2, 3]]])
def test_every_form_of_input_passes(given: Any) -> None:
    check({"input": given, "model": "m"})


def answer(*vectors: Any, **fields: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 3, "total_tokens": 3}, **fields}


def packed(*values: float) -> str:
    return base64.b64encode(struct.pack(f"<{len(values)}f", *values)).decode()


def test_base64_is_little_endian_float32() -> None:
    rendered = render(answer([0.5, -1.0]), base64_wanted=True)
    assert rendered["data"][0]["embedding"] == packed(0.5, -1.0)


def test_a_provider_that_answers_base64_is_unpacked_for_a_client_that_wants_floats() -> None:
    assert render(answer(packed(0.5, 2.0)), base64_wanted=False)["data"][0]["embedding"] == [0.5, 2.0]


def test_rows_leave_in_input_order() -> None:
    shuffled = answer([1.0], [2.0])
    shuffled["data"].reverse()
    rendered = render(shuffled, base64_wanted=False)
    assert [(row["index"], row["embedding"]) for row in rendered["data"]] == [(0, [1.0]), (1, [2.0])]


def test_usage_is_integers_even_when_the_provider_gives_none() -> None:
    usage = render(answer([1.0], usage=None), base64_wanted=False)["usage"]
    assert usage == {"prompt_tokens": 0, "total_tokens": 0}


@pytest.mark.parametrize(
    "data", [None, [{}], [{"index": 0}], [{"index": 0, "embedding": "!"}], [{"index": 0, "embedding": ["x"]}]]
)
def test_a_wrong_shape_is_the_providers_failure(data: Any) -> None:
    with pytest.raises(UpstreamError) as refused:
        render({"data": data}, base64_wanted=False)
    assert refused.value.failure == "bad_shape"
