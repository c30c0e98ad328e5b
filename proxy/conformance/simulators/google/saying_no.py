"""Google's errors: status objects with details, as recorded from the Gemini API and Vertex AI."""

from __future__ import annotations

import json
from typing import Any

from proxy.conformance.simulators.script import Fault
from proxy.conformance.simulators.server import RefusedError, Reply, json_reply, sse

_SERVICE = {"service": "generativelanguage.googleapis.com"}
_KEY_INVALID = "API key not valid. Please pass a valid API key."
_KEY_DETAILS = (
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": _SERVICE,
    },
    {"@type": "type.googleapis.com/google.rpc.LocalizedMessage", "locale": "en-US", "message": _KEY_INVALID},
)


def envelope(code: int, status: str, message: str, *details: dict[str, Any]) -> dict[str, Any]:
    error: dict[str, Any] = {"code": code, "message": message, "status": status}
    if details:
        error["details"] = list(details)
    return {"error": error}


def refuse(message: str, code: int = 400, status: str = "INVALID_ARGUMENT") -> RefusedError:
    """A refusal to raise."""
    return RefusedError(json_reply(code, envelope(code, status, message)), message)


def unknown_field(name: str, at: str) -> RefusedError:
    """What the JSON parser in front of the service says of a member it does not know."""
    place = f" at '{at}'" if at else ""
    message = f'Invalid JSON payload received. Unknown name "{name}"{place}: Cannot find field.'
    violation = {"field": at, "description": message}
    details = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": [violation]}
    return RefusedError(json_reply(400, envelope(400, "INVALID_ARGUMENT", message, details)), message)


def bad_key() -> RefusedError:
    return RefusedError(json_reply(400, envelope(400, "INVALID_ARGUMENT", _KEY_INVALID, *_KEY_DETAILS)), _KEY_INVALID)


_FAULTS: dict[str, tuple[int, str, str]] = {
    "bad_request": (400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "auth": (400, "INVALID_ARGUMENT", _KEY_INVALID),
    "forbidden": (403, "PERMISSION_DENIED", "The caller does not have permission"),
    "not_found": (
        404,
        "NOT_FOUND",
        (
            "models/no-more is not found for API version v1beta, or is not supported for generateContent. Call "
            "ModelService.ListModels to see the list of available models and their supported methods."
        ),
    ),
    "rate_limited": (
        429,
        "RESOURCE_EXHAUSTED",
        (
            "You exceeded your current quota, please check your plan and billing details. \n* Quota exceeded for metric: "
            "generativelanguage.googleapis.com/generate_content_paid_tier_input_token_count, limit: 1000000"
        ),
    ),
    "quota": (
        429,
        "RESOURCE_EXHAUSTED",
        (
            "You exceeded your current quota, please check your plan and billing details. \n* Quota exceeded for metric: "
            "generativelanguage.googleapis.com/generate_requests_per_model_per_day, limit: 250"
        ),
    ),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "server_error": (500, "INTERNAL", "An internal error has occurred. Please retry or report."),
    "context_length": (
        400,
        "INVALID_ARGUMENT",
        "The input token count (1250000) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "content_filter": (200, "", ""),
    "garbage": (200, "INTERNAL", "An internal error has occurred. Please retry or report."),
}


def _quota_details(fault: Fault) -> tuple[dict[str, Any], ...]:
    period = "PerDay" if fault.kind == "quota" else "PerMinute"
    failure = {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaId": f"GenerateContentPaidTierInputTokensPerModel{period}", "quotaValue": "1000000"}],
    }
    if fault.wait is None:
        return (failure,)
    return failure, {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": f"{fault.wait:g}s"}


def body_of(fault: Fault, key: str) -> tuple[int, dict[str, Any]]:
    """Status and body of a fault. A blocked prompt is no error here: an answer without candidates."""
    if fault.kind == "content_filter":
        return 200, {
            "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
            "usageMetadata": {"promptTokenCount": 20, "totalTokenCount": 20},
            "modelVersion": "gemini",
            "responseId": "blocked",
        }
    code, status, message = _FAULTS[fault.kind]
    if fault.leaks:
        message = f"{message} (key {key})"
    details: tuple[dict[str, Any], ...] = ()
    if fault.kind in ("rate_limited", "quota"):
        details = _quota_details(fault)
    elif fault.kind == "auth":
        details = _KEY_DETAILS
    return code, envelope(code if code != 200 else 500, status, message, *details)


def fault(fault: Fault, key: str, *, stream: bool) -> Reply:
    """The whole answer that stands for a fault."""
    status, body = body_of(fault, key)
    if status == 200 and stream:
        return Reply(body=sse(body, end=b"\r\n\r\n"), type="text/event-stream")
    return json_reply(status, body)


def in_band(fault: Fault, key: str) -> bytes:
    """The event that stands for it in a stream."""
    return sse(json.dumps(body_of(fault, key)[1]).encode(), end=b"\r\n\r\n")
