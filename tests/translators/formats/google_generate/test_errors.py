import json

import pytest

from translators.canonical import Reason, UpstreamError
from translators.formats.google_generate.errors import parse_error, parse_in_band


def error(status: int, word: str, message: str = "text", *details: dict) -> dict:
    found = {"code": status, "message": message, "status": word}
    return {"error": {**found, "details": list(details)} if details else found}


def refused(status: int, word: str, message: str = "text", *details: dict, listed: bool = False) -> UpstreamError:
    body = error(status, word, message, *details)
    return parse_error(status, {}, json.dumps([body] if listed else body).encode())


def info(reason: str) -> dict:
    return {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com"}


def retry(delay: str) -> dict:
    return {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}


def quota(id: str) -> dict:
    return {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]}


TABLE = [
    (
        400,
        "INVALID_ARGUMENT",
        "API key not valid. Please pass a valid API key.",
        (info("API_KEY_INVALID"),),
        Reason.AUTH,
    ),
    (400, "INVALID_ARGUMENT", "API key expired. Please renew the API key.", (), Reason.AUTH),
    (401, "UNAUTHENTICATED", "Request had invalid authentication credentials.", (), Reason.AUTH),
    (403, "PERMISSION_DENIED", "Vertex AI API has not been used", (info("SERVICE_DISABLED"),), Reason.AUTH),
    (400, "FAILED_PRECONDITION", "User location is not supported for the API use.", (), Reason.REGION),
    (403, "PERMISSION_DENIED", "User location is not supported for the API use.", (), Reason.REGION),
    (400, "FAILED_PRECONDITION", "Please enable billing on project 1.", (), Reason.QUOTA),
    (400, "FAILED_PRECONDITION", "Model tuning is not finished.", (), Reason.UNSUPPORTED),
    (429, "RESOURCE_EXHAUSTED", "Quota", (quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),), Reason.QUOTA),
    (429, "RESOURCE_EXHAUSTED", "Your prepayment credits are depleted.", (), Reason.QUOTA),
    (429, "RESOURCE_EXHAUSTED", "Quota", (quota("GenerateRequestsPerMinute"), retry("34.4s")), Reason.RATE_LIMITED),
    (404, "NOT_FOUND", "models/x is not found for API version v1beta", (), Reason.NOT_FOUND),
    (404, "NOT_FOUND", "Not found: cached content metadata 1.", (), Reason.INVALID_REQUEST),
    (409, "ABORTED", "Conflict", (), Reason.ERROR_5XX),
    (499, "CANCELLED", "The operation was cancelled.", (), Reason.ERROR_5XX),
    (500, "INTERNAL", "An internal error has occurred.", (), Reason.ERROR_5XX),
    (503, "UNAVAILABLE", "The model is overloaded. Please try again later.", (), Reason.ERROR_5XX),
    (504, "DEADLINE_EXCEEDED", "Deadline expired", (), Reason.ERROR_5XX),
    (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1196265) exceeds the maximum number of tokens allowed (1048575).",
        (),
        Reason.CONTEXT_LENGTH,
    ),
    (
        400,
        "INVALID_ARGUMENT",
        "Function call is missing a thought_signature in functionCall parts.",
        (),
        Reason.UNSUPPORTED,
    ),
    (400, "INVALID_ARGUMENT", "Corrupted thought signature.", (), Reason.UNSUPPORTED),
    (400, "INVALID_ARGUMENT", "Please use a valid role: user, model.", (), Reason.INVALID_REQUEST),
]


@pytest.mark.parametrize(("status", "word", "message", "details", "reason"), TABLE)
@pytest.mark.parametrize("listed", [False, True], ids=["alone", "in a list"])
def test_a_refusal_means_what_the_table_says(status, word, message, details, reason, listed):
    got = refused(status, word, message, *details, listed=listed)
    assert got.reason is reason
    assert (got.http_status, got.upstream_code) == (status, word)


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("Logprobs is not enabled for models/gemini-2.5-flash", "logprobs"),
        ("Penalty is not enabled for this model", "presence_penalty"),
        ("Multiple candidates is not enabled for this model", "n"),
        ("Thinking level XHIGH is not supported for this model.", "reasoning_effort"),
        ("Unsupported MIME type: image/gif", "messages"),
        ("The specified schema produces a constraint that has too many states for serving.", "response_format"),
        ("Tool use with function calling is unsupported", "tools"),
        ('Invalid JSON payload received. Unknown name "x": Cannot find field.', None),
    ],
)
def test_what_a_model_does_not_support_may_be_tried_elsewhere(message, param):
    got = refused(400, "INVALID_ARGUMENT", message)
    assert (got.reason, got.body.param) == (Reason.UNSUPPORTED, param)
    assert got.falls_forward


def test_apps_find_openais_words_for_a_prompt_that_is_too_long():
    got = refused(
        400, "INVALID_ARGUMENT", "The input token count (9) exceeds the maximum number of tokens allowed (8)."
    )
    assert got.body.code == "context_length_exceeded"
    assert "maximum context length" in got.body.message


@pytest.mark.parametrize(
    ("message", "details", "wait"),
    [
        ("Quota", (retry("34.4s"),), 34.4),
        ("Quota", (retry("100000s"),), None),
        ("Quota. Please retry in 48.93s.", (), 48.93),
        ("Quota", (retry("soon"), 5), None),
        ("Quota", (), None),
    ],
)
def test_the_wait_stands_in_the_details_or_in_the_text(message, details, wait):
    assert refused(429, "RESOURCE_EXHAUSTED", message, *details).retry_after == wait


def test_a_header_wins_over_the_details():
    body = json.dumps(error(429, "RESOURCE_EXHAUSTED", "Quota", retry("34s"))).encode()
    assert parse_error(429, {"retry-after": "2"}, body).retry_after == 2


def test_no_key_and_no_address_comes_through():
    message = "Bad value AIzaSyA1234567890abcdefgh at https://generativelanguage.googleapis.com/v1beta?key=abcdefghijkl"
    got = refused(400, "INVALID_ARGUMENT", message)
    assert "AIza" not in got.body.message
    assert "https" not in got.body.message


@pytest.mark.parametrize(
    "body", [b"", b"<html>502</html>", b"oops", b"[]", b"[5]", b'{"error": "plain"}', b"{}", b"null"]
)
def test_whatever_else_comes_is_read_by_its_status(body):
    assert parse_error(503, {}, body).reason is Reason.ERROR_5XX
    assert parse_error(401, {}, body).reason is Reason.AUTH


def test_an_error_inside_an_answer_counts_as_its_own_status():
    got = parse_in_band(error(503, "UNAVAILABLE", "The model is overloaded."))
    assert (got.reason, got.failure, got.http_status, got.billed_risk) == (Reason.ERROR_5XX, "inband_error", 200, True)
    assert parse_in_band({"error": {"message": "x", "status": "RESOURCE_EXHAUSTED"}}).reason is Reason.RATE_LIMITED
    assert parse_in_band({"error": {"message": "x", "code": 200}}).reason is Reason.ERROR_5XX
    assert parse_in_band({"error": "plain"}).failure == "inband_error"
