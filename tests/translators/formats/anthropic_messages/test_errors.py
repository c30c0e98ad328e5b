import json

import pytest

from translators.canonical import Reason
from translators.formats.anthropic_messages.errors import failure_in, parse_error, unsupported


def envelope(kind: str, message: str, code: str | None = None) -> dict:
    error = {"type": kind, "message": message}
    if code is not None:
        error["details"] = {"error_code": code}
    return {"type": "error", "error": error, "request_id": "req_1"}


def refused(status: int, kind: str, message: str, code: str | None = None, **headers: str):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return parse_error(status, named, json.dumps(envelope(kind, message, code)).encode())


# https://platform.claude.com/docs/en/api/errors
TABLE = [
    (
        400,
        "invalid_request_error",
        "messages: at least one message is required",
        Reason.INVALID_REQUEST,
        "rejected_400",
    ),
    (401, "authentication_error", "invalid x-api-key", Reason.AUTH, "credential_rejected"),
    (402, "billing_error", "Your account has a billing issue", Reason.QUOTA, "provider_quota"),
    (403, "permission_error", "Your API key does not have permission", Reason.AUTH, "credential_rejected"),
    (404, "not_found_error", "model: claude-no-more", Reason.NOT_FOUND, "model_gone"),
    (409, "conflict_error", "another request runs", Reason.ERROR_5XX, "http_4xx_retryable"),
    (413, "request_too_large", "Request exceeds the maximum size", Reason.CONTEXT_LENGTH, "context_too_long"),
    (500, "api_error", "Internal server error", Reason.ERROR_5XX, "http_500"),
    (503, "api_error", "cmek is not there", Reason.ERROR_5XX, "overloaded"),
    (504, "timeout_error", "Request timed out", Reason.ERROR_5XX, "http_5xx"),
    (529, "overloaded_error", "Overloaded", Reason.ERROR_5XX, "overloaded"),
]


@pytest.mark.parametrize(("status", "kind", "message", "reason", "failure"), TABLE)
def test_statuses_mean_what_they_mean_everywhere(status, kind, message, reason, failure):
    error = refused(status, kind, message)
    assert (error.reason, error.failure, error.http_status) == (reason, failure, status)


def test_a_rate_limit_says_when_to_come_back():
    error = refused(429, "rate_limit_error", "This request would exceed your rate limit", retry_after="12")
    assert (error.reason, error.retry_after) == (Reason.RATE_LIMITED, 12)
    assert refused(429, "rate_limit_error", "x", x_should_retry="true").reason is Reason.RATE_LIMITED


def test_a_limit_on_spending_does_not():
    error = refused(429, "rate_limit_error", "This organization has reached its spend limit")
    assert (error.reason, error.should_retry, error.status) == (Reason.QUOTA, False, 429)


@pytest.mark.parametrize(
    "code", ["contract_spend_limit_reached", "enforced_spend_limit_reached", "ramp_limit_exceeded"]
)
def test_a_spend_limit_is_known_by_its_code_whatever_the_headers_say(code):
    error = refused(429, "rate_limit_error", "limit", code, retry_after="5")
    assert (error.reason, error.upstream_code) == (Reason.QUOTA, code)


def test_a_busy_host_of_another_vendor_is_no_spend_limit():
    body = b'{"error": {"code": 429, "message": "Resource exhausted", "status": "RESOURCE_EXHAUSTED"}}'
    assert parse_error(429, {}, body).reason is Reason.RATE_LIMITED


@pytest.mark.parametrize(
    "message",
    [
        "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
        "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing.",
    ],
)
def test_a_limit_the_user_set_is_a_quota_though_it_comes_as_a_bad_request(message):
    error = refused(400, "invalid_request_error", message)
    assert (error.reason, error.body.code) == (Reason.QUOTA, "insufficient_quota")
    assert error.falls_forward


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 3333404 tokens > 200000 maximum",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
    ],
)
def test_a_full_context_has_openais_code(message):
    error = refused(400, "invalid_request_error", message)
    assert (error.reason, error.body.code, error.body.param) == (
        Reason.CONTEXT_LENGTH,
        "context_length_exceeded",
        "messages",
    )


