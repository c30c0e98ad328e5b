"""What Azure's refusals mean, whichever of its layers they come from."""

import json
from typing import Any

import pytest

from translators.canonical import Reason, UpstreamError
from translators.formats.openai_chat import PROVIDER as CHAT
from translators.providers.microsoft import PROVIDER

FILTERED = {
    "hate": {"filtered": False, "severity": "safe"},
    "jailbreak": {"filtered": True, "detected": True},
}
BLOCKED = "The response was filtered due to the prompt triggering Azure OpenAI's content management policy."
UNAUTHORISED = (
    "Unauthorized. Access token is missing, invalid, audience is incorrect (https://cognitiveservices.azure.com), "
    "or have expired."
)


def told(status: int, body: Any, **headers: str) -> UpstreamError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    lower = {name.replace("_", "-"): value for name, value in headers.items()}
    error = PROVIDER.classify(CHAT.parse_error(status, lower, raw), status, lower, raw)
    assert error.http_status == status
    assert "://" not in error.body.message
    return error


def error(code: str | None, message: str, **members: Any) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, **members}}


@pytest.mark.parametrize(
    ("inner", "results"), [("innererror", "content_filter_result"), ("inner_error", "content_filter_results")]
)
@pytest.mark.parametrize("code", ["content_filter", None])
def test_a_blocked_prompt_is_a_content_filter_in_either_spelling(inner, results, code):
    detail = {
        inner: {"code": "ResponsibleAIPolicyViolation", results: FILTERED},
        "type": None,
        "param": "prompt",
        "status": 400,
    }
    found = told(400, error(code, BLOCKED, **detail))
    assert (found.reason, found.status, found.falls_forward) == (Reason.CONTENT_FILTER, 400, False)
    assert (found.body.type, found.body.code, found.body.param) == ("invalid_request_error", "content_filter", "prompt")
    assert found.notes == ("filtered_jailbreak",)
    assert found.billed_risk, "Azure bills the prompt that its filter read"


def test_a_filter_without_findings_is_one_all_the_same():
    found = told(400, error("content_filter", BLOCKED))
    assert (found.reason, found.body.param, found.notes) == (Reason.CONTENT_FILTER, "prompt", ())


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"retry_after_ms": "1500"}, 1.5),
        ({"retry_after_ms": "0", "retry_after": "1"}, 1.0),
        ({"retry_after": "7"}, 7.0),
        ({}, None),
    ],
)
@pytest.mark.parametrize("code", ["429", "RateLimitReached", "too_many_requests"])
def test_a_rate_limit_says_when_to_come_back(code, headers, wait):
    message = (
        "Requests to the ChatCompletions_Create Operation have exceeded token rate limit of your current pricing tier."
    )
    found = told(429, error(code, message), **headers)
    assert (found.reason, found.failure, found.retry_after) == (Reason.RATE_LIMITED, "rate_limited", wait)
    assert (found.body.type, found.body.code) == ("rate_limit_error", "rate_limit_exceeded")


@pytest.mark.parametrize(
    "body",
    [
        error("NoCapacity", "The server has no room."),
        error("429", "The service is temporarily unable to process your request. Please try again later."),
        error("429", "We are currently experiencing high demand."),
    ],
)
def test_a_lack_of_capacity_is_an_overload_and_no_limit_of_ours(body):
    found = told(429, body, retry_after="3")
    assert (found.reason, found.failure, found.retry_after) == (Reason.ERROR_5XX, "overloaded", 3.0)
    assert found.falls_forward


def test_a_missing_deployment_is_the_operators_to_mend():
    message = (
        "The API deployment for this resource does not exist. If you created the deployment within the last 5 minutes, "
        "please wait a moment and try again."
    )
    found = told(404, error("DeploymentNotFound", message))
    assert (found.reason, found.failure, found.upstream_code) == (Reason.NOT_FOUND, "model_gone", "DeploymentNotFound")
    assert told(404, error("404", "Resource not found")).reason is Reason.NOT_FOUND


