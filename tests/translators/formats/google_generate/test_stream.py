import contextlib
import copy
import json

import pytest

from translators.canonical import Reason, Start, UpstreamError
from translators.formats.google_generate import PROVIDER

from .answering import chunks, document, events

GOOD = document({"text": "a"})
LAST = document({"text": "b"}, reason="STOP")
ERROR = {"error": {"code": 429, "message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}


@pytest.mark.parametrize(
    "broken",
    [
        events(ERROR),
        events([ERROR]),
        json.dumps(ERROR, indent=2).encode() + b"\r\n\r\n",
        json.dumps([ERROR], indent=2).encode() + b"\n\n",
        events({"error": {"message": "Quota exceeded.", "status": "RESOURCE_EXHAUSTED"}}),
    ],
)
def test_an_error_in_the_middle_is_held_back_behind_what_was_good(broken):
    parser = PROVIDER.stream_parser("google:m")
    assert parser.feed(events(GOOD) + broken)
    with pytest.raises(UpstreamError) as caught:
        parser.feed(b"")
    error = caught.value
    assert (error.reason, error.failure, error.billed_risk) == (Reason.RATE_LIMITED, "inband_error", True)
    assert error.body.message == "Quota exceeded."


def test_an_error_at_once_is_raised_at_once():
    for data in (events(ERROR), json.dumps([ERROR]).encode()):
        with pytest.raises(UpstreamError) as caught:
            PROVIDER.stream_parser("google:m").feed(data)
        assert caught.value.reason is Reason.RATE_LIMITED


def test_what_google_calls_broken_fails_before_anything_is_shown():
    body = document({"functionCall": {"name": "x"}}, reason="UNEXPECTED_TOOL_CALL", finishMessage="no such tool: x")
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.stream_parser("google:m").feed(events(body))
    assert (caught.value.reason, caught.value.failure) == (Reason.BAD_RESPONSE, "tool_use_failed")
    assert caught.value.body.message == "no such tool: x"


@pytest.mark.parametrize(
    ("data", "failure"),
    [
        (b"data: {broken\n\n", "sse_garbage"),
        (b'data: {"a": "\xff"}\n\n', "bad_utf8"),
        (b"data: 5\n\n", "bad_shape"),
        (b"data: [1, 2]\n\n", "bad_shape"),
    ],
)
def test_garbage_is_a_failure_of_the_provider(data, failure):
    with pytest.raises(UpstreamError) as caught:
        PROVIDER.stream_parser("google:m").feed(data)
    assert caught.value.failure == failure


JUNK = (None, 5, -1, True, "", "x", [], {}, [1], [None], {"text": 5}, "😀")
EVERYTHING = {
    "responseId": "r",
    "modelVersion": "m",
    "createTime": "2026-04-02T17:03:50Z",
    "promptFeedback": {"blockReason": "SAFETY"},
    "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]},
    "candidates": [
        {
            "index": 0,
            "finishReason": "STOP",
            "continuationToken": "t",
            "content": {
                "role": "model",
                "parts": [
                    {"text": "a", "thought": True, "thoughtSignature": "S"},
                    {"text": "b"},
                    {"functionCall": {"id": "x", "name": "f", "args": {"a": 1}}},
                    {"functionCall": {"name": "g", "partialArgs": [{"jsonPath": "$.a", "stringValue": "x"}]}},
                    {"inlineData": {"mimeType": "image/png", "data": "QQ=="}},
                    {"executableCode": {"code": "1"}},
                    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "1"}},
                ],
            },
            "groundingMetadata": {
                "webSearchQueries": ["q"],
                "groundingChunks": [{"web": {"uri": "u", "title": "t"}}],
                "groundingSupports": [{"segment": {"startIndex": 0, "endIndex": 1}, "groundingChunkIndices": [0]}],
                "searchEntryPoint": {"renderedContent": "x"},
            },
            "citationMetadata": {"citationSources": [{"startIndex": 0, "endIndex": 1, "uri": "u"}]},
            "urlContextMetadata": {"urlMetadata": [{"retrievedUrl": "u", "urlRetrievalStatus": "x"}]},
            "logprobsResult": {
                "chosenCandidates": [{"token": "b", "logProbability": -1}],
                "topCandidates": [{"candidates": [{"token": "b"}]}],
            },
        }
    ],
}


def places(value, path=()):
    if path:
        yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from places(each, (*path, key))


@pytest.mark.parametrize("path", list(places(EVERYTHING)), ids=lambda path: ".".join(map(str, path)))
def test_whatever_stands_in_a_place_is_read_or_is_the_providers_failure(path):
    for junk in JUNK:
        body = copy.deepcopy(EVERYTHING)
        node = body
        for key in path[:-1]:
            node = node[key]
        node[path[-1]] = junk
        with contextlib.suppress(UpstreamError):
            assert chunks(events(body))


def test_half_a_surrogate_pair_reads_as_a_replacement():
    data = events(LAST).replace(b'"b"', b'"\\ud83d"')
    assert "�" in str(chunks(data))


def test_comments_and_an_imitated_end_say_nothing():
    assert chunks(b": ping\n\n" + events(GOOD, LAST) + b"data: [DONE]\n\n") == chunks(events(GOOD, LAST))


def test_a_stream_begins_once():
    assert sum(isinstance(chunk, Start) for chunk in chunks(events(GOOD, GOOD, LAST))) == 1


def test_a_stream_without_anything_was_cut():
    with pytest.raises(UpstreamError) as caught:
        chunks(b"")
    assert caught.value.reason is Reason.STREAM_CUT
