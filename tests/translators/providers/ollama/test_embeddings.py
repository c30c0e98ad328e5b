import base64
import json
import struct
from pathlib import Path

import pytest

from translators.canonical import Reason, RequestError, UpstreamError
from translators.providers.ollama import PROVIDER
from translators.providers.ollama.embeddings import parse_embeddings, render_embeddings
from translators.providers.provider import ModelFacts

FACTS = ModelFacts(model="nomic-embed-text", context_window=2048)
ANSWER = {"model": "nomic-embed-text", "embeddings": [[0.5, -0.25], [1.0, 0.0]], "prompt_eval_count": 7}
RECORDINGS = Path(__file__).parents[3] / "recordings" / "ollama"


def test_the_request_never_lets_a_text_be_cut():
    body = {"model": "alias", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 2, "user": "u"}
    assert render_embeddings(body, FACTS) == {
        "model": "nomic-embed-text",
        "input": ["a", "b"],
        "truncate": False,
        "dimensions": 2,
        "options": {"num_ctx": 2048},
    }
    assert render_embeddings({"input": "a"}, ModelFacts(model="m")) == {"model": "m", "input": ["a"], "truncate": False}


@pytest.mark.parametrize("given", [[1, 2], [[1, 2]], [], None, 5, ["a", 1]])
def test_token_arrays_are_refused(given):
    with pytest.raises(RequestError) as caught:
        render_embeddings({"input": given}, FACTS)
    assert caught.value.body.param == "input"


def test_floats_come_back_in_order():
    got = parse_embeddings(ANSWER, {"input": ["a", "b"], "encoding_format": "float"})
    assert got == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -0.25]},
            {"object": "embedding", "index": 1, "embedding": [1.0, 0.0]},
        ],
        "model": "nomic-embed-text",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def test_base64_is_little_endian_floats():
    got = parse_embeddings(ANSWER, {"input": ["a", "b"], "encoding_format": "base64"})
    packed = base64.b64decode(got["data"][0]["embedding"])
    assert struct.unpack("<2f", packed) == (0.5, -0.25)


@pytest.mark.parametrize("embeddings", [None, [], [[0.5]], [[0.5], []], [[0.5], ["x"]], [[0.5], [True]]])
def test_an_answer_that_does_not_match_the_input_is_refused(embeddings):
    with pytest.raises(UpstreamError) as caught:
        parse_embeddings({"embeddings": embeddings}, {"input": ["a", "b"]})
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_numbers_too_large_for_base64_are_refused():
    with pytest.raises(UpstreamError):
        parse_embeddings({"embeddings": [[1e300]]}, {"input": "a", "encoding_format": "base64"})


def test_a_recorded_answer_is_read():
    (path,) = RECORDINGS.glob("*ollama-embed*.json")
    exchange = json.loads(path.read_text())
    asked, body = exchange["request"]["body"], exchange["response"]["body_json"]
    vectors = body.get("embeddings") or [body["embedding"]]
    got = parse_embeddings({**body, "embeddings": vectors}, {"input": ["x"] * len(vectors), "model": asked["model"]})
    assert [entry["embedding"] for entry in got["data"]] == vectors


def test_the_provider_offers_them():
    assert PROVIDER.paths["embeddings"] == "/api/embed"
    assert PROVIDER.render_embeddings is render_embeddings
    assert "completions" not in PROVIDER.paths
