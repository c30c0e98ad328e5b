"""A provider's refusal: its status, its words, its wait."""

import pytest

from translators.canonical import Reason
from translators.formats.upstream_errors import TEXT_LIMIT, by_status, clean, in_band, message_of, retry_after

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"
LATER = "Wed, 21 Oct 2026 07:28:30 GMT"


@pytest.mark.parametrize(
    ("status", "reason", "failure", "client_status", "billed_risk"),
    [
        (400, Reason.INVALID_REQUEST, "rejected_400", 400, False),
        (422, Reason.INVALID_REQUEST, "rejected_400", 400, False),
        (401, Reason.AUTH, "credential_rejected", 502, False),
        (403, Reason.AUTH, "credential_rejected", 502, False),
        (402, Reason.QUOTA, "provider_quota", 429, False),
        (404, Reason.NOT_FOUND, "model_gone", 502, False),
        (408, Reason.ERROR_5XX, "http_4xx_retryable", 502, False),
        (409, Reason.ERROR_5XX, "http_4xx_retryable", 502, False),
        (425, Reason.ERROR_5XX, "http_4xx_retryable", 502, False),
        (413, Reason.CONTEXT_LENGTH, "context_too_long", 413, False),
        (418, Reason.INVALID_REQUEST, "http_other", 400, False),
        (429, Reason.RATE_LIMITED, "rate_limited", 429, False),
        (500, Reason.ERROR_5XX, "http_500", 502, True),
        (501, Reason.UNSUPPORTED, "http_other", 400, False),
        (502, Reason.ERROR_5XX, "http_5xx", 502, True),
        (503, Reason.ERROR_5XX, "overloaded", 502, False),
        (504, Reason.ERROR_5XX, "http_5xx", 502, True),
        (529, Reason.ERROR_5XX, "overloaded", 502, False),
        (599, Reason.ERROR_5XX, "http_other", 502, True),
        (204, Reason.BAD_RESPONSE, "http_other", 502, True),
        (299, Reason.BAD_RESPONSE, "http_other", 502, True),
        (302, Reason.BAD_RESPONSE, "redirect", 502, False),
    ],
)
def test_every_status_has_its_meaning(status, reason, failure, client_status, billed_risk):
    error = by_status(status, {}, message="")
    assert (error.reason, error.failure, error.status, error.billed_risk) == (
        reason,
        failure,
        client_status,
        billed_risk,
    )
    assert error.http_status == status
    assert error.body.message


def test_what_the_client_did_wrong_keeps_the_providers_text_code_and_param():
    error = by_status(422, {}, message="Field required", code="missing", param="messages[0]", type="bad")
    assert (error.status, error.body.message, error.body.code, error.body.param) == (
        400,
        "Field required",
        "missing",
        "messages[0]",
    )
    assert error.body.type == "invalid_request_error"
    assert error.upstream_code == "missing"
    assert not error.falls_forward


@pytest.mark.parametrize(
    ("status", "words", "reason"),
    [
        (429, {"code": "insufficient_quota"}, Reason.QUOTA),
        (400, {"code": "billing_hard_limit_reached"}, Reason.QUOTA),
        (400, {"code": "content_filter"}, Reason.CONTENT_FILTER),
        (400, {"code": "context_length_exceeded"}, Reason.CONTEXT_LENGTH),
        (400, {"code": "API_KEY_INVALID"}, Reason.AUTH),
        (400, {"code": "model_not_found"}, Reason.NOT_FOUND),
        (400, {"type": "invalid_model"}, Reason.NOT_FOUND),
        (400, {"code": "unsupported_parameter"}, Reason.UNSUPPORTED),
        (403, {"code": "unsupported_country_region_territory"}, Reason.REGION),
        (400, {"code": "tool_use_failed"}, Reason.BAD_RESPONSE),
        (501, {"type": "not_supported_error"}, Reason.UNSUPPORTED),
    ],
)
def test_words_say_more_than_the_status(status, words, reason):
    error = by_status(status, {}, message="text", **words)
    assert error.reason is reason
    assert error.http_status == status


def test_the_text_of_a_refused_key_never_leaves():
    error = by_status(401, {}, message="Incorrect API key provided: sk-abcdef123456. Org org-123456789.")
    assert error.body.message == "The provider rejected the gateway's credentials."
    assert error.upstream_code is None


