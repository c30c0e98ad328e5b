import json

import pytest

from translators.canonical import Reason
from translators.formats.ollama_chat.errors import parse_error


@pytest.mark.parametrize(
    ("status", "text", "reason", "param"),
    [
        (400, "registry.ollama.ai/library/gemma3:1b does not support tools", Reason.UNSUPPORTED, "tools"),
        (400, '"llama3.2" does not support thinking', Reason.UNSUPPORTED, "reasoning_effort"),
        (400, '"nomic-embed-text:latest" does not support chat', Reason.UNSUPPORTED, None),
        (400, "this model is missing data required for image input", Reason.UNSUPPORTED, "messages"),
        (404, "model 'nonexistent:latest' not found", Reason.NOT_FOUND, None),
        (404, 'model "m" not found, try pulling it first', Reason.NOT_FOUND, None),
        (400, "the input length exceeds the context length", Reason.CONTEXT_LENGTH, "messages"),
        (
            400,
            "the request exceeds the available context size, try increasing it",
            Reason.CONTEXT_LENGTH,
            "messages",
        ),
        (500, "input length exceeds maximum context length", Reason.CONTEXT_LENGTH, "messages"),
        (400, 'option "seed" must be of type integer', Reason.INVALID_REQUEST, None),
        (401, "unauthorized", Reason.AUTH, None),
        (500, "llama runner process has terminated", Reason.ERROR_5XX, None),
        (
            503,
            "server busy, please try again. maximum pending requests exceeded",
            Reason.ERROR_5XX,
            None,
        ),
    ],
)
def test_ollamas_words_and_statuses(status, text, reason, param):
    error = parse_error(status, {}, json.dumps({"error": text}).encode())
    assert error.reason is reason
    assert error.body.param == param


def test_a_context_error_has_openais_code():
    body = json.dumps({"error": "the input length exceeds the context length"}).encode()
    error = parse_error(400, {}, body)
    assert error.body.code == "context_length_exceeded"
    assert error.status == 400
    assert error.falls_forward


def test_a_refused_capability_lets_another_candidate_try():
    error = parse_error(400, {}, b'{"error": "m does not support tools"}')
    assert error.falls_forward
    assert error.body.message == "m does not support tools"


@pytest.mark.parametrize("body", [b"", b"<html>bad gateway</html>", b"null", b'{"error": null}', b"\xff\xfe"])
def test_a_body_that_says_nothing_is_told_by_its_status(body):
    error = parse_error(502, {}, body)
    assert error.reason is Reason.ERROR_5XX
    assert error.body.message
    assert "<" not in error.body.message
