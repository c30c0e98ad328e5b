"""Errors to clients and from providers."""

import pytest

from translators.canonical import Reason, RequestError
from translators.formats.openai_envelope import parse_error, render_error


def test_the_envelope_has_all_four_keys_and_details_only_when_there_are_any():
    assert render_error(RequestError("no", param="messages")) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "messages", "code": "invalid_value"}
    }
    assert render_error(RequestError("no", details={"a": 1}))["error"]["details"] == {"a": 1}


@pytest.mark.parametrize(
    ("status", "body", "reason", "failure"),
    [
        (
            400,
            b'{"error":{"message":"bad","param":"n","code":"invalid_value"}}',
            Reason.INVALID_REQUEST,
            "rejected_400",
        ),
        (401, b'{"error":"Unauthorized"}', Reason.AUTH, "credential_rejected"),
        (404, b'{"error":"model not found, try pulling it first"}', Reason.NOT_FOUND, "model_gone"),
        (429, b'{"error":{"message":"x","code":"insufficient_quota"}}', Reason.QUOTA, "provider_quota"),
        (503, b'{"error":{"code":503,"message":"Loading model"}}', Reason.ERROR_5XX, "overloaded"),
        (502, b"<html><body>Bad Gateway</body></html>", Reason.ERROR_5XX, "http_5xx"),
    ],
)
def test_a_refusal_is_understood_by_status_and_words(status, body, reason, failure):
    error = parse_error(status, {}, body)
    assert (error.reason, error.failure, error.http_status) == (reason, failure, status)


@pytest.mark.parametrize(
    "body",
    [
        (
            b'{"error":{"message":"This model\'s maximum context length is 8192 tokens. However, your messages resulted in '
            b'9000 tokens.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}'
        ),
        (
            b'{"error":{"code":400,"message":"request (9312 tokens) exceeds the available context size (8192 tokens), try '
            b'increasing it","type":"exceed_context_size_error","n_prompt_tokens":9312,"n_ctx":8192}}'
        ),
        (
            b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens. However, you requested 5000 '
            b'tokens","type":"BadRequestError","param":null,"code":400}'
        ),
        (
            b'{"message":"You passed 894 input characters and requested 4096 output tokens. However, the model\'s context '
            b'length is only 4096 tokens","type":"BadRequestError","param":"input_text","code":400}'
        ),
        b'{"error":"the input length exceeds the context length"}',
        b'{"error":{"message":"prompt is too long: 210000 tokens > 200000 maximum"}}',
    ],
)
def test_a_full_context_is_told_as_openai_tells_it(body):
    error = parse_error(400, {}, body)
    assert error.reason is Reason.CONTEXT_LENGTH
    assert error.failure == "context_too_long"
    assert (error.status, error.body.code) == (400, "context_length_exceeded")
    assert "maximum context length" in error.body.message


def test_a_limit_on_the_output_is_no_full_context():
    body = (
        b'{"error":{"message":"max_tokens is too large: 100000. This model supports at most 16384 completion tokens."}}'
    )
    assert parse_error(400, {}, body).reason is Reason.INVALID_REQUEST
