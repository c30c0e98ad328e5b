import json

import pytest

from translators.canonical import Reason
from translators.providers.llama_cpp import PROVIDER


def refusal(status: int, message: str, type: str, **more):
    body = json.dumps({"error": {"code": status, "message": message, "type": type, **more}}).encode()
    return PROVIDER.classify(PROVIDER.formats[0].parse_error(status, {}, body), status, {}, body)


def test_a_model_that_loads_is_not_ready_rather_than_broken():
    error = refusal(503, "Loading model", "unavailable_error")
    assert (error.reason, error.failure) == (Reason.UNAVAILABLE, "loading")
    assert error.falls_forward
    assert not error.billed_risk
    assert (error.should_retry, error.retry_after) == (True, 2.0)


def test_another_503_is_an_overload():
    assert refusal(503, "no slot available", "unavailable_error").failure == "overloaded"


def test_a_prompt_that_does_not_fit_is_told_with_its_numbers():
    error = refusal(
        400,
        "request (9312 tokens) exceeds the available context size (8192 tokens), try increasing it",
        "exceed_context_size_error",
        n_prompt_tokens=9312,
        n_ctx=8192,
    )
    assert (error.reason, error.body.code) == (Reason.CONTEXT_LENGTH, "context_length_exceeded")
    assert "maximum context length is 8192 tokens" in error.body.message
    assert "resulted in 9312 tokens" in error.body.message


def test_without_numbers_the_servers_words_stay():
    error = refusal(400, "exceeds the available context size", "exceed_context_size_error")
    assert error.reason is Reason.CONTEXT_LENGTH
    assert "available context size" in error.body.message


@pytest.mark.parametrize(
    ("message", "reason", "param"),
    [
        ("tools param requires --jinja flag", Reason.UNSUPPORTED, "tools"),
        ("image input is not supported - hint: you may need to provide the mmproj", Reason.UNSUPPORTED, "messages"),
        ("error: cannot make GET request", Reason.UNSUPPORTED, "messages"),
        ("input (4002 tokens) is too large to process", Reason.CONTEXT_LENGTH, "input"),
        ("Cannot use both json_schema and grammar", Reason.INVALID_REQUEST, "response_format"),
    ],
)
def test_a_500_in_which_nothing_broke(message, reason, param):
    error = refusal(500, message, "server_error")
    assert (error.reason, error.body.param) == (reason, param)
    assert error.http_status == 500


def test_a_500_in_which_something_broke():
    assert refusal(500, "failed to decode", "server_error").reason is Reason.ERROR_5XX


def test_embeddings_that_were_not_switched_on():
    error = refusal(501, "This server does not support embeddings. Start it with `--embeddings`", "not_supported_error")
    assert error.reason is Reason.UNSUPPORTED