@pytest.mark.parametrize(
    ("status", "body", "note"),
    [
        (401, error("401", UNAUTHORISED), "wrong_audience"),
        (401, error("401", "Access denied due to invalid subscription key or wrong API endpoint."), None),
        (401, {"statusCode": 401, "message": "Access denied due to missing subscription key."}, None),
        (401, error("PermissionDenied", "Principal does not have access to API/Operation."), "role_missing"),
        (
            403,
            error("AuthenticationTypeDisabled", "Key based authentication is disabled for this resource."),
            "keys_disabled",
        ),
        (403, error("403", "Access denied due to Virtual Network/Firewall rules."), "network_closed"),
        (403, error("403", "Public access is disabled. Please configure private endpoint."), "network_closed"),
        (403, b"<html><body>blocked</body></html>", None),
    ],
)
def test_refused_credentials_are_not_shown_to_the_client_but_their_cause_is_noted(status, body, note):
    found = told(status, body)
    assert (found.reason, found.failure, found.status) == (Reason.AUTH, "credential_rejected", 502)
    assert found.body.message == "The provider rejected the gateway's credentials."
    assert note is None or note in found.notes


@pytest.mark.parametrize(
    ("status", "body", "param", "code"),
    [
        (
            400,
            error(
                "unsupported_parameter",
                "Function tools with reasoning_effort are not supported for gpt-5.4 in /v1/chat/completions. "
                "Please use /v1/responses or set reasoning_effort to 'none'.",
            ),
            "reasoning_effort",
            "unsupported_parameter",
        ),
        (400, error(None, "Unrecognized request argument supplied: reasoning_content"), "reasoning_content", None),
        (400, error(None, "Unrecognized request arguments supplied: a.b, c"), "a.b", None),
        (
            400,
            error(
                "OperationNotSupported",
                "The chatCompletion operation does not work with the specified model, gpt-5-pro.",
            ),
            None,
            "unsupported_operation",
        ),
        (
            422,
            error(
                "Invalid input",
                "invalid input error",
                status=422,
                details=[
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "messages", 1, "x"],
                        "msg": "Extra inputs are not permitted",
                    }
                ],
            ),
            "messages.1.x",
            None,
        ),
        (
            422,
            {
                "detail": [
                    {"type": "extra_forbidden", "loc": ["body", "top_k"], "msg": "Extra inputs are not permitted"}
                ]
            },
            "top_k",
            None,
        ),
        (422, error("Invalid input", "Extra inputs are not permitted"), None, None),
        (
            400,
            error("unsupported_value", "No such value.", param="reasoning_effort"),
            "reasoning_effort",
            "unsupported_value",
        ),
    ],
)
def test_what_the_deployment_cannot_do_names_the_parameter_and_falls_forward(status, body, param, code):
    found = told(status, body)
    assert (found.reason, found.status, found.falls_forward) == (Reason.UNSUPPORTED, 400, True)
    assert (found.body.param, found.body.code) == (param, code or "unsupported_parameter")
    assert found.body.type == "invalid_request_error"


def test_a_prompt_that_is_too_long_says_so_in_openais_words():
    message = "This model's maximum context length is 128000 tokens. However, your messages resulted in 200000 tokens."
    found = told(400, error("context_length_exceeded", message, param="messages"))
    assert (found.reason, found.body.code, found.body.param) == (
        Reason.CONTEXT_LENGTH,
        "context_length_exceeded",
        "messages",
    )


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (408, "http_4xx_retryable"),
        (409, "http_4xx_retryable"),
        (424, "http_4xx_retryable"),
        (499, "http_4xx_retryable"),
    ],
)
def test_what_its_own_parts_did_is_nobodys_request(status, failure):
    found = told(status, error("Failed Dependency", "upstream failed"))
    assert (found.reason, found.failure, found.falls_forward) == (Reason.ERROR_5XX, failure, True)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_errors_of_the_service_are_errors_of_the_service(status):
    found = told(status, error("InternalServerError", "The server had an error."))
    assert (found.reason, found.falls_forward) == (Reason.ERROR_5XX, True)


@pytest.mark.parametrize("body", [b"", b"oops", b"[]", b"7", b'{"error": "x"}', b'{"error": {"details": 5}}'])
@pytest.mark.parametrize("status", [400, 401, 422, 429])
def test_a_body_of_any_shape_is_read(status, body):
    assert isinstance(told(status, body), UpstreamError)
