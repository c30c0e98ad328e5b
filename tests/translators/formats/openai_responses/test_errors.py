import json

import pytest

from translators.canonical import Reason, RequestError, UpstreamError
from translators.formats.openai_responses import CLIENT, PROVIDER
from translators.formats.openai_responses.errors import failed_code, parse_failure

from .recorded import recorded


def test_the_envelope_always_has_its_four_keys():
    error = RequestError("no", param="input")
    assert CLIENT.render_error(error) == {
        "error": {"message": "no", "type": "invalid_request_error", "param": "input", "code": "invalid_value"}
    }
    assert CLIENT.render_error(RequestError("no", details={"a": 1}))["error"]["details"] == {"a": 1}


def test_an_unknown_chain_keeps_its_code_and_param():
    body = {
        "error": {
            "message": "Previous response with id 'resp_x' not found.",
            "type": "invalid_request_error",
            "param": "previous_response_id",
            "code": "previous_response_not_found",
        }
    }
    error = PROVIDER.parse_error(400, {}, json.dumps(body).encode())
    assert (error.reason, error.status) == (Reason.INVALID_REQUEST, 400)
    assert (error.body.code, error.body.param) == ("previous_response_not_found", "previous_response_id")
    assert not error.falls_forward


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("model-not-found-openai", Reason.NOT_FOUND),
        ("http-errors-nonstreaming-unauthorized", Reason.AUTH),
        ("rejects-interleaved", Reason.INVALID_REQUEST),
    ],
)
def test_recorded_refusals_mean_what_they_say(word, reason):
    recording = recorded(word)
    assert PROVIDER.parse_error(recording.status, recording.headers, recording.error_body()).reason is reason


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("rate_limit_exceeded", Reason.RATE_LIMITED),
        ("insufficient_quota", Reason.QUOTA),
        ("context_length_exceeded", Reason.CONTEXT_LENGTH),
        ("server_error", Reason.ERROR_5XX),
        ("vector_store_timeout", Reason.ERROR_5XX),
        ("invalid_prompt", Reason.INVALID_REQUEST),
        ("image_file_not_found", Reason.INVALID_REQUEST),
        ("bio_policy", Reason.CONTENT_FILTER),
        ("image_content_policy_violation", Reason.CONTENT_FILTER),
    ],
)
def test_a_failure_in_the_stream_has_the_reason_of_its_code_in_every_shape(code, reason):
    error = {"code": code, "message": "it broke", "param": None}
    shapes = [
        {"type": "error", **error},
        {"type": "error", "error": {"type": "x", **error}},
        {"type": "response.failed", "response": {"status": "failed", "error": error}},
    ]
    for shape in shapes:
        failure = parse_failure(shape)
        assert (failure.reason, failure.failure, failure.billed_risk) == (reason, "inband_error", True), shape
        assert "it broke" in str(failure)


def test_a_failure_without_words_is_still_one():
    for shape in ({"type": "error"}, {"type": "error", "error": "boom"}, {"response": {"error": None}}):
        assert parse_failure(shape).reason is Reason.ERROR_5XX


def test_a_status_in_the_event_counts():
    assert parse_failure({"type": "error", "status": 429, "error": {"message": "slow"}}).reason is Reason.RATE_LIMITED


def test_the_code_of_a_failed_response_is_from_the_closed_list():
    assert failed_code(UpstreamError(Reason.RATE_LIMITED, "x")) == "rate_limit_exceeded"
    assert failed_code(UpstreamError(Reason.STREAM_CUT, "x")) == "server_error"