def test_a_request_of_too_many_bytes_is_no_full_context_in_words():
    error = refused(413, "request_too_large", "Request exceeds the maximum allowed number of bytes")
    assert error.body.code == "request_too_large"
    assert "context length" not in error.body.message


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("`temperature` is deprecated for this model.", "temperature"),
        ("This model does not support assistant message prefill. The conversation must end with a user message.", None),
        ('"thinking.type.enabled" is not supported for this model. Use adaptive.', "reasoning_effort"),
        ("tool_choice: 'any' is not supported on this model.", None),
        ("Too many strict tools (21). The maximum number of strict tools supported is 20.", "tools"),
        ("Schema is too complex for compilation.", "response_format"),
        ("Thinking may not be enabled when tool_choice forces tool use.", None),
    ],
)
def test_what_another_model_would_take_falls_forward(message, param):
    error = refused(400, "invalid_request_error", message)
    assert (error.reason, error.body.param, error.falls_forward) == (Reason.UNSUPPORTED, param, True)


def test_the_providers_filter_is_named():
    error = refused(400, "invalid_request_error", "Output blocked by content filtering policy")
    assert (error.reason, error.falls_forward) == (Reason.CONTENT_FILTER, False)


def test_an_error_inside_a_stream_is_classified_as_well():
    error = failure_in(envelope("overloaded_error", "Overloaded"))
    assert (error.reason, error.failure, error.http_status, error.billed_risk) == (
        Reason.ERROR_5XX,
        "inband_error",
        200,
        True,
    )
    assert failure_in(envelope("rate_limit_error", "slow down")).reason is Reason.RATE_LIMITED
    assert failure_in(envelope("invalid_request_error", "prompt is too long: 9 > 8")).reason is Reason.CONTEXT_LENGTH
    spent = failure_in(envelope("invalid_request_error", "You have reached your specified API usage limits."))
    assert (spent.reason, spent.failure, spent.http_status) == (Reason.QUOTA, "inband_error", 200)
    assert failure_in(envelope("api_error", "limit", "enforced_spend_limit_reached")).reason is Reason.QUOTA
    assert failure_in({"error": "boom"}).reason is Reason.ERROR_5XX


@pytest.mark.parametrize("body", [b"", b"<html><h1>502</h1>", b"[]", b"null", b"\xff", b'{"error": {"details": 5}}'])
def test_bodies_of_another_shape_leave_the_status(body):
    assert parse_error(502, {}, body).reason is Reason.ERROR_5XX
    assert parse_error(429, {}, body).reason is Reason.RATE_LIMITED


def test_keys_in_a_message_are_masked():
    error = refused(400, "invalid_request_error", "bad key sk-ant-api03-abcdefghijk")
    assert "abcdefghijk" not in error.body.message


def test_a_need_that_is_not_met_names_its_place():
    error = unsupported("n above 1", "n")
    assert (error.reason, error.body.param, str(error)) == (Reason.UNSUPPORTED, "n", "Anthropic cannot take n above 1.")


@pytest.mark.parametrize(
    "message",
    [
        "Number of concurrent connections has exceeded your rate limit",
        "This request would exceed your organization's rate limit of 40,000 input tokens per minute",
    ],
)
def test_a_limit_that_calls_itself_one_of_rate_is_one_without_a_time_to_wait(message):
    assert refused(429, "rate_limit_error", message).reason is Reason.RATE_LIMITED


def test_a_bill_that_is_not_paid_is_a_used_up_quota_in_a_stream_too():
    unpaid = {"type": "billing_error", "message": "Your account is out of credit."}
    error = failure_in({"type": "error", "error": unpaid})
    assert (error.reason, error.failure, error.http_status) == (Reason.QUOTA, "inband_error", 200)
    assert error.body.message == "Your account is out of credit."