def test_no_wait_is_given_for_what_waiting_does_not_cure():
    headers = {"retry-after": "7"}
    assert by_status(429, headers, message="").retry_after == 7
    assert by_status(503, headers, message="").retry_after == 7
    assert by_status(409, headers, message="").retry_after == 7
    assert by_status(400, headers, message="").retry_after is None
    assert by_status(401, headers, message="").retry_after is None


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2"}, 2),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "9"}, 9),
        ({"retry-after-ms": "0", "retry-after": "1"}, 1),
        ({"retry-after-ms": "0"}, 0),
        ({"retry-after": "3600"}, 300),
        ({"retry-after": "1000000000"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "tomorrow"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": LATER, "date": DATE}, 30),
        ({"retry-after": LATER}, None),
        ({"retry-after": DATE, "date": LATER}, None),
        ({"retry-after": LATER, "date": "yesterday"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:30", "date": DATE}, None),
    ],
)
def test_a_wait_is_taken_only_when_it_makes_sense(headers, seconds):
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"error":{"message":"m","type":"t","code":"c","param":"p"}}', ("m", "t", "c", "p")),
        (b'{"error":{"message":"m","type":"t","code":400,"param":null}}', ("m", "t", None, None)),
        (b'{"error":{"message":"m","code":"400"}}', ("m", None, None, None)),
        (b'{"error":"m"}', ("m", None, None, None)),
        (b'{"error":"Bad Request","message":"m"}', ("m", None, None, None)),
        (b'{"object":"error","message":"m","type":"t","code":40303}', ("m", "t", None, None)),
        (b'{"detail":"m"}', ("m", None, None, None)),
        (b'{"detail":[{"loc":["body","n"],"msg":"too big","type":"v"}]}', ("body.n: too big", None, None, None)),
        (b'{"message":"m"}', ("m", None, None, None)),
        (b'{"errors":[{"message":"a"},{"message":"b"}]}', ("a; b", None, None, None)),
        (b'[{"error":{"message":"m","status":"INVALID_ARGUMENT","code":400}}]', ("m", "INVALID_ARGUMENT", None, None)),
        (b"upstream connect error", ("upstream connect error", None, None, None)),
        (b"<html><h1>502 Bad Gateway</h1></html>", (None, None, None, None)),
        (b"", (None, None, None, None)),
        (b"{}", (None, None, None, None)),
        (b"null", (None, None, None, None)),
        (b"[]", (None, None, None, None)),
        (b'{"error":[]}', (None, None, None, None)),
        (b'{"error":{"message":{"text":1}}}', (None, None, None, None)),
    ],
)
def test_every_shape_of_an_error_body_is_read(body, expected):
    assert message_of(body) == expected


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("fine", "fine"),
        ("two\r\nlines\x00\x1b[31m", "two lines [31m"),
        ("key sk-proj-abcDEF123456 here", "key *** here"),
        ("Authorization: Bearer abc.def-123", "Authorization: ***"),
        ("org-AbCdEf1234567 is out", "*** is out"),
        ("AIzaSyA1234567890abc", "***"),
        ("it was eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln, so", "it was ***, so"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJ4In0.c2ln", "token ***"),
        ("ya29.a0AfH6SMBx-y_z", "***"),
        ('api_key="s3cr3t-value"', "***"),
        ("see https://10.0.0.5:8000/v1?key=1 now", "see (url) now"),
        ("<!DOCTYPE html><html>", ""),
        ("a < b and c > d", "a < b and c > d"),
    ],
)
def test_a_providers_text_is_made_fit_for_a_client(text, shown):
    assert clean(text) == shown


def test_a_long_text_is_cut():
    assert len(clean("x" * 10_000)) == TEXT_LIMIT


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": {"message": "x", "code": 429}}, Reason.RATE_LIMITED),
        ({"error": {"message": "x", "code": "429"}}, Reason.RATE_LIMITED),
        ({"error": {"message": "x", "status_code": 400}}, Reason.INVALID_REQUEST),
        ({"error": {"message": "x", "type": "overloaded_error"}}, Reason.ERROR_5XX),
        ({"error": {"message": "x", "type": "rate_limit_error"}}, Reason.RATE_LIMITED),
        ({"error": {"message": "x", "code": "insufficient_quota"}}, Reason.QUOTA),
        ({"error": {"message": "This model's maximum context length is 5"}}, Reason.CONTEXT_LENGTH),
        ({"error": "it broke"}, Reason.ERROR_5XX),
        ({"error": True}, Reason.ERROR_5XX),
        ([{"error": {"code": 503}}], Reason.ERROR_5XX),
    ],
)
def test_an_error_inside_an_answer_counts_as_the_status_it_carries(body, reason):
    error = in_band(body)
    assert error.reason is reason
    assert error.failure == "inband_error"
    assert error.billed_risk
    assert error.http_status == 200
    assert error.body.message
