import base64
import json
import struct
from pathlib import Path

import pytest

from translators.canonical import Reason, RequestError, UpstreamError
from translators.providers.google import PROVIDER
from translators.providers.google.embeddings import parse_embeddings, render_embeddings
from translators.providers.provider import ModelFacts

RECORDINGS = Path(__file__).parents[3] / "recordings" / "google"
GEMINI = ModelFacts(model="gemini-embedding-001")
VERTEX = ModelFacts(model="gemini-embedding-001", place={"project": "p"})
OLDER = ModelFacts(model="text-embedding-005", place={"project": "p"})
ANSWER = {"embeddings": [{"values": [0.5, -0.25]}, {"values": [1.0, 0.0]}]}


def test_the_gemini_api_wants_the_model_with_every_text():
    body = {"model": "alias", "input": ["a", "b"], "encoding_format": "base64", "dimensions": 2}
    assert render_embeddings(body, GEMINI) == {
        "requests": [
            {"content": {"parts": [{"text": text}]}, "model": "models/gemini-embedding-001", "outputDimensionality": 2}
            for text in ("a", "b")
        ]
    }


def test_vertex_is_told_never_to_cut_a_text():
    assert render_embeddings({"input": "a", "dimensions": 2}, VERTEX) == {
        "requests": [
            {
                "content": {"parts": [{"text": "a"}]},
                "embedContentConfig": {"autoTruncate": False, "outputDimensionality": 2},
            }
        ]
    }
    assert render_embeddings({"input": ["a"], "dimensions": 2}, OLDER) == {
        "instances": [{"content": "a"}],
        "parameters": {"autoTruncate": False, "outputDimensionality": 2},
    }


def test_a_project_named_like_the_model_says_nothing_of_it():
    model = "projects/my-gemini-app/locations/us-central1/publishers/google/models/text-embedding-005"
    assert "instances" in render_embeddings({"input": "a"}, ModelFacts(model=model, place={"project": "p"}))


@pytest.mark.parametrize("given", [[1, 2], [[1, 2]], [], None, 5, ["a", 1]])
def test_token_arrays_are_refused(given):
    with pytest.raises(RequestError) as caught:
        render_embeddings({"input": given}, GEMINI)
    assert caught.value.body.param == "input"


def test_floats_come_back_in_order():
    asked = {"input": ["a", "b"], "model": "alias"}
    got = parse_embeddings({**ANSWER, "usageMetadata": {"promptTokenCount": 7}}, asked)
    assert got == {
        "object": "list",
        "data": [
            {"object": "embedding", "index": 0, "embedding": [0.5, -0.25]},
            {"object": "embedding", "index": 1, "embedding": [1.0, 0.0]},
        ],
        "model": "alias",
        "usage": {"prompt_tokens": 7, "total_tokens": 7},
    }


def test_base64_is_little_endian_floats():
    got = parse_embeddings(ANSWER, {"input": ["a", "b"], "encoding_format": "base64"})
    assert struct.unpack("<2f", base64.b64decode(got["data"][0]["embedding"])) == (0.5, -0.25)


def test_predictions_of_vertex_count_tokens_by_text():
    predictions = [
        {"embeddings": {"values": [0.5], "statistics": {"token_count": 3, "truncated": False}}},
        {"embeddings": {"values": [0.1], "statistics": {"token_count": 4.0}}},
    ]
    got = parse_embeddings({"predictions": predictions}, {"input": ["a", "b"]})
    assert [entry["embedding"] for entry in got["data"]] == [[0.5], [0.1]]
    assert got["usage"]["prompt_tokens"] == 7


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"embeddings": []},
        {"embeddings": [{"values": [0.5]}]},
        {"embeddings": [{"values": [0.5]}, {"values": []}]},
        {"embeddings": [{"values": [0.5]}, {"values": ["x"]}]},
        {"embeddings": [[0.5], [0.5]]},
        {"predictions": [{"embeddings": None}, 5]},
    ],
)
def test_an_answer_that_does_not_match_the_input_is_refused(answer):
    with pytest.raises(UpstreamError) as caught:
        parse_embeddings(answer, {"input": ["a", "b"]})
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "bad_shape")


def test_numbers_too_large_for_base64_are_refused():
    with pytest.raises(UpstreamError):
        parse_embeddings({"embeddings": [{"values": [1e300]}]}, {"input": "a", "encoding_format": "base64"})


def test_a_recorded_exchange_is_ours():
    (path,) = RECORDINGS.glob("google-embeddings-*.json")
    exchange = json.loads(path.read_text())
    asked, answer = exchange["request"]["body"], exchange["response"]["body_json"]
    texts = [request["content"]["parts"][0]["text"] for request in asked["requests"]]
    ours = render_embeddings({"input": texts}, ModelFacts(model=exchange["model"].removeprefix("models/")))
    assert [{k: v for k, v in each.items() if k != "content"} for each in ours["requests"]] == [
        {"model": request["model"]} for request in asked["requests"]
    ]
    got = parse_embeddings(answer, {"input": texts})
    assert [entry["embedding"] for entry in got["data"]] == [entry["values"] for entry in answer["embeddings"]]


def test_the_provider_offers_them():
    assert PROVIDER.render_embeddings is render_embeddings
    assert "embeddings" in PROVIDER.paths
